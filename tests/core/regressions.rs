//! What fuzzing found, one test for each.
use sansocket::{
    CloseCode, Config, Utf8Bytes,
    bytes::Buf,
    close::CloseSeen,
    extension::{ExtensionOffer, InvalidExtension},
    handshake::{ClientHandshake, ClientRequest, HandshakeError},
    proto::{Connection, Established, Event, Role},
};

/// `inbound`: with a limit of 0, a message in one frame was taken if it came whole, and refused if it came in two
/// reads. It has no fragments, so no limit on them applies.
#[test]
fn section_5_4_a_message_in_one_frame_is_not_counted_as_fragments() {
    for (frame, len) in [(&b"\x82\x80\x01\x02\x03\x04"[..], 0), (b"\x82\x81\x01\x02\x03\x04a", 1)] {
        for cut in 0..=frame.len() {
            let mut config = Config::server();
            (config.max_fragments, config.max_empty_fragments) = (0, 0);
            let mut server = Connection::new(Established::bare(Role::Server), config);
            let mut told = 0;
            for piece in [&frame[..cut], &frame[cut..]] {
                server.receive(piece);
                while let Some(event) = server.poll_event() {
                    let Event::Message(message) = event else { panic!("{event:?}, cut at {cut}") };
                    assert_eq!(message.len(), len);
                    told += 1;
                }
            }
            assert_eq!(told, 1, "cut at {cut}");
        }
    }
}

/// `extensions`: CR, LF and form feed counted as white space. Only spaces and tabs do (RFC 9110 §5.6.3).
#[test]
fn section_9_1_white_space_between_extensions_is_spaces_and_tabs() {
    assert_eq!(ExtensionOffer::parse_list(" a\t;\tb = c ,\td").map(|offers| offers.len()), Ok(2));
    for text in ["\ra", "a\n", "a;\x0cb", "a,\r\nb"] {
        assert_eq!(ExtensionOffer::parse_list(text), Err(InvalidExtension), "{text:?}");
        assert_eq!(text.parse::<ExtensionOffer>(), Err(InvalidExtension), "{text:?}");
    }
}

/// `response`: a line that says how long a chunk is, and is longer than any should be, ended the body of a refusal if
/// it came in pieces, and did not if it came whole.
#[test]
fn a_chunk_line_that_is_too_long_ends_the_body_however_it_is_cut() {
    for (extension, body) in [(240, &b"hello"[..]), (300, b"")] {
        let extension = "x".repeat(extension);
        let head = "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n";
        let response = format!("{head}5;{extension}\r\nhello\r\n0\r\n\r\n");
        for cut in [0, head.len() + 3, head.len() + 270] {
            let request = ClientRequest::try_from("ws://example.com/").unwrap();
            let mut client = ClientHandshake::new(request, Config::client());
            let (first, rest) = response.as_bytes().split_at(cut.min(response.len()));
            client.receive(first);
            let mut outcome = client.poll();
            if matches!(outcome, Ok(None)) {
                client.receive(rest);
                outcome = client.poll();
            }
            let Err(HandshakeError::Declined(response)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(&response.body()[..], body, "cut at {cut}");
        }
    }
}

/// Mutation: a violation after this end's Close frame had left was told as if the Close frame had said so.
#[test]
fn section_7_1_7_a_close_frame_that_has_left_stays_what_was_sent() {
    let mut client = Connection::new(Established::bare(Role::Client), Config::client());
    client.close(CloseCode::GOING_AWAY);
    let sent = client.transmit().remaining();
    client.transmit().advance(sent);
    client.receive(&[0x83, 0]);
    assert!(matches!(client.poll_event(), Some(Event::Error(_))));
    assert_eq!(client.transmit().remaining(), 0, "the Close frame is the last that leaves");
    client.receive_eof();
    let Some(Event::Closed(closed)) = client.poll_event() else { panic!("the end") };
    assert_eq!(closed.sent, CloseSeen::Frame(CloseCode::GOING_AWAY.into()));
}

/// Mutation: nobody had asked a lent message whether it is empty, or what it looks like.
#[test]
fn a_lent_message_can_be_looked_at() {
    let mut client = Connection::new(Established::bare(Role::Client), Config::client());
    client.receive(b"\x81\x00\x81\x02hi\x82\x01\x07");
    for (empty, shown) in [(true, r#"Text("")"#), (false, r#"Text("hi")"#), (false, "Binary([7])")] {
        let Some(Event::Message(message)) = client.poll_event() else { panic!("a message") };
        assert_eq!((message.is_empty(), format!("{message:?}").as_str()), (empty, shown));
    }
}

/// Found by reading: a map of texts could not be asked for a `str`, because the two hashed differently.
#[test]
fn a_map_of_texts_can_be_asked_for_a_str() {
    let rooms = std::collections::HashMap::from([(Utf8Bytes::from("lobby"), 1)]);
    assert_eq!(rooms.get("lobby"), Some(&1));
}

/// Found by reading: with a closing handshake that may take longer than a write, the write's deadline stayed to be
/// waited for after it had passed.
#[test]
fn a_deadline_that_passed_is_not_still_to_come() {
    let mut config = Config::server();
    let seconds = std::time::Duration::from_secs;
    (config.message_timeout, config.write_timeout) = (Some(seconds(1)), Some(seconds(30)));
    (config.close_timeout, config.keepalive) = (Some(seconds(60)), None);
    let mut server = Connection::new(Established::bare(Role::Server), config);
    server.send("never taken").unwrap();
    server.receive(b"\x01\x82\x00\x00\x00\x00a");
    assert!(server.poll_event().is_none());
    #[allow(clippy::disallowed_methods, reason = "an epoch to count from")]
    let epoch = std::time::Instant::now();
    for second in 0..=70 {
        let now = epoch + seconds(second);
        server.handle_timeout(now);
        assert!(server.poll_timeout().is_none_or(|at| at > now), "after {second} s");
    }
    assert!(matches!(server.poll_event(), Some(Event::Closed(closed)) if closed.timed_out.is_some()));
}

/// `driver`: a peer that had ended its side was given up after `close_timeout`, though it took what was sent to it, if the
/// clock had been told once between two messages. Until everything has left, `write_timeout` governs; and a transport that
/// has ended is not waited for.
#[test]
fn a_peer_that_has_ended_its_side_may_take_its_time_to_take_the_rest() {
    let seconds = std::time::Duration::from_secs;
    #[allow(clippy::disallowed_methods, reason = "an epoch to count from")]
    let epoch = std::time::Instant::now();
    for within in [3, 30] {
        let mut config = Config::server();
        (config.write_timeout, config.close_timeout) = (Some(seconds(30)), Some(seconds(10)));
        let mut server = Connection::new(Established::bare(Role::Server), config);
        server.receive(b"\x81\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00");
        server.receive_eof();
        let mut now = epoch;
        server.handle_timeout(now);
        for _ in 0..2 {
            now += seconds(within);
            assert!(matches!(server.poll_event(), Some(Event::Message(_))));
            server.handle_timeout(now);
            server.send("answer").unwrap();
            for _ in 0..8 {
                server.handle_timeout(now);
                server.transmit().advance(1);
                now += seconds(1);
            }
        }
        let Some(Event::Closed(closed)) = server.poll_event() else { panic!("the end") };
        assert_eq!((closed.timed_out, closed.unsent), (None, 0), "{within} s");
    }
}

/// `inbound`: an error was another one when fewer bytes had come behind a wrong frame, as what they look like is judged by
/// all that is there.
#[test]
fn an_error_is_the_same_however_its_bytes_come() {
    let error = |pieces: &[&[u8]]| {
        let mut server = Connection::new(Established::bare(Role::Server), Config::server());
        for piece in pieces {
            server.receive(piece);
            if let Some(Event::Error(error)) = server.poll_event() {
                return error;
            }
        }
        panic!("no error")
    };
    let bytes = b"OPTIONS * HTTP/1.1\r\n";
    let whole = error(&[bytes]);
    assert!(whole.looks_like().is_some());
    for cut in 0..bytes.len() {
        assert_eq!(error(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    }
}
