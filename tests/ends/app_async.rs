//! The program on an asynchronous adapter, whichever.
use crate::{
    app::{Adapter, Case, Do, Log},
    clocks::both,
    stream::Stream,
};
use sansocket::{
    CloseCode, Error, Message,
    aio::{Alarm, Receiver, Runtime, Sender, WebSocket},
};
use std::{
    future::poll_fn,
    task::{Poll, ready},
    time::Duration,
};

pub(crate) async fn run<R: Runtime<Stream>>(case: &Case<'_>, adapter: Adapter, stream: Stream, log: &Log) {
    let mut socket = WebSocket::<_, R>::new(case.connection(), stream);
    if adapter.is_split() {
        return split(case, socket, log).await;
    }
    for step in case.steps {
        whole(&mut socket, step, log).await;
    }
    log.ends(socket.closed());
}

async fn whole<R: Runtime<Stream>>(socket: &mut WebSocket<Stream, R>, step: &Do, log: &Log) {
    match step {
        Do::Feed(message) => log.sent("feed", socket.feed(log.tries(message)).await),
        Do::Send(message) => log.sent("send", socket.send(log.tries(message)).await),
        Do::Flush => log.said("flush", socket.flush().await),
        Do::Recv => {
            let received = socket.recv().await;
            log.received(received, socket.closed());
        }
        Do::Listen => {
            loop {
                let received = socket.recv().await;
                if !log.received(received, socket.closed()) {
                    break;
                }
            }
            for _ in 0..2 {
                log.after_end(&socket.recv().await);
            }
        }
        Do::Echo => {
            let end = loop {
                let received = match socket.recv_ref().await {
                    Ok(Some((message, mut reply))) => {
                        let message = message.into_message();
                        log.sent("echo", reply.feed(log.tries(message.as_bytes())).map_err(Error::from));
                        continue;
                    }
                    Ok(None) => Ok(None),
                    Err(error) => Err(error),
                };
                break received;
            };
            log.received(end, socket.closed());
        }
        Do::Close(code) => {
            log.closes();
            let closed = socket.close(CloseCode::new(*code).map(Into::into)).await;
            log.write().close_said = Some(closed.unwrap());
        }
        Do::Alone => {}
    }
}

/// Waits for so long.
pub(crate) async fn idle<R: Alarm>(time: Duration) {
    let until = R::now() + time;
    let mut alarm = R::new(until);
    poll_fn(|cx| {
        while R::now() < until {
            ready!(alarm.poll(cx));
            alarm.set(until);
        }
        Poll::Ready(())
    })
    .await;
}

async fn split<R: Runtime<Stream>>(case: &Case<'_>, socket: WebSocket<Stream, R>, log: &Log) {
    let (sender, mut receiver) = socket.split();
    if case.steps.iter().any(|step| matches!(step, Do::Alone)) {
        drop(receiver);
        return send(case, &sender, log).await;
    }
    let echoes = case.steps.iter().any(|step| matches!(step, Do::Echo));
    let listens = case.steps.iter().any(|step| matches!(step, Do::Listen | Do::Echo | Do::Close(_)));
    let echo = echoes.then(|| sender.clone());
    let receiving = async {
        if listens {
            listen(&mut receiver, echo, log).await;
        }
    };
    both(send(case, &sender, log), receiving).await;
    if listens {
        for _ in 0..2 {
            log.after_end(&receiver.recv().await);
        }
    }
    log.ends(receiver.closed());
}

async fn send<R: Runtime<Stream>>(case: &Case<'_>, sender: &Sender<Stream, R>, log: &Log) {
    for step in case.steps {
        match step {
            Do::Feed(message) => log.sent("feed", sender.feed(log.tries(message)).await),
            Do::Send(message) => log.sent("send", sender.send(log.tries(message)).await),
            Do::Flush => log.said("flush", sender.flush().await),
            Do::Close(code) => {
                log.closes();
                log.said("close", sender.close(CloseCode::new(*code).map(Into::into)).await);
            }
            Do::Recv | Do::Listen | Do::Echo | Do::Alone => {}
        }
    }
    log.ends(None);
}

async fn listen<R: Runtime<Stream>>(
    receiver: &mut Receiver<Stream, R>,
    echo: Option<Sender<Stream, R>>,
    log: &Log,
) {
    loop {
        let received = receiver.recv().await;
        if let (Some(sender), Ok(Some(message))) = (&echo, &received) {
            let message: Message = log.tries(message.as_bytes());
            log.sent("echo", sender.feed(message).await);
            continue;
        }
        if !log.received(received, receiver.closed()) {
            return;
        }
    }
}
