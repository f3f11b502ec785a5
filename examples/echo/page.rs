//! What the server answers: a WebSocket, or the page to try it from.
use sansocket::{
    Error,
    handshake::{Acceptance, HandshakeError, Rejection, Upgrade},
    http::{Method, Response, header},
};

const PAGE: &str = include_str!("page.html");

/// A plain `GET /` gets the page; every other request is for a WebSocket.
pub fn decide(upgrade: &Upgrade) -> Result<Acceptance, Rejection> {
    let request = upgrade.request();
    let asks_for_page = request.method() == Method::GET && request.uri().path() == "/";
    if upgrade.refusal().is_some() && asks_for_page && !request.headers().contains_key(header::UPGRADE) {
        let mut page = Response::new(PAGE);
        let html = header::HeaderValue::from_static("text/html; charset=utf-8");
        page.headers_mut().insert(header::CONTENT_TYPE, html);
        return Err(page.into());
    }
    Ok(Acceptance::new())
}

/// Whether the browser was given the page. There is no WebSocket then, but nothing went wrong.
pub fn was_sent(error: &Error) -> bool {
    matches!(error, Error::Handshake(HandshakeError::Rejected(status)) if status.is_success())
}
