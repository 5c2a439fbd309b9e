//! Replays: whoever reads the played stream of a kept answer ends up with what the service's own stream said.

mod any_answer;
mod chat;
mod messages;
mod plain;
mod refused;
mod responses;
mod sdk;

use bytes::Bytes;
use serde_json::Value;
use weir_core::{Finish, Operation, Usage};

use crate::dialect::format;
use crate::replay::{Kept, assemble, play};
use crate::stream::StreamReader;

/// What the reader of streams says of one.
#[derive(Debug, PartialEq)]
struct Told {
    usage: Option<Usage>,
    finish: Option<Finish>,
    /// It ended by itself, with nothing added.
    over: bool,
}

fn told(operation: Operation, stream: &[u8]) -> Told {
    let mut reader = StreamReader::new(format(operation).unwrap(), true);
    let chunk = reader.push(Bytes::copy_from_slice(stream)).unwrap().unwrap_or_default();
    let over = reader.is_over();
    reader.finish().unwrap();
    Told { usage: chunk.usage, finish: chunk.finish, over }
}

fn played(operation: Operation, kept: &Kept) -> Vec<u8> {
    play(operation, kept, true).expect("it can be played").concat()
}

/// A stream that is kept, and whose replay says the same to everyone. Gives the plain answer.
#[track_caller]
fn check(operation: Operation, stream: &str) -> Value {
    let kept = assemble(operation, stream.as_bytes()).expect("it can be kept");
    let replay = played(operation, &kept);
    let text = String::from_utf8(replay.clone()).unwrap();
    assert_eq!(sdk::message(operation, &text), sdk::message(operation, stream), "{text}");
    assert_eq!(sdk::kinds(operation, &text), sdk::kinds(operation, stream), "{text}");
    assert_eq!(told(operation, &replay), told(operation, stream.as_bytes()));
    assert_eq!(assemble(operation, &replay).as_ref(), Some(&kept), "{text}");
    let format = format(operation).unwrap();
    let whole = format.read_whole(&kept.body).unwrap();
    assert_eq!(
        (whole.usage, whole.finish),
        (told(operation, &replay).usage, told(operation, &replay).finish)
    );
    // However the service breaks its lines, and whatever it says to keep the line open.
    let crlf = stream.replace('\n', "\r\n").replace("\r\n\r\n", "\r\n\r\n: keep-alive\r\n\r\n");
    assert_eq!(assemble(operation, crlf.as_bytes()).as_ref(), Some(&kept));
    let pings = stream.replacen("\n\n", "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n\n", 2);
    assert_eq!(assemble(operation, pings.as_bytes()).as_ref(), Some(&kept));
    let lump = Kept::plain(kept.body.clone());
    let cut_anew = String::from_utf8(played(operation, &lump)).unwrap();
    let [is, was] = [&cut_anew, stream].map(|stream| sdk::message(operation, stream));
    // Which members of a plain body a stream would have said last nobody knows.
    let parts = |message: Value| message.get("choices").cloned().unwrap_or(message);
    assert_eq!(parts(is), parts(was), "{cut_anew}");
    serde_json::from_slice(&kept.body).unwrap()
}

/// One event a line, each as `data`.
fn data(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("data: {line}\n\n")).collect()
}

/// One event a line, each named by its type.
fn named(lines: &[&str]) -> String {
    let event = |line: &&str| {
        let kind = serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
        format!("event: {kind}\ndata: {line}\n\n")
    };
    lines.iter().map(event).collect()
}
