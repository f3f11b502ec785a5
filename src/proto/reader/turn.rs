//! Turns: how many frames are read before other connections get their turn. One read may bring many thousands of frames,
//! and a fast peer may always have sent more.
use super::Reader;

/// How many frames are read in a turn.
pub(in crate::proto) const FRAMES_A_TURN: u32 = 256;

impl Reader {
    /// Begins a turn.
    #[inline]
    pub(in crate::proto) fn begin_turn(&mut self) {
        self.credit = FRAMES_A_TURN;
    }

    /// A read counts as this many frames of a turn, because it may bring many.
    #[inline(always)]
    pub(in crate::proto) fn charge_read(&mut self) {
        self.credit = self.credit.saturating_sub(FRAMES_A_TURN / 4);
    }

    /// Whether the turn is over although bytes are left to be read.
    #[inline]
    pub(in crate::proto) fn has_more(&self) -> bool {
        self.credit == 0 && !self.input.is_drained()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Config, Delivery},
        proto::{Connection, Established, Event, Inbound, Outbound, Ready, Role},
    };

    const TURN: usize = FRAMES_A_TURN as usize;

    /// A client that has been given this frame so many times. What comes for a client is not masked.
    fn client(frame: &[u8], times: usize, delivery: Delivery) -> (Inbound, Outbound) {
        let mut config = Config::client();
        (config.delivery, config.max_empty_fragments) = (delivery, u32::MAX);
        let (mut inbound, outbound) = Connection::new(Established::bare(Role::Client), config).split();
        inbound.receive(&frame.repeat(times));
        (inbound, outbound)
    }

    /// How many events a turn brings, and whether it ended with more to be read.
    fn turn(inbound: &mut Inbound, outbound: &mut Outbound) -> (usize, bool) {
        inbound.begin_turn();
        let mut events = 0;
        while inbound.advance(outbound).is_some() {
            events += 1;
        }
        (events, inbound.has_more())
    }

    #[test]
    fn messages_and_control_frames_count_against_the_turn_they_come_in() {
        for frame in [&[0x81, 1, b'x'][..], &[0x82, 0], &[0x89, 0], &[0x8A, 1, 7], &[0x82, 126, 0, 126]] {
            let mut frame = frame.to_vec();
            if frame[1] == 126 {
                frame.resize(4 + 126, 0);
            }
            let (mut inbound, mut outbound) = client(&frame, 2 * TURN + 10, Delivery::Messages);
            assert_eq!(turn(&mut inbound, &mut outbound), (TURN, true), "{frame:x?}");
            assert!(inbound.advance(&mut outbound).is_none(), "more within the same turn");
            assert_eq!(turn(&mut inbound, &mut outbound), (TURN, true));
            assert_eq!(turn(&mut inbound, &mut outbound), (10, false));
        }
    }

    #[test]
    fn fragments_count_though_they_bring_nothing() {
        let (mut inbound, mut outbound) = client(&[0x02, 0], 1, Delivery::Messages);
        inbound.receive(&[0x00, 1, b'x'].repeat(3 * TURN));
        for _ in 0..3 {
            assert_eq!(turn(&mut inbound, &mut outbound), (0, true));
        }
        assert_eq!(turn(&mut inbound, &mut outbound), (0, false));
        inbound.receive(&[0x80, 1, b'x']);
        inbound.begin_turn();
        assert!(matches!(inbound.advance(&mut outbound), Some(Ready::Data { fin: true })));
        assert_eq!(inbound.lend_data().len(), 3 * TURN + 1);
    }

    #[test]
    fn what_a_turn_has_read_of_a_message_in_chunks_is_handed_out_at_its_end() {
        let (mut inbound, mut outbound) = client(&[0x02, 0], 1, Delivery::Chunks);
        inbound.receive(&[0x00, 1, b'x'].repeat(TURN));
        inbound.begin_turn();
        assert!(matches!(inbound.advance(&mut outbound), Some(Ready::Data { fin: false })));
        assert_eq!(inbound.lend_data().len(), TURN - 1);
        assert!(inbound.advance(&mut outbound).is_none() && inbound.has_more());
        inbound.begin_turn();
        assert!(matches!(inbound.advance(&mut outbound), Some(Ready::Data { fin: false })));
        assert_eq!(inbound.lend_data().len(), 1);
        assert!(inbound.advance(&mut outbound).is_none() && !inbound.has_more());
    }

    #[test]
    fn a_turn_that_ends_with_the_input_has_no_more() {
        let (mut inbound, mut outbound) = client(&[0x81, 1, b'x'], TURN, Delivery::Messages);
        assert_eq!(turn(&mut inbound, &mut outbound), (TURN, false));
    }

    #[test]
    fn after_a_close_frame_there_is_no_more() {
        let (mut inbound, mut outbound) = client(&[0x81, 1, b'x'], TURN - 1, Delivery::Messages);
        inbound.receive(&[0x88, 0]);
        inbound.receive(&[0x81, 1, b'x'].repeat(TURN));
        assert_eq!(turn(&mut inbound, &mut outbound), (TURN, false));
    }

    #[test]
    fn poll_event_knows_no_turns() {
        let (mut inbound, mut outbound) = client(&[0x81, 1, b'x'], 3 * TURN, Delivery::Messages);
        inbound.receive(&[0x02, 0]);
        inbound.receive(&[0x00, 1, b'x'].repeat(3 * TURN));
        inbound.receive(&[0x80, 0]);
        inbound.begin_turn();
        let mut lens = vec![];
        while let Some(event) = inbound.poll_event(&mut outbound) {
            let Event::Message(message) = event else { panic!("{event:?}") };
            lens.push(message.len());
        }
        assert_eq!((lens.len(), lens.pop()), (3 * TURN + 1, Some(3 * TURN)));
    }
}
