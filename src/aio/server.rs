//! Accepting: [`accept`], [`accept_with_config`], [`accept_with`]; and in two steps, [`read_request`] and [`PendingUpgrade`].
use super::{
    Runtime, WebSocket,
    opening::{Opening, Refusing},
};
use crate::{
    adapter::Error,
    config::Config,
    handshake::{Acceptance, Rejection, ServerHandshake, Upgrade},
};
use std::{future::Future, mem, sync::Arc, time::Duration};

/// Accepts a WebSocket on a stream that a listener gave (RFC 6455 §4.2), with the defaults of [`Config::server`].
///
/// A request that is not a correct upgrade, or not from the same origin, is answered with the right refusal.
///
/// Nothing is set on the stream. A TCP stream wants `TCP_NODELAY`: else a short message may wait for the peer to
/// acknowledge the one before it.
///
/// # Errors
/// [`Error::Handshake`] when the request was refused (the answer has been sent) or did not come in time; [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn accept<S, R: Runtime<S>>(stream: S) -> impl Future<Output = Result<WebSocket<S, R>, Error>> {
    accept_with_config(stream, Config::server())
}

/// Accepts a WebSocket on a stream, by this config: [`Config::origins`] says which pages may connect, and
/// [`Config::extensions`] what may be negotiated.
///
/// # Errors
/// As [`accept`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn accept_with_config<S, R: Runtime<S>>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<WebSocket<S, R>, Error>> {
    accept_with(stream, config, async |_: &Upgrade| Ok(Acceptance::new()))
}

/// Accepts a WebSocket, or not (RFC 6455 §4.2.2): `decide` sees the request, and accepts it with header fields and a
/// subprotocol of its choice, or rejects it with any response. It may take its time:
/// [`handshake_timeout`](Config::handshake_timeout) ends when the request is there.
///
/// It sees every well-formed HTTP request, so that a server can answer other requests on the same port; one that
/// [cannot become a WebSocket](Upgrade::refusal) is refused in any case.
///
/// # Errors
/// [`Error::Handshake`] when the request was refused or rejected (the answer has been sent); [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn accept_with<S, R: Runtime<S>>(
    stream: S,
    config: impl Into<Arc<Config>>,
    decide: impl AsyncFnOnce(&Upgrade) -> Result<Acceptance, Rejection>,
) -> impl Future<Output = Result<WebSocket<S, R>, Error>> {
    let request = read_request(stream, config);
    async move {
        let incoming = request.await?;
        let answered = {
            let decision = decide(incoming.upgrade()).await;
            incoming.answer(decision)
        };
        answered.await
    }
}

/// Waits for a request (RFC 6455 §4.2.1), which is then to be [accepted](PendingUpgrade::accept) or
/// [rejected](PendingUpgrade::reject): for whoever decides elsewhere than in a closure. Any request whose head is HTTP is
/// let through.
///
/// # Errors
/// [`Error::Handshake`] when no such request came in time (the answer has been sent); [`Error::Io`].
///
/// # Cancel safety
/// Dropping the future drops the stream.
pub fn read_request<S, R: Runtime<S>>(
    stream: S,
    config: impl Into<Arc<Config>>,
) -> impl Future<Output = Result<PendingUpgrade<S, R>, Error>> {
    let config = config.into();
    let close_timeout = config.close_timeout;
    let mut opening = Opening::<S, R, _>::new(stream, ServerHandshake::new(config));
    async move {
        let error = match opening.run(ServerHandshake::poll).await {
            Ok(upgrade) => {
                let Opening { stream, alarm, .. } = *opening;
                return Ok(PendingUpgrade(Box::new(Asked { stream, alarm, upgrade, close_timeout })));
            }
            Err(Error::Handshake(error)) => error,
            Err(error) => return Err(error),
        };
        let answer = mem::take(opening.machine.transmit());
        let refusing = Refusing::<S, R>::new(opening.stream, answer, error, close_timeout);
        Err(refusing.run().await)
    }
}

/// A request that has come over a stream, and has no answer yet. Dropping it drops the stream.
#[derive(Debug)]
#[must_use = "a request wants an answer: accept it or reject it"]
pub struct PendingUpgrade<S, R>(Box<Asked<S, R>>);

#[derive(Debug)]
struct Asked<S, R> {
    stream: S,
    alarm: Option<R>,
    upgrade: Upgrade,
    close_timeout: Option<Duration>,
}

impl<S, R: Runtime<S>> PendingUpgrade<S, R> {
    /// The request, and what it offers.
    pub fn upgrade(&self) -> &Upgrade {
        &self.0.upgrade
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.0.stream
    }

    /// Answers 101, which makes a WebSocket of the stream. A request that
    /// [cannot become one](Upgrade::refusal) is refused.
    ///
    /// # Errors
    /// [`Error::Handshake`] when the request was refused (the answer has been sent); [`Error::TimedOut`] when the
    /// peer does not take the answer, [`Error::Io`].
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    pub fn accept(self, acceptance: Acceptance) -> impl Future<Output = Result<WebSocket<S, R>, Error>> {
        self.answer(Ok(acceptance))
    }

    /// Answers anything else: see [`Upgrade::reject`]. Gives the error that says so, once the peer has the answer or
    /// [`close_timeout`](Config::close_timeout) has passed.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    pub fn reject(self, rejection: impl Into<Rejection>) -> impl Future<Output = Error> {
        let Asked { stream, upgrade, close_timeout, .. } = *self.0;
        let (answer, error) = upgrade.reject(rejection).into_parts();
        Refusing::<S, R>::new(stream, answer, error, close_timeout).run()
    }

    fn answer(
        self,
        decision: Result<Acceptance, Rejection>,
    ) -> impl Future<Output = Result<WebSocket<S, R>, Error>> {
        let Asked { stream, alarm, upgrade, close_timeout } = *self.0;
        let answered = match decision {
            Ok(acceptance) => upgrade.accept(acceptance),
            Err(rejection) => Err(upgrade.reject(rejection)),
        };
        // What is in a box is not in the future.
        let answered = match answered {
            Ok(connection) => Ok(Box::new(WebSocket::<S, R>::with_alarm(connection, stream, alarm))),
            Err(rejection) => {
                let (answer, error) = rejection.into_parts();
                Err(Refusing::<S, R>::new(stream, answer, error, close_timeout))
            }
        };
        async move {
            match answered {
                Ok(mut socket) => {
                    socket.flush().await?;
                    Ok(*socket)
                }
                Err(refusing) => Err(refusing.run().await),
            }
        }
    }
}
