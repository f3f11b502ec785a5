//! `x-idle`: an extension that is agreed on, and changes nothing.
use sansocket::{
    Violation,
    bytes::{BufMut, BytesMut},
    extension::{Agreement, Decoder, Encoder, Extension, ExtensionOffer, InvalidAnswer, Output},
    frame::Rsv,
};

#[derive(Clone, Copy, Debug)]
pub struct Idle;

fn agreement(answer: &str) -> Agreement {
    Agreement::new(answer.parse().unwrap(), Rsv::RSV2, Idle, Idle)
}

impl Extension for Idle {
    fn name(&self) -> &str {
        "x-idle"
    }
    fn offers(&self) -> Vec<ExtensionOffer> {
        vec!["x-idle; much".parse().unwrap()]
    }
    fn accept(&self, _: &ExtensionOffer) -> Option<Agreement> {
        Some(agreement("x-idle; some"))
    }
    fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
        Ok(agreement(&answer.to_string()))
    }
}

impl Encoder for Idle {
    fn begin(&mut self, _: Option<usize>) -> Rsv {
        Rsv::NONE
    }
    fn encode(&mut self, chunk: &[u8], _: bool, out: &mut BytesMut) {
        out.put_slice(chunk);
    }
}

impl Decoder for Idle {
    fn begin(&mut self, _: Rsv) -> Result<(), Violation> {
        Err(Violation::ReservedBits)
    }
    fn decode(&mut self, _: &[u8], _: bool, _: &mut Output<'_>) -> Result<usize, Violation> {
        Err(Violation::ReservedBits)
    }
}
