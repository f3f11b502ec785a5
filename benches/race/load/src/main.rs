//! The load of the race: one thread, one epoll, frames made beforehand, and nothing allocated for a message,
//! so that it costs less than any server.
//!
//! Replies are only counted: the kernel throws them away without a copy. What they hold is compared byte by
//! byte for the first and the last of each connection, and for some of those that differ in length, as
//! compressed ones do, which have to be read. Each command prints a line of JSON; `--help` tells more.
mod args;
mod attacker;
mod churn;
mod client;
mod echo;
mod flood;
mod frame;
mod histogram;
mod idle;
mod json;
mod messages;
mod payload;
mod report;
mod server;
mod sys;

use args::{Args, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::from_env();
    sys::raise_descriptors();
    let told = match args.command {
        Command::Echo => echo::run(&args),
        Command::Idle => idle::run(&args),
        Command::Churn => churn::run(&args),
        Command::Flood(kind) => flood::run(&args, kind),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("race-load: {error}");
            ExitCode::FAILURE
        }
    }
}
