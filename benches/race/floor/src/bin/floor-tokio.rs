//! The floor of a tokio adapter: one `read` and one `write` a wake-up.
use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn main() {
    serve::serve_tokio(serve::Options::from_args(), |stream| async {
        echo(stream).await.ok();
    });
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    serve::upgrade_tokio(&mut stream).await?;
    let (mut input, mut out) = (Vec::with_capacity(16 * 1024), Vec::new());
    while stream.read_buf(&mut input).await? > 0 {
        let mut used = 0;
        let want = loop {
            let turn = race_floor::echo(&mut input[used..], &mut out);
            if !out.is_empty() {
                stream.write_all(&out).await?;
                out.clear();
            }
            stream.write_all(&input[used..][turn.direct.clone()]).await?;
            used += turn.used;
            if turn.close {
                return Ok(());
            }
            if turn.direct.is_empty() {
                break turn.want;
            }
        };
        input.drain(..used);
        if input.len() == input.capacity() || want > input.capacity() {
            input.reserve(want.max(64 * 1024) - input.len());
        }
    }
    Ok(())
}
