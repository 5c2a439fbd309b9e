//! Attempts of any bytes, joined on every rung.

use bytes::Bytes;
use weir_core::{Envelope, Operation, Prefill, Rung};
use weir_wire::relay::{Delivered, Holds, Relay};
use weir_wire::sse::events;
use weir_wire::stream::StreamReader;
use weir_wire::{dialect, envelope};

use crate::input::Input;

/// The operations that are relayed.
pub(crate) const RELAYED: [Operation; 3] = [Operation::Chat, Operation::Messages, Operation::Completions];

const RUNGS: [Rung; 7] = [
    Rung::Replay,
    Rung::Prefill(Prefill::Prefix),
    Rung::Instructed,
    Rung::Prefill(Prefill::Partial),
    Rung::Prefill(Prefill::ContinueFinalMessage),
    Rung::Prefill(Prefill::Trailing),
    Rung::Fresh,
];

/// What a request may ask besides: everything that the relay treats in a way of its own.
const ASKS: [&str; 7] = [
    "",
    r#","stop":["END","\n\n"],"stop_sequences":["END","\n\n"],"stream_options":{"include_usage":true}"#,
    r#","response_format":{"type":"json_object"},"output_format":{"type":"json_schema"}"#,
    r#","n":2,"best_of":2"#,
    r#","max_tokens":3,"max_completion_tokens":3,"tools":[{}]"#,
    r#","thinking":{"type":"enabled"}"#,
    r#","messages":[{"role":"user","content":"go"},{"role":"assistant","content":"\ud83dHere"}]"#,
];

/// A request for a streamed answer, read.
pub(crate) fn request(operation: Operation, ask: &str) -> Envelope {
    let turn = r#""messages":[{"role":"user","content":"go"}]"#;
    // A request that has messages of its own asks nothing else.
    let turn = if ask.contains("\"messages\"") { r#""user":"u""# } else { turn };
    let body = format!(r#"{{"model":"m","stream":true,"prompt":"go",{turn}{ask}}}"#);
    envelope::read(operation, body.into()).expect("the request is well-formed").1
}

/// Streams of any bytes, each broken off or ended, one joined on to the other: never a panic; once an attempt is
/// refused, nothing more of it is given out; a stream that nothing breaks passes whole; every next request can be read.
///
/// # Panics
/// One of these does not hold.
pub fn relay(bytes: &[u8]) {
    let mut input = Input::read(bytes);
    let operation = input.pick(&RELAYED);
    let asked = request(operation, input.pick(&ASKS));
    let held = input.number(2) == 1;
    let text_bytes_max = input.pick(&[1 << 20, 0, 8, 100]);
    let holds = Holds { tool_calls: held, structured: held, text_bytes_max };
    let rungs: Vec<Rung> = (0..input.records().len()).map(|_| input.pick(&RUNGS)).collect();
    let mut relay = Relay::new(operation, &asked, holds).expect("the operation is relayed");
    for (at, stream) in input.records().iter().enumerate() {
        let attempt = attempt(&mut relay, operation, &input.reads(stream));
        if at == 0 {
            attempt.is_unchanged();
        }
        if attempt.whole {
            return;
        }
        let delivered = relay.broke();
        assert_eq!(delivered, relay.broke(), "asked twice, it says another thing");
        relay.spent();
        if delivered == Delivered::Finished {
            std::str::from_utf8(relay.closing()).expect("marks are ASCII");
            return;
        }
        if let Some(end) = relay.used_up() {
            std::str::from_utf8(&end.bytes).expect("an end of weir's own is text");
            assert!(
                !RUNGS.iter().any(|rung| *rung != Rung::Replay && relay.can(*rung)),
                "asked for no tokens"
            );
        }
        for rung in RUNGS {
            relay.can(rung);
        }
        let next = relay.resume(rungs[at], &asked);
        let read = envelope::read(operation, next.body.clone());
        let (_, read) = read.unwrap_or_else(|rejection| panic!("{}: {next:?}", rejection.message));
        assert_eq!((read.stream, read.members), (true, next.members), "the next request is not what it says");
    }
}

/// One attempt: what its reader gave, what the relay gave of that, and whether it ended well.
#[derive(Default)]
struct Attempt {
    read: Vec<u8>,
    given: Vec<u8>,
    whole: bool,
}

impl Attempt {
    /// A first attempt that ended well has passed whole; pings may have overtaken what was held back.
    fn is_unchanged(&self) {
        let sorted = |bytes: &[u8]| {
            let mut events: Vec<Vec<u8>> = events(bytes).map(|event| bytes[event.whole].to_vec()).collect();
            events.sort_unstable();
            events
        };
        if self.whole {
            assert_eq!(sorted(&self.given), sorted(&self.read), "nothing broke, and something changed");
        }
    }
}

fn attempt(relay: &mut Relay, operation: Operation, reads: &[Bytes]) -> Attempt {
    let format = dialect::format(operation).expect("the operation has a format");
    let mut reader = StreamReader::new(format, true);
    let mut attempt = Attempt::default();
    for read in reads.iter().map(Some).chain([None]) {
        let chunk = match read {
            Some(read) => reader.push(read.clone()),
            None => reader.finish(),
        };
        let Ok(chunk) = chunk else { return attempt };
        if let Some(chunk) = chunk {
            attempt.read.extend_from_slice(&chunk.bytes);
            let was_over = relay.is_over();
            let Ok(given) = relay.push(chunk.clone()) else {
                let refuses = relay.push(chunk).is_err() && relay.finish().is_err();
                assert!(refuses, "an attempt that was refused goes on");
                return attempt;
            };
            let given = given.unwrap_or_default().bytes;
            assert!(!was_over || given.is_empty(), "the answer was over");
            attempt.given.extend_from_slice(&given);
        }
        if reader.take_failure().is_some() {
            return attempt;
        }
    }
    if let Ok(rest) = relay.finish() {
        attempt.given.extend_from_slice(&rest.unwrap_or_default().bytes);
        attempt.whole = true;
    }
    attempt
}
