//! Turns bytes into messages, in place: headers, their order, unmasking, UTF-8, limits.
//!
//! The reader sends nothing and changes no state of the connection. `inbound` decides what a control frame means.
mod payload;
mod rules;
mod short;
mod turn;

use super::{decoding::Decoding, input::Input, read_buf::ReadBuf, state::Role};
use crate::{
    config::Config,
    error::Violation,
    frame::{MaskKey, Opcode, Utf8Validator},
    message::Kind,
    per_thread::Buffer,
};
use bytes::Bytes;

/// What [`Reader::read`] has made ready. The bytes lie in `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message, or a chunk of one: `input.message()`.
    Data { fin: bool },
    /// A control frame whose payload has this many bytes, just before the cursor.
    Control(Opcode, usize),
}

/// Where the reader stands. A message that is lent lies between the input's `start` and `end`.
///
/// ```text
/// Between ──a frame begins a message──▶ Within ──its end, or a chunk──▶ Lent… ──settle──▶ Between, or Within
///     └──────────────────a whole message in one frame─────────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No message is in progress.
    Between,
    /// A message has begun and not ended. If `frame.left` is 0, the header of its next frame comes next.
    Within { encoded: bool },
    /// A message is lent, or the last chunk of one, from the input.
    Lent,
    /// A chunk of a message that has not ended is lent, from the input.
    LentChunk,
    /// A message that was encoded is lent, or a chunk of one: the decoder's output and the input have
    /// [changed places](Decoding::present).
    LentDecoded { last: bool },
}

/// The data frame whose payload is being read.
#[derive(Debug, Default)]
struct Frame {
    fin: bool,
    /// The masking key, rotated to the next byte of payload.
    key: MaskKey,
    /// How many bytes of payload are still to come.
    left: u64,
}

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) input: Input,
    role: Role,
    state: State,
    /// Text or binary: the message in progress, or the one that is lent.
    kind: Kind,
    frame: Frame,
    utf8: Utf8Validator,
    decoding: Option<Box<Decoding>>,
    fragments: u32,
    empty_fragments: u32,
    /// Where in the stream the frame being read begins.
    frame_offset: u64,
    /// How many more frames are read in [this turn](turn).
    credit: u32,
    /// See [`Config::accept_unmasked`].
    accept_unmasked: bool,
    /// See [`short::short_below`].
    short_below: u8,
    /// Whether payload has come since the message timer was last checked.
    pub(super) progressed: bool,
    /// Tests compare a reader that takes the [short ways](Self::read_whole) with one that does not.
    #[cfg(test)]
    pub(super) no_short_ways: bool,
}

impl Reader {
    pub(super) fn new(role: Role, config: &Config, decoding: Option<Box<Decoding>>) -> Self {
        Self {
            input: Input::default(),
            role,
            state: State::Between,
            kind: Kind::Binary,
            frame: Frame::default(),
            utf8: Utf8Validator::default(),
            decoding,
            fragments: 0,
            empty_fragments: 0,
            frame_offset: 0,
            credit: turn::FRAMES_A_TURN,
            accept_unmasked: config.accept_unmasked,
            short_below: short::short_below(role, config),
            progressed: false,
            #[cfg(test)]
            no_short_ways: false,
        }
    }

    /// Text or binary: the message in progress, or the one that is lent.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Which end this is.
    #[inline]
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Whether a message has begun and not ended.
    #[inline]
    pub(super) fn is_unfinished(&self) -> bool {
        !self.is_between() && !matches!(self.state, State::LentDecoded { last: true })
    }

    /// Whether the next byte begins a control frame. (A message that was decoded is settled first.)
    pub(super) fn control_is_next(&self) -> bool {
        let between_frames = match self.state {
            State::Between | State::Lent => true,
            State::Within { encoded } => !encoded && self.frame.left == 0,
            State::LentChunk | State::LentDecoded { .. } => false,
        };
        between_frames && self.input.buf.get(self.input.cursor).is_some_and(|first| first & 0x08 != 0)
    }

    /// Where in the stream the frame begins that is being read, or that broke a rule.
    pub(super) fn frame_offset(&self) -> u64 {
        self.frame_offset
    }

    /// What has come from where a frame should begin, if its header was found wrong. Payload is not looked at.
    pub(super) fn wrong_frame(&self) -> Option<&[u8]> {
        let at_header = self.input.offset() == self.frame_offset;
        at_header.then(|| self.input.unread())
    }

    /// Prepares the input for more bytes.
    #[inline]
    pub(super) fn fill(&mut self) {
        self.settle();
        self.input.fill();
    }

    /// Where a read puts the bytes that come next.
    #[inline(always)]
    pub(super) fn read_buf(&mut self, most: usize) -> ReadBuf<'_> {
        self.settle();
        self.input.read_buf(most)
    }

    /// Before a wait for input: gives back the memory that the bytes in hand do not need.
    #[inline(always)]
    pub(super) fn rest(&mut self) {
        if self.input.is_empty() {
            self.input.release(Buffer::Input);
        } else {
            self.input.shrink();
        }
        if let Some(decoding) = &mut self.decoding {
            decoding.rest();
        }
    }

    /// As [`rest`](Self::rest), if the input has more than `except` bytes of memory.
    pub(super) fn give_back(&mut self, except: usize) {
        if self.input.memory() > except {
            self.rest();
        }
    }

    /// No message is read any more: drops the message in progress and the decoder.
    pub(super) fn end(&mut self) {
        self.settle();
        self.state = State::Between;
        self.decoding = None;
    }

    /// Takes away the bytes that have come and have not been read, for code that goes on with the transport.
    pub(super) fn take_unread(&mut self) -> Bytes {
        self.settle();
        if let Some(decoding) = &mut self.decoding {
            self.input.cursor += std::mem::take(&mut decoding.unmasked); // a part of the message in progress
        }
        self.input.take_unread()
    }

    /// How many bytes have come, ever.
    pub(super) fn received(&self) -> u64 {
        match (self.state, &self.decoding) {
            (State::LentDecoded { .. }, Some(decoding)) => decoding.output.received(),
            _ => self.input.received(),
        }
    }

    /// Whether no message is in progress, and the input is in its place: a message that was decoded is settled first.
    #[inline]
    pub(super) fn is_between(&self) -> bool {
        matches!(self.state, State::Between | State::Lent)
    }

    /// Whether nothing is left to be read, in the input or in the decoder. A decoder may have taken all input and not
    /// handed out all that it decodes to, or not yet reported the end of the message. Settle what is lent first.
    #[inline]
    pub(super) fn is_drained(&self) -> bool {
        self.input.is_drained() && (self.is_between() || !self.has_decoded())
    }

    /// Whether the decoder can hand out more of a message without more input.
    fn has_decoded(&self) -> bool {
        let ends = self.frame.fin && self.frame.left == 0;
        matches!(self.state, State::Within { encoded: true })
            && self.decoding.as_ref().is_some_and(|decoding| ends || decoding.has_more())
    }

    /// Consumes what is lent, if anything is.
    #[inline]
    pub(super) fn settle(&mut self) {
        match self.state {
            State::Between | State::Within { .. } => {}
            State::Lent => {
                self.state = State::Between;
                self.input.consume();
            }
            State::LentChunk | State::LentDecoded { .. } => self.settle_slow(),
        }
    }

    #[inline(never)]
    fn settle_slow(&mut self) {
        let encoded = matches!(self.state, State::LentDecoded { .. });
        if self.is_unfinished() {
            self.state = State::Within { encoded };
            // The bytes of an incomplete character were not lent. They stay, in front of the bytes that come next.
            self.input.start = self.input.end;
            self.input.end += self.utf8.pending();
        } else {
            self.state = State::Between;
            self.input.consume();
        }
        if let Some(decoding) = self.decoding.as_mut().filter(|_| encoded) {
            decoding.take_back(&mut self.input);
        }
    }

    /// Makes the next thing in the input ready. `None`: it needs more bytes or, if [`has_more`](Self::has_more),
    /// another turn.
    #[inline(never)]
    pub(super) fn read(&mut self, config: &Config) -> Result<Option<Found>, Violation> {
        self.settle();
        loop {
            if let State::Within { encoded } = self.state {
                let full = if encoded { self.decode_payload(config)? } else { self.read_payload()? };
                if full || self.frame.left > 0 {
                    return Ok(self.chunk(config));
                }
                if self.frame.fin {
                    self.utf8.finish()?;
                    return Ok(Some(self.lend(encoded, true)));
                }
            }
            if self.has_more() {
                return Ok(self.chunk(config));
            }
            self.frame_offset = self.input.offset();
            let Some((header, size)) = self.header()? else { return Ok(self.chunk(config)) };
            if !header.opcode.is_control() {
                self.begin_frame(&header, size, config)?;
                continue;
            }
            let (from, len) = (self.input.cursor + size, header.len as usize); // `decode` has checked that `len` is at most 125
            if self.input.unread().len() < size + len {
                return Ok(self.chunk(config));
            }
            if let Some(chunk) = self.chunk(config) {
                return Ok(Some(chunk)); // bytes from before the control frame go first
            }
            self.input.cursor = from + len;
            self.credit = self.credit.saturating_sub(1);
            if let Some(mut key) = header.mask {
                key.apply(&mut self.input.buf[from..from + len]);
            }
            return Ok(Some(Found::Control(header.opcode, len)));
        }
    }
}

#[cfg(test)]
mod tests;
