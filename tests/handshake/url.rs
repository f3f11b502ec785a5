//! RFC 6455 §3: the addresses of WebSockets.
use sansocket::handshake::{InvalidUrl, Scheme, Url};

fn parts(text: &str) -> (Scheme, String, u16, String) {
    let url: Url = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    (url.scheme(), url.host().into(), url.port(), url.target().into())
}
fn wrong(text: &str) -> InvalidUrl {
    text.parse::<Url>().err().unwrap_or_else(|| panic!("{text:?} is accepted"))
}

/// Rule of RFC 6455 §3: URL of ws.
#[test]
fn section_3_scheme_host_port_and_resource() {
    use Scheme::{Ws, Wss};
    for (text, scheme, host, port, target) in [
        ("ws://example.com", Ws, "example.com", 80, "/"),
        ("wss://example.com", Wss, "example.com", 443, "/"),
        ("WSS://Example.COM:8443/Chat", Wss, "example.com", 8443, "/Chat"),
        ("ws://example.com?room=1", Ws, "example.com", 80, "/?room=1"),
        ("ws://example.com/a/b?c=d&e=/?", Ws, "example.com", 80, "/a/b?c=d&e=/?"),
        ("ws://example.com/?", Ws, "example.com", 80, "/?"),
        ("ws://example.com:/", Ws, "example.com", 80, "/"),
        ("ws://127.0.0.1:0080/x", Ws, "127.0.0.1", 80, "/x"),
        ("ws://[::1]:9001/", Ws, "::1", 9001, "/"),
        ("wss://[2001:DB8::0:1]", Wss, "2001:db8::1", 443, "/"),
        ("ws://under_score.example./", Ws, "under_score.example.", 80, "/"),
    ] {
        assert_eq!(parts(text), (scheme, host.into(), port, target.into()), "{text}");
    }
}

/// Rule of RFC 6455 §3: URL of ws.
#[test]
fn section_3_other_schemes_and_fragments_are_refused() {
    for text in ["", "example.com", "/chat", "ftp://example.com/", "ws:example.com", "wsx://a/", "://a/"] {
        assert_eq!(wrong(text), InvalidUrl::Scheme, "{text:?}");
    }
    assert_eq!(wrong("http://example.com/"), InvalidUrl::Http);
    assert_eq!(wrong("HTTPS://example.com/"), InvalidUrl::Http);
    for text in ["ws://example.com/#top", "ws://example.com#", "ws://example.com/?a#b"] {
        assert_eq!(wrong(text), InvalidUrl::Fragment, "{text:?}");
    }
}

/// Rule of RFC 6455 §3: host by IDNA.
#[test]
fn section_3_what_is_not_ascii_is_percent_encoded() {
    assert_eq!(parts("ws://a/été?q=日").3, "/%C3%A9t%C3%A9?q=%E6%97%A5");
    assert_eq!(parts("ws://a/\"<>^`{|}[]").3, "/%22%3C%3E%5E%60%7B%7C%7D%5B%5D");
    assert_eq!(parts("ws://a/%c3%A9%00").3, "/%c3%A9%00", "what is encoded stays as it is");
}

/// Rule of RFC 6455 §3: host by IDNA.
#[cfg(feature = "idna")]
#[test]
fn section_3_a_host_that_is_not_ascii_is_translated() {
    assert_eq!(parts("ws://Bücher.example/").1, "xn--bcher-kva.example");
    assert_eq!(parts("ws://日本語。jp/").1, "xn--wgv71a119e.jp");
    assert!(matches!(wrong("ws://a\u{ad}\u{378}/"), InvalidUrl::Idna(_)));
    // What cannot be a name is not translated first.
    assert!(matches!(wrong(&format!("ws://{}/", "ü".repeat(100_000))), InvalidUrl::Host(_)));
    // What maps to a separator must not make another authority of it.
    for text in ["ws://good.example\u{ff0f}evil/", "ws://a\u{2100}b/", "ws://a\u{ff20}b/", "ws://a\u{ff1a}1/"]
    {
        assert!(matches!(wrong(text), InvalidUrl::Idna(_) | InvalidUrl::Host(_)), "{text:?}");
    }
}

/// Rule of RFC 6455 §3: host by IDNA.
#[cfg(not(feature = "idna"))]
#[test]
fn without_idna_a_host_that_is_not_ascii_is_an_error_that_names_the_feature() {
    let error = wrong("ws://bücher.example/");
    assert!(matches!(error, InvalidUrl::IdnaDisabled(_)));
    assert!(error.to_string().contains("feature \"idna\""), "{error}");
    assert!(error.to_string().contains("xn--"), "{error}");
}

/// Rule of RFC 6455 §3: invalid URL refused.
#[test]
fn section_4_1_invalid_parts_are_refused() {
    for host in ["", "a b", "a..b", ".", "-[", "a%41", "[::1", "[::1]x", "[::g]", "a:1:2", "a,b", "*"] {
        let text = format!("ws://{host}/");
        assert!(matches!(wrong(&text), InvalidUrl::Host(_) | InvalidUrl::Character(' ')), "{text}");
    }
    assert!(matches!(wrong(&format!("ws://{}/", "a".repeat(64))), InvalidUrl::Host(_)));
    assert!(matches!(wrong(&format!("ws://{}a/", "a.".repeat(127))), InvalidUrl::Host(_)));
    for port in ["0", "65536", "+80", "8o", "-1", "99999999999999999999"] {
        assert!(matches!(wrong(&format!("ws://a:{port}/")), InvalidUrl::Port(_)), "{port}");
    }
    for target in ["/%", "/%4", "/%4g", "/a%zz", "?%%30"] {
        assert_eq!(wrong(&format!("ws://a{target}")), InvalidUrl::PercentEncoding, "{target}");
    }
}

/// Rule of RFC 6455 §3: invalid URL refused.
/// A backslash is a slash to browsers and none to others, so a host would depend on the reader.
#[test]
fn characters_that_end_a_line_or_change_the_host_are_refused() {
    for wrong_one in ['\r', '\n', '\0', ' ', '\t', '\x1f', '\x7f', '\\'] {
        for text in ["ws://a/x?b", "ws://a?xb", "ws://ax:80/", "ws://u:x@a/"] {
            let text = text.replace('x', &wrong_one.to_string());
            assert_eq!(wrong(&text), InvalidUrl::Character(wrong_one), "{text:?}");
        }
    }
}

/// As in browsers: a line end or a space around an address is no part of it. All else is.
#[test]
fn space_around_an_address_is_no_part_of_it() {
    for text in ["ws://a/x\r\n", " ws://a/x", "\tws://a/x ", "\nws://a/x\n\n"] {
        assert_eq!(parts(text).3, "/x", "{text:?}");
    }
    for wrong_one in ['\0', '\x1f', '\x7f', '\\'] {
        for text in [format!("ws://a/{wrong_one}"), format!("{wrong_one}ws://a/")] {
            assert_eq!(wrong(&text), InvalidUrl::Character(wrong_one), "{text:?}");
        }
    }
}

#[test]
fn a_zone_is_told_where_it_belongs() {
    for host in ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[fe80::1%]"] {
        assert_eq!(wrong(&format!("ws://{host}:80/")), InvalidUrl::Zone(host.into()));
    }
}

#[test]
fn credentials_are_checked_and_never_shown() {
    // Not a fragment, nor a port.
    for text in ["ws://me:p#ss@d/", "ws://me:#@d", "ws://me:p/ss@d/", "ws://me:p?ss@d/"] {
        assert_eq!(wrong(text), InvalidUrl::Credentials, "{text}");
    }
    // Not a host either.
    for text in
        ["ws://me:se:cret/x@d/", "ws://me:p@ss!/x@d/", "ws://me:p@s\u{e9}\u{2024}/x@d/", "ws://me:p@[ss/x@d/"]
    {
        assert_eq!(wrong(text), InvalidUrl::Credentials, "{text}");
    }
    for text in ["ws://d/#me@d", "ws://d/?a#me@d", "ws://me@d#x@y"] {
        assert_eq!(wrong(text), InvalidUrl::Fragment, "{text}");
    }
    assert_eq!(parts("ws://d:80/@me").3, "/@me");
    for text in ["ws://a@b@c/", "ws://a%3Ab:c@d/", "ws://a%0D%0A@d/"] {
        assert_eq!(wrong(text), InvalidUrl::Credentials, "{text}");
    }
    assert_eq!(wrong("ws://a%@d/"), InvalidUrl::PercentEncoding);
    let url: Url = "wss://me:secret@example.com:8443/x".parse().unwrap();
    assert_eq!(url.to_string(), "wss://example.com:8443/x");
    assert!(!format!("{url:?}").contains("secret") && !format!("{url:?}").contains("Basic"), "{url:?}");
}

#[test]
fn a_target_is_no_longer_than_an_http_uri() {
    let url = |length: usize| format!("ws://a/{}", "x".repeat(length - 1)).parse::<Url>();
    assert!(url(65_534).is_ok_and(|url| http::Uri::try_from(url.target()).is_ok()));
    assert_eq!(url(65_535), Err(InvalidUrl::TooLong));
    assert_eq!(wrong(&format!("ws://a/?{}", "\u{e9}".repeat(11_000))), InvalidUrl::TooLong);
}

#[test]
fn what_is_displayed_is_the_same_address() {
    for text in ["ws://example.com/", "wss://[::1]:9001/a?b", "ws://example.com:443/"] {
        let url: Url = text.parse().unwrap();
        assert_eq!((url.to_string(), url.to_string().parse()), (text.into(), Ok(url)));
    }
}

/// The examples in the messages work.
#[test]
fn every_error_shows_what_would_work() {
    for text in [
        "",
        "http://a",
        "ws://a/#",
        "ws://a b",
        "ws://a/%",
        "ws://a@b@c",
        "ws://",
        "ws://ü\u{378}/",
        "ws://a:b",
        "ws://[fe80::1%eth0]/",
    ] {
        let message = wrong(text).to_string();
        for example in
            message.split('"').filter(|part| part.starts_with("ws://") || part.starts_with("wss://"))
        {
            if cfg!(feature = "idna") || example.is_ascii() {
                assert!(example.parse::<Url>().is_ok(), "{message}");
            }
        }
        assert!(message.contains("ws://") || message.contains("%23"), "{message}");
    }
}
