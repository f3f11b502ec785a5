//! One end, driven: bytes, partial writes, pending flushes, a clock, half-closes, failures and second thoughts, as the
//! script has them; then the driver goes on alone, and comes to an end in time.
//!
//! Input: three bytes of settings, then steps of one byte each, with an argument of one.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sansocket::proto::Role;
use sansocket_fuzz::driver::{Drive, Settings, Timeouts, World};
use std::time::Duration;

/// The longest script, in steps. A longer one costs time and finds nothing else.
const MOST_STEPS: usize = 200;

fuzz_target!(|script: &[u8]| {
    let [first, second, third, steps @ ..] = script else { return };
    let mut drive = Drive::new(settings(*first, *second));
    if third & 4 != 0 {
        drive.tell();
    }
    for step in steps.chunks(2).take(MOST_STEPS) {
        let (step, argument) = (step[0], step.get(1).copied().unwrap_or(0));
        if !drive.has_ended() {
            act(&mut drive, step, argument);
        }
        if third & 8 != 0 {
            drive.ask();
        }
    }
    drive.finish([World::Dead, World::Silent, World::Ends, World::Dead][usize::from(third & 3)]);
});

fn settings(first: u8, second: u8) -> Settings {
    let seconds = Duration::from_secs;
    let some = |bit: u8, after| (second & bit == 0).then_some(after);
    Settings {
        role: if first & 1 != 0 { Role::Client } else { Role::Server },
        timeouts: Timeouts {
            keepalive: some(1, seconds(7)).map(|interval| (interval, seconds(5))),
            message: some(2, seconds(11)),
            write: some(4, seconds(13)),
            close: some(8, if second & 16 != 0 { seconds(17) } else { seconds(3) }),
        },
        fragment_size: [1 << 20, 1000, 7, 1][usize::from(first >> 1 & 3)],
        high_water_mark: [64 << 10, 1000, 10, 0][usize::from(first >> 3 & 3)],
        chunks: first & 32 != 0,
        echo: first & 64 != 0 && first & 32 == 0,
        auto_pong: first & 128 == 0,
        buffers: second & 32 != 0,
        elsewhere: second & 64 != 0,
    }
}

fn act(drive: &mut Drive, step: u8, argument: u8) {
    let len = usize::from(argument);
    let flag = step & 32 != 0;
    let other = step & 64 != 0;
    match step & 31 {
        0 => drive.send(flag, len, other),
        1 => drive.send(flag, 200 * len, other),
        2 => drive.chunk(other, len, flag),
        3 => drive.ping(),
        4 => drive.mark(argument),
        5 => drive.ask(),
        6 => drive.write(len, flag),
        7 => drive.write(usize::MAX, flag),
        8 => drive.write(100 * len, flag),
        9 => drive.peer_takes(flag, 10 * len),
        10 | 11 => drive.peer_sends(flag, other, len),
        12 => drive.peer_sends(flag, other, 100 * len),
        13 => drive.peer_sends_frame(if flag { 0x89 } else { 0x8A }, &[7; 125][..len % 126]),
        14 => {
            drive.read(len, argument % 4);
        }
        15 | 16 => {
            drive.read(usize::MAX, argument);
        }
        17 => {
            drive.hear(flag);
        }
        18 | 19 => drive.drain(),
        20 => drive.wait(argument.into()),
        21 => drive.tell(),
        22 | 23 => {
            drive.wait_for_deadline();
            drive.tell();
        }
        24 => drive.shut_down(),
        25 => drive.set_reading(flag),
        26 => drive.set_pausing(flag),
        27 => drive.forget_mark(len),
        28 => {
            drive.wait(u64::from(argument % 16));
            drive.tell();
        }
        _ => rarely(drive, flag, argument),
    }
}

/// There is not much left to see after these.
fn rarely(drive: &mut Drive, flag: bool, argument: u8) {
    match argument % 32 {
        0..4 => drive.close(1000 + u16::from(argument), flag),
        4..8 if flag => drive.peer_sends_frame(0x88, &[]),
        4..8 => drive.peer_sends_frame(0x88, &[3, 0xE8 + argument % 4, b'x']),
        8..12 => drive.peer_ends(),
        12 if flag => drive.abort(),
        13 | 14 => drive.fail_write(),
        15 => drive.peer_sends_frame(argument, b"wrong"),
        _ => drive.tell(),
    }
}
