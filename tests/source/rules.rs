//! Every rule has its test: the rules by section, kept by hand, against the doc comments of the tests.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{collections::BTreeSet, fs, path::Path};

/// The rules of RFC 6455, as tests give them: `/// Rule of RFC 6455 §5.4: continuation of nothing.` Left out are those of
/// adapters (one connection to a host at a time, proxies, TLS) and of applications (versions to try, when to reconnect).
const RFC_6455: &[(&str, &str)] = &[
    ("3", "URL of ws"),
    ("3", "host by IDNA"),
    ("3", "invalid URL refused"),
    ("4.1", "GET and HTTP/1.1"),
    ("4.1", "target is resource"),
    ("4.1", "Host with port"),
    ("4.1", "Upgrade and Connection"),
    ("4.1", "fresh random key"),
    ("4.1", "version is 13"),
    ("4.1", "subprotocols are tokens"),
    ("4.1", "grammar of extensions"),
    ("4.1", "nothing sent early"),
    ("4.1", "other than 101"),
    ("4.1", "response without Upgrade"),
    ("4.1", "response without Connection"),
    ("4.1", "wrong Accept fails"),
    ("4.1", "extension not offered"),
    ("4.1", "subprotocol not offered"),
    ("4.1", "response not conforming"),
    ("4.2.1", "broken request: 400"),
    ("4.2.1", "only GET accepted"),
    ("4.2.1", "Host is required"),
    ("4.2.1", "request needs Upgrade"),
    ("4.2.1", "request needs Connection"),
    ("4.2.1", "key of 16 bytes"),
    ("4.2.1", "request needs version"),
    ("4.2.1", "no Origin: no browser"),
    ("4.2.2", "401 and redirects"),
    ("4.2.2", "refusal by 403"),
    ("4.2.2", "other version: 426"),
    ("4.2.2", "unknown resource: 404"),
    ("4.2.2", "one subprotocol offered"),
    ("4.2.2", "only offered extensions"),
    ("4.2.2", "101 and Accept"),
    ("5.1", "client frames masked"),
    ("5.1", "unmasked frame fails"),
    ("5.1", "server never masks"),
    ("5.1", "masked frame fails"),
    ("5.2", "reserved bits fail"),
    ("5.2", "reserved opcodes fail"),
    ("5.2", "length below 2^63"),
    ("5.2", "shortest length encoding"),
    ("5.3", "fresh masking keys"),
    ("5.3", "masking is involution"),
    ("5.4", "continuation of nothing"),
    ("5.4", "message within message"),
    ("5.4", "control between fragments"),
    ("5.4", "control never fragmented"),
    ("5.4", "fragments received, empty"),
    ("5.4", "fragments never interleaved"),
    ("5.4", "fragments in order"),
    ("5.5", "control payload 125"),
    ("5.5.1", "Close body length"),
    ("5.5.1", "reason is UTF-8"),
    ("5.5.1", "nothing after Close"),
    ("5.5.1", "Close answered once"),
    ("5.5.1", "server ends transport"),
    ("5.5.1", "client waits, bounded"),
    ("5.5.2", "Ping brings Pong"),
    ("5.5.2", "Pong comes soon"),
    ("5.5.3", "newest Ping answered"),
    ("5.5.3", "unsolicited Pong ignored"),
    ("5.6", "text whole UTF-8"),
    ("5.8", "extensions only negotiated"),
    ("6.1", "send while open"),
    ("6.1", "first opcode, FIN"),
    ("6.2", "cuts do nothing"),
    ("7.1.1", "clean transport end"),
    ("7.1.1", "server ends first"),
    ("7.1.3", "Close means CLOSING"),
    ("7.1.4", "clean means both"),
    ("7.1.5", "1005 and 1006"),
    ("7.1.5", "transport lost: 1006"),
    ("7.1.6", "reason or empty"),
    ("7.1.7", "failing sends Close"),
    ("7.1.7", "nothing after failing"),
    ("7.3", "close any time"),
    ("7.4.1", "local codes refused"),
    ("7.4.1", "assigned codes accepted"),
    ("7.4.1", "codes as defined"),
    ("7.4.2", "unassigned codes refused"),
    ("7.4.2", "ranges of codes"),
    ("8.1", "bad UTF-8 fails"),
    ("8.1", "UTF-8 fails fast"),
    ("9.1", "quoted values unescape"),
    ("9.1", "extension grammar fails"),
    ("9.1", "order of extensions"),
    ("10.2", "Origin is checked"),
    ("10.3", "key not steered"),
    ("10.4", "limits protect memory"),
    ("10.5", "cookies and auth"),
    ("10.7", "input never trusted"),
    ("10.8", "SHA-1 only there"),
    ("11.3.1", "second Key refused"),
    ("11.3.2", "Extensions may repeat"),
    ("11.3.3", "second Accept fails"),
    ("11.3.4", "Protocol may repeat"),
    ("11.3.5", "second Version refused"),
    ("11.8", "opcodes of registry"),
];

/// The rules of RFC 7692, as tests give them: `/// Rule of RFC 7692 §7.2.1: tail taken off.`
const RFC_7692: &[(&str, &str)] = &[
    ("5.1", "offers by preference"),
    ("6", "bit on first"),
    ("6", "bit without agreement"),
    ("6", "uncompressed any time"),
    ("6.1", "fragments cut anywhere"),
    ("6.2", "bit elsewhere fails"),
    ("6.2", "checked once inflated"),
    ("7.1", "invalid offer declined"),
    ("7.1", "invalid answer fails"),
    ("7.1", "twice in a response"),
    ("7.1.1", "context kept, or not"),
    ("7.1.1.1", "server_no_context_takeover"),
    ("7.1.1.2", "client_no_context_takeover"),
    ("7.1.2", "window as agreed"),
    ("7.1.2.1", "server_max_window_bits"),
    ("7.1.2.2", "client_max_window_bits"),
    ("7.2.1", "tail taken off"),
    ("7.2.1", "any block types"),
    ("7.2.2", "tail put back"),
    ("7.2.3", "the RFC's examples"),
    ("8", "secrets not compressed"),
];

/// Failures of other software, as tests give them: `/// Known failure: fragments without bound.`
const KNOWN_FAILURES: &[&str] = &[
    "slow header quadratic",
    "announced length allocates",
    "output without bound",
    "lying transport counts",
    "fragments without bound",
    "Close body uninitialised",
    "too many headers",
    "slow Sec-WebSocket-Protocol",
    "odd extension names",
    "odd window bits",
    "inflated without limit",
    "limit per frame",
    "header injection",
    "text not UTF-8",
    "opcode skips checks",
    "flood of Pongs",
    "connections leave memory",
    "peer never closes",
    "Origin policy matrix",
    "dropped futures lose",
    "wakers of a split connection",
    "flood of Pings",
];

/// What the doc comments directly above tests say after `word`: of `Rule of RFC 6455 §3: a; b. Why.` the rules
/// `§3: a` and `§3: b`.
fn claimed(word: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for folder in ["tests", "src"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        visit(&folder, &mut |source| all.extend(scan(source, word)));
    }
    all
}
fn visit(folder: &Path, see: &mut impl FnMut(&str)) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|end| end == "rs") {
            see(&fs::read_to_string(path).unwrap());
        }
    }
}
fn scan(source: &str, word: &str) -> Vec<String> {
    let (mut found, mut above) = (vec![], vec![]);
    for line in source.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("/// ") {
            above.extend(comment.strip_prefix(word).into_iter().flat_map(rules));
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            found.append(&mut above);
        } else if !line.starts_with("#[") {
            above.clear();
        }
    }
    found
}
fn rules(claim: &str) -> Vec<String> {
    let (section, list) = match claim.split_once(": ") {
        Some((section, list)) if section.starts_with('§') => (format!("{section}: "), list),
        _ => (String::new(), claim),
    };
    let list = list.split_once(". ").map_or(list, |(list, _)| list).trim_end_matches('.');
    list.split("; ").map(|rule| format!("{section}{rule}")).collect()
}
fn compare(kept: &[String], claimed: &BTreeSet<String>) {
    let names: BTreeSet<_> = kept.iter().cloned().collect();
    assert_eq!(names.len(), kept.len(), "the list has each rule once");
    let missing: Vec<_> = names.difference(claimed).collect();
    assert!(missing.is_empty(), "no test says that it is of {missing:?}");
    let unknown: Vec<_> = claimed.difference(&names).collect();
    assert!(unknown.is_empty(), "tests say that they are of {unknown:?}, which the list does not have");
}
fn of_sections(rules: &[(&str, &str)]) -> Vec<String> {
    let sections: Vec<Vec<u8>> =
        rules.iter().map(|(section, _)| section.split('.').map(|n| n.parse().unwrap()).collect()).collect();
    assert!(sections.is_sorted(), "the list is in the order of the sections");
    rules.iter().map(|(section, rule)| format!("§{section}: {rule}")).collect()
}

#[test]
fn every_rule_of_rfc_6455_has_a_test() {
    compare(&of_sections(RFC_6455), &claimed("Rule of RFC 6455 "));
}

#[test]
fn every_rule_of_rfc_7692_has_a_test() {
    compare(&of_sections(RFC_7692), &claimed("Rule of RFC 7692 "));
}

#[test]
fn every_known_failure_has_a_test() {
    let failures: Vec<_> = KNOWN_FAILURES.iter().map(ToString::to_string).collect();
    compare(&failures, &claimed("Known failure: "));
}

#[test]
fn only_comments_directly_above_tests_count() {
    let source = "/// Is §1: a.\n#[test]\nfn a() {}\n/// Is §2.3: b; c. Why: d.\n#[cfg(unix)]\n#[test]\nfn b() {}\n/// Is §4: e.\nfn c() {}\n#[test]\nfn d() {}\n/// Is §5: f.\n\n#[test]\nfn e() {}";
    assert_eq!(scan(source, "Is "), ["§1: a", "§2.3: b", "§2.3: c"]);
    assert_eq!(scan("/// Known: a flood.\n#[test]\n/// Text.\n#[test]", "Known: "), ["a flood"]);
}
