//! permessage-deflate (RFC 7692): [`Deflate`], its settings, and how it is negotiated.
mod deflater;
mod inflater;
mod memory;
mod params;
mod pool;
#[cfg(test)]
mod tests;

pub use memory::Memory;

use super::{Agreement, Extension, ExtensionOffer, InvalidAnswer};
use crate::frame::Rsv;
use deflater::Deflater;
use inflater::Inflater;
use memory::Reservation;
use params::{Params, Settings, Terms};

/// permessage-deflate (RFC 7692): messages are compressed on the way.
///
/// The defaults suit a busy server. It keeps no context of what it sends, and asks its clients for nothing that they may
/// not know. It keeps the context of what a client sends: 4 KiB where the client lets the server choose the window, as
/// most browsers do, 32 KiB where it does not, and nothing where the client offers to keep none.
///
/// ```
/// use sansocket::{Config, Deflate};
///
/// let mut deflate = Deflate::default();
/// deflate.level = 6;
/// let config = Config::server().extension(deflate);
/// ```
///
/// # What it costs
/// An echo of JSON in memory (inflating and compressing), as `benches/deflate/run` measured it. Both ends and both
/// directions are set alike: with the default of [`receive`](Self::receive) an idle server's connection holds more by the
/// client's context.
///
/// | level | window bits | takeover | 1 KiB: µs, bytes sent | 16 KiB: µs, bytes sent | idle connection |
/// |---|---|---|---|---|---|
/// | none |  |  | 0.2, 1028 | 2.0, 16388 | 0.6 KB |
/// | 3 | 12 | no | 32.3, 334 | 204.6, 3236 | 1.2 KB |
/// | 1 | 12 | no | 9.5, 431 | 85.3, 4924 | 1.2 KB |
/// | 6 | 12 | no | 31.9, 330 | 251.4, 2930 | 1.2 KB |
/// | 3 | 15 | no | 30.7, 334 | 179.7, 3271 | 1.2 KB |
/// | 6 | 15 | no | 29.3, 330 | 234.2, 3029 | 1.2 KB |
/// | 3 | 12 | yes | 22.3, 222 | 183.3, 3046 | 271 KB |
/// | 3 | 15 | yes | 27.7, 219 | 197.7, 2994 | 398 KB |
/// | 6 | 15 | yes | 36.8, 204 | 258.4, 2746 | 398 KB |
///
/// A message is compressed by the thread that sends it, all of it at once. A message of many MiB takes a while; sent in
/// chunks (`message_writer`, [`send_chunk`](crate::proto::Connection::send_chunk)), it takes many short whiles.
///
/// # Memory
/// Between messages a connection holds nothing but the [contexts](Context::takeover) that are kept. Compressing and inflating
/// are done by states that [`memory`](Self::memory) lends. It keeps at most 32 of either kind: 256 to 385 KB each to
/// compress, and 48 KB to inflate.
///
/// A message of which only a part has come holds a state, a window of at most 32 KiB, and what has been inflated of it,
/// until the rest comes or [`message_timeout`](crate::Config::message_timeout) passes. One connection's message is bounded
/// by [`max_message_size`](crate::Config::max_message_size), and all of them together by the budget of
/// [`memory`](Self::memory). Without that, 10 MB of traffic could make a server hold 10 GiB: a mebibyte of zeros is sent in
/// a kilobyte.
///
/// # Secrets
/// The length of a compressed message tells about its content. Where one part of a message is secret and another is
/// an attacker's choice, the secret can be guessed from the lengths (as in CRIME and BREACH; RFC 7692 §8), and with a kept
/// context even if the two are parts of different messages. Send such messages
/// [`uncompressed`](crate::Outgoing::uncompressed).
///
/// # Names
/// RFC 7692 names its parameters after the end that sends:
///
/// | | on a server | on a client |
/// |---|---|---|
/// | [`send`](Self::send) | `server_max_window_bits`, `server_no_context_takeover` | `client_…` |
/// | [`receive`](Self::receive) | `client_max_window_bits`, `client_no_context_takeover` | `server_…` |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// How hard to compress, from 0 (not at all) to 9; a larger number counts as 9. It costs time, see
    /// [above](Self#what-it-costs), and no memory. Default: 3.
    pub level: u8,
    /// In bytes: shorter messages are sent uncompressed. A message sent in chunks is compressed whatever its length, which is
    /// not known when it begins. Default: 256 bytes.
    pub min_size: usize,
    /// What this end sends with, at most: the peer may ask for less. With [takeover](Context::takeover) it costs 250 KiB
    /// (window of 9 bits) to 376 KiB (15 bits) for each connection, from the first message on; without, nothing between
    /// messages. Default: a window of 12 bits, and no takeover.
    pub send: Context,
    /// What this end asks its peer to send with. With [takeover](Context::takeover) it costs the window for each connection:
    /// 512 bytes (9 bits) to 32 KiB (15 bits); without, nothing between messages. Default: `None`, which asks for nothing
    /// that a peer may not know how to do.
    ///
    /// | | client | server |
    /// |---|---|---|
    /// | `None` | makes the offer that browsers make, `client_max_window_bits` | keeps the client's context, unless the client offers to keep none: 4 KiB if it offers `client_max_window_bits`, and 32 KiB if not |
    /// | `Some` | asks for this first, and then makes the offer that browsers make | asks for this |
    ///
    /// Some servers answer 400 to a client that asks for `server_max_window_bits`. And some clients do not obey a server
    /// that asks for `client_no_context_takeover` (Tornado 6, Mojolicious 9): their second compressed message fails the
    /// connection with [`MissingContext`](crate::Violation::MissingContext).
    ///
    /// A server may keep its context although a client asks for none; the client must then keep the window. A client that
    /// does not offer `client_max_window_bits` cannot be asked for a smaller window, and has one of 15 bits.
    pub receive: Option<Context>,
    /// What the connections of this `Deflate`, and of others with the same handle, may hold together, in bytes. Default:
    /// [`Memory::default`], the memory of the process, with a budget of 256 MiB.
    ///
    /// When contexts have spent the budget, new connections agree to keep none; a server that may not ask its client for
    /// that ([`receive`](Self::receive)) declines compression. 256 MiB are 642 connections that keep contexts of 15 bits
    /// both ways, or 978 of 12; or 65,536 servers' ends with the default settings, to clients that offer
    /// `client_max_window_bits`.
    ///
    /// When messages of which a part has come have spent it, they fail their connections with
    /// [`OverBudget`](crate::Violation::OverBudget), code 1013. No such message may hold more than half the budget.
    pub memory: Memory,
}

/// What one direction remembers: its LZ77 window (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The largest window, as a power of two of bytes: 9 (512 bytes) to 15 (32 KiB). A smaller number counts as 9, a larger
    /// one as 15 (§7.1.2). Default: 12, 4 KiB.
    pub window_bits: u8,
    /// Whether the window is kept from one message to the next ("context takeover", §7.1.1). Messages that are like each
    /// other become shorter then, and an idle connection holds memory. Default: `false`.
    pub takeover: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self { window_bits: 12, takeover: false }
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self { level: 3, min_size: 256, send: Context::default(), receive: None, memory: Memory::default() }
    }
}

impl Deflate {
    /// The settings, within what zlib can do.
    fn settings(&self) -> Settings {
        let able = |context: Context| Context { window_bits: context.window_bits.clamp(9, 15), ..context };
        Settings { send: able(self.send), receive: self.receive.map(able) }
    }

    fn agreement(
        &self,
        answer: ExtensionOffer,
        terms: Terms,
        send: Reservation,
        receive: Reservation,
    ) -> Agreement {
        let encoder = Deflater::new(self.level.min(9), self.min_size, terms.send, send);
        Agreement::new(answer, Rsv::RSV1, encoder, Inflater::new(terms.receive, receive))
    }
}

impl Terms {
    /// How many bytes to reserve for the context of each direction, sending and receiving.
    fn cost(self) -> (usize, usize) {
        let if_kept = |context: Context, cost: fn(u8) -> usize| {
            if context.takeover { cost(context.window_bits) } else { 0 }
        };
        (if_kept(self.send, memory::compressor), if_kept(self.receive, memory::window))
    }
}

impl Extension for Deflate {
    fn name(&self) -> &str {
        params::NAME
    }

    fn offers(&self) -> Vec<ExtensionOffer> {
        let Settings { mut send, mut receive } = self.settings();
        if let Some(receive) = &mut receive {
            let cost = Terms { send, receive: *receive }.cost();
            // Given back at once: nothing is agreed yet.
            if self.memory.reserve(cost.0 + cost.1).is_none() {
                (send.takeover, receive.takeover) = (false, false);
            }
        }
        Params::offers(Settings { send, receive }).into_iter().map(Params::write).collect()
    }

    fn accept(&self, offer: &ExtensionOffer) -> Option<Agreement> {
        let offered = Params::read(offer)?;
        let settings = self.settings();
        let mut terms = offered.accept(settings)?;
        let reserve = |terms: Terms| {
            let (send, receive) = terms.cost();
            let mut both = self.memory.reserve(send + receive)?;
            let receive = both.split(receive);
            Some((both, receive))
        };
        let (send, receive) = reserve(terms).or_else(|| {
            terms.send.takeover = false;
            terms.receive.takeover &= settings.receive.is_none(); // a client is asked only if the settings say so
            reserve(terms)
        })?;
        Some(self.agreement(offered.answer(terms).write(), terms, send, receive))
    }

    fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
        let params = Params::read(answer).ok_or(InvalidAnswer)?;
        let mut terms = params.confirm(self.settings()).ok_or(InvalidAnswer)?;
        let (send, receive) = terms.cost();
        // A server that keeps its context obliges us to keep its window. Whether we keep our own context is up to us.
        let receive = self.memory.reserve_regardless(receive);
        let send = self.memory.reserve(send).unwrap_or_else(|| {
            terms.send.takeover = false;
            self.memory.reserve_regardless(0)
        });
        Ok(self.agreement(answer.clone(), terms, send, receive))
    }
}
