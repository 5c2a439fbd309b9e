//! Any text, broken anywhere twice, taken up by services that do as they should: the caller has it whole, once.

use bytes::Bytes;
use weir_core::{Operation, Prefill, Rung};
use weir_wire::dialect;
use weir_wire::relay::{Delivered, Holds, Relay};
use weir_wire::stream::StreamReader;

use crate::caller::Caller;
use crate::input::Input;
use crate::relay::{RELAYED, request};
use crate::writer::Writer;

const RUNGS: [Rung; 5] = [
    Rung::Replay,
    Rung::Prefill(Prefill::ContinueFinalMessage),
    Rung::Prefill(Prefill::Trailing),
    Rung::Prefill(Prefill::Prefix),
    Rung::Prefill(Prefill::Partial),
];

/// As many breaks of one answer.
const BREAKS: usize = 2;

/// A text that begins with so many characters of itself again could be an echo, where services echo.
const ECHO_CHARS: usize = 16;

/// The caller has the whole text, one id, one end and one mark after it, whatever broke.
///
/// # Panics
/// One of these does not hold.
pub fn splice(bytes: &[u8]) {
    let mut input = Input::read(bytes);
    let operation = input.pick(&RELAYED);
    let held = input.number(2) == 1;
    let holds = Holds { tool_calls: held, structured: held, text_bytes_max: 1 << 20 };
    let text = String::from_utf8_lossy(input.record(0));
    let reasoning = String::from_utf8_lossy(input.record(1));
    let asked = request(operation, "");
    let mut answer = Answer {
        relay: Relay::new(operation, &asked, holds).expect("the operation is relayed"),
        operation,
        given: Vec::new(),
    };
    let mut said: &str = &text;
    for id in 0..=BREAKS {
        let writer = Writer {
            operation,
            id,
            escapes: input.number(2) == 1,
            length: 1 + input.number(8),
            crlf: input.number(4) == 3,
        };
        let together = 1 + input.number(3);
        let events = writer.answer(if id == 0 { &reasoning } else { "" }, said);
        let cut = if id < BREAKS { input.number(events.len()) } else { events.len() };
        if answer.hear(&events[..cut], together, cut == events.len()) {
            break;
        }
        match answer.relay.broke() {
            Delivered::Finished => {
                answer.given.extend_from_slice(answer.relay.closing());
                break;
            }
            delivered => assert_ne!(delivered, Delivered::Other, "a text can always be continued"),
        }
        said = answer.take_up(&text, input.pick(&RUNGS), &asked);
    }
    let caller = Caller::read(operation, &answer.given);
    assert_eq!(caller.text(), text);
    assert_eq!((caller.finishes, caller.closings, caller.ids.len()), (1, 1, 1), "{caller:?}");
}

/// An answer on its way to its caller.
struct Answer {
    relay: Relay,
    operation: Operation,
    given: Vec<u8>,
}

impl Answer {
    /// Takes events of an attempt, some at once. Says whether it is over: it `ends`, or nothing breaks any more.
    fn hear(&mut self, events: &[String], together: usize, ends: bool) -> bool {
        let format = dialect::format(self.operation).expect("the operation has a format");
        let mut reader = StreamReader::new(format, true);
        for read in events.chunks(together) {
            let read = reader.push(Bytes::from(read.concat())).expect("the stream is well-formed");
            if let Some(chunk) = read {
                self.give(chunk);
            }
        }
        if ends {
            if let Some(chunk) = reader.finish().expect("the stream is whole") {
                self.give(chunk);
            }
            let rest = self.relay.finish().expect("the attempt is the answer that broke off");
            self.given.extend_from_slice(&rest.unwrap_or_default().bytes);
        }
        ends
    }

    /// Nobody can tell whether it goes on or begins again: the attempt is refused, and nothing of it is given out.
    fn hear_in_vain(&mut self, said: &str) {
        let format = dialect::format(self.operation).expect("the operation has a format");
        let mut reader = StreamReader::new(format, true);
        let writer =
            Writer { operation: self.operation, id: BREAKS + 1, escapes: false, length: 8, crlf: false };
        for event in writer.answer("", said) {
            let chunk =
                reader.push(Bytes::from(event)).expect("the stream is well-formed").unwrap_or_default();
            match self.relay.push(chunk) {
                Ok(given) => assert!(given.unwrap_or_default().bytes.is_empty(), "given out, and not clear"),
                Err(_refused) => break,
            }
        }
        assert!(self.relay.finish().is_err(), "joined on, and not clear");
        self.relay.broke();
    }

    fn give(&mut self, chunk: weir_core::Chunk) {
        let given = self.relay.push(chunk).expect("the attempt is the answer that broke off");
        self.given.extend_from_slice(&given.unwrap_or_default().bytes);
    }

    /// Asks for the next attempt, on `rung` where that is possible. Gives what a service says then.
    fn take_up<'a>(&mut self, text: &'a str, rung: Rung, asked: &weir_core::Envelope) -> &'a str {
        let had = Caller::read(self.operation, &self.given).text();
        assert!(text.starts_with(&had), "{had:?} is no beginning of {text:?}");
        let begun = had.trim_end();
        let rest = &text[begun.len()..];
        let prefills = rung != Rung::Replay && self.relay.can(rung);
        let rung = if prefills { rung } else { Rung::Replay };
        assert!(self.relay.can(rung), "{rung:?} after {had:?}");
        self.relay.resume(rung, asked);
        let marked = matches!(rung, Rung::Prefill(Prefill::Prefix | Prefill::Partial));
        let echoes =
            !marked && self.operation != Operation::Completions && begun.chars().count() >= ECHO_CHARS;
        if prefills && echoes && rest.starts_with(begun) {
            self.hear_in_vain(rest);
            self.relay.resume(Rung::Replay, asked);
            return text;
        }
        if prefills { rest } else { text }
    }
}
