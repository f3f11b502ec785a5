//! The wire format of RFC 6455 §5, as pure functions: no allocation, no policy. Only [`Utf8Validator`] has state,
//! because a character may be cut.
//!
//! Everything here is total: any bytes decode to a header or to a [`Violation`](crate::Violation).
//! Which headers are *acceptable* (masked or not, in which order, how long) is up to the state machine in
//! [`proto`](crate::proto).
//!
//! ```
//! use sansocket::frame::{Decoded, Header, MaskKey, Opcode};
//!
//! // The masked "Hello" of RFC 6455 §5.7.
//! let mut bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
//! let Ok(Decoded::Complete(header, size)) = Header::decode(&bytes) else { panic!() };
//! assert_eq!((header.opcode, header.fin, header.len, size), (Opcode::Text, true, 5, 6));
//! header.mask.unwrap().apply(&mut bytes[size..]);
//! assert_eq!(&bytes[size..], b"Hello");
//! ```
mod close;
mod header;
mod mask;
mod utf8;

pub use close::{decode_close, encode_close};
pub use header::{Decoded, Header, MAX_HEADER_LEN, Opcode, Rsv};
pub use mask::MaskKey;
pub use utf8::Utf8Validator;
