//! Shortcuts to a whole message in one frame, as nearly every message is. They report no violation: a frame that they do
//! not take, they leave untouched to [`Reader::read`]. So they must take no message that could break a rule. A new limit
//! on such messages belongs in [`short_below`] and in [`Reader::read_one_frame`], too.
use super::{Reader, State, payload::unmask};
use crate::{config::Config, frame::MaskKey, message::Kind, proto::state::Role};

/// The length of the header of a masked frame of at most 125 bytes.
const SHORT_HEADER: usize = 6;

/// A payload of fewer bytes than this has a [`SHORT_HEADER`] and is within the limit. 0 for a client, which receives no such
/// header.
pub(super) fn short_below(role: Role, config: &Config) -> u8 {
    match role {
        Role::Server => config.max_message_size.min(125) as u8 + 1,
        Role::Client => 0,
    }
}

impl Reader {
    /// Lends a whole message in one frame, if that is next. It is by far the most common case, so it is tried first.
    /// `false`: nothing has changed, and [`read`](Self::read) must look. This never lends a message that `read` would not.
    ///
    /// Always inlined: a call would add a tenth to its cost, and few places call it.
    #[inline(always)]
    pub(in crate::proto) fn read_whole(&mut self, config: &Config) -> bool {
        #[cfg(test)]
        if self.no_short_ways {
            return false;
        }
        if !self.is_between() || self.credit == 0 {
            return false;
        }
        self.credit -= 1;
        self.read_short() || self.read_long(config)
    }

    /// Lends a masked frame with a header of six bytes. Most messages to a server come in such a frame.
    #[inline(always)]
    fn read_short(&mut self) -> bool {
        let Some((head, rest)) = self.input.unread_mut().split_first_chunk_mut::<SHORT_HEADER>() else {
            return false;
        };
        let [first, second, key @ ..] = *head;
        let Some(kind) = kind_of_whole(first) else { return false };
        let len = usize::from(second.wrapping_sub(0x80)); // with the mask bit set; else it is too long
        if len >= self.short_below.into() {
            return false;
        }
        let Some(payload) = rest.get_mut(..len) else { return false };
        let ascii = MaskKey::new(key).apply(payload);
        let valid = is_valid(kind, ascii, MaskKey::new(key), payload);
        if valid {
            self.lend_whole(kind, SHORT_HEADER, len);
        }
        valid
    }

    /// Lends a message in one frame of any other kind. If there is none, the caller gets its credit back.
    #[inline(never)]
    fn read_long(&mut self, config: &Config) -> bool {
        let whole = self.read_one_frame(config);
        self.credit += u32::from(!whole);
        whole
    }

    #[inline(always)]
    fn read_one_frame(&mut self, config: &Config) -> bool {
        let first = self.input.unread().first();
        let Some(kind) = first.and_then(|first| kind_of_whole(*first)) else { return false };
        let Ok(Some((header, size))) = self.header() else { return false };
        if header.len > config.max_message_size as u64 {
            return false;
        }
        let len = header.len as usize;
        let Some(payload) = self.input.unread_mut()[size..].get_mut(..len) else { return false };
        let key = header.mask.unwrap_or_default();
        let ascii = unmask(&mut { key }, payload);
        let valid = is_valid(kind, ascii, key, payload);
        if valid {
            self.lend_whole(kind, size, len);
        }
        valid
    }

    /// Lends the payload of the frame at the cursor.
    #[inline(always)]
    fn lend_whole(&mut self, kind: Kind, header: usize, len: usize) {
        let start = self.input.cursor + header;
        (self.input.start, self.input.end, self.input.cursor) = (start, start + len, start + len);
        (self.state, self.kind) = (State::Lent, kind);
    }
}

/// Text or binary, if this is the first byte of a message in one frame that is not encoded.
#[inline(always)]
fn kind_of_whole(first: u8) -> Option<Kind> {
    match first {
        0x81 => Some(Kind::Text),
        0x82 => Some(Kind::Binary),
        _ => None,
    }
}

/// Whether this unmasked payload is valid for its kind. If not, it is masked again, so that `read` finds it as it came.
#[inline(always)]
fn is_valid(kind: Kind, ascii: bool, key: MaskKey, payload: &mut [u8]) -> bool {
    kind == Kind::Binary || ascii || is_utf8(key, payload)
}

#[inline(never)]
fn is_utf8(mut key: MaskKey, payload: &mut [u8]) -> bool {
    let valid = simdutf8::basic::from_utf8(payload).is_ok();
    if !valid {
        key.apply(payload);
    }
    valid
}
