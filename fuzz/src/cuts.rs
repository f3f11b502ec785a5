//! What the targets of the opening handshake have at the front of their input: flags, limits and cuts.
use crate::{
    Repeatable, memory,
    model::{self, Item, Limits},
};
use sansocket::{
    CloseFrame, Config,
    bytes::Buf,
    proto::{Connection, Event, ReadBuf},
};
use std::sync::Arc;

/// An input, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    pub flags: u8,
    pub limits: u8,
    pub steps: &'a [u8],
    pub bytes: &'a [u8],
}

impl<'a> Cut<'a> {
    /// `None` if there is too little.
    pub fn new(input: &'a [u8]) -> Option<Self> {
        let [flags, limits, cuts, rest @ ..] = input else { return None };
        let (steps, bytes) = rest.split_at(rest.len().min(usize::from(cuts % 16)));
        Some(Self { flags: *flags, limits: *limits, steps, bytes })
    }

    /// The bytes as one piece; or cut where the input says and then after each byte, for a while.
    pub fn pieces(self, cut: bool) -> Vec<&'a [u8]> {
        let (mut rest, mut pieces) = (self.bytes, vec![]);
        let steps = self.steps.iter().map(|step| usize::from(*step)).chain(std::iter::repeat_n(1, 64));
        for step in steps.filter(|_| cut) {
            let (piece, later) = rest.split_at(step.min(rest.len()));
            pieces.push(piece);
            rest = later;
        }
        pieces.push(rest);
        pieces
    }

    /// Limits that are worth meeting.
    pub fn config(self) -> Config {
        let mut config = Config::server();
        config.entropy = Arc::new(Repeatable::default());
        config.max_message_size = LIMITS.message;
        config.max_fragments = LIMITS.fragments;
        config.max_empty_fragments = LIMITS.empty_fragments;
        config.max_head_size = [32 << 10, 1024, 300, 64][usize::from(self.limits % 4)];
        config.max_header_fields = [100, 20, 6, 0][usize::from(self.limits / 4 % 4)];
        config.max_header_line = [16 << 10, 256, 64, 20][usize::from(self.limits / 16 % 4)];
        config.max_refusal_body = [64 << 10, 100, 10, 0][usize::from(self.limits / 64)];
        config
    }
}

/// What a connection that comes to be allows: the defaults.
pub const LIMITS: Limits = Limits { message: 1 << 20, fragments: 65_536, empty_fragments: 64, chunks: false };

/// Whether a buffer that a handshake waits with is within its bound: a head, and what has just come.
pub fn check_buffer(buffer: ReadBuf<'_>, most: usize, config: &Config) {
    assert!(buffer.len() <= config.max_head_size.max(256) + most, "{} bytes wait", buffer.len());
    assert!(buffer.capacity() <= 4 * (buffer.len() + most) + 1024, "memory by announcement");
    let largest = memory::largest();
    assert!(largest <= 16 * (config.max_head_size + most) + 1024, "{largest} bytes at once");
}

/// Takes out all that is to be written.
pub fn drain(from: &mut impl Buf) -> Vec<u8> {
    let n = from.remaining();
    from.copy_to_bytes(n).to_vec()
}

/// What a connection tells, at once and with the bytes that come then; after the end of the transport, too.
pub fn tell<'a>(connection: &mut Connection, rest: impl Iterator<Item = &'a [u8]>) -> (Vec<Item>, bool) {
    let (mut items, mut failed, mut ends) = (vec![], false, 0);
    let mut hear = |connection: &mut Connection| {
        while let Some(event) = connection.poll_event() {
            match event {
                Event::Message(message) => items.push(Item::Data {
                    text: message.as_str().is_some(),
                    bytes: message.as_bytes().to_vec(),
                    fin: true,
                }),
                Event::Ping(payload) => items.push(Item::Ping(payload.to_vec())),
                Event::Pong(payload) => items.push(Item::Pong(payload.to_vec())),
                Event::CloseReceived(frame) => items.push(Item::Close(body(frame))),
                Event::Error(_) => failed = true,
                Event::Closed(_) => ends += 1,
                other => panic!("{other:?}"),
            }
        }
        ends
    };
    hear(connection);
    for piece in rest {
        connection.receive(piece);
        hear(connection);
    }
    connection.receive_eof();
    let ended = hear(connection) == 1;
    assert_eq!(ended, !connection.wants_write(), "the end, and output that waits");
    drain(connection.transmit());
    assert_eq!(hear(connection), 1, "one end");
    (items, failed)
}

fn body(frame: Option<CloseFrame>) -> model::Body {
    frame.map(|frame| (frame.code.get(), frame.reason.as_str().to_owned()))
}
