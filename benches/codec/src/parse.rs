//! A server reads masked text. It is validated in every row: by the library, or here if the library leaves that
//! to its caller.
use crate::{
    limit,
    mem::{Mem, block_on},
    text,
};
use bytes::BytesMut;
use futures_util::StreamExt;
use sansocket::{
    Config,
    proto::{Connection, Established, Event, Role},
};
use std::{hint::black_box, io::Read};
use tokio::io::AsyncReadExt;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
/// Bytes that the stream gives in one read, at most.
const BLOCK: usize = 64 * 1024;
/// What a message may be long, where a library's default is less than the longest here.
const LIMIT: usize = 64 << 20;

pub struct Input {
    size: usize,
    /// As many masked text frames as fit into a read, at least one.
    block: Vec<u8>,
}

impl Input {
    pub fn new(size: usize) -> Self {
        let mut frame = Vec::new();
        limit::put_header(&mut frame, 0x81, size);
        frame[1] |= 0x80;
        frame.extend_from_slice(&KEY);
        let start = frame.len();
        frame.extend_from_slice(text(size).as_bytes());
        limit::mask(&mut frame[start..], KEY);
        Self { size, block: frame.repeat((BLOCK / frame.len()).max(1)) }
    }
}

pub fn run(row: &str, input: &Input, count: u64) {
    let mut mem = Mem::new(input.block.clone());
    let (mut left, mut seen) = (count, 0);
    match row {
        "limit" => {
            let mut buf = vec![0; BLOCK.max(input.size + 14)];
            let mut have = 0;
            while left > 0 {
                have += Read::read(&mut mem, &mut buf[have..]).unwrap();
                let mut at = 0;
                while left > 0 {
                    let rest = &mut buf[at..have];
                    let Some((first, header, len, key)) = limit::header(rest) else { break };
                    let Some(payload) = rest.get_mut(header..header + len) else { break };
                    if first & 0x0F == 1 {
                        assert!(limit::unmask_text(payload, key));
                    } else {
                        limit::mask(payload, key);
                    }
                    seen += black_box(payload).len();
                    at += header + len;
                    left -= 1;
                }
                buf.copy_within(at..have, 0);
                have -= at;
            }
        }
        "sansocket" => {
            sansocket(mem, count, room, |message| seen += black_box(message.as_str().unwrap()).len())
        }
        "sansocket-owned" => sansocket(mem, count, room, |message| {
            seen += black_box(message.into_message()).len();
        }),
        "sansocket-read-buf" => sansocket(mem, count, append, |message| {
            seen += black_box(message.as_str().unwrap()).len();
        }),
        "tungstenite" => {
            use tungstenite::{WebSocket, protocol::Role};
            let mut ws = WebSocket::from_raw_socket(mem, Role::Server, None);
            for _ in 0..count {
                seen += black_box(ws.read().unwrap()).len();
            }
        }
        "fastwebsockets" => block_on(async {
            use fastwebsockets::{FragmentCollector, Role, WebSocket};
            let mut ws = FragmentCollector::new(WebSocket::after_handshake(mem, Role::Server));
            for _ in 0..count {
                seen += black_box(ws.read_frame().await.unwrap()).payload.len();
            }
        }),
        "tokio-websockets" => block_on(async {
            let mut ws = tokio_websockets::ServerBuilder::new().serve(mem);
            for _ in 0..count {
                seen += black_box(ws.next().await.unwrap().unwrap()).as_payload().len();
            }
        }),
        "yawc" => block_on(async {
            let options = yawc::Options::default().with_utf8().with_limits(LIMIT, 2 * LIMIT);
            let mut ws = yawc::WebSocket::from_stream(mem, yawc::Role::Server, options).unwrap();
            for _ in 0..count {
                seen += black_box(ws.next_frame().await.unwrap()).payload().len();
            }
        }),
        "yawc-codec" => {
            use tokio_util::codec::Decoder;
            let mut decoder = yawc::codec::Decoder::new(yawc::Role::Server, LIMIT);
            fill(mem, |buf| {
                while let Some(frame) = decoder.decode(buf).unwrap() {
                    assert!(frame.is_utf8());
                    seen += black_box(frame).payload().len();
                    left = left.saturating_sub(1);
                }
                left > 0
            });
        }
        "sockudo-ws" => block_on(async {
            let config = sockudo_ws::Config::builder().max_payload_length(LIMIT);
            let config = config.idle_timeout(0).auto_ping(false).build();
            let mut ws = sockudo_ws::WebSocketStream::server(mem, config);
            for _ in 0..count {
                seen += black_box(ws.next().await.unwrap().unwrap()).as_bytes().len();
            }
        }),
        "sockudo-ws-protocol" => {
            use sockudo_ws::{Role, protocol::Protocol};
            let mut protocol = Protocol::new(Role::Server, LIMIT, LIMIT);
            let mut messages = Vec::new();
            fill(mem, |buf| {
                protocol.process_into(buf, &mut messages).unwrap();
                for message in messages.drain(..) {
                    seen += black_box(message).as_bytes().len();
                    left = left.saturating_sub(1);
                }
                left > 0
            });
        }
        "wtx" => block_on(async {
            use wtx::{
                collection::Vector,
                rng::{Xorshift64, simple_seed},
                web_socket::{WebSocketBuffer, WebSocketOwned, WebSocketPayloadOrigin},
            };
            let rng = Xorshift64::from(simple_seed());
            let mut ws: WebSocketOwned<(), _, _, false> =
                WebSocketOwned::new((), false, rng, mem, WebSocketBuffer::new());
            let mut buffer = Vector::new();
            for _ in 0..count {
                buffer.clear();
                let frame = ws.read_frame(&mut buffer, WebSocketPayloadOrigin::Adaptive).await.unwrap();
                seen += black_box(frame.payload()).len();
            }
        }),
        "web-socket" => block_on(async {
            use tokio::io::BufReader;
            let mut ws = web_socket::WebSocket::server(BufReader::with_capacity(BLOCK, mem));
            ws.max_payload_len = LIMIT;
            for _ in 0..count {
                let web_socket::Event::Data { data, .. } = ws.recv().await.unwrap() else { unreachable!() };
                assert!(std::str::from_utf8(&data).is_ok());
                seen += black_box(data).len();
            }
        }),
        "soketto" => block_on(async {
            use futures_util::io::BufReader;
            use tokio_util::compat::TokioAsyncReadCompatExt;
            let socket = BufReader::with_capacity(BLOCK, mem.compat());
            let mut builder = soketto::connection::Builder::new(socket, soketto::Mode::Server);
            builder.set_max_message_size(LIMIT);
            builder.set_max_frame_size(LIMIT);
            let (_sender, mut receiver) = builder.finish();
            let mut message = Vec::new();
            for _ in 0..count {
                message.clear();
                receiver.receive_data(&mut message).await.unwrap();
                assert!(std::str::from_utf8(&message).is_ok());
                seen += black_box(&message).len();
            }
        }),
        other => panic!("unknown row {other}"),
    }
    assert!(seen >= input.size * count as usize);
}

/// Reads, then takes events until there are none.
fn sansocket(
    mut mem: Mem,
    count: u64,
    read: fn(&mut Mem, &mut Connection),
    mut look: impl FnMut(sansocket::Lent<'_>),
) {
    let mut connection = Connection::new(Established::bare(Role::Server), Config::server());
    let mut left = count;
    while left > 0 {
        read(&mut mem, &mut connection);
        while let Some(event) = connection.poll_event() {
            let Event::Message(message) = event else { unreachable!() };
            look(message);
            left = left.saturating_sub(1);
        }
    }
}

/// A read into a slice of the connection's buffer, as the blocking adapter does it.
fn room(mem: &mut Mem, connection: &mut Connection) {
    let mut buf = connection.read_buf();
    let room = buf.room();
    let most = room.len().min(BLOCK);
    let n = Read::read(mem, &mut room[..most]).unwrap();
    buf.filled(n);
}

/// A read that appends to the connection's buffer, as the asynchronous adapter does it on Tokio.
fn append(mem: &mut Mem, connection: &mut Connection) {
    let buf = connection.read_buf();
    block_on(AsyncReadExt::take(mem, BLOCK as u64).read_buf(&mut buf.append())).unwrap();
}

/// For codecs without a stream: reads into the buffer that they decode from, until `decode` wants no more.
fn fill(mut mem: Mem, mut decode: impl FnMut(&mut BytesMut) -> bool) {
    let mut buf = BytesMut::new();
    loop {
        append_to(&mut mem, &mut buf);
        if !decode(&mut buf) {
            return;
        }
    }
}

fn append_to(mem: &mut Mem, buf: &mut BytesMut) {
    buf.reserve(BLOCK);
    block_on(AsyncReadExt::take(mem, BLOCK as u64).read_buf(buf)).unwrap();
}
