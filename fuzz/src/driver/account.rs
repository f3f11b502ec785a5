//! At the end: whether everything that was accepted has left in order and unchanged, or is accounted for; and whether
//! what was heard is what came.
use super::{Drive, app::What, body};
use crate::model::{self, Item, Limits};
use sansocket::{ReadyState, SendError};

/// The defaults.
const LIMITS: Limits = Limits { message: 1 << 20, fragments: 65_536, empty_fragments: 64, chunks: false };

impl Drive {
    pub(super) fn check_end(&mut self) {
        self.check_over();
        self.check_sent();
        self.check_heard();
        self.ask();
        let all_left = !self.cut_off && !self.write_failed && !self.dropped;
        let all_done = self.positions.iter().all(|asked| asked.done || matches!(asked.what, What::Close));
        assert!(all_done || !all_left, "all has left, and it is not said: {:?}", self.positions);
    }

    /// Nothing more comes.
    fn check_over(&mut self) {
        assert!(!self.hear(false) && !self.hear(true), "something after the end");
        self.shut_down();
        self.tell();
        let connection = &mut self.connection;
        assert!(!connection.wants_read() && !connection.wants_write() && !connection.wants_shutdown());
        assert!(!connection.wants_time() && connection.poll_timeout().is_none());
        assert_eq!((connection.state(), connection.buffered_amount()), (ReadyState::Closed, 0));
        assert_eq!(connection.send("more"), Err(SendError::Closing));
        assert_eq!(connection.ping("more"), Err(SendError::Closing));
        assert_eq!(connection.halves().0.closed(), self.closed.as_deref());
    }

    /// What the transport took is what was sent; what did not leave is counted.
    fn check_sent(&self) {
        let closed = self.closed.as_deref().expect("an end");
        let wire = model::read(model::peer(self.settings.role), &self.wire.bytes, Limits::NONE);
        assert_eq!(wire.error, None);
        assert!(wire.longest <= self.settings.fragment_size);
        let messages: Vec<_> = wire.items.iter().filter(|item| matches!(item, Item::Data { .. })).collect();
        assert!(messages.len() <= self.sent.len() && self.sent.iter().zip(&messages).all(|(a, b)| a == *b));
        let next = match (self.sent.get(messages.len()), &self.begun) {
            (Some(Item::Data { bytes, .. }), _) | (_, Some((_, bytes))) => &bytes[..],
            _ => &[],
        };
        assert!(next.starts_with(&wire.pending), "part of another message");
        let of = |pick: fn(&Item) -> Option<&Vec<u8>>| wire.items.iter().filter_map(pick);
        in_order(of(|item| if let Item::Ping(payload) = item { Some(payload) } else { None }), &self.pings);
        in_order(of(|item| if let Item::Pong(payload) = item { Some(payload) } else { None }), &self.pongs);

        let close = wire.items.iter().find_map(|item| match item {
            Item::Close(body) => Some(body.clone()),
            _ => None,
        });
        assert!(close.is_none() || wire.whole == self.wire.bytes.len(), "something after the Close frame");
        let sent = closed.sent.is_some().then(|| body(closed.sent.frame()));
        // One that the transport still held when it failed may not be said to be sent.
        assert!(
            sent == close || sent.is_none() && self.write_failed && self.cut_off,
            "{sent:?}, but {close:?}"
        );

        assert!(self.wire.data_left() <= self.queued, "more has left than was queued");
        let unsent = self.queued - self.wire.data_left();
        let pongs: usize = self.pongs.iter().map(|pong| 6 + pong.len()).sum();
        let controls = pongs + 14 * self.pings.len() + 6 * 100 + 131;
        assert!(closed.unsent >= unsent, "{} bytes unsent, but {unsent}", closed.unsent);
        assert!(closed.unsent <= unsent + controls, "{} bytes unsent, but {unsent}", closed.unsent);
        assert!(unsent > 0 || closed.unsent == 0, "{} bytes unsent, but none", closed.unsent);
    }

    /// What was heard is what came, all of it unless it was not to be waited for.
    fn check_heard(&self) {
        let closed = self.closed.as_deref().expect("an end");
        let limits = Limits { chunks: self.settings.chunks, ..LIMITS };
        let come = model::read(self.settings.role, &self.peer.bytes[..self.peer.come], limits);
        let all = !self.aborted && !self.given_up && !self.stalled;
        let mut heard = &self.heard[..];
        if let ([before @ .., Item::Data { text, bytes, fin: false }], true) = (heard, self.settings.chunks) {
            let whole = match come.items.get(before.len()) {
                Some(Item::Data { text: other, bytes, .. }) if text == other => bytes,
                Some(other) => panic!("part of {other:?}"),
                None => &come.pending,
            };
            assert!(whole.starts_with(bytes), "part of another message");
            if !all || come.error.is_some() {
                heard = before;
            }
        }
        assert!(come.items.starts_with(heard), "heard {heard:x?}, but {:x?}", come.items);
        assert!(!all || heard.len() == come.items.len(), "not all was heard");
        match (&self.error, &come.error) {
            (Some(error), Some((rules, offset))) => {
                assert!(rules.contains(&error.violation) && error.offset == *offset, "{error:?}");
            }
            (None, None) => {}
            (None, Some(_)) => assert!(!all, "an error that is not told"),
            (Some(error), None) => panic!("{error:?}"),
        }
        assert_eq!((&closed.error, closed.timed_out), (&self.error, self.timed_out));
        assert_eq!(closed.by_peer, self.by_peer.unwrap_or(false));
        let received = heard.iter().find_map(|item| match item {
            Item::Close(body) => Some(body.clone()),
            _ => None,
        });
        assert_eq!(closed.received.is_some().then(|| body(closed.received.frame())), received);
    }
}

/// Each was sent, in this order; some were replaced by the next. Those of the keepalive are empty.
fn in_order<'a>(heard: impl Iterator<Item = &'a Vec<u8>>, sent: &[Vec<u8>]) {
    let mut sent = sent.iter();
    for payload in heard {
        assert!(
            payload.is_empty() || sent.any(|other| other == payload),
            "{payload:x?} was not sent, or not then"
        );
    }
}
