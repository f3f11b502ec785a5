//! The command line: what all echo servers take, and what one of them takes besides.
#[path = "deflate.rs"]
mod deflate;

use deflate::Compression;
pub use deflate::parse;
use sansocket::extension::ExtensionOffer;
use std::net::SocketAddr;

const HEAD: &str = "
An echo server for WebSockets, with a page to try it from a browser.

  --listen ADDR           where to listen (127.0.0.1:9001)
  --prefix TEXT           put before each reply (nothing)
  --max-message BYTES     the longest message accepted (1048576)
  --verbose               print each connection, and how it ended";

pub struct Options {
    pub listen: SocketAddr,
    pub prefix: String,
    pub max_message: usize,
    pub verbose: bool,
    pub compression: Compression,
}

impl Options {
    /// `more` is help about other options; `other` is called for each that is not known here, and says whether it
    /// knows it.
    pub fn from_args(
        program: &str,
        more: &str,
        mut other: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool, String>,
    ) -> Result<Self, String> {
        use lexopt::prelude::*;
        let usage = format!("usage: {program} [OPTIONS]\n{HEAD}{}{more}", deflate::HELP);
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9001)),
            prefix: String::new(),
            max_message: 1 << 20,
            verbose: false,
            compression: Compression::default(),
        };
        let mut args = lexopt::Parser::from_env();
        while let Some(arg) = args.next().map_err(|error| error.to_string())? {
            match arg {
                Long("listen") => options.listen = parse(&mut args, "--listen", "127.0.0.1:9001")?,
                Long("prefix") => options.prefix = parse(&mut args, "--prefix", "'you said: '")?,
                Long("max-message") => options.max_message = parse(&mut args, "--max-message", "1048576")?,
                Long("verbose") | Short('v') => options.verbose = true,
                Long("help") | Short('h') => {
                    println!("{usage}");
                    std::process::exit(0);
                }
                arg => {
                    let name = if let Long(name) = arg { name.to_owned() } else { String::new() };
                    let unexpected = arg.unexpected();
                    if !options.compression.take(&name, &mut args)? && !other(&name, &mut args)? {
                        return Err(format!("{unexpected}\n{usage}"));
                    }
                }
            }
        }
        Ok(options)
    }
}

/// The line that tells of a new connection.
pub fn connected(extension: Option<&ExtensionOffer>) -> String {
    extension.map_or("connected".into(), |extension| format!("connected, with {extension}"))
}
