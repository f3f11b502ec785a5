//! [`Decoding`]: an extension's decoder, and the bytes it has decoded until they are handed out.
use super::input::Input;
use crate::{
    error::Violation,
    extension::{Decoder, Output},
    frame::Rsv,
    per_thread::Buffer,
};
use bytes::BytesMut;

/// With [`Delivery::Chunks`](crate::Delivery::Chunks), a chunk is handed out once it has this many bytes.
const CHUNK: usize = 64 * 1024;

/// The receiving side of an agreement.
///
/// ```text
/// input: unmasked bytes ─▶ decoder ─▶ output
/// ```
/// While a decoded message is handed out, `output` and the reader's input have changed places. So every message is lent
/// from the same place, and messages that are not encoded cost nothing extra.
#[derive(Debug)]
pub(super) struct Decoding {
    decoder: Box<dyn Decoder>,
    /// The reserved bits to which the extension gives a meaning.
    rsv: Rsv,
    /// How many bytes at the input's cursor have been unmasked and wait to be decoded.
    pub(super) unmasked: usize,
    /// Whether the decoder has handed out all that the bytes it took decode to. If not, the output had no room for it.
    drained: bool,
    /// Whether the decoder was last told how much memory an unfinished message [holds](Decoder::hold).
    holds: bool,
    pub(super) output: Input,
}

/// How far [`Decoding::decode`] got.
pub(super) struct Decoded {
    /// How many bytes were taken from the input.
    pub(super) taken: usize,
    /// Whether all that these bytes decode to has been appended, not only what there was room for.
    pub(super) done: bool,
}

impl Decoding {
    pub(super) fn new(decoder: Box<dyn Decoder>, rsv: Rsv) -> Self {
        Self { decoder, rsv, unmasked: 0, drained: true, holds: false, output: Input::default() }
    }

    /// A message that is encoded begins, in a frame with these bits.
    pub(super) fn begin(&mut self, rsv: Rsv) -> Result<(), Violation> {
        self.drained = true;
        self.decoder.begin(rsv)
    }

    /// Whether there are bytes to be decoded, or the decoder has not handed out all that it has decoded.
    pub(super) fn has_more(&self) -> bool {
        self.unmasked > 0 || !self.drained
    }

    /// Whether a frame that begins a message may have these bits set.
    pub(super) fn knows(&self, rsv: Rsv) -> bool {
        self.rsv.contains(rsv)
    }

    /// Decodes the next bytes of a message of at most `limit` bytes; without a limit, as much as a chunk has room for.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        fin: bool,
        limit: Option<usize>,
    ) -> Result<Decoded, Violation> {
        let decoded = self.decode_some(input, fin, limit)?;
        self.holds = !(fin && decoded.done);
        if self.holds {
            self.decoder.hold(self.output.memory_at_rest())?;
        }
        Ok(decoded)
    }

    fn decode_some(&mut self, input: &[u8], fin: bool, limit: Option<usize>) -> Result<Decoded, Violation> {
        let output = &mut self.output;
        if output.buf.capacity() == 0 {
            output.take_spare(Buffer::Decoded);
        }
        output.cut_room();
        let room = limit.unwrap_or(CHUNK).saturating_sub(output.message().len());
        if let (Some(limit), 0) = (limit, room) {
            // The message is as long as it may be. One byte more is too many.
            let mut more = BytesMut::new();
            let taken = self.decoder.decode(input, fin, &mut Output::new(&mut more, 1))?;
            if !more.is_empty() {
                return Err(Violation::MessageTooBig { limit });
            }
            return self.progress(input, taken, 0, 1);
        }
        let (before, capacity) = (output.buf.len(), output.buf.capacity());
        let taken = self.decoder.decode(input, fin, &mut Output::new(&mut output.buf, room))?;
        output.has_grown(capacity);
        (output.end, output.cursor) = (output.buf.len(), output.buf.len());
        let given = output.buf.len() - before;
        self.progress(input, taken, given, room)
    }

    /// Judges a call of the decoder. A decoder that neither takes nor gives bytes would be called for ever, so that is an
    /// error.
    fn progress(
        &mut self,
        input: &[u8],
        taken: usize,
        given: usize,
        room: usize,
    ) -> Result<Decoded, Violation> {
        let done = taken >= input.len() && given < room;
        if taken > input.len() || !done && taken == 0 && given == 0 {
            return Err(Violation::Encoding);
        }
        self.drained = done;
        Ok(Decoded { taken, done })
    }

    /// Whether a chunk is long enough to be handed out.
    pub(super) fn is_full(&self) -> bool {
        self.output.message().len() >= CHUNK
    }

    /// Puts the output in the input's place, to be handed out.
    pub(super) fn present(&mut self, input: &mut Input) {
        std::mem::swap(&mut self.output, input);
    }

    /// Takes the output back once it has been handed out. The bytes of an incomplete character stay.
    pub(super) fn take_back(&mut self, input: &mut Input) {
        std::mem::swap(&mut self.output, input);
        if self.output.is_empty() {
            self.release();
        } else {
            self.output.cut_consumed();
        }
        if self.holds {
            let _ = self.decoder.hold(self.output.memory_at_rest()); // less than before
        }
    }

    fn release(&mut self) {
        self.output.release(Buffer::Decoded);
    }

    /// Before a wait for input: gives back the memory that the bytes in hand do not need.
    pub(super) fn rest(&mut self) {
        if self.output.is_empty() {
            self.release();
        } else {
            self.output.shrink();
        }
    }
}
