//! What matters to whoever spawns: futures that may move between threads, whatever decides, and that are small.
use crate::counted::tally;
use sansocket::{
    Config, Error,
    handshake::{Acceptance, Rejection, Upgrade},
    tokio as ws,
};
use std::{
    sync::Arc,
    task::{Context, Waker},
};
use tokio::{
    io::duplex,
    net::TcpStream,
    task::{JoinHandle, yield_now},
};

type Decision = Result<Acceptance, Rejection>;

async fn decide(upgrade: &Upgrade) -> Decision {
    yield_now().await;
    assert_eq!(upgrade.request().uri().path(), "/");
    Ok(Acceptance::new())
}

struct Server {
    config: Arc<Config>,
}
impl Server {
    async fn decide(&self, upgrade: &Upgrade) -> Decision {
        decide(upgrade).await
    }
    async fn serve(self: Arc<Self>, stream: TcpStream) -> Result<(), Error> {
        let mut asked = 0;
        let decision = async |upgrade: &Upgrade| {
            asked += 1;
            self.decide(upgrade).await
        };
        ws::accept_with(stream, self.config.clone(), decision).await?;
        assert_eq!(asked, 1);
        Ok(())
    }
}

fn spawn(way: usize, stream: TcpStream) -> JoinHandle<Result<(), Error>> {
    let config = Arc::new(Config::server());
    match way {
        0 => tokio::spawn(async { ws::accept(stream).await.map(drop) }),
        1 => tokio::spawn(async { ws::accept_with(stream, config, decide).await.map(drop) }),
        2 => {
            let name = String::from("captured");
            let accepted = ws::accept_with(stream, config, async move |upgrade| {
                yield_now().await;
                assert!(!name.is_empty() && upgrade.refusal().is_none());
                Ok(Acceptance::new())
            });
            tokio::spawn(async { accepted.await.map(drop) })
        }
        3 => {
            let ready = |_: &Upgrade| std::future::ready(Ok(Acceptance::new()));
            tokio::spawn(async move { ws::accept_with(stream, config, ready).await.map(drop) })
        }
        4 => tokio::spawn(Arc::new(Server { config }).serve(stream)),
        _ => tokio::spawn(async {
            let incoming = ws::read_request(stream, config).await?;
            match decide(incoming.upgrade()).await {
                Ok(acceptance) => incoming.accept(acceptance).await.map(drop),
                Err(rejection) => Err(incoming.reject(rejection).await),
            }
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_decide_can_be_spawned() {
    for way in 0..6 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let client = tokio::spawn(ws::connect(&url));
        spawn(way, listener.accept().await.unwrap().0).await.unwrap().unwrap();
        client.await.unwrap().unwrap();
    }
}

async fn serve(stream: TcpStream) -> Result<(), Error> {
    let mut socket = ws::accept(stream).await?;
    while let Some((message, mut reply)) = socket.recv_ref().await? {
        reply.feed(message)?;
    }
    Ok(())
}

/// A task is as large as the largest of what it awaits, for as long as it lives.
#[tokio::test]
async fn the_futures_are_small() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = async || TcpStream::connect(address).await.unwrap();
    let accept = size_of_val(&ws::accept(stream().await));
    let with = size_of_val(&ws::accept_with(stream().await, Config::server(), decide));
    let asking = size_of_val(&ws::read_request(stream().await, Config::server()));
    let over = size_of_val(&ws::connect_over(stream().await, super::request("ws://x"), Config::client()));
    let connect = size_of_val(&ws::connect("ws://x"));
    let connect_with = size_of_val(&ws::connect_with(super::request("ws://x"), Config::client()));
    let mut socket = {
        let client = tokio::spawn(ws::connect(format!("ws://{address}")));
        // The streams above were never asked for anything.
        let mut streams = vec![];
        for _ in 0..5 {
            streams.push(listener.accept().await.unwrap().0);
        }
        let socket = ws::accept(streams.pop().unwrap()).await.unwrap();
        client.await.unwrap().unwrap();
        socket
    };
    let recv = size_of_val(&socket.recv());
    let task = size_of_val(&serve(stream().await));
    println!(
        "task {task}, accept {accept}, accept_with {with}, request {asking}, connect {connect}, connect_with {connect_with}, \
         connect_over {over}; recv {recv}, socket {}",
        size_of_val(&socket)
    );
    let largest = [accept, with, asking, over, connect, connect_with].into_iter().max().unwrap();
    assert!(largest <= size_of_val(&socket) + recv, "{largest}");
    assert!(task <= size_of_val(&socket) + 128, "accepting costs a task nothing: {task}");
    assert!(accept.max(with).max(asking).max(over) <= 256);
}

#[tokio::test]
async fn who_has_sent_nothing_holds_little() {
    let (_near, far) = duplex(64);
    let (spent, mut accepting) = tally(|| Box::pin(ws::accept_with(far, Config::server(), decide)));
    let mut cx = Context::from_waker(Waker::noop());
    let (waiting, polled) = tally(|| accepting.as_mut().poll(&mut cx));
    assert!(polled.is_pending());
    let held = spent.held + waiting.held;
    assert!(held < 3000, "{held} bytes for a stream, a handshake, a first read and an alarm");
    let (freed, ()) = tally(|| drop(accepting));
    assert_eq!(freed.held, -held, "all of it is given back");
}
