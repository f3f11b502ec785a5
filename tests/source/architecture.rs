//! The shape of the source: modules in one order, one unchecked step, no I/O in the core, no long file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A module may name only those before it. `lib` names all.
const ORDER: [&str; 23] = [
    // Values.
    "text",
    "sentence",
    "quote",
    "sniff",
    "authority",
    "message",
    "close",
    "error",
    "frame",
    "entropy",
    "per_thread",
    "extension",
    // Machines.
    "config",
    "proto",
    "handshake",
    "session",
    // Adapters, which do I/O.
    "adapter",
    "blocking",
    "aio",
    "tokio",
    "futures",
    // Documentation.
    "guide",
    "lib",
];
const FIRST_ADAPTER: &str = "adapter";

fn position(module: &str) -> usize {
    ORDER
        .iter()
        .position(|name| *name == module)
        .unwrap_or_else(|| panic!("`{module}` has no place in the order"))
}
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
/// Every Rust file below a folder of the project, by its path from there; none if there is no such folder.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    visit(&path, found);
                }
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let from = root().join(folder);
    let mut found = vec![];
    visit(&from, &mut found);
    let name = |path: &Path| path.strip_prefix(&from).unwrap().to_str().unwrap().replace('\\', "/");
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}
fn src() -> Vec<(String, String)> {
    let all = sources("src");
    assert!(all.len() > 20, "the source is found");
    all
}
fn module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}
/// Without comments.
fn code(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect()
}
/// Without comments and without the unit tests, which stand last.
fn shipped(source: &str) -> String {
    code(source).split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

/// The modules that `crate::…` and `crate::{…}` name in a piece of code.
fn named(code: &str) -> Vec<String> {
    named_after(code, "crate::")
}
/// The same, for paths that begin with something else.
fn named_after(code: &str, begin: &str) -> Vec<String> {
    let mut names = vec![];
    for (at, _) in code.match_indices(begin) {
        let rest = &code[at + begin.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(rest.to_owned());
            continue;
        };
        let (mut depth, mut from) = (1, 0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if (depth, c) == (1, ',') || depth == 0 {
                names.push(group[from..at].to_owned());
                from = at + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    let first = |name: &String| -> String {
        name.trim()
            .chars()
            .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
            .collect()
    };
    names.iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn no_module_names_a_later_one() {
    for (path, source) in src() {
        let own = module(&path);
        for name in named(&code(&source)) {
            assert!(
                position(&name) <= position(own),
                "{path} (in `{own}`) names `{name}`, which comes later"
            );
        }
        // What `lib` exports is named where it comes from, or the order could be got around.
        let from_lib = code(&source);
        let mut exported = from_lib.match_indices("crate::").map(|(at, _)| &from_lib[at + 7..]);
        let upper = exported.find(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        assert!(
            upper.is_none(),
            "{path} names `{}` by way of the root",
            upper.unwrap().lines().next().unwrap()
        );
    }
}

#[test]
fn names_are_found_in_groups_and_alone() {
    let code = "use crate::{a, b::{c, d}, e_1::F};\nuse crate::g::H; crate::i()";
    assert_eq!(named(code), ["a", "b", "e_1", "g", "i"]);
}

#[test]
fn text_is_taken_unchecked_in_two_places_only() {
    let callers: Vec<_> = src()
        .into_iter()
        .filter(|(_, source)| code(source).replace("fn validated(", "").contains("validated("))
        .map(|(path, _)| path)
        .collect();
    let mut expected = ["proto/input.rs", "text.rs"].map(String::from).to_vec();
    let mut callers = callers;
    callers.retain(|path| {
        !expected.contains(path) || {
            expected.retain(|other| other != path);
            false
        }
    });
    assert!(callers.is_empty() && expected.is_empty(), "unexpected {callers:?}, missing {expected:?}");
}

#[test]
fn there_is_one_unchecked_step_in_the_library() {
    let words = |source: &str| {
        code(source)
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| *word == "unsafe")
            .count()
    };
    let found: Vec<_> =
        src().iter().map(|(path, source)| (path.clone(), words(source))).filter(|(_, n)| *n > 0).collect();
    assert_eq!(found, [("text.rs".to_owned(), 1)]);
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let io = [
        "std::net",
        "std::io",
        "net::",
        "io::",
        "Instant::now",
        "SystemTime",
        "thread::spawn",
        concat!("thread::", "sleep"),
        "std::fs",
    ];
    let mut seen = 0;
    for (path, source) in src() {
        if position(module(&path)) >= position(FIRST_ADAPTER) {
            continue;
        }
        seen += 1;
        let mut code = shipped(&source);
        for address in ["IpAddr", "Ipv4Addr", "Ipv6Addr"] {
            code = code.replace(&format!("net::{address}"), ""); // values, which reach nobody
        }
        if path == "proto/transmit.rs" {
            code = code.replace("io::IoSlice", ""); // a slice of bytes with a name from there
        }
        for word in io {
            let found = code
                .match_indices(word)
                .find(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert!(found.is_none(), "{path} mentions {word}");
        }
    }
    assert!(seen > 20);
}

/// The names of the functions, types and re-exports of a piece of code that only this crate can see.
fn hidden(code: &str) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        parts.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let mut names = vec![];
    for (at, found) in code.match_indices("pub(crate) ") {
        let rest = &code[at + found.len()..];
        let statement = rest.split([';', '(', '{', '<', '=']).next().unwrap_or_default();
        match words(statement).as_slice() {
            [first, .., name] if first == "use" => names.push(name.clone()),
            [.., name] => names.push(name.clone()),
            [] => {}
        }
    }
    names
}

#[test]
fn hidden_names_are_found() {
    let code =
        "pub(crate) use a::B;\npub(crate) const fn c(&self) {}\npub fn d() {}\npub(crate) struct E<T>;";
    assert_eq!(hidden(code), ["B", "c", "E"]);
}

/// The table in `per_thread.rs` lists all that a thread keeps; `entropy.rs`, whose stream is in the table, is the other.
#[test]
fn what_a_thread_keeps_is_in_one_place() {
    let keepers: Vec<_> = src()
        .into_iter()
        .filter(|(path, source)| !path.contains("tests") && shipped(source).contains("thread_local!"))
        .map(|(path, _)| path)
        .collect();
    let expected = ["entropy.rs", "per_thread.rs"].map(String::from);
    assert!(keepers.len() == 2 && expected.iter().all(|path| keepers.contains(path)), "{keepers:?}");
}

/// Strangers' drivers can do what ours do.
#[test]
fn adapters_use_only_what_the_core_shows_to_everyone() {
    let all = src();
    let hidden: Vec<String> = all
        .iter()
        .filter(|(path, _)| path.starts_with("proto/"))
        .flat_map(|(_, source)| hidden(&code(source)))
        .collect();
    let adapters = all.iter().filter(|(path, _)| {
        let own = module(path);
        own != "lib" && position(own) > position(FIRST_ADAPTER)
    });
    for (path, source) in adapters {
        let source = code(source);
        for name in hidden.iter().filter(|name| *name != "new") {
            let call = [format!(".{name}("), format!("::{name}("), format!("proto::{name}")];
            let used = call.iter().find(|call| source.contains(*call));
            assert!(used.is_none(), "{path} uses `{name}`, which proto hides");
        }
    }
}

/// The paths that a document names in backticks or links to, from the root of the project.
fn paths(document: &str) -> Vec<&str> {
    let quoted = document.split('`').skip(1).step_by(2);
    let links = document.match_indices("](").filter_map(|(at, _)| document[at + 2..].split(')').next());
    let is_path = |text: &&str| {
        text.contains('/')
            && !text.contains("://")
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
    };
    quoted.chain(links).filter(is_path).collect()
}

#[test]
fn paths_are_found() {
    let document =
        "`a/b.rs` and `c::d`, [x](e/f.md#g), [y](h/i) but not `--j` or [z](https://k/l) or `m/{n,o}`";
    assert_eq!(paths(document), ["a/b.rs", "h/i"]);
}

/// A plan that names a room which is not there leads nobody anywhere.
#[test]
fn the_plan_names_files_that_exist_and_every_module() {
    let read = |name| fs::read_to_string(root().join(name)).unwrap();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for path in paths(&read(document)) {
            let found = [root().join(path), root().join("src").join(path)].iter().any(|path| path.exists());
            assert!(found, "{document} names {path}, which does not exist");
        }
    }
    let plan = read("ARCHITECTURE.md");
    let drawing = plan.split("```").nth(1).unwrap();
    for module in ORDER.iter().filter(|module| !["guide", "lib"].contains(module)) {
        assert!(
            drawing.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == *module),
            "the drawing lacks `{module}`"
        );
    }
}

#[test]
fn no_file_is_long() {
    for folder in ["src", "tests", "examples", "benches", "fuzz"] {
        for (path, source) in sources(folder) {
            let lines = source.lines().count();
            assert!(lines <= 500, "{folder}/{path} has {lines} lines");
        }
    }
}

#[test]
fn every_file_begins_by_saying_its_idea() {
    for folder in ["src", "tests"] {
        for (path, source) in sources(folder) {
            let first = source.lines().next().unwrap_or_default();
            assert!(first.starts_with("//! ") && first.len() > 20, "{folder}/{path} begins with {first:?}");
        }
    }
}

#[test]
fn no_test_sleeps_or_is_switched_off() {
    for (path, source) in sources("tests") {
        for word in [concat!("thread::", "sleep"), concat!("time::", "sleep"), concat!("#[ign", "ore")] {
            assert!(!source.contains(word), "tests/{path} contains {word}");
        }
    }
}

/// Files of one folder that name each other, directly or by way of others there. Names that a folder's `mod.rs` shows are
/// not followed.
#[test]
fn no_files_of_a_folder_name_each_other_in_a_circle() {
    let mut arrows: Vec<(String, String)> = vec![];
    for (path, source) in src() {
        let own = path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let Some((folder, _)) = own.rsplit_once('/') else { continue };
        let code = shipped(&source).replace("super::super::", "");
        let names = named_after(&code, "super::").into_iter().map(|name| format!("{folder}/{name}"));
        arrows.extend(names.filter(|name| name != own).map(|name| (own.to_owned(), name)));
    }
    assert!(arrows.len() > 100, "the arrows are found: {}", arrows.len());
    // What nothing else names is in no circle, and so is what only that names.
    loop {
        let before = arrows.len();
        let named: Vec<String> = arrows.iter().map(|(_, to)| to.clone()).collect();
        arrows.retain(|(from, _)| named.contains(from));
        if arrows.len() == before {
            break;
        }
    }
    assert!(arrows.is_empty(), "a circle is among {arrows:?}");
}
