//! What passes between two ends, seen from outside of both: the header of each frame.
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The header of a frame that passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub from_client: bool,
    first: u8,
    /// Bytes of payload.
    pub len: usize,
}

impl Passed {
    pub fn compressed(self) -> bool {
        self.first & 0x40 != 0
    }
    /// The first of a message.
    fn begins(self) -> bool {
        matches!(self.first & 0x0f, 1 | 2)
    }
    fn continues(self) -> bool {
        self.first & 0x0f == 0
    }
}

/// Stands between the ends of one connection.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Mutex<Vec<Passed>>>);

impl Tap {
    /// Listens for the one who wants to go to `port`, and gives the port where.
    pub fn before(&self, port: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let tap = self.clone();
        thread::spawn(move || {
            let client = listener.accept().unwrap().0;
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (from, to, back) = (client.try_clone().unwrap(), server.try_clone().unwrap(), tap.clone());
            thread::spawn(move || back.carry(server, client, false));
            tap.carry(from, to, true);
        });
        own
    }

    /// What passed of each message in one direction: the first header, and the bytes of payload in all of its frames.
    pub fn messages(&self, from_client: bool) -> Vec<Passed> {
        let mut messages: Vec<Passed> = Vec::new();
        for frame in self.0.lock().unwrap().iter().filter(|frame| frame.from_client == from_client) {
            if frame.begins() {
                messages.push(*frame);
            } else if frame.continues() {
                assert!(!frame.compressed(), "RSV1 is for the first frame: {frame:?}");
                messages.last_mut().unwrap().len += frame.len;
            }
        }
        messages
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, from_client: bool) {
        from.set_nodelay(true).unwrap();
        let (mut seen, mut open, mut skip) = (Vec::new(), false, 0);
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            seen.extend_from_slice(&bytes[..count]);
            if !open {
                let end = seen.windows(4).position(|four| four == b"\r\n\r\n");
                if let Some(end) = end {
                    (open, skip) = (true, end + 4);
                }
            }
            while open {
                let skipped = skip.min(seen.len());
                seen.drain(..skipped);
                skip -= skipped;
                let Some((first, header, len)) = header(&seen).filter(|_| skip == 0) else { break };
                self.0.lock().unwrap().push(Passed { from_client, first, len });
                skip = header + len;
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }
}

/// Of the frame at the front: its first byte, and the bytes of its header and its payload.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let extra = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let len = match extra {
        0 => usize::from(second & 0x7f),
        _ => bytes.get(2..2 + extra)?.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)),
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    Some((first, 2 + extra + mask, len))
}
