//! A connection taken apart on Tokio: one task receives, others send.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_types, reason = "tests do I/O")]
mod alone;
mod ending;
mod holding;
mod lost;
mod together;
mod waiting;
mod wakers;

use sansocket::{
    Config,
    proto::{Connection, Established, Role},
    tokio::WebSocket,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};

fn over<S: AsyncRead + AsyncWrite + Unpin>(role: Role, config: Config, stream: S) -> WebSocket<S> {
    WebSocket::new(Connection::new(Established::bare(role), config), stream)
}
/// Both ends, with this many bytes between them.
fn pair(bytes: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(bytes);
    (over(Role::Client, Config::client(), near), over(Role::Server, Config::server(), far))
}
/// A server whose peer is the test.
fn server(bytes: usize, tweak: impl FnOnce(&mut Config)) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(bytes);
    let mut config = Config::server();
    config.keepalive = None;
    tweak(&mut config);
    (over(Role::Server, config, near), far)
}
