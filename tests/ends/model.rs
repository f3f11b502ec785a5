//! The judge: a model of what must have arrived, and of who must have been told.
use crate::{
    app::Outcome,
    support::{PEER_KEY, wire},
};
use sansocket::{Closed, Error, proto::Role};
use std::time::Duration;

/// Follows frames as they come, whatever pieces they come in.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    header: Vec<u8>,
    /// Bytes to come of the frame's payload.
    payload: u64,
    /// A whole Close frame has come.
    pub(crate) closed: bool,
    /// Something came after it.
    pub(crate) after_close: bool,
    pub(crate) bytes: usize,
}
impl Scanner {
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len();
        while !bytes.is_empty() {
            self.after_close |= self.closed;
            if self.payload == 0 {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                let Some((head, payload)) = measure(&self.header) else { continue };
                if self.header.len() < head {
                    continue;
                }
                self.payload = payload;
            }
            let n = (bytes.len() as u64).min(self.payload);
            self.payload -= n;
            bytes = &bytes[n as usize..];
            if self.payload == 0 {
                self.closed |= self.header[0] & 0xF == 8;
                self.header.clear();
            }
        }
    }
}

impl Scanner {
    /// Whether a frame has ended, and no other begun.
    pub(crate) fn is_at_frame(&self) -> bool {
        self.payload == 0 && self.header.is_empty()
    }
}

/// The length of a header and of its payload, once the header says so.
fn measure(bytes: &[u8]) -> Option<(usize, u64)> {
    let second = *bytes.get(1)?;
    let key = if second & 0x80 == 0 { 0 } else { 4 };
    let (head, len) = match second & 0x7F {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, short.into()),
    };
    Some((head + key, len))
}

/// What the far end makes of the bytes that it got.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) messages: Vec<Vec<u8>>,
    /// The body of the Close frame.
    pub(crate) close: Option<Vec<u8>>,
    pub(crate) pongs: usize,
    pub(crate) pings: usize,
    /// It ends within a frame.
    pub(crate) cut: bool,
}
impl Arrived {
    pub(crate) fn of(mut bytes: &[u8]) -> Self {
        let mut arrived = Self::default();
        let (mut message, mut compressed) = (vec![], false);
        while !bytes.is_empty() {
            let Some((head, len)) = measure(bytes).filter(|(head, len)| head + *len as usize <= bytes.len())
            else {
                arrived.cut = true;
                return arrived;
            };
            let end = head + len as usize;
            let key: [u8; 4] =
                if bytes[1] & 0x80 == 0 { [0; 4] } else { bytes[head - 4..head].try_into().unwrap() };
            let payload = bytes[head..end].iter().enumerate().map(|(n, byte)| byte ^ key[n % 4]);
            match bytes[0] & 0xF {
                8 => arrived.close = Some(payload.collect()),
                9 => arrived.pings += 1,
                10 => arrived.pongs += 1,
                _ => {
                    compressed |= bytes[0] & 0x40 != 0;
                    message.extend(payload);
                    if bytes[0] & 0x80 != 0 {
                        let whole = std::mem::take(&mut message);
                        let inflate = std::mem::take(&mut compressed);
                        arrived.messages.push(if inflate { inflated(&whole) } else { whole });
                    }
                }
            }
            bytes = &bytes[end..];
        }
        arrived
    }
}

#[cfg(feature = "deflate")]
fn inflated(payload: &[u8]) -> Vec<u8> {
    crate::support::deflate::Inflating::new().message(payload)
}
#[cfg(not(feature = "deflate"))]
fn inflated(_: &[u8]) -> Vec<u8> {
    panic!("compressed without an agreement")
}

/// A frame as the peer of this role sends it.
pub(crate) fn from_peer_of(role: Role, first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    wire(first, payload, (role == Role::Server).then_some(PEER_KEY))
}

/// What of the promises was not kept.
pub(crate) fn faults(run: &Outcome, expected: &Expected) -> Vec<String> {
    let state = run.stream.state();
    let arrived = Arrived::of(&state.left);
    let mut faults = vec![];
    let mut fault = |fault: String| faults.push(fault);
    // Where an echo and a sender take turns, either may be first.
    let in_order = !(run.adapter.is_split() && run.said.iter().any(|(what, _)| *what == "echo"));
    if !run.tried.starts_with(&arrived.messages) && (in_order || !contains(&run.tried, &arrived.messages)) {
        fault(format!("{} messages arrived that are not those sent", arrived.messages.len()));
    }
    let lost = run.accepted.saturating_sub(arrived.messages.len());
    if lost > 0 && !run.was_told() {
        fault(format!("{lost} of {} messages are lost, and nobody was told: {:?}", run.accepted, run.said));
    }
    if lost > 0 && expected.takes_all {
        fault(format!("{lost} of {} messages did not leave, though the peer took all", run.accepted));
    }
    if state.scanner.after_close {
        fault("something left after the Close frame".into());
    }
    if expected.close_leaves && arrived.close.is_none() {
        fault(format!("no Close frame left; {:?}", run.said));
    }
    if arrived.cut && expected.takes_all {
        fault("what left ends within a frame".into());
    }
    if let Some(within) = expected.ends_within {
        // From when the stream last let go of a byte, or closing began.
        let since = run.closing_at.max(state.let_go_at - state.start).max(state.came_at - state.start);
        if run.took > since + within {
            fault(format!(
                "it took {:?}, {:?} after the last byte: not {within:?}",
                run.took,
                run.took - since
            ));
        }
    }
    if run.polls > 4 * state.happened + 300 {
        fault(format!("{} polls for {} things that happened", run.polls, state.happened));
    }
    if run.errors().any(|error| !error.is_resumable()) && run.closed_then.is_none() && !run.alone {
        fault(format!("`closed()` is `None` after an error: {:?}", run.said));
    }
    if let Some(error) = run.errors().find(|error| error.is_resumable()) {
        fault(format!("it says to try again, though the stream waits by itself: {error:?}"));
    }
    if run.after_end.iter().any(|said| said != "None") {
        fault(format!("after the end it says {:?}", run.after_end));
    }
    faults
}

/// Whether all of these are among those, each as often at most.
fn contains(those: &[Vec<u8>], these: &[Vec<u8>]) -> bool {
    let mut left = those.to_vec();
    these.iter().all(|message| {
        let place = left.iter().position(|other| other == message);
        place.map(|place| left.swap_remove(place)).is_some()
    })
}

/// What the script lets happen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected {
    /// The far end takes all, and goes on doing so.
    pub(crate) takes_all: bool,
    /// Our Close frame can leave.
    pub(crate) close_leaves: bool,
    /// So long after the last byte that left it is over.
    pub(crate) ends_within: Option<Duration>,
}

impl Outcome {
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Error> {
        self.said.iter().filter_map(|(_, said)| said.as_ref().err())
    }
    /// Whether the application knows that not all has arrived.
    pub(crate) fn was_told(&self) -> bool {
        let unclean = |closed: &Closed| !closed.was_clean() || closed.unsent > 0;
        self.errors().next().is_some() || self.close_said.as_ref().is_some_and(unclean)
    }
    /// The judge's verdict.
    #[track_caller]
    pub(crate) fn judged(&self, expected: &Expected) -> &Self {
        let faults = faults(self, expected);
        assert!(faults.is_empty(), "{:?}, {:?}: {faults:#?}", self.adapter, self.role);
        self
    }
}
impl crate::stream::State {
    /// How many messages have arrived, and the body of the Close frame.
    pub(crate) fn left_shape(&self) -> (usize, Option<Vec<u8>>) {
        let arrived = Arrived::of(&self.left);
        (arrived.messages.len(), arrived.close)
    }
}
