//! What is held back, until when, and that a cut while holding is invisible.

use weir_core::{Operation, Prefill, Rung};

use super::service::{Block, Writes};
use super::{Call, HOLDS, NO_HOLDS};
use crate::relay::{Delivered, Holds};

const BODY: &str = r#"{"model":"m","messages":[],"stream":true}"#;
const JSON: &str = r#"{"model":"m","messages":[],"stream":true,"response_format":{"type":"json_schema"}}"#;
const TEXT: &str = r#"{"model":"m","messages":[],"stream":true,"response_format":{"type":"text"}}"#;

fn service(id: u32) -> Writes {
    Writes::plainly(id)
}

fn tool(id: u32, arguments: &str) -> String {
    let function = format!("{{\"name\":\"f\",\"arguments\":\"{arguments}\"}}");
    service(id).delta(&format!("\"tool_calls\":[{{\"index\":0,\"function\":{function}}}]"))
}

#[test]
fn calls_of_tools_go_out_whole_with_the_finish() {
    let reads = [vec![service(1).role()], service(1).say("I"), vec![tool(1, "{"), tool(1, "}")]].concat();
    let mut call = Call::chat(BODY);
    call.reads(&reads).unwrap();
    assert_eq!((call.caller.text.as_str(), call.caller.tools.as_str()), ("I", ""));
    let end = service(1).end("tool_calls");
    call.whole(&end).unwrap();
    assert_eq!(call.caller.bytes, [reads, end].concat().concat());

    let mut call = Call::new(Operation::Chat, BODY, NO_HOLDS);
    assert_eq!(call.cut(&[tool(1, "{")]), Delivered::Other);
    assert_eq!(call.caller.tools, "{");
}

#[test]
fn a_cut_inside_a_call_of_a_tool_is_invisible() {
    let mut call = Call::chat(BODY);
    assert_eq!(call.cut(&[service(1).role(), tool(1, "{")]), Delivered::Nothing);
    call.resume(Rung::Fresh);
    call.cut(&[vec![service(2).role()], service(2).say("I look"), vec![tool(2, "{")]].concat());
    call.resume(Rung::Prefill(Prefill::Prefix));
    call.whole(&[service(3).say(" it up"), vec![tool(3, "{}")], service(3).end("tool_calls")].concat())
        .unwrap();
    call.caller.has_whole("I look it up");
    assert_eq!(call.caller.tools, "{}");
}

#[test]
fn a_message_holds_its_calls_from_their_first_event() {
    let events = service(1).message(&[Block::Text("I look"), Block::Tool("{}"), Block::Tool("[]")]);
    let mut call = Call::new(Operation::Messages, BODY, HOLDS);
    assert_eq!(call.cut(&events[..events.len() - 2]), Delivered::Content);
    assert_eq!(call.caller.blocks, ["text"]);
    call.resume(Rung::Replay);
    call.whole(&service(2).message(&[Block::Text("I look"), Block::Tool("{}")])).unwrap();
    call.caller.has_whole("I look");
    assert_eq!(call.caller.blocks, ["text", "tool_use"]);
    // Without holding, they pass as they come, and end what could be continued.
    let mut call = Call::new(Operation::Messages, BODY, NO_HOLDS);
    assert_eq!(call.cut(&events[..events.len() - 2]), Delivered::Other);
}

#[test]
fn tools_that_the_service_itself_runs_are_not_held() {
    let start = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"server_tool_use\"}}\n\n";
    let input = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n";
    let mut call = Call::new(Operation::Messages, BODY, HOLDS);
    let events = [&service(1).message(&[])[0], start, input].map(str::to_owned);
    assert_eq!(call.cut(&events), Delivered::Other);
    assert_eq!(call.caller.tools, "{");
}

#[test]
fn text_of_a_given_shape_goes_out_whole_and_its_reasoning_as_it_comes() {
    let check = |body: &str, text: &str, delivered: Delivered| {
        let mut call = Call::chat(body);
        let reads = [vec![service(1).role()], service(1).think("so"), service(1).say("{}")].concat();
        call.reads(&reads).unwrap();
        assert_eq!((call.caller.text.as_str(), call.caller.reasoning.as_str()), (text, "so"));
        assert_eq!(call.relay.broke(), delivered);
    };
    check(JSON, "", Delivered::Reasoning);
    check(TEXT, "{}", Delivered::Content);
    check(BODY, "{}", Delivered::Content);
    let shaped = r#"{"model":"m","messages":[],"stream":true,"output_config":{"effort":"low","format":{"type":"json_schema"}}}"#;
    let events = service(1).message(&[Block::Text("{}")]);
    let mut call = Call::new(Operation::Messages, shaped, HOLDS);
    assert_eq!(call.cut(&events[..events.len() - 2]), Delivered::Nothing);
    call.resume(Rung::Fresh);
    call.whole(&service(2).message(&[Block::Text("{}")])).unwrap();
    call.caller.has_whole("{}");
}

#[test]
fn beyond_the_bound_what_was_held_goes_out_and_cannot_be_continued() {
    let mut call = Call::new(Operation::Chat, JSON, Holds { text_bytes_max: 1000, ..HOLDS });
    let text = "0123456789".repeat(10);
    let reads = service(1).say(&text);
    assert_eq!(call.cut(&reads), Delivered::Other);
    assert_eq!(call.caller.bytes, reads.concat());
}

#[test]
fn more_text_than_is_kept_cannot_be_continued() {
    let mut call = Call::new(Operation::Chat, BODY, Holds { text_bytes_max: 10, ..NO_HOLDS });
    let reads = [service(1).say("0123456789"), service(1).say("0")].concat();
    call.reads(&reads[..reads.len() - 1]).unwrap();
    assert_eq!(call.relay.broke(), Delivered::Content);
    call.reads(&reads[reads.len() - 1..]).unwrap();
    assert_eq!(call.relay.broke(), Delivered::Other);
    assert!(!call.relay.can(Rung::Replay));
    assert_eq!(call.caller.bytes, reads.concat());
}

#[test]
fn half_a_character_waits_for_the_other() {
    let writes = Writes { ascii: true, lengths: vec![1], ..service(1) };
    let reads = writes.say("a😀b");
    let mut call = Call::chat(BODY);
    call.reads(&reads[..2]).unwrap();
    assert_eq!(call.caller.text, "a");
    assert_eq!(call.relay.broke(), Delivered::Content);
    call.resume(Rung::Replay);
    call.whole(&writes.chat("", "a😀b")).unwrap();
    call.caller.has_whole("a😀b");
    // An escaped backslash before `ud83d` is text.
    let mut call = Call::chat(BODY);
    call.reads(&[writes.role(), writes.delta(r#""content":"\\ud83d""#)]).unwrap();
    assert_eq!(call.caller.text, "\\ud83d");
}
