//! An extension of your own (RFC 6455 §9): both ends agree on `x-inverse`, which inverts every bit of a message.
//!
//! `cargo run --example extension`
use sansocket::{
    CloseCode, Config, Violation, blocking,
    bytes::BytesMut,
    extension::{Agreement, Decoder, Encoder, Extension, ExtensionOffer, InvalidAnswer, Output},
    frame::Rsv,
    handshake::{Acceptance, ClientRequest},
};
use std::{error::Error, net::TcpListener, thread};

#[derive(Clone, Copy, Debug)]
struct Inverse;

impl Extension for Inverse {
    fn name(&self) -> &str {
        "x-inverse"
    }
    fn offers(&self) -> Vec<ExtensionOffer> {
        self.name().parse().into_iter().collect()
    }
    fn accept(&self, offer: &ExtensionOffer) -> Option<Agreement> {
        let known = offer.params().next().is_none(); // x-inverse has no parameters
        known.then(|| Agreement::new(offer.clone(), Rsv::RSV2, *self, *self))
    }
    fn confirm(&self, answer: &ExtensionOffer) -> Result<Agreement, InvalidAnswer> {
        self.accept(answer).ok_or(InvalidAnswer)
    }
}

impl Encoder for Inverse {
    fn begin(&mut self, _len: Option<usize>) -> Rsv {
        Rsv::RSV2 // marks every message as inverted
    }
    fn encode(&mut self, chunk: &[u8], _fin: bool, out: &mut BytesMut) {
        out.extend(chunk.iter().map(|byte| !byte));
    }
}

impl Decoder for Inverse {
    fn begin(&mut self, _rsv: Rsv) -> Result<(), Violation> {
        Ok(())
    }
    fn decode(&mut self, input: &[u8], _fin: bool, out: &mut Output<'_>) -> Result<usize, Violation> {
        let taken = input.len().min(out.room());
        out.add(&input[..taken].iter().map(|byte| !byte).collect::<Vec<_>>());
        Ok(taken)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let request = ClientRequest::try_from(format!("ws://{}/", listener.local_addr()?).as_str())?;
    let server = thread::spawn(move || serve(&listener).inspect_err(|error| eprintln!("server: {error}")));

    let (mut client, _) = blocking::connect_with(request, Config::client().extension(Inverse))?;
    println!("agreed on: {}", client.extension().ok_or("the server knows no x-inverse")?);
    client.send("inverted on the wire, and back again")?;
    println!("{:?}", client.recv()?.ok_or("the server has closed")?.as_str());
    println!("{}", client.close(CloseCode::NORMAL)?);
    server.join().map_err(|_| "the server has panicked")??;
    Ok(())
}

fn serve(listener: &TcpListener) -> Result<(), sansocket::Error> {
    let (stream, _) = listener.accept()?;
    let config = Config::server().extension(Inverse);
    let mut socket = blocking::accept_with(stream, config, |_| Ok(Acceptance::new()))?;
    while let Some((message, mut reply)) = socket.recv_ref()? {
        reply.feed(message)?;
    }
    Ok(())
}
