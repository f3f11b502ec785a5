//! Accepting: [`accept`], [`accept_with_config`], [`accept_with`], and [`Acceptor`] for streams that do not wait.
use super::{opening::Opening, transport::Transport, websocket::WebSocket};
use crate::{
    adapter::Error,
    config::Config,
    handshake::{Acceptance, HandshakeError, Refused, Rejection, ServerHandshake, Upgrade},
    proto::{Connection, Transmit},
};
use std::{sync::Arc, time::Instant};

/// Accepts a WebSocket on a stream that a listener gave, with the defaults of [`Config::server`].
///
/// A request that is not a correct upgrade, or not from the same origin, is answered with the right refusal.
///
/// # Errors
/// [`Error::Handshake`] when the request was refused (the answer has been sent); [`Error::Io`].
pub fn accept<S: Transport>(stream: S) -> Result<WebSocket<S>, Error> {
    accept_with_config(stream, Config::server())
}

/// Accepts a WebSocket on a stream, by this config: [`Config::origins`] says which pages may connect, and
/// [`Config::extensions`] what may be negotiated.
///
/// # Errors
/// As [`accept`].
pub fn accept_with_config<S: Transport>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> Result<WebSocket<S>, Error> {
    accept_with(stream, config, |_| Ok(Acceptance::new()))
}

/// Accepts a WebSocket, or not: `decide` sees the request, and accepts it with header fields and a subprotocol of its
/// choice, or rejects it with any response.
///
/// It sees every well-formed HTTP request, so that a server can answer other requests on the same port; one that
/// [cannot become a WebSocket](Upgrade::refusal) is refused in any case.
///
/// ```no_run
/// # use sansocket::{Config, blocking, handshake::Acceptance, http::StatusCode};
/// # fn serve(stream: std::net::TcpStream) -> Result<(), sansocket::Error> {
/// let socket = blocking::accept_with(stream, Config::server(), |upgrade| {
///     if upgrade.request().uri().path() == "/chat" {
///         Ok(Acceptance::new())
///     } else {
///         Err(StatusCode::NOT_FOUND.into())
///     }
/// })?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Handshake`] when the request was refused or rejected (the answer has been sent); [`Error::Io`].
pub fn accept_with<S: Transport>(
    stream: S,
    config: impl Into<Arc<Config>>,
    decide: impl FnOnce(&Upgrade) -> Result<Acceptance, Rejection>,
) -> Result<WebSocket<S>, Error> {
    Acceptor::new(stream, config).accept(decide)
}

/// An opening handshake under way on a server, for streams that do not wait: [`accept`](Self::accept) can be
/// called again after an error that [is resumable](Error::is_resumable).
#[derive(Debug)]
pub struct Acceptor<S> {
    opening: Option<Opening<S>>,
    handshake: ServerHandshake,
    config: Arc<Config>,
    refusing: Option<Refusing>,
}

/// An answer on its way, and what it says.
#[derive(Debug)]
struct Refusing {
    answer: Transmit,
    error: HandshakeError,
    until: Option<Instant>,
}

impl<S: Transport> Acceptor<S> {
    /// Waits for a request on `stream`.
    pub fn new(stream: S, config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let handshake = ServerHandshake::new(config.clone());
        Self { opening: Some(Opening::new(stream)), handshake, config, refusing: None }
    }

    /// See [`accept_with`].
    ///
    /// # Errors
    /// As [`accept_with`]; and what [is resumable](Error::is_resumable), when the stream does not wait. After any
    /// other error, and after success, the stream is gone: [`HandshakeError::Spent`].
    pub fn accept(
        &mut self,
        decide: impl FnOnce(&Upgrade) -> Result<Acceptance, Rejection>,
    ) -> Result<WebSocket<S>, Error> {
        let mut opening = self.opening.take().ok_or(HandshakeError::Spent)?;
        match self.run(&mut opening, decide) {
            Ok(connection) => {
                let mut socket = WebSocket::opened(connection, opening.output, opening.reads);
                match socket.flush() {
                    Err(error) if !error.is_resumable() => Err(error),
                    _ => Ok(socket),
                }
            }
            Err(error) => {
                self.opening = error.is_resumable().then_some(opening);
                Err(error)
            }
        }
    }

    fn run(
        &mut self,
        opening: &mut Opening<S>,
        decide: impl FnOnce(&Upgrade) -> Result<Acceptance, Rejection>,
    ) -> Result<Connection, Error> {
        if self.refusing.is_none() {
            let (answer, error) = match opening.run(&mut self.handshake, ServerHandshake::poll) {
                Ok(upgrade) => match decided(upgrade, decide) {
                    Ok(connection) => return Ok(connection),
                    Err(rejection) => rejection.into_parts(),
                },
                Err(Error::Handshake(error)) => (std::mem::take(self.handshake.transmit()), error),
                Err(error) => return Err(error),
            };
            let until = self.config.close_timeout.and_then(|timeout| opening.now().checked_add(timeout));
            self.refusing = Some(Refusing { answer, error, until });
        }
        let Some(mut refusing) = self.refusing.take() else { return Err(HandshakeError::Spent.into()) };
        if let Err(error) = opening.refuse(&mut refusing.answer, refusing.until) {
            self.refusing = Some(refusing);
            return Err(error);
        }
        Err(refusing.error.into())
    }
}

fn decided(
    upgrade: Upgrade,
    decide: impl FnOnce(&Upgrade) -> Result<Acceptance, Rejection>,
) -> Result<Connection, Refused> {
    match decide(&upgrade) {
        Ok(acceptance) => upgrade.accept(acceptance),
        Err(rejection) => Err(upgrade.reject(rejection)),
    }
}
