//! Messages of any length through Tokio's `AsyncRead` and `AsyncWrite`, in constant memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_types, reason = "an adapter does I/O")]
use crate::counted::{TALLY, Tally};
use crate::support::masked;
use futures_util::future::poll_immediate;
use sansocket::{
    CloseCode, Config, Delivery, Error, Kind, SendError,
    proto::{Connection, Established, Event, Role},
    tokio::{MessageReader, MessageWriter, WebSocket},
};
use std::{
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, repeat, sink,
};

fn over<S: AsyncRead + AsyncWrite + Unpin>(role: Role, mut config: Config, stream: S) -> WebSocket<S> {
    if role == Role::Server {
        config.delivery = Delivery::Chunks;
    }
    WebSocket::new(Connection::new(Established::bare(role), config), stream)
}

/// Both ends of a connection, over a pipe that holds so many bytes; the server is given messages in chunks.
fn pair(room: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(room);
    (over(Role::Client, Config::client(), near), over(Role::Server, Config::server(), far))
}

/// A server whose peer is the test itself.
async fn fed(role: Role, frames: &[Vec<u8>]) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (near, mut far) = duplex(1 << 16);
    far.write_all(&frames.concat()).await.unwrap();
    (over(role, Config::server(), near), far)
}

async fn all(mut reader: MessageReader<'_, DuplexStream>) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).await.unwrap();
    text
}

/// A writer, watched: how much was queued at most after a write.
struct Watched<'a> {
    writer: MessageWriter<'a, DuplexStream>,
    most: usize,
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = AsyncWrite::poll_write(Pin::new(&mut self.writer), cx, bytes);
        self.most = self.most.max(self.writer.buffered_amount());
        written
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.writer), cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(&mut self.writer), cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_longer_than_any_limit_is_copied_through_in_constant_memory() {
    const LEN: u64 = 64 << 20;
    const WRITE: u64 = 1 << 20;
    let (mut client, mut server) = pair(64 << 10);
    let before = TALLY.get().held;
    TALLY.set(Tally { most: before, ..TALLY.get() });
    let sending = async {
        let mut watched = Watched { writer: client.message_writer(Kind::Binary), most: 0 };
        tokio::io::copy(&mut repeat(7).take(LEN - WRITE), &mut watched).await.unwrap();
        watched.write_all(&vec![8; WRITE as usize]).await.unwrap(); // long ones are not queued whole either
        watched.shutdown().await.unwrap();
        watched.most
    };
    let receiving = async {
        let mut reader = server.message_reader().await.unwrap().unwrap();
        assert_eq!(reader.kind(), Kind::Binary);
        let got = tokio::io::copy(&mut (&mut reader).take(LEN - 1), &mut sink()).await.unwrap();
        assert_eq!((got, reader.read_u8().await.unwrap()), (LEN - 1, 8));
        assert_eq!(reader.read(&mut [0; 9]).await.unwrap(), 0, "the message ends");
        assert_eq!(reader.read(&mut [0; 9]).await.unwrap(), 0, "and stays ended");
    };
    let (most, ()) = tokio::join!(sending, receiving);
    assert!((64 << 10..=(64 << 10) + (64 << 10) + 64).contains(&most), "{most} bytes queued");
    let held = TALLY.get().most - before;
    assert!(held < WRITE as isize + (1 << 20), "{held} bytes held");
}

#[tokio::test(start_paused = true)]
async fn messages_follow_each_other_and_end_with_the_connection() {
    let (mut client, mut server) = pair(100);
    let sending = async {
        for text in ["naïve", "", "café"] {
            let mut writer = client.message_writer(Kind::Text);
            for byte in text.bytes() {
                writer.write_all(&[byte]).await.unwrap();
            }
            writer.finish().await.unwrap();
        }
        client.send("after").await.unwrap();
        assert!(client.close(CloseCode::NORMAL).await.unwrap().was_clean());
    };
    let receiving = async {
        for expected in ["naïve", "", "café", "after"] {
            let reader = server.message_reader().await.unwrap().unwrap();
            assert_eq!((reader.kind(), all(reader).await.as_str()), (Kind::Text, expected));
        }
        assert!(server.message_reader().await.unwrap().is_none());
    };
    tokio::join!(sending, receiving);
}

#[tokio::test(start_paused = true)]
async fn a_reader_dropped_early_skips_the_rest_of_its_message_whoever_reads_next() {
    for next in 0..4 {
        let frames = [masked(0x01, b"first"), masked(0x80, b" message"), masked(0x81, b"second")];
        let (mut socket, _far) = fed(Role::Server, &frames).await;
        let mut two = [0; 2];
        socket.message_reader().await.unwrap().unwrap().read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"fi");
        let text = match next {
            0 => all(socket.message_reader().await.unwrap().unwrap()).await,
            1 => socket.recv_ref().await.unwrap().unwrap().0.into_message().as_str().unwrap().to_owned(),
            2 => socket.recv_ref().await.unwrap().unwrap().0.as_str().unwrap().to_owned(),
            _ => match socket.recv_event().await.unwrap().unwrap().0 {
                Event::Chunk { data, fin: true } => data.as_str().unwrap().to_owned(),
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(text, "second", "{next}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_dropped_at_the_last_chunk_skips_nothing() {
    let (mut socket, _far) = fed(Role::Server, &[masked(0x81, b"first"), masked(0x81, b"second")]).await;
    drop(socket.message_reader().await.unwrap().unwrap());
    assert_eq!(socket.recv_ref().await.unwrap().unwrap().0.as_str(), Some("second"));
}

#[tokio::test(start_paused = true)]
async fn a_reader_lends_what_has_come_and_works_with_whole_messages_too() {
    let (near, mut far) = duplex(1 << 16);
    let connection = Connection::new(Established::bare(Role::Server), Config::server());
    let mut socket: WebSocket<_> = WebSocket::new(connection, near);
    far.write_all(&[masked(0x01, b"one\ntw"), masked(0x80, b"o")].concat()).await.unwrap();
    let mut reader = socket.message_reader().await.unwrap().unwrap();
    assert_eq!(reader.fill_buf().await.unwrap(), b"one\ntwo");
    let mut line = String::new();
    reader.read_line(&mut line).await.unwrap();
    assert_eq!(line, "one\n");
    reader.consume(99);
    assert_eq!(reader.fill_buf().await.unwrap(), b"", "no more is consumed than there is");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_dropped_has_taken_nothing() {
    let (mut socket, mut far) = fed(Role::Server, &[masked(0x02, b"one ")]).await;
    let mut reader = socket.message_reader().await.unwrap().unwrap();
    let mut got = [0; 7];
    reader.read_exact(&mut got[..4]).await.unwrap();
    for _ in 0..3 {
        assert!(poll_immediate(reader.read(&mut got[4..])).await.is_none());
    }
    assert_eq!(reader.read(&mut []).await.unwrap(), 0, "no room, nothing to wait for");
    far.write_all(&masked(0x80, b"two")).await.unwrap();
    reader.read_exact(&mut got[4..]).await.unwrap();
    assert_eq!(&got, b"one two");
}

#[tokio::test(start_paused = true)]
async fn a_message_cut_short_is_an_error_and_not_an_end() {
    let wrong = masked(0x81, b"no continuation");
    let close = masked(0x88, &[3, 0xE8]);
    for (then, kind) in [
        (vec![], ErrorKind::UnexpectedEof),
        (wrong, ErrorKind::InvalidData),
        (close, ErrorKind::UnexpectedEof),
    ] {
        let (mut socket, mut far) = fed(Role::Server, &[masked(0x02, b"half")]).await;
        let mut reader = socket.message_reader().await.unwrap().unwrap();
        far.write_all(&then).await.unwrap();
        far.shutdown().await.unwrap();
        let mut got = Vec::new();
        let error = reader.read_to_end(&mut got).await.unwrap_err();
        assert_eq!((error.kind(), &got[..]), (kind, &b"half"[..]));
        let again = reader.read_to_end(&mut got).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::UnexpectedEof, "it stays at an end that was none");
        drop(reader);
        assert!(socket.closed().is_some() && socket.recv_ref().await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stalls_runs_into_its_deadline() {
    let (mut socket, _far) = fed(Role::Server, &[masked(0x02, b"half")]).await;
    let mut reader = socket.message_reader().await.unwrap().unwrap();
    let error = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_write_waits_for_room_with_nothing_of_it_queued() {
    let (mut client, mut server) = pair(1000);
    let mut writer = client.message_writer(Kind::Binary);
    let mut written = 0;
    while let Some(n) = poll_immediate(writer.write(&[1; 10_000])).await {
        written += n.unwrap();
    }
    let queued = writer.buffered_amount();
    assert!(queued > 64 << 10, "{queued}");
    assert!(poll_immediate(writer.write(&[1; 10_000])).await.is_none() && writer.buffered_amount() == queued);
    assert!(poll_immediate(writer.flush()).await.is_none());
    // Dropped after it began, the end of the message is queued, and goes with whatever is called next.
    assert!(poll_immediate(writer.finish()).await.is_none());
    let (mut got, sending) = (Vec::new(), client.send("after"));
    let receiving = async {
        server.message_reader().await.unwrap().unwrap().read_to_end(&mut got).await.unwrap();
        assert_eq!(server.recv_ref().await.unwrap().unwrap().0.as_str(), Some("after"));
    };
    let (sent, ()) = tokio::join!(sending, receiving);
    sent.unwrap();
    assert!(got == vec![1; written]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_fails_the_write_in_time() {
    let (mut client, _server) = pair(1000);
    let mut writer = client.message_writer(Kind::Binary);
    let error = writer.write_all(&vec![0; 1 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(writer.write(b"more").await.unwrap_err().kind(), ErrorKind::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_the_message_once_and_not_the_connection() {
    let (mut socket, mut far) = fed(Role::Server, &[]).await;
    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all(b"ab").await.unwrap();
    writer.shutdown().await.unwrap();
    writer.shutdown().await.unwrap();
    assert_eq!(writer.write(b"c").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    writer.finish().await.unwrap();
    socket.send("c").await.unwrap();
    drop(socket);
    let mut written = Vec::new();
    far.read_to_end(&mut written).await.unwrap();
    assert_eq!(written, b"\x01\x02ab\x80\x00\x81\x01c");
}

#[tokio::test(start_paused = true)]
async fn text_is_checked_on_its_way_out() {
    let (mut socket, mut far) = fed(Role::Server, &[]).await;
    let (first, second) = "é".as_bytes().split_at(1);
    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all(first).await.unwrap();
    assert_eq!(
        writer.write(b"\xff").await.unwrap_err().kind(),
        ErrorKind::InvalidData,
        "nothing of it is queued"
    );
    for _ in 0..2 {
        let error = writer.shutdown().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "it cannot end here, however often it is asked to");
    }
    writer.write_all(second).await.unwrap();
    writer.finish().await.unwrap();

    let mut writer = socket.message_writer(Kind::Text);
    writer.write_all(first).await.unwrap();
    let ended = writer.finish().await;
    assert!(matches!(ended, Err(Error::Io(error)) if error.kind() == ErrorKind::InvalidData));
    drop(socket);
    let mut written = Vec::new();
    far.read_to_end(&mut written).await.unwrap();
    assert!(written.starts_with(b"\x01\x01\xC3\x00\x01\xA9\x80\x00"), "{written:x?}");
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_message_keeps_others_from_being_sent_but_not_from_closing() {
    let (mut client, mut server) = pair(1000);
    client.message_writer(Kind::Text).write_all(b"caf\xC3").await.unwrap();
    let mut writer = client.message_writer(Kind::Text);
    assert_eq!(writer.write(b"new").await.unwrap_err().kind(), ErrorKind::NotConnected);
    assert!(matches!(writer.finish().await, Err(Error::Send(SendError::Unfinished))));
    assert!(matches!(client.send("other").await, Err(Error::Send(SendError::Unfinished))));
    client.ping("").await.unwrap();
    let receiving = async {
        let mut reader = server.message_reader().await.unwrap().unwrap();
        let cut = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
    };
    let (closed, ()) = tokio::join!(client.close(CloseCode::NORMAL), receiving);
    assert!(closed.unwrap().was_clean());
    assert!(server.closed().unwrap().was_clean());
}
