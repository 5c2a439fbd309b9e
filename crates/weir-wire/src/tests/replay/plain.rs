//! Answers that came plain, played as streams whose texts are cut between words.

use bytes::Bytes;
use serde_json::Value;
use weir_core::Operation;

use super::{played, sdk};
use crate::replay::{Kept, assemble, play};

fn kept(body: &str) -> Kept {
    Kept::plain(Bytes::copy_from_slice(body.as_bytes()))
}

/// The texts of a chat stream's pieces.
fn pieces(body: &str) -> Vec<String> {
    let stream = String::from_utf8(played(Operation::Chat, &kept(body))).unwrap();
    let data = stream.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok());
    let text = |chunk: Value| {
        let delta = &chunk["choices"][0]["delta"];
        let text = delta["reasoning_content"].as_str().filter(|text| !text.is_empty());
        text.or(delta["content"].as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    data.filter_map(text).collect()
}

fn chat(message: &str) -> String {
    format!(
        "{{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"message\":{message},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":2}}}}"
    )
}

#[test]
fn a_text_comes_word_by_word_and_what_was_thought_comes_first() {
    let said =
        |content: &str| pieces(&chat(&format!("{{\"role\":\"assistant\",\"content\":\"{content}\"}}")));
    assert_eq!(said("The quick  brown\\n\\nfox"), ["The", " quick", "  brown", "\n\nfox"]);
    assert_eq!(said("逝者如斯夫不舍昼夜"), ["逝者如斯", "夫不舍昼", "夜"]);
    assert_eq!(said("antidisestablishment"), ["antidisestab", "lishment"]);
    assert_eq!(said("a\\ud83d\\ude00b \\\\n\\\"q\\\""), ["a", "😀", "b", " \\n\"q\""]);
    assert_eq!(said(""), Vec::<String>::new());
    let both = chat(r#"{"role":"assistant","content":"So be it","reasoning_content":"I think"}"#);
    assert_eq!(pieces(&both), ["I", " think", "So", " be", " it"]);
}

#[test]
fn a_plain_answer_of_any_kind_is_played_and_read_back() {
    let bodies = [
        (Operation::Chat, chat(r#"{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}],"annotations":[{"x":1}]}"#)),
        (Operation::Chat, chat(r#"{"role":"assistant","content":"Hi you","refusal":null}"#).replace("\"finish_reason\"", "\"logprobs\":{\"content\":[{\"token\":\"Hi\",\"logprob\":-1.50}]},\"finish_reason\"")),
        (Operation::Chat, serde_json::to_string_pretty(&serde_json::from_str::<Value>(&chat(r#"{"role":"assistant","content":"a b"}"#)).unwrap()).unwrap()),
        (Operation::Completions, r#"{"id":"t","object":"text_completion","choices":[{"text":"one two","index":0,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":1}}"#.to_owned()),
        (Operation::Messages, "{\n\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"so it\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"a b\",\"citations\":[{\"x\":\n1}]},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{\"a\":\n[1, 2.0]}},{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"n\",\"input\":{}}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}".to_owned()),
        (Operation::Responses, r#"{"id":"r","status":"completed","output":[{"id":"m","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"a b","annotations":[]},{"type":"refusal","refusal":"no no"}]},{"id":"x","type":"custom_tool_call","call_id":"c","name":"n","input":"do it"},{"id":"y","type":"web_search_call","status":"completed"}],"usage":{"input_tokens":1,"output_tokens":2}}"#.to_owned()),
    ];
    for (operation, body) in bodies {
        let stream = played(operation, &kept(&body));
        let again =
            assemble(operation, &stream).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&stream)));
        let read = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
        let (mut was, is) = (read(body.as_bytes()), read(&again.body));
        if let Some(calls) = was.pointer_mut("/choices/0/message/tool_calls") {
            calls[0].as_object_mut().unwrap().remove("index");
        }
        assert_eq!(is, was);
        let [stream, again] =
            [stream, played(operation, &again)].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(sdk::message(operation, &again), sdk::message(operation, &stream));
        assert_eq!(sdk::kinds(operation, &again), sdk::kinds(operation, &stream));
    }
}

#[test]
fn bodies_that_no_stream_can_say_are_not_played() {
    let good = chat(r#"{"role":"assistant","content":"a"}"#);
    let bodies = [
        (Operation::Chat, good.replace("\"stop\"", "null")),
        (Operation::Chat, good.replace("\"content\":\"a\"", "\"content\":[\"a\"]")),
        (
            Operation::Chat,
            good.replace("\"content\":\"a\"", "\"content\":\"a\",\"tool_calls\":[{\"id\":\"x\"}]"),
        ),
        (Operation::Chat, good.replace("\"index\":0", "\"index\":1")),
        (Operation::Chat, good.replace("\"index\":0", "\"index\":0,\"delta\":{}")),
        (Operation::Chat, good.replace("\"id\":\"c\"", "\"id\":\"c\",\"id\":\"d\"")),
        (Operation::Chat, r#"{"error":{"message":"full"}}"#.to_owned()),
        (Operation::Chat, String::new()),
        (Operation::Messages, r#"{"type":"message","content":[],"stop_reason":"end_turn"}"#.to_owned()),
        (Operation::Responses, r#"{"status":"in_progress","output":[]}"#.to_owned()),
        (
            Operation::Responses,
            r#"{"status":"completed","output":[{"type":"function_call","arguments":"{}"}]}"#.to_owned(),
        ),
        (Operation::Embeddings, r#"{"data":[],"usage":{"prompt_tokens":1}}"#.to_owned()),
        (Operation::CountTokens, r#"{"input_tokens":1}"#.to_owned()),
        (Operation::Other, good.clone()),
    ];
    for (operation, body) in bodies {
        assert_eq!(play(operation, &kept(&body), false), None, "{body}");
    }
    let with_cuts = |cuts: &'static [u8]| {
        play(Operation::Chat, &Kept { cuts: Bytes::from_static(cuts), ..kept(&good) }, false)
    };
    // Nothing late; nothing unusual, no text begun, nothing null beside it; one run; of the second of the message's members,
    // one step of one byte.
    assert!(with_cuts(b"\0\0\0\0\x01\x01\x01\x01").is_some());
    let others: [&[u8]; 9] = [
        b"\0",
        b"\0\0",
        b"\0\0\0",
        b"\0\0\0\0",
        b"\0\0\0\0\x01\0",
        b"\0\0\0\0\x01\x01\x01\x02",
        b"\0\0\0\0\x01\x01\x01\x01\0",
        b"\x02\0\0\0\x01\x01\x01\x01",
        b"\xff\xff\xff\xff\xff",
    ];
    for cuts in others {
        assert_eq!(with_cuts(cuts), None, "{cuts:?}");
    }
}

#[test]
fn a_huge_answer_is_played_in_few_pieces_and_a_sprawling_one_not_at_all() {
    let text = "word ".repeat(1 << 20);
    let body = chat(&format!("{{\"role\":\"assistant\",\"content\":\"{text}\"}}"));
    let events = play(Operation::Chat, &kept(&body), false).unwrap();
    assert!(events.len() < 20_000, "{}", events.len());
    let sprawling = body.replace("\"id\":\"c\"", &format!("\"id\":\"{}\"", "c".repeat(1 << 20)));
    assert_eq!(play(Operation::Chat, &kept(&sprawling), false), None);
    assert_eq!(play(Operation::Chat, &kept(&" ".repeat(20 << 20)), false), None);
}
