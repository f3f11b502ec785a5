//! What fuzzing found, one test for each.
use sansocket::{
    Config, Role,
    handshake::{ClientHandshake, ClientRequest, ExtensionOffer, HandshakeError, InvalidExtension},
    proto::{Connection, Established, Event},
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
            let Err(HandshakeError::Refused(response)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(&response.body()[..], body, "cut at {cut}");
        }
    }
}
