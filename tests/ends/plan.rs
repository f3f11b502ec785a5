//! [`Plan`]: a program, a peer and a stream drawn by chance, and what must come of them.
pub(crate) use crate::support::chance::Chance;
use crate::{app::*, mix::*, model::*, stream::*, support::*};
use sansocket::{Config, Keepalive};
use std::{fmt, io::ErrorKind, time::Duration};

/// How the far end takes what it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Takes {
    All,
    /// A little, all the while.
    Drips(usize, u64),
    /// Nothing more after so many bytes until so late, and then all.
    Later(usize, u64),
    /// Nothing more, ever, after so many bytes.
    Stops(usize),
    /// So many bytes, and then writing fails.
    Fails(usize),
}

/// How the far end stops sending.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    End,
    Reset,
    /// Not before it must: see [`LAST`].
    Late,
}

#[derive(Clone)]
pub(crate) struct Plan {
    /// What comes, and when; the bytes of all of it end at `cut`.
    incoming: Vec<(u64, Vec<u8>)>,
    /// The messages among those that come whole.
    pub(crate) messages: Vec<Vec<u8>>,
    /// The peer's Close frame comes whole; the peer breaks the protocol; it stops within a message.
    closes: bool,
    breaks: bool,
    unfinished: bool,
    ends: Ends,
    takes: Takes,
    read_most: usize,
    write_most: usize,
    keeps: usize,
    shutdown: Option<Option<u64>>,
    answers: bool,
    flood: bool,
    high_water: usize,
    fragment: usize,
    pub(crate) steps: Vec<Do>,
}

/// By then the peer ends in any case.
const LAST: u64 = 30_000;
const WRITE: Duration = seconds(3);
const CLOSE: Duration = seconds(2);
const FLOOD: Duration = seconds(6);

impl Plan {
    pub(crate) fn new(mix: Mix, chance: &mut Chance) -> Self {
        let any = usize::MAX;
        let mut plan = Self {
            incoming: vec![],
            messages: vec![],
            closes: false,
            breaks: false,
            unfinished: false,
            ends: chance.of(&[Ends::End, Ends::End, Ends::Reset, Ends::Late, Ends::Late]),
            takes: chance.of(&[
                Takes::All,
                Takes::Drips(2000, 300),
                Takes::Drips(3000, 400),
                Takes::Later(0, 2400),
                Takes::Later(700, 1000),
                Takes::Stops(0),
                Takes::Stops(1300),
                Takes::Fails(0),
                Takes::Fails(900),
            ]),
            read_most: chance.of(&[1, 7, any, any]),
            write_most: chance.of(&[7, 100, any, any]),
            keeps: chance.of(&[0, 0, 64, 4096]),
            shutdown: chance.of(&[None, None, None, Some(None), Some(Some(1500))]),
            answers: !chance.one_in(3),
            flood: mix.adapter != Adapter::BlockingThreads && chance.one_in(8),
            high_water: chance.of(&[0, 1000, 64 << 10, any]),
            fragment: chance.of(&[100, 64 << 10, any]),
            steps: vec![],
        };
        plan.draw_incoming(mix, chance);
        plan.draw_steps(mix, chance);
        plan
    }

    fn draw_incoming(&mut self, mix: Mix, chance: &mut Chance) {
        let mut at = 0;
        let of = |first, payload: &[u8]| from_peer_of(mix.role, first, payload);
        for seed in 0..chance.below(5) {
            at += chance.of(&[0, 0, 1, 300, 1000]);
            let len = chance.of(&[0, 1, 125, 126, 3000]);
            let message = noise(seed, len);
            self.incoming.push(match chance.below(4) {
                0 => (at, of(PING, &message[..len.min(125)])),
                1 => (at, of(PONG, b"")),
                _ => (at, of(BINARY, &message)),
            });
            if self.incoming.last().is_some_and(|(_, frame)| frame[0] == BINARY) {
                self.messages.push(message);
            }
        }
        at += chance.of(&[0, 100]);
        match chance.below(4) {
            0 | 1 => {
                let close = chance.of(&[body(1000, "bye"), body(1001, ""), vec![], body(4000, "why")]);
                self.incoming.push((at, of(crate::support::CLOSE, &close)));
                self.closes = true;
            }
            2 if chance.one_in(4) => {
                self.incoming.push((at, of(0x83, b"?")));
                self.breaks = true;
            }
            _ => {}
        }
        // It may stop anywhere within the last frame.
        if let Some((_, last)) = self.incoming.last_mut().filter(|_| chance.one_in(3)) {
            last.truncate(chance.below(last.len()));
            (self.flood, self.answers) = (false, false); // they would go on with what was cut
            if self.breaks && !last.is_empty() {
                // One byte of it may be enough to break a rule.
            } else if std::mem::take(&mut self.closes) || std::mem::take(&mut self.breaks) {
                self.unfinished = false; // a control frame is no message
            } else if !last.is_empty() && last[0] == BINARY {
                self.unfinished = true;
            }
            if last.is_empty() || last[0] == BINARY {
                // Perhaps it was a message; then it is no whole one.
                self.messages
                    .truncate(self.incoming.iter().filter(|(_, frame)| whole_message(frame)).count());
            }
        }
    }

    fn draw_steps(&mut self, mix: Mix, chance: &mut Chance) {
        if mix.adapter.is_split() && chance.one_in(4) {
            self.steps.push(Do::Alone);
        }
        let alone = !self.steps.is_empty();
        for seed in 0..chance.below(4) {
            let message = noise(100 + seed, chance.of(&[0, 1, 125, 126, 3000, 15_000]));
            self.steps.push(if chance.one_in(2) { Do::Feed(message) } else { Do::Send(message) });
            if chance.one_in(6) {
                self.steps.push(Do::Flush);
            }
        }
        self.steps.push(match chance.below(3) {
            _ if alone => Do::Close(1000),
            0 => Do::Close(1000),
            1 => Do::Echo,
            _ => Do::Listen,
        });
    }

    fn script(&self, mix: Mix, stream: &Stream) {
        let mut state = stream.state();
        (state.read_most, state.write_most, state.keeps) = (self.read_most, self.write_most, self.keeps);
        state.shutdown_waits = self.shutdown.is_some();
        if self.answers {
            state.peer = Peer { answer: Some(close_of(mix.role, 1000)), ends: false, ends_after_us: true };
        }
        match self.takes {
            Takes::All => {}
            Takes::Drips(..) => state.room = 0,
            Takes::Later(room, _) | Takes::Stops(room) => state.room = room,
            Takes::Fails(at) => state.write_fails_at = at.max(1),
        }
        if self.flood {
            let pong = from_peer_of(mix.role, PONG, "");
            state.flood =
                Some(Flood { bytes: pong.repeat(50), frame: pong.len(), each: millis(20), until: FLOOD });
        }
        drop(state);
        match self.takes {
            Takes::Drips(bytes, every) => stream.at(millis(0), Act::Drip(bytes, millis(every))),
            Takes::Later(_, at) => stream.at(millis(at), Act::Room(usize::MAX)),
            _ => {}
        }
        if let Some(Some(at)) = self.shutdown {
            stream.at(millis(at), Act::ShutdownLets);
        }
        let mut last = 0;
        for (at, bytes) in &self.incoming {
            stream.at(millis(*at), Act::Bytes(bytes.clone()));
            last = *at;
        }
        match self.ends {
            Ends::End => stream.at(millis(last), Act::End(Ok(()))),
            Ends::Reset => stream.at(millis(last), Act::End(Err(ErrorKind::ConnectionReset))),
            Ends::Late => stream.at(millis(LAST), Act::End(Ok(()))),
        }
    }

    pub(crate) fn expected(&self, mix: Mix) -> Expected {
        let app_closes = self.steps.iter().any(|step| matches!(step, Do::Close(_)));
        let healthy =
            !self.breaks && self.ends != Ends::Reset && !(self.unfinished && self.ends == Ends::Late);
        let takes_all = healthy && matches!(self.takes, Takes::All | Takes::Drips(..) | Takes::Later(..));
        Expected {
            takes_all,
            close_leaves: takes_all && (self.closes || app_closes && self.ends == Ends::Late),
            ends_within: Some(if app_closes {
                // A thread that reads learns once within close_timeout that a sender has begun to close or given up.
                let learns = if mix.adapter == Adapter::BlockingThreads { CLOSE } else { Duration::ZERO };
                WRITE.max(CLOSE) + learns + millis(100)
            } else {
                // A ping leaves after one to two intervals of silence, which begins when the flood ends.
                seconds(15) + if self.flood { FLOOD } else { Duration::ZERO }
            }),
        }
    }

    pub(crate) fn run(&self, mix: Mix) -> Vec<String> {
        let config = |config: &mut Config| {
            (config.write_timeout, config.close_timeout) = (Some(WRITE), Some(CLOSE));
            config.message_timeout = Some(seconds(4));
            config.keepalive =
                config.keepalive.map(|_| Keepalive { interval: seconds(5), timeout: seconds(5) });
            (config.high_water_mark, config.fragment_size) = (self.high_water, self.fragment);
        };
        let run = mix.run(&config, &|stream| self.script(mix, stream), &self.steps);
        let mut faults = faults(&run, &self.expected(mix));
        if !self.messages.starts_with(&run.got) {
            faults.push(format!("{} messages were received that were not sent", run.got.len()));
        }
        faults
    }
}

fn whole_message(frame: &[u8]) -> bool {
    let mut scanner = Scanner::default();
    scanner.feed(frame);
    frame.first() == Some(&BINARY) && scanner.is_at_frame()
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let incoming = self
            .incoming
            .iter()
            .map(|(at, frame)| format!("at {at} ms {} bytes, {:x?}", frame.len(), frame.first()));
        f.debug_struct("Plan")
            .field("incoming", &incoming.collect::<Vec<_>>())
            .field("ends", &self.ends)
            .field("takes", &self.takes)
            .field("read_most", &self.read_most)
            .field("write_most", &self.write_most)
            .field("keeps", &self.keeps)
            .field("shutdown_waits_until", &self.shutdown)
            .field("answers", &self.answers)
            .field("flood", &self.flood)
            .field("high_water_mark", &self.high_water)
            .field("fragment_size", &self.fragment)
            .field("steps", &self.steps)
            .finish()
    }
}
