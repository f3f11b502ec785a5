//! What the transport has taken, and how much of it has left: told apart by frames, as they come.

#[derive(Debug, Default)]
pub(super) struct Wire {
    pub bytes: Vec<u8>,
    /// How many of them have left.
    pub left: usize,
    /// Where frames end, as far as that is known; and whether they are of messages.
    frames: Vec<(usize, u8)>,
    /// How many frames have left, and how many bytes of messages those are.
    gone: usize,
    data: usize,
    /// Of the pings that are counted, the last that has left.
    last_ping: Option<usize>,
}

impl Wire {
    /// All of it has left.
    pub(super) fn leave(&mut self) {
        self.left = self.bytes.len();
        self.read();
        while let Some(&(end, first)) = self.frames.get(self.gone).filter(|(end, _)| *end <= self.left) {
            let begin = self.gone.checked_sub(1).map_or(0, |before| self.frames[before].0);
            self.data += if first & 8 == 0 { end - begin } else { 0 };
            self.gone += 1;
            if first == 0x89 {
                self.last_ping = self.count(begin).or(self.last_ping);
            }
        }
    }

    /// The count that is the payload of a ping, if it is one.
    fn count(&self, begin: usize) -> Option<usize> {
        let [_, second, rest @ ..] = &self.bytes[begin..] else { return None };
        let (key, payload) = if second & 0x80 != 0 { rest.split_at(4) } else { (&[0; 4][..], rest) };
        let payload = payload.get(..8).filter(|_| second & 0x7F == 8)?;
        Some(
            payload
                .iter()
                .zip(key.iter().cycle())
                .fold(0, |count, (byte, key)| count << 8 | usize::from(byte ^ key)),
        )
    }

    /// How many of the pings that are counted have left, or were passed by.
    pub(super) fn pings_left(&self) -> usize {
        self.last_ping.map_or(0, |last| last + 1)
    }

    fn read(&mut self) {
        loop {
            let begin = self.frames.last().map_or(0, |(end, _)| *end);
            let Some(&[first, second, ref rest @ ..]) = self.bytes.get(begin..) else { return };
            let more = match second & 0x7F {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let Some(long) = rest.get(..more) else { return };
            let long = long.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            let len = if more == 0 { usize::from(second & 0x7F) } else { long };
            let header = 2 + more + if second & 0x80 != 0 { 4 } else { 0 };
            self.frames.push((begin + header + len, first));
        }
    }

    /// How many bytes of messages have left, headers included.
    pub(super) fn data_left(&self) -> usize {
        let begin = self.gone.checked_sub(1).map_or(0, |before| self.frames[before].0);
        let part = match self.bytes.get(begin) {
            Some(first) if first & 8 == 0 => self.left - begin.min(self.left),
            _ => 0,
        };
        self.data + part
    }

    /// Whether a Close frame has left whole.
    pub(super) fn close_left(&self) -> bool {
        self.frames[..self.gone].iter().any(|(_, first)| *first == 0x88)
    }
}
