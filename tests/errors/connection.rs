//! The open connection: what a peer does wrong, how it ends, what time does, and what an application does wrong.
use crate::{
    page::{Page, told},
    wire::{Then, client, end_of, over},
};
use sansocket::{
    blocking,
    close::{CloseReason, InvalidCloseCode, InvalidCloseFrame, InvalidCloseReason},
    extension::{self, ExtensionOffer, InvalidAnswer, InvalidExtension},
    handshake::{ClientRequest, HandshakeError},
    proto::{Connection, Established, InvalidSubprotocol, Role, Subprotocol},
    session::{Session, SessionError, SessionEvent},
    *,
};
use std::{
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// What a client comes to that receives these bytes.
fn received(bytes: &[u8]) -> Error {
    received_with(bytes, |_| ())
}
fn received_with(bytes: &[u8], tweak: impl FnOnce(&mut Config)) -> Error {
    let mut config = Config::client();
    tweak(&mut config);
    end_of(client(bytes, Then::Ends, config))
}
/// What a server with compression comes to.
fn inflated(bytes: &[u8], deflate: Deflate) -> Error {
    let offer = "permessage-deflate; client_no_context_takeover";
    let extensions: [Arc<dyn extension::Extension>; 1] = [Arc::new(deflate)];
    let agreement = extension::accept(&extensions, &ExtensionOffer::parse_list(offer).unwrap()).unwrap();
    end_of(over(
        bytes,
        Then::Ends,
        Established::bare(Role::Server).with_extension(agreement),
        Config::server(),
    ))
}
/// A masked frame; the mask is of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

pub(crate) fn peers(page: &mut Page) {
    page.section("The peer breaks a rule", "The connection is failed, with a Close frame that says why.");
    let server =
        |bytes: &[u8]| end_of(over(bytes, Then::Ends, Established::bare(Role::Server), Config::server()));
    for (situation, looks_like, bytes) in [
        (
            "A proxy answers with a page after the upgrade",
            LooksLike::Http1,
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        ),
        ("CR LF after the head", LooksLike::LineEnd, b"\r\n\x81\x05hello"),
        ("The server behind a proxy fails in TLS", LooksLike::TlsAlert, b"\x15\x03\x03\x00\x02\x01\x00"),
    ] {
        let error = received(bytes);
        let Error::Protocol(wrong) = &error else { panic!("{error}") };
        assert_eq!(wrong.looks_like(), Some(looks_like));
        page.add(
            situation,
            &format!("Error::Protocol(ProtocolError {{ LooksLike::{looks_like:?} }})"),
            error,
        );
    }
    told!(page, "Opcode 3" => Error::Protocol(ProtocolError { violation: Violation::ReservedOpcode(3), .. }), received(b"\x83\x00"));
    told!(page, "A compressed message, and no compression was agreed on" => Error::Protocol(ProtocolError { violation: Violation::ReservedBits, .. }), received(b"\xc1\x00"));
    told!(page, "A length in more bytes than needed" => Error::Protocol(ProtocolError { violation: Violation::OverlongLength, .. }), received(b"\x81\x7e\x00\x01"));
    told!(page, "A length over 2^63" => Error::Protocol(ProtocolError { violation: Violation::LengthOverflow, .. }), received(b"\x81\x7f\xff\0\0\0\0\0\0\0"));
    told!(page, "A client that does not mask" => Error::Protocol(ProtocolError { violation: Violation::Unmasked, .. }), server(b"\x81\x00"));
    told!(page, "A server that masks" => Error::Protocol(ProtocolError { violation: Violation::Masked, .. }), received(&masked(0x81, b"x")));
    told!(page, "A ping in fragments" => Error::Protocol(ProtocolError { violation: Violation::FragmentedControl, .. }), received(b"\x09\x00"));
    told!(page, "A long ping" => Error::Protocol(ProtocolError { violation: Violation::LongControl, .. }), received(b"\x89\x7e\x00\x80"));
    told!(page, "A continuation of nothing" => Error::Protocol(ProtocolError { violation: Violation::UnexpectedContinuation, .. }), received(b"\x80\x00"));
    told!(page, "A message within another" => Error::Protocol(ProtocolError { violation: Violation::ExpectedContinuation, .. }), received(b"\x01\x01a\x81\x01b"));
    told!(page, "A Close frame of one byte" => Error::Protocol(ProtocolError { violation: Violation::ShortClose, .. }), received(b"\x88\x01\x03"));
    told!(page, "A Close frame with 1006 and a reason" => Error::Protocol(ProtocolError { violation: Violation::CloseCode(1006), .. }), received(b"\x88\x11\x03\xeesession expired"));
    told!(page, "A reason that ends within a character" => Error::Protocol(ProtocolError { violation: Violation::CloseReason(1011), .. }), received(b"\x88\x06\x03\xf3too\xc3"));
    told!(page, "Text that is not UTF-8" => Error::Protocol(ProtocolError { violation: Violation::Utf8, .. }), received(b"\x81\x02\xc3\x28"));
    let forgetful = || {
        let mut deflate = Deflate::default();
        deflate.receive = Some(extension::deflate::Context { window_bits: 15, takeover: false });
        deflate
    };
    told!(page, "A compressed message that is none" => Error::Protocol(ProtocolError { violation: Violation::Encoding, .. }), inflated(&masked(0xc1, b"\xff\xff\xff"), forgetful()));
    let hello =
        [masked(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), masked(0xc1, b"\xf2\x00\x11\x00\x00")].concat();
    told!(page, "A client that goes on compressing with what it was to forget" => Error::Protocol(ProtocolError { violation: Violation::MissingContext, .. }), inflated(&hello, forgetful()));

    page.section(
        "The peer goes over a limit of this end",
        "It cannot know the limit, and has broken no rule. The text names the setting.",
    );
    told!(page, "A long message" => Error::Protocol(ProtocolError { violation: Violation::MessageTooBig { .. }, .. }), received_with(b"\x81\x05hello", |config| config.max_message_size = 4));
    told!(page, "A message in many frames" => Error::Protocol(ProtocolError { violation: Violation::TooManyFragments { .. }, .. }), received_with(b"\x01\x01a\x00\x01b\x00\x01c", |config| config.max_fragments = 2));
    told!(page, "Empty frames" => Error::Protocol(ProtocolError { violation: Violation::TooManyEmptyFragments { .. }, .. }), received_with(b"\x01\x01a\x00\x00\x00\x00\x00\x00", |config| config.max_empty_fragments = 2));
    let poor = || {
        let mut deflate = forgetful();
        deflate.memory = extension::deflate::Memory::new(1000);
        deflate
    };
    told!(page, "Compressed messages of which a part has come, on many connections" => Error::Protocol(ProtocolError { violation: Violation::OverBudget { .. }, .. }), inflated(&masked(0x41, b"\xf2\x48\xcd"), poor()));
}

pub(crate) fn ends(page: &mut Page) {
    page.section("The connection ends", "Not normally: 1000, 1001 and no code are `Ok(None)`.");
    told!(page, "The server is restarting" => Error::Closed(_), received(b"\x88\x0c\x03\xf4restarting"));
    told!(page, "A message of ours was too big" => Error::Closed(_), received(b"\x88\x02\x03\xf1"));
    told!(page, "The reason is hostile" => Error::Closed(_), received(b"\x88\x0b\x0f\xa0\x1b]0;x\x07\r\nhi"));
    told!(page, "The peer ends TCP without a Close frame" => Error::Lost(_), received(b"\x81\x05hello"));
    told!(page, "The transport fails" => Error::Io(_), end_of(client(b"", Then::Fails, Config::client())));
    told!(page, "The peer is gone, and nothing says so" => Error::TimedOut(Deadline::Keepalive), end_of(client(b"", Then::IsSilent, Config::client())));
    told!(page, "A message stops midway" => Error::TimedOut(Deadline::Message), {
        let mut config = Config::client();
        config.keepalive = None;
        end_of(client(b"\x81\x05he", Then::IsSilent, config))
    });
    told!(page, "The peer does not read" => Error::TimedOut(Deadline::Write), {
        client(b"", Then::IsFull, Config::client()).send("hello").unwrap_err()
    });
    told!(page, "The peer does not answer our Close frame: in `Closed`" => Deadline::Close, {
        client(b"", Then::IsSilent, Config::client()).close(CloseCode::NORMAL).unwrap().timed_out.unwrap()
    });
}

pub(crate) fn applications(page: &mut Page) {
    page.section(
        "The application asks for what cannot be done",
        "Nothing is sent, and the connection goes on as before.",
    );
    let request = || ClientRequest::try_from("ws://example.com/").unwrap();
    told!(page, "It sends before the connection is open" => SendError::Connecting, Session::client(request(), Config::client()).send("x").unwrap_err());
    told!(page, "It sends after it has closed" => Error::Send(SendError::Closing), {
        let mut socket = client(b"\x88\x02\x03\xe8", Then::Ends, Config::client());
        drop(socket.close(CloseCode::NORMAL));
        socket.send("x").unwrap_err()
    });
    told!(page, "It does not wait for a slow peer" => Error::Send(SendError::Full), {
        let mut socket = client(b"", Then::IsFull, Config::client());
        let long = vec![0; 1 << 20];
        socket.try_feed(&long[..]).and_then(|()| socket.try_feed(&long[..])).unwrap_err()
    });
    let mut connection = Connection::new(Established::bare(Role::Client), Config::client());
    connection.send_chunk("begun", false).unwrap();
    told!(page, "It sends a message within another" => SendError::Unfinished, connection.send("x").unwrap_err());
    told!(page, "It goes on with bytes after text" => SendError::KindMismatch, connection.send_chunk(&b"x"[..], true).unwrap_err());
    told!(page, "It pings with much" => SendError::LongControl(200), connection.ping([0; 200]).unwrap_err());
    told!(page, "It receives whole messages, and asked for chunks" => Error::Chunks, received_with(b"\x81\x05hello", |config| config.delivery = Delivery::Chunks));
    told!(page, "It closes with a code that may not be sent" => Error::Send(SendError::InvalidCloseFrame(_)), {
        client(b"", Then::Ends, Config::client()).close(1006).unwrap_err()
    });
    told!(page, "It makes a Close frame with 1005" => InvalidCloseFrame::Code(_), CloseFrame::new(1005, "bye").unwrap_err());
    told!(page, "It makes a Close frame with a long reason" => InvalidCloseFrame::Reason(_), CloseFrame::new(1000, "x".repeat(200)).unwrap_err());
    told!(page, "It closes with 1006" => InvalidCloseCode(_), CloseCode::try_from(1006).unwrap_err());
    told!(page, "It closes with a long reason" => InvalidCloseReason(_), CloseReason::try_from(&*"x".repeat(200)).unwrap_err());
    told!(page, "It offers a subprotocol with a space in it" => InvalidSubprotocol(_), Subprotocol::try_from("my chat").unwrap_err());
    told!(page, "It makes an extension from a text that is none" => InvalidExtension, ExtensionOffer::parse_list("a;;b").unwrap_err());
    told!(page, "Its own extension gets another's answer" => InvalidAnswer, {
        extension::confirm(&[], &[], &"x-own".parse().unwrap()).map(drop).unwrap_err()
    });
    type ReuniteError = blocking::ReuniteError<TcpStream>;
    let halves = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let connection = Connection::new(Established::bare(Role::Client), Config::client());
        blocking::WebSocket::new(connection, stream).split()
    };
    told!(page, "It reunites ends of two connections" => ReuniteError { .. }, {
        let (mine, other) = (halves(), halves());
        other.1.reunite(mine.0).map(drop).unwrap_err()
    });
}

/// A browser-like [`Session`] tells errors of a type of its own.
pub(crate) fn sessions(page: &mut Page) {
    page.section("A `Session` fails", "The texts are those of the errors that it passes on.");
    let request = || ClientRequest::try_from("ws://example.com/").unwrap();
    let failed = |session: &mut Session| loop {
        match session.poll_event() {
            Some(SessionEvent::Error(error)) => break error,
            Some(_) => {}
            None => panic!("no error"),
        }
    };
    let opened = |more: &[u8]| {
        let mut session = Session::client(request(), crate::opening::config());
        let sent = bytes::Buf::remaining(session.transmit());
        bytes::Buf::advance(session.transmit(), sent);
        session.receive(crate::opening::GOOD.as_bytes());
        session.receive(more);
        session
    };
    let mut session = Session::client(request(), Config::client());
    session.receive(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    told!(page, "404" => SessionError::Handshake(HandshakeError::Declined(_)), failed(&mut session));
    let mut session = Session::client(request(), Config::client());
    session.close(None);
    told!(page, "It is closed before it is open" => SessionError::Aborted, failed(&mut session));
    told!(page, "The peer breaks a rule" => SessionError::Protocol(_), failed(&mut opened(b"\x83\x00")));
    let mut session = opened(b"");
    assert!(matches!(session.poll_event(), Some(SessionEvent::Open(_))));
    session.receive_eof();
    told!(page, "The transport ends" => SessionError::Lost, failed(&mut session));
    let mut session = opened(b"");
    assert!(matches!(session.poll_event(), Some(SessionEvent::Open(_))));
    let start = Instant::now();
    for tens in 0..30 {
        let waiting = session.transmit();
        bytes::Buf::advance(waiting, bytes::Buf::remaining(waiting));
        session.handle_timeout(start + Duration::from_secs(10) * tens);
    }
    told!(page, "The peer is gone" => SessionError::TimedOut(Deadline::Keepalive), failed(&mut session));
}
