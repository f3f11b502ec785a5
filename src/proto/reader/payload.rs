//! Payload as it comes: unmasked, validated, decoded, each byte once; and what of it is ready to be handed out.
use super::{Found, HandedOut, Reader};
use crate::{
    config::{Config, Delivery},
    error::Violation,
    message::Kind,
    proto::state::Role,
};

impl Reader {
    /// Takes the payload bytes that have come: moves them next to the message's, unmasks, validates; each once. There is
    /// always room for them.
    pub(super) fn read_payload(&mut self) -> Result<bool, Violation> {
        let input = &mut self.input;
        let come = input.buf.len() - input.cursor;
        let fresh = usize::try_from(self.left).map_or(come, |left| left.min(come));
        if fresh == 0 {
            return Ok(false);
        }
        if input.cursor != input.end {
            input.buf.copy_within(input.cursor..input.cursor + fresh, input.end);
        }
        let payload = &mut input.buf[input.end..input.end + fresh];
        let ascii = self.role == Role::Server && self.key.apply(payload);
        input.end += fresh;
        input.cursor += fresh;
        self.left -= fresh as u64;
        self.progressed = true;
        match self.message {
            Some(Kind::Text) if ascii => self.utf8.feed_ascii(payload)?,
            Some(Kind::Text) => self.utf8.feed(payload)?,
            _ => {}
        }
        Ok(false)
    }

    /// Takes the payload bytes that have come, of a message that is encoded: unmasks, decodes, validates; each once. Says
    /// whether a piece has to be handed out before there is room for more.
    pub(super) fn decode_payload(&mut self, config: &Config) -> Result<bool, Violation> {
        let (Some(decoding), input) = (&mut self.decoding, &mut self.input) else { return Ok(false) };
        let fresh = input.cursor + decoding.unmasked;
        let come = input.buf.len() - fresh;
        let come = usize::try_from(self.left).map_or(come, |left| left.min(come));
        if come > 0 {
            if self.role == Role::Server {
                self.key.apply(&mut input.buf[fresh..fresh + come]);
            }
            decoding.unmasked += come;
            self.left -= come as u64;
            self.progressed = true;
        }
        let fin = self.fin && self.left == 0;
        let limit = (config.delivery == Delivery::Messages).then_some(config.max_message_size);
        while decoding.has_more() || fin {
            let encoded = &input.buf[input.cursor..input.cursor + decoding.unmasked];
            let before = decoding.output.message().len();
            let decoded = decoding.decode(encoded, fin, limit)?;
            input.cursor += decoded.taken;
            input.consume();
            decoding.unmasked -= decoded.taken;
            if self.message == Some(Kind::Text) {
                self.utf8.feed(&decoding.output.message()[before..])?;
            }
            if decoded.done {
                break;
            }
            if limit.is_none() && decoding.is_full() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// With [`Delivery::Chunks`], what has come and has not been handed out.
    pub(super) fn piece(&mut self, config: &Config) -> Option<Found> {
        let held_back = self.utf8.pending();
        let message = match &self.decoding {
            Some(decoding) if decoding.is_active() => decoding.output.message(),
            _ => self.input.message(),
        };
        (config.delivery == Delivery::Chunks && message.len() > held_back).then(|| self.hand_out(false))
    }

    pub(super) fn hand_out(&mut self, fin: bool) -> Found {
        self.handed_out = if fin { HandedOut::Message } else { HandedOut::Piece };
        if let Some(decoding) = self.decoding.as_mut().filter(|decoding| decoding.is_active()) {
            decoding.present(&mut self.input);
            self.handed_out = if fin { HandedOut::Decoded } else { HandedOut::DecodedPiece };
        }
        self.input.end -= self.utf8.pending();
        Found::Data { fin }
    }
}
