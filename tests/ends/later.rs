//! What the library is to have and has not yet: a stand-in for each, that fails. A method of its own goes before it.
#![allow(dead_code, unused_imports, unused_variables, reason = "each is out of use once the library has it")]
use sansocket::{
    Closed, Error,
    aio::{self, Runtime},
    blocking::{self, Transport},
    proto::Event,
};

/// `Closed::unsent`, by its name.
pub(crate) fn unsent(closed: &Closed) -> Option<usize> {
    let text = format!("{closed:?}");
    let digits = text.split("unsent: ").nth(1)?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn missing<T>(what: &str) -> T {
    panic!("there is no `{what}` yet")
}

macro_rules! later {
    ($($trait:ident [$($generics:tt)*] for $type:ty { $($name:ident ( $($self:tt)* ) $(, $arg:ident: $argument:ty)* => $result:ty;)* })*) => {$(
        pub(crate) trait $trait: Sized {
            $(fn $name($($self)* $(, $arg: $argument)*) -> $result {
                missing(concat!(stringify!($type), "::", stringify!($name)))
            })*
        }
        impl<$($generics)*> $trait for $type {}
    )*};
}
later! {
    LaterError [] for Error {
        is_retryable(&self) => bool;
    }
    LaterWhole [S, R: Runtime<S>] for aio::WebSocket<S, R> {
        discard(&mut self) => std::future::Ready<()>;
    }
    LaterReceiver [S, R: Runtime<S>] for aio::Receiver<S, R> {
        discard(&mut self) => std::future::Ready<()>;
        abort(&mut self) => ();
    }
    LaterSender [S, R: Runtime<S>] for aio::Sender<S, R> {
        abort(&self) => ();
        try_feed(&self, message: &str) => Result<(), Error>;
    }
    LaterBlocking [S: Transport] for blocking::WebSocket<S> {
        discard(&mut self) => bool;
    }
    LaterBlockingReceiver [H: Transport] for blocking::Receiver<H> {
        discard(&mut self) => bool;
        abort(&mut self) => ();
        buffered_amount(&self) => usize;
        recv_event(&mut self) => Result<Option<Event<'_>>, Error>;
        reunite(self, sender: impl Sized) => Result<(), ()>;
    }
    LaterBlockingSender [H: Transport] for blocking::Sender<H> {
        pong(&self, payload: &[u8]) => Result<(), Error>;
        is_closed(&self) => bool;
        abort(&self) => ();
        try_feed(&self, message: &str) => Result<(), Error>;
    }
}
