//! How a pair is configured, and what its ends send each other.
use crate::{Repeatable, inflate::Inflate};
use sansocket::{
    Config, Deflate, Delivery, Keepalive, Message, Outgoing, Prepared,
    extension::{Agreement, Extension, deflate::Context},
    proto::{Established, Role},
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// How the two are configured.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub fragment_size: usize,
    /// Whether the end receives in chunks.
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
        (deflate.send, deflate.receive) = (client, Some(server));
        let offer = &deflate.offers()[0];
        let mut served = deflate.clone();
        (served.send, served.receive) = (server, Some(client));
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
pub(super) fn outgoing(content: Content, how: How, prepared: &Option<Prepared>) -> Outgoing<'_> {
    match (prepared, how, content) {
        (Some(prepared), _, _) => prepared.into(),
        (_, How::Owned, Content::Text(text)) => text.to_owned().into(),
        (_, How::Owned, Content::Binary(bytes)) => bytes.to_vec().into(),
        (_, How::Uncompressed, Content::Text(text)) => Outgoing::from(text).uncompressed(),
        (_, How::Uncompressed, Content::Binary(bytes)) => Outgoing::from(bytes).uncompressed(),
        (_, _, Content::Text(text)) => text.into(),
        (_, _, Content::Binary(bytes)) => bytes.into(),
    }
}

impl Settings {
    /// At most so much is sent by each: more than is framed ahead of the transport, or than a window of the longest holds,
    /// twice. Where neither can be reached less does: some fragments, or many a window of the shortest.
    pub(super) fn enough(self) -> usize {
        match (self.fragment_size, self.compression) {
            (..1000, _) => 3000,
            (_, Compression::Mixed) => 10_000,
            (_, Compression::Alone) | (1000, Compression::Takeover) => 40_000,
            (1000, Compression::Off) | (_, Compression::Takeover) => 150_000,
            (_, Compression::Off) => 300_000,
        }
    }
}

static BINARY: LazyLock<Vec<u8>> = LazyLock::new(|| (0..400_000u32).map(|i| (i ^ i >> 8) as u8).collect());
static TEXT: LazyLock<String> = LazyLock::new(|| "naïve €uro 𐍈 ".repeat(20_000));

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    Text(&'static str),
    Binary(&'static [u8]),
}

impl Content {
    /// It differs from that of the message before; a text is of whole characters.
    pub(super) fn new(text: bool, seed: usize, len: usize) -> Self {
        if text { Self::Text(text_of(seed, len)) } else { Self::Binary(bytes_of(seed, len)) }
    }
    pub(super) fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<Content> for Message {
    fn from(content: Content) -> Self {
        match content {
            Content::Text(text) => text.into(),
            Content::Binary(bytes) => bytes.to_vec().into(),
        }
    }
}

pub(super) fn bytes_of(seed: usize, len: usize) -> &'static [u8] {
    let from = seed % 61;
    &BINARY[from..from + len]
}

pub(super) fn text_of(seed: usize, len: usize) -> &'static str {
    let from = seed % 61;
    let boundary = |at: usize| (0..=at).rev().find(|at| TEXT.is_char_boundary(*at)).unwrap_or(0);
    &TEXT[boundary(from)..boundary(from + len)]
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
