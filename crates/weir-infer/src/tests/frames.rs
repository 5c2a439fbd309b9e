//! A service that speaks HTTP/2 in hand-written frames, to say what no well-behaved server library would.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub(super) const NO_ERROR: u32 = 0;
pub(super) const INTERNAL_ERROR: u32 = 2;
pub(super) const REFUSED_STREAM: u32 = 7;

/// What is done once a request has been read.
pub(super) struct Reaction {
    pub frames: Vec<u8>,
    pub closes: bool,
}

/// A service under way; it ends when dropped.
pub(super) struct Service {
    pub base: String,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Service {
    /// Reacts to each request by its number, from zero, and its stream.
    pub(super) async fn start(react: fn(usize, u32) -> Reaction) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, requests) = (Arc::clone(&connections), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((socket, _peer)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                conversations.spawn(converse(socket, Arc::clone(&requests), react));
            }
        });
        Self { base, connections, _tasks: tasks }
    }

    /// How many connections were made to it.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The end of the conversation is the caller's, or an error that is the caller leaving.
async fn converse(mut socket: TcpStream, requests: Arc<AtomicUsize>, react: fn(usize, u32) -> Reaction) {
    let mut preface = [0; PREFACE.len()];
    if socket.read_exact(&mut preface).await.is_err() || preface != PREFACE {
        return;
    }
    let mut out = frame(SETTINGS, 0, 0, &[]);
    loop {
        if socket.write_all(&out).await.is_err() {
            return;
        }
        out.clear();
        let mut head = [0; 9];
        if socket.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        if socket.read_exact(&mut payload).await.is_err() {
            return;
        }
        match (head[3], head[4]) {
            (SETTINGS, flags) if flags & ACK == 0 => out = frame(SETTINGS, ACK, 0, &[]),
            (DATA | HEADERS, flags) if flags & END_STREAM != 0 => {
                let reaction = react(requests.fetch_add(1, Ordering::Relaxed), stream);
                out = reaction.frames;
                if reaction.closes {
                    // What is written arrives: everything the caller sent has been read.
                    let _caller_gone = socket.write_all(&out).await;
                    return;
                }
            }
            _ => {}
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Says no to one stream.
pub(super) fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

/// Says that streams above `last` are not answered.
pub(super) fn goaway(last: u32, reason: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())
}

/// A 200 with a whole JSON answer.
pub(super) fn answer(stream: u32) -> Vec<u8> {
    // `:status: 200` is entry 8 of HPACK's static table.
    let head = frame(HEADERS, END_HEADERS, stream, &[0x88]);
    let body = br#"{"choices":[{"finish_reason":"stop","message":{"content":"a"}}]}"#;
    [head, frame(DATA, END_STREAM, stream, body)].concat()
}
