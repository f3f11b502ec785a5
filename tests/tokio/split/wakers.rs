//! Lost wake-ups: tasks on a scheduler that polls none before it is woken, over a wire that remembers one waker a direction.
use super::over;
use crate::support::chance::draw;
use sansocket::{CloseCode, Config, proto::Role, tokio::*};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Known chance.
#[derive(Clone)]
struct Chance(Rc<Cell<u64>>);
impl Chance {
    fn below(&self, n: usize) -> usize {
        let mut seed = self.0.get();
        let drawn = draw(&mut seed);
        self.0.set(seed);
        (drawn % n as u64) as usize
    }
}

/// One direction of a wire. Of those who wait at an end of it, it remembers the last.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    room: usize,
    ended: bool,
    /// No progress for now, for no reason: until the scheduler has it.
    held: [bool; 2],
    waiting: [Option<Waker>; 2],
}
const WRITES: usize = 0;
const READS: usize = 1;
impl Pipe {
    fn wake(&mut self, end: usize) {
        if let Some(waker) = self.waiting[end].take() {
            waker.wake();
        }
    }
    /// Whether nothing can be had at this end now. What can be had may be so before anybody is told; and who has had it
    /// is not told any more.
    fn is_held(&mut self, end: usize, chance: &Chance) -> bool {
        self.held[end] = self.held[end] && chance.below(3) != 0;
        self.held[end]
    }
    fn wait<T>(&mut self, end: usize, cx: &Context<'_>) -> Poll<T> {
        self.waiting[end] = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// One end of a wire. It keeps some of what is written to itself, as TLS does, and lets go of it when flushed or read.
struct End {
    chance: Chance,
    out: Rc<RefCell<Pipe>>,
    input: Rc<RefCell<Pipe>>,
    kept: VecDeque<u8>,
    keeps: usize,
    /// Who finds out that there is room is not told of it, if it waited before.
    forgets: bool,
    /// Its owner waits to end the writing side, and is told of that in any case.
    ending: bool,
}
impl End {
    /// Lets go of what it keeps, when it is written to or read.
    fn push(&mut self, cx: &Context<'_>, by: usize) -> Poll<()> {
        while !self.kept.is_empty() {
            let mut pipe = self.out.borrow_mut();
            let room = pipe.room - pipe.bytes.len();
            if room == 0 || pipe.is_held(WRITES, &self.chance) {
                return pipe.wait(WRITES, cx);
            }
            let n = (1 + self.chance.below(room)).min(self.kept.len());
            pipe.bytes.extend(self.kept.drain(..n));
            pipe.held[WRITES] = self.chance.below(3) == 0;
            if by == WRITES && self.forgets && !self.ending {
                pipe.waiting[WRITES] = None;
            }
            pipe.wake(READS);
        }
        Poll::Ready(())
    }
}
impl AsyncWrite for End {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.chance.below(8) == 0 {
            cx.waker().wake_by_ref(); // others first: as a runtime says when a task has had its share
            return Poll::Pending;
        }
        if self.kept.len() >= self.keeps {
            std::task::ready!(self.push(cx, WRITES));
        }
        let room = self.keeps - self.kept.len();
        let n = (1 + self.chance.below(room)).min(bytes.len());
        self.kept.extend(&bytes[..n]);
        Poll::Ready(Ok(n))
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.push(cx, WRITES).map(Ok)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ending = true;
        std::task::ready!(self.push(cx, WRITES));
        let mut pipe = self.out.borrow_mut();
        pipe.ended = true;
        pipe.wake(READS);
        Poll::Ready(Ok(()))
    }
}
impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.chance.below(2) == 0 {
            let _ = self.push(cx, READS); // and takes the place of whoever waits to write
        }
        if self.chance.below(8) == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut pipe = self.input.borrow_mut();
        if pipe.bytes.is_empty() && !pipe.ended || pipe.is_held(READS, &self.chance) {
            return pipe.wait(READS, cx);
        }
        let most = pipe.bytes.len().min(buf.remaining());
        if most > 0 {
            let n = 1 + self.chance.below(most);
            let read: Vec<u8> = pipe.bytes.drain(..n).collect();
            buf.put_slice(&read);
            pipe.held[READS] = self.chance.below(4) == 0;
            pipe.wake(WRITES);
        }
        pipe.waiting[READS] = None;
        Poll::Ready(Ok(()))
    }
}
impl Drop for End {
    fn drop(&mut self) {
        self.out.borrow_mut().ended = true;
        self.out.borrow_mut().wake(READS);
    }
}

struct Woken(AtomicBool);
impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Polls tasks that have been woken, and lets the wires go on, in any order. Fails when there is nothing to do and a task
/// has not ended.
fn run(seed: u64, chance: &Chance, pipes: &[Rc<RefCell<Pipe>>], tasks: Vec<(&'static str, Task)>) {
    let mut tasks: Vec<_> =
        tasks.into_iter().map(|(name, task)| (name, Some(task), Arc::new(Woken(true.into())))).collect();
    for _ in 0..1_000_000 {
        let woken = (0..tasks.len()).filter(|&n| tasks[n].1.is_some() && tasks[n].2.0.load(SeqCst));
        let held = pipes.iter().flat_map(|pipe| [(pipe, WRITES), (pipe, READS)]);
        let held: Vec<_> = held.filter(|(pipe, end)| pipe.borrow().held[*end]).collect();
        let woken: Vec<_> = woken.collect();
        if woken.is_empty() && held.is_empty() {
            let left: Vec<_> = tasks.iter().filter(|task| task.1.is_some()).map(|task| task.0).collect();
            assert!(left.is_empty(), "seed {seed}: nobody wakes {left:?}");
            return;
        }
        let next = chance.below(woken.len() + held.len());
        if let Some(&task) = woken.get(next) {
            let (_, task, woken) = &mut tasks[task];
            woken.0.store(false, SeqCst);
            let waker = woken.clone().into();
            let future = task.as_mut().unwrap();
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *task = None;
            }
        } else {
            let (pipe, end) = held[next - woken.len()];
            let mut pipe = pipe.borrow_mut();
            pipe.held[end] = false;
            pipe.wake(end);
        }
    }
    panic!("seed {seed}: no end");
}

/// Lets others go first.
async fn pause() {
    let mut paused = false;
    poll_fn(|cx| match std::mem::replace(&mut paused, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
/// Polls a future once, and drops it.
async fn abandon(future: impl Future) {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
}

/// What one task waits for and another brings about.
#[derive(Default)]
struct Gate(Cell<bool>, RefCell<Option<Waker>>);
impl Gate {
    fn open(&self) {
        self.0.set(true);
        self.1.take().into_iter().for_each(Waker::wake);
    }
    async fn wait(&self) {
        poll_fn(|cx| {
            *self.1.borrow_mut() = Some(cx.waker().clone());
            if self.0.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

const SENDERS: usize = 3;
const MESSAGES: usize = 6;

/// Sends by any means; each message is queued for sure.
async fn send(chance: Chance, sender: Sender<End>, alone: bool) {
    for _ in 0..MESSAGES {
        let message = vec![7; 1 + chance.below(60)];
        match chance.below(6) {
            0 | 1 => sender.send(message).await.unwrap(),
            2 => sender.feed(message).await.unwrap(),
            3 => {
                sender.feed(message).await.unwrap();
                abandon(sender.flush()).await;
            }
            4 => {
                if !alone {
                    abandon(sender.ping("?")).await; // a peer that cannot write its pongs stops reading
                }
                sender.feed(message).await.unwrap();
                abandon(sender.send(Vec::new())).await; // counts for nothing, whether it goes or not
            }
            _ => {
                sender.feed(message).await.unwrap();
                sender.flush().await.unwrap();
            }
        }
        if chance.below(2) == 0 {
            pause().await;
        }
    }
    if alone {
        sender.flush().await.unwrap(); // no receiver does
    }
}

fn schedule(seed: u64) {
    let chance = Chance(Rc::new(Cell::new(seed)));
    let mut config = Config::server();
    config.keepalive = None;
    (config.write_timeout, config.close_timeout, config.message_timeout) = (None, None, None);
    config.high_water_mark = 1 + chance.below(200);
    config.fragment_size = 1 + chance.below(50);
    let pipe = || Rc::new(RefCell::new(Pipe { room: 1 + chance.below(40), ..Pipe::default() }));
    let (out, back) = (pipe(), pipe());
    let keeps = 1 + chance.below(20);
    let end = |out: &Rc<RefCell<Pipe>>, input: &Rc<RefCell<Pipe>>, forgets| End {
        chance: chance.clone(),
        out: out.clone(),
        input: input.clone(),
        kept: VecDeque::new(),
        keeps,
        forgets,
        ending: false,
    };
    let (near, far) = match chance.below(2) {
        0 => (Role::Client, Role::Server),
        _ => (Role::Server, Role::Client),
    };
    let near = over(near, config.clone(), end(&out, &back, true));
    let mut far = over(far, config, end(&back, &out, false));
    let (sender, mut receiver) = near.split();
    let alone = chance.below(3) == 0;
    let echoes = !alone && chance.below(2) == 0; // nobody reads then
    let mut tasks: Vec<(&str, Task)> = vec![];
    // Without a receiver nobody reads what the peer says, unless a sender waits: so it may never hear all.
    let (sent, heard) = (Rc::new(Gate::default()), Rc::new(Gate::default()));
    let senders = Rc::new(Cell::new(SENDERS));
    for _ in 0..SENDERS {
        let sending = send(chance.clone(), sender.clone(), alone);
        let (sent, senders) = (sent.clone(), senders.clone());
        tasks.push((
            "a sender",
            Box::pin(async move {
                sending.await;
                senders.set(senders.get() - 1);
                if senders.get() == 0 {
                    sent.open();
                }
            }),
        ));
    }
    let whole = heard.clone();
    let closes_by_peer = !alone && chance.below(2) == 0;
    let pausing = chance.clone();
    tasks.push((
        "the peer",
        Box::pin(async move {
            let mut whole_ones = 0;
            while let Some((message, mut reply)) = far.recv_ref().await.unwrap() {
                whole_ones += usize::from(!message.is_empty());
                if echoes {
                    reply.feed(message).unwrap();
                }
                if whole_ones == SENDERS * MESSAGES {
                    whole.open();
                    if closes_by_peer {
                        let _ = far.close(CloseCode::NORMAL).await;
                        return;
                    }
                }
                if pausing.below(4) == 0 {
                    pause().await;
                }
            }
            assert_eq!(whole_ones, SENDERS * MESSAGES, "seed {seed}");
        }),
    ));
    if alone {
        let chance = chance.clone();
        tasks.push((
            "the receiver, which goes",
            Box::pin(async move {
                for _ in 0..chance.below(20) {
                    abandon(receiver.recv()).await;
                    pause().await;
                }
                drop(receiver);
            }),
        ));
        tasks.push((
            "who closes alone",
            Box::pin(async move {
                sent.wait().await;
                sender.close(CloseCode::NORMAL).await.unwrap();
            }),
        ));
    } else {
        let chance = chance.clone();
        tasks.push((
            "the receiver",
            Box::pin(async move {
                while let Ok(Some(_)) = receiver.recv().await {
                    if chance.below(4) == 0 {
                        pause().await;
                    }
                }
            }),
        ));
        tasks.push((
            "who closes",
            Box::pin(async move {
                if !closes_by_peer {
                    heard.wait().await;
                    sender.close(CloseCode::NORMAL).await.unwrap();
                }
            }),
        ));
    }
    run(seed, &chance, &[out, back], tasks);
}

/// Known failure: wakers of a split connection.
#[test]
fn no_schedule_loses_a_wake_up() {
    for seed in 0..2000 {
        schedule(seed);
    }
}
