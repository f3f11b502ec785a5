//! [`Mark`]: when all that was queued before one has been taken by the transport.
use super::Outbound;
use crate::{
    error::SendError,
    proto::{ControlSink, SendState},
};
use bytes::Buf;

/// The end of what was queued at one moment: see [`Outbound::mark`].
#[derive(Debug)]
pub(crate) enum Mark {
    /// This many messages must have been framed before it is known how far that is.
    Framed(u32),
    /// The transport must have taken this many bytes.
    Taken(u32),
}

impl Outbound {
    /// The end of what is queued now.
    pub(crate) fn mark(&self) -> Mark {
        match self.backlog.len() {
            0 => Mark::Taken(self.transmit.taken().wrapping_add(self.transmit.remaining() as u32)),
            waiting => Mark::Framed(self.framed.wrapping_add(waiting as u32)),
        }
    }

    /// Whether the transport has taken all up to a mark.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing): it never will.
    pub(crate) fn has_sent(&self, mark: &mut Mark) -> Result<bool, SendError> {
        if let Mark::Framed(framed) = *mark {
            let ahead = framed.wrapping_sub(self.framed) as i32;
            if ahead > 0 {
                return if ahead as usize > self.backlog.len() { self.is_long_past() } else { Ok(false) };
            }
            if self.is_cut_off() {
                return Err(SendError::Closing); // it was framed, and what became of it nobody saw
            }
            *mark = Mark::Taken(self.transmit.taken().wrapping_add(self.transmit.remaining() as u32));
        }
        let Mark::Taken(end) = *mark else { return Ok(false) };
        let left = end.wrapping_sub(self.transmit.taken()) as i32;
        if left > 0 && left as usize > self.transmit.remaining() {
            self.is_long_past()
        } else {
            Ok(left <= 0)
        }
    }

    /// A mark that lies beyond all that is queued: the message was dropped, or it was sent so long ago that the count has
    /// come round. As long as anything may be sent nothing is dropped.
    #[cold]
    fn is_long_past(&self) -> Result<bool, SendError> {
        if self.state == SendState::Open { Ok(true) } else { Err(SendError::Closing) }
    }

    /// The end of the pings and pongs that are queued, once they have been framed.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing): they never will be, or what became of them nobody saw.
    pub(crate) fn mark_controls(&self) -> Result<Option<Mark>, SendError> {
        let controls = self.controls.as_ref();
        if self.is_cut_off() || controls.is_some_and(|controls| controls.dropped) {
            return Err(SendError::Closing);
        }
        let framed = controls.is_none_or(|controls| controls.is_framed());
        Ok(framed.then(|| Mark::Taken(self.transmit.taken().wrapping_add(self.transmit.remaining() as u32))))
    }

    /// Whether the transport has taken the Close frame.
    ///
    /// # Errors
    /// [`Closing`](SendError::Closing): it never will, or there is none because the connection ended first.
    pub(crate) fn has_sent_close(&self) -> Result<bool, SendError> {
        if self.is_cut_off() || self.close_frame().is_none() {
            return Err(SendError::Closing);
        }
        Ok(self.close_sent().is_some())
    }
}
