//! Every rule has its test: the rules by number, kept by hand, against the doc comments of the tests.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{collections::BTreeSet, fs, path::Path};

/// The rules of RFC 6455, by the number that tests give as `/// Row 48.`; left out are those of adapters (4–7, 32, 104)
/// and of applications (41, 90).
const ROWS: &[(u32, &str)] = &[
    (1, "URL of ws"),
    (2, "host by IDNA"),
    (3, "invalid URL refused"),
    (8, "GET and HTTP/1.1"),
    (9, "target is resource"),
    (10, "Host with port"),
    (11, "Upgrade and Connection"),
    (12, "fresh random key"),
    (13, "version is 13"),
    (14, "subprotocols are tokens"),
    (15, "grammar of extensions"),
    (16, "nothing sent early"),
    (17, "other than 101"),
    (18, "response without Upgrade"),
    (19, "response without Connection"),
    (20, "wrong Accept fails"),
    (21, "extension not offered"),
    (22, "subprotocol not offered"),
    (23, "response not conforming"),
    (24, "broken request: 400"),
    (25, "only GET accepted"),
    (26, "Host is required"),
    (27, "request needs Upgrade"),
    (28, "request needs Connection"),
    (29, "key of 16 bytes"),
    (30, "request needs version"),
    (31, "no Origin: no browser"),
    (33, "401 and redirects"),
    (34, "refusal by 403"),
    (35, "other version: 426"),
    (36, "unknown resource: 404"),
    (37, "one subprotocol offered"),
    (38, "only offered extensions"),
    (39, "101 and Accept"),
    (40, "quoted values unescape"),
    (42, "second Key refused"),
    (43, "Extensions may repeat"),
    (44, "second Accept fails"),
    (45, "Protocol may repeat"),
    (46, "second Version refused"),
    (47, "client frames masked"),
    (48, "unmasked frame fails"),
    (49, "server never masks"),
    (50, "masked frame fails"),
    (51, "reserved bits fail"),
    (52, "reserved opcodes fail"),
    (53, "length below 2^63"),
    (54, "shortest length encoding"),
    (55, "fresh masking keys"),
    (56, "masking is involution"),
    (57, "continuation of nothing"),
    (58, "message within message"),
    (59, "control between fragments"),
    (60, "control never fragmented"),
    (61, "fragments received, empty"),
    (62, "fragments never interleaved"),
    (63, "fragments in order"),
    (64, "control payload 125"),
    (65, "Close body length"),
    (66, "reason is UTF-8"),
    (67, "nothing after Close"),
    (68, "Close answered once"),
    (69, "server ends transport"),
    (70, "client waits, bounded"),
    (71, "Ping brings Pong"),
    (72, "Pong comes soon"),
    (73, "newest Ping answered"),
    (74, "unsolicited Pong ignored"),
    (75, "text whole UTF-8"),
    (76, "extensions only negotiated"),
    (77, "send while open"),
    (78, "first opcode, FIN"),
    (79, "cuts do nothing"),
    (80, "clean transport end"),
    (81, "server ends first"),
    (82, "Close means CLOSING"),
    (83, "clean means both"),
    (84, "1005 and 1006"),
    (85, "reason or empty"),
    (86, "failing sends Close"),
    (87, "nothing after failing"),
    (88, "transport lost: 1006"),
    (89, "close any time"),
    (91, "local codes refused"),
    (92, "unassigned codes refused"),
    (93, "assigned codes accepted"),
    (94, "ranges of codes"),
    (95, "codes as defined"),
    (96, "bad UTF-8 fails"),
    (97, "UTF-8 fails fast"),
    (98, "extension grammar fails"),
    (99, "order of extensions"),
    (100, "Origin is checked"),
    (101, "key not steered"),
    (102, "limits protect memory"),
    (103, "cookies and auth"),
    (105, "input never trusted"),
    (106, "SHA-1 only there"),
    (107, "opcodes of registry"),
];

/// The rules of RFC 7692, by the number that tests give as `/// Row D4.`.
const DEFLATE: &[(u32, &str)] = &[
    (1, "offers by preference"),
    (2, "invalid offer declined"),
    (3, "invalid answer fails"),
    (4, "server_no_context_takeover"),
    (5, "client_no_context_takeover"),
    (6, "server_max_window_bits"),
    (7, "client_max_window_bits"),
    (8, "window as agreed"),
    (9, "bit on first"),
    (10, "bit elsewhere fails"),
    (11, "bit without agreement"),
    (12, "uncompressed any time"),
    (13, "tail taken off"),
    (14, "tail put back"),
    (15, "any block types"),
    (16, "fragments cut anywhere"),
    (17, "the RFC's examples"),
    (18, "context kept, or not"),
    (19, "checked once inflated"),
    (20, "secrets not compressed"),
    (21, "twice in a response"),
];

/// Failures of other software, by the number that tests give as `/// T5.`.
const ADVISORIES: &[(u32, &str)] = &[
    (1, "slow header quadratic"),
    (2, "announced length allocates"),
    (3, "output without bound"),
    (4, "lying transport counts"),
    (5, "fragments without bound"),
    (6, "Close body uninitialised"),
    (7, "too many headers"),
    (8, "slow Sec-WebSocket-Protocol"),
    (9, "odd extension names"),
    (10, "odd window bits"),
    (11, "inflated without limit"),
    (12, "limit per frame"),
    (13, "header injection"),
    (15, "text not UTF-8"),
    (16, "opcode skips checks"),
    (17, "flood of Pongs"),
    (18, "connections leave memory"),
    (19, "peer never closes"),
    (23, "Origin policy matrix"),
    (24, "dropped futures lose"),
    (25, "wakers of a split connection"),
    (26, "flood of Pings"),
];

/// The numbers in the doc comments that begin with one of `words`, directly above tests.
fn claimed(words: &[&str]) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    for folder in ["tests", "src"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        visit(&folder, &mut |source| numbers.extend(scan(source, words)));
    }
    numbers
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
fn scan(source: &str, words: &[&str]) -> Vec<u32> {
    let (mut found, mut above) = (vec![], vec![]);
    for line in source.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("/// ") {
            let numbers = words
                .iter()
                .find_map(|word| comment.strip_prefix(word))
                .and_then(|rest| rest.split_once('.'));
            above.extend(
                numbers
                    .into_iter()
                    .flat_map(|(list, _)| list.split(", "))
                    .filter_map(|n| n.parse::<u32>().ok()),
            );
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            found.append(&mut above);
        } else if !line.starts_with("#[") {
            above.clear();
        }
    }
    found
}
fn compare(kept: &[(u32, &str)], claimed: &BTreeSet<u32>) {
    assert!(kept.windows(2).all(|two| two[0].0 < two[1].0), "the list is in order, each number once");
    let missing: Vec<_> = kept.iter().filter(|(number, _)| !claimed.contains(number)).collect();
    assert!(missing.is_empty(), "no test says that it is of {missing:?}");
    let unknown: Vec<_> =
        claimed.iter().filter(|number| kept.iter().all(|(kept, _)| kept != *number)).collect();
    assert!(unknown.is_empty(), "tests say that they are of {unknown:?}, which the list does not have");
}

#[test]
fn every_rule_of_rfc_6455_has_a_test() {
    compare(ROWS, &claimed(&["Row ", "Rows "]));
}

#[test]
fn every_rule_of_rfc_7692_has_a_test() {
    compare(DEFLATE, &claimed(&["Row D", "Rows D"]));
}

#[test]
fn every_known_failure_has_a_test() {
    compare(ADVISORIES, &claimed(&["T"]));
}

#[test]
fn only_comments_directly_above_tests_count() {
    let source = "/// Row 1.\n#[test]\nfn a() {}\n/// Rows 2, 3. Why.\n#[cfg(unix)]\n#[test]\nfn b() {}\n/// Row 4.\nfn c() {}\n#[test]\nfn d() {}\n/// Row 5.\n\n#[test]\nfn e() {}";
    assert_eq!(scan(source, &["Row ", "Rows "]), [1, 2, 3]);
    assert_eq!(scan("/// T5.\n#[test]\n/// Text.\n#[test]", &["T"]), [5]);
}
