//! How an end is configured, and what is sent.
use crate::Repeatable;
use sansocket::{Config, Delivery, Keepalive, Outgoing, proto::Role};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// Those that are kept; the keepalive's are the interval and the wait for an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    pub keepalive: Option<(Duration, Duration)>,
    pub message: Option<Duration>,
    pub write: Option<Duration>,
    pub close: Option<Duration>,
}

/// How the end is configured, and its transport.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub role: Role,
    pub timeouts: Timeouts,
    pub fragment_size: usize,
    pub high_water_mark: usize,
    pub chunks: bool,
    /// Messages are sent back, lent.
    pub echo: bool,
    pub auto_pong: bool,
    /// The transport holds back what it has taken until a flush is done; else what it takes has left.
    pub buffers: bool,
    /// Bytes are written by another hand: what is to be written is taken away first.
    pub elsewhere: bool,
}

pub(super) fn config(settings: Settings) -> Config {
    let mut config = Config::server();
    config.entropy = Arc::new(Repeatable::default());
    config.fragment_size = settings.fragment_size;
    config.high_water_mark = settings.high_water_mark;
    config.auto_pong = settings.auto_pong;
    config.delivery = if settings.chunks { Delivery::Chunks } else { Delivery::Messages };
    let Timeouts { keepalive, message, write, close } = settings.timeouts;
    config.keepalive = keepalive.map(|(interval, timeout)| Keepalive { interval, timeout });
    (config.message_timeout, config.write_timeout, config.close_timeout) = (message, write, close);
    config
}

pub(super) fn outgoing(text: bool, bytes: &'static [u8], owned: bool) -> Outgoing<'static> {
    match std::str::from_utf8(bytes) {
        Ok(content) if text && owned => content.to_owned().into(),
        Ok(content) if text => content.into(),
        _ if owned => bytes.to_vec().into(),
        _ => bytes.into(),
    }
}

/// Bytes that differ from those of the message before, and are text.
pub(super) fn content(seed: usize, len: usize) -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..101_000_u32).map(|i| b' ' + ((i ^ i >> 8) % 95) as u8).collect());
    let from = seed % 61;
    &BYTES[from..from + len]
}
