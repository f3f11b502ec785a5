//! The browser's view, for both roles: one object from CONNECTING to CLOSED, and few kinds of event.
mod failed;

use crate::{
    close::CloseFrame,
    config::{Config, Delivery},
    error::{ProtocolError, SendError},
    extension::ExtensionOffer,
    handshake::{
        Acceptance, ClientHandshake, ClientRequest, HandshakeError, Refused, Rejection, ServerHandshake,
        Upgrade, Upgraded,
    },
    message::{Message, Outgoing},
    proto::{Closed, Connection, Deadline, Event, ReadBuf, ReadyState, Step, Subprotocol, Transmit},
    sentence::debug_as_display,
};
use failed::Failed;
use http::{Request, Response};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// An opening handshake and then its [`Connection`], as one machine, with the names and the order of events of a browser's
/// `WebSocket`. For event loops, and for both roles: [`client`](Self::client), [`server`](Self::server), and
/// [`deciding`](Self::deciding) for a server whose application looks at the request.
///
/// It is driven as a [`Connection`] is: events, then writing, then [`next_step`](Self::next_step), which says when not to read. Messages come whole and pings are answered, whatever the [`Config`] says.
///
/// ```
/// use sansocket::bytes::Buf;
/// use sansocket::{Config, ReadyState, handshake::ClientRequest, session::{Session, SessionEvent}};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut session = Session::client(ClientRequest::try_from("ws://example.com/")?, Config::client());
/// assert_eq!(session.state(), ReadyState::Connecting);
/// // Write what there is to write; give it what came; and then:
/// # let bytes_to_write = session.transmit().remaining();
/// # session.transmit().advance(bytes_to_write);
/// # session.receive(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
/// while let Some(event) = session.poll_event() {
///     match event {
///         SessionEvent::Open(_) => session.send("hello")?,
///         SessionEvent::Message(message) => println!("{message:?}"),
///         SessionEvent::Error(error) => eprintln!("{error}"), // "the server refused the upgrade with 404 Not Found"
///         SessionEvent::Close(closed) => println!("{}", closed.code()), // 1006
///         _ => {}
///     }
/// }
/// # assert_eq!(session.state(), ReadyState::Closed);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Session {
    state: State,
    /// `Close`, when `Error` has been told before it.
    closed: Option<Box<Closed>>,
}

#[derive(Debug)]
enum State {
    Connecting(Box<ClientHandshake>),
    Accepting(Box<Accepting>),
    Connected(Box<Connection>),
    Failed(Failed),
}

/// A server waits for its request.
struct Accepting {
    handshake: ServerHandshake,
    decide: Option<Decide>,
    close_timeout: Option<Duration>,
}
type Decide = Box<dyn FnOnce(&Upgrade) -> Result<Acceptance, Rejection> + Send>;

impl fmt::Debug for Accepting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handshake.fmt(f)
    }
}

impl Accepting {
    /// The state that the request leads to, once it has come, and what to tell of it.
    fn poll(&mut self) -> Option<(State, SessionEvent)> {
        let upgrade = match self.handshake.poll() {
            Ok(upgrade) => upgrade?,
            Err(error) => {
                let answer = std::mem::take(self.handshake.transmit());
                return Some(self.failed(answer, error));
            }
        };
        let decision = match self.decide.take() {
            Some(decide) => decide(&upgrade),
            None => Ok(Acceptance::new()),
        };
        let request = upgrade.request().clone();
        let answered = match decision {
            Ok(acceptance) => upgrade.accept(acceptance),
            Err(rejection) => Err(upgrade.reject(rejection)),
        };
        Some(match answered {
            Ok(connection) => (State::Connected(Box::new(connection)), SessionEvent::Accepted(request)),
            Err(refused) => {
                let (answer, error) = Refused::into_parts(refused);
                self.failed(answer, error)
            }
        })
    }

    /// The answer is still to be written.
    fn failed(&self, transmit: Transmit, error: HandshakeError) -> (State, SessionEvent) {
        let eof = !self.handshake.wants_read();
        (State::Failed(Failed::refused(transmit, self.close_timeout, eof)), SessionEvent::Error(error.into()))
    }
}

/// What a browser calls `open`, `message`, `error` and `close`.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// For a client: the opening handshake succeeded, with this response.
    Open(Response<()>),
    /// For a server: this request was accepted, and the connection is open.
    Accepted(Request<()>),
    /// A message came.
    Message(Message),
    /// The connection failed; `Close` is next.
    Error(SessionError),
    /// The end: exactly one, always last.
    Close(Closed),
}

/// Why a connection failed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The opening handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// [`close`](Session::close) was called before the connection was open.
    #[error("closed before the opening handshake was complete")]
    Aborted,
    /// The peer broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A deadline of [`Config`] passed.
    #[error("{0}")]
    TimedOut(Deadline),
    /// The transport ended without a Close frame from the peer (RFC 6455 §7.2.1).
    #[error("the connection ended without a Close frame (1006)")]
    Lost,
}
debug_as_display!(SessionError);

impl Session {
    /// A client, which begins to connect.
    pub fn client(request: ClientRequest, config: impl Into<Arc<Config>>) -> Self {
        let handshake = ClientHandshake::new(request, of_sessions(config.into()));
        Self { state: State::Connecting(Box::new(handshake)), closed: None }
    }

    /// A server, which waits for a request and accepts every correct one that [`Config::origins`] allows. A request that
    /// is refused is an [`Error`](SessionEvent::Error): the answer is in [`transmit`](Self::transmit), and
    /// [`Close`](SessionEvent::Close) comes once it has been written and the peer has ended the transport, or after
    /// [`close_timeout`](Config::close_timeout). Until then, do what [`next_step`](Self::next_step) says: a TCP stream
    /// that is closed with bytes unread is reset, and the client may lose the answer. What it still sends is thrown away,
    /// up to 1 MiB.
    ///
    /// ```
    /// use sansocket::{Config, bytes::Buf, session::{Session, SessionEvent}};
    ///
    /// let mut session = Session::server(Config::server());
    /// session.receive(b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    ///     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    /// let Some(SessionEvent::Accepted(request)) = session.poll_event() else { panic!("refused") };
    /// assert_eq!(request.uri().path(), "/chat");
    /// session.send("hello")?;
    /// assert!(session.transmit().chunk().starts_with(b"HTTP/1.1 101 "));
    /// # Ok::<(), sansocket::SendError>(())
    /// ```
    pub fn server(config: impl Into<Arc<Config>>) -> Self {
        Self::accepting(config.into(), None)
    }

    /// A server whose application sees the request, and accepts or rejects it. It sees every well-formed HTTP request. One
    /// that [cannot become a WebSocket](Upgrade::refusal) is refused in any case.
    pub fn deciding(
        config: impl Into<Arc<Config>>,
        decide: impl FnOnce(&Upgrade) -> Result<Acceptance, Rejection> + Send + 'static,
    ) -> Self {
        Self::accepting(config.into(), Some(Box::new(decide)))
    }

    fn accepting(config: Arc<Config>, decide: Option<Decide>) -> Self {
        let close_timeout = config.close_timeout;
        let handshake = ServerHandshake::new(of_sessions(config));
        Self {
            state: State::Accepting(Box::new(Accepting { handshake, decide, close_timeout })),
            closed: None,
        }
    }

    /// See [`Connection::receive`].
    pub fn receive(&mut self, bytes: &[u8]) {
        self.read_buf().extend_from_slice(bytes);
    }
    /// See [`Connection::read_buf`].
    pub fn read_buf(&mut self) -> ReadBuf<'_> {
        match &mut self.state {
            State::Connecting(handshake) => handshake.read_buf(),
            State::Accepting(accepting) => accepting.handshake.read_buf(),
            State::Connected(connection) => connection.read_buf(),
            State::Failed(failed) => failed.read_buf(),
        }
    }
    /// See [`Connection::receive_eof`].
    pub fn receive_eof(&mut self) {
        match &mut self.state {
            State::Connecting(handshake) => handshake.receive_eof(),
            State::Accepting(accepting) => accepting.handshake.receive_eof(),
            State::Connected(connection) => connection.receive_eof(),
            State::Failed(failed) => failed.receive_eof(),
        }
    }

    /// The next thing that happened. `None`: there is nothing until more bytes come, or time passes.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        if let Some(closed) = self.closed.take() {
            return Some(SessionEvent::Close(*closed));
        }
        match &mut self.state {
            State::Connecting(handshake) => match handshake.poll() {
                Ok(None) => None,
                Ok(Some(Upgraded { connection, response })) => {
                    self.state = State::Connected(Box::new(connection));
                    Some(SessionEvent::Open(response))
                }
                Err(error) => {
                    self.state = State::Failed(Failed::at_once(None));
                    Some(SessionEvent::Error(error.into()))
                }
            },
            State::Accepting(accepting) => {
                let (state, event) = accepting.poll()?;
                self.state = state;
                Some(event)
            }
            State::Connected(connection) => loop {
                match connection.poll_event()? {
                    Event::Message(message) => break Some(SessionEvent::Message(message.into_message())),
                    Event::Error(error) => break Some(SessionEvent::Error(error.into())),
                    Event::Closed(closed) => {
                        let Some(error) = failure(&closed) else { break Some(SessionEvent::Close(*closed)) };
                        self.closed = Some(closed);
                        break Some(SessionEvent::Error(error));
                    }
                    _ => {}
                }
            },
            State::Failed(failed) => failed.poll_event(),
        }
    }

    /// See [`Connection::send`].
    ///
    /// # Errors
    /// [`SendError::Connecting`] before [`SessionEvent::Open`], as in browsers; [`SendError::Closing`].
    pub fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), SendError> {
        self.open()?.send(message)
    }
    /// See [`Connection::ping`].
    ///
    /// # Errors
    /// As [`send`](Self::send); [`SendError::LongControl`].
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.open()?.ping(payload)
    }
    /// See [`Connection::close`]. Before [`SessionEvent::Open`] there is nobody to say goodbye to: the connection
    /// fails, with [`SessionError::Aborted`] and 1006, as in browsers.
    pub fn close(&mut self, frame: impl Into<Option<CloseFrame>>) {
        match &mut self.state {
            State::Connecting(_) | State::Accepting(_) => {
                self.state = State::Failed(Failed::at_once(Some(SessionError::Aborted)));
            }
            State::Connected(connection) => connection.close(frame),
            State::Failed(_) => {}
        }
    }
    /// The transport failed, or is not wanted any more: see [`Connection::abort`]. What waits to be written is dropped.
    /// [`Error`](SessionEvent::Error), unless it has been told, and [`Close`](SessionEvent::Close) are next. Before the
    /// connection is open, the error is [`SessionError::Lost`].
    pub fn abort(&mut self) {
        match &mut self.state {
            State::Connecting(_) | State::Accepting(_) => {
                self.state = State::Failed(Failed::at_once(Some(SessionError::Lost)));
            }
            State::Connected(connection) => connection.abort(),
            State::Failed(failed) => failed.give_up(),
        }
    }
    fn open(&mut self) -> Result<&mut Connection, SendError> {
        match &mut self.state {
            State::Connecting(_) | State::Accepting(_) => Err(SendError::Connecting),
            State::Connected(connection) => Ok(connection),
            State::Failed(_) => Err(SendError::Closing),
        }
    }

    /// See [`Connection::transmit`].
    pub fn transmit(&mut self) -> &mut Transmit {
        match &mut self.state {
            State::Connecting(handshake) => handshake.transmit(),
            State::Accepting(accepting) => accepting.handshake.transmit(),
            State::Connected(connection) => connection.transmit(),
            State::Failed(failed) => failed.transmit(),
        }
    }
    /// See [`Connection::buffered_amount`]. The request does not count.
    pub fn buffered_amount(&self) -> usize {
        self.connection().map_or(0, Connection::buffered_amount)
    }
    /// What to do next, once no event is ready and the transport has taken what it can: see [`Connection::next_step`].
    pub fn next_step(&mut self) -> Step {
        let reads = self.wants_read();
        match &mut self.state {
            State::Connected(connection) => connection.next_step(),
            State::Failed(failed) => failed.next_step(),
            State::Connecting(_) | State::Accepting(_) if !reads => Step::Advance,
            State::Connecting(_) | State::Accepting(_) => Step::Read { timed: self.wants_time() },
        }
    }
    /// Whether to read from the transport: see [`Connection::wants_read`]. A driver that reads in spite of `false` lets
    /// its peer fill the memory.
    pub fn wants_read(&self) -> bool {
        match &self.state {
            State::Connecting(handshake) => handshake.wants_read(),
            State::Accepting(accepting) => accepting.handshake.wants_read(),
            State::Connected(connection) => connection.wants_read(),
            State::Failed(failed) => failed.wants_read(),
        }
    }
    /// See [`Connection::wants_shutdown`].
    pub fn wants_shutdown(&self) -> bool {
        match &self.state {
            State::Connecting(_) | State::Accepting(_) => false,
            State::Connected(connection) => connection.wants_shutdown(),
            State::Failed(failed) => failed.wants_shutdown(),
        }
    }
    /// See [`Connection::shut_down`].
    pub fn shut_down(&mut self) {
        match &mut self.state {
            State::Connecting(_) | State::Accepting(_) => {}
            State::Connected(connection) => connection.shut_down(),
            State::Failed(failed) => failed.shut_down(),
        }
    }

    /// See [`Connection::handle_timeout`]; until the connection is open, the deadline is
    /// [`handshake_timeout`](Config::handshake_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Connecting(handshake) => handshake.handle_timeout(now),
            State::Accepting(accepting) => accepting.handshake.handle_timeout(now),
            State::Connected(connection) => connection.handle_timeout(now),
            State::Failed(failed) => failed.handle_timeout(now),
        }
    }
    /// See [`Connection::poll_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Connecting(handshake) => handshake.poll_timeout(),
            State::Accepting(accepting) => accepting.handshake.poll_timeout(),
            State::Connected(connection) => connection.poll_timeout(),
            State::Failed(failed) => failed.poll_timeout(),
        }
    }
    /// See [`Connection::wants_time`].
    pub fn wants_time(&self) -> bool {
        match &self.state {
            State::Connecting(handshake) => handshake.wants_time(),
            State::Accepting(accepting) => accepting.handshake.wants_time(),
            State::Connected(connection) => connection.wants_time(),
            State::Failed(failed) => failed.wants_time(),
        }
    }

    /// What a browser calls `WebSocket.readyState`.
    pub fn state(&self) -> ReadyState {
        match &self.state {
            State::Connecting(_) | State::Accepting(_) => ReadyState::Connecting,
            State::Connected(connection) => connection.state(),
            State::Failed(failed) => failed.state(),
        }
    }
    /// What a browser calls `WebSocket.protocol`.
    pub fn subprotocol(&self) -> Option<&Subprotocol> {
        self.connection().and_then(Connection::subprotocol)
    }
    /// What a browser calls `WebSocket.extensions`: the extension that the connection uses, with what was agreed on.
    pub fn extension(&self) -> Option<&ExtensionOffer> {
        self.connection().and_then(Connection::extension)
    }
    fn connection(&self) -> Option<&Connection> {
        match &self.state {
            State::Connected(connection) => Some(connection),
            _ => None,
        }
    }
}

crate::proto::machine_that_ends!(Session);

/// Messages come whole and pings are answered.
fn of_sessions(config: Arc<Config>) -> Arc<Config> {
    if config.delivery == Delivery::Messages && config.auto_pong {
        return config;
    }
    Arc::new(Config { delivery: Delivery::Messages, auto_pong: true, ..(*config).clone() })
}

/// Whether, and why, the end is a failure that no event has told yet.
fn failure(closed: &Closed) -> Option<SessionError> {
    match closed {
        Closed { error: Some(_), .. } => None,
        closed if closed.was_clean() => None,
        Closed { timed_out: Some(deadline), .. } => Some(SessionError::TimedOut(*deadline)),
        closed if closed.received.is_none() => Some(SessionError::Lost),
        _ => None,
    }
}
