//! [`Config`]: every limit and deadline, with defaults that are safe on the open internet.
mod origins;
mod setters;

pub use origins::{InvalidOrigin, OriginPattern, Origins};

use crate::{
    entropy::{Entropy, SystemEntropy},
    extension::Extension,
};
use std::{sync::Arc, time::Duration};

/// How a connection behaves: every limit, every deadline, and what is negotiated. Make one for each role, change what
/// should differ, and share it: every function that takes a `Config` takes an `Arc<Config>` too.
///
/// | settings | read by |
/// |---|---|
/// | `max_message_size`, `max_fragments`, `max_empty_fragments`, `delivery`, `auto_pong` | a connection, for what it receives |
/// | `fragment_size`, `entropy` | a connection, for what it sends |
/// | `keepalive`, `message_timeout`, `write_timeout`, `close_timeout` | a connection, when it is told the time |
/// | `max_head_size`, `max_header_fields`, `max_header_line`, `handshake_timeout`, `extensions` | the opening handshake |
/// | `max_refusal_body` | a client's opening handshake only |
/// | `origins` | a server's opening handshake only |
/// | `accept_unmasked` | a server's connection only |
/// | `high_water_mark` | the receiving half, the adapters, and drivers |
///
/// ```
/// use sansocket::Config;
/// use std::{sync::Arc, time::Duration};
///
/// let config = Config::server().max_message_size(64 << 20).close_timeout(Duration::from_secs(1)).keepalive(None);
/// let shared = Arc::new(config);
/// # let _ = shared;
/// ```
///
/// Each setting is a public field, and a method of the same name sets it. A struct expression with `..Config::server()`
/// does not compile, since later versions may add settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The most bytes in a received message, once decompressed. One more fails the connection with 1009. There is no
    /// separate limit on frames. Not applied to [`Delivery::Chunks`]. Default: 16 MiB for a client, 1 MiB for a server.
    pub max_message_size: usize,
    /// The most frames in a received message. One more fails the connection with 1008. Empty frames count, except a
    /// last one that only ends the message. Not applied to [`Delivery::Chunks`]. Default: 65,536.
    pub max_fragments: u32,
    /// The most empty frames in a row in a received message. One more fails the connection with 1008. Default: 64.
    pub max_empty_fragments: u32,

    /// The most bytes in the head of the opening handshake's request or response. Default: 32 KiB.
    pub max_head_size: usize,
    /// The most header fields in that head. Default: 100.
    pub max_header_fields: usize,
    /// The most bytes in one line of that head. All cookies are one line. Default: 16 KiB.
    pub max_header_line: usize,
    /// For a client: the most bytes kept of the body of a response that refuses the upgrade. Default: 64 KiB.
    pub max_refusal_body: usize,

    /// How long the opening handshake may take, from its start to its end. Where an adapter dials for a client,
    /// dialling counts. `None`: for ever. Default: 10 s.
    pub handshake_timeout: Option<Duration>,
    /// When to ping a silent peer, and when to give up one that stays silent. `None`: never. Default: after 20 s, and
    /// 20 s after that.
    pub keepalive: Option<Keepalive>,
    /// How long no byte of payload may come while a received message is unfinished. After that the connection is failed
    /// with 1008. `None`: for ever. Default: 60 s.
    pub message_timeout: Option<Duration>,
    /// How long no byte may leave this end while there are bytes to send, also while closing. A byte that the transport
    /// still holds back has not left. `None`: for ever, but while closing for [`close_timeout`](Self::close_timeout).
    /// Default: 30 s.
    pub write_timeout: Option<Duration>,
    /// How long the closing handshake may take, from when the last byte of this end has left, its Close frame included,
    /// to the end of the transport (RFC 6455 §7.1.1). Until that byte has left, [`write_timeout`](Self::write_timeout)
    /// governs, so closing takes longer in all while bytes leave slowly. Also how long a server waits for a client that it
    /// has refused to take the answer and to end the transport. `None`: for ever. Default: 10 s.
    pub close_timeout: Option<Duration>,

    /// The extensions to negotiate: see [`extension`](crate::extension). [A method](#method.extension) adds one. A client
    /// offers them in this order, and a server takes up the first offer that it can, in the client's order.
    ///
    /// A client offers permessage-deflate with its default settings if the feature `deflate` is on, even if another crate
    /// of the program turned it on, but not after [`without_extensions`](Self::without_extensions).
    ///
    /// Default: none for a server; permessage-deflate for a client, with that feature.
    pub extensions: Vec<Arc<dyn Extension>>,
    /// For a server: which pages may connect (RFC 6455 §10.2). Default: those of its own host and port; where that is a
    /// loopback host, also those of a loopback host at any port.
    pub origins: Origins,
    /// For a server: whether frames without a mask are accepted too, which RFC 6455 §5.1 forbids. Default: false.
    ///
    /// Set it for clients that never mask and cannot be mended, such as some microcontrollers and audio bridges, and for a
    /// listener that nobody else reaches: in a closed network, or on a port of its own. **Never set it where browsers or
    /// intermediaries connect.** The mask keeps a page from choosing the bytes that its browser sends: bytes that look like
    /// HTTP could put false responses into the cache of a proxy on the way (RFC 6455 §10.3).
    pub accept_unmasked: bool,
    /// Whether messages are delivered whole or in chunks. Default: whole.
    pub delivery: Delivery,
    /// Whether the connection answers pings by itself (RFC 6455 §5.5.2). If not, the application answers
    /// [`Event::Ping`](crate::proto::Event::Ping) with [`pong`](crate::proto::Outbound::pong). Default: true.
    pub auto_pong: bool,
    /// The most bytes of payload in a sent frame, at least 1. Longer messages leave in several frames, so that pongs and
    /// pings can pass between them (RFC 6455 §5.4). Some peers cannot join frames, and take only messages that are one.
    /// A client masks a frame as the transport takes it, 64 KiB at a time, however long it is. Default: 1 MiB.
    pub fragment_size: usize,
    /// How many bytes may be queued for sending before sending calls of the adapters wait for the transport, and before
    /// messages that come are kept back.
    ///
    /// A connection that waits to send does not read. If both peers only send, both wait until
    /// [`write_timeout`](Self::write_timeout) ends it, and without one for ever. Receive in between, or `split` the
    /// connection and have one end receiving.
    ///
    /// Default: 64 KiB.
    pub high_water_mark: usize,
    /// Where masking keys and nonces come from (RFC 6455 §5.3, §4.1). Default: [`SystemEntropy`].
    pub entropy: Arc<dyn Entropy>,
}

/// When to ping a silent peer, and when to give up one that stays silent. Any byte that comes is a sign of life, and so
/// is output that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// How long the peer is silent before a ping leaves. It may be twice as long, since silence is looked for once each
    /// interval.
    pub interval: Duration,
    /// How long the peer stays silent after the ping before the connection is given up.
    pub timeout: Duration,
}

/// How messages are delivered: whole, or in chunks as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// [`Event::Message`](crate::proto::Event::Message), once complete.
    #[default]
    Messages,
    /// [`Event::Chunk`](crate::proto::Event::Chunk), as bytes arrive: messages of any length in constant memory.
    Chunks,
}

impl Config {
    /// The defaults of a client: messages of up to 16 MiB, and with the feature `deflate` the offer to compress.
    pub fn client() -> Self {
        Self { max_message_size: 16 << 20, extensions: offered_by_default(), ..Self::server() }
    }

    /// The defaults of a server: messages of up to 1 MiB, and no compression.
    pub fn server() -> Self {
        let seconds = Duration::from_secs;
        Self {
            max_message_size: 1 << 20,
            max_fragments: 65_536,
            max_empty_fragments: 64,
            max_head_size: 32 << 10,
            max_header_fields: 100,
            max_header_line: 16 << 10,
            max_refusal_body: 64 << 10,
            handshake_timeout: Some(seconds(10)),
            keepalive: Some(Keepalive { interval: seconds(20), timeout: seconds(20) }),
            message_timeout: Some(seconds(60)),
            write_timeout: Some(seconds(30)),
            close_timeout: Some(seconds(10)),
            extensions: Vec::new(),
            origins: Origins::Same,
            accept_unmasked: false,
            delivery: Delivery::Messages,
            auto_pong: true,
            fragment_size: 1 << 20,
            high_water_mark: 64 << 10,
            entropy: Arc::new(SystemEntropy),
        }
    }
}

/// The defaults of a [server](Config::server), which are the stricter ones and negotiate nothing. They are safe for a
/// client too, which loses by them messages over 1 MiB and the offer to compress.
impl Default for Config {
    fn default() -> Self {
        Self::server()
    }
}

#[cfg(feature = "deflate")]
fn offered_by_default() -> Vec<Arc<dyn Extension>> {
    vec![Arc::new(crate::extension::Deflate::default())]
}
#[cfg(not(feature = "deflate"))]
fn offered_by_default() -> Vec<Arc<dyn Extension>> {
    Vec::new()
}
