//! The four parameters of RFC 7692 §7.1: their meaning for either end, and the answers to them.
use super::Context;
use crate::extension::ExtensionOffer;

/// The registered name (RFC 7692 §7).
pub(super) const NAME: &str = "permessage-deflate";

const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// The window of an end that has not been asked for a smaller one.
pub(super) const WIDEST: u8 = 15;

/// What a server without a setting agrees to receive. A client that offers `client_max_window_bits` lets the server choose,
/// and 4 KiB cost little. The server does not ask the client to keep no context: some clients do not obey.
const UNASKED: Context = Context { window_bits: 12, takeover: true };

/// The parameters of one offer or answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    /// §7.1.1.1
    pub(super) server_no_context_takeover: bool,
    /// §7.1.1.2
    pub(super) client_no_context_takeover: bool,
    /// §7.1.2.1
    pub(super) server_max_window_bits: Option<u8>,
    /// §7.1.2.2. The parameter may be absent, and its value may be absent.
    pub(super) client_max_window_bits: Option<Option<u8>>,
}

/// The settings of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) send: Context,
    /// `None`: the peer is asked for nothing.
    pub(super) receive: Option<Context>,
}

/// What two ends have agreed on, as one of them sees it. If `send` has 8 bits, this end never compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) send: Context,
    pub(super) receive: Context,
}

impl Params {
    /// `None` if a parameter is unknown, has an invalid value, or appears twice (§7.1). Such an offer is declined, and such
    /// an answer fails the connection.
    pub(super) fn read(offer: &ExtensionOffer) -> Option<Self> {
        let mut params = Self::default();
        for (name, value) in offer.params() {
            let repeated = match (name, value) {
                (SERVER_TAKEOVER, None) => std::mem::replace(&mut params.server_no_context_takeover, true),
                (CLIENT_TAKEOVER, None) => std::mem::replace(&mut params.client_no_context_takeover, true),
                (SERVER_BITS, Some(value)) => params.server_max_window_bits.replace(bits(value)?).is_some(),
                (CLIENT_BITS, None) => params.client_max_window_bits.replace(None).is_some(),
                (CLIENT_BITS, Some(value)) => {
                    params.client_max_window_bits.replace(Some(bits(value)?)).is_some()
                }
                _ => return None,
            };
            if repeated {
                return None;
            }
        }
        Some(params)
    }

    pub(super) fn write(self) -> ExtensionOffer {
        let mut offer = ExtensionOffer::named(NAME);
        for (name, there) in [
            (SERVER_TAKEOVER, self.server_no_context_takeover),
            (CLIENT_TAKEOVER, self.client_no_context_takeover),
        ] {
            if there {
                offer = offer.with(name, None);
            }
        }
        if let Some(bits) = self.server_max_window_bits {
            offer = offer.with(SERVER_BITS, Some(bits));
        }
        if let Some(bits) = self.client_max_window_bits {
            offer = offer.with(CLIENT_BITS, bits);
        }
        offer
    }

    /// Client: what to ask for, if anything, and then the offer that browsers make and every server knows.
    ///
    /// The last offer asks for nothing, and a server may narrow its answer unasked. So every valid answer fits that offer,
    /// and an answer need not be compared with the offers.
    pub(super) fn offers(ours: Settings) -> Vec<Self> {
        let below = |bits: u8| Some(bits).filter(|&bits| bits < WIDEST);
        let plain = Self { client_max_window_bits: Some(None), ..Self::default() };
        let wanted = ours.receive.map(|receive| Self {
            server_no_context_takeover: !receive.takeover,
            client_no_context_takeover: !ours.send.takeover,
            server_max_window_bits: below(receive.window_bits),
            client_max_window_bits: Some(below(ours.send.window_bits)),
        });
        wanted.into_iter().filter(|wanted| *wanted != plain).chain([plain]).collect()
    }

    /// Server: the terms that this offer leads to. `None` declines it.
    pub(super) fn accept(self, ours: Settings) -> Option<Terms> {
        let receive = ours.receive.unwrap_or(UNASKED);
        let send_bits = self.server_max_window_bits.unwrap_or(WIDEST).min(ours.send.window_bits);
        if send_bits < 9 {
            return None; // zlib has no window of 8 bits to send with (§7.1.2.1 allows to decline)
        }
        // A client that does not offer the parameter may not be asked (§7.1.2.2), and may use the widest window.
        let receive_bits = self
            .client_max_window_bits
            .map_or(WIDEST, |offered| offered.unwrap_or(WIDEST).min(receive.window_bits));
        let send_takeover = ours.send.takeover && !self.server_no_context_takeover;
        let receive_takeover = receive.takeover && !self.client_no_context_takeover;
        Some(Terms {
            send: Context { window_bits: send_bits, takeover: send_takeover },
            receive: Context { window_bits: receive_bits, takeover: receive_takeover },
        })
    }

    /// Server: the answer to this offer that states the terms.
    pub(super) fn answer(self, agreed: Terms) -> Self {
        Self {
            server_no_context_takeover: !agreed.send.takeover,
            client_no_context_takeover: !agreed.receive.takeover,
            server_max_window_bits: self.server_max_window_bits.map(|_| agreed.send.window_bits),
            client_max_window_bits: self.client_max_window_bits.map(|_| Some(agreed.receive.window_bits)),
        }
    }

    /// Client: the terms that this answer states. `None` if it is not valid.
    pub(super) fn confirm(self, ours: Settings) -> Option<Terms> {
        let send_bits = match self.client_max_window_bits {
            Some(answered) => answered?.min(ours.send.window_bits), // an answer must have a value (§7.1.2.2)
            None => ours.send.window_bits,
        };
        // With 8 bits there is no compressor, and so no context.
        let send_takeover = ours.send.takeover && !self.client_no_context_takeover && send_bits > 8;
        Some(Terms {
            send: Context { window_bits: send_bits, takeover: send_takeover },
            receive: Context {
                window_bits: self.server_max_window_bits.unwrap_or(WIDEST),
                takeover: !self.server_no_context_takeover, // whether we asked for it or not
            },
        })
    }
}

/// Parses a number from 8 to 15, decimal, without leading zeros (§7.1.2).
fn bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}
