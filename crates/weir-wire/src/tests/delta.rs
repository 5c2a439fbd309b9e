//! The usual delta, and what is not taken for one.

use crate::delta::{CHAT, Kind, MESSAGES, Usual, deltas, texts};

fn said(block: &str, found: Option<Option<Usual>>) -> Option<(Kind, &str)> {
    let usual = found.expect("there is a delta")?;
    Some((usual.kind, &block[usual.text]))
}

#[test]
fn a_chat_delta_that_only_says_text_is_read_without_parsing() {
    let check = |delta: &str, expected: Option<(Kind, &str)>| {
        let block = format!("data: {{\"choices\":[{{\"delta\"{delta},\"finish_reason\":null}}]}}\n\n");
        assert_eq!(said(&block, deltas(block.as_bytes(), &CHAT).next()), expected, "{delta}");
    };
    let content = |text| Some((Kind::Content, text));
    let reasoning = |text| Some((Kind::Reasoning, text));
    check(r#":{"content":"a"}"#, content("a"));
    check(r#" : { "content" : "a" } "#, content("a"));
    check(r#":{"role":"assistant","content":"a"}"#, content("a"));
    check(r#":{"content":"\"}\\","role":"assistant"}"#, content(r#"\"}\\"#));
    check(r#":{"content":"a","reasoning_content":null}"#, content("a"));
    check(r#":{"content":"a","tool_calls":null,"reasoning":""}"#, content("a"));
    check(r#":{"content":null,"reasoning_content":"a"}"#, reasoning("a"));
    check(r#":{"reasoning_content":"a"}"#, reasoning("a"));
    check(r#":{"content":"","reasoning":"a"}"#, reasoning("a"));
    check(r#":{"role":"assistant","content":""}"#, content(""));
    check(r#":{"reasoning_content":""}"#, content(""));
    // Whatever says more, or something else, is for a parser.
    check(r#":{}"#, None);
    check(r#":null"#, None);
    check(r#":{"content":"a","reasoning_content":"b"}"#, None);
    check(r#":{"content":"a","refusal":"b"}"#, None);
    check(r#":{"content":"a","tool_calls":[]}"#, None);
    check(r#":{"content":["a"]}"#, None);
    check(r#":{"content":7}"#, None);
    check(r#":{"con\u0074ent":"a"}"#, None);
    check(r#":{"content":"a"#, None);
    check(r#""#, None);
}

#[test]
fn a_messages_delta_and_a_legacy_text_are_read_alike() {
    let check = |delta: &str, expected: Option<(Kind, &str)>| {
        let block = format!("data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{delta}}}\n\n");
        assert_eq!(said(&block, deltas(block.as_bytes(), &MESSAGES).next()), expected, "{delta}");
    };
    check(r#"{"type":"text_delta","text":"a"}"#, Some((Kind::Content, "a")));
    check(r#"{"text": "a", "type": "text_delta"}"#, Some((Kind::Content, "a")));
    check(r#"{"type":"thinking_delta","thinking":"a"}"#, Some((Kind::Reasoning, "a")));
    check(r#"{"type":"signature_delta","signature":"a"}"#, None);
    check(r#"{"type":"input_json_delta","partial_json":"a"}"#, None);
    check(r#"{"type":"citations_delta","citation":{"text":"a"}}"#, None);
    check(r#"{"stop_reason":"end_turn","stop_sequence":null}"#, None);
    let legacy = r#"{"choices":[{"text":"a\n","logprobs":{"text_offset":[0]}}]}"#;
    assert_eq!(said(legacy, texts(legacy.as_bytes()).next()), Some((Kind::Content, "a\\n")));
    assert_eq!(texts(legacy.as_bytes()).count(), 1);
    assert_eq!(texts(br#"{"logprobs":{"tokens":["text"]}}"#).next(), Some(None));
}
