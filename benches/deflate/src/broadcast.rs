//! One message for 10,000 receivers: CPU per receiver, in memory and over TCP, compressed and not.
use crate::{cpu, json, spread};
use rustix::process::{Resource, getrlimit, setrlimit};
use sansocket::{
    Config, Deflate, Prepared,
    bytes::Buf,
    extension::Extension,
    proto::{Connection, Established, Role},
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::Arc,
};

const RECEIVERS: usize = 10_000;

/// How the message is sent.
#[derive(Clone, Copy)]
enum How {
    Plain,
    Prepared,
    /// Compressed for each.
    Each,
}

fn connections(compressed: bool, config: &Arc<Config>) -> Vec<Connection> {
    let offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover".parse();
    let offer = offer.expect("an offer");
    let one = || {
        let established = Established::bare(Role::Server);
        let established = match compressed {
            true => established.with_extension(Deflate::default().accept(&offer).expect("an agreement")),
            false => established,
        };
        Connection::new(established, config.clone())
    };
    (0..RECEIVERS).map(|_| one()).collect()
}

/// CPU nanoseconds per receiver, and the bytes each gets.
fn round(
    connections: &mut [Connection],
    sockets: Option<&mut [TcpStream]>,
    how: How,
    seed: usize,
) -> (f64, usize) {
    let text = json(seed, 1024);
    let mut sockets = sockets.map(|sockets| sockets.iter_mut());
    let mut bytes = 0;
    let before = cpu();
    let prepared = Prepared::from(text.as_str());
    for connection in connections.iter_mut() {
        match how {
            How::Each => connection.send(&text),
            _ => connection.send(&prepared),
        }
        .expect("an open connection");
        let out = connection.transmit();
        if let Some(socket) = sockets.as_mut().and_then(Iterator::next) {
            socket.write_all(out.chunk()).expect("a receiver");
        }
        bytes = out.remaining();
        out.advance(bytes);
    }
    ((cpu() - before) / connections.len() as f64, bytes)
}

pub fn report(quick: bool) {
    let wanted = RECEIVERS as u64 + 100;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let enough = limit.maximum.is_none_or(|most| most >= wanted);
    println!("## A broadcast\n");
    println!(
        "One message of 1 KiB of JSON for {RECEIVERS} connections of a server, default settings. CPU in ns per receiver, \
         user and system: the middle of the rounds (least – most).\n"
    );
    println!("| | in memory | × uncompressed | over TCP | × uncompressed | bytes each |");
    println!("|---|---|---|---|---|---|");
    let config: Arc<Config> = Config::server().into();
    let rounds = if quick { 3 } else { 15 };
    let rows = [
        ("uncompressed", How::Plain),
        ("compressed once (`Prepared`)", How::Prepared),
        ("compressed for each", How::Each),
    ];
    let mut connections = [false, true].map(|compressed| connections(compressed, &config));
    let mut sockets = enough.then(sockets);
    let mut figures = rows.map(|_| [vec![], vec![]]);
    let mut sizes = [0; 3];
    for seed in 0..=rounds {
        for (row, (_, how)) in rows.iter().enumerate() {
            let connections = &mut connections[usize::from(!matches!(how, How::Plain))];
            let memory = round(connections, None, *how, seed);
            sizes[row] = memory.1;
            let tcp = sockets.as_mut().map(|(_, sockets)| round(connections, Some(sockets), *how, seed).0);
            if seed > 0 {
                figures[row][0].push(memory.0);
                figures[row][1].extend(tcp);
            }
        }
    }
    let figures = figures.map(|both| both.map(|all| (!all.is_empty()).then(|| spread(all))));
    for ((name, _), (figures_of, size)) in rows.iter().zip(figures.iter().zip(sizes)) {
        let cells: Vec<String> = (0..2)
            .map(|column| match (figures_of[column], figures[0][column]) {
                (Some((middle, least, most)), Some((plain, ..))) => {
                    format!("{middle:.0} ({least:.0} – {most:.0}) | {:.2}", middle / plain)
                }
                _ => "too few descriptors | ".to_owned(),
            })
            .collect();
        println!("| {name} | {} | {size} |", cells.join(" | "));
    }
}

/// Connections to a process that reads whatever comes.
fn sockets() -> (Child, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let this = std::env::current_exe().expect("a path");
    let receiver =
        Command::new(this).args(["receive", &port, &RECEIVERS.to_string()]).stdin(Stdio::piped()).spawn();
    let receiver = Child(receiver.expect("a process"));
    let accepted = listener.incoming().take(RECEIVERS).map(|stream| {
        let stream = stream.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        stream
    });
    (receiver, accepted.collect())
}

/// Ends with this process.
struct Child(std::process::Child);
impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The other process: connects so often. What comes stays in the kernel: it is less than a socket holds.
pub fn receive(port: u16, count: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let all: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(("127.0.0.1", port)).expect("the server")).collect();
    let _ = std::io::stdin().read(&mut [0]); // until the other ends
    drop(all);
}
