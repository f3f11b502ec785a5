//! [`Position`]: a place in the output, to ask whether everything before it has left.
use super::Outbound;
use crate::error::SendError;

/// The end of what was queued at one moment. A sender takes one after it has queued something
/// ([`Outbound::position`]), and asks [`Outbound::has_sent`] after each write, whatever others queue meanwhile.
#[derive(Debug)]
pub struct Position(Until);

#[derive(Debug)]
enum Until {
    /// This many messages must have been framed; only then is the position in the stream known.
    Framed(u32),
    /// The transport must have let go of this many bytes.
    Released(u64),
    /// The pings and pongs must have been framed.
    Controls,
    /// The Close frame must have left.
    Close,
}

impl Outbound {
    /// The end of the messages that are queued now.
    pub fn position(&self) -> Position {
        Position(match self.backlog.len() {
            0 => Until::Released(self.framed_to()),
            waiting => Until::Framed(self.framed.wrapping_add(waiting as u32)),
        })
    }

    /// The end of the pings and pongs that are queued now.
    pub fn control_position(&self) -> Position {
        Position(Until::Controls)
    }

    /// The end of the Close frame, and of everything before it.
    pub fn close_position(&self) -> Position {
        Position(Until::Close)
    }

    /// Whether fewer messages than these have been framed. The count wraps at 2^32; never do as many as 2^31 wait.
    fn is_unframed(&self, framed: u32) -> bool {
        framed.wrapping_sub(self.framed) as i32 > 0
    }

    /// Whether the transport has taken, and [let go](Self::flushed) of, everything up to a position.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing) if it never will, because bytes before the position were dropped.
    pub fn has_sent(&self, position: &mut Position) -> Result<bool, SendError> {
        match position.0 {
            Until::Framed(framed) if self.is_unframed(framed) => {
                let waits = framed.wrapping_sub(self.framed) as usize <= self.backlog.len();
                return if waits { Ok(false) } else { Err(SendError::Closing) }; // it has been dropped
            }
            Until::Controls => {
                let controls = self.controls.as_ref();
                if controls.is_some_and(|controls| controls.dropped || controls.cut_off) {
                    return Err(SendError::Closing);
                }
                if !controls.is_none_or(|controls| controls.is_framed()) {
                    return Ok(false);
                }
            }
            Until::Close => {
                if self.is_cut_off() || self.close_frame().is_none() {
                    return Err(SendError::Closing); // there is none: the connection ended first
                }
                return Ok(self.close_sent().is_some() && !self.is_holding());
            }
            _ => {}
        }
        let end = match position.0 {
            Until::Released(end) => end,
            _ if self.is_cut_off() => return Err(SendError::Closing), // it was framed, and nobody saw how far it got
            _ => self.framed_to(),
        };
        position.0 = Until::Released(end);
        match self.released() {
            released if released >= end => Ok(true),
            _ if self.is_cut_off() => Err(SendError::Closing),
            _ => Ok(false),
        }
    }
}
