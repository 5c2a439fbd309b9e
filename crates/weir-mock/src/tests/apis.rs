//! Every endpoint in good weather: shapes, texts, limits, refusals.

use serde_json::{Value, json};

use super::{End, chat, get, mock, only_attempt, post};
use crate::Ended;

#[tokio::test]
async fn a_streamed_answer_and_a_plain_one_say_the_same() {
    let mock = mock().await;
    let plain = post(&mock, "/v1/chat/completions", &chat(false)).send().await;
    let streamed = post(&mock, "/chat/completions", &chat(true)).send().await;
    assert_eq!((plain.status, plain.end, streamed.end), (Some(200), End::Whole, End::Whole));
    let text = plain.json()["choices"][0]["message"]["content"].as_str().expect("text").to_owned();
    assert!(text.split_whitespace().count() > 40, "{text}");
    assert_eq!(streamed.streamed_text(), text);
    assert_eq!(streamed.finish().as_deref(), Some("stop"));
    assert!(streamed.has_done());
}

#[tokio::test]
async fn chunks_have_all_that_the_official_clients_ask_of_them() {
    let mock = mock().await;
    let mut body = chat(true);
    body["stream_options"] = json!({"include_usage": true});
    let seen = post(&mock, "/v1/chat/completions", &body).send().await;
    let chunks = seen.chunks();
    let (usage, spoken) = chunks.split_last().expect("chunks");
    assert_eq!(spoken[0]["choices"][0]["delta"]["role"], "assistant");
    for chunk in spoken {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["model"], "deepseek-flash");
        assert_eq!(chunk["id"], spoken[0]["id"]);
        assert_eq!(chunk["choices"][0]["index"], 0);
        assert!(chunk["created"].is_u64() && chunk["usage"].is_null() && chunk.get("usage").is_some());
        assert!(chunk["choices"][0].get("logprobs").is_some());
        assert_eq!(chunk["system_fingerprint"], "fp_mock");
    }
    assert_eq!(usage["choices"], json!([]));
    let usage = &usage["usage"];
    let tokens = |field: &str| usage[field].as_u64().expect("a number");
    assert_eq!(
        tokens("prompt_tokens"),
        tokens("prompt_cache_hit_tokens") + tokens("prompt_cache_miss_tokens")
    );
    assert_eq!(tokens("total_tokens"), tokens("prompt_tokens") + tokens("completion_tokens"));
    assert_eq!(tokens("completion_tokens") as usize, spoken.len() - 2);
}

#[tokio::test]
async fn a_prompt_read_before_is_a_cache_hit() {
    let mock = mock().await;
    let hits = async || {
        let seen = post(&mock, "/v1/chat/completions", &chat(false)).send().await;
        let usage = seen.json()["usage"].clone();
        (usage["prompt_cache_hit_tokens"].as_u64(), usage["prompt_cache_miss_tokens"].as_u64())
    };
    let (first, second) = (hits().await, hits().await);
    assert_eq!(first.0, Some(0));
    assert_eq!(second, (first.1, Some(0)));
}

#[tokio::test]
async fn limits_and_stops_end_an_answer() {
    let mock = mock().await;
    let mut limited = chat(true);
    limited["max_tokens"] = json!(5);
    let seen = post(&mock, "/v1/chat/completions", &limited).send().await;
    assert_eq!(seen.finish().as_deref(), Some("length"));
    assert_eq!(seen.chunks().len(), 5 + 2);

    let mut stopped = chat(false);
    stopped["stop"] = json!(" the");
    let answer = post(&mock, "/v1/chat/completions", &stopped).send().await.json();
    assert!(!answer["choices"][0]["message"]["content"].as_str().expect("text").contains(" the"));
}

#[tokio::test]
async fn an_exact_length_is_had_by_header_or_body() {
    let mock = mock().await;
    let by_header =
        post(&mock, "/v1/chat/completions", &chat(false)).header("x-mock-tokens", "777").send().await;
    assert_eq!(by_header.json()["usage"]["completion_tokens"], 777);
    let mut body = chat(false);
    body["x-mock-tokens"] = json!(7);
    let by_body = post(&mock, "/v1/chat/completions", &body).send().await;
    assert_eq!(by_body.json()["usage"]["completion_tokens"], 7);
}

#[tokio::test]
async fn a_tool_call_comes_in_several_deltas_with_an_index() {
    let mock = mock().await;
    let mut body = chat(true);
    body["tools"] = json!([{"type": "function", "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    }}]);
    let seen = post(&mock, "/v1/chat/completions", &body).send().await;
    let chunks = seen.chunks();
    let deltas: Vec<&Value> = chunks
        .iter()
        .flat_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array())
        .flatten()
        .collect();
    assert!(deltas.len() > 3 && deltas.iter().all(|delta| delta["index"] == 0));
    assert_eq!(deltas[0]["function"]["name"], "get_weather");
    let arguments: String =
        deltas.iter().filter_map(|delta| delta["function"]["arguments"].as_str()).collect();
    assert_eq!(
        serde_json::from_str::<Value>(&arguments).expect("JSON"),
        json!({"city": "the city", "days": 3})
    );
    assert_eq!(seen.finish().as_deref(), Some("tool_calls"));

    body["tool_choice"] = json!("none");
    assert_eq!(post(&mock, "/v1/chat/completions", &body).send().await.finish().as_deref(), Some("stop"));
}

#[tokio::test]
async fn thoughts_come_before_the_answer_when_asked_for() {
    let mock = mock().await;
    let mut body = chat(false);
    body["thinking"] = json!({"type": "enabled"});
    let answer = post(&mock, "/v1/chat/completions", &body).send().await.json();
    assert!(
        answer["choices"][0]["message"]["reasoning_content"].as_str().is_some_and(|text| text.len() > 40)
    );
    assert!(
        answer["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().is_some_and(|n| n > 20)
    );
    body["stream"] = json!(true);
    let chunks = post(&mock, "/v1/chat/completions", &body).send().await.chunks();
    let thoughts: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["reasoning_content"].as_str())
        .collect();
    assert_eq!(json!(thoughts), answer["choices"][0]["message"]["reasoning_content"]);
}

#[tokio::test]
async fn a_prefix_is_continued_on_beta_and_refused_elsewhere() {
    let mock = mock().await;
    let whole = post(&mock, "/v1/chat/completions", &chat(false)).send().await.json();
    let whole = whole["choices"][0]["message"]["content"].as_str().expect("text").to_owned();
    let (said, rest) = whole.split_at(whole.len() / 2);
    let mut body = chat(false);
    let prefix = json!({"role": "assistant", "content": said, "prefix": true});
    body["messages"].as_array_mut().expect("a list").push(prefix);
    let continued = post(&mock, "/beta/v1/chat/completions", &body).send().await.json();
    assert_eq!(continued["choices"][0]["message"]["content"], rest);
    let refused = post(&mock, "/v1/chat/completions", &body).send().await;
    assert_eq!((refused.status, refused.body.contains("beta api")), (Some(400), true));

    body["messages"][1].as_object_mut().expect("a message").remove("prefix");
    let fresh = post(&mock, "/v1/chat/completions", &body).send().await.json();
    assert_eq!(fresh["choices"][0]["message"]["content"], whole, "without a flag it is history");
    body["continue_final_message"] = json!(true);
    let continued = post(&mock, "/v1/chat/completions", &body).send().await.json();
    assert_eq!(continued["choices"][0]["message"]["content"], rest);
}

#[tokio::test]
async fn json_is_answered_where_json_is_wanted() {
    let mock = mock().await;
    let mut body = chat(false);
    body["response_format"] = json!({"type": "json_object"});
    let answer = post(&mock, "/v1/chat/completions", &body).send().await.json();
    let text = answer["choices"][0]["message"]["content"].as_str().expect("text");
    assert!(serde_json::from_str::<Value>(text).expect("JSON").is_object());
}

#[tokio::test]
async fn anthropic_streams_have_named_events_in_order_and_the_same_text() {
    let mock = mock().await;
    let mut body =
        json!({"model": "claude-x", "max_tokens": 900, "messages": [{"role": "user", "content": "Hello"}]});
    let plain = post(&mock, "/anthropic/v1/messages", &body).send().await.json();
    assert_eq!((&plain["type"], &plain["stop_reason"]), (&json!("message"), &json!("end_turn")));
    body["stream"] = json!(true);
    let seen = post(&mock, "/v1/messages", &body).send().await;
    let names: Vec<&str> = seen.body.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names[..4], ["message_start", "ping", "content_block_start", "content_block_delta"]);
    assert_eq!(names[names.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
    let chunks = seen.chunks();
    assert!(chunks[0]["message"]["usage"]["input_tokens"].is_u64());
    let text: String = chunks.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(json!(text), plain["content"][0]["text"]);
    assert_eq!(chunks[chunks.len() - 2]["usage"]["output_tokens"], plain["usage"]["output_tokens"]);
}

#[tokio::test]
async fn anthropic_tools_are_called_with_json_in_parts() {
    let mock = mock().await;
    let body = json!({
        "model": "claude-x", "max_tokens": 900, "stream": true, "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}}}],
    });
    let chunks = post(&mock, "/v1/messages", &body).send().await.chunks();
    let input: String = chunks.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&input).expect("JSON"), json!({"place": "the place"}));
    assert!(chunks.iter().any(|event| event["delta"]["stop_reason"] == "tool_use"));
}

#[tokio::test]
async fn responses_events_are_numbered_and_in_their_legal_order() {
    let mock = mock().await;
    let body = json!({"model": "deepseek-flash", "input": "Hello", "stream": true});
    let seen = post(&mock, "/v1/responses", &body).send().await;
    let events = seen.chunks();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], json!(number));
    }
    let names: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    let begin = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ];
    assert_eq!(names[..4], begin);
    let end = [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names[names.len() - 4..], end);
    let text: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    let last = &events[events.len() - 1]["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], json!(text));
    assert_eq!(last["status"], "completed");
    let plain =
        post(&mock, "/v1/responses", &json!({"model": "deepseek-flash", "input": "Hello"})).send().await;
    assert_eq!(plain.json()["output"][0]["content"][0]["text"], json!(text));
}

#[tokio::test]
async fn completions_embeddings_models_and_counts_are_served() {
    let mock = mock().await;
    let body = json!({"model": "deepseek-flash", "prompt": "Once", "max_tokens": 9});
    let completion = post(&mock, "/beta/completions", &body).send().await.json();
    assert_eq!(completion["usage"]["completion_tokens"], 9);
    let body = json!({"model": "text-embedding-3-small", "input": ["a", "b"], "encoding_format": "base64"});
    let embeddings = post(&mock, "/v1/embeddings", &body).send().await.json();
    assert_eq!(embeddings["data"][1]["embedding"].as_str().map(str::len), Some(1536 * 4 / 3 * 4));
    let models = get(&mock, "/models").send().await.json();
    assert_eq!(models["data"][0]["id"], "deepseek-flash");
    assert_eq!(get(&mock, "/v1/models/deepseek-v4-pro").send().await.json()["object"], "model");
    let missing = get(&mock, "/v1/models/nothing").send().await;
    assert_eq!((missing.status, &missing.json()["error"]["code"]), (Some(404), &json!("model_not_found")));
    let missing = get(&mock, "/v1/models/nothing").header("anthropic-version", "2026-10-21").send().await;
    assert_eq!((missing.status, &missing.json()["error"]["type"]), (Some(404), &json!("not_found_error")));
    let body = json!({"model": "claude-x", "messages": [{"role": "user", "content": "Hello there"}]});
    let count = post(&mock, "/v1/messages/count_tokens", &body).send().await.json();
    assert_eq!(count, json!({"input_tokens": 7}));
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_words_of_the_service() {
    async fn check(path: &str, body: &str, status: u16, says: &str) {
        let mock = mock().await;
        let mut call = post(&mock, path, &Value::Null);
        call.body = body.to_owned();
        let seen = call.send().await;
        assert_eq!(seen.status, Some(status), "{body}: {}", seen.body);
        assert!(seen.body.contains(says), "{body}: {}", seen.body);
        assert_eq!(only_attempt(&mock).await.ended, Some(Ended::Rejected));
    }
    let chat = "/v1/chat/completions";
    check(chat, "{", 400, "Failed to parse the request body as JSON").await;
    check(chat, r#"{"model":"deepseek-flash"}"#, 422, "missing field `messages`").await;
    check(chat, r#"{"model":"deepseek-flash","messages":[]}"#, 400, "Empty input messages").await;
    check(chat, r#"{"model":"x","messages":[{"role":"user","content":"a"}]}"#, 400, "Model Not Exist").await;
    check(chat, r#"{"model":"deepseek-flash","messages":[{"role":"you"}]}"#, 422, "unknown variant `you`")
        .await;
    let zero = r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"a"}],"max_tokens":0}"#;
    check(chat, zero, 400, "valid range of max_tokens").await;
    check("/v1/messages", r#"{"model":"m","messages":[]}"#, 400, r#""type":"invalid_request_error""#).await;
    check("/v1/nothing", "{}", 404, "unknown_url").await;
    check("/v1/models", "{}", 405, "use GET").await;
}
