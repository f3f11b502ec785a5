//! permessage-deflate is negotiated: what is offered, answered and made of an answer is what RFC 7692 §7.1 says; and what
//! two ends have agreed on, they keep to.
//!
//! Input: settings of the server, settings of the client (six bytes each), then the value of a header field, as offers and
//! as answers.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::{
    Config, Deflate,
    bytes::Buf,
    extension::{self, Agreement, ExtensionOffer, deflate::Context, deflate::Memory},
    proto::{Connection, Established, Event, Role},
};
use sansocket_fuzz::{
    Repeatable,
    inflate::Inflate,
    model::{self, Item, Limits},
};
use std::sync::{Arc, LazyLock};

/// With large and small budgets, and kept from one run to the next, so that states are lent again.
static MEMORIES: LazyLock<[Memory; 4]> =
    LazyLock::new(|| [256 << 20, 0, 600 << 10, 300 << 10].map(Memory::new));

const NAME: &str = "permessage-deflate";

fuzz_target!(|input: &[u8]| {
    let Some((settings, text)) = input.split_at_checked(12) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let [server, client] = [&settings[..6], &settings[6..]].map(deflate);

    // Whatever two of ours are set to, they agree, on the first offer.
    let offers = extension::offers(&[Arc::new(client.clone())]);
    let field = offers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    assert_eq!(ExtensionOffer::parse_list(&field).as_ref(), Ok(&offers));
    check_offers(&client, &offers);
    let agreed = served(&server, &offers);
    assert!(agreed.is_some() || is_broke(&server), "any server takes up what we offer");
    if let Some(agreed) = agreed {
        let answer = agreed.answer().clone();
        let confirmed = confirmed(&client, &offers, &answer).expect("any client takes our answer");
        assert!(Terms::of(&answer).is_some_and(|terms| Terms::of(&offers[0]).expect("valid").allows(&terms)));
        converse(&server, &client, agreed, confirmed, settings);
    }

    // And whatever comes.
    if let Ok(list) = ExtensionOffer::parse_list(text) {
        if let Some(agreed) = served(&server, &list) {
            let answer = agreed.answer().clone();
            let confirmed = self::confirmed(&client, &list, &answer).expect("an answer to that offer");
            converse(&server, &client, agreed, confirmed, settings);
        }
        for answer in &list {
            drop(self::confirmed(&client, &offers, answer));
        }
    }
    for ours in [server, client] {
        assert_eq!((ours.memory.contexts(), ours.memory.unfinished()), (0, 0), "reserved by nobody");
    }
});

/// Level, least size, windows, and what is kept.
fn deflate(settings: &[u8]) -> Deflate {
    let mut deflate = Deflate::default();
    deflate.level = settings[0];
    deflate.min_size = [0, 1, 100, 100_000][usize::from(settings[1] % 4)];
    deflate.send = Context { window_bits: settings[2], takeover: settings[4] & 1 != 0 };
    let receive = Context { window_bits: settings[3], takeover: settings[4] & 2 != 0 };
    deflate.receive = (settings[4] & 4 == 0).then_some(receive);
    // Nothing is reserved when it begins.
    deflate.memory = MEMORIES[usize::from(settings[5] % 4)].clone();
    deflate
}

/// The parameters of an offer or an answer (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Terms {
    server_forgets: bool,
    client_forgets: bool,
    server_bits: Option<u8>,
    /// 0: without a value.
    client_bits: Option<u8>,
}

impl Terms {
    /// `None` if it is none, or one that has to be declined.
    fn of(offer: &ExtensionOffer) -> Option<Self> {
        let params: Vec<(&str, Option<&str>)> = offer.params().collect();
        let known = [
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits",
            "client_max_window_bits",
        ];
        if offer.name() != NAME || params.iter().any(|(name, _)| !known.contains(name)) {
            return None;
        }
        let find = |name: &str| {
            let mut values = params.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
            let first = values.next();
            if values.next().is_some() { Err(()) } else { Ok(first) }
        };
        let flag = |name: &str| match find(name) {
            Ok(None) => Some(false),
            Ok(Some(None)) => Some(true),
            _ => None,
        };
        let bits = |name: &str| match find(name) {
            Ok(None) => Some(None),
            Ok(Some(None)) if name == known[3] => Some(Some(0)),
            Ok(Some(Some(text))) => (8..16).find(|bits: &u8| bits.to_string() == text).map(Some),
            _ => None,
        };
        Some(Self {
            server_forgets: flag(known[0])?,
            client_forgets: flag(known[1])?,
            server_bits: bits(known[2])?,
            client_bits: bits(known[3])?,
        })
    }

    /// Whether that answers this offer, as the RFC has it.
    fn allows(&self, answer: &Self) -> bool {
        let server = self.server_bits.is_none_or(|most| answer.server_bits.is_some_and(|bits| bits <= most));
        let client = match (self.client_bits, answer.client_bits) {
            (_, None) => true,
            (None, Some(_)) => false, // §7.1.2.2: not to a client that does not know it
            (Some(0), Some(bits)) => bits > 0,
            (Some(most), Some(bits)) => bits > 0 && bits <= most,
        };
        (answer.server_forgets || !self.server_forgets) && server && client
    }

    fn written(&self) -> String {
        let mut text = NAME.to_owned();
        text += if self.server_forgets { "; server_no_context_takeover" } else { "" };
        text += if self.client_forgets { "; client_no_context_takeover" } else { "" };
        for (name, bits) in [("server", self.server_bits), ("client", self.client_bits)] {
            text += &match bits {
                None => String::new(),
                Some(0) => format!("; {name}_max_window_bits"),
                Some(bits) => format!("; {name}_max_window_bits={bits}"),
            };
        }
        text
    }
}

fn able(bits: u8) -> u8 {
    bits.clamp(9, 15)
}

/// What a compressor and a window come to.
fn cost(send: Option<u8>, receive: Option<u8>) -> usize {
    send.map_or(0, |bits| (248 << 10) + (4 << bits)) + receive.map_or(0, |bits| 1 << bits.max(9))
}

/// A server without a setting for what it receives may not ask the client to keep nothing. So it needs a budget.
fn is_broke(server: &Deflate) -> bool {
    server.receive.is_none() && server.memory.budget() == 0
}

/// The client asks for what it is set to, if it is, and then for anything.
fn check_offers(ours: &Deflate, offers: &[ExtensionOffer]) {
    let any = Terms { client_bits: Some(0), ..Terms::default() };
    let Some(receive) = ours.receive else {
        assert_eq!(offers.iter().map(ToString::to_string).collect::<Vec<_>>(), [any.written()]);
        return;
    };
    let [send, receive] = [ours.send, receive]
        .map(|context| (able(context.window_bits), context.takeover.then_some(able(context.window_bits))));
    let broke = cost(send.1, receive.1) > ours.memory.budget();
    let wanted = Terms {
        server_forgets: receive.1.is_none() || broke,
        client_forgets: send.1.is_none() || broke,
        server_bits: Some(receive.0).filter(|bits| *bits < 15),
        client_bits: Some(send.0 % 15),
    };
    let mut expected = vec![wanted.written(), any.written()];
    expected.dedup();
    assert_eq!(offers.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

/// The server takes up the first that it can: all but those for a window of 8 bits of its own.
fn served(ours: &Deflate, offers: &[ExtensionOffer]) -> Option<Agreement> {
    let agreed = extension::accept(&[Arc::new(ours.clone())], offers);
    let found = offers.iter().find_map(|offer| Terms::of(offer).filter(|terms| terms.server_bits != Some(8)));
    let Some(offer) = found else {
        assert!(agreed.is_none(), "{offers:?} are to be declined, not {agreed:?}");
        return None;
    };
    let server_bits = able(ours.send.window_bits).min(offer.server_bits.unwrap_or(15));
    let receive = ours.receive.unwrap_or(Context { window_bits: 12, takeover: true });
    let client_bits = offer.client_bits.map(|most| {
        let ours = able(receive.window_bits);
        if most == 0 { ours } else { ours.min(most) }
    });
    let mut answer = Terms {
        server_forgets: offer.server_forgets || !ours.send.takeover,
        client_forgets: offer.client_forgets || !receive.takeover,
        server_bits: offer.server_bits.map(|_| server_bits),
        client_bits,
    };
    let cost = |answer: &Terms| {
        cost(
            (!answer.server_forgets).then_some(server_bits),
            (!answer.client_forgets).then_some(client_bits.unwrap_or(15)),
        )
    };
    if cost(&answer) > ours.memory.budget() {
        answer.server_forgets = true;
        answer.client_forgets |= ours.receive.is_some();
    }
    if cost(&answer) > ours.memory.budget() {
        assert!(is_broke(ours) && agreed.is_none(), "{offer:?} is to be declined, not {agreed:?}");
        return None;
    }
    let agreed = agreed.unwrap_or_else(|| panic!("{offer:?} was declined"));
    assert_eq!(ours.memory.contexts(), cost(&answer));
    assert!(offer.allows(&answer), "the model itself is wrong: {answer:?} to {offer:?}");
    assert_eq!(agreed.answer().to_string(), answer.written());
    Some(agreed)
}

/// The client takes any answer that is valid, for one of its offers asks for nothing.
fn confirmed(ours: &Deflate, offers: &[ExtensionOffer], answer: &ExtensionOffer) -> Option<Agreement> {
    let reserved = ours.memory.contexts();
    let agreed = extension::confirm(&[Arc::new(ours.clone())], offers, answer);
    let Some(terms) = Terms::of(answer).filter(|terms| terms.client_bits != Some(0)) else {
        assert!(agreed.is_err(), "{answer} is no answer");
        return None;
    };
    let agreed = agreed.unwrap_or_else(|_| panic!("{answer} is an answer"));
    assert_eq!(agreed.answer(), answer);
    // It must remember what the server refers to; what it sends, it need not.
    let least = cost(None, (!terms.server_forgets).then_some(terms.server_bits.unwrap_or(15)));
    assert!(ours.memory.contexts() >= reserved + least);
    Some(agreed)
}

/// Messages in both directions: they arrive, and on the wire is what was agreed on and no more.
fn converse(server: &Deflate, client: &Deflate, agreed: Agreement, confirmed: Agreement, seed: &[u8]) {
    let terms = Terms::of(agreed.answer()).expect("an answer");
    let end = |role, agreement| {
        let mut config = Config::server();
        config.entropy = Arc::new(Repeatable::default());
        Connection::new(Established::bare(role).with_extension(agreement), config)
    };
    let (mut server_end, mut client_end) = (end(Role::Server, agreed), end(Role::Client, confirmed));
    for from_server in [true, false] {
        let (sender, receiver, ours, forgets, bits) = if from_server {
            (&mut server_end, &mut client_end, server, terms.server_forgets, terms.server_bits)
        } else {
            (&mut client_end, &mut server_end, client, terms.client_forgets, terms.client_bits)
        };
        let (mut wire, mut sent) = (vec![], vec![]);
        for message in messages(seed) {
            sender.send(&message[..]).expect("open");
            let out = sender.transmit();
            let n = out.remaining();
            let bytes = out.copy_to_bytes(n);
            // §7.1.2: a window of 8 bits is none that zlib has, so nothing is compressed.
            let compressed = message.len() >= ours.min_size && bits != Some(8);
            assert_eq!(bytes[0], 0x82 | u8::from(compressed) << 6);
            receiver.receive(&bytes);
            match receiver.poll_event() {
                Some(Event::Message(heard)) => assert!(heard.as_bytes() == message, "another message"),
                other => panic!("{other:?}, and not the message"),
            }
            assert!(receiver.poll_event().is_none());
            wire.extend(bytes);
            sent.push(Item::Data { text: false, bytes: message, fin: true });
        }
        // No reference goes farther than the window, nor to another message unless it is kept.
        let narrow = Inflate::new(bits.unwrap_or(15), !forgets);
        let reading = model::read_inflating(receiver.role(), &wire, Limits::NONE, Some(narrow));
        assert_eq!((reading.error, reading.whole), (None, wire.len()));
        assert!(reading.items == sent, "another message, to the model");
    }
}

/// Like each other, longer than the smaller windows, and with references far back.
fn messages(seed: &[u8]) -> Vec<Vec<u8>> {
    let long = usize::from(seed[1]) * 5;
    [300, 0, 40, long, 40 + long]
        .into_iter()
        .map(|len| {
            let byte = |i: usize| (i * i >> 4) as u8 ^ seed[i / 32 % seed.len()];
            (0..len).map(byte).collect()
        })
        .collect()
}
