//! What messages hold: always the same bytes for the same name and length.
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::io::{self, Error, Write};

/// What ends a flushed block; left out on the wire (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

pub fn payload(kind: &str, size: usize) -> io::Result<Vec<u8>> {
    let mut random = xorshift();
    let mut bytes = Vec::with_capacity(size + 128);
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
        "json" => {
            let names = ["alice", "bob", "carol", "dave", "erin", "frank"];
            while bytes.len() < size {
                let (id, cents) = (random() % 1_000_000, random() % 100_000);
                let name = names[random() as usize % names.len()];
                let (quantity, live, tag) = (id % 97, id % 2 == 0, random() as u32);
                write!(
                    bytes,
                    "{{\"id\":{id},\"user\":\"{name}\",\"price\":{}.{:02},\"qty\":{quantity},\"live\":{live},\
                     \"tag\":\"{tag:08x}\"}},",
                    cents / 100,
                    cents % 100,
                )?;
            }
            bytes.truncate(size);
        }
        _ => return Err(Error::other(format!("no payload is called {kind}"))),
    }
    Ok(bytes)
}

fn xorshift() -> impl FnMut() -> u64 {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len() + 64);
    let mut compress = Compress::new(Compression::default(), false);
    compress.compress_vec(data, &mut bytes, FlushCompress::Sync).expect("room for all of it");
    let length = bytes.strip_suffix(&TAIL).expect("a flushed block").len();
    bytes.truncate(length);
    bytes
}

pub fn decompress(data: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size + 64);
    Decompress::new(false).decompress_vec(&[data, &TAIL].concat(), &mut bytes, FlushDecompress::Sync)?;
    Ok(bytes)
}
