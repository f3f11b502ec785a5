//! Accepting in two steps: [`read_request`] and [`PendingUpgrade`].
use super::{opening::Opening, transport::Transport, websocket::WebSocket};
use crate::{
    adapter::Error,
    config::Config,
    handshake::{Acceptance, HandshakeError, Rejection, ServerHandshake, Upgrade},
    proto::Transmit,
};
use std::{sync::Arc, time::Duration};

/// Waits for a request (RFC 6455 §4.2.1), which is then to be [accepted](PendingUpgrade::accept) or
/// [rejected](PendingUpgrade::reject): for a server that decides elsewhere than in a closure. Any request whose head is
/// HTTP is let through. For streams that wait; over others, see [`Acceptor`](super::Acceptor).
///
/// ```no_run
/// # use sansocket::{Config, blocking, handshake::Acceptance, http::StatusCode};
/// # fn serve(stream: std::net::TcpStream) -> Result<(), sansocket::Error> {
/// let pending = blocking::read_request(stream, Config::server())?;
/// if pending.upgrade().request().uri().path() != "/chat" {
///     return Err(pending.reject(StatusCode::NOT_FOUND));
/// }
/// let socket = pending.accept(Acceptance::new())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Handshake`] when no such request came in time (the answer has been sent); [`Error::Io`].
pub fn read_request<S: Transport>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> Result<PendingUpgrade<S>, Error> {
    let config = config.into();
    let close_timeout = config.close_timeout;
    let (mut opening, mut handshake) = (Opening::new(stream), ServerHandshake::new(config));
    match opening.run(&mut handshake, ServerHandshake::poll) {
        Ok(upgrade) => Ok(PendingUpgrade { opening, upgrade, close_timeout }),
        Err(Error::Handshake(error)) => {
            let answer = std::mem::take(handshake.transmit());
            Err(refuse(opening, answer, error, close_timeout))
        }
        Err(error) => Err(error),
    }
}

/// A request that has come over a stream, and has no answer yet. Dropping it drops the stream.
#[derive(Debug)]
#[must_use = "a request wants an answer: accept it or reject it"]
pub struct PendingUpgrade<S> {
    opening: Opening<S>,
    upgrade: Upgrade,
    close_timeout: Option<Duration>,
}

impl<S: Transport> PendingUpgrade<S> {
    /// The request, and what it offers.
    pub fn upgrade(&self) -> &Upgrade {
        &self.upgrade
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.opening.output.stream
    }

    /// Answers 101, which makes a WebSocket of the stream. A request that
    /// [cannot become one](Upgrade::refusal) is refused.
    ///
    /// # Errors
    /// [`Error::Handshake`] when the request was refused (the answer has been sent); [`Error::TimedOut`] when the
    /// peer does not take the answer, [`Error::Io`].
    pub fn accept(self, acceptance: Acceptance) -> Result<WebSocket<S>, Error> {
        match self.upgrade.accept(acceptance) {
            Ok(connection) => {
                let mut socket = WebSocket::opened(connection, self.opening.output, self.opening.reads);
                socket.flush()?;
                Ok(socket)
            }
            Err(refused) => {
                let (answer, error) = refused.into_parts();
                Err(refuse(self.opening, answer, error, self.close_timeout))
            }
        }
    }

    /// Answers anything else: see [`Upgrade::reject`]. Gives the error that says so, once the peer has the answer or
    /// [`close_timeout`](Config::close_timeout) has passed.
    pub fn reject(self, rejection: impl Into<Rejection>) -> Error {
        let (answer, error) = self.upgrade.reject(rejection).into_parts();
        refuse(self.opening, answer, error, self.close_timeout)
    }
}

/// Sends the answer, and gives the error. A peer that does not take its refusal has been refused all the same.
fn refuse<S: Transport>(
    mut opening: Opening<S>,
    mut answer: Transmit,
    error: HandshakeError,
    close_timeout: Option<Duration>,
) -> Error {
    let until = close_timeout.and_then(|timeout| opening.now().checked_add(timeout));
    let _ = opening.refuse(&mut answer, until);
    error.into()
}
