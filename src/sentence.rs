//! Errors are sentences: `Debug` of an error type is its `Display`, because a `main` that returns an error prints `Debug`.
//!
//! The second half of the rule: the text of an error holds the text of its cause. Then the cause is no `source`, or a
//! report that prints all sources would say it twice. `tests/errors` compares the texts.

/// Implements `Debug` by `Display`.
macro_rules! debug_as_display {
    ($($error:ty),+ $(,)?) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )+};
}

pub(crate) use debug_as_display;
