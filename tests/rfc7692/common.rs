//! What the tests of permessage-deflate have in common: agreements, and a peer whose codec is from another hand.
#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
use crate::support::*;
pub(crate) use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
pub(crate) use sansocket::{
    Config, Deflate, Role,
    extension::{self, Agreement, Extension, ExtensionOffer, deflate::Memory},
    proto::{Connection, Established},
};
use std::sync::Arc;

pub(crate) const RSV1: u8 = 0x40;

/// The memory of this thread's connections: tests do not wait for each other.
pub(crate) fn memory() -> Memory {
    thread_local!(static MEMORY: Memory = Memory::new(256 << 20));
    MEMORY.with(Memory::clone)
}

/// Everything is compressed, with the widest window.
pub(crate) fn eager(takeover: bool) -> Deflate {
    let mut deflate = Deflate::default();
    (deflate.min_size, deflate.level, deflate.memory) = (0, 6, memory());
    deflate.send = extension::deflate::Context { window_bits: 15, takeover };
    deflate.receive = Some(deflate.send);
    deflate
}

/// What a role makes of an agreement on these parameters.
pub(crate) fn agreement(role: Role, deflate: &Deflate, params: &str) -> Agreement {
    let params: ExtensionOffer = format!("permessage-deflate{params}").parse().unwrap();
    match role {
        Role::Server => deflate.accept(&params).unwrap(),
        Role::Client => deflate.confirm(&params).unwrap(),
    }
}

/// A connection that takes contexts over, or does not.
pub(crate) fn end(role: Role, takeover: bool, tweak: impl FnOnce(&mut Config)) -> End {
    let mut config = config(role);
    tweak(&mut config);
    let params = if takeover { "" } else { "; server_no_context_takeover; client_no_context_takeover" };
    let established = Established::bare(role).with_extension(agreement(role, &eager(takeover), params));
    End::of(role, Connection::new(established, config))
}

/// A peer's compressor, from another hand.
pub(crate) struct Deflating(Compress);

impl Deflating {
    pub(crate) fn new() -> Self {
        Self(Compress::new(Compression::new(6), false))
    }
    /// §7.2.1: a payload.
    pub(crate) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() * 2 + 64);
        self.0.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        out.truncate(out.len() - 4);
        out
    }
}
pub(crate) fn deflated(message: impl AsRef<[u8]>) -> Vec<u8> {
    Deflating::new().message(message.as_ref())
}

/// A peer's decompressor, from another hand.
pub(crate) struct Inflating(pub(crate) Decompress);

impl Inflating {
    pub(crate) fn new() -> Self {
        Self(Decompress::new(false))
    }
    /// §7.2.2: a message.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 << 20);
        let all = [payload, &[0, 0, 0xFF, 0xFF]].concat();
        self.0.decompress_vec(&all, &mut out, FlushDecompress::Sync).unwrap();
        out
    }
}

/// A config that negotiates.
pub(crate) fn with(role: Role, deflate: Deflate) -> Config {
    let mut config = config(role);
    config.extensions = vec![Arc::new(deflate)];
    config
}

/// JSON, different for each seed.
pub(crate) fn json(seed: usize, len: usize) -> String {
    let mut text = String::new();
    for i in 0.. {
        let n = (seed * 7919 + i * 104_729) % 1_000_003;
        text += &format!("{{\"id\":{n},\"name\":\"üser {}\",\"active\":{}}},", n % 977, n % 2 == 0);
        if text.len() >= len {
            break;
        }
    }
    let cut = (0..=len).rev().find(|&at| text.is_char_boundary(at)).unwrap();
    text.truncate(cut);
    text
}
