//! One rule for every public error: `Debug` is `Display`, and the text says all, so that no cause is told twice.
use std::{fs, path::Path};

/// Every Rust file of the library.
pub(crate) fn sources() -> Vec<String> {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => visit(&path, found),
                false => found.push(fs::read_to_string(path).unwrap()),
            }
        }
    }
    let mut found = vec![];
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// Every variant of every error type of the library, as `Type::Variant`; of one that is a struct, its name.
#[cfg_attr(not(all(feature = "deflate", feature = "idna")), allow(dead_code, reason = "the page's"))]
pub(crate) fn variants() -> Vec<String> {
    let mut found = vec![];
    for source in sources() {
        let mut lines = source.lines();
        let mut is_error = false;
        while let Some(line) = lines.next() {
            is_error |= line.starts_with("#[derive(") && line.contains("thiserror::Error");
            let name = |line: &str| line.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
            if let Some(rest) = line.strip_prefix("pub struct ").filter(|_| is_error) {
                found.push(name(rest));
                is_error = false;
            } else if let Some(rest) =
                line.strip_prefix("pub enum ").filter(|rest| is_error || rest.starts_with("LooksLike"))
            {
                let of = name(rest);
                let body = lines.by_ref().take_while(|line| *line != "}");
                let variant = |line: &str| {
                    let line = line.strip_prefix("    ")?;
                    line.starts_with(|c: char| c.is_ascii_uppercase())
                        .then(|| format!("{of}::{}", name(line)))
                };
                found.extend(body.filter_map(variant));
                is_error = false;
            }
        }
    }
    assert!(found.len() > 80, "{found:?}");
    found
}

#[test]
fn no_error_derives_debug() {
    let mut errors = 0;
    for source in sources() {
        for derive in source.lines().filter(|line| line.starts_with("#[derive(") && line.contains("Error)")) {
            assert!(!derive.contains("Debug"), "{derive}: use sentence::debug_as_display");
            errors += 1;
        }
    }
    assert!(errors > 15, "{errors}");
}

/// `#[source]`, and `#[from]` beside a text of its own, would have a report tell the cause twice.
#[test]
fn a_cause_is_told_by_the_text_or_as_the_source() {
    let mut passed_on = 0;
    for source in sources() {
        assert!(!source.contains("#[source]"));
        let lines: Vec<_> = source.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("#[from]")) {
            assert_eq!(lines[at - 1], "#[error(transparent)]", "{line}");
            passed_on += 1;
        }
    }
    assert!(passed_on > 3, "{passed_on}");
}
