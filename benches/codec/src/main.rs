//! In-memory costs of sansocket's core and of other libraries, without sockets.
//!
//! ```text
//! codec-bench race KIND SIZE [--quick]   every row, interleaved: ns per message
//! codec-bench one KIND ROW SIZE COUNT    one row, for callgrind
//! codec-bench names KIND                 the rows
//! codec-bench state                      bytes of a connection of sansocket
//! ```
//!
//! `parse`: a server reads masked text frames, one after the other, from a stream that gives up to 64 KiB a read.
//! `encode`: a server sends text messages and flushes after every 64. `encode-client`: the same, masked.
mod encode;
mod limit;
mod mem;
mod parse;

use rustix::time::{ClockId, clock_gettime};

/// The library, and the row that ratios are taken against.
const BASELINE: &str = "sansocket";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["race", kind, size] => race(kind, number(size), 25, 8_000_000),
        ["race", kind, size, "--quick"] => race(kind, number(size), 5, 2_000_000),
        ["one", kind, row, size, count] => Bench::new(kind, number(size)).run(row, number(count) as u64),
        ["names", kind] => println!("{}", names(kind).join("\n")),
        ["state"] => println!("{}", size_of::<sansocket::proto::Connection>()),
        _ => {
            eprintln!(
                "usage: codec-bench race KIND SIZE [--quick] | one KIND ROW SIZE COUNT | names KIND | state"
            );
            std::process::exit(2);
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// Every row of a table: the hand-written limit, this library, its peers.
fn names(kind: &str) -> Vec<&'static str> {
    let own: &[_] = match kind {
        "parse" => &["sansocket", "sansocket-owned", "sansocket-read-buf"],
        _ => &["sansocket"],
    };
    let peers = [
        "tungstenite",
        "fastwebsockets",
        "tokio-websockets",
        "yawc",
        "yawc-codec",
        "sockudo-ws",
        "sockudo-ws-protocol",
        "wtx",
        "web-socket",
        "soketto",
    ];
    [&["limit"], own, &peers].concat()
}

/// A table, and what every row of it begins with.
enum Bench {
    Parse(parse::Input),
    Encode(encode::Input),
}

impl Bench {
    fn new(kind: &str, size: usize) -> Self {
        match kind {
            "parse" => Self::Parse(parse::Input::new(size)),
            "encode" => Self::Encode(encode::Input::new(size, false)),
            "encode-client" => Self::Encode(encode::Input::new(size, true)),
            other => panic!("unknown kind {other}"),
        }
    }

    /// So many messages.
    fn run(&self, row: &str, count: u64) {
        match self {
            Self::Parse(input) => parse::run(row, input, count),
            Self::Encode(input) => encode::run(row, input, count),
        }
    }
}

/// Runs every row in turn, `rounds` times after one to warm up, and prints the table.
fn race(kind: &str, size: usize, rounds: usize, bytes: usize) {
    let (names, bench) = (names(kind), Bench::new(kind, size));
    let count = (bytes / (size + 60)).max(if size < 1 << 20 { 512 } else { 32 });
    let mut times = vec![Vec::new(); names.len()];
    for round in 0..=rounds {
        for (row, times) in names.iter().zip(&mut times) {
            let start = processor_time();
            bench.run(row, count as u64);
            if round > 0 {
                times.push((processor_time() - start) / count as f64);
            }
        }
    }
    let figures: Vec<(f64, f64)> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            (times[0], times[rounds / 2])
        })
        .collect();
    let ours = names.iter().position(|&name| name == BASELINE).map_or(f64::NAN, |at| figures[at].0);
    println!("| {kind}, {size} B | ns min | ns median | × {BASELINE} |\n|---|---:|---:|---:|");
    for (name, (min, median)) in names.iter().zip(figures) {
        println!("| {name} | {min:.1} | {median:.1} | {:.2} |", min / ours);
    }
}

/// Nanoseconds that this thread has run. On a busy machine the clock on the wall also counts the turns of others,
/// and the more of them the longer a row takes.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Text of so many bytes, all of them ASCII.
fn text(size: usize) -> String {
    (b'a'..=b'z').cycle().take(size).map(char::from).collect()
}
