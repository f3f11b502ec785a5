//! A peer on strings: told what to do, it tells what it saw. A script's lines of JSON, or messages to a thread.
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command as Process, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// How a peer behaves from the start.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Sends messages back instead of telling of them.
    pub echo: bool,
    /// Header fields of its own, in its request or its response.
    pub headers: BTreeMap<String, String>,
    /// What it offers, or knows.
    pub subprotocols: Vec<String>,
    /// Refuses every request, as a server.
    pub refuse: Option<Refuse>,
    /// Connects so many times, as a client.
    pub count: usize,
    /// The longest message that it takes.
    pub max_size: Option<usize>,
    /// How it compresses; if not told, as it likes.
    pub deflate: Option<Theirs>,
}

/// How a peer compresses, and wants to have compressed.
#[derive(Clone, Debug, Serialize)]
pub struct Theirs {
    pub takeover: bool,
    pub window_bits: u8,
}

#[derive(Clone, Debug, Serialize)]
pub struct Refuse {
    pub status: u16,
    pub body: String,
}

impl Default for Options {
    fn default() -> Self {
        let (headers, subprotocols) = (BTreeMap::new(), vec![]);
        Self { echo: false, headers, subprotocols, refuse: None, count: 1, max_size: None, deflate: None }
    }
}

impl Options {
    pub fn echo() -> Self {
        Self { echo: true, ..Self::default() }
    }
}

/// What a peer is to do, on each connection that it has.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    Text {
        text: String,
    },
    /// Sends [`pattern`] of this size.
    Binary {
        size: usize,
    },
    /// Sends `message 0` and so on, as fast as it can.
    Burst {
        count: usize,
    },
    /// Sends a message in pieces; after the first, it pings and waits for the answer.
    Fragments {
        text: bool,
        pieces: Vec<Vec<u8>>,
        ping: Option<String>,
    },
    /// Sends a text message that is not UTF-8.
    NotUtf8,
    Ping {
        payload: String,
    },
    Close {
        code: u16,
        reason: String,
    },
    CloseEmpty,
    /// Ends the transport without a Close frame.
    BreakOff,
}

/// What a peer saw. Of a message it tells only if it does not echo.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "saw", rename_all = "snake_case")]
pub enum Saw {
    /// With the other's header fields.
    Open {
        headers: BTreeMap<String, String>,
        subprotocol: Option<String>,
    },
    Refused {
        status: u16,
        body: String,
    },
    Text {
        text: String,
    },
    /// `intact`: it was [`pattern`].
    Binary {
        size: usize,
        intact: bool,
    },
    Pong {
        payload: String,
    },
    Closed {
        code: u16,
        reason: String,
        clean: bool,
    },
}

/// Bytes whose period no size of a frame divides.
pub fn pattern(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Puppet {
    tell: Box<dyn FnMut(&Command) + Send>,
    seen: Receiver<Saw>,
    /// Ends with it.
    _process: Option<Running>,
}

/// Ends its process when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Clone, Copy)]
pub enum Script {
    Python,
    Node,
}

impl Script {
    fn process(self) -> Process {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (program, script) = match self {
            Self::Python => {
                let named = env::var_os("INTEROP_PYTHON").map(PathBuf::from);
                (named.unwrap_or_else(|| root.join("target/venv/bin/python")), root.join("python/peer.py"))
            }
            Self::Node => ("node".into(), root.join("node/peer.mjs")),
        };
        let mut process = Process::new(program);
        process.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        process
    }
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

impl Puppet {
    pub fn new(tell: impl FnMut(&Command) + Send + 'static, seen: Receiver<Saw>) -> Self {
        Self { tell: Box::new(tell), seen, _process: None }
    }

    /// Starts a script that connects to `url`.
    pub fn connect(script: Script, url: &str, options: &Options) -> Self {
        let mut process = script.process();
        process.arg("connect").arg(url);
        Self::start(process, options, false).0
    }

    /// Starts a script that listens, and gives its port.
    pub fn serve(script: Script, options: &Options) -> (Self, u16) {
        let mut process = script.process();
        process.arg("serve");
        Self::start(process, options, true)
    }

    fn start(mut process: Process, options: &Options, listens: bool) -> (Self, u16) {
        process.arg(serde_json::to_string(options).unwrap());
        let mut child = process.spawn().expect("the peer starts: tests/interop/run installs it");
        let mut commands = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut port = 0;
        let process = Some(Running(child));
        if listens {
            let line = lines.next().expect("the peer says where it listens").unwrap();
            port = serde_json::from_str::<Listening>(&line).unwrap().port;
        }
        let (tell, seen) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let saw = serde_json::from_str(&line).expect("a line that says what the peer saw");
                if tell.send(saw).is_err() {
                    break;
                }
            }
        });
        let tell = move |command: &Command| {
            let line = serde_json::to_string(command).unwrap() + "\n";
            commands.write_all(line.as_bytes()).expect("the peer listens to commands");
        };
        (Self { tell: Box::new(tell), seen, _process: process }, port)
    }

    pub fn tell(&mut self, command: Command) {
        (self.tell)(&command);
    }

    /// Waits for what it sees next.
    pub fn saw(&self) -> Saw {
        self.seen.recv_timeout(PATIENCE).expect("the peer sees something")
    }

    pub fn saw_closed(&self, code: u16, reason: &str, clean: bool) {
        assert_eq!(self.saw(), Saw::Closed { code, reason: reason.into(), clean });
    }

    pub fn saw_text(&self, text: &str) {
        assert_eq!(self.saw(), Saw::Text { text: text.into() });
    }

    pub fn saw_binary(&self, size: usize) {
        assert_eq!(self.saw(), Saw::Binary { size, intact: true });
    }

    pub fn saw_pong(&self, payload: &str) {
        assert_eq!(self.saw(), Saw::Pong { payload: payload.into() });
    }
}
