//! Which pages may connect. Every scheme, host and port against every policy.
use crate::{Head, answer, answer_with, ask, parse};
use sansocket::{
    Config, OriginPattern, Origins,
    handshake::{HandshakeError, InvalidRequest},
};

fn allows(origins: &Origins, host: &str, origin: &[&str]) -> bool {
    let mut config = Config::server();
    config.origins = origins.clone();
    let head = Head::request().but(&format!("Host: {host}"));
    let head = origin.iter().fold(head, |head, origin| head.with(&format!("Origin: {origin}")));
    match answer_with(&head.bytes(), config).1 {
        Ok(_) => true,
        Err(HandshakeError::Origin(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Rule of RFC 6455 §10.2: Origin is checked.
/// Known failure: Origin policy matrix.
#[test]
fn section_10_2_same_origin_is_the_default() {
    assert_eq!(Config::server().origins, Origins::Same);
    for (host, origin, same) in [
        ("example.com", "http://example.com", true),
        ("example.com", "https://example.com", true),
        ("EXAMPLE.com", "https://example.COM", true),
        ("example.com", "http://example.com:80", true),
        ("example.com:80", "http://example.com", true),
        ("example.com:443", "https://example.com", true),
        ("example.com:8080", "http://example.com:8080", true),
        ("[::1]:8080", "http://[::1]:8080", true),
        ("example.com", "http://example.com:443", false),
        ("example.com", "https://example.com:80", false),
        ("example.com:443", "http://example.com", false),
        ("example.com:80", "https://example.com", false),
        ("example.com:8080", "http://example.com", false),
        ("example.com", "http://example.com:8080", false),
        ("example.com:8080", "http://example.com:8081", false),
        ("example.com", "http://www.example.com", false),
        ("www.example.com", "http://example.com", false),
        ("example.com", "http://example.com.evil.example", false),
        ("example.com", "http://evilexample.com", false),
        ("example.com", "http://example.com@evil.example", false),
        ("example.com", "http://example.com/", true), // as Go's x/net/websocket sends it
        ("example.com", "http://example.com//", false),
        ("example.com", "http://example.com/a", false),
        ("example.com", "http://example.com:80x", false),
        ("example.com", "http://example.com:", true),
        ("example.com", "null", false),
        ("null", "null", false),
        ("example.com", "", false),
        ("example.com", "example.com", false),
        ("example.com", "ftp://example.com", false),
        ("example.com", "chrome-extension://example.com", false),
        ("example.com", "http://example.com http://evil.example", false),
        ("example.com", "http://\u{e9}xample.com", false),
    ] {
        assert_eq!(allows(&Origins::Same, host, &[origin]), same, "{host} {origin}");
    }
    assert!(allows(&Origins::Same, "example.com", &[]), "not a browser");
    assert!(!allows(&Origins::Same, "example.com", &["http://example.com", "http://example.com"]));
}

#[test]
fn section_10_2_any_is_any() {
    for origin in [&["https://evil.example"][..], &["null"], &[""], &["\u{e9}"], &["a", "b"], &[]] {
        assert!(allows(&Origins::Any, "example.com", origin), "{origin:?}");
    }
}

#[test]
fn section_10_2_a_list_is_compared_by_scheme_host_and_port() {
    let listed = ["https://example.com", "http://localhost:8080", "chrome-extension://abc", "null"];
    let list = Origins::one_of(listed).unwrap();
    for (origin, allowed) in [
        ("https://example.com", true),
        ("https://EXAMPLE.com:443", true),
        ("http://localhost:8080", true),
        ("chrome-extension://abc", true),
        ("null", true),
        ("http://example.com", false),
        ("http://example.com:443", false),
        ("https://example.com:8443", false),
        ("http://localhost", false),
        ("https://own.example", false),
        ("chrome-extension://abcd", false),
        ("", false),
    ] {
        assert_eq!(allows(&list, "own.example", &[origin]), allowed, "{origin}");
    }
    assert!(allows(&list, "own.example", &[]));
    let without_null = Origins::one_of(["https://example.com"]).unwrap();
    assert!(!allows(&without_null, "example.com", &["null"]));
    assert!(!allows(&Origins::OneOf(Vec::new()), "example.com", &["http://example.com"]));
}

/// Cookies do not tell ports apart either, and every tutorial has its pages at another port.
#[test]
fn a_page_from_this_machine_may_connect_to_this_machine() {
    for (host, origin, allowed) in [
        ("localhost:8080", "http://localhost:5173", true),
        ("localhost:8080", "http://127.0.0.1:5500", true),
        ("127.0.0.1:8080", "https://localhost", true),
        ("[::1]:8080", "http://localhost:5173", true),
        ("app.localhost:8080", "http://[::1]:5173", true),
        ("localhost", "http://127.1.2.3", true),
        ("LOCALHOST.:80", "http://Localhost", true),
        ("localhost:8080", "null", false),
        ("localhost:8080", "file://", false),
        ("localhost:8080", "http://example.com", false),
        ("localhost:8080", "http://localhost.example.com:8080", false),
        ("localhost:8080", "http://evillocalhost:8080", false),
        ("localhost:8080", "http://127.0.0.1.example.com", false),
        ("localhost:8080", "chrome-extension://localhost", false),
        ("example.com:8080", "http://localhost:8080", false),
        ("192.168.0.1:8080", "http://localhost:8080", false),
        ("0.0.0.0:8080", "http://localhost:5173", false),
    ] {
        assert_eq!(allows(&Origins::Same, host, &[origin]), allowed, "{host} {origin}");
    }
}

#[test]
fn a_pattern_lets_in_what_it_obviously_means() {
    for (pattern, lets_in, keeps_out) in [
        (
            "https://example.com/",
            &["https://example.com", "https://example.com:443"][..],
            &["http://example.com"][..],
        ),
        (" HTTPS://Example.COM ", &["https://example.com"], &["https://www.example.com"]),
        ("example.com", &["https://example.com", "http://example.com"], &["http://example.com:443", "null"]),
        ("localhost:5173", &["http://localhost:5173", "https://localhost:5173"], &["http://localhost"]),
        (
            "https://*.example.com",
            &["https://a.example.com", "https://a.b.EXAMPLE.com", "https://a.example.com:443"],
            &[
                "https://example.com",
                "https://.example.com",
                "https://evilexample.com",
                "http://a.example.com",
                "https://a.example.com:8443",
                "https://example.com.evil.example",
                "https://a.example.com.evil.example",
            ],
        ),
        ("*.example.com:8443", &["https://a.example.com:8443"], &["https://a.example.com"]),
        ("https://[::1]:8080", &["https://[::1]:8080"], &["https://[::1]"]),
        ("file://", &["file://"], &["null", "file:"]),
        ("NULL", &["null"], &["file://"]),
        ("moz-extension://a-b/", &["moz-extension://a-b"], &["moz-extension://a-bc"]),
    ] {
        let list = Origins::one_of([pattern]).unwrap();
        for origin in lets_in {
            assert!(allows(&list, "own.example", &[origin]), "{pattern} {origin}");
        }
        for origin in keeps_out.iter().chain(&["http://own.example"]) {
            assert!(!allows(&list, "own.example", &[origin]), "{pattern} {origin}");
        }
    }
    let by_string = Origins::one_of(vec![String::from("https://example.com")]).unwrap();
    let pattern: OriginPattern = "https://example.com/".parse().unwrap();
    assert_eq!(Origins::one_of([pattern]).unwrap(), by_string);
}

#[test]
fn what_no_page_could_have_as_its_origin_is_refused_when_it_is_set() {
    for (wrong, why) in [
        ("", "write one as in https://example.com"),
        ("*", "to let in all pages, use Origins::Any"),
        ("https://example.com/chat", "an origin is scheme, host and port, without a path"),
        ("https://example.com?a", "an origin is scheme, host and port, without a path"),
        ("https://me@example.com", "an origin is scheme, host and port, without a user"),
        (
            "wss://example.com",
            "it is the origin of a page, so write http:// for ws:// and https:// for wss://",
        ),
        ("https://*example.com", "a * stands for subdomains only, as in https://*.example.com"),
        ("https://a.*.example.com", "a * stands for subdomains only, as in https://*.example.com"),
        ("https://*.*.com", "a * stands for subdomains only, as in https://*.example.com"),
        ("http://localhost:*", "a * stands for subdomains only, as in https://*.example.com"),
        (
            "https://b\u{fc}cher.example",
            "browsers send such a host in its ASCII form, as in https://xn--bcher-kva.example",
        ),
        ("https://", "its host or its port is none that there could be"),
        ("https://example.com:99999", "its host or its port is none that there could be"),
        ("a b", "its host or its port is none that there could be"),
    ] {
        let error = Origins::one_of(["https://example.com", wrong]).unwrap_err();
        assert_eq!(error.to_string(), format!("{wrong:?} is not an origin: {why}"));
    }
}

#[test]
fn a_refusal_says_what_was_compared_and_which_setting_says_so() {
    let head = Head::request().but("Host: chat.internal:9001").with("Origin: https://chat.example");
    let (text, result) = answer(&head);
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server refuses pages of \"https://chat.example\": Host is \"chat.internal:9001\", and Config::origins lets \
         in only pages of the same host and port"
    );
    let HandshakeError::Origin(forbidden) = error else { panic!("{error}") };
    assert_eq!((forbidden.origin(), forbidden.host()), ("https://chat.example", "chat.internal:9001"));
    let (status, _, body) = parse(&text);
    assert_eq!((status, &*body), (403, "403 Forbidden: the server refuses pages of this origin\n"));
    assert_eq!(ask(&head).refusal(), Some(InvalidRequest::Origin), "before the answer");

    let listed = ["https://example.com", "https://*.example.com", "null"];
    let config = Config::server().origins(Origins::one_of(listed).unwrap());
    assert_eq!(
        answer_with(&head.bytes(), config).1.unwrap_err().to_string(),
        "the server refuses pages of \"https://chat.example\": Host is \"chat.internal:9001\", and Config::origins lets \
         in only pages of https://example.com, https://*.example.com, null"
    );
    let many = (0..100).map(|n| format!("{n}.example"));
    let config = Config::server().origins(Origins::one_of(many).unwrap());
    let text = answer_with(&head.bytes(), config).1.unwrap_err().to_string();
    assert!(text.ends_with(", 7.example and 92 more"), "{text}");
}
