//! Where an echo server listens: with room for a thousand clients that come at once.
use socket2::SockRef;
use std::net::{SocketAddr, TcpListener};

/// How many connections may wait to be accepted; the system may allow fewer (`net.core.somaxconn`). The standard library
/// asks for 128: of a thousand clients at once, most would wait until they try again, after a second and then three.
const BACKLOG: i32 = 4096;

/// Listens, and says where.
pub fn listen(wanted: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(wanted).map_err(|error| {
        format!("cannot listen on {wanted}: {error}; another address: --listen 127.0.0.1:9002")
    })?;
    // A socket that listens may be told again, with another backlog.
    SockRef::from(&listener).listen(BACKLOG).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("echo server at ws://{address}/");
    println!("in a browser:  http://{address}/");
    Ok(listener)
}
