//! Responses, as OpenAI writes them.

use serde_json::{Value, json};
use weir_core::Operation;

use super::{check, named};
use crate::replay::assemble;

fn response(status: &str, output: &str, usage: &str) -> String {
    let rest = if status == "incomplete" { r#"{"reason":"max_output_tokens"}"# } else { "null" };
    format!(
        r#"{{"id":"resp_1","object":"response","created_at":1764144000,"status":"{status}","background":false,"error":null,"incomplete_details":{rest},"model":"gpt-5","output":[{output}],"parallel_tool_calls":true,"temperature":1.0,"usage":{usage},"metadata":{{}}}}"#
    )
}

const USAGE: &str = r#"{"input_tokens":37,"input_tokens_details":{"cached_tokens":0},"output_tokens":11,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":48}"#;

/// A stream of these events between its openings and its end, numbered.
pub(super) fn stream(events: &[String], status: &str, output: &str) -> String {
    let begun = response("in_progress", "", "null");
    let mut lines = vec![
        format!(r#"{{"type":"response.created","response":{begun}}}"#),
        format!(r#"{{"type":"response.in_progress","response":{begun}}}"#),
    ];
    lines.extend_from_slice(events);
    lines.push(format!(r#"{{"type":"response.{status}","response":{}}}"#, response(status, output, USAGE)));
    let numbered = lines
        .iter()
        .enumerate()
        .map(|(at, line)| line.replacen(",\"", &format!(",\"sequence_number\":{at},\""), 1));
    let lines: Vec<String> = numbered.collect();
    named(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

const REASONING: &str = r#"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"**Plan**\n\nLook"}],"encrypted_content":"gAAA"}"#;
const CALL: &str = r#"{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"city\": \"Paris\"}","call_id":"call_1","name":"get_weather"}"#;
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[{"type":"url_citation","url":"u"}],"logprobs":[{"token":"Hi","logprob":-0.10,"top_logprobs":[]},{"token":" 中","logprob":-2e-7,"top_logprobs":[]}],"text":"Hi 中"}],"role":"assistant"}"#;

fn reasoning(at: usize) -> Vec<String> {
    let place = format!(r#""item_id":"rs_1","output_index":{at},"summary_index":0"#);
    vec![
        format!(
            r#"{{"type":"response.output_item.added","output_index":{at},"item":{{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gA"}}}}"#
        ),
        format!(
            r#"{{"type":"response.reasoning_summary_part.added",{place},"part":{{"type":"summary_text","text":""}}}}"#
        ),
        format!(
            r#"{{"type":"response.reasoning_summary_text.delta",{place},"delta":"**Plan**","obfuscation":"sR"}}"#
        ),
        format!(
            r#"{{"type":"response.reasoning_summary_text.delta",{place},"delta":"\n\nLook","obfuscation":"k"}}"#
        ),
        format!(r#"{{"type":"response.reasoning_summary_text.done",{place},"text":"**Plan**\n\nLook"}}"#),
        format!(
            r#"{{"type":"response.reasoning_summary_part.done",{place},"part":{{"type":"summary_text","text":"**Plan**\n\nLook"}}}}"#
        ),
        format!(r#"{{"type":"response.output_item.done","output_index":{at},"item":{REASONING}}}"#),
    ]
}

fn call(at: usize) -> Vec<String> {
    let place = format!(r#""item_id":"fc_1","output_index":{at}"#);
    vec![
        format!(
            r#"{{"type":"response.output_item.added","output_index":{at},"item":{{"id":"fc_1","type":"function_call","status":"in_progress","arguments":"","call_id":"call_1","name":"get_weather"}}}}"#
        ),
        format!(r#"{{"type":"response.function_call_arguments.delta",{place},"delta":"{{\"city\":"}}"#),
        format!(r#"{{"type":"response.function_call_arguments.delta",{place},"delta":" \"Paris\"}}"}}"#),
        format!(
            r#"{{"type":"response.function_call_arguments.done",{place},"arguments":"{{\"city\": \"Paris\"}}"}}"#
        ),
        format!(r#"{{"type":"response.output_item.done","output_index":{at},"item":{CALL}}}"#),
    ]
}

fn message(at: usize) -> Vec<String> {
    let place = format!(r#""item_id":"msg_1","output_index":{at},"content_index":0"#);
    let item: Value = serde_json::from_str(MESSAGE).unwrap();
    let part = MESSAGE.split_once("\"content\":[").unwrap().1.split_once("],\"role\"").unwrap().0;
    let logprobs = &item["content"][0]["logprobs"];
    vec![
        format!(
            r#"{{"type":"response.output_item.added","output_index":{at},"item":{{"id":"msg_1","type":"message","status":"in_progress","content":[],"role":"assistant"}}}}"#
        ),
        format!(
            r#"{{"type":"response.content_part.added",{place},"part":{{"type":"output_text","annotations":[],"logprobs":[],"text":""}}}}"#
        ),
        format!(
            r#"{{"type":"response.output_text.delta",{place},"delta":"Hi","logprobs":[{{"token":"Hi","logprob":-0.10,"top_logprobs":[]}}],"obfuscation":"w"}}"#
        ),
        format!(
            r#"{{"type":"response.output_text.annotation.added",{place},"annotation_index":0,"annotation":{{"type":"url_citation","url":"u"}}}}"#
        ),
        format!(
            r#"{{"type":"response.output_text.delta",{place},"delta":" 中","logprobs":[{{"token":" 中","logprob":-2e-7,"top_logprobs":[]}}]}}"#
        ),
        format!(r#"{{"type":"response.output_text.done",{place},"text":"Hi 中","logprobs":{logprobs}}}"#),
        format!(r#"{{"type":"response.content_part.done",{place},"part":{part}}}"#),
        format!(r#"{{"type":"response.output_item.done","output_index":{at},"item":{MESSAGE}}}"#),
    ]
}

#[test]
fn thoughts_calls_and_text_come_out_as_they_went_in() {
    let events = [reasoning(0), call(1), message(2)].concat();
    let output = [REASONING, CALL, MESSAGE].join(",");
    let body = check(Operation::Responses, &stream(&events, "completed", &output));
    assert_eq!(body["output"][1]["arguments"], "{\"city\": \"Paris\"}");
    assert_eq!((&body["status"], &body["usage"]["output_tokens"]), (&json!("completed"), &json!(11)));
    let kept = assemble(Operation::Responses, stream(&events, "completed", &output).as_bytes()).unwrap();
    assert!(String::from_utf8_lossy(&kept.body).contains("\"logprob\":-0.10,"), "numbers stay as written");
    let incomplete = stream(&message(0), "incomplete", MESSAGE);
    assert_eq!(check(Operation::Responses, &incomplete)["status"], "incomplete");
}

#[test]
fn items_of_other_kinds_survive_and_their_own_events_do_not() {
    let item = r#"{"id":"mcpl_1","type":"mcp_list_tools","tools":[{"name":"a"}]}"#;
    let mut events = vec![
        format!(r#"{{"type":"response.output_item.added","output_index":0,"item":{item}}}"#),
        format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{item}}}"#),
    ];
    check(Operation::Responses, &stream(&events, "completed", item));
    events.insert(
        1,
        r#"{"type":"response.mcp_list_tools.completed","output_index":0,"item_id":"mcpl_1"}"#.to_owned(),
    );
    assert_eq!(assemble(Operation::Responses, stream(&events, "completed", item).as_bytes()), None);
}

#[test]
fn a_stream_that_says_other_than_its_last_event_is_not_kept() {
    let good = stream(&[call(0), message(1)].concat(), "completed", &[CALL, MESSAGE].join(","));
    assert!(assemble(Operation::Responses, good.as_bytes()).is_some());
    let changes = [
        ("\"delta\":\"Hi\"", "\"delta\":\"Ha\""),
        ("\"text\":\"Hi 中\",\"logprobs\"", "\"text\":\"Hi\",\"logprobs\""),
        ("\"item_id\":\"fc_1\"", "\"item_id\":\"fc_2\""),
        (
            "{\"id\":\"fc_1\",\"type\":\"function_call\",\"status\":\"in",
            "{\"id\":\"fc_3\",\"type\":\"function_call\",\"status\":\"in",
        ),
        ("\"arguments\":\"{\\\"city\\\": \\\"Paris\\\"}\",\"call_id\"", "\"arguments\":\"{}\",\"call_id\""),
        ("{\"id\":\"resp_1\"", "{\"id\":\"resp_0\""),
        ("\"annotation_index\":0", "\"annotation_index\":1"),
        ("\"annotation_index\":0", "\"annotation_index\":0,\"more\":1"),
        ("\"output\":[{\"id\":\"fc_1\"", "\"output\":[{\"id\":\"fc_9\""),
    ];
    for (from, to) in changes {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert_eq!(assemble(Operation::Responses, bad.as_bytes()), None, "{to}");
    }
}
