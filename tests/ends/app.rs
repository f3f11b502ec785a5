//! One program for every adapter: what an application does with a connection, and what it is told of it.
pub(crate) use crate::support::chance::noise;
use crate::{
    clocks::{ToldTime, run_tokio, run_told, with_events},
    stream::{Act, Stream},
    support::*,
};
use sansocket::{
    proto::{Connection, Established, Role},
    *,
};
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What an application does next. Where the connection is split, the receiving end listens all the while.
#[derive(Clone)]
pub(crate) enum Do {
    Feed(Vec<u8>),
    Send(Vec<u8>),
    Flush,
    /// Receives one message.
    Recv,
    /// Receives to the end.
    Listen,
    /// Receives to the end, and answers each message with itself.
    Echo,
    Close(u16),
    /// Drops the receiving end before all else, where there is one.
    Alone,
}

impl fmt::Debug for Do {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed(message) => write!(f, "Feed({} bytes)", message.len()),
            Self::Send(message) => write!(f, "Send({} bytes)", message.len()),
            Self::Flush => f.write_str("Flush"),
            Self::Recv => f.write_str("Recv"),
            Self::Listen => f.write_str("Listen"),
            Self::Echo => f.write_str("Echo"),
            Self::Close(code) => write!(f, "Close({code})"),
            Self::Alone => f.write_str("Alone"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Blocking,
    /// Both ends in one thread, one after the other.
    BlockingSplit,
    /// Each end in a thread of its own.
    BlockingThreads,
    Tokio,
    TokioSplit,
    /// The streams of `futures`, and a runtime of the tests' own.
    Futures,
    FuturesSplit,
}
use Adapter::*;
pub(crate) const WHOLE: [Adapter; 3] = [Blocking, Tokio, Futures];
pub(crate) const SPLIT: [Adapter; 4] = [BlockingSplit, BlockingThreads, TokioSplit, FuturesSplit];
pub(crate) const ALL: [Adapter; 7] =
    [Blocking, BlockingSplit, BlockingThreads, Tokio, TokioSplit, Futures, FuturesSplit];
/// Those that need no turns of threads.
pub(crate) const IN_TURN: [Adapter; 6] = [Blocking, BlockingSplit, Tokio, TokioSplit, Futures, FuturesSplit];
impl Adapter {
    pub(crate) fn is_split(self) -> bool {
        SPLIT.contains(&self)
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) adapter: Adapter,
    pub(crate) role: Role,
    pub(crate) stream: Stream,
    /// The messages that were to be sent, and how many of them were taken.
    pub(crate) tried: Vec<Vec<u8>>,
    pub(crate) accepted: usize,
    pub(crate) got: Vec<Vec<u8>>,
    /// What each call said in the end.
    pub(crate) said: Vec<(&'static str, Result<(), Error>)>,
    /// What `close` said, of a whole socket; what `closed` said after the first error or the end, and at last.
    pub(crate) close_said: Option<Closed>,
    pub(crate) closed_then: Option<Closed>,
    pub(crate) closed: Option<Closed>,
    /// What receiving said after the end.
    pub(crate) after_end: Vec<String>,
    /// There is nobody to ask how it ended.
    pub(crate) alone: bool,
    pub(crate) closing_at: Duration,
    pub(crate) took: Duration,
    pub(crate) polls: usize,
}
/// It is written by all who have an end of the connection.
pub(crate) struct Log(Mutex<Outcome>);
impl Log {
    pub(crate) fn write(&self) -> MutexGuard<'_, Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn elapsed(&self) -> Duration {
        let stream = self.write().stream.clone();
        stream.elapsed()
    }
    pub(crate) fn tries(&self, message: &[u8]) -> Message {
        self.write().tried.push(message.to_vec());
        Message::binary(message.to_vec())
    }
    pub(crate) fn sent(&self, what: &'static str, said: Result<(), Error>) {
        let mut log = self.write();
        log.accepted += usize::from(said.is_ok());
        log.said.push((what, said));
    }
    pub(crate) fn said(&self, what: &'static str, said: Result<(), Error>) {
        self.write().said.push((what, said));
    }
    /// Something was received. Says whether more can be.
    pub(crate) fn received(&self, received: Result<Option<Message>, Error>, closed: Option<&Closed>) -> bool {
        let mut log = self.write();
        let said = match received {
            Ok(Some(message)) => {
                log.got.push(message.as_bytes().to_vec());
                return true;
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        log.said.push(("recv", said));
        log.closed_then = log.closed_then.take().or(closed.cloned());
        false
    }
    pub(crate) fn after_end(&self, received: &Result<Option<Message>, Error>) {
        let said = match received {
            Ok(None) => "None".into(),
            other => format!("{other:?}"),
        };
        self.write().after_end.push(said);
    }
    pub(crate) fn closes(&self) {
        let elapsed = self.elapsed();
        self.write().closing_at = elapsed;
    }
    pub(crate) fn ends(&self, closed: Option<&Closed>) {
        let elapsed = self.elapsed();
        let mut log = self.write();
        log.took = elapsed;
        log.closed = closed.cloned();
        log.closed_then = log.closed_then.take().or(closed.cloned());
    }
}

/// An application, and the peer that it has.
pub(crate) struct Case<'a> {
    pub(crate) role: Role,
    pub(crate) compressed: bool,
    pub(crate) config: &'a dyn Fn(&mut Config),
    pub(crate) script: &'a dyn Fn(&Stream),
    pub(crate) steps: &'a [Do],
}
impl Case<'_> {
    pub(crate) fn connection(&self) -> Connection {
        let mut config = config(self.role);
        (self.config)(&mut config);
        Connection::new(self.established(), config)
    }
    #[cfg(feature = "deflate")]
    fn established(&self) -> Established {
        let bare = Established::bare(self.role);
        if !self.compressed {
            return bare;
        }
        let mut deflate = Deflate::default();
        (deflate.min_size, deflate.send.takeover) = (0, false);
        deflate.receive = Some(deflate.send);
        let params = "; server_no_context_takeover; client_no_context_takeover";
        bare.with_extension(crate::support::deflate::agreement(self.role, &deflate, params))
    }
    #[cfg(not(feature = "deflate"))]
    fn established(&self) -> Established {
        Established::bare(self.role)
    }

    /// On the adapter for `futures` itself, whose clock is the real one: without deadlines.
    pub(crate) fn run_real(&self, adapter: Adapter) -> Outcome {
        let (stream, log) = self.begin(adapter, true);
        let app = crate::app_async::run::<sansocket::futures::AsyncIo>(self, adapter, stream.clone(), &log);
        let ((), polls) = run_told(&stream, app);
        finish(log, polls)
    }
    pub(crate) fn run(&self, adapter: Adapter) -> Outcome {
        match adapter {
            Blocking | BlockingSplit | BlockingThreads => {
                let (stream, log) = self.begin(adapter, true);
                crate::app_blocking::run(self, adapter, stream, &log);
                finish(log, 0)
            }
            Futures | FuturesSplit => {
                let (stream, log) = self.begin(adapter, true);
                let app = crate::app_async::run::<ToldTime>(self, adapter, stream.clone(), &log);
                let ((), polls) = run_told(&stream, app);
                finish(log, polls)
            }
            Tokio | TokioSplit => {
                let run = async || {
                    let (stream, log) = self.begin(adapter, false);
                    let app = crate::app_async::run::<tokio::Tokio>(self, adapter, stream.clone(), &log);
                    let ((), polls) = with_events(&stream, app).await;
                    (log, polls)
                };
                let (log, polls) = run_tokio(run);
                finish(log, polls)
            }
        }
    }
    fn begin(&self, adapter: Adapter, told: bool) -> (Stream, Log) {
        let stream = Stream::new(told);
        (self.script)(&stream);
        stream.state().apply_due();
        let outcome = Outcome {
            adapter,
            role: self.role,
            stream: stream.clone(),
            tried: vec![],
            accepted: 0,
            got: vec![],
            said: vec![],
            close_said: None,
            closed_then: None,
            closed: None,
            after_end: vec![],
            alone: self.steps.iter().any(|step| matches!(step, Do::Alone)) && adapter.is_split(),
            closing_at: Duration::ZERO,
            took: Duration::ZERO,
            polls: 0,
        };
        (stream, Log(Mutex::new(outcome)))
    }
}
fn finish(log: Log, polls: usize) -> Outcome {
    Outcome { polls, ..log.0.into_inner().unwrap_or_else(PoisonError::into_inner) }
}

/// The Close frame that the peer of this role sends.
pub(crate) fn close_of(role: Role, code: u16) -> Vec<u8> {
    crate::model::from_peer_of(role, CLOSE, body(code, ""))
}
/// Nothing but these deadlines.
pub(crate) fn quiet(config: &mut Config) {
    config.keepalive = None;
}
pub(crate) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
/// Bytes that come at once.
pub(crate) fn comes(stream: &Stream, bytes: impl AsRef<[u8]>) {
    stream.state().act(Act::Bytes(bytes.as_ref().to_vec()));
}
impl Stream {
    /// The far end ends its writing side.
    pub(crate) fn act_end(&self) {
        self.state().act(Act::End(Ok(())));
    }
}
