//! The body of a Close frame (RFC 6455 §5.5.1): empty, or a code and a reason.
use crate::{
    close::{CloseCode, CloseFrame, CloseReason},
    error::Violation,
};

/// Reads the body of a Close frame; `None` if it is empty.
///
/// # Errors
/// [`ShortClose`](Violation::ShortClose), [`CloseCode`](Violation::CloseCode), [`CloseReason`](Violation::CloseReason),
/// [`LongControl`](Violation::LongControl).
pub fn decode_close(body: &[u8]) -> Result<Option<CloseFrame>, Violation> {
    let [high, low, reason @ ..] = body else {
        return if body.is_empty() { Ok(None) } else { Err(Violation::ShortClose) };
    };
    let code = u16::from_be_bytes([*high, *low]);
    let code = CloseCode::new(code).ok_or(Violation::CloseCode(code))?;
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::CloseReason(code.get()))?;
    let reason = CloseReason::try_from(reason).map_err(|_| Violation::LongControl)?;
    Ok(Some(CloseFrame { code, reason }))
}

/// Writes the body of a Close frame to the front of `out`, and returns its length in bytes.
pub fn encode_close(frame: Option<&CloseFrame>, out: &mut [u8; 125]) -> usize {
    let Some(CloseFrame { code, reason }) = frame else { return 0 };
    let reason = reason.as_str().as_bytes();
    out[..2].copy_from_slice(&code.get().to_be_bytes());
    out[2..2 + reason.len()].copy_from_slice(reason);
    2 + reason.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_5_5_1_a_body_is_empty_or_has_a_code() {
        assert_eq!(decode_close(&[]), Ok(None));
        assert_eq!(decode_close(&[3]), Err(Violation::ShortClose));
        assert_eq!(decode_close(&[3, 0xE8]), Ok(Some(CloseCode::NORMAL.into())));
    }

    #[test]
    fn section_5_5_1_the_reason_is_utf8() {
        assert_eq!(
            decode_close(b"\x03\xE8caf\xC3\xA9"),
            Ok(Some(CloseFrame::truncate(CloseCode::NORMAL, "café")))
        );
        assert_eq!(decode_close(b"\x03\xE8caf\xC3"), Err(Violation::CloseReason(1000)));
    }

    #[test]
    fn the_code_is_checked_before_the_reason() {
        assert_eq!(decode_close(b"\x03\xED\xFF"), Err(Violation::CloseCode(1005)));
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for frame in [
            None,
            Some(CloseCode::NORMAL.into()),
            Some(CloseFrame::truncate(CloseCode::NORMAL, &"é".repeat(99))),
        ] {
            let mut out = [0xAA; 125];
            let size = encode_close(frame.as_ref(), &mut out);
            assert_eq!(decode_close(&out[..size]), Ok(frame));
            assert!(out[size..].iter().all(|&byte| byte == 0xAA), "nothing is written past the body");
        }
    }
}
