//! The open connections, so that all can be closed when the server shuts down.
use sansocket::{CloseCode, blocking::Sender};
use std::{
    collections::HashMap,
    net::TcpStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How long a shutdown waits for the connections to end: as long as a closing handshake may take by default.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Connections {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    senders: HashMap<u64, Sender<TcpStream>>,
    next: u64,
    shutting_down: bool,
}

/// One of the connections. It is taken off the list when this is dropped.
pub struct Connection<'a> {
    connections: &'a Connections,
    number: u64,
}

impl Connections {
    /// Adds a connection. During a shutdown it is closed at once.
    pub fn add(&self, sender: Sender<TcpStream>) -> Connection<'_> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        if state.shutting_down {
            let late = sender.clone();
            thread::spawn(move || close(&late));
        }
        state.senders.insert(number, sender);
        Connection { connections: self, number }
    }

    /// Closes every connection, each on a thread of its own, so that none waits for another. A second call ends the
    /// process.
    pub fn shut_down(&self) {
        let senders: Vec<_> = {
            let mut state = self.state();
            if std::mem::replace(&mut state.shutting_down, true) {
                std::process::exit(1);
            }
            state.senders.values().cloned().collect()
        };
        self.changed.notify_all();
        if !senders.is_empty() {
            eprintln!("closing {} connections", senders.len());
        }
        for sender in senders {
            if let Err(error) = thread::Builder::new().spawn(move || close(&sender)) {
                eprintln!("echo: no thread to close a connection: {error}");
            }
        }
    }

    /// Waits until the server is shut down and every connection has ended, or the time for that is over.
    pub fn wait(&self) {
        let state = self.changed.wait_while(self.state(), |state| !state.shutting_down);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(state, GRACE, |state| !state.senders.is_empty()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.connections.state().senders.remove(&self.number);
        self.connections.changed.notify_all();
    }
}

fn close(sender: &Sender<TcpStream>) {
    // An error means that the connection has ended already; its own thread tells how.
    let _ = sender.close((CloseCode::GOING_AWAY, "the server is shutting down"));
}
