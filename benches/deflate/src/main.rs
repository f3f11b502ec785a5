//! What permessage-deflate costs: `deflate-bench [--quick]` writes tables.
mod broadcast;
mod counted;
mod settings;

use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => report(false),
        ["--quick"] => report(true),
        ["receive", port, count] => broadcast::receive(number(port) as u16, number(count)),
        _ => {
            eprintln!("usage: deflate-bench [--quick]");
            std::process::exit(2);
        }
    }
}

fn report(quick: bool) {
    println!("# What permessage-deflate costs\n\nWritten by `./run`.\n");
    settings::report(quick);
    broadcast::report(quick);
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// CPU time of this process, user and system, in nanoseconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// JSON of so many bytes, different for each seed.
fn json(seed: usize, len: usize) -> String {
    let mut state = seed as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let names = ["Ada", "Barbara", "Grace", "Edsger", "Donald", "Tony", "Leslie", "Frances"];
    let words = ["shipped", "pending", "cancelled", "returned", "delayed", "paid", "new", "blocked"];
    let mut text = String::from("[");
    while text.len() < len {
        let (name, status) = (names[next() as usize % 8], words[next() as usize % 8]);
        let _ = write!(
            text,
            "{{\"id\":{},\"customer\":\"{name} {}\",\"status\":\"{status}\",\"total\":{}.{:02},\"express\":{}}},",
            next() % 1_000_000,
            next() % 1000,
            next() % 5000,
            next() % 100,
            next() % 2 == 0
        );
    }
    text.truncate(len - 1);
    text.push(']');
    text
}

/// The middle one, the least and the most.
fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}
