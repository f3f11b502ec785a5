//! Payload as it comes: each byte is unmasked, validated and decoded once; then the message, or a chunk of it, is lent.
use super::{Found, Reader, State};
use crate::{
    config::{Config, Delivery},
    error::Violation,
    frame::MaskKey,
    message::Kind,
    proto::state::Role,
};

impl Reader {
    /// Takes the payload bytes that have come: moves them next to those before, unmasks them and validates them, each
    /// once. There is always room for them.
    pub(super) fn read_payload(&mut self) -> Result<bool, Violation> {
        let input = &mut self.input;
        let come = input.unread().len();
        let fresh = usize::try_from(self.frame.left).map_or(come, |left| left.min(come));
        if fresh == 0 {
            return Ok(false);
        }
        if input.cursor != input.end {
            input.buf.copy_within(input.cursor..input.cursor + fresh, input.end);
        }
        let payload = &mut input.buf[input.end..input.end + fresh];
        let ascii = self.role == Role::Server && unmask(&mut self.frame.key, payload);
        input.end += fresh;
        input.cursor += fresh;
        self.frame.left -= fresh as u64;
        self.progressed = true;
        match self.kind {
            Kind::Text if ascii => self.utf8.feed_ascii(payload)?,
            Kind::Text => self.utf8.feed(payload)?,
            Kind::Binary => {}
        }
        Ok(false)
    }

    /// Takes the payload bytes that have come, of a message that is encoded: unmasks, decodes and validates them, each
    /// once. Returns whether a chunk must be handed out before there is room for more.
    pub(super) fn decode_payload(&mut self, config: &Config) -> Result<bool, Violation> {
        let (Some(decoding), input) = (&mut self.decoding, &mut self.input) else { return Ok(false) };
        let fresh = input.cursor + decoding.unmasked;
        let come = input.unread().len() - decoding.unmasked;
        let come = usize::try_from(self.frame.left).map_or(come, |left| left.min(come));
        if come > 0 {
            if self.role == Role::Server {
                unmask(&mut self.frame.key, &mut input.buf[fresh..fresh + come]);
            }
            decoding.unmasked += come;
            self.frame.left -= come as u64;
            self.progressed = true;
        }
        let fin = self.frame.fin && self.frame.left == 0;
        let limit = (config.delivery == Delivery::Messages).then_some(config.max_message_size);
        while decoding.has_more() || fin {
            let encoded = &input.buf[input.cursor..input.cursor + decoding.unmasked];
            let before = decoding.output.message().len();
            let decoded = decoding.decode(encoded, fin, limit)?;
            input.cursor += decoded.taken;
            input.consume();
            decoding.unmasked -= decoded.taken;
            if self.kind == Kind::Text {
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

    /// With [`Delivery::Chunks`], lends the bytes that have come and have not been lent.
    pub(super) fn chunk(&mut self, config: &Config) -> Option<Found> {
        let State::Within { encoded } = self.state else { return None };
        let message = match &self.decoding {
            Some(decoding) if encoded => decoding.output.message(),
            _ => self.input.message(),
        };
        let ready = config.delivery == Delivery::Chunks && message.len() > self.utf8.pending();
        ready.then(|| self.lend(encoded, false))
    }

    /// Lends the bytes of the message that have come, without those of an incomplete character.
    pub(super) fn lend(&mut self, encoded: bool, last: bool) -> Found {
        if let Some(decoding) = self.decoding.as_mut().filter(|_| encoded) {
            decoding.present(&mut self.input);
        }
        self.input.end -= self.utf8.pending();
        self.state = match (encoded, last) {
            (true, last) => State::LentDecoded { last },
            (false, true) => State::Lent,
            (false, false) => State::LentChunk,
        };
        Found::Data { fin: last }
    }
}

/// A payload of at least this many bytes is unmasked from where a cache line begins, which is faster by a fifth.
const LONG: usize = 4 * 1024;

/// As [`MaskKey::apply`], and faster if the payload is [`LONG`].
#[inline]
pub(super) fn unmask(key: &mut MaskKey, payload: &mut [u8]) -> bool {
    if payload.len() < LONG { key.apply(payload) } else { unmask_long(key, payload) }
}

#[inline(never)]
fn unmask_long(key: &mut MaskKey, payload: &mut [u8]) -> bool {
    let before = payload.as_ptr().align_offset(64).min(payload.len());
    let (before, lines) = payload.split_at_mut(before);
    key.apply(before) & key.apply(lines)
}
