//! §8.1: text that is not UTF-8 fails the connection, at the first byte that cannot be right.
use crate::support::*;
use sansocket::{Delivery, Message, Violation, proto::Role};

/// Each begins well; how many bytes of it can still be right.
const BAD: &[(&[u8], usize)] = &[
    (b"\xC0\x80", 0),                 // overlong NUL
    (b"\xC1\xBF", 0),                 // overlong
    (b"\xE0\x9F\xBF", 1),             // overlong
    (b"\xF0\x8F\xBF\xBF", 1),         // overlong
    (b"\xED\xA0\x80", 1),             // the first surrogate
    (b"\xED\xBF\xBF", 1),             // the last
    (b"\xCE\xBA\xED\xA0\x80e", 3),    // one within
    (b"\xF4\x90\x80\x80", 1),         // above U+10FFFF
    (b"\xF5\x80\x80\x80", 0),         // far above
    (b"\xF8\x88\x80\x80\x80", 0),     // five bytes
    (b"\xFC\x84\x80\x80\x80\x80", 0), // six
    (b"\x80", 0),                     // lone continuation
    (b"a\xBF", 1),                    // another
    (b"\xE2\x28\xA1", 1),             // cut by ASCII
    (b"\xF0\x9F\x92a", 3),            // the same later
    (b"\xFE", 0),
    (b"\xFF", 0),
];

/// Rule of RFC 6455 §8.1: bad UTF-8 fails.
#[test]
fn bad_utf8_fails_whole_and_in_fragments() {
    for role in BOTH {
        for (bad, _) in BAD {
            End::new(role).frame(TEXT, bad).fails(1007, Violation::Utf8);
            let long = [&[b'x'; 300], *bad, &[b'x'; 300]].concat();
            End::new(role).frame(TEXT, long).fails(1007, Violation::Utf8);
            for (n, _) in bad.iter().enumerate() {
                let mut end = End::new(role);
                end.frame(1, &bad[..n]);
                if told(&mut end.conn).is_none() {
                    end.frame(FIN, &bad[n..]).fails(1007, Violation::Utf8);
                }
            }
        }
    }
}

/// Rule of RFC 6455 §8.1: bad UTF-8 fails.
#[test]
fn text_that_ends_within_a_character_fails() {
    for role in BOTH {
        for text in ["é", "€", "𐍈"] {
            for n in 1..text.len() {
                let cut = &text.as_bytes()[..n];
                End::new(role).frame(TEXT, cut).fails(1007, Violation::Utf8);
                End::new(role).frame(TEXT, [b"ok", cut].concat()).fails(1007, Violation::Utf8);
                let mut end = End::new(role);
                end.frame(1, cut).quiet().frame(FIN, "").fails(1007, Violation::Utf8);
            }
        }
    }
}

/// Rule of RFC 6455 §8.1: bad UTF-8 fails.
#[test]
fn every_character_there_is_is_accepted() {
    let all: String = (0..=0x10_FFFF).filter_map(char::from_u32).collect();
    for role in BOTH {
        let mut end = End::with(role, |config| config.max_message_size = 16 << 20);
        end.frame(TEXT, &all).tells(Told::Message(Message::text(all.clone())));
    }
}

/// Rule of RFC 6455 §8.1: UTF-8 fails fast.
#[test]
fn the_first_byte_that_cannot_be_right_fails_even_in_an_unfinished_frame() {
    for role in BOTH {
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            for (bad, good) in BAD {
                let mut end = End::with(role, |config| config.delivery = delivery);
                let frame = [head(TEXT, 1000, end.peer_key()), vec![0; bad.len()]].concat();
                let header = frame.len() - bad.len();
                let masked = wire(TEXT, bad, end.peer_key())[header - 2..].to_vec();
                end.raw(&frame[..header]);
                for byte in &masked[..*good] {
                    end.more([*byte]);
                    assert!(!all_told(&mut end.conn).iter().any(|event| matches!(event, Told::Error(_))));
                }
                end.more([masked[*good]]).fails(1007, Violation::Utf8);
            }
        }
    }
}

/// Rule of RFC 6455 §8.1: UTF-8 fails fast.
#[test]
fn a_bad_byte_fails_before_the_frames_that_follow_it() {
    for role in BOTH {
        let mut end = End::new(role);
        end.frame(1, b"\xFF").frame(0, "x").frame(0xF, "");
        let Some(Told::Error(error)) = told(&mut end.conn) else { panic!("no error") };
        assert_eq!((error.violation, error.offset), (Violation::Utf8, 0));
    }
}

/// Rule of RFC 6455 §8.1: UTF-8 fails fast.
#[test]
fn ascii_then_more_is_checked_on_each_path() {
    // The same bad character at each place of frames around the sizes that take different paths.
    for size in [1, 7, 8, 9, 63, 125, 126, 200] {
        for at in 0..size {
            let mut text = vec![b'a'; size];
            text[at] = 0xC3;
            for role in [Role::Server, Role::Client] {
                End::new(role).frame(TEXT, &text).fails(1007, Violation::Utf8);
            }
        }
    }
}
