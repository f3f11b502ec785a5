//! [`ServerHandshake`]: waits for a request.
use super::{
    super::{error::HandshakeError, http1::Head, incoming::Incoming},
    answer::{plain, put_response},
    request::Upgrade,
};
use crate::{
    config::Config,
    proto::{ReadBuf, Transmit},
};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::{sync::Arc, time::Instant};

/// A server's opening handshake: waits for the request. It is driven as a [`Connection`](crate::proto::Connection) is.
#[derive(Debug)]
pub struct ServerHandshake {
    config: Arc<Config>,
    transmit: Transmit,
    incoming: Incoming,
    head: Head,
    spent: bool,
}

impl ServerHandshake {
    /// A handshake that waits for its request.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self {
            config: config.into(),
            transmit: Transmit::default(),
            incoming: Incoming::default(),
            head: Head::default(),
            spent: false,
        }
    }

    /// Takes bytes from the transport, copying them. The connection gets those that come after the request.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.read_buf().extend_from_slice(bytes);
    }
    /// Where the transport may put bytes itself.
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        self.incoming.read_buf()
    }
    /// The transport ended.
    pub fn receive_eof(&mut self) {
        self.incoming.receive_eof();
    }
    /// The bytes to write next: none, unless [`poll`](Self::poll) failed.
    pub fn transmit(&mut self) -> &mut Transmit {
        &mut self.transmit
    }
    /// Whether to read from the transport: until its end.
    pub fn wants_read(&self) -> bool {
        self.incoming.wants_read()
    }
    /// Tells the time. The first call starts [`handshake_timeout`](Config::handshake_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        self.incoming.handle_timeout(now, self.config.handshake_timeout);
    }
    /// When to call [`handle_timeout`](Self::handle_timeout) again, at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.incoming.poll_timeout()
    }
    /// Whether the time has not been told yet.
    pub fn wants_time(&self) -> bool {
        self.incoming.wants_time()
    }

    /// The request: any whose head is HTTP, so that a server can also answer requests that are not for a WebSocket.
    /// `None`: there is none until more bytes come, or time passes. Once it has given a request or an error, only
    /// [`Spent`](HandshakeError::Spent) follows.
    ///
    /// # Errors
    /// [`Malformed`](HandshakeError::Malformed), [`HeadTooLarge`](HandshakeError::HeadTooLarge),
    /// [`TimedOut`](HandshakeError::TimedOut), [`Eof`](HandshakeError::Eof). The answer is in
    /// [`transmit`](Self::transmit): write it, then close the transport as for [`Refused`](super::Refused).
    pub fn poll(&mut self) -> Result<Option<Upgrade>, HandshakeError> {
        if self.spent {
            return Err(HandshakeError::Spent);
        }
        let request = match self.head.take_request(self.incoming.input(), &self.config) {
            Ok(None) => self.incoming.wait().map(|()| None),
            other => other,
        };
        match request {
            Ok(None) => Ok(None),
            Ok(Some(request)) => {
                self.spent = true;
                let mut upgrade = Upgrade::new(request, self.incoming.finish(), self.config.clone());
                upgrade.eof = !self.incoming.wants_read();
                Ok(Some(upgrade))
            }
            Err(error) => {
                self.spent = true;
                let begun = !self.incoming.finish().is_empty();
                let cut_off = || plain(StatusCode::BAD_REQUEST, "the request ends within its head");
                let answer = match error {
                    HandshakeError::Eof => begun.then(cut_off),
                    ref error => answer(error),
                };
                if let Some(answer) = answer {
                    put_response(&mut self.transmit, &answer, false);
                }
                Err(error)
            }
        }
    }
}

/// What a server answers when no whole request came. `None`: nothing.
pub(super) fn answer(error: &HandshakeError) -> Option<Response<Bytes>> {
    match error {
        // Not what the bytes look like: that depends on how many had come.
        HandshakeError::NotHttp { .. } => {
            Some(plain(StatusCode::BAD_REQUEST, "the request does not begin as HTTP/1.1 does"))
        }
        HandshakeError::TargetCharacter(_) => Some(plain(StatusCode::BAD_REQUEST, &error.to_string())),
        HandshakeError::Malformed(what) => Some(plain(StatusCode::BAD_REQUEST, what)),
        HandshakeError::HeadTooLarge(limit) => {
            Some(plain(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &limit.to_string()))
        }
        HandshakeError::TimedOut => Some(plain(StatusCode::REQUEST_TIMEOUT, "no request came in time")),
        _ => None,
    }
}
