//! Compresses messages that are sent. Every chunk is flushed, so that the peer can decode it at once.
use super::{Context, memory::Reservation, params::NAME};
use crate::{
    extension::{Encoder, Profile},
    frame::Rsv,
};
use bytes::{BufMut, BytesMut};
use flate2::{Compress, FlushCompress, Status};
use std::fmt;

/// The bytes that end a flush. They are removed from the end of a message (RFC 7692 §7.2.1).
const MARK: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// How many bytes are compressed at a time. The room for the result is zeroed first, so it must not be large.
const CHUNK: usize = 32 << 10;

pub(super) struct Deflater {
    level: u8,
    min_size: usize,
    context: Context,
    /// With takeover: `Some` from the first message on. Without: only while a message is under way.
    state: Option<Compress>,
    reserved: Reservation,
}

impl Deflater {
    /// If `context` has 8 bits, nothing is compressed: zlib has no such window (§7.1.2).
    pub(super) fn new(level: u8, min_size: usize, context: Context, reserved: Reservation) -> Self {
        Self { level, min_size, context, state: None, reserved }
    }

    fn able(&self) -> bool {
        self.context.window_bits > 8
    }

    fn give_back(&mut self) {
        if let Some(state) = self.state.take() {
            let pools = self.reserved.memory().pools();
            pools.return_compress(self.level, self.context.window_bits, state);
        }
    }
}

impl Encoder for Deflater {
    fn begin(&mut self, len: Option<usize>) -> Rsv {
        if !self.able() || len.is_some_and(|len| len < self.min_size) {
            return Rsv::NONE;
        }
        if !self.context.takeover {
            self.give_back(); // the state of a message that was not finished
        }
        Rsv::RSV1
    }

    fn encode(&mut self, chunk: &[u8], fin: bool, out: &mut BytesMut) {
        if chunk.is_empty() {
            // Flushing again would append nothing. The message must end with an empty block without its `MARK`: a zero.
            if fin {
                out.put_u8(0);
            }
        } else {
            let (level, bits, from) = (self.level, self.context.window_bits, out.len());
            let pools = self.reserved.memory().pools();
            let state = self.state.get_or_insert_with(|| pools.compress(level, bits));
            if !compress(state, chunk, out) {
                // This should never happen. The chunk is sent uncompressed, and later messages do not refer to it.
                self.state = None;
                out.truncate(from);
                store(chunk, out);
            }
            if fin {
                out.truncate(out.len() - MARK.len());
            }
        }
        if fin && !self.context.takeover {
            self.give_back();
        }
    }

    fn profile(&self) -> Option<Profile> {
        let settings = match (self.able(), self.context.takeover) {
            (false, _) => 0,
            (true, true) => return None,
            (true, false) => {
                // Sizes from 2^56 on are equivalent: no message is that long.
                let min_size = (self.min_size as u64).min((1 << 56) - 1);
                min_size << 8 | u64::from(self.level & 15) << 4 | u64::from(self.context.window_bits)
            }
        };
        Some(Profile { extension: NAME, settings })
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Leaves out the state, which is opaque.
impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("level", &self.level)
            .field("min_size", &self.min_size)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// Compresses all of `rest` and flushes. `false`: the state is broken, and the bytes appended are useless.
fn compress(state: &mut Compress, mut rest: &[u8], out: &mut BytesMut) -> bool {
    let mut held = 0;
    loop {
        let chunk = &rest[..rest.len().min(CHUNK)];
        let flush = if chunk.len() == rest.len() { FlushCompress::Sync } else { FlushCompress::None };
        // Worst case plus slack: if the output fills during a sync flush, zlib repeats the flush, at 5 bytes.
        let (from, room) = (out.len(), chunk.len() + chunk.len() / 8 + 64 + held);
        out.resize(from + room, 0);
        let before = (state.total_in(), state.total_out());
        let status = state.compress(chunk, &mut out[from..], flush);
        let (read, made) = ((state.total_in() - before.0) as usize, (state.total_out() - before.1) as usize);
        out.truncate(from + made);
        rest = &rest[read..];
        let stuck = read == 0 && made == 0;
        match status {
            Err(_) | Ok(Status::StreamEnd) => return false,
            Ok(_) if rest.is_empty() && flush == FlushCompress::Sync && (stuck || made < room) => {
                return out.ends_with(&MARK);
            }
            Ok(_) if stuck => return false,
            Ok(_) => held = CHUNK, // without a flush, it may have read more than it has written
        }
    }
}

/// Appends `chunk` as blocks without compression, and the [`MARK`] of a flush (RFC 1951 §3.2.4).
pub(super) fn store(chunk: &[u8], out: &mut BytesMut) {
    for block in chunk.chunks(0xFFFF) {
        let len = block.len() as u16;
        out.put_u8(0);
        out.put_u16_le(len);
        out.put_u16_le(!len);
        out.put_slice(block);
    }
    out.put_u8(0);
    out.put_slice(&MARK);
}
