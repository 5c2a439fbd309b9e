//! Tokens: the caller is told of one answer, the ledger of every attempt.

use serde_json::json;
use weir_core::{Operation, Prefill, Rung, Usage};

use super::service::{Block, Writes};
use super::{Call, HOLDS};
use crate::dialect::format;
use crate::stream::StreamReader;

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"0123456789"}],"stream":true}"#;
const PREFIX: Rung = Rung::Prefill(Prefill::Prefix);

fn usage(prompt: u64, completion: u64) -> String {
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_cache_hit_tokens": 5});
    format!("data: {{\"id\":\"c2\",\"created\":2,\"model\":\"m2\",\"choices\":[],\"usage\":{usage}}}\n\n")
}

/// A chat answer of which three pieces of text were delivered.
fn broken() -> Call {
    let mut call = Call::chat(BODY);
    let writes = Writes::plainly(1);
    call.cut(&[vec![writes.role()], writes.think("so"), writes.say("1234567")].concat());
    call
}

#[test]
fn a_continued_answer_counts_what_was_delivered_as_answer() {
    let check = |rung: Rung, text: &str, told: (u64, u64, u64)| {
        let mut call = broken();
        call.resume(rung);
        let writes = Writes::plainly(2);
        let end = writes.end("stop");
        call.whole(&[writes.say(text), end[..1].to_vec(), vec![usage(30, 10)], end[1..].to_vec()].concat())
            .unwrap();
        call.caller.has_whole("123456789");
        let [usage] = &call.caller.usage[..] else { panic!("one usage: {:?}", call.caller.usage) };
        let counts =
            ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| usage[name].as_u64().unwrap());
        assert_eq!((counts[0], counts[1], counts[2]), told, "{rung:?}");
        let reported = Usage { prompt: told.0, cached: 5, completion: told.1, reasoning: 0 };
        assert_eq!(call.caller.reported, Some(reported));
        // The ledger's count is the service's own.
        let spent = Usage { prompt: 30, cached: 5, completion: 10, reasoning: 0 };
        assert_eq!(call.relay.spent(), (spent, false));
    };
    check(PREFIX, "89", (27, 13, 40));
    check(Rung::Instructed, "89", (27, 13, 40));
    check(Rung::Replay, "123456789", (30, 10, 40));
}

#[test]
fn usage_that_the_caller_did_not_ask_for_is_still_learned() {
    let mut call = broken();
    call.relay.resume(PREFIX, &call.envelope);
    let mut reader = StreamReader::new(format(Operation::Chat).unwrap(), false);
    let chunk = reader.push(usage(2, 10).into()).unwrap().unwrap();
    let chunk = call.relay.push(chunk).unwrap().unwrap();
    assert!(chunk.bytes.is_empty());
    assert_eq!(chunk.usage.unwrap(), Usage { prompt: 0, cached: 5, completion: 13, reasoning: 0 });
}

#[test]
fn a_broken_attempt_is_estimated() {
    let mut call = broken();
    let prompt = BODY.len() as u64 / 4;
    assert_eq!(call.relay.spent(), (Usage { prompt, completion: 3, ..Usage::default() }, true));
    let envelope = call.relay.resume(PREFIX, &call.envelope);
    assert_eq!(call.relay.spent().0, Usage { prompt: envelope.body.len() as u64 / 4, ..Usage::default() });
    call.cut(&Writes::plainly(2).say("89abcdef"));
    assert_eq!(call.relay.spent().0.completion, 2);
    // A service that reports as it goes is believed.
    call.cut(&[usage(30, 10)]);
    assert_eq!(call.relay.spent(), (Usage { prompt: 30, cached: 5, completion: 10, reasoning: 0 }, false));
}

#[test]
fn a_message_keeps_the_prompt_that_its_first_event_told() {
    let mut call = Call::new(Operation::Messages, BODY, HOLDS);
    let events = Writes::plainly(1).message(&[Block::Text("1234567")]);
    call.cut(&events[..events.len() - 3]);
    // The first event says one output token: it knows of the beginning only.
    assert_eq!(call.relay.spent(), (Usage { prompt: 101, completion: 2, ..Usage::default() }, true));
    call.resume(Rung::Prefill(Prefill::Trailing));
    call.whole(&Writes::plainly(2).message(&[Block::Text("89")])).unwrap();
    call.caller.has_whole("123456789");
    assert_eq!(
        call.caller.usage,
        [json!({"input_tokens": 101, "output_tokens": 1}), json!({"output_tokens": 24})]
    );
    assert_eq!(call.caller.reported, Some(Usage { prompt: 101, completion: 24, ..Usage::default() }));
    assert_eq!(call.relay.spent(), (Usage { prompt: 102, completion: 22, ..Usage::default() }, false));
}
