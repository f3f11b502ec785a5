//! The adapters have the same names for the same things, and the root has those that an application needs.
use std::{collections::BTreeSet, fs};

/// What a module shows: its re-exports, types and functions.
fn shown(files: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let source = fs::read_to_string(format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut rest = &source[..];
        while let Some(at) = rest.find("\npub ") {
            rest = &rest[at + "\npub ".len()..];
            let (word, after) = rest.split_once(' ').unwrap();
            match word {
                "use" => {
                    let list = after.split(';').next().unwrap().rsplit("::").next().unwrap();
                    let list = list.trim_matches(['{', '}']).split(',').map(str::trim);
                    names.extend(list.filter(|name| !name.is_empty()).map(str::to_owned));
                }
                "type" | "fn" | "struct" | "trait" | "mod" => {
                    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap();
                    names.insert(after[..end].to_owned());
                }
                other => panic!("{file} shows a {other}"),
            }
        }
    }
    names
}

#[test]
fn adapters_have_the_same_names() {
    let blocking = shown(&["blocking/mod.rs"]);
    let (tokio, futures, aio) = (shown(&["tokio/mod.rs"]), shown(&["futures.rs"]), shown(&["aio/mod.rs"]));
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).cloned().collect()
    };
    // How a stream reads and writes is said by `Transport` here, by `Runtime` there. Streams that do not wait can be
    // opened again and again, and that is a matter of blocking calls alone.
    assert_eq!(
        only(&blocking, &tokio),
        ["Acceptor", "Connector", "Half", "Plain", "ReuniteError", "Split", "Transport"]
    );
    assert_eq!(only(&tokio, &blocking), ["Tokio"]);
    assert_eq!(only(&tokio, &futures), ["Tokio", "connect", "connect_with"], "`futures` does not dial");
    assert_eq!(only(&futures, &tokio), ["AsyncIo"]);
    assert_eq!(only(&futures, &aio), ["AsyncIo"]);
    assert_eq!(only(&aio, &futures), ["Alarm", "ReuniteError", "Runtime"]);
    assert!(tokio.contains("accept_with_config") && tokio.len() > 12, "{tokio:?}");
}

/// An application opens connections, sends and receives messages, sets limits and matches on what went wrong. A driver of
/// its own finds the rest in `proto`, `handshake` and `session`.
#[test]
fn the_root_has_the_types_that_an_application_needs() {
    let shown = shown(&["lib.rs"]);
    let types: Vec<_> = shown.iter().filter(|name| name.starts_with(char::is_uppercase)).collect();
    let expected = [
        "CloseCode",
        "CloseFrame",
        "Closed",
        "Config",
        "Deadline",
        "Deflate",
        "Delivery",
        "Error",
        "InvalidOrigin",
        "Keepalive",
        "Kind",
        "Lent",
        "LooksLike",
        "Message",
        "OriginPattern",
        "Origins",
        "Outgoing",
        "Prepared",
        "ProtocolError",
        "ReadyState",
        "Reply",
        "SendError",
        "Utf8Bytes",
        "Violation",
    ];
    assert_eq!(types, expected);
    assert!(["proto", "handshake", "session"].iter().all(|module| shown.contains(*module)), "{shown:?}");
}
