//! How a pair is configured, and what its ends send each other.
use crate::{Repeatable, inflate::Inflate};
use sansocket::{
    Config, Deflate, Delivery, Keepalive, Outgoing, Prepared, Role,
    extension::{Agreement, Extension, deflate::Context},
    proto::Established,
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// How the two are configured.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub fragment_size: usize,
    /// Whether the end receives in pieces.
    pub chunks: [bool; 2],
    pub timeouts: bool,
    /// The server sends messages back, lent.
    pub echo: bool,
    pub auto_pong: bool,
    /// Who closes, if nobody has.
    pub close_first: usize,
    pub compression: Compression,
}

/// What of the messages is compressed, and what is kept from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Off,
    /// Long ones, and each by itself.
    Alone,
    /// All, with all that was before them.
    Takeover,
    /// The client's with a little of what was before them, the server's each by itself.
    Mixed,
}

/// How a message is handed over to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Borrowed,
    Owned,
    Uncompressed,
    /// And kept, to be sent again by either end.
    Prepared,
}

impl Compression {
    /// The window and whether it is kept, of what the client sends and of what the server does.
    fn contexts(self) -> [Context; 2] {
        let context = |window_bits, takeover| Context { window_bits, takeover };
        match self {
            Self::Off | Self::Alone => [context(12, false); 2],
            Self::Takeover => [context(15, true); 2],
            Self::Mixed => [context(9, true), context(10, false)],
        }
    }

    fn agreement(self, role: Role) -> Agreement {
        let [client, server] = self.contexts();
        let mut deflate = Deflate::default();
        deflate.min_size = if self == Self::Alone { 256 } else { 0 };
        deflate.level = if self == Self::Mixed { 4 } else { 1 };
        (deflate.send, deflate.receive) = (client, server);
        let offer = &deflate.offers()[0];
        let mut served = deflate.clone();
        (served.send, served.receive) = (server, client);
        let agreed = served.accept(offer).expect("what we offer");
        if role == Role::Server { agreed } else { deflate.confirm(agreed.answer()).expect("our answer") }
    }

    pub(super) fn established(self, role: Role) -> Established {
        let bare = Established::bare(role);
        if self == Self::Off { bare } else { bare.with_extension(self.agreement(role)) }
    }

    /// What reads the messages that the client sends, or the server.
    pub(super) fn inflate(self, sender: usize) -> Option<Inflate> {
        let Context { window_bits, takeover } = self.contexts()[sender];
        (self != Self::Off).then(|| Inflate::new(window_bits, takeover))
    }
}

/// It, to be sent in that way.
pub(super) fn outgoing<'m>(
    text: bool,
    bytes: &'static [u8],
    how: How,
    prepared: &'m Option<Prepared>,
) -> Outgoing<'m> {
    match (prepared, how, text) {
        (Some(prepared), _, _) => prepared.into(),
        (_, How::Owned, true) => as_text(bytes).to_owned().into(),
        (_, How::Owned, false) => bytes.to_vec().into(),
        (_, How::Uncompressed, true) => Outgoing::from(as_text(bytes)).uncompressed(),
        (_, How::Uncompressed, false) => Outgoing::from(bytes).uncompressed(),
        (_, _, true) => as_text(bytes).into(),
        (_, _, false) => bytes.into(),
    }
}

/// At most so much is sent by each: more than is framed ahead of the transport. In small fragments, less.
const ENOUGH: [usize; 2] = [150_000, 3000];

impl Settings {
    pub(super) fn enough(self) -> usize {
        ENOUGH[usize::from(self.fragment_size < 1000)]
    }
}

static BINARY: LazyLock<Vec<u8>> = LazyLock::new(|| (0..400_000u32).map(|i| (i ^ i >> 8) as u8).collect());
static TEXT: LazyLock<String> = LazyLock::new(|| "naïve €uro 𐍈 ".repeat(20_000));

/// Bytes that differ from those of the message before, the text of whole characters.
pub(super) fn payload(text: bool, seed: usize, len: usize) -> &'static [u8] {
    let from = seed % 61;
    if !text {
        return &BINARY[from..from + len];
    }
    let boundary = |at: usize| (0..=at).rev().find(|at| TEXT.is_char_boundary(*at)).unwrap_or(0);
    &TEXT.as_bytes()[boundary(from)..boundary(from + len)]
}

pub(super) fn as_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("cut between characters")
}

pub(super) fn config(settings: Settings, end: usize) -> Config {
    let mut config = Config::client();
    config.entropy = Arc::new(Repeatable::default());
    config.fragment_size = settings.fragment_size;
    config.auto_pong = settings.auto_pong;
    config.delivery = if settings.chunks[end] { Delivery::Chunks } else { Delivery::Messages };
    if settings.timeouts {
        let [interval, timeout] = [7, 5].map(Duration::from_secs);
        config.keepalive = Some(Keepalive { interval, timeout });
    } else {
        config.keepalive = None;
        config.message_timeout = None;
        config.write_timeout = None;
        config.close_timeout = None;
    }
    config
}
