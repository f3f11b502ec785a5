//! The floor of a blocking adapter: one thread a connection.
use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

fn main() {
    serve::serve_threads(serve::Options::from_args(), |stream| drop(echo(stream)));
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut input = vec![0; 16 * 1024];
    let (mut have, mut out, mut upgraded) = (0, Vec::new(), false);
    loop {
        let count = stream.read(&mut input[have..])?;
        if count == 0 {
            return Ok(());
        }
        have += count;
        if !upgraded {
            if let Some(response) = serve::upgrade_response(&input[..have]) {
                (upgraded, have) = (true, 0);
                stream.write_all(&response)?;
            }
            continue;
        }
        let mut used = 0;
        let want = loop {
            let turn = race_floor::echo(&mut input[used..have], &mut out);
            if !out.is_empty() {
                stream.write_all(&out)?;
                out.clear();
            }
            stream.write_all(&input[used..][turn.direct.clone()])?;
            used += turn.used;
            if turn.close {
                return Ok(());
            }
            if turn.direct.is_empty() {
                break turn.want;
            }
        };
        input.copy_within(used..have, 0);
        have -= used;
        if have == input.len() || want > input.len() {
            input.resize(want.max(64 * 1024), 0);
        }
    }
}
