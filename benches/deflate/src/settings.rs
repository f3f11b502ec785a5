//! An echo in memory, by level, window and takeover: CPU per message, bytes of an answer, bytes of an idle connection.
use crate::{counted::held, cpu, json, spread};
use sansocket::{
    Config, Deflate,
    bytes::Buf,
    extension::{self, Extension, deflate::Context},
    proto::{Connection, Established, Event, Role},
};
use std::{collections::VecDeque, sync::Arc};

/// Level, window bits, takeover: of both directions.
type Choice = (u8, u8, bool);

const CHOICES: [Choice; 10] = [
    (3, 12, false), // what a server sends with by default
    (1, 12, false),
    (6, 12, false),
    (3, 9, false),
    (3, 15, false),
    (1, 15, false),
    (6, 15, false),
    (3, 12, true),
    (3, 15, true),
    (6, 15, true),
];

fn deflate((level, window_bits, takeover): Choice) -> Deflate {
    let mut deflate = Deflate::default();
    deflate.level = level;
    deflate.send = Context { window_bits, takeover };
    deflate.receive = Some(deflate.send);
    deflate
}

/// A client and a server, that compress or do not.
fn pair(choice: Option<Choice>, config: &[Arc<Config>; 2]) -> [Connection; 2] {
    let [mut client, mut server] = [Role::Client, Role::Server].map(Established::bare);
    if let Some(choice) = choice {
        let deflate: Arc<dyn Extension> = Arc::new(deflate(choice));
        let ours = [deflate];
        let offers = extension::offers(&ours);
        let accepted = extension::accept(&ours, &offers).expect("an agreement");
        let confirmed = extension::confirm(&ours, &offers, accepted.answer()).expect("an agreement");
        (client, server) = (client.with_extension(confirmed), server.with_extension(accepted));
    }
    [Connection::new(client, config[0].clone()), Connection::new(server, config[1].clone())]
}

fn taken(connection: &mut Connection) -> Vec<u8> {
    let out = connection.transmit();
    out.copy_to_bytes(out.remaining()).to_vec()
}

/// The server answers with the same message. Gives the bytes of the answer.
fn echo(server: &mut Connection, request: &[u8]) -> usize {
    server.receive(request);
    let (inbound, outbound) = server.halves();
    while let Some(event) = inbound.poll_event(outbound) {
        if let Event::Message(message) = event {
            outbound.send(message).expect("an open connection");
        }
    }
    let out = server.transmit();
    let len = out.remaining();
    out.advance(len);
    len
}

struct Figures {
    nanos: (f64, f64, f64),
    answer: usize,
    idle: isize,
}

fn measure(choice: Option<Choice>, size: usize, quick: bool, config: &[Arc<Config>; 2]) -> Figures {
    let messages: Vec<String> = (0..64).map(|seed| json(seed, size)).collect();
    let [mut client, mut server] = pair(choice, config);
    let (rounds, count) = if quick { (3, 200) } else { (15, 40_000_000 / (size * 15 + 20_000)) };
    let (mut nanos, mut answers) = (vec![], 0);
    let per_round = count;
    for _ in 0..=rounds {
        // With a kept context each must be inflated once and in order, so they are made anew.
        let requests: VecDeque<Vec<u8>> = (0..count)
            .map(|n| {
                client.send(&messages[n % messages.len()]).expect("an open connection");
                taken(&mut client)
            })
            .collect();
        answers = 0;
        let before = cpu();
        for request in &requests {
            answers += echo(&mut server, request);
        }
        nanos.push((cpu() - before) / count as f64);
    }
    nanos.remove(0);
    // What a hundred more hold once they have echoed.
    let mut few: Vec<_> = (0..100).map(|_| pair(choice, config)).collect();
    let requests: Vec<Vec<u8>> = few
        .iter_mut()
        .map(|[client, _]| {
            client.send(&messages[0]).expect("an open connection");
            taken(client)
        })
        .collect();
    let mut servers = Vec::with_capacity(few.len()); // `collect` would keep the room of the clients
    servers.extend(few.into_iter().map(|[_, server]| server));
    servers.iter_mut().zip(&requests).for_each(|(server, request)| {
        echo(server, request);
    });
    let before = held();
    let count = servers.len() as isize;
    drop(servers);
    Figures { nanos: spread(nanos), answer: answers / per_round, idle: (before - held()) / count }
}

pub fn report(quick: bool) {
    println!("## By its settings\n");
    println!(
        "An echo in memory: the server inflates a message of JSON and compresses it again; both ends use the same \
         settings. CPU in µs a message: the middle of the rounds (least – most). *Idle*: bytes that a server's connection \
         holds after a 16 KiB echo, the {} of `Connection` among them. Without takeover no context is kept in either \
         direction; by default a server also keeps what its client sent last, 4 KiB or 32 KiB, as `Deflate` says.\n",
        size_of::<Connection>()
    );
    println!("| level | window bits | takeover | 1 KiB: µs | bytes | 16 KiB: µs | bytes | idle |");
    println!("|---|---|---|---|---|---|---|---|");
    let config = [Config::client().into(), Config::server().into()];
    for choice in std::iter::once(None).chain(CHOICES.map(Some)) {
        let [short, long] = [1 << 10, 16 << 10].map(|size| measure(choice, size, quick, &config));
        let of = |figures: &Figures| {
            let (middle, least, most) = figures.nanos;
            format!("{:.1} ({:.1} – {:.1}) | {}", middle / 1e3, least / 1e3, most / 1e3, figures.answer)
        };
        let what = match choice {
            None => "uncompressed | | ".to_owned(),
            Some((level, bits, takeover)) => {
                format!("{level} | {bits} | {}", if takeover { "yes" } else { "no" })
            }
        };
        println!("| {what} | {} | {} | {} |", of(&short), of(&long), long.idle);
    }
    println!();
}
