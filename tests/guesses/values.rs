//! Messages, closes and errors, as people from other libraries first write them.
use sansocket::{
    CloseCode, CloseFrame, Error, Message, Outgoing, Prepared, SendError, Utf8Bytes,
    close::{CloseSeen, InvalidCloseFrame},
    frame::Rsv,
};
use std::{borrow::Cow, sync::Arc};

#[test]
fn a_message_is_made_of_and_asked_for_what_it_holds() {
    let text = Message::from("hi");
    assert!(text.is_text() && !text.is_binary());
    assert_eq!((text.as_text(), text.as_str(), text.as_bytes()), (Some("hi"), Some("hi"), &b"hi"[..]));
    assert_eq!(text.to_string(), "hi");
    assert_eq!(text.clone().into_text().unwrap(), "hi");
    let bytes = Message::from(&b"\x00\xFF"[..]);
    assert!(bytes.is_binary() && bytes.as_text().is_none());
    assert_eq!(bytes.to_string(), "2 bytes");
    assert_eq!(bytes.clone().into_text(), Err(bytes.clone()));
    for same in [
        Message::from(Arc::<str>::from("hi")),
        Message::from(String::from("hi")),
        Message::from(&String::from("hi")),
        Message::from(Cow::Borrowed("hi")),
        Message::from(Utf8Bytes::from_static("hi")),
        Message::Text("hi".into()),
        Message::Text(Arc::<str>::from("hi").into()),
        Message::text("hi"),
    ] {
        assert_eq!(same, text);
    }
    for same in [Message::from(b"\x00\xFF"), Message::from([0, 255]), Message::Binary(vec![0, 255].into())] {
        assert_eq!(same, bytes);
    }
}

#[test]
fn whatever_is_natural_can_be_sent() {
    fn sent<'m>(message: impl Into<Outgoing<'m>>) {
        let _ = message.into();
    }
    let (text, shared) = (String::from("hi"), Arc::<str>::from("hi"));
    sent("hi");
    sent(&text);
    sent(text);
    sent(&shared);
    sent(shared);
    sent(Box::<str>::from("hi"));
    sent(format!("{} and {}", 1, 2));
    sent(Cow::Borrowed("hi"));
    sent(b"hi");
    sent([1, 2, 3]);
    sent(&[1, 2, 3]);
    sent(vec![1, 2, 3]);
    let message = Message::from("hi");
    sent(&message);
    sent(message);
    let prepared = Prepared::from("hi");
    sent(&prepared);
    sent(prepared.clone());
    sent(Outgoing::from("secret").uncompressed());
}

/// No copy: the text that is sent lies where the shared one does.
#[test]
fn a_shared_text_stays_shared() {
    let shared = Arc::<str>::from("a text for many");
    let text = Utf8Bytes::from(shared.clone());
    assert_eq!(text.as_str().as_ptr(), shared.as_ptr());
    assert_eq!(Arc::strong_count(&shared), 2);
}

#[test]
fn a_close_frame_is_made_of_a_code_and_a_reason() -> Result<(), Error> {
    let frame = CloseFrame::new(4000, "why")?;
    assert_eq!((frame.code.get(), frame.reason.as_str()), (4000, "why"));
    assert_eq!(CloseFrame::new(CloseCode::AWAY, "why")?.code, CloseCode::GOING_AWAY);
    assert!(matches!(CloseFrame::new(1005, ""), Err(InvalidCloseFrame::Code(_))));
    assert!(matches!(CloseFrame::new(1000, "x".repeat(124)), Err(InvalidCloseFrame::Reason(_))));
    let error = Error::from(CloseFrame::new(999, "").unwrap_err());
    assert!(matches!(error, Error::Send(SendError::InvalidCloseFrame(_))));
    Ok(())
}

#[test]
fn a_close_frame_that_was_seen_has_a_code_in_any_case() {
    let frame = CloseFrame::truncate(CloseCode::NORMAL, "bye");
    let seen = [CloseSeen::None, CloseSeen::from(None), CloseSeen::from(Some(frame.clone()))];
    assert_eq!(seen.each_ref().map(CloseSeen::code), [1006, 1005, 1000]);
    assert_eq!(seen.each_ref().map(CloseSeen::reason), ["", "", "bye"]);
    assert_eq!(seen.each_ref().map(CloseSeen::is_some), [false, true, true]);
    assert_eq!(seen.each_ref().map(CloseSeen::frame), [None, None, Some(&frame)]);
}

#[test]
fn reserved_bits_are_united() {
    let both = Rsv::RSV1.union(Rsv::RSV2);
    assert!(both.contains(Rsv::RSV1) && both.contains(Rsv::RSV2) && !both.contains(Rsv::RSV3));
}
