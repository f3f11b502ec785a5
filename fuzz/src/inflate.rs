//! RFC 1951 and RFC 7692 §7.2.2 read naively: each code a table of all its words, and all that was ever inflated at hand.
//!
//! It says no where zlib does: codes that are incomplete or over-subscribed, more symbols than there are, no end of block.
//! It compares little for each byte: each comparison is a call of the fuzzer's.
use std::sync::LazyLock;

/// What senders take off the end of every message (RFC 7692 §7.2.1).
const MARK: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// The farthest that a reference goes (RFC 1951 §2).
const FARTHEST: usize = 32 << 10;

/// So many streams may a message have, and beyond them one for as many bytes each: the library's own rule.
const FEW: usize = 64;

const LENGTHS: [(usize, usize); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The order of the lengths of the code for lengths (§3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// One direction of a connection.
#[derive(Debug)]
pub struct Inflate {
    window: usize,
    takeover: bool,
    /// All that messages may refer to, and that of the message at hand.
    history: Vec<u8>,
}

/// What a payload means.
#[derive(Debug)]
pub struct Inflated {
    /// All of it that there is before its end, whichever that is.
    pub bytes: Vec<u8>,
    pub end: End,
    /// It refers to what it may not, and it is for the receiver to say whether it remembers so much.
    pub overreaches: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Whole,
    /// It makes no sense, or ends too soon.
    Corrupt,
    /// There is at least one byte more than asked for, and it is the last of them.
    TooLong,
}

/// Why no more is read.
enum Stop {
    Corrupt,
    TooLong,
}

impl Inflate {
    /// The window is of so many bits; with fewer than nine zlib sends as with nine.
    pub fn new(window_bits: u8, takeover: bool) -> Self {
        Self { window: 1 << window_bits.max(9), takeover, history: vec![] }
    }

    /// The next message, up to one byte more than `most`.
    pub fn message(&mut self, payload: &[u8], most: usize) -> Inflated {
        self.history.drain(
            ..if self.takeover { self.history.len().saturating_sub(FARTHEST) } else { self.history.len() },
        );
        let (data, begin) = ([payload, &MARK].concat(), self.history.len());
        let mut run = Run {
            data: &data,
            at: 0,
            payload: payload.len() * 8,
            most: begin.saturating_add(most),
            out: std::mem::take(&mut self.history),
            window: self.window,
            begin,
            stream: begin,
            streams: 0,
            overreaches: false,
        };
        let end = match run.message() {
            Ok(()) => End::Whole,
            Err(Stop::Corrupt) => End::Corrupt,
            Err(Stop::TooLong) => End::TooLong,
        };
        self.history = run.out;
        Inflated { bytes: self.history[begin..].to_vec(), end, overreaches: run.overreaches }
    }
}

/// A message being read.
struct Run<'a> {
    data: &'a [u8],
    /// In bits; and where the mark begins that the sender did not send.
    at: usize,
    payload: usize,
    most: usize,
    out: Vec<u8>,
    window: usize,
    /// Where in `out` the message begins, and the stream that is being read.
    begin: usize,
    stream: usize,
    /// How many have ended.
    streams: usize,
    overreaches: bool,
}

impl Run<'_> {
    fn message(&mut self) -> Result<(), Stop> {
        loop {
            // A stream begins, or there is no more of them.
            if self.at == self.payload {
                return Ok(());
            }
            self.stream = self.out.len();
            loop {
                let last = self.bit()? == 1;
                match self.bits(2)? {
                    0 => self.stored()?,
                    1 => self.coded(&FIXED[0], &FIXED[1])?,
                    2 => self.dynamic()?,
                    _ => return Err(Stop::Corrupt),
                }
                if self.at == self.data.len() * 8 {
                    return Ok(());
                }
                if last {
                    self.streams += 1;
                    if self.streams > FEW + (self.out.len() - self.begin) / FEW {
                        return Err(Stop::Corrupt);
                    }
                    self.at = self.at.next_multiple_of(8);
                    break;
                }
            }
            if self.at > self.payload {
                return if self.at == self.data.len() * 8 { Ok(()) } else { Err(Stop::Corrupt) };
            }
        }
    }

    fn bit(&mut self) -> Result<usize, Stop> {
        self.bits(1)
    }

    /// The next 16 bits, the first of them the lowest; zeros after the end.
    fn peek(&self) -> usize {
        let at = self.at / 8;
        let word = match self.data.get(at..at + 3) {
            Some(bytes) => bytes[0] as usize | (bytes[1] as usize) << 8 | (bytes[2] as usize) << 16,
            None => self.data[at..].iter().rev().fold(0, |word, byte| word << 8 | usize::from(*byte)),
        };
        word >> (self.at % 8) & 0xFFFF
    }

    fn skip(&mut self, bits: usize) -> Result<(), Stop> {
        self.at += bits;
        if self.at <= self.data.len() * 8 { Ok(()) } else { Err(Stop::Corrupt) }
    }

    /// Up to 16.
    fn bits(&mut self, n: usize) -> Result<usize, Stop> {
        let word = self.peek() & ((1 << n) - 1);
        self.skip(n)?;
        Ok(word)
    }

    /// So many bytes of those in `out` from there on, which may themselves have been put just before.
    fn put(&mut self, mut from: usize, len: usize) -> Result<(), Stop> {
        let mut left = self.take(len)?;
        while left > 0 {
            let some = left.min(self.out.len() - from);
            self.out.extend_from_within(from..from + some);
            (from, left) = (from + some, left - some);
        }
        self.check_len()
    }

    /// How many of so many bytes are to be put: one more than there may be, at most.
    fn take(&self, len: usize) -> Result<usize, Stop> {
        // The mark is no message, nor the end of a symbol of one.
        if self.at > self.payload {
            return Err(Stop::Corrupt);
        }
        Ok(len.min(self.most.saturating_add(1) - self.out.len()))
    }

    fn check_len(&self) -> Result<(), Stop> {
        if self.out.len() > self.most { Err(Stop::TooLong) } else { Ok(()) }
    }

    fn stored(&mut self) -> Result<(), Stop> {
        self.at = self.at.next_multiple_of(8);
        let (len, check) = (self.bits(16)?, self.bits(16)?);
        if len ^ check != 0xFFFF {
            return Err(Stop::Corrupt);
        }
        if len == 0 {
            return Ok(());
        }
        // What there is of it in the payload comes out, even if that is not all.
        let there = len.min(self.payload.saturating_sub(self.at) / 8);
        let from = self.at / 8;
        self.out.extend_from_slice(&self.data[from..from + self.take(there)?]);
        self.check_len()?;
        self.at += 8 * there;
        if there < len { Err(Stop::Corrupt) } else { Ok(()) }
    }

    fn dynamic(&mut self) -> Result<(), Stop> {
        let (literals, distances, n) = (self.bits(5)? + 257, self.bits(5)? + 1, self.bits(4)? + 4);
        if literals > 286 || distances > 30 {
            return Err(Stop::Corrupt);
        }
        let mut lens = [0; 19];
        for &symbol in &ORDER[..n] {
            lens[symbol] = self.bits(3)? as u8;
        }
        let (code, left) = Code::new(&lens);
        if left != 0 {
            return Err(Stop::Corrupt);
        }
        let mut lens = vec![];
        while lens.len() < literals + distances {
            let (len, times) = match self.symbol(&code)? {
                16 => (*lens.last().ok_or(Stop::Corrupt)?, 3 + self.bits(2)?),
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                len => (len as u8, 1),
            };
            lens.extend(std::iter::repeat_n(len, times));
        }
        if lens.len() > literals + distances || lens[256] == 0 {
            return Err(Stop::Corrupt);
        }
        let (literals, distances) = lens.split_at(literals);
        let codes = [literals, distances].map(|lens| {
            let (code, left) = Code::new(lens);
            // A code of one symbol, of one bit, is incomplete, and so is one of none.
            let good = left == 0 || left > 0 && lens.iter().all(|&len| len <= 1);
            good.then_some(code)
        });
        let [Some(literals), Some(distances)] = codes else { return Err(Stop::Corrupt) };
        self.coded(&literals, &distances)
    }

    fn symbol(&mut self, code: &Code) -> Result<usize, Stop> {
        // The first bit of a word is its highest.
        let word = (self.peek() as u16).reverse_bits() >> (16 - code.longest);
        let &(symbol, len) = code.words.get(usize::from(word)).ok_or(Stop::Corrupt)?;
        self.skip(len.into())?;
        Ok(symbol.into())
    }

    fn coded(&mut self, literals: &Code, distances: &Code) -> Result<(), Stop> {
        loop {
            let symbol = self.symbol(literals)?;
            match symbol {
                0..=255 => {
                    self.take(1)?;
                    self.out.push(symbol as u8);
                    self.check_len()?;
                }
                256 => return Ok(()),
                _ => {
                    let &(least, extra) = LENGTHS.get(symbol - 257).ok_or(Stop::Corrupt)?;
                    let len = least + self.bits(extra)?;
                    let symbol = self.symbol(distances)?;
                    let (least, extra) = match symbol {
                        0..4 => (symbol, 0),
                        4..30 => ((2 + symbol % 2) << (symbol / 2 - 1), symbol / 2 - 1),
                        _ => return Err(Stop::Corrupt),
                    };
                    let distance = 1 + least + self.bits(extra)?;
                    self.copy(len, distance)?;
                }
            }
        }
    }

    fn copy(&mut self, len: usize, distance: usize) -> Result<(), Stop> {
        let from = self.out.len().checked_sub(distance).ok_or(Stop::Corrupt)?;
        // Of this stream everything is there; of what was before it, what the window holds. Of the message at hand there may
        // be more.
        if self.stream.saturating_sub(from) > self.window {
            self.overreaches = true;
            if self.stream == self.begin {
                return Err(Stop::Corrupt);
            }
        }
        self.put(from, len)
    }
}

/// A canonical code (§3.2.2): which symbol it is that a word of the longest length begins with, and of how many bits.
struct Code {
    words: Vec<(u16, u8)>,
    longest: u8,
}

impl Code {
    /// And how much of it is left, in words of 15 bits; less than nothing if there are too many.
    fn new(lens: &[u8]) -> (Self, i32) {
        // No symbol at all: whoever reads one finds none.
        let longest = lens.iter().copied().max().unwrap_or_default().max(1);
        let left = (1 << 15) - lens.iter().filter(|len| **len > 0).map(|len| 1 << (15 - len)).sum::<i32>();
        let mut words = vec![];
        if left >= 0 {
            for len in 1..=longest {
                for (symbol, _) in lens.iter().enumerate().filter(|(_, other)| **other == len) {
                    words.extend(std::iter::repeat_n((symbol as u16, len), 1 << (longest - len)));
                }
            }
        }
        (Self { words, longest }, if left == 1 << 15 { 0 } else { left })
    }
}

/// §3.2.6
static FIXED: LazyLock<[Code; 2]> = LazyLock::new(|| {
    let len = |symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    };
    let literals: Vec<u8> = (0..288).map(len).collect();
    [&literals[..], &[5; 30]].map(|lens| Code::new(lens).0)
});
