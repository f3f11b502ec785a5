//! [`ClientHandshake`]: sends a request, and waits for a 101.
use super::{
    super::{error::HandshakeError, http1::Head, incoming::Incoming},
    check::Asked,
    request::ClientRequest,
    response::Body,
};
use crate::{
    config::Config,
    proto::{Connection, ReadBuf, Transmit},
};
use bytes::Buf;
use http::{Response, StatusCode};
use std::{sync::Arc, time::Instant};

/// How many informational responses (RFC 9110 §15.2) may come before the final one.
const MAX_INFORMATIONAL: u8 = 8;

/// The outcome of a client's handshake: an open connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Upgraded {
    /// The connection. It already holds the bytes that came after the response.
    pub connection: Connection,
    /// The server's response, with its cookies and other header fields.
    pub response: Response<()>,
}

/// A client's opening handshake. It is driven as a [`Connection`] is, and [becomes](Self::poll) one.
#[derive(Debug)]
pub struct ClientHandshake {
    config: Arc<Config>,
    asked: Asked,
    transmit: Transmit,
    incoming: Incoming,
    head: Head,
    informational: u8,
    refusal: Option<Box<(Response<()>, Body)>>,
    spent: bool,
}

impl ClientHandshake {
    /// Queues the request, with a fresh key.
    pub fn new(request: ClientRequest, config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let asked = request.asked(&config);
        let mut transmit = Transmit::default();
        request.put(transmit.cork(512), &asked);
        Self {
            config,
            asked,
            transmit,
            incoming: Incoming::default(),
            head: Head::default(),
            informational: 0,
            refusal: None,
            spent: false,
        }
    }

    /// Takes bytes from the transport, copying them. The connection gets those that come after the response.
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
    /// The bytes to write next: see [`Connection::transmit`].
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

    /// The outcome. `None`: there is none until more bytes come, or time passes. Once it has given the outcome, only
    /// [`Spent`](HandshakeError::Spent) follows.
    ///
    /// # Errors
    /// [`HandshakeError`], most often [`Declined`](HandshakeError::Declined). Close the transport then.
    pub fn poll(&mut self) -> Result<Option<Upgraded>, HandshakeError> {
        if self.spent {
            return Err(HandshakeError::Spent);
        }
        let response = self.response();
        if matches!(response, Ok(None)) {
            return Ok(None);
        }
        self.spent = true;
        let received = self.incoming.finish();
        let Some(response) = response? else { return Ok(None) };
        let established = self.asked.check(&response, &self.config)?;
        let unsent = self.transmit.copy_to_bytes(self.transmit.remaining());
        let mut connection = Connection::begin(established, self.config.clone(), &received, &unsent);
        if !self.incoming.wants_read() {
            connection.receive_eof();
        }
        Ok(Some(Upgraded { connection, response }))
    }

    /// The 101, once it has come.
    fn response(&mut self) -> Result<Option<Response<()>>, HandshakeError> {
        loop {
            if let Some(refusal) = &mut self.refusal {
                let (response, body) = &mut **refusal;
                if !body.read(self.incoming.input()) && self.incoming.wait().is_ok() {
                    return Ok(None);
                }
                let whole = std::mem::take(response).map(|()| body.finish());
                return Err(HandshakeError::Declined(Box::new(whole)));
            }
            let Some(response) = self.head.take_response(self.incoming.input(), &self.config)? else {
                return self.incoming.wait().map(|()| None);
            };
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Some(response));
            }
            if !response.status().is_informational() {
                let body = Body::of(&response, self.config.max_refusal_body);
                self.refusal = Some(Box::new((response, body)));
            } else if self.informational == MAX_INFORMATIONAL {
                return Err(HandshakeError::Malformed("too many informational responses"));
            } else {
                self.informational += 1;
            }
        }
    }
}
