//! Every error that a user may see, made to happen, and its text as `page.md` has it.
//!
//! After a change of a text or a new variant: `UPDATE_PAGE=1 cargo test --all-features --test errors`, and read the
//! difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_types, reason = "an adapter's errors are of I/O")]
#![allow(clippy::disallowed_methods, reason = "a test has to begin at some time")]
mod conversions;
mod rule;

#[cfg(all(feature = "deflate", feature = "idna"))]
mod connection;
#[cfg(all(feature = "deflate", feature = "idna"))]
mod opening;
#[cfg(all(feature = "deflate", feature = "idna"))]
mod page;
#[cfg(all(feature = "deflate", feature = "idna"))]
mod wire;

#[cfg(all(feature = "deflate", feature = "idna"))]
const HEAD: &str = "\
# What errors say

Each situation, the variants that it comes to, and the text: what `{}` gives in a line of a log. A `main` that returns the error
prints `Error: ` and the same text, because `Debug` of every error is its text. `anyhow` prints by `{:#}` its context, `: ` and the
same text. Where one of the two says more, it stands below. No cause is told twice, and nothing that a peer sent acts on a terminal.

This page is made and compared by `cargo test --all-features --test errors`.
";

#[cfg(all(feature = "deflate", feature = "idna"))]
#[test]
fn the_page_is_what_users_see_and_has_every_error() {
    let mut page = page::Page { text: HEAD.to_owned(), ..page::Page::default() };
    opening::clients(&mut page);
    opening::servers(&mut page);
    opening::urls(&mut page);
    connection::peers(&mut page);
    connection::ends(&mut page);
    connection::applications(&mut page);
    connection::sessions(&mut page);

    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/page.md");
    if std::env::var_os("UPDATE_PAGE").is_some() {
        std::fs::write(&file, &page.text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    for (made, kept) in page.text.lines().zip(kept.lines()) {
        assert_eq!(made, kept, "tests/errors/page.md differs: see this file's first lines");
    }
    assert_eq!(
        page.text.len(),
        kept.len(),
        "tests/errors/page.md is longer or shorter: see this file's first lines"
    );
    let missing: Vec<_> = rule::variants().into_iter().filter(|name| !page.shown.contains(name)).collect();
    assert!(missing.is_empty(), "not on the page, so add situations that come to them: {missing:?}");
}
