//! Bytes into messages, in place: headers, the order they may come in, unmasking, UTF-8, limits.
//!
//! It asks for nothing and answers nothing: what a control frame means is for `inbound` to say.
mod payload;

use super::{decoding::Decoding, input::Input, spare, state::Role, utf8::Utf8Validator};
use crate::{
    config::{Config, Delivery},
    error::Violation,
    frame::{Decoded, Header, MaskKey, Opcode, Rsv},
    message::Kind,
};
use bytes::Bytes;

/// What [`Reader::read`] has made ready; where it lies, `input` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message, or a piece of one: `input.message()`.
    Data { fin: bool },
    /// A control frame with so many bytes of payload, just before the cursor.
    Control(Opcode, usize),
}

/// What lies between the input's `start` and `end`, if it has been handed out and not been consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HandedOut {
    #[default]
    Nothing,
    /// A message, or the last piece of one.
    Message,
    /// A piece that does not end the message.
    Piece,
    /// From a decoder, whose output and the input have [changed places](Decoding::present): one that ends the message.
    Decoded,
    /// And one that does not.
    DecodedPiece,
}

impl HandedOut {
    fn is_decoded(self) -> bool {
        matches!(self, Self::Decoded | Self::DecodedPiece)
    }
}

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) input: Input,
    role: Role,
    /// The message in progress.
    message: Option<Kind>,
    handed_out: HandedOut,
    /// Whether the payload of a data frame is being read; then, what is left of it, its key and its FIN.
    in_payload: bool,
    fin: bool,
    key: MaskKey,
    left: u64,
    utf8: Utf8Validator,
    decoding: Option<Box<Decoding>>,
    fragments: u32,
    empty_fragments: u32,
    /// Where in the stream the frame being read begins.
    frame_offset: u64,
    /// Payload has come since the message timer last looked.
    pub(super) progressed: bool,
}

impl Reader {
    pub(super) fn new(role: Role, decoding: Option<Box<Decoding>>) -> Self {
        Self {
            input: Input::default(),
            role,
            message: None,
            handed_out: HandedOut::Nothing,
            in_payload: false,
            fin: false,
            key: MaskKey::default(),
            left: 0,
            utf8: Utf8Validator::default(),
            decoding,
            fragments: 0,
            empty_fragments: 0,
            frame_offset: 0,
            progressed: false,
        }
    }

    /// Text or binary: the message in progress, or the one handed out.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        self.message.unwrap_or(Kind::Binary)
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_unfinished(&self) -> bool {
        let ended = matches!(self.handed_out, HandedOut::Message | HandedOut::Decoded);
        self.message.is_some() && !ended
    }

    /// Whether the next byte begins a control frame.
    pub(super) fn control_is_next(&self) -> bool {
        !self.in_payload && self.input.buf.get(self.input.cursor).is_some_and(|first| first & 0x08 != 0)
    }

    /// Where in the stream the frame begins that is being read, or was found wrong.
    pub(super) fn frame_offset(&self) -> u64 {
        self.frame_offset
    }

    /// More bytes are about to come.
    #[inline]
    pub(super) fn fill(&mut self) {
        self.settle();
        self.input.fill();
    }

    /// More bytes are about to come: makes room for a read.
    #[inline(always)]
    pub(super) fn read_space(&mut self) {
        self.settle();
        self.input.read_space();
    }

    /// Nothing comes for now: gives back the memory that what waits does not need.
    #[inline]
    pub(super) fn rest(&mut self) {
        if self.input.is_empty() {
            self.input.release(spare::Of::Input);
        } else {
            self.input.shrink();
        }
        if let Some(decoding) = &mut self.decoding {
            decoding.rest();
        }
    }

    /// Nothing more is to be read: gives back all that a message in progress held, and the decoder's memory.
    pub(super) fn end(&mut self) {
        self.settle();
        self.decoding = None;
    }

    /// Gives away what has not been read.
    pub(super) fn take_unread(&mut self) -> Bytes {
        self.settle();
        if let Some(decoding) = &mut self.decoding {
            self.input.cursor += std::mem::take(&mut decoding.unmasked); // a part of the message in progress
        }
        self.input.take_unread()
    }

    /// How many bytes have come, ever.
    pub(super) fn received(&self) -> u64 {
        match &self.decoding {
            Some(decoding) if self.handed_out.is_decoded() => decoding.output.received(),
            _ => self.input.received(),
        }
    }

    /// Whether the message in progress is encoded.
    fn is_encoded(&self) -> bool {
        self.decoding.as_ref().is_some_and(|decoding| decoding.is_active())
    }

    /// Whether no message is in progress, and the input is in its place: a message that was decoded is settled first.
    #[inline]
    fn is_between(&self) -> bool {
        self.message.is_none() || self.handed_out == HandedOut::Message
    }

    /// Nothing lies behind what was handed out, and no more of that message is to come: there is nothing to be read.
    /// By far the most common way for the input to end.
    #[inline]
    pub(super) fn ends(&mut self) -> bool {
        let ended = self.is_between();
        if ended {
            (self.message, self.handed_out) = (None, HandedOut::Nothing);
            self.input.consume();
        }
        ended
    }

    /// Consumes what was handed out, if that has not been done.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.handed_out == HandedOut::Message {
            (self.message, self.handed_out) = (None, HandedOut::Nothing);
            self.input.consume();
        } else if self.handed_out != HandedOut::Nothing {
            self.settle_any();
        }
    }

    #[inline(never)]
    fn settle_any(&mut self) {
        let handed_out = std::mem::take(&mut self.handed_out);
        if handed_out == HandedOut::Decoded {
            self.message = None;
            self.input.consume();
        } else {
            // What is held back of a character stays in front of what comes.
            self.input.start = self.input.end;
            self.input.end += self.utf8.pending();
        }
        if let Some(decoding) = self.decoding.as_mut().filter(|_| handed_out.is_decoded()) {
            decoding.take_back(&mut self.input);
        }
    }

    /// A whole message in one frame, at once: by far the most common case, so it is tried first. Says whether there
    /// is one; if not, nothing has changed.
    #[inline(never)]
    pub(super) fn read_whole(&mut self, config: &Config) -> bool {
        self.is_between() && (self.read_short(config) || self.read_one_frame(config))
    }

    /// What most of a server's messages are: a masked frame with a header of six bytes.
    #[inline(always)]
    fn read_short(&mut self, config: &Config) -> bool {
        let input = &mut self.input;
        let Some((head, rest)) = input.buf[input.cursor..].split_first_chunk_mut::<6>() else { return false };
        let [first, second, key @ ..] = *head;
        let len = usize::from(second.wrapping_sub(0x80)); // with the mask bit set; else it is too long
        let kind = match first {
            0x81 => Kind::Text,
            0x82 => Kind::Binary,
            _ => return false,
        };
        if len > 125 || len > config.max_message_size || self.role == Role::Client {
            return false;
        }
        let Some(payload) = rest.get_mut(..len) else { return false };
        let ascii = MaskKey::new(key).apply(payload);
        if kind == Kind::Text && !ascii && simdutf8::basic::from_utf8(payload).is_err() {
            MaskKey::new(key).apply(payload); // as it was: `read` will say what is wrong
            return false;
        }
        let start = input.cursor + head.len();
        (input.start, input.end, input.cursor) = (start, start + len, start + len);
        (self.message, self.handed_out) = (Some(kind), HandedOut::Message);
        true
    }

    #[inline(never)]
    fn read_one_frame(&mut self, config: &Config) -> bool {
        let input = &mut self.input;
        let kind = match input.buf.get(input.cursor) {
            Some(0x81) => Kind::Text,
            Some(0x82) => Kind::Binary,
            _ => return false,
        };
        let Ok(Decoded::Complete(header, size)) = Header::decode(&input.buf[input.cursor..]) else {
            return false;
        };
        if header.mask.is_some() != (self.role == Role::Server) || header.len > config.max_message_size as u64
        {
            return false;
        }
        let start = input.cursor + size;
        let Some(end) = start.checked_add(header.len as usize) else { return false };
        let Some(payload) = input.buf.get_mut(start..end) else { return false };
        let key = header.mask.unwrap_or_default();
        let ascii = { key }.apply(payload);
        if kind == Kind::Text && !ascii && simdutf8::basic::from_utf8(payload).is_err() {
            { key }.apply(payload); // as it was: `read` will say what is wrong
            return false;
        }
        (input.start, input.end, input.cursor) = (start, end, end);
        (self.message, self.handed_out) = (Some(kind), HandedOut::Message);
        true
    }

    /// The next thing in the input; `None` needs more bytes.
    #[inline(never)]
    pub(super) fn read(&mut self, config: &Config) -> Result<Option<Found>, Violation> {
        self.settle();
        loop {
            if self.in_payload {
                let full =
                    if self.is_encoded() { self.decode_payload(config)? } else { self.read_payload()? };
                if full || self.left > 0 {
                    return Ok(self.piece(config));
                }
                self.in_payload = false;
                if self.fin {
                    self.utf8.finish()?;
                    return Ok(Some(self.hand_out(true)));
                }
            }
            let rest = &self.input.buf[self.input.cursor..];
            self.frame_offset = self.input.offset();
            let &[first, second, ..] = rest else { return Ok(self.piece(config)) };
            self.check_order(first, second)?;
            let (header, size) = match Header::decode(rest)? {
                Decoded::Complete(header, size) => (header, size),
                Decoded::Partial(_) => return Ok(self.piece(config)),
            };
            if header.opcode.is_control() {
                let len = header.len as usize; // at most 125: `decode` has seen to it
                if rest.len() < size + len {
                    return Ok(self.piece(config));
                }
                if let Some(piece) = self.piece(config) {
                    return Ok(Some(piece)); // what came before the control frame goes first
                }
                self.input.cursor += size + len;
                let payload = self.input.cursor - len..self.input.cursor;
                if let Some(mut key) = header.mask {
                    key.apply(&mut self.input.buf[payload]);
                }
                return Ok(Some(Found::Control(header.opcode, len)));
            }
            self.begin_frame(&header, size, config)?;
        }
    }

    /// What the first two bytes of a frame must satisfy, given what came before (RFC 6455 §5.1, §5.2, §5.4).
    fn check_order(&self, first: u8, second: u8) -> Result<(), Violation> {
        let rsv = Rsv::of(first);
        let begins = matches!(first & 0x0F, 1 | 2);
        if rsv != Rsv::NONE && !(begins && self.decoding.as_ref().is_some_and(|decoding| decoding.knows(rsv)))
        {
            return Err(Violation::ReservedBits);
        }
        match (self.role, second & 0x80 != 0) {
            (Role::Server, false) => return Err(Violation::Unmasked),
            (Role::Client, true) => return Err(Violation::Masked),
            _ => {}
        }
        match (first & 0x0F, self.message) {
            (0, None) => Err(Violation::UnexpectedContinuation),
            (1 | 2, Some(_)) => Err(Violation::ExpectedContinuation),
            _ => Ok(()),
        }
    }

    /// A data frame begins. Fails before a byte of its payload is kept.
    fn begin_frame(&mut self, header: &Header, size: usize, config: &Config) -> Result<(), Violation> {
        let begun = match header.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        if begun.is_some() {
            self.input.consume();
            (self.fragments, self.empty_fragments) = (0, 0);
            if let Some(decoding) = &mut self.decoding {
                decoding.begin(header.rsv)?;
            }
        }
        // A message in one frame has no fragments (RFC 6455 §5.4), and an empty last frame adds nothing but the end:
        // neither is counted.
        let fragmented = begun.is_none() || !header.fin;
        self.fragments = self.fragments.saturating_add(u32::from(!header.fin || header.len > 0));
        self.empty_fragments = if header.len == 0 { self.empty_fragments.saturating_add(1) } else { 0 };
        if fragmented && self.empty_fragments > config.max_empty_fragments {
            return Err(Violation::TooManyEmptyFragments { limit: config.max_empty_fragments });
        }
        if config.delivery == Delivery::Messages {
            if fragmented && self.fragments > config.max_fragments {
                return Err(Violation::TooManyFragments { limit: config.max_fragments });
            }
            let room = config.max_message_size.saturating_sub(self.input.message().len());
            if header.len > room as u64 && !self.is_encoded() {
                return Err(Violation::MessageTooBig { limit: config.max_message_size });
            }
        }
        self.message = begun.or(self.message);
        self.progressed |= begun.is_some();
        self.input.cursor += size;
        if begun.is_some() || self.is_encoded() {
            self.input.consume();
        }
        self.in_payload = true;
        self.fin = header.fin;
        self.key = header.mask.unwrap_or_default();
        self.left = header.len;
        Ok(())
    }
}
