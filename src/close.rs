//! What a Close frame says: [`CloseCode`], [`CloseReason`], the two as a [`CloseFrame`], and what becomes one.
use crate::{quote::Escaped, sentence::debug_as_display, text::Utf8Bytes};
use std::{fmt, num::NonZeroU16};

/// A status code that may travel in a Close frame (RFC 6455 §7.4).
///
/// 1005, 1006 and 1015 must never be sent, so no `CloseCode` holds them. How a connection ended, these two among the
/// answers, is in [`Closed`](crate::Closed).
///
/// ```
/// use sansocket::CloseCode;
///
/// assert_eq!(CloseCode::new(1000), Some(CloseCode::NORMAL));
/// assert_eq!(CloseCode::new(1006), None);
/// assert_eq!(CloseCode::new(4321).map(CloseCode::get), Some(4321));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(NonZeroU16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal),* $(,)?) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: Self = match Self::new($code) { Some(code) => code, None => panic!() };)*
        }
    };
}
codes! {
    /// 1000: the purpose of the connection has been fulfilled.
    NORMAL = 1000,
    /// 1001: a server is going down, or a browser has navigated away.
    GOING_AWAY = 1001,
    /// 1001: another name of [`GOING_AWAY`](Self::GOING_AWAY).
    AWAY = 1001,
    /// 1002: the peer broke the protocol.
    PROTOCOL_ERROR = 1002,
    /// 1003: this endpoint cannot accept this kind of data.
    UNSUPPORTED_DATA = 1003,
    /// 1007: the data did not match its type: most often, text that is not UTF-8.
    INVALID_PAYLOAD = 1007,
    /// 1008: the message violates this endpoint's policy.
    POLICY_VIOLATION = 1008,
    /// 1009: the message is bigger than this endpoint will take.
    MESSAGE_TOO_BIG = 1009,
    /// 1010: the server did not negotiate an extension that this client needs; the reason lists it.
    MANDATORY_EXTENSION = 1010,
    /// 1011: this endpoint met a condition that it did not expect.
    INTERNAL_ERROR = 1011,
    /// 1012: the service is restarting (IANA).
    SERVICE_RESTART = 1012,
    /// 1013: the service is overloaded (IANA).
    TRY_AGAIN_LATER = 1013,
    /// 1014: a gateway got an invalid response from the server behind it (IANA).
    BAD_GATEWAY = 1014,
}

impl CloseCode {
    /// The code with this number. `None` if the number must not appear in a Close frame: 1000 to 1003, 1007 to 1014
    /// and 3000 to 4999 may (RFC 6455 §7.4.2 and the IANA registry).
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => match NonZeroU16::new(code) {
                Some(code) => Some(Self(code)),
                None => None,
            },
            _ => None,
        }
    }
    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}
impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}
impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl TryFrom<u16> for CloseCode {
    type Error = InvalidCloseCode;
    fn try_from(code: u16) -> Result<Self, InvalidCloseCode> {
        Self::new(code).ok_or(InvalidCloseCode(code))
    }
}

/// A number that may not be sent as a close code, and the error that says so.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} may not be sent in a Close frame; 1000 to 1003, 1007 to 1014 and 3000 to 4999 may")]
pub struct InvalidCloseCode(pub u16);
debug_as_display!(InvalidCloseCode);

/// The reason in a Close frame: at most 123 bytes of text (RFC 6455 §5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CloseReason(Utf8Bytes);

/// A close reason of this many bytes is too long. It must fit a control frame beside its code: 123 bytes at most.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the close reason is {0} bytes; at most {max} fit a Close frame", max = CloseReason::MAX)]
pub struct InvalidCloseReason(pub usize);
debug_as_display!(InvalidCloseReason);

impl CloseReason {
    /// The longest a reason may be, in bytes.
    pub const MAX: usize = 123;

    /// A reason of as many whole characters of `text` as fit, from its beginning.
    pub fn truncate(text: &str) -> Self {
        let fits = (0..=text.len().min(Self::MAX)).rev().find(|&end| text.is_char_boundary(end));
        Self(text[..fits.unwrap_or(0)].into())
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<&str> for CloseReason {
    type Error = InvalidCloseReason;
    fn try_from(text: &str) -> Result<Self, InvalidCloseReason> {
        if text.len() > Self::MAX { Err(InvalidCloseReason(text.len())) } else { Ok(Self(text.into())) }
    }
}

/// What a Close frame says, unless it is empty: a code and a reason (RFC 6455 §5.5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CloseFrame {
    /// The code.
    pub code: CloseCode,
    /// The reason, often empty.
    pub reason: CloseReason,
}
impl CloseFrame {
    /// A code and a reason.
    ///
    /// ```
    /// use sansocket::{CloseCode, CloseFrame, close::InvalidCloseFrame};
    ///
    /// assert_eq!(CloseFrame::new(1001, "bye"), CloseFrame::new(CloseCode::GOING_AWAY, "bye"));
    /// assert!(matches!(CloseFrame::new(1005, "bye"), Err(InvalidCloseFrame::Code(_))));
    /// assert!(matches!(CloseFrame::new(1000, "why ".repeat(40)), Err(InvalidCloseFrame::Reason(_))));
    /// ```
    ///
    /// # Errors
    /// [`InvalidCloseFrame`]: the code may not be sent, or the reason is longer than 123 bytes.
    pub fn new(code: impl IntoCloseCode, reason: impl AsRef<str>) -> Result<Self, InvalidCloseFrame> {
        Ok(Self { code: code.into_close_code()?, reason: CloseReason::try_from(reason.as_ref())? })
    }
    /// A code with a reason, of which as many whole characters are kept as fit 123 bytes.
    pub fn truncate(code: CloseCode, reason: &str) -> Self {
        Self { code, reason: CloseReason::truncate(reason) }
    }
}
impl From<CloseCode> for CloseFrame {
    fn from(code: CloseCode) -> Self {
        Self { code, reason: CloseReason::default() }
    }
}
/// So that a driver's `close(CloseCode::NORMAL)` reads as it should.
impl From<CloseCode> for Option<CloseFrame> {
    fn from(code: CloseCode) -> Self {
        Some(code.into())
    }
}

/// Why there is no such Close frame.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCloseFrame {
    /// The code may not be sent.
    #[error(transparent)]
    Code(#[from] InvalidCloseCode),
    /// The reason is too long.
    #[error(transparent)]
    Reason(#[from] InvalidCloseReason),
}
debug_as_display!(InvalidCloseFrame);

/// A close code as a number or as a [`CloseCode`].
pub trait IntoCloseCode {
    /// The code.
    ///
    /// # Errors
    /// [`InvalidCloseCode`] for a number that may not be sent.
    fn into_close_code(self) -> Result<CloseCode, InvalidCloseCode>;
}
impl IntoCloseCode for CloseCode {
    fn into_close_code(self) -> Result<CloseCode, InvalidCloseCode> {
        Ok(self)
    }
}
impl IntoCloseCode for u16 {
    fn into_close_code(self) -> Result<CloseCode, InvalidCloseCode> {
        self.try_into()
    }
}

/// Whether there was a Close frame, and what it said (RFC 6455 §5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum CloseSeen {
    /// There was no Close frame.
    #[default]
    None,
    /// An empty one: it had no code.
    Empty,
    /// One with a code, and perhaps a reason.
    Frame(CloseFrame),
}

impl CloseSeen {
    /// Whether there was none.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
    /// Whether there was one, empty or not.
    pub const fn is_some(&self) -> bool {
        !self.is_none()
    }
    /// What it said, if it was not empty.
    pub const fn frame(&self) -> Option<&CloseFrame> {
        match self {
            Self::Frame(frame) => Some(frame),
            Self::Empty | Self::None => None,
        }
    }
    /// Its code; 1005 if it was empty, 1006 if there was none (RFC 6455 §7.1.5).
    pub const fn code(&self) -> u16 {
        match self {
            Self::Frame(frame) => frame.code.get(),
            Self::Empty => 1005,
            Self::None => 1006,
        }
    }
    /// Its reason; empty if there was none (RFC 6455 §7.1.6).
    pub fn reason(&self) -> &str {
        self.frame().map_or("", |frame| frame.reason.as_str())
    }
}
/// A Close frame that was there; `None` is an empty one.
impl From<Option<CloseFrame>> for CloseSeen {
    fn from(frame: Option<CloseFrame>) -> Self {
        frame.map_or(Self::Empty, Self::Frame)
    }
}

/// What `close` takes: a code, a code and a reason, a [`CloseFrame`], or `None` for an empty frame.
///
/// ```
/// use sansocket::{CloseCode, CloseFrame, close::IntoCloseFrame};
///
/// let away = CloseFrame::truncate(CloseCode::GOING_AWAY, "bye");
/// assert_eq!((1001, "bye").into_close_frame(), Ok(Some(away.clone())));
/// assert_eq!((CloseCode::GOING_AWAY, "bye").into_close_frame(), Ok(Some(away.clone())));
/// assert_eq!(CloseFrame::new(1001, "bye").into_close_frame(), Ok(Some(away)));
/// assert_eq!(1000.into_close_frame(), CloseCode::NORMAL.into_close_frame());
/// assert_eq!(None.into_close_frame(), Ok(None));
/// assert!(1006.into_close_frame().is_err());
/// ```
pub trait IntoCloseFrame {
    /// The frame; `None` is an empty one.
    ///
    /// # Errors
    /// [`InvalidCloseFrame`]: the code may not be sent, or the reason is longer than 123 bytes.
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame>;
}
impl IntoCloseFrame for CloseCode {
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame> {
        Ok(self.into())
    }
}
impl IntoCloseFrame for u16 {
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame> {
        Ok(self.into_close_code()?.into())
    }
}
impl<C: IntoCloseCode, R: AsRef<str>> IntoCloseFrame for (C, R) {
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame> {
        CloseFrame::new(self.0, self.1).map(Some)
    }
}
impl IntoCloseFrame for CloseFrame {
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame> {
        Ok(Some(self))
    }
}
impl IntoCloseFrame for Option<CloseFrame> {
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame> {
        Ok(self)
    }
}
impl IntoCloseFrame for Result<CloseFrame, InvalidCloseFrame> {
    fn into_close_frame(self) -> Result<Option<CloseFrame>, InvalidCloseFrame> {
        self.map(Some)
    }
}
impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{}", self.code),
            reason => write!(f, "{} ({})", self.code, Escaped(reason)),
        }
    }
}
