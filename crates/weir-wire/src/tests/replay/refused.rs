//! Streams that are not kept, because no plain answer says what they say.

use weir_core::Operation;

use super::{data, named};
use crate::replay::assemble;

/// A good stream, and changes to it after which it is not kept.
#[track_caller]
fn check(operation: Operation, good: &str, changes: &[(&str, &str)]) {
    assert!(assemble(operation, good.as_bytes()).is_some(), "{good}");
    for (from, to) in changes {
        let bad = good.replacen(from, to, 1);
        assert_ne!(&bad, good, "{from}");
        assert_eq!(assemble(operation, bad.as_bytes()), None, "{bad}");
    }
    // Wherever it breaks off, it is not whole.
    for end in 0..good.trim_end().len() {
        assert_eq!(assemble(operation, &good.as_bytes()[..end]), None, "{}", &good[..end]);
    }
}

#[test]
fn chat_streams_that_break_off_fail_or_say_what_no_message_has() {
    let good = data(&[
        r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1"}}]},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    let changes = [
        // Failures, and ends that are none.
        ("\"stop\"", "\"insufficient_system_resource\""),
        ("\"stop\"", "null"),
        ("data: [DONE]\n\n", ""),
        ("data: [DONE]", "data: {\"error\":{\"message\":\"full\",\"code\":503}}\n\ndata: [DONE]"),
        ("[DONE]\n\n", "[DONE]\n\ndata: {\"choices\":[]}\n\n"),
        // Not JSON, not text, not once.
        ("\"content\":\"a\"", "\"content\":\"a"),
        ("\"content\":\"a\"", "\"content\":\"\\x\""),
        ("\"content\":\"a\"", "\"content\":\"a\",\"content\":\"b\""),
        ("\"content\":\"a\"", "\"c\\u006fntent\":\"a\""),
        ("\"content\":\"a\"", "\"content\":[{\"type\":\"text\"}]"),
        ("\"content\":\"a\"", "\"content\":\n\ndata: \"a\""),
        // What differs from chunk to chunk, or comes late.
        ("\"id\":\"c\"", "\"id\":\"d\""),
        ("\"model\":\"m\"", "\"model\":\"n\""),
        ("\"object\":\"chat.completion.chunk\"", "\"object\":\"chat.completion\""),
        ("\"content\":\"a\"},", "\"content\":\"a\"},\"x\":1,"),
        ("data: [DONE]", "data: {\"choices\":[],\"x\":1}\n\ndata: {\"choices\":[],\"x\":2}\n\ndata: [DONE]"),
        ("\"content\":\"a\"}", "\"role\":\"user\",\"content\":\"a\"}"),
        // Said in two pieces that nobody knows how to join.
        (
            "\"content\":\"a\"",
            "\"reasoning_details\":[{\"a\":1}]},\"finish_reason\":null},{\"index\":0,\"delta\":{\"reasoning_details\":[{\"a\":2}]",
        ),
        ("\"function\":{\"arguments\":\"1\"}", "\"id\":\"t\",\"function\":{\"arguments\":\"1\"}"),
        ("\"function\":{\"arguments\":\"1\"}", "\"function\":{\"name\":\"f\",\"arguments\":\"1\"}"),
        ("\"function\":{\"arguments\":\"1\"}", "\"function\":{\"arguments\":1}"),
        (
            "{\"index\":0,\"function\":{\"arguments\":\"1\"}}",
            "{\"index\":2,\"function\":{\"arguments\":\"1\"}}",
        ),
        ("{\"index\":0,\"function\":{\"arguments\":\"1\"}}", "{\"function\":{\"arguments\":\"1\"}}"),
        // Choices that are not counted from nothing.
        (
            "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}",
            "\"choices\":[{\"index\":2,\"delta\":{\"content\":\"a\"}",
        ),
        (
            "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}",
            "\"choices\":[{\"index\":-1,\"delta\":{\"content\":\"a\"}",
        ),
    ];
    check(Operation::Chat, &good, &changes);
}

#[test]
fn messages_that_break_off_fail_or_are_out_of_order() {
    let good = named(&[
        r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let changes = [
        (stop, ""),
        (
            stop,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
        ),
        (stop, "event: content_block_news\ndata: {\"type\":\"content_block_news\",\"index\":0}\n\n"),
        ("\"index\":1,\"delta\"", "\"index\":0,\"delta\""),
        ("event: content_block_delta\n", ""),
        ("\"partial_json\":\"{}\"", "\"partial_json\":\"{\""),
        ("\"partial_json\":\"{}\"", "\"partial_json\":\"[]\""),
        ("\"partial_json\":\"{}\"", "\"partial_json\":\" {}\""),
        ("\"partial_json\":\"{}\"", "\"partial_json\":\"{\\\"a\\\":\\\"\\ud83d\\\"}\""),
        ("\"partial_json\":\"{}\"", "\"partial_json\":\"{}\",\"more\":1"),
        ("\"input\":{}", "\"input\":{\"a\":1}"),
        ("\"input_json_delta\"", "\"text_delta\""),
        ("\"signature_delta\",\"signature\":\"s\"", "\"compaction_delta\",\"content\":\"s\""),
        ("\"stop_reason\":\"tool_use\"", "\"stop_reason\":null"),
        ("\"stop_reason\":\"tool_use\"", "\"stop_reason\":\"tool_use\",\"news\":1"),
        ("\"usage\":{\"output_tokens\":2}", "\"usage\":{\"output_tokens\":2},\"news\":1"),
    ];
    check(Operation::Messages, &good, &changes);
}

#[test]
fn operations_without_streams_have_none() {
    for operation in [Operation::Embeddings, Operation::CountTokens, Operation::Other] {
        assert_eq!(assemble(operation, b"data: {\"choices\":[]}\n\ndata: [DONE]\n\n"), None);
    }
}
