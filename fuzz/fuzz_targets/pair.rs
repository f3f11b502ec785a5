//! A client and a server of ours, a wire that cuts and delays, and a script: they never disagree.
//!
//! Input: settings, then steps of one byte each, with their arguments after it. At the end all that is on its way
//! arrives, and unless the script broke the wire, both connections end clean. A first step of 0xFD or more is a setting:
//! what is compressed.
#![no_main]
use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use sansocket_fuzz::pair::{Compression, How, Pair, Settings};

/// The longest script, in steps. A longer one costs time and finds nothing else.
const MOST_STEPS: usize = 400;

/// The client and the server.
const BOTH: [usize; 2] = [0, 1];

fuzz_target!(|script: &[u8]| {
    let (flags, compression, steps) = match script {
        [flags, 0xFD, steps @ ..] => (flags, Compression::Alone, steps),
        [flags, 0xFE, steps @ ..] => (flags, Compression::Takeover, steps),
        [flags, 0xFF, steps @ ..] => (flags, Compression::Mixed, steps),
        [flags, steps @ ..] => (flags, Compression::Off, steps),
        [] => return,
    };
    let mut script = Unstructured::new(steps);
    let mut pair = Pair::new(settings(*flags, compression));
    let mut steps = 0..MOST_STEPS;
    while !script.is_empty() && steps.next().is_some() && step(&mut pair, &mut script).is_ok() {}
    pair.finish();
});

fn settings(flags: u8, compression: Compression) -> Settings {
    Settings {
        fragment_size: [1 << 20, 1000, 7, 1][usize::from(flags & 3)],
        chunks: BOTH.map(|end| flags & 4 << end != 0),
        timeouts: flags & 16 != 0,
        echo: flags & 32 != 0,
        auto_pong: flags & 64 == 0,
        close_first: usize::from(flags >> 7),
        compression,
    }
}

fn step(pair: &mut Pair, script: &mut Unstructured<'_>) -> Result<()> {
    let step: u8 = script.arbitrary()?;
    let end = usize::from(step & 1);
    let flag = step & 2 != 0;
    let how = [How::Borrowed, How::Owned, How::Uncompressed, How::Prepared][usize::from(step >> 6)];
    match step >> 2 & 15 {
        0 => pair.send(end, flag, script.arbitrary::<u8>()?.into(), how),
        1 => pair.send(end, flag, script.arbitrary::<u16>()?.into(), how),
        2 => pair.send(end, flag, usize::from(script.arbitrary::<u16>()?) * 5, how),
        3 | 4 => pair.chunk(end, flag, script.arbitrary::<u8>()?.into(), how),
        5 => pair.chunk(end, flag, script.arbitrary::<u16>()?.into(), how),
        6 => pair.ping(end, script.arbitrary::<u8>()?.into()),
        7 => pair.pong(end, script.arbitrary::<u8>()?.into()),
        8 => {
            let code = script.arbitrary::<u16>()?;
            pair.close(end, flag.then_some(code), script.arbitrary::<u8>()?.into());
        }
        9 => pair.write(end, script.arbitrary::<u8>()?.into()),
        10 => pair.write(end, usize::MAX),
        11 => pair.deliver(end, script.arbitrary::<u8>()?.into(), flag),
        12 => pair.deliver(end, usize::MAX, flag),
        13 => pair.poll(end, if flag { usize::MAX } else { 1 }),
        14 => pair.wait(script.arbitrary::<u16>()?.into()),
        // Rarely, for there is not much left to see after it.
        _ => match script.arbitrary::<u8>()? {
            0..16 => pair.cut(end),
            16..32 => pair.abort(end),
            _ => pair.settle(),
        },
    }
    Ok(())
}
