//! Messages on their way out through an extension's encoder, and those that are prepared for many connections.
use super::{Chunked, LONG_FROM, Outbound};
use crate::{
    extension::{Encoder, ExtensionOffer},
    frame::{Header, MAX_HEADER_LEN, Opcode, Rsv},
    message::{Frame, Kind, Payload, Prepared, Profile},
    per_thread::Buffer,
    proto::state::Role,
};
use bytes::{Buf, Bytes, BytesMut};

/// The sending side of an agreement.
#[derive(Debug)]
pub(in crate::proto) struct Encoding {
    encoder: Box<dyn Encoder>,
    /// The profile of the encoder. It is kept here because a broadcast visits every connection once, with cold caches.
    profile: Option<Profile>,
    answer: ExtensionOffer,
}

impl Encoding {
    pub(in crate::proto) fn new(encoder: Box<dyn Encoder>, answer: ExtensionOffer) -> Self {
        Self { profile: encoder.profile(), encoder, answer }
    }
}

impl Outbound {
    /// The extension that the connection uses, with what was agreed on: what a browser calls `WebSocket.extensions`.
    pub fn extension(&self) -> Option<&ExtensionOffer> {
        self.encoding.as_ref().map(|encoding| &encoding.answer)
    }

    /// Queues a whole message. A prepared message is queued as it is; others go through the encoder, if there is one and it
    /// takes them.
    #[inline(never)]
    pub(super) fn send_slow(&mut self, kind: Kind, payload: Payload<'_>, plain: bool) {
        if let Payload::Prepared(prepared) = &payload {
            if self.send_prepared(prepared, plain) {
                return;
            }
        }
        let rsv = match &mut self.encoding {
            Some(encoding) if !plain => encoding.encoder.begin(Some(payload.as_bytes().len())),
            _ => Rsv::NONE,
        };
        if rsv == Rsv::NONE {
            self.queue(kind.into(), true, payload);
        } else {
            self.encode(kind.into(), rsv, true, payload.as_bytes());
        }
    }

    /// Queues a chunk of a message, through the encoder if the message's first chunk went there.
    #[inline(never)]
    pub(super) fn send_encoded_chunk(
        &mut self,
        chunked: &mut Chunked,
        fin: bool,
        payload: Payload<'_>,
        plain: bool,
    ) {
        let (opcode, mut rsv) = (chunked.opcode(), Rsv::NONE);
        if !chunked.begun {
            let len = fin.then_some(payload.as_bytes().len());
            rsv = match &mut self.encoding {
                Some(encoding) if !plain => encoding.encoder.begin(len),
                _ => Rsv::NONE,
            };
            chunked.encoded = rsv != Rsv::NONE;
        }
        if chunked.encoded {
            self.encode(opcode, rsv, fin, payload.as_bytes());
        } else {
            self.queue(opcode, fin, payload);
        }
    }

    fn encode(&mut self, opcode: Opcode, rsv: Rsv, fin: bool, chunk: &[u8]) {
        let Some(encoding) = &mut self.encoding else { return };
        let mut encoded = BytesMut::new();
        Buffer::Encoded.swap_in(&mut encoded);
        encoding.encoder.encode(chunk, fin, &mut encoded);
        if self.queue_copied(opcode, rsv, fin, &encoded) {
            // It has been copied, so the buffer is free.
        } else if encoded.len() < encoded.capacity() / 2 {
            // A copy of its own size: output that waits takes no more memory than is counted.
            self.wait(opcode, rsv, fin, Bytes::copy_from_slice(&encoded));
        } else {
            return self.wait(opcode, rsv, fin, encoded.freeze());
        }
        encoded.clear();
        let memory = encoded.capacity();
        Buffer::Encoded.swap_out(&mut encoded, memory);
    }

    /// Queues a prepared message. `false`: the encoding depends on earlier messages of this connection, so it is not shared.
    fn send_prepared(&mut self, prepared: &Prepared, plain: bool) -> bool {
        let kind = prepared.kind();
        let frame = match &mut self.encoding {
            Some(encoding) if !plain => {
                let Some(profile) = encoding.profile else { return false };
                let encoder = &mut *encoding.encoder;
                prepared.encoded(profile, || encoded_frame(encoder, kind, prepared.as_bytes()))
            }
            _ => prepared.plain(|| frame(kind, Rsv::NONE, prepared.as_bytes())),
        };
        let payload = frame.bytes.len() - frame.payload;
        let whole =
            self.role == Role::Server && payload <= self.config.fragment_size && self.backlog.is_empty();
        if whole && frame.bytes.len() < LONG_FROM {
            self.transmit.cork(frame.bytes.len()).extend_from_slice(&frame.bytes);
        } else if whole && self.transmit.remaining() < self.ahead() {
            self.transmit.push_long(frame.bytes.clone());
        } else {
            let rsv = Rsv::of(frame.bytes.first().copied().unwrap_or_default());
            self.wait(kind.into(), rsv, true, frame.bytes.slice(frame.payload..));
        }
        true
    }
}

fn encoded_frame(encoder: &mut dyn Encoder, kind: Kind, message: &[u8]) -> Frame {
    let rsv = encoder.begin(Some(message.len()));
    if rsv == Rsv::NONE {
        return frame(kind, rsv, message);
    }
    let mut encoded = BytesMut::new();
    encoder.encode(message, true, &mut encoded);
    frame(kind, rsv, &encoded)
}

fn frame(kind: Kind, rsv: Rsv, payload: &[u8]) -> Frame {
    let mut bytes = BytesMut::with_capacity(MAX_HEADER_LEN + payload.len());
    let header = Header { fin: true, rsv, opcode: kind.into(), mask: None, len: payload.len() as u64 };
    header.encode(&mut bytes);
    let at = bytes.len();
    bytes.extend_from_slice(payload);
    Frame { bytes: bytes.freeze(), payload: at }
}
