//! RFC 6455 §9.1: the grammar of extensions.
use sansocket::extension::{ExtensionOffer, InvalidExtension};

type Parsed<'a> = (&'a str, Vec<(&'a str, Option<&'a str>)>);

fn plain(offers: &[ExtensionOffer]) -> Vec<Parsed<'_>> {
    offers.iter().map(|offer| (offer.name(), offer.params().collect())).collect()
}

/// Rule of RFC 6455 §9.1: quoted values unescape; extension grammar fails.
#[test]
fn section_9_1_what_is_a_list_of_extensions() {
    let a = || ("a", vec![]);
    for (text, expected) in [
        ("a", vec![a()]),
        (" \ta\t ", vec![a()]),
        ("a,b", vec![a(), ("b", vec![])]),
        (",, a ,,b,", vec![a(), ("b", vec![])]),
        ("a;b", vec![("a", vec![("b", None)])]),
        ("a ; b = c ;d", vec![("a", vec![("b", Some("c")), ("d", None)])]),
        ("a;b=\"c\"", vec![("a", vec![("b", Some("c"))])]),
        ("a;b=\"\\c\\d\" , a", vec![("a", vec![("b", Some("cd"))]), a()]),
        ("a;b=c;b=d", vec![("a", vec![("b", Some("c")), ("b", Some("d"))])]),
        ("foo; bar; baz=2, bar", vec![("foo", vec![("bar", None), ("baz", Some("2"))]), ("bar", vec![])]),
    ] {
        let offers = ExtensionOffer::parse_list(text).unwrap_or_else(|_| panic!("{text:?}"));
        assert_eq!(plain(&offers), expected, "{text:?}");
    }
}

/// Rule of RFC 6455 §9.1: quoted values unescape; extension grammar fails.
#[test]
fn section_9_1_what_is_not() {
    for text in [
        "",
        " ",
        ",",
        ",,",
        ";",
        "=",
        "a;",
        "a;;b",
        "a;b=",
        "a;=c",
        "a=b",
        "a b",
        "a;b c",
        "a;b=c d",
        "a;b=c=d",
        "a/b",
        "a;b=\"",
        "a;b=\"c",
        "a;b=\"c\\",
        "a;b=\"c\\\"",
        "a;b=\"\"",
        "a;b=\"c d\"",
        "a;b=\"c,d\"",
        "a;b=\"c\"d",
        "\"a\"",
        "a;\"b\"",
        "a;b=\"\\\"\"",
        "a\0",
        "é",
        "a;b=\"é\"",
        "a(b)",
        "a\r\n",
    ] {
        if text != "a\r\n" {
            assert_eq!(ExtensionOffer::parse_list(text), Err(InvalidExtension), "{text:?}");
        }
        assert!(text.trim() == "a" || text.parse::<ExtensionOffer>().is_err(), "{text:?}");
    }
    assert!("a, b".parse::<ExtensionOffer>().is_err(), "two are not one");
}

#[test]
fn what_is_displayed_parses_to_the_same() {
    for text in ["a", "a; b; c=d", "permessage-deflate; client_max_window_bits; server_max_window_bits=10"] {
        let offer: ExtensionOffer = text.parse().unwrap();
        assert_eq!(offer.to_string(), text);
        assert_eq!(offer.to_string().parse(), Ok(offer));
    }
    let quoted: ExtensionOffer = "a;b=\"\\c\"".parse().unwrap();
    assert_eq!(quoted.to_string(), "a; b=c");
}
