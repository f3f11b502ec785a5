//! The matrix: every way of setting a connection up, over streams that misbehave by chance. A model judges.
//!
//! `ENDS_SECONDS=600` goes on for so long; `ENDS_SEED=…` repeats one seed, and says what it does: see `tests/ends/run`.
use crate::{app::*, mix::*, model::*, plan::*, stream::*, support::*};
use std::{
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// So many seeds for each mix in an ordinary run.
const QUICK: u64 = 24;
/// So many of those failures are told.
const TOLD: usize = 8;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}: a number, please")))
}

/// What is wrong with one run.
fn run(mix: Mix, seed: u64) -> Option<String> {
    let plan = Plan::new(mix, &mut Chance(seed));
    let faults = catch_unwind(AssertUnwindSafe(|| plan.run(mix)));
    let faults = faults.unwrap_or_else(|panic| vec![words(&*panic)]);
    (!faults.is_empty()).then(|| format!("seed {seed}, {mix:?}: {faults:#?}"))
}

/// The mix that a seed is for.
fn mix_of(seed: u64) -> Mix {
    let all = mixes(&ALL);
    all[(seed % all.len() as u64) as usize]
}

/// For every run either all that was accepted before the end arrived, or the sender was told; closing ends within its
/// deadlines; nothing spins; the end is told once.
#[test]
fn whatever_a_stream_does_nothing_is_lost_untold() {
    if let Some(seed) = number("ENDS_SEED") {
        let plan = Plan::new(mix_of(seed), &mut Chance(seed));
        println!("{plan:?}, {:?}", plan.expected(mix_of(seed)));
        assert_eq!(run(mix_of(seed), seed), None);
        return;
    }
    let (began, wanted) = (epoch(), number("ENDS_SECONDS").map(Duration::from_secs));
    let first = if wanted.is_some() { sansocket_seed() } else { 0 };
    let quick = QUICK * mixes(&ALL).len() as u64;
    let (mut runs, mut failures) = (0_u64, vec![]);
    while wanted.map_or(runs < quick, |wanted| epoch() - began < wanted) {
        failures.extend(run(mix_of(first.wrapping_add(runs)), first.wrapping_add(runs)));
        runs += 1;
        if wanted.is_some() && runs % 10_000 == 0 {
            println!("seeds {first} to {}: {} fail", first.wrapping_add(runs), failures.len());
        }
    }
    let told = failures.iter().take(TOLD).map(|failure| format!("\n{failure}")).collect::<String>();
    assert!(failures.is_empty(), "{} of {runs} fail, from seed {first}{told}", failures.len());
}
/// Another one each time.
fn sansocket_seed() -> u64 {
    let mut seed = [0; 8];
    sansocket::entropy::Entropy::fill(&sansocket::entropy::SystemEntropy, &mut seed);
    u64::from_le_bytes(seed) >> 16
}

/// A half-close, or a reset, at each byte of what comes, while output waits.
#[test]
fn whichever_byte_is_the_last_nothing_is_lost_untold() {
    everywhere(&IN_TURN, |mix| {
        let of = |first, payload: &[u8]| from_peer_of(mix.role, first, payload);
        let frames = [
            of(PING, b"?"),
            of(TEXT, b"one"),
            of(BINARY & !FIN, b"tw"),
            of(FIN, b"o"),
            of(crate::support::CLOSE, &body(1000, "")),
        ];
        let bytes = frames.concat();
        for (cut, reset) in (0..=bytes.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
            let script = |stream: &Stream| {
                comes(stream, &bytes[..cut]);
                stream.state().room = 0;
                stream.at(millis(0), Act::Drip(50, millis(10)));
                stream.state().end = Some(if reset { Err(ErrorKind::ConnectionReset) } else { Ok(()) });
            };
            let steps = [Do::Feed(noise(1, 300)), Do::Echo];
            let run = mix.run(&|_| (), &script, &steps);
            let whole = cut == bytes.len();
            let expected =
                Expected { takes_all: !reset, close_leaves: whole && !reset, ends_within: Some(seconds(11)) };
            let faults = faults(&run, &expected);
            assert!(faults.is_empty(), "{cut} bytes, reset: {reset}: {faults:#?}");
            // A reset after the peer's Close frame is an error only to what had not left.
            if !(reset && whole) {
                assert_eq!(run.errors().next().is_none(), whole, "{cut}, {reset}: {:?}", run.said);
            }
        }
    });
}
