//! The program on the blocking adapter: whole, split in one thread, and in two.
use crate::{
    app::{Adapter, Case, Do, Log},
    stream::Stream,
};
use sansocket::{
    CloseCode, Closed, Error, Message,
    blocking::{Receiver, Sender, WebSocket},
};
use std::{panic::resume_unwind, thread};

pub(crate) fn run(case: &Case<'_>, adapter: Adapter, stream: Stream, log: &Log) {
    let connection = case.connection();
    let mut socket = WebSocket::new(connection, stream.clone());
    match adapter {
        Adapter::Blocking => {
            for step in case.steps {
                whole(&mut socket, step, log);
            }
            log.ends(socket.closed());
        }
        Adapter::BlockingSplit => split(case, socket, log),
        _ => threads(case, socket, &stream, log),
    }
}

fn whole(socket: &mut WebSocket<Stream>, step: &Do, log: &Log) {
    match step {
        Do::Feed(message) => log.sent("feed", socket.feed(log.tries(message))),
        Do::Send(message) => log.sent("send", socket.send(log.tries(message))),
        Do::Flush => log.said("flush", socket.flush()),
        Do::Recv => {
            let received = socket.recv();
            log.received(received, socket.closed());
        }
        Do::Listen => {
            loop {
                let received = socket.recv();
                if !log.received(received, socket.closed()) {
                    break;
                }
            }
            (0..2).for_each(|_| log.after_end(&socket.recv()));
        }
        Do::Echo => {
            let end = loop {
                let received = match socket.recv_ref() {
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
            let closed: Result<Closed, Error> = socket.close(CloseCode::new(*code).map(Into::into));
            match closed {
                Ok(closed) => log.write().close_said = Some(closed),
                Err(error) => log.said("close", Err(error)),
            }
        }
        Do::Alone => {}
    }
}

/// One thread: what the receiving end does comes where the program says so.
fn split(case: &Case<'_>, socket: WebSocket<Stream>, log: &Log) {
    let (sender, receiver) = socket.split();
    let mut receiver = Some(receiver);
    if case.steps.iter().any(|step| matches!(step, Do::Alone)) {
        receiver = None;
    }
    for step in case.steps {
        send(&sender, step, log);
        let Some(receiver) = &mut receiver else { continue };
        match step {
            Do::Recv => {
                let received = receiver.recv();
                log.received(received, receiver.closed());
            }
            Do::Listen | Do::Close(_) => listen(receiver, None, log),
            Do::Echo => listen(receiver, Some(&sender), log),
            _ => {}
        }
    }
    log.ends(receiver.as_ref().and_then(|receiver| receiver.closed()));
}

fn threads(case: &Case<'_>, socket: WebSocket<Stream>, stream: &Stream, log: &Log) {
    let (sender, mut receiver) = socket.split();
    if case.steps.iter().any(|step| matches!(step, Do::Alone)) {
        drop(receiver);
        case.steps.iter().for_each(|step| send(&sender, step, log));
        return log.ends(None);
    }
    stream.state().threads = 2;
    let echoes = case.steps.iter().any(|step| matches!(step, Do::Echo));
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let _uses = stream.thread();
            case.steps.iter().for_each(|step| send(&sender, step, log));
        });
        let receiving = scope.spawn(|| {
            let _uses = stream.thread();
            listen(&mut receiver, echoes.then_some(&sender), log);
        });
        for ended in [sending.join(), receiving.join()] {
            ended.unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    log.ends(receiver.closed());
}
fn send(sender: &Sender<Stream>, step: &Do, log: &Log) {
    match step {
        Do::Feed(message) => log.sent("feed", sender.feed(log.tries(message))),
        Do::Send(message) => log.sent("send", sender.send(log.tries(message))),
        Do::Flush => log.said("flush", sender.flush()),
        Do::Close(code) => {
            log.closes();
            log.said("close", sender.close(CloseCode::new(*code).map(Into::into)));
        }
        Do::Recv | Do::Listen | Do::Echo | Do::Alone => {}
    }
}

fn listen(receiver: &mut Receiver<Stream>, echo: Option<&Sender<Stream>>, log: &Log) {
    loop {
        let received = receiver.recv();
        if let (Some(sender), Ok(Some(message))) = (echo, &received) {
            let message: Message = log.tries(message.as_bytes());
            log.sent("echo", sender.feed(message));
            continue;
        }
        if !log.received(received, receiver.closed()) {
            break;
        }
    }
    (0..2).for_each(|_| log.after_end(&receiver.recv()));
}
