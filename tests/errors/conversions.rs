//! Errors into one another: what a caller's `?` makes of them.
use sansocket::{
    Deadline, Error, SendError,
    handshake::{ClientRequest, HandshakeError, InvalidHeader, InvalidUrl},
};
use std::io::{self, ErrorKind};

fn request(url: &str, name: &str) -> Result<ClientRequest, Error> {
    Ok(ClientRequest::try_from(url)?.header(name, "value")?)
}
fn told(result: Result<(), Error>) -> io::Result<()> {
    Ok(result?)
}

#[test]
fn a_request_that_cannot_be_made_is_a_handshake_that_failed() {
    assert!(request("ws://a/", "X-Request-Id").is_ok());
    let wrong = request("http://a/", "X-Request-Id").unwrap_err();
    assert!(matches!(wrong, Error::Handshake(HandshakeError::Url(InvalidUrl::Http))), "{wrong}");
    let Err(Error::Handshake(HandshakeError::Header(wrong))) = request("ws://a/", "Host") else {
        panic!("the handshake writes that itself")
    };
    assert!(matches!(*wrong, InvalidHeader::Reserved(_)), "{wrong}");
}

#[test]
fn an_error_of_io_has_a_fitting_kind_and_the_error_in_it() {
    let all = [
        (Error::TimedOut(Deadline::Write), ErrorKind::TimedOut),
        (Error::Send(SendError::Closing), ErrorKind::NotConnected),
        (Error::Handshake(HandshakeError::Eof), ErrorKind::InvalidData),
    ];
    for (error, kind) in all {
        let text = error.to_string();
        let error = told(Err(error)).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (kind, text));
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Error>()));
    }
    let reset = told(Err(io::Error::from(ErrorKind::ConnectionReset).into())).unwrap_err();
    assert_eq!((reset.kind(), reset.get_ref().is_none()), (ErrorKind::ConnectionReset, true));
}

#[test]
fn an_error_is_small() {
    assert!(size_of::<Error>() <= 40, "{}", size_of::<Error>());
}
