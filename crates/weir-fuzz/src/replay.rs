//! Answers kept and played again: streams of any bytes, bodies with any cuts, and what a service writes as it should.

use weir_core::Operation;
use weir_wire::dialect;
use weir_wire::replay::{Kept, assemble, play};
use weir_wire::stream::StreamReader;

use crate::caller::Caller;
use crate::input::Input;
use crate::relay::RELAYED;
use crate::writer::Writer;

/// How much is written: a record may be a whole stream, and thousands of events of one byte teach nothing more.
const TEXT_CHARS_MAX: usize = 64;

/// What is kept can be played, and what was played is kept the same; played streams are whole; what a service writes as it
/// should is kept, and its caller has the same text from the replay.
///
/// # Panics
/// One of these does not hold.
pub fn replay(bytes: &[u8]) {
    let mut input = Input::read(bytes);
    let stream = input.records().join(&b'\n');
    for operation in Operation::ALL {
        if let Some(kept) = assemble(operation, &stream) {
            comes_again(operation, &kept);
        }
        for cuts in [&b""[..], input.record(1)] {
            let kept = Kept { body: input.record(0).to_vec().into(), cuts: cuts.to_vec().into() };
            plays_whole(operation, &kept, false);
            plays_whole(operation, &kept, true);
        }
    }
    let writer = Writer {
        operation: input.pick(&RELAYED),
        id: 1,
        escapes: input.number(2) == 1,
        length: 1 + input.number(8),
        crlf: input.number(2) == 1,
    };
    let text =
        |at| String::from_utf8_lossy(input.record(at)).chars().take(TEXT_CHARS_MAX).collect::<String>();
    let (text, thoughts) = (text(0), text(1));
    let written = writer.answer(&thoughts, &text).concat();
    let kept = assemble(writer.operation, written.as_bytes()).expect("the stream is well-formed");
    let played = comes_again(writer.operation, &kept);
    assert_eq!(Caller::read(writer.operation, &played).text(), text);
    // The same answer, had it come plain.
    let played = plays_whole(writer.operation, &Kept::plain(kept.body), false).expect("it can be played");
    assert_eq!(Caller::read(writer.operation, &played).text(), text);
}

/// Plays what is kept and keeps that. Gives what was played.
fn comes_again(operation: Operation, kept: &Kept) -> Vec<u8> {
    // Without usage, a body that has some would not come out of it.
    let with_usage = plays_whole(operation, kept, true);
    let without = plays_whole(operation, kept, false).expect("what is kept can be played");
    let played = with_usage.unwrap_or(without);
    let again = assemble(operation, &played).expect("what was played can be kept");
    assert_eq!(&again, kept, "{}", String::from_utf8_lossy(&played));
    played
}

/// Plays what is kept, if that is possible: then it is a whole stream.
fn plays_whole(operation: Operation, kept: &Kept, include_usage: bool) -> Option<Vec<u8>> {
    let events = play(operation, kept, include_usage)?;
    let mut reader = StreamReader::new(dialect::format(operation)?, true);
    for event in &events {
        reader.push(event.clone()).expect("a played event is no failure");
        assert!(reader.take_failure().is_none());
    }
    assert!(reader.is_over(), "the last event is not the last");
    reader.finish().expect("a played stream is whole");
    Some(events.concat())
}
