//! The guide's table of how connections end, row by row against what happens.
use crate::told::{Come, Told, close, frame};
use sansocket::{CloseCode, CloseFrame, Config, Error, blocking::WebSocket, proto::Role};

const CHAPTER: &str = include_str!("../../src/guide/closing.md");

/// What one end told, and what it sent.
struct End {
    /// Of the first receiving call that gave no message.
    receiving: Option<Error>,
    code: u16,
    /// The code in the Close frame that left; 0 for an empty one.
    sent: Option<u16>,
}

/// Receives to the end. `act` comes first.
fn end(
    told: &Told,
    role: Role,
    tweak: impl FnOnce(&mut Config),
    act: impl FnOnce(&mut WebSocket<Told>),
) -> End {
    let mut config = if role == Role::Client { Config::client() } else { Config::server() };
    tweak(&mut config);
    let mut socket = told.socket(role, config);
    act(&mut socket);
    let receiving = loop {
        match socket.recv() {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(socket.recv(), Ok(None)), "the error comes once");
    let closed = socket.closed().unwrap();
    End { receiving, code: closed.code(), sent: close_in(&told.written()) }
}

/// Of a server, whose frames are not masked.
fn close_in(mut bytes: &[u8]) -> Option<u16> {
    while let [first, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (u16::from_be_bytes([rest[0], rest[1]]).into(), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            len => (usize::from(*len), rest),
        };
        if *first == 0x88 {
            return Some(rest.get(..2).map_or(0, |code| u16::from_be_bytes([code[0], code[1]])));
        }
        bytes = rest.get(len..).unwrap_or_default();
    }
    None
}

/// What happens in a row, on a server. `None`: there is no connection to end.
fn happens(row: &str) -> Option<Vec<End>> {
    let server = |told: &Told| end(told, Role::Server, |_| (), |_| ());
    let after = |come: Come| Told::new([(0, come), (1, Come::End)]);
    let closes = |socket: &mut WebSocket<Told>| {
        let _ = socket.close(CloseCode::NORMAL);
    };
    Some(match row {
        "we close, the peer answers" => {
            let answer = |code| end(&after(close(code)), Role::Server, |_| (), closes);
            [1000, 4000].map(answer).into()
        }
        "the peer closes with 1000, 1001 or no code" => {
            let comes = [close(1000), close(1001), frame(0x88, b"")];
            comes.map(|come| server(&after(come))).into()
        }
        "the peer closes with any other code" => {
            [1002, 1008, 1011, 4000].map(|code| server(&after(close(code)))).into()
        }
        "the peer closes and takes no more of what we queued" => {
            let both = [frame(0x81, b"?"), close(1000)].map(|come| match come {
                Come::Bytes(bytes) => bytes,
                _ => vec![],
            });
            let told = Told::new([(0, Come::Bytes(both.concat()))]).takes([]);
            vec![end(
                &told,
                Role::Server,
                |_| (),
                |socket| {
                    let (_, mut reply) = socket.recv_ref().unwrap().unwrap();
                    reply.feed("left").unwrap();
                },
            )]
        }
        "both close at once" => {
            let frame = CloseFrame::new(CloseCode::NORMAL, "");
            vec![end(
                &after(close(1001)),
                Role::Server,
                |_| (),
                |socket| {
                    let _ = socket.close(frame);
                },
            )]
        }
        "the peer's program dies, or a proxy ends the connection" => {
            vec![server(&Told::new([(0, Come::End)])), server(&after(frame(0x01, b"half")))]
        }
        "the transport fails: reset, out of reach" => vec![server(&Told::new([(0, Come::Reset)]))],
        "the peer breaks a rule" => {
            let comes = [frame(0x83, b""), frame(0x81, b"\xFF"), Come::Bytes(vec![0x81, 0])];
            comes.map(|come| server(&after(come))).into()
        }
        "the peer passes a limit of ours" => {
            let long = frame(0x82, &[0; 100]);
            let fragments = Come::Bytes(
                [0x01, 0x80, 1, 2, 3, 4].into_iter().chain([0, 0x80, 0, 0, 0, 0].repeat(9)).collect(),
            );
            let limits =
                |config: &mut Config| (config.max_message_size, config.max_empty_fragments) = (99, 5);
            [long, fragments].map(|come| end(&after(come), Role::Server, limits, |_| ())).into()
        }
        "we pass a limit of the peer's" => vec![server(&after(close(1009)))],
        "silence, and no answer to a ping" => vec![server(&Told::new([]))],
        "an unfinished message stops coming" => vec![end(
            &Told::new([(0, frame(0x01, b"half")), (61_000, Come::End)]),
            Role::Server,
            |config| config.keepalive = None,
            |_| (),
        )],
        "the peer takes nothing of what we send" => {
            let told = Told::new([(100_000, Come::End)]).takes([]);
            vec![end(&told, Role::Server, |_| (), |socket| socket.feed("stays").unwrap())]
        }
        "we close, and the peer does not answer" => {
            // Queued by the reply, so that the receiving call tells how it ended.
            let told = Told::new([(0, frame(0x81, b"?"))]);
            vec![end(
                &told,
                Role::Server,
                |_| (),
                |socket| {
                    let (_, mut reply) = socket.recv_ref().unwrap().unwrap();
                    reply.close(CloseCode::NORMAL).unwrap();
                },
            )]
        }
        "both have closed, and the peer leaves the transport open" => {
            vec![server(&Told::new([(0, close(1000))]))]
        }
        "we call `abort`, or drop the socket" => {
            vec![end(&Told::new([]), Role::Server, |_| (), WebSocket::abort)]
        }
        "the opening handshake fails" => return None,
        other => panic!("a row that this test does not know: {other}"),
    })
}

#[test]
fn every_way_in_the_guides_table_ends_as_it_says() {
    let table = CHAPTER.split("# Every way a connection ends").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut seen = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, receiving, peer, code, _] = cells[..] else { panic!("five columns: {row}") };
        seen += 1;
        for (n, end) in happens(what).into_iter().flatten().enumerate() {
            let variant = match &end.receiving {
                None => "`None`",
                Some(Error::Closed(_)) => "[`Error::Closed`]",
                Some(Error::TimedOut(_)) => "[`Error::TimedOut`]",
                Some(Error::Lost(_)) => "[`Error::Lost`]",
                Some(Error::Io(_)) => "[`Error::Io`]",
                Some(Error::Protocol(_)) => "[`Error::Protocol`]",
                Some(other) => panic!("{what}: {other}"),
            };
            assert!(receiving.contains(variant), "{what}, {n}: {:?}", end.receiving);
            let lost = end.code == 1006;
            assert_eq!(code.starts_with("1006"), lost, "{what}, {n}: {}", end.code);
            let told = match peer {
                "our code" => end.sent == Some(1000),
                "its own code, echoed" | "its own code" => {
                    end.sent.is_some_and(|sent| sent == end.code || end.code == 1005)
                }
                "what it took" => end.sent.is_none(),
                "–" => true,
                codes if codes.starts_with("1006") => end.sent.is_none(),
                codes => end.sent.is_some_and(|sent| codes.contains(&sent.to_string())),
            };
            assert!(told, "{what}, {n}: the peer sees {:?}", end.sent);
        }
    }
    assert!(seen > 15, "the table is found");
}
