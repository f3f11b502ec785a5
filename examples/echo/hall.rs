//! Who is connected, so that all can be told when the server goes.
use sansocket::{CloseCode, blocking::Sender};
use std::{
    collections::HashMap,
    net::TcpStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

type Guest = Sender<TcpStream>;

/// How long the server waits for its guests to go: twice as long as a closing handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Hall {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    guests: HashMap<u64, Guest>,
    next: u64,
    closing: bool,
}

/// A place in the hall, left when dropped.
pub struct Place<'a> {
    hall: &'a Hall,
    number: u64,
}

impl Hall {
    /// Takes a place. Who comes while the server goes is shown out at once.
    pub fn enter(&self, guest: Guest) -> Place<'_> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        if state.closing {
            let late = guest.clone();
            thread::spawn(move || say_goodbye(&late));
        }
        state.guests.insert(number, guest);
        Place { hall: self, number }
    }

    /// The server goes: everyone is told, each by a thread of its own, so that none waits for another.
    pub fn begin_closing(&self) {
        let guests: Vec<Guest> = {
            let mut state = self.state();
            if std::mem::replace(&mut state.closing, true) {
                std::process::exit(1); // asked twice
            }
            state.guests.values().cloned().collect()
        };
        self.changed.notify_all();
        if !guests.is_empty() {
            eprintln!("closing {} connections", guests.len());
        }
        for guest in guests {
            let _ = thread::Builder::new().spawn(move || say_goodbye(&guest));
        }
    }

    /// Waits until the server goes and everyone has gone.
    pub fn wait_until_closed(&self) {
        let state = self.changed.wait_while(self.state(), |state| !state.closing);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let left = self.changed.wait_timeout_while(state, PATIENCE, |state| !state.guests.is_empty());
        drop(left);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.hall.state().guests.remove(&self.number);
        self.hall.changed.notify_all();
    }
}

fn say_goodbye(guest: &Guest) {
    // One that cannot be told any more has gone already.
    let _ = guest.close((CloseCode::GOING_AWAY, "the server is stopping"));
}
