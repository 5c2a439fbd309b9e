//! Legacy completions: a service continues a prompt, so every one can continue an answer.

use weir_core::{Operation, Prefill, Rung};

use super::{Call, HOLDS, refused};
use crate::relay::Delivered;

fn event(id: u32, text: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"c{id}\",\"object\":\"text_completion\",\"created\":{id},\"model\":\"m\",\"choices\":[{{\"text\":{},\"index\":0,\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n",
        serde_json::Value::from(text)
    )
}

fn events(id: u32, texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| event(id, text, "null")).collect()
}

fn end(id: u32) -> Vec<String> {
    vec![event(id, "", "\"stop\""), "data: [DONE]\n\n".to_owned()]
}

fn call(more: &str) -> Call {
    Call::new(
        Operation::Completions,
        &format!("{{\"model\":\"m\",\"prompt\":\"Say \\u4e2d:\"{more}}}"),
        HOLDS,
    )
}

#[test]
fn the_prompt_grows_by_what_was_said() {
    for style in [Prefill::Prefix, Prefill::Partial, Prefill::ContinueFinalMessage, Prefill::Trailing] {
        let mut call = call(",\"max_tokens\":9,\"stream\":true");
        assert_eq!(call.cut(&events(1, &["one", " two "])), Delivered::Content);
        let request = call.resume(Rung::Prefill(style));
        let expected =
            serde_json::json!({"model": "m", "prompt": "Say 中:one two", "max_tokens": 7, "stream": true});
        assert_eq!(request, expected);
        call.whole(&[events(2, &[" three"]), end(2)].concat()).unwrap();
        call.caller.has_whole("one two three");
    }
}

#[test]
fn it_is_said_again_or_stopped_like_a_chat_answer() {
    let mut call = call(",\"stop\":[\"END\"]");
    call.cut(&events(1, &["one ", "E"]));
    call.resume(Rung::Replay);
    refused(&mut call, &[events(2, &["one F"]), end(2)].concat());
    call.relay.broke();
    call.resume(Rung::Prefill(Prefill::Trailing));
    call.reads(&events(3, &["N", "D", "more"])).unwrap();
    assert!(call.relay.is_over());
    call.caller.has_whole("one E");
    assert!(call.caller.bytes.contains("\"object\":\"text_completion\",\"created\":1"));
}

#[test]
fn it_cannot_be_continued_from_a_prompt_that_is_no_text() {
    let check = |body: &str, rung: Rung, expected: bool| {
        let mut call = Call::new(Operation::Completions, body, HOLDS);
        call.cut(&events(1, &["one"]));
        assert_eq!(call.relay.can(rung), expected, "{body} {rung:?}");
    };
    const TRAILING: Rung = Rung::Prefill(Prefill::Trailing);
    check(r#"{"model":"m","prompt":"a"}"#, TRAILING, true);
    check(r#"{"model":"m","prompt":[1,2]}"#, TRAILING, false);
    check(r#"{"model":"m","prompt":["a"]}"#, Rung::Replay, true);
    check(r#"{"model":"m","prompt":"a","echo":true}"#, TRAILING, false);
    check(r#"{"model":"m","prompt":"a"}"#, Rung::Instructed, false);
}
