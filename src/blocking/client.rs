//! Connecting: [`connect`], [`connect_with`], [`connect_over`], and [`Connector`] for streams that do not wait.
use super::{
    opening::Opening,
    transport::{Transport, now},
    websocket::WebSocket,
};
use crate::{
    adapter::{Error, needs_tls},
    config::Config,
    handshake::{ClientHandshake, ClientRequest, HandshakeError, Scheme, Upgraded},
};
use http::Response;
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

/// Connects to a `ws://` URL with the defaults of [`Config::client`].
///
/// # Errors
/// [`Error::Handshake`] when the URL is not one, or the server does not upgrade; [`Error::Io`] when it cannot be
/// reached.
pub fn connect(
    url: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
) -> Result<WebSocket<TcpStream>, Error> {
    connect_with(url, Config::client()).map(|(socket, _)| socket)
}

/// Connects with a request of one's own, and gives the server's response as well. Resolving the name, dialling and
/// the handshake together take no longer than [`handshake_timeout`](Config::handshake_timeout).
///
/// # Errors
/// As [`connect`]. A response that does not upgrade is in [`HandshakeError::Declined`], body and all.
pub fn connect_with(
    request: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
    config: impl Into<Arc<Config>>,
) -> Result<(WebSocket<TcpStream>, Response<()>), Error> {
    let request = request.try_into().map_err(Into::into)?;
    if request.url().scheme() == Scheme::Wss {
        return Err(needs_tls());
    }
    let (host, port) = (request.url().host().to_owned(), request.url().port());
    let config = config.into();
    let mut handshake = ClientHandshake::new(request, config.clone());
    handshake.handle_timeout(now());
    let stream = dial(&host, port, handshake.poll_timeout())?;
    Connector { opening: Some(Opening::new(stream)), handshake }.connect()
}

/// Connects over a stream that leads to the server already: through TLS, a proxy, a Unix socket.
///
/// # Errors
/// As [`connect_with`].
pub fn connect_over<S: Transport>(
    stream: S,
    request: impl TryInto<ClientRequest, Error: Into<HandshakeError>>,
    config: impl Into<Arc<Config>>,
) -> Result<(WebSocket<S>, Response<()>), Error> {
    let request = request.try_into().map_err(Into::into)?;
    Connector::new(stream, request, config).connect()
}

/// An opening handshake under way on a client, for streams that do not wait: [`connect`](Self::connect) can be
/// called again after an error that [is resumable](Error::is_resumable).
#[derive(Debug)]
pub struct Connector<S> {
    opening: Option<Opening<S>>,
    handshake: ClientHandshake,
}

impl<S: Transport> Connector<S> {
    /// Will send `request` on `stream`.
    pub fn new(stream: S, request: ClientRequest, config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let handshake = ClientHandshake::new(request, config.clone());
        Self { opening: Some(Opening::new(stream)), handshake }
    }

    /// See [`connect_over`].
    ///
    /// # Errors
    /// As [`connect_over`]; and what [is resumable](Error::is_resumable), when the stream does not wait. After any
    /// other error, and after success, the stream is gone: [`HandshakeError::Spent`].
    pub fn connect(&mut self) -> Result<(WebSocket<S>, Response<()>), Error> {
        let mut opening = self.opening.take().ok_or(HandshakeError::Spent)?;
        match opening.run(&mut self.handshake, ClientHandshake::poll) {
            Ok(Upgraded { connection, response }) => {
                Ok((WebSocket::opened(connection, opening.output, opening.reads), response))
            }
            Err(error) => {
                self.opening = error.is_resumable().then_some(opening);
                Err(error)
            }
        }
    }
}

/// Connects to the first address that answers, all within the deadline.
fn dial(host: &str, port: u16, deadline: Option<Instant>) -> Result<TcpStream, Error> {
    let addresses = resolve(host, port, deadline)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let share = (addresses.len() - tried) as u32;
        let left = deadline.map(|deadline| deadline.saturating_duration_since(now()));
        let dialled = match left {
            None => TcpStream::connect(address),
            Some(left) if left.is_zero() => return Err(HandshakeError::TimedOut.into()),
            Some(left) => TcpStream::connect_timeout(address, left / share),
        };
        match dialled {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    match last.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Err(HandshakeError::TimedOut.into()),
        kind => Err(io::Error::new(kind, format!("cannot connect to {host}:{port}: {last}")).into()),
    }
}

/// The system's resolver cannot be given a deadline, so it gets a thread that can be left behind.
fn resolve(host: &str, port: u16, deadline: Option<Instant>) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = host.to_owned();
    let (answer, answered) = mpsc::sync_channel(1);
    thread::Builder::new().name("resolver".into()).spawn(move || {
        let _ = answer.send((name.as_str(), port).to_socket_addrs().map(Vec::from_iter));
    })?;
    let resolved = match deadline {
        None => answered.recv().ok(),
        Some(deadline) => answered.recv_timeout(deadline.saturating_duration_since(now())).ok(),
    };
    let addresses = resolved.ok_or(HandshakeError::TimedOut)?;
    Ok(addresses.map_err(|error| io::Error::new(error.kind(), format!("cannot resolve {host}: {error}")))?)
}
