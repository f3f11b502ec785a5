//! The page: each situation, the error that comes of it, and the text that a user sees.
use std::error::Error;

/// What a program says it was doing, in `anyhow`'s context.
const CONTEXT: &str = "cannot chat";

/// The page as it grows, and which variants of which error types are on it.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) text: String,
    /// `Type::Variant`, or the name of an error that is a struct.
    pub(crate) shown: Vec<String>,
}

impl Page {
    pub(crate) fn section(&mut self, title: &str, about: &str) {
        self.text += &format!("\n## {title}\n\n{about}\n");
    }

    /// A situation, and the error that it has come to: of this pattern.
    pub(crate) fn add(&mut self, situation: &str, pattern: &str, error: impl Error + Send + Sync + 'static) {
        let log = error.to_string();
        let mut extra = String::new();
        let (mut causes, mut cause) = (log.clone(), error.source());
        while let Some(source) = cause {
            assert!(!causes.contains(&source.to_string()), "told twice: {causes}: {source}");
            causes += &format!(": {source}");
            cause = source.source();
        }
        let main = format!("Error: {error:?}");
        if main != format!("Error: {log}") {
            extra += &format!("    main:   {main}\n");
        }
        let anyhow = format!("{:#}", anyhow::Error::new(error).context(CONTEXT));
        assert_eq!(anyhow, format!("{CONTEXT}: {causes}"));
        if causes != log {
            extra += &format!("    anyhow: {anyhow}\n");
        }
        let harmful = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!log.contains(harmful), "what a peer sends must not act on a terminal: {log:?}");
        assert!(log.len() < 400, "a log line: {log}");
        self.text += &format!("\n**{situation}** {}\n\n    {log}\n{extra}", names(pattern).join(", "));
        self.shown.extend(names(pattern).into_iter().map(|name| name.trim_matches('`').to_owned()));
    }
}

/// The paths of two names in a pattern, and a name that stands alone, in quotes for the page.
fn names(pattern: &str) -> Vec<String> {
    // A path is one word: `a: B::C` is two.
    let pattern = pattern.split_whitespace().collect::<String>().replace("::", "/");
    let words = pattern.split(|c: char| !c.is_alphanumeric() && c != '/' && c != '_');
    let named = words.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
    let path = |word: &str| format!("`{}`", word.replace('/', "::"));
    named.filter(|name| !["Some", "None"].contains(name)).map(path).collect()
}

#[test]
fn the_names_of_a_pattern_are_found() {
    let pattern = "Error::Protocol(ProtocolError { violation: Violation :: CloseCode(_), .. })";
    assert_eq!(names(pattern), ["`Error::Protocol`", "`ProtocolError`", "`Violation::CloseCode`"]);
    assert_eq!(names("InvalidCloseCode(_)"), ["`InvalidCloseCode`"]);
    assert_eq!(names("E::V { looks_like: Some(L::W), .. }"), ["`E::V`", "`L::W`"]);
}

/// `told!(page, "a situation" => Pattern, error)`: makes sure that the error is of the pattern, and adds it.
macro_rules! told {
    ($page:expr, $situation:expr => $pattern:pat, $error:expr) => {{
        let error = $error;
        assert!(matches!(error, $pattern), "{}: {error}", $situation);
        $page.add($situation, stringify!($pattern), error);
    }};
}
pub(crate) use told;
