//! The listener of an echo server, with a backlog for thousands of clients that connect at once.
use socket2::SockRef;
use std::net::{SocketAddr, TcpListener};

/// How many connections may wait to be accepted; the system may allow fewer (`net.core.somaxconn`). The standard library
/// asks for 128: of a thousand clients at once, most would wait until they try again, after a second and then three.
const BACKLOG: i32 = 4096;

/// Listens, and prints the address.
pub fn listen(wanted: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(wanted).map_err(|error| {
        format!("cannot listen on {wanted}: {error}; another address: --listen 127.0.0.1:9002")
    })?;
    // `listen` may be called again on a socket that listens already: then it sets the backlog.
    SockRef::from(&listener).listen(BACKLOG).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("echo server at ws://{address}/");
    println!("in a browser:  http://{address}/");
    Ok(listener)
}
