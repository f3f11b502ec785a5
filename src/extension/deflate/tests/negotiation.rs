//! RFC 7692 §5 and §7.1: what is offered, accepted and confirmed; and what contexts are reserved for.
use super::{deflate, inflate, prose};
use crate::extension::deflate::{Context, Memory, params::Params};
use crate::{
    extension::{Agreement, Deflate, Extension, ExtensionOffer, InvalidAnswer},
    frame::Rsv,
};

fn set(send: (u8, bool), receive: (u8, bool)) -> Deflate {
    let context = |(window_bits, takeover)| Context { window_bits, takeover };
    Deflate { send: context(send), receive: Some(context(receive)), ..own() }
}
/// The default settings, with memory of its own.
fn own() -> Deflate {
    Deflate { memory: Memory::new(256 << 20), ..Deflate::default() }
}
/// Both directions at their widest, and kept.
fn widest() -> Deflate {
    set((15, true), (15, true))
}
fn offer(params: &str) -> ExtensionOffer {
    format!("permessage-deflate{params}").parse().unwrap()
}
/// The server's answer to this offer, without the name.
fn answer(server: &Deflate, params: &str) -> Option<String> {
    server.accept(&offer(params)).map(|agreement| tail(agreement.answer()))
}
fn tail(offer: &ExtensionOffer) -> String {
    offer.to_string().strip_prefix("permessage-deflate").unwrap().to_owned()
}
fn offers(client: &Deflate) -> Vec<String> {
    client.offers().iter().map(tail).collect()
}
/// What the client makes of it: `send` and `receive` as they are agreed.
fn confirmed(client: &Deflate, params: &str) -> Option<(Context, Context)> {
    let terms = Params::read(&offer(params))?.confirm(client.settings())?;
    assert!(client.confirm(&offer(params)).is_ok());
    Some((terms.send, terms.receive))
}
fn kept(window_bits: u8) -> Context {
    Context { window_bits, takeover: true }
}
fn fresh(window_bits: u8) -> Context {
    Context { window_bits, takeover: false }
}

const NONE: &str = "; server_no_context_takeover; client_no_context_takeover";

/// Rule of RFC 7692 §5.1: offers by preference. What is wanted comes first, then what any server can do.
#[test]
fn section_5_offers_are_in_order_of_preference() {
    let plain = "; client_max_window_bits";
    assert_eq!(
        offers(&set((12, false), (12, false))),
        [&format!("{NONE}; server_max_window_bits=12; client_max_window_bits=12"), plain]
    );
    assert_eq!(offers(&widest()), [plain]);
    assert_eq!(
        offers(&set((15, false), (15, true))),
        ["; client_no_context_takeover; client_max_window_bits", plain]
    );
    assert_eq!(
        offers(&set((15, true), (15, false))),
        ["; server_no_context_takeover; client_max_window_bits", plain]
    );
    assert_eq!(
        offers(&set((9, true), (10, true))),
        ["; server_max_window_bits=10; client_max_window_bits=9", plain]
    );
}

/// Some servers answer 400 to a parameter that they do not know, and know those that browsers send.
#[test]
fn by_default_a_client_offers_what_browsers_do() {
    let mut client = Deflate::default();
    assert_eq!(offers(&client), ["; client_max_window_bits"]);
    (client.send, client.memory) = (kept(15), Memory::new(0));
    assert_eq!(offers(&client), ["; client_max_window_bits"], "whatever it sends with itself");
}

/// Some clients (Tornado 6.6, Mojolicious 9.31) do not obey `client_no_context_takeover` if they have not offered it.
#[test]
fn by_default_a_server_asks_of_a_client_only_what_it_offers() {
    let server = own();
    for (offered, answered, held) in [
        ("", "; server_no_context_takeover", 32 << 10),
        ("; client_max_window_bits", "; server_no_context_takeover; client_max_window_bits=12", 4 << 10),
        ("; client_max_window_bits=10", "; server_no_context_takeover; client_max_window_bits=10", 1 << 10),
        ("; client_no_context_takeover", NONE, 0),
    ] {
        let agreement = server.accept(&offer(offered)).unwrap();
        assert_eq!((&*tail(agreement.answer()), server.memory.contexts()), (answered, held), "{offered}");
    }
    // A second message that refers to the first is understood.
    let mut client = widest().confirm(&offer("; client_max_window_bits=12")).unwrap();
    let mut server = server.accept(&offer("; client_max_window_bits")).unwrap();
    let text = prose(1000, 4);
    exchange(&mut client, &mut server, &text);
    exchange(&mut client, &mut server, &text);
}

#[test]
fn by_default_a_server_without_budget_declines_what_it_would_have_to_keep() {
    let mut server = Deflate { memory: Memory::new(4 << 10), ..Deflate::default() };
    server.send.takeover = true;
    assert_eq!(answer(&server, ""), None);
    assert_eq!(answer(&server, "; client_no_context_takeover").as_deref(), Some(NONE));
    let narrow = "; server_no_context_takeover; client_max_window_bits=12";
    assert_eq!(answer(&server, "; client_max_window_bits").as_deref(), Some(narrow), "its own first");
}

/// Rule of RFC 7692 §7.1.2: window as agreed.
/// Whatever the fields say, no window is offered that zlib does not have.
#[test]
fn section_7_1_2_settings_out_of_range_are_the_nearest_in_it() {
    for bits in [0, 8] {
        assert_eq!(
            offers(&set((bits, true), (bits, true)))[0],
            "; server_max_window_bits=9; client_max_window_bits=9"
        );
    }
    for bits in [16, 255] {
        assert_eq!(offers(&set((bits, true), (bits, true))), ["; client_max_window_bits"]);
    }
    let mut deflate = set((255, false), (0, false));
    deflate.level = 255;
    let mut agreement = deflate.accept(&offer("")).unwrap();
    let text = prose(5000, 1);
    let message = super::deflate(&mut *agreement.encoder, &text);
    assert!(inflate(&mut *agreement.decoder, &message).unwrap() == text);
}

/// Rule of RFC 7692 §7.1: invalid offer declined.
#[test]
fn section_7_1_an_offer_with_anything_wrong_is_declined() {
    for wrong in [
        "; x",
        "; server_max_window_bits=15; x=1",
        "; Server_no_context_takeover",
        "; server_no_context_takeover=1",
        "; client_no_context_takeover=true",
        "; server_no_context_takeover; server_no_context_takeover",
        "; client_no_context_takeover; client_no_context_takeover",
        "; server_max_window_bits=10; server_max_window_bits=10",
        "; client_max_window_bits; client_max_window_bits",
        "; client_max_window_bits=10; client_max_window_bits",
        "; client_max_window_bits; client_max_window_bits=10",
        "; server_max_window_bits",
    ] {
        assert_eq!(answer(&Deflate::default(), wrong), None, "{wrong}");
        assert_eq!(Deflate::default().confirm(&offer(wrong)).err(), Some(InvalidAnswer), "{wrong}");
    }
}

/// Rule of RFC 7692 §7.1: invalid answer fails.
#[test]
fn section_7_1_an_answer_without_the_value_it_needs_fails() {
    assert!(Deflate::default().confirm(&offer("; client_max_window_bits")).is_err());
    assert!(Deflate::default().confirm(&offer("; client_max_window_bits=12")).is_ok());
}

/// Known failure: odd window bits.
/// Rule of RFC 7692 §7.1.2.1: server_max_window_bits.
/// Rule of RFC 7692 §7.1.2.2: client_max_window_bits.
#[test]
fn section_7_1_2_every_number_of_window_bits() {
    let server = widest();
    for bits in 0..=255u16 {
        let valid = (8..=15).contains(&bits);
        for value in [bits.to_string(), format!("\"{bits}\"")] {
            let ours = format!("; server_max_window_bits={value}");
            // A server cannot send with 8.
            let expected = (valid && bits > 8).then(|| format!("; server_max_window_bits={bits}"));
            assert_eq!(answer(&server, &ours), expected, "{ours}");
            assert_eq!(server.confirm(&offer(&ours)).is_ok(), valid, "{ours}");
            let theirs = format!("; client_max_window_bits={value}");
            let expected = valid.then(|| format!("; client_max_window_bits={bits}"));
            assert_eq!(answer(&server, &theirs), expected, "{theirs}");
            assert_eq!(server.confirm(&offer(&theirs)).is_ok(), valid, "{theirs}");
        }
    }
    for value in
        ["08", "010", "015", "0", "+10", "1_0", "1e1", "0xA", "-9", "10.", "99999999999999999999", "x"]
    {
        for name in ["server_max_window_bits", "client_max_window_bits"] {
            let wrong = format!("; {name}={value}");
            assert_eq!(answer(&server, &wrong), None, "{wrong}");
            assert!(server.confirm(&offer(&wrong)).is_err(), "{wrong}");
        }
    }
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for wrong in [format!("permessage-deflate; {name}="), format!("permessage-deflate; {name}=\"\"")] {
            assert!(wrong.parse::<ExtensionOffer>().is_err(), "{wrong}");
        }
    }
}

/// Rule of RFC 7692 §7.1.1.1: server_no_context_takeover.
#[test]
fn section_7_1_1_1_server_no_context_takeover() {
    let asked = "; server_no_context_takeover";
    assert_eq!(answer(&widest(), asked).as_deref(), Some(asked));
    assert_eq!(answer(&set((15, false), (15, true)), "").as_deref(), Some(asked), "unasked");
    assert_eq!(answer(&widest(), "").as_deref(), Some(""));
    // The client keeps what the server keeps, and no more.
    assert_eq!(confirmed(&widest(), asked), Some((kept(15), fresh(15))));
    assert_eq!(confirmed(&Deflate::default(), ""), Some((fresh(12), kept(15))));
}

/// Rule of RFC 7692 §7.1.1.2: client_no_context_takeover.
#[test]
fn section_7_1_1_2_client_no_context_takeover() {
    let asked = "; client_no_context_takeover";
    assert_eq!(answer(&widest(), asked).as_deref(), Some(asked));
    assert_eq!(answer(&set((15, true), (15, false)), "").as_deref(), Some(asked), "unasked");
    assert_eq!(confirmed(&widest(), asked), Some((fresh(15), kept(15))));
    let mut agreement = widest().confirm(&offer(asked)).unwrap();
    let text = prose(500, 2);
    let (one, two) = (deflate(&mut *agreement.encoder, &text), deflate(&mut *agreement.encoder, &text));
    assert_eq!(one, two);
    let mut agreement = widest().confirm(&offer("")).unwrap();
    let (one, two) = (deflate(&mut *agreement.encoder, &text), deflate(&mut *agreement.encoder, &text));
    assert!(two.len() < one.len() / 2);
}

/// Rule of RFC 7692 §7.1.2.1: server_max_window_bits.
#[test]
fn section_7_1_2_1_server_max_window_bits() {
    let server = set((12, true), (15, true));
    for (offered, answered) in [("10", "10"), ("12", "12"), ("15", "12")] {
        let asked = format!("; server_max_window_bits={offered}");
        assert_eq!(answer(&server, &asked), Some(format!("; server_max_window_bits={answered}")));
    }
    assert_eq!(answer(&server, "").as_deref(), Some(""));
    assert_eq!(confirmed(&widest(), "; server_max_window_bits=8"), Some((kept(15), kept(8))), "unasked");
}

/// Rule of RFC 7692 §7.1.2.2: client_max_window_bits.
#[test]
fn section_7_1_2_2_client_max_window_bits() {
    let server = set((15, true), (11, true));
    for (offered, answered) in [("", "11"), ("=15", "11"), ("=11", "11"), ("=9", "9"), ("=8", "8")] {
        let asked = format!("; client_max_window_bits{offered}");
        assert_eq!(answer(&server, &asked), Some(format!("; client_max_window_bits={answered}")));
    }
    assert_eq!(answer(&server, "").as_deref(), Some(""), "not in the answer if not in the offer");
    // And then the client may use the widest, which the server must be able to read.
    let server = set((15, false), (11, true));
    let agreement = server.accept(&offer("")).unwrap();
    assert_eq!(server.memory.contexts(), 1 << 15);
    drop(agreement);
    assert_eq!(confirmed(&set((12, true), (15, true)), "; client_max_window_bits=10").unwrap().0, kept(10));
    assert_eq!(confirmed(&set((12, true), (15, true)), "; client_max_window_bits=15").unwrap().0, kept(12));
}

/// Rule of RFC 7692 §7.1.2: window as agreed.
#[test]
fn section_7_1_2_2_a_client_told_8_bits_does_not_compress() {
    let client = widest();
    let mut agreement =
        client.confirm(&offer("; client_max_window_bits=8; server_no_context_takeover")).unwrap();
    assert_eq!(agreement.encoder.begin(Some(1 << 20)), Rsv::NONE);
    assert_eq!(client.memory.contexts(), 0);
}

/// Rule of RFC 7692 §5.1: offers by preference.
/// Rule of RFC 7692 §7.1.1.1: server_no_context_takeover.
/// Rule of RFC 7692 §7.1.1.2: client_no_context_takeover.
/// Rule of RFC 7692 §7.1.2.1: server_max_window_bits.
/// Rule of RFC 7692 §7.1.2.2: client_max_window_bits.
/// Both ends, whatever they are set to, understand each other.
#[test]
fn section_5_ends_of_any_settings_agree() {
    let sides: Vec<_> = [9, 15].into_iter().flat_map(|bits| [(bits, false), (bits, true)]).collect();
    let text = prose(2000, 3);
    for &client_send in &sides {
        for &client_receive in &sides {
            for &server_send in &sides {
                let client = set(client_send, client_receive);
                let server = set(server_send, (11, true));
                for offered in client.offers() {
                    let mut there = server.accept(&offered).unwrap();
                    let mut here = client.confirm(there.answer()).unwrap();
                    assert_eq!((there.rsv, here.rsv), (Rsv::RSV1, Rsv::RSV1));
                    for _ in 0..2 {
                        exchange(&mut here, &mut there, &text);
                        exchange(&mut there, &mut here, &text);
                    }
                }
                assert_eq!([client.memory, server.memory].map(|memory| memory.contexts()), [0, 0]);
            }
        }
    }
}
fn exchange(from: &mut Agreement, to: &mut Agreement, text: &[u8]) {
    let message = deflate(&mut *from.encoder, text);
    assert!(inflate(&mut *to.decoder, &message).unwrap() == text);
}

#[test]
fn a_context_is_reserved_for_as_long_as_its_codec_is() {
    let server = own();
    let none = server.accept(&offer("; client_no_context_takeover")).unwrap();
    assert_eq!(server.memory.contexts(), 0, "nothing is kept, so nothing reserved");
    drop(none);
    let server = widest();
    let (both, window) = (server.accept(&offer("")).unwrap(), 1 << 15);
    let compressor = server.memory.contexts() - window;
    assert!((250_000..400_000).contains(&compressor), "{compressor}");
    let Agreement { encoder, decoder, .. } = both;
    drop(encoder);
    assert_eq!(server.memory.contexts(), window);
    drop(decoder);
    assert_eq!(server.memory.contexts(), 0);
    assert!(server.accept(&offer("; server_max_window_bits=8")).is_none());
    assert_eq!(server.memory.contexts(), 0);
}

#[test]
fn when_the_budget_is_spent_nothing_more_is_kept() {
    let mut server = widest();
    let first = server.accept(&offer("")).unwrap();
    let cost = server.memory.contexts();
    drop(first);
    server.memory = Memory::new(2 * cost);
    let first = server.accept(&offer("")).unwrap();
    let second = server.accept(&offer("")).unwrap();
    assert_eq!(tail(second.answer()), "", "exactly within it");
    assert_eq!(answer(&server, "").as_deref(), Some(NONE));
    assert_eq!(
        answer(&server, "; server_max_window_bits=10; client_max_window_bits"),
        Some(format!("{NONE}; server_max_window_bits=10; client_max_window_bits=15"))
    );
    assert_eq!(server.memory.contexts(), 2 * cost);
    // As a client it asks for none, and does not keep one; yet what the server keeps must be kept.
    assert_eq!(offers(&server), [&format!("{NONE}; client_max_window_bits"), "; client_max_window_bits"]);
    let third = server.confirm(&offer("")).unwrap();
    assert_eq!(server.memory.contexts(), 2 * cost + (1 << 15));
    assert!(third.encoder.profile().is_some(), "it does not depend on earlier messages");
    drop((second, third));
    assert_eq!(answer(&server, "").as_deref(), Some(""), "there is some again");
    drop(first);
    assert_eq!(server.memory.contexts(), 0);
}

/// Each has an account of its own, unless it is given the handle of another.
#[test]
fn budgets_are_those_of_the_memory_that_a_deflate_holds() {
    let (small, large) = (Memory::new(500 << 10), Memory::new(1 << 30));
    let with = |memory: &Memory| Deflate { memory: memory.clone(), ..widest() };
    let first = with(&small).accept(&offer("")).unwrap();
    assert_eq!(answer(&with(&small), "").as_deref(), Some(NONE), "the same account");
    assert_eq!(answer(&with(&large), "").as_deref(), Some(""), "another");
    assert_eq!((small.contexts(), large.contexts()), (408 << 10, 0));
    drop(first);
    assert_eq!(
        (small.contexts(), with(&small) == with(&small), with(&small) == with(&large)),
        (0, true, false)
    );
}
