//! [`Transport`]: what the blocking adapter needs of a stream beyond `Read + Write`.
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpStream},
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

/// A blocking byte stream. `TcpStream` and `UnixStream` are ones, also by reference; any other
/// `Read + Write` is one inside [`Plain`], or with an `impl` of its own.
///
/// The adapter owns the stream's timeouts. With timeouts, deadlines pass while a call waits. Without, a deadline is
/// acted on only once the read or write that waits returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `sansocket::blocking::Transport`",
    note = "wrap any `Read + Write` in `sansocket::blocking::Plain`, or implement `Transport` for it"
)]
pub trait Transport: Read + Write {
    /// Called once, before the opening handshake. Default: does nothing; TCP streams set `TCP_NODELAY`.
    ///
    /// # Errors
    /// The stream's own.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }
    /// How long a read may wait, as [`TcpStream::set_read_timeout`]; `None`: for ever. Says whether the stream can do
    /// that. Default: it cannot.
    ///
    /// # Errors
    /// The stream's own.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let _ = timeout;
        Ok(false)
    }
    /// How long a write may wait, as [`TcpStream::set_write_timeout`]; `None`: for ever. Says whether the stream can do
    /// that. Default: it cannot.
    ///
    /// # Errors
    /// The stream's own.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let _ = timeout;
        Ok(false)
    }
    /// The time, on the clock that the stream's timeouts go by: the adapter reads no other. Default: the system's.
    /// Implement it for a simulated stream.
    fn now(&self) -> Instant {
        now()
    }
    /// Ends the writing side only: FIN, or TLS `close_notify` (RFC 6455 §7.1.1). Says whether the stream can do that.
    /// One that cannot is taken to have ended, and ends when it is dropped. Default: flushes, and cannot.
    ///
    /// # Errors
    /// The stream's own.
    fn shutdown_write(&mut self) -> io::Result<bool> {
        self.flush()?;
        Ok(false)
    }
}

/// A stream with two ends that two threads can use at once.
pub trait Split: Transport {
    /// The end that reads, and the end that writes.
    type Half: Transport + fmt::Debug;
    /// Takes the ends apart: the one that reads, and the one that writes.
    fn split(self) -> (Self::Half, Self::Half);
    /// Puts the ends together again, for [`Receiver::reunite`](super::Receiver::reunite). Default: it cannot be done.
    ///
    /// # Errors
    /// Both ends, if they cannot be put together.
    fn unite(reader: Self::Half, writer: Self::Half) -> Result<Self, (Self::Half, Self::Half)>
    where
        Self: Sized,
    {
        Err((reader, writer))
    }
}

/// The time.
#[allow(clippy::disallowed_methods, reason = "an adapter reads the clock, so that the core need not")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Any `Read + Write`, without timeouts and without a shutdown of one side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain<S>(pub S);

impl<S: Read> Read for Plain<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}
impl<S: Write> Write for Plain<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(slices)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
impl<S: Read + Write> Transport for Plain<S> {}

/// One of the two ends that [`Split`] takes a socket apart into: the socket itself, shared.
#[derive(Debug)]
pub struct Half<S>(Arc<S>);

impl<S> Deref for Half<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.0
    }
}

macro_rules! socket {
    ($stream:ident, $prepare:expr) => {
        impl Read for Half<$stream> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                (&*self.0).read(buf)
            }
        }
        impl Write for Half<$stream> {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                (&*self.0).write(buf)
            }
            fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
                (&*self.0).write_vectored(slices)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(()) // a socket keeps nothing back
            }
        }
        impl Split for $stream {
            type Half = Half<$stream>;
            fn split(self) -> (Half<$stream>, Half<$stream>) {
                let whole = Arc::new(self);
                (Half(whole.clone()), Half(whole))
            }
            fn unite(reader: Self::Half, writer: Self::Half) -> Result<Self, (Self::Half, Self::Half)> {
                if !Arc::ptr_eq(&reader.0, &writer.0) {
                    return Err((reader, writer));
                }
                drop(reader);
                Arc::try_unwrap(writer.0).map_err(|whole| (Half(whole.clone()), Half(whole)))
            }
        }
        socket!($stream, $prepare, $stream);
        socket!($stream, $prepare, &$stream);
        socket!($stream, $prepare, Half<$stream>);
    };
    ($stream:ident, $prepare:expr, $handle:ty) => {
        impl Transport for $handle {
            fn prepare(&self) -> io::Result<()> {
                ($prepare)(self)
            }
            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
                $stream::set_read_timeout(self, timeout).map(|()| true)
            }
            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
                $stream::set_write_timeout(self, timeout).map(|()| true)
            }
            fn shutdown_write(&mut self) -> io::Result<bool> {
                $stream::shutdown(self, Shutdown::Write).map(|()| true)
            }
        }
    };
}

socket!(TcpStream, |stream: &TcpStream| stream.set_nodelay(true));
#[cfg(unix)]
socket!(UnixStream, |_: &UnixStream| Ok(()));
