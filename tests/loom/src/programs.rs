//! The programs: who waits for what, and who brings it about. The first thread is the peer, or ends it all.
use crate::{
    ends::*,
    tasks::{
        Itself::{self, *},
        abandon, run,
    },
};
use loom::{
    model::Builder,
    sync::Mutex,
    thread::{self, JoinHandle},
};
use std::sync::Arc;

/// Every interleaving, or those with so many preemptions at most.
fn explore(preemptions: Option<usize>, program: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(program);
}

/// Another thread, that uses the room.
fn with(room: &Arc<Connection>, work: impl FnOnce(&Connection) + 'static) -> JoinHandle<()> {
    let room = room.clone();
    thread::spawn(move || work(&room))
}
fn receiver(room: &Arc<Connection>, itself: Itself) -> JoinHandle<()> {
    with(room, move |room| run(itself, receive(room)))
}
fn sender(room: &Arc<Connection>) -> JoinHandle<()> {
    with(room, |room| run(MayWake, send(room)))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// All of it comes, and the others end.
fn ends(
    room: &Connection,
    pipe: &Mutex<Pipe>,
    units: usize,
    threads: impl IntoIterator<Item = JoinHandle<()>>,
) {
    run(MayWake, come(pipe, units));
    abort(room);
    join(threads);
}

#[test]
fn a_feed_wakes_a_receiver_that_waits_or_is_about_to() {
    explore(Some(4), || {
        let (room, pipe) = connection(1, 0);
        let threads = [receiver(&room, MustNotWake), with(&room, feed)];
        ends(&room, &pipe, 1, threads);
    });
}

#[test]
fn two_feeds_as_the_receiver_goes_back_to_sleep() {
    explore(Some(2), || {
        let (room, pipe) = connection(2, 0);
        let threads = [receiver(&room, MustNotWake), with(&room, feed), with(&room, feed)];
        ends(&room, &pipe, 2, threads);
    });
}

#[test]
fn a_send_waits_for_the_peer() {
    explore(None, || {
        let (room, pipe) = connection(0, 0);
        let sender = sender(&room);
        take(&pipe);
        sender.join().unwrap();
    });
}

#[test]
fn of_two_senders_either_finds_room_for_both() {
    explore(Some(4), || {
        let (room, pipe) = connection(0, 0);
        let senders = [sender(&room), sender(&room)];
        (0..2).for_each(|_| take(&pipe));
        join(senders);
    });
}

#[test]
fn a_sender_finds_room_for_what_the_receiver_waits_to_write() {
    explore(Some(3), || {
        let (room, pipe) = connection(0, 0);
        feed(&room);
        let threads = [receiver(&room, MayWake), sender(&room)];
        (0..2).for_each(|_| take(&pipe));
        run(MayWake, come(&pipe, 2));
        let [receiver, sender] = threads;
        sender.join().unwrap();
        ends(&room, &pipe, 2, [receiver]);
    });
}

#[test]
fn what_a_sender_gives_up_leaves_with_the_receiver() {
    explore(Some(3), || {
        let (room, pipe) = connection(0, 0);
        let threads = [receiver(&room, MayWake), with(&room, |room| abandon(send(room)))];
        take(&pipe);
        ends(&room, &pipe, 1, threads);
    });
}

#[test]
fn of_two_senders_one_may_go() {
    explore(Some(3), || {
        let (room, pipe) = connection(0, 0);
        let threads = [sender(&room), with(&room, |room| abandon(send(room)))];
        (0..2).for_each(|_| take(&pipe));
        join(threads);
    });
}

#[test]
fn an_abort_reaches_a_receiver_that_waits_or_is_about_to() {
    explore(None, || {
        let (room, _) = connection(0, 0);
        let receiver = receiver(&room, MustNotWake);
        abort(&room);
        receiver.join().unwrap();
    });
}

#[test]
fn an_abort_reaches_all_who_wait_to_write() {
    explore(Some(3), || {
        let (room, _) = connection(0, 0);
        let threads = [receiver(&room, MustNotWake), with(&room, |room| run(MustNotWake, send(room)))];
        abort(&room);
        join(threads);
    });
}

#[test]
fn a_receiver_that_goes_wakes_who_closes() {
    explore(None, || {
        let (room, _) = connection(0, 0);
        let closing = with(&room, |room| run(MustNotWake, close(room)));
        leave(&room);
        closing.join().unwrap();
    });
}

#[test]
fn a_stream_may_wake_while_it_is_polled() {
    explore(Some(3), || {
        let (room, pipe) = connection(0, 2);
        let senders = [sender(&room), sender(&room)];
        (0..2).for_each(|_| take(&pipe));
        join(senders);
    });
}
