//! `Sec-WebSocket-Extensions`: what is read is written as what was read; and it is read as the grammar says.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::extension::ExtensionOffer;
use sansocket_fuzz::http::is_token;

type Offer = (String, Vec<(String, Option<String>)>);

fuzz_target!(|text: &str| {
    let read = ExtensionOffer::parse_list(text);
    let expected = list(text);
    match (&read, &expected) {
        (Ok(read), Some(expected)) => assert_eq!(&read.iter().map(parts).collect::<Vec<_>>(), expected),
        (Err(_), None) => return,
        _ => panic!("{read:?}, but {expected:?}"),
    }
    let offers = read.expect("checked");
    let written: Vec<String> = offers.iter().map(ToString::to_string).collect();
    for (offer, text) in offers.iter().zip(&written) {
        assert_eq!(Ok(offer), text.parse().as_ref());
    }
    assert_eq!(Ok(&offers), ExtensionOffer::parse_list(&written.join(", ")).as_ref());
    if let Ok(only) = text.parse::<ExtensionOffer>() {
        assert_eq!([only], offers[..]);
    }
    // Much of it takes as much longer, and not more: else this runs out of time.
    if text.len() % 64 == 1 {
        let times = 20_000 / text.len();
        let many = ExtensionOffer::parse_list(&vec![text; times].join(",")).expect("a list of lists");
        assert_eq!(many.len(), offers.len() * times);
    }
});

fn parts(offer: &ExtensionOffer) -> Offer {
    let params = offer.params().map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
    (offer.name().to_owned(), params.collect())
}

/// A word, quoted or not, or a separator.
#[derive(Debug, PartialEq)]
enum Lexeme {
    Word(String),
    Quoted(String),
    Mark(char),
}

/// RFC 6455 §9.1, in two steps: into lexemes, then by splitting.
fn list(text: &str) -> Option<Vec<Offer>> {
    let lexemes = lexemes(text)?;
    let offers = lexemes.split(|lexeme| *lexeme == Lexeme::Mark(','));
    let offers: Option<Vec<_>> = offers.filter(|offer| !offer.is_empty()).map(offer).collect();
    offers.filter(|offers| !offers.is_empty())
}

fn offer(lexemes: &[Lexeme]) -> Option<Offer> {
    let mut parts = lexemes.split(|lexeme| *lexeme == Lexeme::Mark(';'));
    let [Lexeme::Word(name)] = parts.next()? else { return None };
    let params = parts.map(|part| match part {
        [Lexeme::Word(name)] => Some((name.clone(), None)),
        [Lexeme::Word(name), Lexeme::Mark('='), Lexeme::Word(value) | Lexeme::Quoted(value)] => {
            Some((name.clone(), Some(value.clone())))
        }
        _ => None,
    });
    Some((name.clone(), params.collect::<Option<_>>()?))
}

fn lexemes(text: &str) -> Option<Vec<Lexeme>> {
    let mut chars = text.chars().peekable();
    let mut lexemes = vec![];
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => {}
            ',' | ';' | '=' => lexemes.push(Lexeme::Mark(c)),
            '"' => {
                let mut quoted = String::new();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => quoted.push(chars.next()?),
                        other => quoted.push(other),
                    }
                }
                lexemes.push(Lexeme::Quoted(quoted).checked()?);
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = chars.next_if(|next| !" \t,;=\"".contains(*next)) {
                    word.push(next);
                }
                lexemes.push(Lexeme::Word(word).checked()?);
            }
        }
    }
    Some(lexemes)
}

impl Lexeme {
    fn checked(self) -> Option<Self> {
        match &self {
            Self::Word(text) | Self::Quoted(text) if !is_token(text) => None,
            _ => Some(self),
        }
    }
}
