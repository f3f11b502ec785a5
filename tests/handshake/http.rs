//! Handshakes without bytes: an `http::Request` in, an `http::Response` out, as HTTP servers and clients have them.
use crate::drain;
use sansocket::{
    Config,
    bytes::Buf,
    handshake::{
        Acceptance, ClientHandshake, ClientRequest, HandshakeError, InvalidRequest, InvalidResponse,
        ServerHandshake, Upgrade,
    },
    http::{Request, Response, StatusCode},
    proto::{Connection, Event},
};

fn asked() -> ClientRequest {
    ClientRequest::try_from("ws://me:secret@example.com:8080/chat?room=1")
        .unwrap()
        .header("Cookie", "a=b")
        .unwrap()
        .subprotocol("chat".try_into().unwrap())
}

fn is_open(mut client: Connection, mut server: Connection) {
    assert_eq!(client.subprotocol(), server.subprotocol());
    assert_eq!(client.extension().map(ToString::to_string), server.extension().map(ToString::to_string));
    assert_eq!(server.transmit().remaining(), 0, "the HTTP server has written the response");
    client.send("hello").unwrap();
    let wire = client.transmit();
    server.receive(&wire.copy_to_bytes(wire.remaining()));
    let Some(Event::Message(message)) = server.poll_event() else { panic!("no message") };
    assert_eq!(message.as_str(), Some("hello"));
}

#[test]
fn both_ends_meet_over_http() {
    let (request, handshake) = ClientHandshake::over_http(asked(), Config::client());
    assert_eq!(request.uri(), "/chat?room=1");
    assert_eq!(
        (&request.headers()["host"], &request.headers()["cookie"]),
        (&"example.com:8080".try_into().unwrap(), &"a=b".try_into().unwrap())
    );
    assert!(request.headers()["authorization"].is_sensitive());
    #[cfg(feature = "deflate")]
    let config = Config::server().extension(sansocket::Deflate::default());
    #[cfg(not(feature = "deflate"))]
    let config = Config::server();
    let upgrade = Upgrade::from_request(&request.map(|()| "a body of any type"), config);
    assert_eq!(upgrade.refusal(), None);
    let acceptance = Acceptance::new().subprotocol(upgrade.select(&["chat"]).unwrap());
    let (response, server) =
        upgrade.accept_over_http(acceptance.header("Set-Cookie", "c=d").unwrap()).unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["set-cookie"], "c=d");
    assert_eq!(response.headers().contains_key("sec-websocket-extensions"), cfg!(feature = "deflate"));
    is_open(handshake.finish(&response).unwrap(), server);
}

/// What is said without bytes is what is written with them, field for field.
#[test]
fn the_fields_are_those_of_the_bytes() {
    let mut by_bytes = ServerHandshake::new(Config::server());
    let mut client = ClientHandshake::new(asked(), Config::client());
    by_bytes.receive(drain(client.transmit()).as_bytes());
    let read = by_bytes.poll().unwrap().unwrap();
    let (said, _) = ClientHandshake::over_http(asked(), Config::client());
    let fields = |request: &Request<()>| -> Vec<_> {
        let fields = request.headers().iter().filter(|(name, _)| *name != "sec-websocket-key");
        fields.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    assert_eq!(fields(read.request()), fields(&said));
    assert_eq!(read.request().uri(), said.uri());

    let again = Upgrade::from_request(read.request(), Config::server());
    let (response, _) = again.accept_over_http(Acceptance::new()).unwrap();
    let written = drain(read.accept(Acceptance::new()).unwrap().transmit());
    for (name, value) in response.headers() {
        let line = format!("{name}: {}\r\n", value.to_str().unwrap());
        assert!(written.to_ascii_lowercase().contains(&line.to_ascii_lowercase()), "{line} in {written}");
    }
    assert_eq!(written.lines().count() - 2, response.headers().len());
}

#[test]
fn what_is_refused_over_http_has_a_response() {
    let plain = Request::get("/").header("Host", "example.com").body(()).unwrap();
    let refused = Upgrade::from_request(&plain, Config::server()).accept_over_http(Acceptance::new());
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused.error(), HandshakeError::Request(InvalidRequest::NoUpgrade)),
        "{:?}",
        refused.error()
    );
    let response = refused.into_response();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["upgrade"]),
        (426, &"websocket".try_into().unwrap())
    );
    let rejected = Upgrade::from_request(&plain, Config::server()).reject(StatusCode::NOT_FOUND);
    assert_eq!(rejected.into_response().status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_client_checks_the_response_of_an_http_client() {
    let finish = |response: &Response<()>| {
        ClientHandshake::over_http(asked(), Config::client()).1.finish(response).unwrap_err()
    };
    let mut response = Response::new(());
    assert!(matches!(finish(&response), HandshakeError::Declined(ok) if ok.status() == StatusCode::OK));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    assert!(matches!(finish(&response), HandshakeError::Response(InvalidResponse::NoUpgrade)));
}

#[test]
fn secrets_are_not_in_the_debug_of_a_request() {
    let mut request = ClientRequest::try_from("ws://me:hidden@example.com/").unwrap();
    for name in ["Cookie", "Proxy-Authorization"] {
        request = request.header(name, "hidden").unwrap();
    }
    assert!(!format!("{request:?}").contains("hidden"), "{request:?}");
    let (request, _) = ClientHandshake::over_http(request, Config::client());
    assert_eq!(request.headers()["cookie"], "hidden");
    assert!(!format!("{request:?}").contains("hidden"), "{request:?}");
}
