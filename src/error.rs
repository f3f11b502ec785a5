//! The two ways the core can fail, by blame: the peer broke a rule, or the caller did.
//!
//! There is no third. The core does no I/O, so it has no I/O errors; adapters add theirs.
use crate::{
    close::{CloseCode, CloseFrame, CloseReason, InvalidCloseFrame},
    quote::Escaped,
    sentence::debug_as_display,
    sniff::LooksLike,
};
use std::fmt;

/// The peer broke the protocol, or went over a limit of this end. Always fatal, and always answered with
/// [`close_code`](Self::close_code).
///
/// Two of them are equal if rule, offset and [`reason`](Self::reason) are. What the bytes [look like](Self::looks_like) is a
/// guess, which depends on how many of them had come.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProtocolError {
    /// The rule that was broken.
    pub violation: Violation,
    /// Where the frame begins that broke it: how many bytes came after the handshake and before that frame.
    pub offset: u64,
    /// What else is known.
    pub(crate) evidence: Option<Box<Evidence>>,
}

/// What a peer that broke a rule meant, as far as that shows.
#[derive(Clone, Debug)]
pub(crate) enum Evidence {
    Reason(CloseReason),
    LooksLike(LooksLike),
}

impl PartialEq for ProtocolError {
    fn eq(&self, other: &Self) -> bool {
        (self.violation, self.offset, self.reason()) == (other.violation, other.offset, other.reason())
    }
}
impl Eq for ProtocolError {}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let violation = self.violation;
        match self.looks_like() {
            _ if violation.is_limit() => write!(f, "over a limit of ours: {violation}")?,
            Some(looks_like) => write!(
                f,
                "the peer broke the protocol: where a frame should be, there is what looks like {looks_like} \
                 ({violation})"
            )?,
            None => write!(f, "the peer broke the protocol: {violation}")?,
        }
        match self.reason() {
            Some(reason) => write!(f, " ({})", Escaped(reason)),
            None => Ok(()),
        }
    }
}
impl std::error::Error for ProtocolError {}
debug_as_display!(ProtocolError);

impl ProtocolError {
    /// The reason in a Close frame that broke a rule, as far as it can be read: what the peer wanted to say.
    pub fn reason(&self) -> Option<&str> {
        match self.evidence.as_deref() {
            Some(Evidence::Reason(reason)) => Some(reason.as_str()),
            _ => None,
        }
    }
    /// What the peer sent where a frame should begin, if it looks like another protocol: judged by the bytes that had come
    /// when the frame was found wrong.
    pub fn looks_like(&self) -> Option<LooksLike> {
        match self.evidence.as_deref() {
            Some(Evidence::LooksLike(looks_like)) => Some(*looks_like),
            _ => None,
        }
    }
    /// The code of the Close frame that answers it.
    pub const fn close_code(&self) -> CloseCode {
        self.violation.close_code()
    }
}

/// Which rule the peer broke, or which limit it passed. Each names the section it comes from, and the Close code that answers it.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// RFC 6455 §5.2: an opcode that has no meaning. 1002.
    #[error("reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// RFC 6455 §5.2: reserved bits set to which no extension gives a meaning. 1002.
    #[error("reserved bits set where no extension gives them a meaning")]
    ReservedBits,
    /// RFC 6455 §5.2: the length was not encoded in the fewest bytes. 1002.
    #[error("payload length not minimally encoded")]
    OverlongLength,
    /// RFC 6455 §5.2: the top bit of a 64-bit length was set. 1002.
    #[error("payload length over 2^63 - 1")]
    LengthOverflow,
    /// RFC 6455 §5.1: a client's frame without a mask, unless [`accept_unmasked`](crate::Config::accept_unmasked). 1002.
    #[error("unmasked frame from a client")]
    Unmasked,
    /// RFC 6455 §5.1: a server's frame with a mask. 1002.
    #[error("masked frame from a server")]
    Masked,
    /// RFC 6455 §5.5: a control frame in fragments. 1002.
    #[error("fragmented control frame")]
    FragmentedControl,
    /// RFC 6455 §5.5: a control frame of more than 125 bytes. 1002.
    #[error("control frame longer than 125 bytes")]
    LongControl,
    /// RFC 6455 §5.4: a continuation of nothing. 1002.
    #[error("continuation frame without a message to continue")]
    UnexpectedContinuation,
    /// RFC 6455 §5.4: a new message inside another. 1002.
    #[error("new message before the last one ended")]
    ExpectedContinuation,
    /// RFC 6455 §5.5.1: a Close frame with a body of one byte. 1002.
    #[error("Close frame with a body of one byte")]
    ShortClose,
    /// RFC 6455 §7.4: a close code that may not be sent. 1002.
    #[error("close code {0} may not be sent")]
    CloseCode(u16),
    /// RFC 6455 §5.5.1: the reason in a Close frame, with this code, that is not UTF-8. 1007.
    #[error("the reason of a Close frame with code {0} is not valid UTF-8")]
    CloseReason(u16),
    /// RFC 6455 §8.1: text that is not UTF-8. 1007.
    #[error("text is not valid UTF-8")]
    Utf8,
    /// RFC 7692 §7.2.2: a compressed message that cannot be decompressed, or ends too soon; or the like of another
    /// [`Extension`](crate::extension::Extension). 1007.
    #[error("compressed message is corrupt, or ends too soon")]
    Encoding,
    /// RFC 7692 §7.1: a compressed message that makes no sense, from a sender that has agreed to remember less of earlier
    /// messages than it could (`client_no_context_takeover`, `client_max_window_bits`; or `server_…`). Most likely it does
    /// not keep to that: [`Deflate::receive`](crate::extension) says which clients do not. 1007.
    #[error(
        "compressed message is corrupt, or refers farther back than agreed (no_context_takeover, max_window_bits)"
    )]
    MissingContext,
    /// More bytes in a message than [`max_message_size`](crate::Config::max_message_size). 1009.
    #[error("message longer than {limit} bytes (Config::max_message_size)")]
    MessageTooBig {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More frames in a message than [`max_fragments`](crate::Config::max_fragments). 1008.
    #[error("message in more than {limit} frames (Config::max_fragments)")]
    TooManyFragments {
        /// The limit, in frames.
        limit: u32,
    },
    /// More empty fragments in a row than [`max_empty_fragments`](crate::Config::max_empty_fragments). 1008.
    #[error("more than {limit} empty fragments in a row (Config::max_empty_fragments)")]
    TooManyEmptyFragments {
        /// The limit, in frames.
        limit: u32,
    },
    /// A compressed message of which a part has come would hold more memory than it leaves to those of other connections,
    /// within [`Deflate::memory`](crate::extension). The peer broke no rule: it may try again later. 1013.
    #[error(
        "compressed messages under way hold too much of the memory budget ({budget} bytes; see Deflate::memory)"
    )]
    OverBudget {
        /// The budget for all connections, in bytes.
        budget: usize,
    },
}
debug_as_display!(Violation);
impl Violation {
    /// Whether it is a limit of this end that was passed, of its [`Config`](crate::Config) or its memory. The peer, which cannot know the
    /// limit, broke no rule of the protocol.
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::MessageTooBig { .. }
                | Self::TooManyFragments { .. }
                | Self::TooManyEmptyFragments { .. }
                | Self::OverBudget { .. }
        )
    }
    /// The code of the Close frame that answers it (RFC 6455 §7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Utf8 | Self::CloseReason(_) | Self::Encoding | Self::MissingContext => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::MessageTooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments { .. } | Self::TooManyEmptyFragments { .. } => CloseCode::POLICY_VIOLATION,
            Self::OverBudget { .. } => CloseCode::TRY_AGAIN_LATER,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
    /// The Close frame that answers it: the code, and the rule in words.
    pub fn close_frame(self) -> CloseFrame {
        CloseFrame::truncate(self.close_code(), &self.to_string())
    }
}

/// The caller asked for something that the protocol does not allow now. Nothing was sent; nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The opening handshake is still under way (RFC 6455 §6.1): wait for
    /// [`SessionEvent::Open`](crate::session::SessionEvent::Open).
    #[error("not connected yet")]
    Connecting,
    /// A Close frame has been queued, sent or received, or the transport has ended: nothing may follow (RFC 6455
    /// §5.5.1). Or what was waited for was dropped, because the connection ended.
    #[error("the connection is closing or closed")]
    Closing,
    /// More than [`high_water_mark`](crate::Config::high_water_mark) is queued, and the call does not wait. The message
    /// has not been queued: try again later.
    #[error("more than Config::high_water_mark is queued, so the message was not")]
    Full,
    /// A message sent in chunks has not ended; no other may begin before it does (RFC 6455 §5.4).
    #[error("a message sent in chunks has not been finished")]
    Unfinished,
    /// A chunk of one kind cannot continue a message of the other (RFC 6455 §5.4).
    #[error("a chunk of another kind than the message it continues")]
    KindMismatch,
    /// Pings and pongs carry at most 125 bytes (RFC 6455 §5.5).
    #[error("control payload of {0} bytes; at most 125 fit")]
    LongControl(usize),
    /// A Close frame may not have this code, or its reason is too long (RFC 6455 §5.5.1, §7.4).
    #[error(transparent)]
    InvalidCloseFrame(#[from] InvalidCloseFrame),
}
debug_as_display!(SendError);
