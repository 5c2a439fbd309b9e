//! Anthropic messages, rule by rule. That blocks open and close in order the caller of these tests checks
//! itself.

use weir_core::{Finish, Operation, Prefill, Rung};

use super::service::{Block, Writes};
use super::{Call, HOLDS, refused};
use crate::relay::Delivered;

const BODY: &str =
    r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"go"}],"stream":true}"#;
const TRAILING: Rung = Rung::Prefill(Prefill::Trailing);

fn message(id: u32, blocks: &[Block<'_>]) -> Vec<String> {
    Writes::plainly(id).message(blocks)
}

/// A call whose first attempt broke so many events before its end.
fn broken(body: &str, blocks: &[Block<'_>], before_end: usize) -> (Call, Delivered) {
    let mut call = Call::new(Operation::Messages, body, HOLDS);
    let events = message(1, blocks);
    let delivered = call.cut(&events[..events.len() - before_end]);
    (call, delivered)
}

#[test]
fn says_what_the_caller_has() {
    let check = |blocks: &[Block<'_>], before_end: usize, expected: Delivered| {
        assert_eq!(broken(BODY, blocks, before_end).1, expected, "{blocks:?}");
    };
    check(&[], 2, Delivered::Nothing);
    check(&[Block::Text("")], 3, Delivered::Nothing);
    check(&[Block::Thinking("so")], 3, Delivered::Reasoning);
    check(&[Block::Thinking("so"), Block::Text("yes")], 3, Delivered::Content);
    check(&[Block::Text("yes")], 1, Delivered::Finished);
    let signature = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\n\n";
    let (mut call, _) = broken(BODY, &[Block::Thinking("so")], 3);
    assert_eq!(call.cut(&[signature]), Delivered::Other);
    let redacted = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"x\"}}\n\n";
    let (mut call, _) = broken(BODY, &[], 2);
    assert_eq!(call.cut(&[redacted]), Delivered::Other);
}

#[test]
fn a_block_whose_index_is_absurd_is_not_continued() {
    let check = |index: usize, expected: Delivered| {
        let start = format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{{\"type\":\"text\",\"text\":\"Hel\"}}}}\n\n"
        );
        let mut relay = Call::new(Operation::Messages, BODY, HOLDS).relay;
        let chunk = weir_core::Chunk { bytes: start.into(), ..weir_core::Chunk::default() };
        relay.push(chunk).unwrap();
        assert_eq!(relay.broke(), expected, "{index}");
        assert_eq!(relay.can(Rung::Replay), expected == Delivered::Content, "{index}");
    };
    check(0, Delivered::Content);
    check(1 << 16, Delivered::Content);
    check((1 << 16) + 1, Delivered::Other);
    check(usize::MAX - 1, Delivered::Other);
    check(usize::MAX, Delivered::Other);
}

#[test]
fn an_open_block_goes_on() {
    let (mut call, _) = broken(BODY, &[Block::Text("Hello, ")], 3);
    let request = call.resume(TRAILING);
    assert_eq!(request["messages"][1], serde_json::json!({"role": "assistant", "content": "Hello,"}));
    assert_eq!(request["max_tokens"], 98);
    call.whole(&message(2, &[Block::Text(" world"), Block::Tool("{}")])).unwrap();
    call.caller.has_whole("Hello, world");
    assert_eq!(call.caller.blocks, ["text", "tool_use"]);
}

#[test]
fn a_block_that_nobody_goes_on_with_is_closed() {
    let check = |before_end: usize, rest: &[Block<'_>], blocks: &[&str]| {
        let (mut call, _) = broken(BODY, &[Block::Text("I look")], before_end);
        call.resume(TRAILING);
        call.whole(&message(2, rest)).unwrap();
        call.caller.has_whole("I look");
        assert_eq!(call.caller.blocks, blocks);
    };
    // Cut inside the block, and after it.
    for before_end in [3, 2] {
        check(before_end, &[], &["text"]);
        check(before_end, &[Block::Tool("{}")], &["text", "tool_use"]);
        check(before_end, &[Block::Text(""), Block::Tool("{}")], &["text", "tool_use"]);
    }
}

#[test]
fn a_replay_says_every_block_again() {
    let two = [Block::Text("one"), Block::Text("two")];
    let check = |again: &[Block<'_>], expected: Option<(&str, &[&str])>| {
        let (mut call, _) = broken(BODY, &two, 3);
        call.resume(Rung::Replay);
        let events = message(2, again);
        let Some((text, blocks)) = expected else { return refused(&mut call, &events) };
        call.whole(&events).unwrap();
        call.caller.has_whole(text);
        assert_eq!(call.caller.blocks, blocks);
    };
    let tool = Block::Tool("{}");
    check(&two, Some(("onetwo", &["text", "text"])));
    check(&[two[0], Block::Text("two!"), tool], Some(("onetwo!", &["text", "text", "tool_use"])));
    check(
        &[Block::Thinking("hm"), two[0], two[1], Block::Text("3")],
        Some(("onetwo3", &["text", "text", "text"])),
    );
    check(&[Block::Text("one!"), two[1]], None);
    check(&[Block::Text("on"), two[1]], None);
    check(&[two[0]], None);
    check(&[two[0], tool], None);
    check(&[tool], None);
    check(&[two[0], Block::Text("tw")], None);
    check(&[two[0], Block::Text("twO")], None);
    check(&[], None);
}

#[test]
fn thinking_that_was_shown_is_closed_and_not_shown_again() {
    for before_end in [3, 2] {
        let (mut call, delivered) = broken(BODY, &[Block::Thinking("first I")], before_end);
        assert_eq!(delivered, Delivered::Reasoning);
        call.resume(Rung::Replay);
        call.whole(&message(2, &[Block::Thinking("otherwise"), Block::Text("yes")])).unwrap();
        call.caller.has_whole("yes");
        assert_eq!(call.caller.reasoning, "first I");
        assert_eq!(call.caller.blocks, ["thinking", "text"]);
    }
}

#[test]
fn a_stop_sequence_is_seen_although_two_services_said_it() {
    let body = BODY.replace("true", "true,\"stop_sequences\":[\"END\"]");
    let (mut call, _) = broken(&body, &[Block::Text("one E")], 3);
    call.resume(TRAILING);
    call.whole(&message(2, &[Block::Text("ND two")])).unwrap();
    assert!(call.relay.is_over());
    call.caller.has_whole("one E");
    assert_eq!(call.caller.finishes, ["stop_sequence"]);
    assert_eq!(call.caller.finish, Some(Finish::Whole));
    assert!(call.caller.bytes.contains("\"stop_sequence\":\"END\""));
}

#[test]
fn what_is_missing_after_the_finish_is_its_closing() {
    let (call, _) = broken(BODY, &[Block::Text("Hello")], 1);
    assert!(call.relay.closing().starts_with(b"event: message_stop\n"));
}

#[test]
fn a_text_that_a_block_opens_with_is_text() {
    let start = |text: &str| {
        format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let mut call = Call::new(Operation::Messages, BODY, HOLDS);
    let head = message(1, &[])[0].clone();
    assert_eq!(call.cut(&[head.clone(), start("Hel")]), Delivered::Content);
    call.resume(Rung::Replay);
    let mut again = message(2, &[Block::Text("lo")]);
    again[2] = start("Hel");
    call.whole(&again).unwrap();
    call.caller.has_whole("Hello");
}

#[test]
fn pings_pass_while_something_waits() {
    let (mut call, _) = broken(BODY, &[Block::Text("It was a dark night")], 3);
    call.resume(TRAILING);
    let events = message(2, &[Block::Text("It was a dark night and")]);
    let before = call.caller.bytes.len();
    call.reads(&events[..4]).unwrap();
    assert_eq!(&call.caller.bytes[before..], events[1]);
}

#[test]
fn thinking_that_turns_out_to_be_signed_is_not_left_out() {
    let event = |name: &str, rest: &str| {
        format!("event: {name}\ndata: {{\"type\":\"{name}\",\"index\":0,{rest}}}\n\n")
    };
    let signature =
        event("content_block_delta", "\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}");
    let redacted =
        event("content_block_start", "\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"x\"}");
    let signed = event(
        "content_block_start",
        "\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"s\"}",
    );
    let unsigned =
        event("content_block_delta", "\"delta\":{\"type\":\"signature_delta\",\"signature\":\"\"}");
    let check = |replace: usize, by: &str, expected: bool| {
        let (mut call, delivered) = broken(BODY, &[Block::Thinking("first I")], 3);
        assert_eq!(delivered, Delivered::Reasoning);
        call.resume(Rung::Replay);
        let mut again = message(2, &[Block::Thinking("other"), Block::Text("yes")]);
        again[replace] = by.to_owned();
        if !expected {
            return refused(&mut call, &again);
        }
        call.whole(&again).unwrap();
        call.caller.has_whole("yes");
    };
    // The events are: start, ping, block start, two deltas, block stop, and so on.
    check(4, &signature, false);
    check(2, &redacted, false);
    check(2, &signed, false);
    check(4, &unsigned, true);
}

#[test]
fn more_blocks_than_are_kept_cannot_be_continued() {
    let check = |blocks: usize, expected: Delivered| {
        let mut relay = Call::new(Operation::Messages, BODY, HOLDS).relay;
        for index in 0..blocks {
            let start = format!(
                "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n"
            );
            let stop = format!(
                "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n"
            );
            let bytes = [start, stop].concat().into();
            relay.push(weir_core::Chunk { bytes, ..weir_core::Chunk::default() }).unwrap();
        }
        assert_eq!(relay.broke(), expected, "{blocks}");
    };
    check(4096, Delivered::Nothing);
    check(4097, Delivered::Other);
}

#[test]
fn what_waits_to_be_joined_on_is_bounded() {
    let (mut call, _) = broken(BODY, &[Block::Text("It was a dark night")], 3);
    call.resume(TRAILING);
    let ping = "event: unknown\ndata: {\"type\":\"unknown\",\"said\":\"PADDING\"}\n\n"
        .replace("PADDING", &"x".repeat(100_000));
    let mut events = message(2, &[Block::Text("It was a dark")]);
    events.truncate(4);
    call.reads(&events).unwrap();
    let before = call.caller.bytes.len();
    let waits = (0..1000).take_while(|_| call.reads(&[&ping]).is_ok()).count();
    assert!((30..50).contains(&waits), "{waits}");
    assert_eq!(call.caller.bytes.len(), before);
}

#[test]
fn an_event_that_cannot_be_read_fails_a_join_that_is_not_clear() {
    let garbled = || {
        let bytes = "event: content_block_delta\ndata: {\"delta\":{\"text\":\"x\"}]}\n\n".into();
        weir_core::Chunk { bytes, ..weir_core::Chunk::default() }
    };
    let check = |rung: Rung, events: usize, expected: bool| {
        let (mut call, _) = broken(BODY, &[Block::Text("one"), Block::Text("two")], 3);
        call.resume(rung);
        let again = message(2, &[Block::Text("one"), Block::Text("two more")]);
        call.reads(&again[..events]).unwrap();
        assert_eq!(call.relay.push(garbled()).is_ok(), expected, "{rung:?} after {events}");
    };
    // start, ping, start, "one", stop, start, "two ", "more", stop, and so on: in the first block, between them, in the
    // second, and after all that was delivered.
    check(Rung::Replay, 3, false);
    check(Rung::Replay, 5, false);
    check(Rung::Replay, 6, false);
    check(Rung::Replay, 8, true);
}
