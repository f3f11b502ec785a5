//! WebSockets over TLS: a server and a client on Tokio, each of which hands its TLS stream to the library.
//!
//! `cargo run --manifest-path examples/tls/Cargo.toml`
use sansocket::{CloseCode, Config, handshake::ClientRequest};
use std::{error::Error, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::PrivateKeyDer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A certificate for this run, that the client trusts. Others are read from files, and clients trust the system's.
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone())?;
    let tls = ServerConfig::builder().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(tls.with_single_cert(vec![made.cert.der().clone()], key)?));
    let tls = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(tls));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let (served, asked) = tokio::join!(serve(&listener, &acceptor), ask(&connector, port));
    served.and(asked)
}

async fn serve(listener: &TcpListener, acceptor: &TlsAcceptor) -> Result<(), Box<dyn Error>> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let mut socket = sansocket::tokio::accept(stream).await?;
    while let Some((message, mut reply)) = socket.recv_ref().await? {
        reply.feed(message)?;
    }
    Ok(())
}

async fn ask(connector: &TlsConnector, port: u16) -> Result<(), Box<dyn Error>> {
    let stream = TcpStream::connect(("localhost", port)).await?;
    stream.set_nodelay(true)?;
    let stream = connector.connect("localhost".try_into()?, stream).await?;
    let request = ClientRequest::try_from(format!("wss://localhost:{port}/").as_str())?;
    let (mut socket, _) = sansocket::tokio::connect_over(stream, request, Config::client()).await?;
    socket.send("hello over TLS").await?;
    println!("{:?}", socket.recv().await?.ok_or("the server has closed")?.as_str());
    println!("{}", socket.close(CloseCode::NORMAL).await?);
    Ok(())
}
