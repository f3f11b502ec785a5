//! Text messages go out, flushed after every 64 (long ones one by one). Writes vanish, whatever they would cost on a socket.
use crate::{
    limit,
    mem::{Mem, block_on},
    text,
};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::SinkExt;
use std::{
    hint::black_box,
    io::{IoSlice, Write},
};

/// From here on the message is shared where a library can share it; a shorter one is lent where it can be lent.
const LONG: usize = 4 * 1024;

pub struct Input {
    text: String,
    shared: Bytes,
    client: bool,
    /// Messages from one flush to the next.
    batch: u64,
}

impl Input {
    pub fn new(size: usize, client: bool) -> Self {
        let text = text(size);
        let shared = Bytes::from(text.clone());
        Self { text, shared, client, batch: if size <= 16 * 1024 { 64 } else { 1 } }
    }
}

/// Runs `$send` for every message and `$flush` after every batch.
macro_rules! batches {
    ($count:expr, $send:expr, $flush:expr) => {
        for batch in $count {
            for _ in 0..batch {
                $send;
            }
            $flush;
        }
    };
}

pub fn run(row: &str, input: &Input, count: u64) {
    let Input { text, shared, client, batch } = input;
    let (size, client) = (text.len(), *client);
    let count = (0..count).step_by(*batch as usize).map(|from| (count - from).min(*batch));
    let mut mem = Mem::sink();
    match row {
        "limit" => {
            let mut out = Vec::with_capacity(*batch as usize * (size + 14));
            let mut rng = 0x9E37_79B9_7F4A_7C15u64;
            batches!(
                count,
                {
                    let start = out.len();
                    limit::put_header(&mut out, 0x81, size);
                    if client {
                        rng ^= rng << 13;
                        rng ^= rng >> 7;
                        rng ^= rng << 17;
                        let key = (rng as u32).to_ne_bytes();
                        out[start + 1] |= 0x80;
                        out.extend_from_slice(&key);
                        let at = out.len();
                        out.extend_from_slice(black_box(shared));
                        limit::mask(&mut out[at..], key);
                    } else {
                        out.extend_from_slice(black_box(shared));
                    }
                },
                {
                    black_box(&out);
                    out.clear();
                }
            )
        }
        "sansocket" => {
            use sansocket::{
                Config, Utf8Bytes,
                proto::{Connection, Established, Role},
            };
            let (role, config) = match client {
                true => (Role::Client, Config::client()),
                false => (Role::Server, Config::server()),
            };
            let mut connection = Connection::new(Established::bare(role), config);
            if size < LONG {
                batches!(
                    count,
                    connection.send(black_box(text.as_str())).unwrap(),
                    flush(&mut connection, &mut mem)
                );
            } else {
                let text = Utf8Bytes::try_from(shared.clone()).unwrap();
                batches!(count, connection.send(text.clone()).unwrap(), flush(&mut connection, &mut mem));
            }
        }
        "tungstenite" => {
            use tungstenite::{Message, Utf8Bytes, WebSocket, protocol::Role};
            let role = if client { Role::Client } else { Role::Server };
            let mut ws = WebSocket::from_raw_socket(mem, role, None);
            let text = Utf8Bytes::try_from(shared.clone()).unwrap();
            batches!(count, ws.write(Message::Text(text.clone())).unwrap(), ws.flush().unwrap())
        }
        "fastwebsockets" => block_on(async {
            use fastwebsockets::{Frame, Payload, Role, WebSocket};
            let role = if client { Role::Client } else { Role::Server };
            let mut ws = WebSocket::after_handshake(mem, role);
            batches!(
                count,
                ws.write_frame(Frame::text(Payload::Borrowed(shared))).await.unwrap(),
                ws.flush().await.unwrap()
            )
        }),
        "tokio-websockets" => block_on(async {
            use tokio_websockets::{ClientBuilder, Message, ServerBuilder};
            // Made from a string, it is known to be text; its clones are too.
            let message = Message::text(text.clone());
            let mut ws = match client {
                true => ClientBuilder::new().take_over(mem),
                false => ServerBuilder::new().serve(mem),
            };
            batches!(count, ws.feed(message.clone()).await.unwrap(), ws.flush().await.unwrap())
        }),
        "yawc" => block_on(async {
            let role = if client { yawc::Role::Client } else { yawc::Role::Server };
            let mut ws = yawc::WebSocket::from_stream(mem, role, yawc::Options::default()).unwrap();
            batches!(
                count,
                ws.feed(yawc::Frame::text(shared.clone())).await.unwrap(),
                ws.flush().await.unwrap()
            )
        }),
        "yawc-codec" => {
            use tokio_util::codec::Encoder;
            let role = if client { yawc::Role::Client } else { yawc::Role::Server };
            let mut encoder = yawc::codec::Encoder::new(role);
            let mut out = BytesMut::new();
            batches!(count, encoder.encode(yawc::Frame::text(shared.clone()), &mut out).unwrap(), {
                black_box(&out);
                out.clear();
            })
        }
        "sockudo-ws" => block_on(async {
            use sockudo_ws::{Config, Message, WebSocketStream};
            let config = Config::builder().idle_timeout(0).auto_ping(false).build();
            let mut ws = match client {
                true => WebSocketStream::client(mem, config),
                false => WebSocketStream::server(mem, config),
            };
            batches!(count, ws.feed(Message::Text(shared.clone())).await.unwrap(), ws.flush().await.unwrap())
        }),
        "sockudo-ws-protocol" => {
            use sockudo_ws::{Message, Role, protocol::Protocol};
            let role = if client { Role::Client } else { Role::Server };
            let mut protocol = Protocol::new(role, 64 << 20, 64 << 20);
            let mut out = BytesMut::new();
            batches!(count, protocol.encode_message(&Message::Text(shared.clone()), &mut out).unwrap(), {
                black_box(&out);
                out.clear();
            })
        }
        "wtx" => match client {
            true => block_on(wtx::<true>(mem, shared, count)),
            false => block_on(wtx::<false>(mem, shared, count)),
        },
        "web-socket" => block_on(async {
            use web_socket::WebSocket;
            let mut ws = if client { WebSocket::client(mem) } else { WebSocket::server(mem) };
            batches!(count, ws.send(text.as_str()).await.unwrap(), ws.flash().await.unwrap())
        }),
        "soketto" => block_on(async {
            use futures_util::io::BufWriter;
            use tokio_util::compat::TokioAsyncReadCompatExt;
            let mode = if client { soketto::Mode::Client } else { soketto::Mode::Server };
            let socket = BufWriter::with_capacity(64 * 1024, mem.compat());
            let (mut sender, _receiver) = soketto::connection::Builder::new(socket, mode).finish();
            batches!(count, sender.send_text(text).await.unwrap(), sender.flush().await.unwrap())
        }),
        other => panic!("unknown row {other}"),
    }
}

/// Writes all there is to write, as the blocking adapter does.
fn flush(connection: &mut sansocket::proto::Connection, mem: &mut Mem) {
    while connection.transmit().has_remaining() {
        let transmit = connection.transmit();
        let wrote = if transmit.chunk().len() == transmit.remaining() {
            mem.write(transmit.chunk())
        } else {
            let mut slices = [IoSlice::new(&[]); 64];
            let n = transmit.chunks_vectored(&mut slices);
            mem.write_vectored(&slices[..n])
        };
        transmit.advance(wrote.unwrap());
    }
}

async fn wtx<const IS_CLIENT: bool>(mem: Mem, payload: &[u8], count: impl Iterator<Item = u64>) {
    use wtx::{
        rng::{Xorshift64, simple_seed},
        web_socket::{Frame, OpCode, WebSocketBuffer, WebSocketOwned},
    };
    let rng = Xorshift64::from(simple_seed());
    let mut ws: WebSocketOwned<(), _, _, IS_CLIENT> =
        WebSocketOwned::new((), false, rng, mem, WebSocketBuffer::new());
    // It masks in place: the payload is copied first, as a caller would have to.
    let mut copy = payload.to_vec();
    batches!(
        count,
        {
            copy.copy_from_slice(payload);
            let mut frame = Frame::<_, IS_CLIENT>::new_fin(OpCode::Text, copy.as_mut_slice());
            ws.write_frame(&mut frame).await.unwrap();
        },
        {}
    )
}
