//! Anthropic messages, as the service writes them.

use serde_json::json;
use weir_core::Operation;

use super::{check, named};
use crate::replay::{assemble, play};

const START: &str = r#"{"type":"message_start","message":{"id":"msg_01X","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":472,"cache_creation_input_tokens":0,"cache_read_input_tokens":12,"cache_creation":{"ephemeral_5m_input_tokens":0},"output_tokens":2,"service_tier":"standard"}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn end(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"input_tokens":472,"cache_creation_input_tokens":0,"cache_read_input_tokens":12,"output_tokens":89}}}}"#
    )
}

#[test]
fn thoughts_text_and_tools_come_out_as_they_went_in() {
    let stream = named(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" see\n中"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM1g=="}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"EmwKAhgB"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Okay"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":", let's"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_01T","name":"get_weather","input":{}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"location\":"}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":" \"San\u00e9 \\n\",\n \"n\": 1.50e1}"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_02","name":"now","input":{}}}"#,
        r#"{"type":"content_block_stop","index":4}"#,
        &end("tool_use"),
        STOP,
    ]);
    let body = check(Operation::Messages, &stream);
    let thinking = json!({"type": "thinking", "thinking": "Let me see\n中", "signature": "EqQBCgIYAhIM1g=="});
    assert_eq!(body["content"][0], thinking);
    assert_eq!(body["content"][1], json!({"type": "redacted_thinking", "data": "EmwKAhgB"}));
    assert_eq!(body["content"][2], json!({"type": "text", "text": "Okay, let's"}));
    assert_eq!(body["content"][3]["input"], json!({"location": "Sané \n", "n": 15.0}));
    assert_eq!(body["content"][4]["input"], json!({}));
    assert_eq!((&body["stop_reason"], &body["usage"]["output_tokens"]), (&json!("tool_use"), &json!(89)));
    assert_eq!(body["usage"]["service_tier"], "standard");
    let kept = assemble(Operation::Messages, stream.as_bytes()).unwrap();
    let plain = String::from_utf8(kept.body.to_vec()).unwrap();
    assert!(plain.contains("{\"location\": \"Sané \\n\",\n \"n\": 1.50e1}"), "{plain}");
}

#[test]
fn a_played_stream_is_written_as_its_service_writes() {
    let stream = named(&[
        &START.replace("\"output_tokens\":2", "\"output_tokens\":0"),
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        &end("max_tokens"),
        STOP,
    ]);
    let kept = assemble(Operation::Messages, stream.as_bytes()).unwrap();
    let played = play(Operation::Messages, &kept, false).unwrap();
    assert_eq!(String::from_utf8(played.concat()).unwrap(), stream);
}

#[test]
fn tools_of_the_service_and_citations_survive() {
    let stream = named(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\":\"a\"}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"u","page_age":null}]}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"citations":[],"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"x","start":0}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"As said"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"y","start":1}}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"container":{"id":"c"}},"usage":{"output_tokens":9,"server_tool_use":{"web_search_requests":1}},"context_management":{"applied_edits":[]}}"#,
        STOP,
    ]);
    let body = check(Operation::Messages, &stream);
    assert_eq!(body["content"][2]["citations"].as_array().unwrap().len(), 2);
    assert_eq!(body["usage"]["server_tool_use"]["web_search_requests"], 1);
    assert_eq!((&body["container"]["id"], &body["usage"]["input_tokens"]), (&json!("c"), &json!(472)));
    assert_eq!(body["context_management"], json!({"applied_edits": []}));
}
