//! What messages hold: always the same bytes for the same name, length and seed.
use crate::json::json;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::io::{self, Error};

/// What ends a flushed block; left out on the wire (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Only `json` differs from seed to seed.
pub fn payload(kind: &str, size: usize, seed: u64) -> io::Result<Vec<u8>> {
    let mut random = xorshift(seed);
    let mut bytes = Vec::with_capacity(size + 16);
    match kind {
        "ascii" => bytes.extend((b'a'..=b'z').cycle().take(size)),
        "random" => bytes.extend((0..size).map(|_| random() as u8)),
        "utf8" => {
            let words = ["plain text ", "straße ", "λόγος ", "日本語 ", "naïve "];
            loop {
                let word = words[random() as usize % words.len()].as_bytes();
                if bytes.len() + word.len() > size {
                    break;
                }
                bytes.extend_from_slice(word);
            }
            bytes.resize(size, b'.');
        }
        "json" => return json(size, random),
        _ => return Err(Error::other(format!("no payload is called {kind}"))),
    }
    Ok(bytes)
}

fn xorshift(seed: u64) -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// With nothing before it that it could refer to.
pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len() + data.len() / 1000 + 64);
    let mut compress = Compress::new(Compression::default(), false);
    compress.compress_vec(data, &mut bytes, FlushCompress::Sync).expect("room for all of it");
    let length = bytes.strip_suffix(&TAIL).expect("a flushed block").len();
    bytes.truncate(length);
    bytes
}

/// At most a little more than `size` bytes.
pub fn decompress(data: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size + 64);
    Decompress::new(false).decompress_vec(&[data, &TAIL].concat(), &mut bytes, FlushDecompress::Sync)?;
    Ok(bytes)
}
