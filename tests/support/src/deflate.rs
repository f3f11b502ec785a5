//! A peer that compresses, whose codec is from another hand; and what there is to compress.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use sansocket::{
    extension::{Agreement, Extension, ExtensionOffer},
    proto::Role,
};

pub const RSV1: u8 = 0x40;

/// A peer's compressor.
#[derive(Debug)]
pub struct Deflating(Compress);

impl Default for Deflating {
    fn default() -> Self {
        Self::new()
    }
}
impl Deflating {
    pub fn new() -> Self {
        Self(Compress::new(Compression::new(6), false))
    }
    /// §7.2.1: a payload.
    pub fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() * 2 + 64);
        self.0.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        out.truncate(out.len() - 4);
        out
    }
}
/// The payload of a message, alone.
pub fn deflated(message: impl AsRef<[u8]>) -> Vec<u8> {
    Deflating::new().message(message.as_ref())
}

/// A peer's decompressor.
#[derive(Debug)]
pub struct Inflating(pub Decompress);

impl Default for Inflating {
    fn default() -> Self {
        Self::new()
    }
}
impl Inflating {
    pub fn new() -> Self {
        Self(Decompress::new(false))
    }
    /// §7.2.2: a message.
    pub fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 << 20);
        let all = [payload, &[0, 0, 0xFF, 0xFF]].concat();
        self.0.decompress_vec(&all, &mut out, FlushDecompress::Sync).unwrap();
        out
    }
}

/// What a role makes of an agreement on these parameters.
pub fn agreement(role: Role, deflate: &impl Extension, params: &str) -> Agreement {
    let params: ExtensionOffer = format!("permessage-deflate{params}").parse().unwrap();
    match role {
        Role::Server => deflate.accept(&params).unwrap(),
        Role::Client => deflate.confirm(&params).unwrap(),
    }
}

/// Text that compresses well, and differs from one seed to the next.
pub fn text(seed: usize, len: usize) -> String {
    let words = (0..).flat_map(|n| format!("{{\"id\":{},\"name\":\"{}\"}},", n * seed, n % 7).into_bytes());
    String::from_utf8(words.take(len).collect()).unwrap()
}
/// JSON that has characters of two bytes, different for each seed.
pub fn json(seed: usize, len: usize) -> String {
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
