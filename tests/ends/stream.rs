//! [`State`]: one stream in memory, and its far end: what comes when, what is taken when, and what became of it.
use crate::model::Scanner;
pub(crate) use crate::script::{Act, Flood, Peer};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

/// So often a stream may be asked in vain, with nothing having happened since.
const SPIN: usize = 1_000;

pub(crate) struct State {
    /// The clock, if it is not Tokio's.
    pub(crate) told: Option<Instant>,
    pub(crate) start: Instant,
    pub(crate) events: VecDeque<(Instant, Act)>,
    pub(crate) drip: Option<(Instant, usize, Duration)>,

    pub(crate) incoming: VecDeque<u8>,
    /// How the reading side ends, once all is read. An error is told once.
    pub(crate) end: Option<Result<(), ErrorKind>>,
    /// Bytes that one read brings at most.
    pub(crate) read_most: usize,
    pub(crate) flood: Option<Flood>,
    flood_at: usize,

    /// How many more bytes the far end takes.
    pub(crate) room: usize,
    /// Bytes that one write takes at most.
    pub(crate) write_most: usize,
    /// How long a write takes.
    pub(crate) write_takes: Duration,
    /// A buffer before that, as TLS has: it takes bytes when the far end does not, and a flush waits until it is empty.
    pub(crate) keeps: usize,
    kept: VecDeque<u8>,
    pub(crate) write_fails: Option<ErrorKind>,
    /// Writing fails when so many bytes have left.
    pub(crate) write_fails_at: usize,
    pub(crate) shutdown_waits: bool,
    pub(crate) peer: Peer,

    /// What the far end has got, if that is kept.
    pub(crate) left: Vec<u8>,
    pub(crate) keeps_left: bool,
    pub(crate) scanner: Scanner,
    pub(crate) shut: bool,
    /// When the stream last let go of a byte, and when its far end last did something by the script.
    pub(crate) let_go_at: Instant,
    pub(crate) came_at: Instant,
    /// How often the stream was asked, how often since something happened, and how much has happened.
    pub(crate) calls: usize,
    idle_calls: usize,
    pub(crate) happened: usize,

    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
    /// Of a blocking stream: how long a read and a write may wait, and until when a read, a write and a shutdown wait now.
    pub(crate) timeouts: [Option<Duration>; 2],
    pub(crate) blocked: [Option<Option<Instant>>; 3],
    /// How many threads use it.
    pub(crate) threads: usize,
    pub(crate) threads_by_id: Vec<u64>,
}

/// The near end. All clones are of one stream.
#[derive(Clone)]
pub(crate) struct Stream(pub(crate) Arc<(Mutex<State>, Condvar)>);

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl Stream {
    /// With a clock that is told the time, or Tokio's. The far end takes all, and sends nothing.
    pub(crate) fn new(told: bool) -> Self {
        let start = if told { crate::support::epoch() } else { tokio::time::Instant::now().into_std() };
        crate::clocks::tell(start);
        let most = usize::MAX;
        let state = State {
            told: told.then_some(start),
            start,
            events: VecDeque::new(),
            drip: None,
            incoming: VecDeque::new(),
            end: None,
            read_most: most,
            flood: None,
            flood_at: 0,
            room: most,
            write_most: most,
            write_takes: Duration::ZERO,
            keeps: 0,
            kept: VecDeque::new(),
            write_fails: None,
            write_fails_at: most,
            shutdown_waits: false,
            peer: Peer::default(),
            left: vec![],
            keeps_left: true,
            scanner: Scanner::default(),
            shut: false,
            let_go_at: start,
            came_at: start,
            calls: 0,
            idle_calls: 0,
            happened: 0,
            reader: None,
            writer: None,
            timeouts: [None; 2],
            blocked: [None; 3],
            threads: 1,
            threads_by_id: vec![],
        };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn elapsed(&self) -> Duration {
        let state = self.state();
        state.now() - state.start
    }
}

impl State {
    pub(crate) fn happens(&mut self) {
        self.happened += 1;
        self.idle_calls = 0;
    }
    fn asked(&mut self) {
        self.apply_due();
        self.calls += 1;
        self.idle_calls += 1;
        assert!(self.idle_calls < SPIN, "it asks again and again although nothing happens");
    }

    /// Reads; `None`: there is nothing yet.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> Option<io::Result<usize>> {
        self.asked();
        let most = buf.len().min(self.read_most);
        if !self.incoming.is_empty() {
            let n = most.min(self.incoming.len());
            for (to, from) in buf.iter_mut().zip(self.incoming.drain(..n)) {
                *to = from;
            }
            self.happens();
            return Some(Ok(n));
        }
        if let Some(flood) = self.flood.as_ref().filter(|flood| self.now() - self.start < flood.until) {
            let (from, each) = (&flood.bytes[self.flood_at..], flood.each);
            let n = most.min(from.len());
            buf[..n].copy_from_slice(&from[..n]);
            // The rest of a frame that has begun comes before anything else.
            let read = self.flood_at + n;
            let frame_end = read.next_multiple_of(flood.frame);
            self.incoming.extend(&flood.bytes[read..frame_end]);
            self.flood_at = frame_end % flood.bytes.len();
            self.happens();
            self.pass(each);
            return Some(Ok(n));
        }
        match self.end? {
            Ok(()) => Some(Ok(0)),
            Err(kind) => {
                self.end = Some(Ok(()));
                Some(Err(kind.into()))
            }
        }
    }

    /// Writes some; `None`: nothing is taken now.
    pub(crate) fn write(&mut self, slices: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        self.asked();
        if let Some(kind) = self.write_fails.or(self.shut.then_some(ErrorKind::BrokenPipe)) {
            return Some(Err(kind.into()));
        }
        if self.kept.len() >= self.keeps {
            self.push();
        }
        let room = if self.keeps > 0 { self.keeps - self.kept.len() } else { self.room };
        let n = slices.iter().map(|slice| slice.len()).sum::<usize>().min(room).min(self.write_most);
        if n == 0 {
            return None;
        }
        let mut left = n;
        for slice in slices {
            let part = &slice[..left.min(slice.len())];
            left -= part.len();
            if self.keeps > 0 { self.kept.extend(part) } else { self.let_go(part) }
        }
        self.happens();
        if !self.write_takes.is_zero() {
            self.pass(self.write_takes);
        }
        Some(Ok(n))
    }
    /// Lets go of what it keeps, as far as there is room.
    fn push(&mut self) {
        let n = self.kept.len().min(self.room);
        if n > 0 {
            let bytes: Vec<u8> = self.kept.drain(..n).collect();
            self.let_go(&bytes);
        }
    }
    fn let_go(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.room != usize::MAX {
            self.room -= bytes.len();
        }
        if self.keeps_left {
            self.left.extend_from_slice(bytes);
        }
        let closed = self.scanner.closed;
        self.scanner.feed(bytes);
        self.let_go_at = self.now();
        self.happens();
        if self.scanner.bytes >= self.write_fails_at {
            self.write_fails = Some(ErrorKind::ConnectionReset);
        }
        if self.scanner.closed && !closed {
            if let Some(answer) = self.peer.answer.take() {
                self.act(Act::Bytes(answer));
            }
            if self.peer.ends {
                self.act(Act::End(Ok(())));
            }
        }
    }

    pub(crate) fn flush(&mut self) -> Option<io::Result<()>> {
        self.asked();
        if let Some(kind) = self.write_fails {
            return Some(Err(kind.into()));
        }
        self.push();
        self.kept.is_empty().then_some(Ok(()))
    }

    pub(crate) fn shut_down(&mut self) -> Option<io::Result<()>> {
        let flushed = self.flush()?;
        if flushed.is_err() || self.shut {
            return Some(flushed);
        }
        if self.shutdown_waits {
            return None;
        }
        self.shut = true;
        self.happens();
        if self.peer.ends_after_us && self.end.is_none() {
            self.act(Act::End(Ok(())));
        }
        Some(Ok(()))
    }
}
