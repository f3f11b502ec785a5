//! RFC 1951 and RFC 7692 §7.2.2 read naively: bit by bit, with all that was ever inflated at hand.
//!
//! It says no where zlib does: codes that are incomplete or over-subscribed, more symbols than there are, no end of block.

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
                    1 => self.coded(&fixed(), &Code::new(&[5; 30]).0)?,
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
        let byte = self.data.get(self.at / 8).ok_or(Stop::Corrupt)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(bit.into())
    }

    fn bits(&mut self, n: usize) -> Result<usize, Stop> {
        (0..n).try_fold(0, |sum, i| Ok(sum | self.bit()? << i))
    }

    fn put(&mut self, byte: u8) -> Result<(), Stop> {
        // The mark is no message, nor the end of a symbol of one.
        if self.at > self.payload {
            return Err(Stop::Corrupt);
        }
        self.out.push(byte);
        if self.out.len() > self.most { Err(Stop::TooLong) } else { Ok(()) }
    }

    fn stored(&mut self) -> Result<(), Stop> {
        self.at = self.at.next_multiple_of(8);
        let (len, check) = (self.bits(16)?, self.bits(16)?);
        if len ^ check != 0xFFFF {
            return Err(Stop::Corrupt);
        }
        for _ in 0..len {
            let byte = *self.data.get(self.at / 8).ok_or(Stop::Corrupt)?;
            self.at += 8;
            self.put(byte)?;
        }
        Ok(())
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
        let mut word = 0;
        for (first, symbols) in &code.0 {
            word = word << 1 | self.bit()?;
            // A word of this length, unless a longer one begins like that.
            if let Some(&symbol) = word.checked_sub(*first).and_then(|at| symbols.get(at)) {
                return Ok(symbol);
            }
        }
        Err(Stop::Corrupt)
    }

    fn coded(&mut self, literals: &Code, distances: &Code) -> Result<(), Stop> {
        loop {
            let symbol = self.symbol(literals)?;
            match symbol {
                0..=255 => self.put(symbol as u8)?,
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
        (from..from + len).try_for_each(|at| self.put(self.out[at]))
    }
}

/// A canonical code (§3.2.2): for each length of 1 to 15 bits its first word, and the symbols of that and the next.
struct Code(Vec<(usize, Vec<usize>)>);

impl Code {
    /// And how much of it is left, in words of 15 bits; less than nothing if there are too many.
    fn new(lens: &[u8]) -> (Self, i32) {
        let (mut code, mut next, mut left) = (vec![(0, vec![]); 15], 0, 1 << 15);
        for (symbol, &len) in lens.iter().enumerate().filter(|(_, len)| **len > 0) {
            code[usize::from(len) - 1].1.push(symbol);
            left -= 1 << (15 - len);
        }
        for (first, symbols) in &mut code {
            next <<= 1;
            *first = next;
            next += symbols.len();
        }
        // No symbol at all: whoever reads one finds none.
        (Self(code), if left == 1 << 15 { 0 } else { left })
    }
}

/// §3.2.6
fn fixed() -> Code {
    let len = |symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    };
    Code::new(&(0..288).map(len).collect::<Vec<_>>()).0
}
