//! The Rust peer: `tungstenite`, a thread for each connection, in the tests' own process.
use crate::puppet::{Command, Options, Puppet, Saw, pattern};
use std::{
    collections::BTreeMap,
    io::ErrorKind,
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};
use tungstenite::{
    Error, Message, WebSocket,
    client::IntoClientRequest,
    handshake::{
        HandshakeError,
        server::{ErrorResponse, Request, Response},
    },
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

/// How long it listens to the other before it looks for commands.
const TURN: Duration = Duration::from_millis(2);

/// Listens, and gives the port.
pub fn serve(options: &Options) -> (Puppet, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = options.clone();
    let puppet = threads(options.count, move |tell, commands| {
        let (stream, _) = listener.accept().unwrap();
        let options = options.clone();
        thread::spawn(move || accept(stream, &options, tell, commands));
    });
    (puppet, port)
}

/// Connects to `url`.
pub fn connect(url: &str, options: &Options) -> Puppet {
    let (url, options) = (url.to_owned(), options.clone());
    threads(options.count, move |tell, commands| {
        let (url, options) = (url.clone(), options.clone());
        thread::spawn(move || dial(&url, &options, tell, commands));
    })
}

fn threads(count: usize, mut start: impl FnMut(Sender<Saw>, Receiver<Command>) + Send + 'static) -> Puppet {
    let (tell, seen) = mpsc::channel();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel()).unzip();
    thread::spawn(move || receivers.into_iter().for_each(|commands| start(tell.clone(), commands)));
    let to_all = move |command: &Command| {
        senders.iter().for_each(|sender| sender.send(command.clone()).expect("the peer is there"));
    };
    Puppet::new(to_all, seen)
}

fn opened(headers: &HeaderMap, subprotocol: Option<&HeaderValue>) -> Saw {
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let headers: BTreeMap<_, _> =
        headers.iter().map(|(name, value)| (name.as_str().into(), text(value))).collect();
    Saw::Open { headers, subprotocol: subprotocol.map(text) }
}

fn add(headers: &mut HeaderMap, own: &BTreeMap<String, String>) {
    for (name, value) in own {
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
}

fn accept(stream: TcpStream, options: &Options, tell: Sender<Saw>, commands: Receiver<Command>) {
    let mut open = None;
    #[allow(clippy::result_large_err, reason = "tungstenite's signature")]
    let decide = |request: &Request, mut response: Response| {
        if let Some(refuse) = &options.refuse {
            let mut refusal = ErrorResponse::new(Some(refuse.body.clone()));
            *refusal.status_mut() = StatusCode::from_u16(refuse.status).unwrap();
            return Err(refusal);
        }
        add(response.headers_mut(), &options.headers);
        let offered = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let offered = offered.map_or("", |offered| offered.to_str().unwrap());
        let chosen = options.subprotocols.iter().find(|known| offered.split(", ").any(|name| name == *known));
        let chosen = chosen.map(|name| HeaderValue::try_from(name).unwrap());
        open = Some(opened(request.headers(), chosen.as_ref()));
        if let Some(chosen) = chosen {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
        }
        Ok(response)
    };
    match tungstenite::accept_hdr(stream, decide) {
        Ok(socket) => {
            let _ = tell.send(open.unwrap());
            attend(socket, options.echo, &tell, &commands);
        }
        Err(HandshakeError::Failure(Error::Http(_))) if options.refuse.is_some() => {}
        Err(error) => panic!("tungstenite does not accept: {error}"),
    }
}

fn dial(url: &str, options: &Options, tell: Sender<Saw>, commands: Receiver<Command>) {
    let mut request = url.into_client_request().unwrap();
    add(request.headers_mut(), &options.headers);
    if !options.subprotocols.is_empty() {
        let offer = HeaderValue::try_from(options.subprotocols.join(", ")).unwrap();
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offer);
    }
    let address = request.uri().authority().unwrap().as_str().to_owned();
    match tungstenite::client(request, TcpStream::connect(address).unwrap()) {
        Ok((socket, response)) => {
            let headers = response.headers();
            let _ = tell.send(opened(headers, headers.get(header::SEC_WEBSOCKET_PROTOCOL)));
            attend(socket, options.echo, &tell, &commands);
        }
        Err(HandshakeError::Failure(Error::Http(refusal))) => {
            let body = String::from_utf8(refusal.body().clone().unwrap_or_default()).unwrap();
            let _ = tell.send(Saw::Refused { status: refusal.status().as_u16(), body });
        }
        Err(error) => panic!("tungstenite does not connect: {error}"),
    }
}

/// Receives and obeys in turn, until the end.
fn attend(mut socket: WebSocket<TcpStream>, echo: bool, tell: &Sender<Saw>, commands: &Receiver<Command>) {
    socket.get_ref().set_nodelay(true).unwrap();
    socket.get_ref().set_read_timeout(Some(TURN)).unwrap();
    let mut received = None;
    let mut held = None;
    loop {
        match socket.read() {
            Ok(message) => match message {
                Message::Close(frame) => received = Some(frame),
                Message::Pong(payload) => {
                    let payload = String::from_utf8(payload.to_vec()).unwrap();
                    let _ = tell.send(Saw::Pong { payload });
                    if let Some(rest) = held.take() {
                        send_pieces(&mut socket, rest);
                    }
                }
                Message::Ping(_) | Message::Frame(_) => {}
                message if echo => socket.send(message).unwrap(),
                Message::Text(text) => drop(tell.send(Saw::Text { text: text.to_string() })),
                Message::Binary(data) => {
                    let (size, intact) = (data.len(), data == pattern(data.len()));
                    let _ = tell.send(Saw::Binary { size, intact });
                }
            },
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => {
                let clean = matches!(error, Error::ConnectionClosed);
                let _ = tell.send(closed(received, clean));
                return;
            }
        }
        match commands.try_recv() {
            Ok(Command::BreakOff) | Err(mpsc::TryRecvError::Disconnected) => return,
            Ok(command) => held = obey(&mut socket, command),
            Err(mpsc::TryRecvError::Empty) => {}
        }
    }
}

fn closed(received: Option<Option<CloseFrame>>, clean: bool) -> Saw {
    let (code, reason) = match received {
        Some(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
        Some(None) => (1005, String::new()),
        None => (1006, String::new()),
    };
    Saw::Closed { code, reason, clean }
}

/// Gives what is to be sent after a pong.
fn obey(socket: &mut WebSocket<TcpStream>, command: Command) -> Option<Vec<Frame>> {
    match command {
        Command::Text { text } => socket.send(Message::text(text)).unwrap(),
        Command::Binary { size } => socket.send(Message::binary(pattern(size))).unwrap(),
        Command::Burst { count } => {
            (0..count).for_each(|n| socket.send(Message::text(format!("message {n}"))).unwrap());
        }
        Command::Fragments { text, pieces, ping } => {
            let last = pieces.len() - 1;
            let opcode = |at| match (at, text) {
                (0, true) => Data::Text,
                (0, false) => Data::Binary,
                _ => Data::Continue,
            };
            let frame =
                |(at, piece): (usize, Vec<u8>)| Frame::message(piece, OpCode::Data(opcode(at)), at == last);
            let mut frames: Vec<_> = pieces.into_iter().enumerate().map(frame).collect();
            if let Some(payload) = ping {
                let rest = frames.split_off(1);
                send_pieces(socket, frames);
                socket.send(Message::Ping(payload.into())).unwrap();
                return Some(rest);
            }
            send_pieces(socket, frames);
        }
        Command::NotUtf8 => {
            send_pieces(socket, vec![Frame::message(vec![b'h', 0xff, 0xfe], OpCode::Data(Data::Text), true)]);
        }
        Command::Ping { payload } => socket.send(Message::Ping(payload.into())).unwrap(),
        Command::Close { code, reason } => {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            socket.close(Some(frame)).unwrap();
        }
        Command::CloseEmpty => socket.close(None).unwrap(),
        Command::BreakOff => {}
    }
    None
}

fn send_pieces(socket: &mut WebSocket<TcpStream>, frames: Vec<Frame>) {
    frames.into_iter().for_each(|frame| {
        // A client masks what it sends; the frame's own key is set on the way.
        socket.send(Message::Frame(frame)).unwrap();
    });
}
