//! The floor of a tokio adapter that has no buffer while a connection is idle: it waits until there is
//! something to read, reads it into memory that the thread's connections share, and keeps only what is incomplete.
use std::{
    cell::RefCell,
    io::{ErrorKind, Result},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

thread_local! {
    static SHARED: RefCell<(Vec<u8>, Vec<u8>)> = RefCell::new((vec![0; 64 * 1024], Vec::new()));
}

/// What a wake-up leaves behind.
#[derive(Default)]
struct Left {
    partial: Vec<u8>,
    /// The length of the frame that `partial` is the start of.
    want: usize,
    unsent: Vec<u8>,
    close: bool,
}

fn main() {
    serve::serve_tokio(serve::Options::from_args(), |stream| async {
        echo(stream).await.ok();
    });
}

async fn echo(mut stream: TcpStream) -> Result<()> {
    serve::upgrade_tokio(&mut stream).await?;
    let mut left = Left::default();
    while !left.close {
        if left.want > left.partial.len() {
            // The rest of a long frame goes straight into its own memory.
            let missing = (left.want - left.partial.len()) as u64;
            if (&mut stream).take(missing).read_buf(&mut left.partial).await? == 0 {
                return Ok(());
            }
            if left.partial.len() < left.want {
                continue;
            }
            let mut frame = std::mem::take(&mut left.partial);
            SHARED.with_borrow_mut(|(_, out)| answer(&stream, &mut frame, out, &mut left))?;
        } else {
            stream.readable().await?;
            read(&stream, &mut left)?;
        }
        if !left.unsent.is_empty() {
            stream.write_all(&left.unsent).await?;
            left.unsent = Vec::new();
        }
    }
    Ok(())
}

fn read(stream: &TcpStream, left: &mut Left) -> Result<()> {
    SHARED.with_borrow_mut(|(buffer, out)| {
        let have = left.partial.len();
        buffer[..have].copy_from_slice(&left.partial);
        left.partial.clear();
        let count = match stream.try_read(&mut buffer[have..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            count => count?,
        };
        let input = &mut buffer[..have + count];
        let used = answer(stream, input, out, left)?;
        if used < input.len() {
            left.partial.reserve_exact(left.want.max(input.len() - used));
            left.partial.extend_from_slice(&input[used..]);
        } else {
            left.partial = Vec::new();
        }
        Ok(())
    })
}

fn answer(stream: &TcpStream, input: &mut [u8], out: &mut Vec<u8>, left: &mut Left) -> Result<usize> {
    let mut used = 0;
    loop {
        let turn = race_floor::echo(&mut input[used..], out);
        write(stream, out, &mut left.unsent)?;
        out.clear();
        write(stream, &input[used..][turn.direct.clone()], &mut left.unsent)?;
        used += turn.used;
        (left.want, left.close) = (turn.want, turn.close);
        if turn.close || turn.direct.is_empty() {
            return Ok(used);
        }
    }
}

/// Sends what the socket takes, after what it did not take before.
fn write(stream: &TcpStream, bytes: &[u8], unsent: &mut Vec<u8>) -> Result<()> {
    let mut sent = 0;
    if !bytes.is_empty() && unsent.is_empty() {
        sent = match stream.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            sent => sent?,
        };
    }
    unsent.extend_from_slice(&bytes[sent..]);
    Ok(())
}
