//! Any answer, said in any pieces: kept and played, it is the same, and kept again it is the same to the byte.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use weir_core::Operation;

use super::{check, data, named};
use crate::replay::{Kept, assemble, play};

/// A text in pieces, each written with or without escapes.
fn texts() -> impl Strategy<Value = Vec<(String, bool)>> {
    prop::collection::vec(("[a-c \n\"\\\\\u{1}é中😀]{0,6}", any::<bool>()), 0..6)
}

/// A JSON string.
fn quoted(text: &str, escapes: bool) -> String {
    let plain = Value::from(text).to_string();
    if !escapes {
        return plain;
    }
    let escape = |c: char| -> String {
        if c.is_ascii() {
            return c.to_string();
        }
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect()
    };
    plain.chars().map(escape).collect()
}

/// One thing that is said of a chat message.
#[derive(Clone, Debug)]
enum Said {
    Content(Vec<(String, bool)>),
    Reasoning(Vec<(String, bool)>),
    Call(String, Vec<(String, bool)>),
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        texts().prop_map(Said::Content),
        texts().prop_map(Said::Reasoning),
        ("[a-z]{1,4}", texts()).prop_map(|(name, arguments)| Said::Call(name, arguments)),
    ]
}

fn chat(said: &[Said], with_logprobs: bool) -> String {
    let chunk = |delta: &str, logprobs: &str, finish: &str| {
        format!(
            "{{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":{logprobs},\"finish_reason\":{finish}}}]}}"
        )
    };
    let mut lines = vec![chunk(r#"{"role":"assistant","content":null}"#, "null", "null")];
    let mut calls = 0;
    for said in said {
        let deltas: Vec<String> = match said {
            Said::Content(pieces) => pieces
                .iter()
                .map(|(piece, escapes)| format!("{{\"content\":{}}}", quoted(piece, *escapes)))
                .collect(),
            Said::Reasoning(pieces) => {
                let delta = |(piece, escapes): &(String, bool)| {
                    format!("{{\"reasoning_content\":{}}}", quoted(piece, *escapes))
                };
                pieces.iter().map(delta).collect()
            }
            Said::Call(name, pieces) => {
                let call = |rest: String| format!("{{\"tool_calls\":[{{\"index\":{calls},{rest}}}]}}");
                let begin = call(format!(
                    "\"id\":\"call_{calls}\",\"type\":\"function\",\"function\":{{\"name\":\"{name}\",\"arguments\":\"\"}}"
                ));
                let piece = |(piece, escapes): &(String, bool)| {
                    call(format!("\"function\":{{\"arguments\":{}}}", quoted(piece, *escapes)))
                };
                let deltas = [begin].into_iter().chain(pieces.iter().map(piece)).collect();
                calls += 1;
                deltas
            }
        };
        for (at, delta) in deltas.iter().enumerate() {
            let logprobs = format!("{{\"content\":[{}]}}", vec!["{\"logprob\":-1.0}"; at % 3].join(","));
            let has = with_logprobs && at % 3 > 0 && delta.starts_with("{\"content\"");
            lines.push(chunk(delta, if has { &logprobs } else { "null" }, "null"));
        }
    }
    lines.push(chunk("{}", "null", "\"stop\""));
    lines.push(
        r#"{"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3}}"#.to_owned(),
    );
    lines.push("[DONE]".to_owned());
    data(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn message(blocks: &[Said]) -> String {
    let mut lines = vec![json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}}).to_string()];
    for (index, said) in blocks.iter().enumerate() {
        let input: String;
        let (block, kind, name, pieces) = match said {
            Said::Content(pieces) => {
                (json!({"type": "text", "text": ""}), "text_delta", "text", pieces.clone())
            }
            Said::Reasoning(pieces) => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                "thinking_delta",
                "thinking",
                pieces.clone(),
            ),
            Said::Call(tool, pieces) => {
                let all: Vec<&str> = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
                input = json!({"all": all}).to_string();
                let chars: Vec<char> = input.chars().collect();
                let pieces = chars.chunks(3).map(|piece| (piece.iter().collect(), false)).collect();
                (
                    json!({"type": "tool_use", "id": index, "name": tool, "input": {}}),
                    "input_json_delta",
                    "partial_json",
                    pieces,
                )
            }
        };
        lines
            .push(json!({"type": "content_block_start", "index": index, "content_block": block}).to_string());
        for (piece, escapes) in &pieces {
            let piece = quoted(piece, *escapes && name != "partial_json");
            lines.push(format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"{kind}\",\"{name}\":{piece}}}}}"));
        }
        lines.push(json!({"type": "content_block_stop", "index": index}).to_string());
    }
    lines.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}})
            .to_string(),
    );
    lines.push(json!({"type": "message_stop"}).to_string());
    named(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Lines of a chat stream, good and bad, that any stream may be made of.
const LINES: &[&str] = &[
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":null,"annotations":[1]},"logprobs":{"content":[1],"refusal":null}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"2"}}]}}]}"#,
    r#"{"choices":[{"index":1,"delta":{"refusal":"no"},"logprobs":{"refusal":[1,2]},"x":null}]}"#,
    r#"{"choices":[{"index":1,"delta":{},"finish_reason":"length","x":1}]}"#,
    r#"{"choices":[{"index":0,"text":"a","logprobs":{"tokens":[1]}}]}"#,
    r#"{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#,
    r#"{"id":"c","choices":[],"usage":null}"#,
    "{}",
    "[DONE]",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_chat_answer_is_played_as_it_was_said(said in prop::collection::vec(said(), 0..5), with_logprobs: bool) {
        check(Operation::Chat, &chat(&said, with_logprobs));
    }

    #[test]
    fn any_message_is_played_as_it_was_said(said in prop::collection::vec(said(), 0..5)) {
        check(Operation::Messages, &message(&said));
    }

    #[test]
    fn what_is_kept_of_any_lines_is_kept_again_when_played(
        lines in prop::collection::vec(any::<Index>(), 0..8),
        several: bool,
    ) {
        let ends = [LINES[9], LINES[6], LINES[8]];
        let ends = if several { &ends[..2] } else { &ends[2..] };
        let lines = lines.iter().map(|line| *line.get(LINES)).filter(|line| *line != "[DONE]");
        let lines: Vec<&str> = lines.chain(ends.iter().copied()).chain(["[DONE]"]).collect();
        for operation in [Operation::Chat, Operation::Completions] {
            let Some(kept) = assemble(operation, data(&lines).as_bytes()) else { continue };
            let has_usage = String::from_utf8_lossy(&kept.body).contains("\"usage\":{");
            let played = play(operation, &kept, has_usage).expect("what is kept can be played");
            prop_assert_eq!(assemble(operation, &played.concat()), Some(kept));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        stream in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(any::<u8>(), 0..12),
        text in "[a-c \\\\\"u0d89中😀]{0,12}",
    ) {
        let body = format!("{{\"type\":\"message\",\"status\":\"completed\",\"stop_reason\":\"x\",\"usage\":{{\"output_tokens\":1}},\"output\":[{{\"id\":\"i\",\"type\":\"function_call\",\"arguments\":\"{text}\"}}],\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\"choices\":[{{\"message\":{{\"content\":\"{text}\"}},\"text\":\"{text}\",\"finish_reason\":\"stop\"}}]}}");
        for operation in Operation::ALL {
            assemble(operation, &stream);
            for body in [&stream[..], body.as_bytes()] {
                let kept = Kept { body: body.to_vec().into(), cuts: cuts.clone().into() };
                play(operation, &kept, true);
                for event in play(operation, &kept, false).unwrap_or_default() {
                    let event = std::str::from_utf8(&event).unwrap();
                    let data = event.split_once("data: ").unwrap().1.trim_end();
                    prop_assert!(data == "[DONE]" || serde_json::from_str::<Value>(data).is_ok(), "{}", data);
                }
            }
        }
    }
}
