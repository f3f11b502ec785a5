//! Which pages may connect. Every scheme, host and port against every policy.
use crate::{Head, answer_with};
use sansocket::{
    Config, Origins,
    handshake::{HandshakeError, InvalidRequest},
};

fn allows(origins: &Origins, host: &str, origin: &[&str]) -> bool {
    let mut config = Config::server();
    config.origins = origins.clone();
    let head = Head::request().but(&format!("Host: {host}"));
    let head = origin.iter().fold(head, |head, origin| head.with(&format!("Origin: {origin}")));
    match answer_with(&head.bytes(), config).1 {
        Ok(_) => true,
        Err(HandshakeError::Request(InvalidRequest::Origin)) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Row 100.
/// T23.
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
        ("example.com", "http://example.com/", false),
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
    let list = Origins::OneOf(listed.map(String::from).into());
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
    let without_null = Origins::OneOf(vec!["https://example.com".into()]);
    assert!(!allows(&without_null, "example.com", &["null"]));
    assert!(!allows(&Origins::OneOf(Vec::new()), "example.com", &["http://example.com"]));
}
