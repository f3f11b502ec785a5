//! The rules of headers: which frame may follow which (RFC 6455 §5.1, §5.2, §5.4), and the limits.
//!
//! A message in one frame may never pass here: the [short ways](super::short) lend it first. A new rule that such a
//! message can break has to make them decline it, too.
use super::{Frame, Reader, State};
use crate::{
    config::{Config, Delivery},
    error::Violation,
    frame::{Decoded, Header, Opcode, Rsv},
    message::Kind,
    proto::state::Role,
};

impl Reader {
    /// The header at the cursor, and its length. `None`: more bytes are needed. A rule that the bytes break already is
    /// reported at once.
    #[inline(always)]
    pub(super) fn header(&self) -> Result<Option<(Header, usize)>, Violation> {
        let rest = self.input.unread();
        let &[first, second, ..] = rest else { return Ok(None) };
        self.check_order(first, second)?;
        match Header::decode(rest)? {
            Decoded::Complete(header, size) => Ok(Some((header, size))),
            Decoded::Partial(_) => Ok(None),
        }
    }

    /// Checks the first two bytes of a frame against the state of the message (RFC 6455 §5.1, §5.2, §5.4).
    #[inline]
    fn check_order(&self, first: u8, second: u8) -> Result<(), Violation> {
        let rsv = Rsv::of(first);
        let begins = matches!(first & 0x0F, 1 | 2);
        if rsv != Rsv::NONE && !(begins && self.decoding.as_ref().is_some_and(|decoding| decoding.knows(rsv)))
        {
            return Err(Violation::ReservedBits);
        }
        match (self.role, second & 0x80 != 0) {
            (Role::Server, false) if !self.accept_unmasked => return Err(Violation::Unmasked),
            (Role::Client, true) => return Err(Violation::Masked),
            _ => {}
        }
        match (first & 0x0F, self.is_between()) {
            (0, true) => Err(Violation::UnexpectedContinuation),
            (1 | 2, false) => Err(Violation::ExpectedContinuation),
            _ => Ok(()),
        }
    }

    /// A data frame begins. Fails before a byte of its payload is kept.
    pub(super) fn begin_frame(
        &mut self,
        header: &Header,
        size: usize,
        config: &Config,
    ) -> Result<(), Violation> {
        let begins = match header.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        if let Some(kind) = begins {
            self.begin_message(kind, header.rsv)?;
        }
        let encoded = matches!(self.state, State::Within { encoded: true });
        self.check_limits(header, begins.is_some(), encoded, config)?;
        self.input.cursor += size;
        self.credit = self.credit.saturating_sub(1);
        if begins.is_some() || encoded {
            self.input.consume();
        }
        self.frame = Frame { fin: header.fin, key: header.mask.unwrap_or_default(), left: header.len };
        Ok(())
    }

    /// A message begins, in a frame with these reserved bits.
    fn begin_message(&mut self, kind: Kind, rsv: Rsv) -> Result<(), Violation> {
        self.input.consume();
        let encoded = rsv != Rsv::NONE; // `check_order` has checked that there is a decoder for them
        if let Some(decoding) = self.decoding.as_mut().filter(|_| encoded) {
            decoding.begin(rsv)?;
        }
        (self.fragments, self.empty_fragments) = (0, 0);
        self.progressed = true;
        (self.state, self.kind) = (State::Within { encoded }, kind);
        Ok(())
    }

    /// Checks the limits on a data frame, together with the frames of its message before it.
    fn check_limits(
        &mut self,
        header: &Header,
        begins: bool,
        encoded: bool,
        config: &Config,
    ) -> Result<(), Violation> {
        // A message in one frame has no fragments (RFC 6455 §5.4), and an empty last frame adds nothing but the end:
        // neither is counted.
        let fragmented = !begins || !header.fin;
        self.fragments = self.fragments.saturating_add(u32::from(!header.fin || header.len > 0));
        self.empty_fragments = if header.len == 0 { self.empty_fragments.saturating_add(1) } else { 0 };
        if fragmented && self.empty_fragments > config.max_empty_fragments {
            return Err(Violation::TooManyEmptyFragments { limit: config.max_empty_fragments });
        }
        if config.delivery == Delivery::Chunks {
            return Ok(());
        }
        if fragmented && self.fragments > config.max_fragments {
            return Err(Violation::TooManyFragments { limit: config.max_fragments });
        }
        let room = config.max_message_size.saturating_sub(self.input.message().len());
        if header.len > room as u64 && !encoded {
            return Err(Violation::MessageTooBig { limit: config.max_message_size });
        }
        Ok(())
    }
}
