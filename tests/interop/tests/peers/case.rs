//! Who is at the other end and who listens; and from that, an open connection or a refusal.
use crate::{
    puppet::{Options, PATIENCE, Puppet, Saw, Script},
    tap::Tap,
    tungstenite,
};
use sansocket::{
    Config, Error, Message,
    blocking::{self, WebSocket},
    bytes::Bytes,
    handshake::{Acceptance, ClientRequest, Upgrade},
    http::{HeaderMap, Response},
};
use std::{
    collections::BTreeMap,
    net::{TcpListener, TcpStream},
    sync::Arc,
};

pub type Socket = WebSocket<TcpStream>;

/// What a handshake gave: a connection and the peer's header fields.
pub type Outcome = Result<(Socket, HeaderMap), Error>;

#[derive(Clone, Copy, Debug)]
pub enum Peer {
    Tungstenite,
    Python,
    Node,
}

/// What we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "they name modules of tests")]
pub enum Role {
    we_serve,
    we_connect,
}

#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub peer: Peer,
    pub role: Role,
}

/// How we behave from the start.
#[derive(Clone, Debug)]
pub struct Ours {
    pub config: Config,
    pub headers: Vec<(&'static str, &'static str)>,
    /// What we offer, or know.
    pub subprotocols: Vec<&'static str>,
    /// Refuse every request, as a server.
    pub refusal: Option<Response<Bytes>>,
    /// Sees what passes.
    pub tap: Option<Tap>,
}

impl Default for Ours {
    fn default() -> Self {
        let mut config = Config::server();
        config.max_message_size = 8 << 20;
        Self { config, headers: vec![], subprotocols: vec![], refusal: None, tap: None }
    }
}

/// Open at both ends.
pub struct Opened {
    pub socket: Socket,
    pub puppet: Puppet,
    /// The peer's header fields, as we saw them.
    pub headers: HeaderMap,
    /// Ours, and the subprotocol, as the peer saw them.
    pub seen: (BTreeMap<String, String>, Option<String>),
}

impl Case {
    /// With nothing special.
    pub fn open(self) -> (Socket, Puppet) {
        let Opened { socket, puppet, .. } = self.open_with(&Ours::default(), &Options::default());
        (socket, puppet)
    }

    /// With a peer that sends back whatever comes.
    pub fn open_echoing(self) -> (Socket, Puppet) {
        let Opened { socket, puppet, .. } = self.open_with(&Ours::default(), &Options::echo());
        (socket, puppet)
    }

    pub fn open_with(self, ours: &Ours, theirs: &Options) -> Opened {
        let (mut opened, puppet) = self.try_open(ours, theirs);
        let (socket, headers) = opened.remove(0).expect("the handshake succeeds");
        let seen = match puppet.saw() {
            Saw::Open { headers, subprotocol } => (headers, subprotocol),
            other => panic!("the peer saw {other:?}"),
        };
        Opened { socket, puppet, headers, seen }
    }

    /// As many connections as the peer wants, all open at once.
    pub fn try_open(self, ours: &Ours, theirs: &Options) -> (Vec<Outcome>, Puppet) {
        let tapped = |port| ours.tap.as_ref().map_or(port, |tap| tap.before(port));
        match self.role {
            Role::we_serve => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = tapped(listener.local_addr().unwrap().port());
                let url = format!("ws://127.0.0.1:{port}/interop");
                let puppet = match self.peer {
                    Peer::Tungstenite => tungstenite::connect(&url, theirs),
                    Peer::Python => Puppet::connect(Script::Python, &url, theirs),
                    Peer::Node => Puppet::connect(Script::Node, &url, theirs),
                };
                let accept = |_| accept(listener.accept().unwrap().0, ours);
                ((0..theirs.count).map(accept).collect(), puppet)
            }
            Role::we_connect => {
                let (puppet, port) = match self.peer {
                    Peer::Tungstenite => tungstenite::serve(theirs),
                    Peer::Python => Puppet::serve(Script::Python, theirs),
                    Peer::Node => Puppet::serve(Script::Node, theirs),
                };
                let port = tapped(port);
                ((0..theirs.count).map(|_| connect(port, ours)).collect(), puppet)
            }
        }
    }
}

fn accept(stream: TcpStream, ours: &Ours) -> Outcome {
    let mut headers = HeaderMap::new();
    let decide = |upgrade: &Upgrade| {
        headers = upgrade.request().headers().clone();
        if let Some(refusal) = &ours.refusal {
            return Err(refusal.clone().into());
        }
        let mut acceptance = Acceptance::new();
        if let Some(subprotocol) = upgrade.select(&ours.subprotocols) {
            acceptance = acceptance.subprotocol(subprotocol);
        }
        for (name, value) in &ours.headers {
            acceptance = acceptance.header(*name, *value).unwrap();
        }
        Ok(acceptance)
    };
    let socket = blocking::accept_with(stream, Arc::new(ours.config.clone()), decide)?;
    Ok((socket, headers))
}

fn connect(port: u16, ours: &Ours) -> Outcome {
    let url = format!("ws://127.0.0.1:{port}/interop");
    let mut request = ClientRequest::try_from(url.as_str()).unwrap();
    for (name, value) in &ours.headers {
        request = request.header(*name, *value).unwrap();
    }
    for name in &ours.subprotocols {
        request = request.subprotocol((*name).try_into().unwrap());
    }
    let (socket, response) = blocking::connect_with(request, Arc::new(ours.config.clone()))?;
    Ok((socket, response.into_parts().0.headers))
}

/// The next message.
pub fn recv(socket: &mut Socket) -> Message {
    let message = socket.recv_timeout(PATIENCE).expect("the connection stays open");
    message.expect("the peer does not close")
}

/// Sends the next message back, from where it lies.
pub fn echo(socket: &mut Socket) {
    let (message, mut reply) = socket.recv_ref().unwrap().expect("the peer does not close");
    reply.feed(message).unwrap();
    socket.flush().unwrap();
}

/// Ends the connection as it should be, and sees that both ends think so.
pub fn finish(mut socket: Socket, puppet: Puppet) {
    let closed = socket.close(sansocket::CloseCode::NORMAL).unwrap();
    assert!(closed.was_clean(), "{closed:?}");
    assert_eq!(closed.code(), 1000);
    puppet.saw_closed(1000, "", true);
}
