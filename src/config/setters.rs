//! The methods of [`Config`] that set one setting each, by value, so that they can be chained.
use super::{Config, Delivery, Keepalive, Origins};
use crate::{entropy::Entropy, extension::Extension};
use std::{sync::Arc, time::Duration};

macro_rules! setters {
    ($($name:ident: $value:ty,)*) => {
        impl Config {$(
            #[doc = concat!("Sets [`", stringify!($name), "`](#structfield.", stringify!($name), ").")]
            pub fn $name(mut self, $name: $value) -> Self {
                self.$name = $name.into();
                self
            }
        )*}
    };
}

setters! {
    max_message_size: usize,
    max_fragments: u32,
    max_empty_fragments: u32,
    max_head_size: usize,
    max_header_fields: usize,
    max_header_line: usize,
    max_refusal_body: usize,
    handshake_timeout: impl Into<Option<Duration>>,
    keepalive: impl Into<Option<Keepalive>>,
    message_timeout: impl Into<Option<Duration>>,
    write_timeout: impl Into<Option<Duration>>,
    close_timeout: impl Into<Option<Duration>>,
    origins: Origins,
    accept_unmasked: bool,
    delivery: Delivery,
    auto_pong: bool,
    fragment_size: usize,
    high_water_mark: usize,
}

impl Config {
    /// Adds to [`extensions`](#structfield.extensions), in the place of the extension of the same name if there is one:
    /// so a client's default can be given other settings.
    ///
    #[cfg_attr(feature = "deflate", doc = "```")]
    #[cfg_attr(not(feature = "deflate"), doc = "```ignore")]
    /// use sansocket::{Config, Deflate};
    ///
    /// let mut deflate = Deflate::default();
    /// deflate.level = 6;
    /// deflate.send.takeover = true;
    /// let config = Config::client().extension(deflate);
    /// assert_eq!(config.extensions.len(), 1);
    /// ```
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        let same = self.extensions.iter_mut().find(|other| other.name() == extension.name());
        match same {
            Some(other) => *other = Arc::new(extension),
            None => self.extensions.push(Arc::new(extension)),
        }
        self
    }

    /// Clears [`extensions`](#structfield.extensions): none is offered, and none taken up.
    pub fn without_extensions(mut self) -> Self {
        self.extensions.clear();
        self
    }

    /// Sets [`entropy`](#structfield.entropy).
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }
}
