//! Inflates messages that are received. Each message borrows a state; between messages, only the window may be kept.
use super::{
    Context,
    memory::{self, Reservation},
    params::WIDEST,
};
use crate::{
    error::Violation,
    extension::{Decoder, Output},
    frame::Rsv,
};
use flate2::{Decompress, FlushDecompress, Status};
use std::{collections::VecDeque, fmt};

/// How many bytes are inflated at a time, at least and at most. The room for them is zeroed first.
const CHUNK: (usize, usize) = (512, 64 << 10);

/// The bytes that senders remove from the end of every message (RFC 7692 §7.2.1), and a final block, which ends the stream.
const END: [u8; 9] = [0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF];

/// How many DEFLATE streams a message may consist of, and one more for each `FEW` bytes inflated. Senders need one, or one for
/// each chunk. Beginning a stream costs as much as inflating thousands of bytes, so their number has a limit.
const FEW: usize = 64;

pub(super) struct Inflater {
    /// `Some` only while a message is under way.
    state: Option<Decompress>,
    /// Whether the next byte begins a DEFLATE stream. The state must be reset before.
    fresh: bool,
    /// The bytes that a stream may refer to.
    window: Window,
    takeover: bool,
    /// Whether a message has ended before the one under way: the peer might refer to it.
    later: bool,
    /// Of the message under way: how many streams have ended, and how many bytes have been inflated.
    streams: usize,
    made: usize,
    reserved: Reservation,
    /// How many bytes are counted as held by the message under way: see [`Decoder::hold`].
    held: usize,
}

impl Inflater {
    pub(super) fn new(context: Context, reserved: Reservation) -> Self {
        Self {
            state: None,
            fresh: true,
            window: Window { bytes: VecDeque::new(), limit: memory::window(context.window_bits) },
            takeover: context.takeover,
            later: false,
            streams: 0,
            made: 0,
            reserved,
            held: 0,
        }
    }

    /// Inflates `input` until there is no room. `true`: all of `input` was taken, and all it inflates to was added.
    fn inflate(&mut self, input: &[u8], taken: &mut usize, out: &mut Output<'_>) -> Result<bool, Violation> {
        let least = input.len().saturating_mul(4).clamp(CHUNK.0, CHUNK.1);
        let mut chunk = least;
        while out.room() > 0 {
            if self.fresh && *taken == input.len() {
                return Ok(true);
            }
            let pools = self.reserved.memory().pools();
            let state = self.state.get_or_insert_with(|| pools.decompress());
            if self.fresh {
                state.reset(false);
                self.window.give(state, out.added())?;
                self.fresh = false;
            }
            let len = chunk.min(out.room());
            let mut stepped = Err(Violation::Encoding);
            out.fill(len, |room| {
                stepped = step(state, &input[*taken..], room);
                stepped.map_or(0, |(.., made)| made)
            });
            let (status, read, made) = stepped.map_err(|_| self.corrupt())?;
            *taken += read;
            self.made = self.made.saturating_add(made);
            chunk = (chunk * 2).min(CHUNK.1);
            match status {
                // Other streams may follow (§7.2.3.5), and refer to this one. The state is reset when one does.
                Status::StreamEnd => {
                    self.fresh = true;
                    self.streams += 1;
                    if self.streams > FEW + self.made / FEW {
                        return Err(Violation::Encoding);
                    }
                    chunk = least.min(CHUNK.0);
                }
                _ if made == len => {}
                _ if *taken == input.len() => return Ok(true),
                _ if read == 0 && made == 0 => return Err(Violation::Encoding),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Why a message cannot be inflated. If the sender has agreed to keep no context, or less, and there was a message
    /// before, most likely the sender refers to that message all the same.
    fn corrupt(&self) -> Violation {
        let agreed_to_less = !self.takeover || self.window.limit < 1 << WIDEST;
        if agreed_to_less && self.later { Violation::MissingContext } else { Violation::Encoding }
    }

    /// Whether the message is complete. Fed the end that senders take off ([`END`]), the stream must end exactly there,
    /// with no more output.
    fn whole(&mut self) -> bool {
        let Some(state) = self.state.as_mut().filter(|_| !self.fresh) else {
            return true; // the message has no byte, or none after a final block
        };
        // The bytes that the sender removed may have ended a final block: then 4 bytes are taken, not 9.
        matches!(step(state, &END, &mut [0]), Ok((Status::StreamEnd, 4 | 9, 0)))
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.state.is_none()
    }
    #[cfg(test)]
    pub(super) fn window_len(&self) -> usize {
        self.window.bytes.len()
    }
    #[cfg(test)]
    pub(super) fn window_capacity(&self) -> usize {
        self.window.bytes.capacity()
    }

    fn give_back(&mut self) {
        if let Some(state) = self.state.take() {
            self.reserved.memory().pools().return_decompress(state);
        }
        self.fresh = true;
        let _ = self.reserved.memory().hold(&mut self.held, 0); // holding less cannot fail
    }
}

impl Decoder for Inflater {
    fn begin(&mut self, _: Rsv) -> Result<(), Violation> {
        self.give_back();
        (self.streams, self.made) = (0, 0);
        if !self.takeover {
            self.window.bytes.clear();
        }
        Ok(())
    }

    fn decode(&mut self, input: &[u8], fin: bool, out: &mut Output<'_>) -> Result<usize, Violation> {
        let mut taken = 0;
        let ended = match self.inflate(input, &mut taken, out) {
            Ok(paused) => fin && paused,
            Err(violation) => {
                self.give_back();
                return Err(violation);
            }
        };
        let whole = !ended || self.whole();
        if ended {
            self.give_back();
            self.later = true;
        }
        if ended && !self.takeover {
            self.window.bytes = VecDeque::new(); // an idle connection holds nothing
        } else {
            self.window.slide(out.added());
        }
        if whole { Ok(taken) } else { Err(Violation::Encoding) }
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Violation> {
        let state = if self.state.is_some() { memory::INFLATER } else { 0 };
        // A window that is kept between messages has been reserved at the handshake.
        let window = if self.takeover { 0 } else { self.window.bytes.capacity() };
        let all = bytes.saturating_add(state + window);
        let held = self.reserved.memory().hold(&mut self.held, all);
        if held.is_err() {
            self.give_back();
        }
        held
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Leaves out the state, which is opaque.
impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("window", &self.window.limit)
            .field("takeover", &self.takeover)
            .finish_non_exhaustive()
    }
}

/// One call of zlib: its status, how many bytes it read, and how many it wrote.
fn step(state: &mut Decompress, input: &[u8], out: &mut [u8]) -> Result<(Status, usize, usize), Violation> {
    let (read, made) = (state.total_in(), state.total_out());
    // The kind of flush makes no difference: zlib inflates until the input or the room is used up.
    let status = state.decompress(input, out, FlushDecompress::None).map_err(|_| Violation::Encoding)?;
    Ok((status, (state.total_in() - read) as usize, (state.total_out() - made) as usize))
}

/// The last bytes that were inflated: as many as the peer may refer to.
struct Window {
    bytes: VecDeque<u8>,
    limit: usize,
}

impl Window {
    fn slide(&mut self, fresh: &[u8]) {
        let fresh = &fresh[fresh.len().saturating_sub(self.limit)..];
        let over = (self.bytes.len() + fresh.len()).saturating_sub(self.limit);
        self.bytes.drain(..over);
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        if len + fresh.len() > capacity {
            // The memory grows with the bytes that come, and never past the limit, which has been reserved.
            self.bytes.reserve_exact((2 * capacity).clamp(len + fresh.len(), self.limit) - len);
        }
        self.bytes.extend(fresh);
    }

    /// Makes the window, and `fresh` after it, the bytes that the state may refer to.
    fn give(&self, state: &mut Decompress, fresh: &[u8]) -> Result<(), Violation> {
        let (older, newer) = self.bytes.as_slices();
        let fresh = &fresh[fresh.len().saturating_sub(self.limit)..];
        let parts = if fresh.len() < self.limit { [older, newer, fresh] } else { [fresh, &[], &[]] };
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            state.set_dictionary(part).map_err(|_| Violation::Encoding)?;
        }
        Ok(())
    }
}
