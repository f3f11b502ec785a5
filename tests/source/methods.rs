//! Sockets and their ends have the same methods with threads and with tasks.
use std::{collections::BTreeSet, fs, path::Path};

type Names = BTreeSet<String>;

/// Methods that only one of the two has, each with the reason.
const APART: &[(&str, &str)] = &[
    ("recv_timeout", "tasks have the runtime's `timeout` around `recv`: every method is cancel-safe"),
    ("get_ref", "of a receiver: threads have an end of the stream each, tasks none"),
    ("poll_fill_buf", "what the runtime's traits are implemented with"),
    ("poll_read", "likewise"),
    ("consume", "likewise"),
    ("poll_write", "likewise"),
    ("poll_flush", "likewise"),
    ("poll_finish", "likewise"),
    ("buffered_amount", "of a writer: a thread that writes has nothing else to ask"),
];

fn read(path: &Path) -> Vec<String> {
    if path.is_file() {
        return vec![fs::read_to_string(path).unwrap()];
    }
    let mut paths: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().filter(|path| path.file_name().unwrap() != "tests.rs").flat_map(|path| read(path)).collect()
}
fn source(path: &str) -> Vec<String> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path))
}
fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The public methods of a type, in whichever file of a folder.
fn methods(folder: &str, of: &str) -> Names {
    let mut names = Names::new();
    for file in source(folder) {
        for block in file.split("\nimpl").skip(1) {
            let (head, body) = block.split_once('{').unwrap();
            let (head, _) = head.split_once(" where").unwrap_or((head, ""));
            let ours = !head.contains(" for ") && head.split(['<', ' ', '>']).any(|name| name == of);
            let body = body.split("\n}").next().unwrap();
            for kind in ["    pub fn ", "    pub async fn "] {
                names.extend(body.split(kind).skip(1).filter(|_| ours).map(word));
            }
        }
    }
    names
}

#[test]
fn sockets_and_their_ends_have_the_same_methods_with_threads_and_with_tasks() {
    let mut apart = Names::new();
    for of in ["WebSocket", "Sender", "Receiver", "MessageReader", "MessageWriter"] {
        apart.extend(methods("blocking", of).symmetric_difference(&methods("aio", of)).cloned());
    }
    let known: Names = APART.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(apart, known);
    assert!(methods("aio", "WebSocket").is_superset(&["recv", "close", "split"].map(String::from).into()));
}
