//! Orders of a shop, as its pages would be told of them: keys that repeat, values that do not.
use std::io::{self, Error, Write};

/// What an order and the end of the message take at most.
const ROOM: usize = 256;

const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
const CITIES: [&str; 6] = ["Lisbon", "Kraków", "Nairobi", "Osaka", "Québec", "Valparaíso"];
const TAGS: [&str; 6] = ["express", "gift", "fragile", "returned", "pickup", "insured"];
const WORDS: [&str; 12] =
    ["please", "ring", "the", "bell", "twice", "and", "leave", "it", "with", "neighbours", "behind", "door"];

/// An object of exactly `size` bytes.
pub fn json(size: usize, mut random: impl FnMut() -> u64) -> io::Result<Vec<u8>> {
    if size < ROOM {
        return Err(Error::other(format!("json takes at least {ROOM} bytes")));
    }
    let mut bytes = Vec::with_capacity(size);
    let sequence = random() % 1_000_000;
    write!(bytes, r#"{{"type":"orders","sequence":{sequence},"orders":["#)?;
    for number in 0.. {
        if bytes.len() + ROOM > size {
            break;
        }
        if number > 0 {
            bytes.push(b',');
        }
        order(&mut bytes, &mut random)?;
    }
    write!(bytes, r#"],"note":""#)?;
    while bytes.len() + 2 < size {
        let word = WORDS[random() as usize % WORDS.len()].as_bytes();
        let room = size - 2 - bytes.len();
        bytes.extend(word.iter().chain(b" ").take(room));
    }
    bytes.extend(br#""}"#);
    Ok(bytes)
}

fn order(bytes: &mut Vec<u8>, mut random: impl FnMut() -> u64) -> io::Result<()> {
    let mut below = |limit: usize| random() as usize % limit;
    write!(
        bytes,
        r#"{{"id":"{:08x}","user":"{}","city":"{}","price":{}.{:02},"quantity":{},"paid":{},"#,
        below(1 << 32),
        NAMES[below(NAMES.len())],
        CITIES[below(CITIES.len())],
        below(500),
        below(100),
        1 + below(9),
        below(2) == 0,
    )?;
    write!(
        bytes,
        r#""at":"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z","tags":["{}","{}"]}}"#,
        1 + below(12),
        1 + below(28),
        below(24),
        below(60),
        below(60),
        below(1000),
        TAGS[below(TAGS.len())],
        TAGS[below(TAGS.len())],
    )
}
