//! What is compressed to do harm: bombs, streams cut short or broken, and limits that many frames try to slip past.
use crate::{
    common::*,
    counted::{self, tally},
    support::*,
};
use sansocket::{Delivery, Violation};

/// Known failure: inflated without limit.
/// Rule of RFC 7692 §6.2: checked once inflated.
#[test]
fn the_limit_is_on_what_is_inflated_and_exact() {
    for role in BOTH {
        for limit in [1, 1000, 65_536, 100_000, 1 << 20] {
            for over in [0, 1, 2, 1000] {
                // A thousand to one, and nothing to gain.
                let noise: Vec<u8> = (0..limit + over).map(|i| ((i * i) >> 7) as u8).collect();
                for message in [vec![0; limit + over], noise] {
                    let mut end = end(role, false, |config| config.max_message_size = limit);
                    end.frame(BINARY | RSV1, deflated(&message));
                    if over == 0 {
                        end.binary(&message).quiet();
                    } else {
                        end.fails(1009, Violation::MessageTooBig { limit });
                    }
                }
            }
        }
    }
}

/// Known failure: inflated without limit.
#[test]
fn a_bomb_costs_what_its_limit_allows() {
    let bomb = deflated(vec![0; 64 << 20]);
    assert!(bomb.len() < 70_000, "1,030 to one");
    for role in BOTH {
        for limit in [1000, 65_536, 1 << 20] {
            counted::fresh({
                let bomb = bomb.clone();
                move || {
                    let mut end = end(role, false, |config| config.max_message_size = limit);
                    let frame = wire(BINARY | RSV1, &bomb, end.peer_key());
                    let (spent, ()) = tally(|| {
                        end.raw(&frame);
                        assert!(matches!(told(&mut end.conn), Some(Told::Error(_))));
                    });
                    // The frame itself, the message twice where a buffer grows, and zlib's state.
                    let most = (frame.len() * 2 + limit * 2 + (100 << 10)) as isize;
                    assert!(spent.most <= most, "{limit}: {} of {most} bytes", spent.most);
                }
            });
            // In chunks there is no limit, and never more than a chunk.
            let mut end = end(role, false, |config| {
                (config.max_message_size, config.delivery) = (limit, Delivery::Chunks);
            });
            let frame = wire(BINARY | RSV1, &bomb, end.peer_key());
            let (spent, len) = tally(|| {
                end.raw(&frame);
                let mut len = 0;
                while let Some(event) = end.conn.poll_event() {
                    let sansocket::proto::Event::Chunk { data, .. } = event else { panic!("{event:?}") };
                    assert!(data.len() <= 64 << 10);
                    len += data.len();
                }
                len
            });
            assert_eq!(len, 64 << 20);
            let most = (frame.len() * 2 + (400 << 10)) as isize;
            assert!(spent.most <= most, "{} of {most} bytes", spent.most);
        }
    }
}

/// Known failure: limit per frame.
#[test]
fn the_limit_is_on_the_message_however_many_frames_it_comes_in() {
    for role in BOTH {
        for fragments in [2, 3, 10, 1000, 10_000] {
            let limit = 20_000;
            for over in [0, 1] {
                let message: Vec<u8> = (0..limit + over).map(|i: usize| ((i * i) >> 7) as u8).collect();
                let payload = deflated(&message);
                let mut end = end(role, false, |config| config.max_message_size = limit);
                let size = payload.len().div_ceil(fragments);
                let mut opcode = 2 | RSV1;
                for part in payload.chunks(size) {
                    end.frame(opcode, part);
                    opcode = 0;
                }
                end.frame(FIN, "");
                let events = all_told(&mut end.conn);
                match &events[..] {
                    [Told::Message(whole)] if over == 0 => assert_eq!(whole.as_bytes(), message),
                    [Told::Error(error)] if over == 1 => {
                        assert_eq!(error.violation, Violation::MessageTooBig { limit });
                    }
                    other => panic!("{fragments} fragments, {over} over: {} events", other.len()),
                }
            }
        }
    }
}

/// Rule of RFC 7692 §7.2.2: tail put back.
#[test]
fn a_stream_cut_short_is_an_error_and_never_a_message() {
    let text = json(3, 500);
    for role in BOTH {
        let payload = deflated(&text);
        for cut in 1..payload.len() {
            let mut end = end(role, false, |_| ());
            end.frame(BINARY | RSV1, &payload[..cut]).fails(1007, Violation::Encoding);
        }
    }
}

#[test]
fn a_broken_stream_is_an_error_or_another_message_and_never_a_panic() {
    let text = json(4, 300);
    let payload = deflated(&text);
    let mut failed = 0;
    for bit in 0..payload.len() * 8 {
        let mut broken = payload.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let mut end = end(Role::Server, true, |_| ());
        end.frame(BINARY | RSV1, &broken);
        match told(&mut end.conn) {
            Some(Told::Error(error)) => {
                assert_eq!((error.violation, error.close_code().get()), (Violation::Encoding, 1007));
                failed += 1;
            }
            Some(Told::Message(_)) => {} // a final block, or another length or letter
            other => panic!("{other:?}"),
        }
    }
    assert!(failed > payload.len() * 2, "only {failed} of them were errors");
}

#[test]
fn what_refers_to_before_the_beginning_is_an_error() {
    for role in BOTH {
        // "Hello" by reference to a message before it; there was none, or it was agreed that it counts for nothing.
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        end(role, true, |_| ()).frame(TEXT | RSV1, again).fails(1007, Violation::Encoding);
        let mut end = end(role, false, |_| ());
        end.frame(TEXT | RSV1, deflated("Hello")).text("Hello");
        end.frame(TEXT | RSV1, again).fails(1007, Violation::MissingContext);
    }
}

#[test]
fn final_blocks_that_make_nothing_are_soon_too_many() {
    let empty = |blocks: usize| [[3, 0].repeat(blocks), vec![0]].concat();
    for role in BOTH {
        end(role, false, |_| ()).frame(BINARY | RSV1, empty(64)).binary(b"");
        end(role, false, |_| ()).frame(BINARY | RSV1, empty(65)).fails(1007, Violation::Encoding);
        // A sender that ends every chunk with one is another matter.
        let mut peer = Compress::new(Compression::new(6), false);
        let mut payload = Vec::with_capacity(1 << 20);
        for _ in 0..1000 {
            peer.reset();
            peer.compress_vec(&[7; 100], &mut payload, FlushCompress::Finish).unwrap();
        }
        payload.push(0);
        end(role, false, |_| ()).frame(BINARY | RSV1, payload).binary(&[7; 100_000]);
    }
}

#[test]
fn what_is_unread_is_what_follows_the_message_in_progress() {
    let long = vec![0; 300 << 10];
    for (first, payload) in [(BINARY, long.clone()), (BINARY | RSV1, deflated(&long))] {
        let established = Established::bare(Role::Server).with_extension(agreement(
            Role::Server,
            &eager(false),
            "; server_no_context_takeover",
        ));
        let mut config = config(Role::Server);
        config.delivery = Delivery::Chunks;
        let mut connection = Connection::new(established, config.clone());
        let next = wire(PING, "later", Some(PEER_KEY));
        connection.receive(&wire(first, &payload, Some(PEER_KEY)));
        connection.receive(&next);
        let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut socket = sansocket::blocking::WebSocket::new(connection, near);
        let (chunk, _) = socket.recv_ref().unwrap().unwrap();
        assert!(!chunk.is_empty());
        assert_eq!(socket.into_inner().1, next, "first byte {first:#x}");
    }
}

thread_local! {
    static LAST: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
}
struct AtExit(Connection, std::sync::mpsc::Sender<bool>);
impl AtExit {
    fn echo(&mut self) -> bool {
        self.0.receive(&wire(TEXT | RSV1, deflated("Hello"), Some(PEER_KEY)));
        let (inbound, outbound) = self.0.halves();
        let Some(sansocket::proto::Event::Message(message)) = inbound.poll_event(outbound) else { panic!() };
        outbound.send(message).unwrap();
        !written(&mut self.0).is_empty()
    }
}
impl Drop for AtExit {
    fn drop(&mut self) {
        let echoed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.echo()));
        self.1.send(echoed.unwrap_or(false)).unwrap();
    }
}

#[test]
fn a_connection_may_be_used_while_its_thread_ends() {
    let (done, was_done) = std::sync::mpsc::channel();
    std::thread::spawn(|| {
        LAST.with(|last| assert!(last.borrow().is_none())); // there before the spares, so they go before it
        let connection = end(Role::Server, false, |_| ()).conn;
        let mut last = AtExit(connection, done);
        assert!(last.echo());
        LAST.with(|cell| *cell.borrow_mut() = Some(last));
    })
    .join()
    .unwrap();
    assert!(was_done.recv().unwrap(), "it panicked");
}
