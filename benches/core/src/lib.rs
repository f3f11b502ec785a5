//! What the benchmarks share: texts, frames.
use sansocket::frame::{Header, MaskKey, Opcode, Rsv};

/// Bytes of payload: a chat line, a document, a page, an upload.
pub const SIZES: [usize; 4] = [20, 1 << 10, 16 << 10, 1 << 20];

/// A key as a client would draw it.
pub const KEY: MaskKey = MaskKey::new([0x37, 0xFA, 0x21, 0x3D]);

/// ASCII, as most text is.
pub fn ascii(size: usize) -> String {
    (b'a'..=b'z').cycle().take(size).map(char::from).collect()
}

/// Characters of one to four bytes.
pub fn mixed(size: usize) -> String {
    let mut text: String = "naïve 日本語 λόγος 🦀 ".chars().cycle().take(size).collect();
    text.truncate((0..=size).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0));
    text
}

/// A whole text message in one frame.
pub fn frame(text: &str, mask: Option<MaskKey>) -> Vec<u8> {
    let header = Header { fin: true, rsv: Rsv::NONE, opcode: Opcode::Text, mask, len: text.len() as u64 };
    let mut out = Vec::new();
    header.encode(&mut out);
    let from = out.len();
    out.extend_from_slice(text.as_bytes());
    mask.unwrap_or_default().apply(&mut out[from..]);
    out
}
