//! `--deflate` and what tunes it, the same for servers and clients. Without one of these nothing is compressed, however
//! the library was built.
use sansocket::extension::Extension;
use std::{fmt::Display, str::FromStr, sync::Arc};

pub const HELP: &str = "
  --deflate               compress messages (permessage-deflate); so does each of these:
  --deflate-level N       how hard to compress, 0 to 9 (3)
  --deflate-min BYTES     messages of fewer bytes are sent as they are (256)
  --deflate-window BITS   how far back repetition is looked for, 9 to 15, at either end (12)
  --deflate-takeover      look into earlier messages too, at either end";

#[cfg(feature = "deflate")]
#[derive(Default)]
pub struct Compression(Option<sansocket::Deflate>);

#[cfg(feature = "deflate")]
impl Compression {
    /// Whether the option is one of these; its value is taken then.
    pub fn take(&mut self, option: &str, args: &mut lexopt::Parser) -> Result<bool, String> {
        let mut deflate = self.0.clone().unwrap_or_default();
        match option {
            "deflate" => {}
            "deflate-level" => deflate.level = within(args, "--deflate-level", "6", 0..=9)?,
            "deflate-min" => deflate.min_size = parse(args, "--deflate-min", "0")?,
            "deflate-window" => {
                let bits = within(args, "--deflate-window", "15", 9..=15)?;
                deflate.send.window_bits = bits;
                deflate.receive.get_or_insert_default().window_bits = bits;
            }
            "deflate-takeover" => {
                deflate.send.takeover = true;
                deflate.receive.get_or_insert_default().takeover = true;
            }
            _ => return Ok(false),
        }
        self.0 = Some(deflate);
        Ok(true)
    }

    /// What goes into a [`Config`](sansocket::Config).
    pub fn extensions(&self) -> Vec<Arc<dyn Extension>> {
        self.0.iter().map(|deflate| Arc::new(deflate.clone()) as _).collect()
    }
}

#[cfg(feature = "deflate")]
fn within(
    args: &mut lexopt::Parser,
    name: &str,
    example: &str,
    range: std::ops::RangeInclusive<u8>,
) -> Result<u8, String> {
    let value = parse(args, name, example)?;
    let (least, most) = (range.start(), range.end());
    range.contains(&value).then_some(value).ok_or(format!("{name} {value}: not from {least} to {most}"))
}

#[cfg(not(feature = "deflate"))]
#[derive(Default)]
pub struct Compression(());

#[cfg(not(feature = "deflate"))]
impl Compression {
    pub fn take(&mut self, option: &str, _: &mut lexopt::Parser) -> Result<bool, String> {
        match option {
            "deflate" | "deflate-level" | "deflate-min" | "deflate-window" | "deflate-takeover" => {
                Err(format!("--{option}: built without the feature deflate: add --features deflate"))
            }
            _ => Ok(false),
        }
    }
    pub fn extensions(&self) -> Vec<Arc<dyn Extension>> {
        Vec::new()
    }
}

/// The value of the option `name`.
#[cfg_attr(not(feature = "deflate"), allow(dead_code, reason = "not every example has other options"))]
pub fn parse<T: FromStr<Err: Display>>(
    args: &mut lexopt::Parser,
    name: &str,
    example: &str,
) -> Result<T, String> {
    let value = args.value().map_err(|_| format!("{name} needs a value, as in {name} {example}"))?;
    let text = value.to_string_lossy();
    text.parse().map_err(|error| format!("{name} {text}: {error}; it works like this: {name} {example}"))
}
