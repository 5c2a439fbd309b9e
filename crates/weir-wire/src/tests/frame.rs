//! Events read by their likeness to the last one: the same is said of them as when they are read for themselves.

use bytes::Bytes;
use proptest::prelude::*;
use weir_core::{Chunk, Failure, Operation};

use crate::dialect::{Phase, format};
use crate::frame::Frame;
use crate::stream::StreamReader;

const EVENT: &[u8] = b"data: {\"a\":\"text\"}\n\n";

fn fit(next: &[u8]) -> Option<(&str, usize)> {
    let mut frame = Frame::default();
    frame.learn(EVENT, &(12..16), 'x');
    let fit = frame.fit(next)?;
    assert_eq!(fit.says, 'x');
    Some((std::str::from_utf8(&next[fit.text]).expect("UTF-8"), fit.end))
}

#[test]
fn only_an_event_that_differs_in_its_text_alone_fits() {
    let check =
        |next: &str, expected: Option<(&str, usize)>| assert_eq!(fit(next.as_bytes()), expected, "{next:?}");
    check("data: {\"a\":\"text\"}\n\n", Some(("text", 20)));
    check("data: {\"a\":\"b\"}\n\n", Some(("b", 17)));
    check("data: {\"a\":\"b\"}\n\ndata: more", Some(("b", 17)));
    check("data: {\"a\":\"\\\"}\\\\\"}\n\n", Some(("\\\"}\\\\", 21)));
    check("data: {\"a\":\"\"}\n\n", None);
    check("data: {\"a\":\"b\",\"c\":1}\n\n", None);
    check("data: {\"a\":\"b\"}\n", None);
    check("data: {\"a\":\"b\nc\"}\n\n", None);
    check("data: {\"a\":\"b\\\nc\"}\n\n", None);
    check("data: {\"a\":\"b\\", None);
    check("data: {\"a\":\"b", None);
    check("data: {\"b\":\"text\"}\n\n", None);
    check("", None);
    assert_eq!(Frame::<char>::default().fit(EVENT), None);
}

#[test]
fn an_event_too_long_to_be_usual_is_not_remembered() {
    let mut frame = Frame::default();
    frame.learn(EVENT, &(12..16), 'x');
    let long = format!("data: {{\"a\":\"text\",\"b\":\"{}\"}}\n\n", "y".repeat(5000));
    frame.learn(long.as_bytes(), &(12..16), 'x');
    assert!(frame.fit(EVENT).is_none() && frame.fit(long.as_bytes()).is_none());
}

/// The same piece of an answer in each dialect, told apart by `id`.
fn piece(operation: Operation, id: &str, text: &str) -> String {
    match operation {
        Operation::Chat => format!(
            "data: {{\"id\":\"{id}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\
             \"finish_reason\":null}}],\"usage\":null}}\n\n"
        ),
        Operation::Completions => format!(
            "data: {{\"id\":\"{id}\",\"choices\":[{{\"index\":0,\"text\":\"{text}\",\"finish_reason\":null}}]}}\n\n"
        ),
        _ => format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{id},\
             \"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        ),
    }
}

/// What a reader says of the last of three reads.
fn last_of(operation: Operation, reads: [String; 3]) -> (Result<Option<Chunk>, Failure>, Phase, u64) {
    let format = format(operation).expect("it has a format");
    let mut reader = StreamReader::new(format, true).expecting(Some(1));
    let mut said = Ok(None);
    for read in reads {
        said = reader.push(Bytes::from(read));
    }
    (said, reader.phase(), reader.parts())
}

proptest! {
    /// The third event follows one that is like it, or one that is not: that must make no difference.
    #[test]
    fn what_is_read_by_likeness_says_what_it_says_by_itself(
        operation in prop::sample::select(vec![Operation::Chat, Operation::Completions, Operation::Messages]),
        text in prop::collection::vec(prop::sample::select(vec![
            "a", "字", "\\\"", "\"", "\\", "\\\\", "\n", "\r\n", "\n\n", "{", "}", "[", "\\u00e9", "\\ud83d", "data: ",
            "\"},\"finish_reason\":\"stop\"", "\"error\":{\"", "\"usage\":{}", "\\\"usage\\\":{", "\"delta\":{\"content\":\"",
        ]), 0..6),
    ) {
        let [one, two] = [piece(operation, "1", "a"), piece(operation, "2", "a")];
        let third = piece(operation, "2", &text.concat());
        let alike = last_of(operation, [one.clone(), two.clone(), third.clone()]);
        let apart = last_of(operation, [two, one, third]);
        let mut alike = alike;
        if let Ok(Some(chunk)) = &mut alike.0
            && let Some(said) = chunk.said.take()
        {
            let written = text.concat();
            prop_assert_eq!(said.of(&chunk.bytes), written.as_bytes());
            prop_assert!(!said.reasoning);
        }
        prop_assert_eq!(format!("{alike:?}"), format!("{apart:?}"));
    }
}

#[test]
fn a_chunk_says_what_its_only_event_says() {
    let check = |reads: &[&str], expected: Option<(bool, &str)>| {
        let mut reader = StreamReader::new(format(Operation::Chat).unwrap(), true).expecting(Some(1));
        let mut last = Chunk::default();
        for read in reads {
            last = reader.push(Bytes::from((*read).to_owned())).unwrap().unwrap_or_default();
        }
        let said = last.said.map(|said| (said.reasoning, std::str::from_utf8(said.of(&last.bytes)).unwrap()));
        assert_eq!(said, expected, "{reads:?}");
    };
    let [one, two] = [piece(Operation::Chat, "1", "a"), piece(Operation::Chat, "1", "b\\n")];
    let thought = one.replace("content", "reasoning_content");
    check(&[&one, &one, &two], Some((false, "b\\n")));
    check(&[&thought, &thought, &thought], Some((true, "a")));
    // Of several events, and of one that is read anew, it is not said.
    check(&[&one, &one, &format!("{one}{two}")], None);
    check(&[&one, &one, &format!(": keep-alive\n\n{two}")], None);
    check(&[&one, &one, &thought], None);
    check(&[&one], None);
}
