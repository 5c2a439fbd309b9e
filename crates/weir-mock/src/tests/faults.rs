//! Every fault as a client sees it on the wire, and what the log says of it.

use serde_json::{Value, json};

use super::{End, Seen, chat, get, mock_with, only_attempt, post};
use crate::{Ended, LogEntry, Mock, Options, Profile};

const CHAT: &str = "/v1/chat/completions";

/// Plays one rule to one chat request; gives what the client saw and what was logged.
async fn play(rule: Value, stream: bool) -> (Seen, LogEntry) {
    let mock = mock_with(json!({"rules": [rule.clone()]})).await;
    let falls_silent =
        ["silence", "stall_after_tokens", "reasoning_stall"].iter().any(|&name| rule["fault"] == name);
    let call = post(&mock, CHAT, &chat(stream));
    // Where silence is expected, the client need not wait for long to have seen it.
    let seen = if falls_silent { call.patience(400).send().await } else { call.send().await };
    let entry = only_attempt(&mock).await;
    assert_eq!(json!(entry.fault), rule["fault"]);
    (seen, entry)
}

fn tokens(seen: &Seen) -> usize {
    let said =
        |chunk: &Value| chunk["choices"][0]["delta"]["content"].as_str().is_some_and(|text| !text.is_empty());
    seen.chunks().iter().filter(|chunk| said(chunk)).count()
}

#[tokio::test]
async fn status_says_what_it_is_told_to() {
    let rule = json!({"fault": "status", "status": 429, "retry_after": "2", "retry_after_ms": 1900});
    let (seen, entry) = play(rule, true).await;
    assert_eq!((seen.status, seen.end), (Some(429), End::Whole));
    assert!(
        seen.head.contains("retry-after: 2") && seen.head.contains("retry-after-ms: 1900"),
        "{}",
        seen.head
    );
    assert_eq!(seen.json()["error"]["code"], "rate_limit_exceeded");
    assert_eq!((entry.status, entry.ended), (Some(429), Some(Ended::Rejected)));

    let (seen, _) = play(json!({"fault": "status"}), false).await;
    assert_eq!((seen.status, &seen.json()["error"]["code"]), (Some(503), &json!("service_unavailable")));
    let (seen, _) =
        play(json!({"fault": "status", "status": 502, "body": "<html>bad gateway</html>"}), false).await;
    assert_eq!((seen.status, seen.body.as_str()), (Some(502), "<html>bad gateway</html>"));
}

#[tokio::test]
async fn anthropic_callers_are_told_overloaded() {
    let mock = mock_with(json!({"rules": [{"fault": "status", "path": "/v1/messages"}]})).await;
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]});
    let seen = post(&mock, "/anthropic/v1/messages", &body).send().await;
    assert_eq!((seen.status, &seen.json()["error"]["type"]), (Some(529), &json!("overloaded_error")));
}

#[tokio::test]
async fn an_account_has_so_many_places_and_each_comes_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { profile: Profile::Instant, concurrent_max: Some(2), ..Options::default() };
    let mock = Mock::start(listener, options).await.unwrap();
    mock.set_faults(crate::FaultPlan::parse(r#"{"rules":[{"fault":"silence","times":1}]}"#).unwrap());
    // One of them is worked on, the other one goes wrong: both hold a place until they are over.
    let body = chat(true);
    let long = || post(&mock, CHAT, &body).header("x-mock-ttft-ms", "60000");
    let held = (long().begin().await, long().begin().await);
    let status = async || post(&mock, CHAT, &body).send().await.status;
    until(async || mock.log().iter().filter(|entry| entry.prompt_tokens > 0).count() == 2).await;
    until(async || status().await == Some(429)).await;
    drop(held);
    until(async || status().await == Some(200)).await;
    assert!(mock.log().iter().any(|entry| entry.fault.as_deref() == Some("account_limit")));
}

async fn until(holds: impl AsyncFn() -> bool) {
    let looked = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::PATIENCE, looked).await.expect("it comes about");
}

#[tokio::test]
async fn refusals_that_no_retry_helps() {
    async fn check(fault: Value, status: u16, code: &str) {
        let (seen, entry) = play(fault, false).await;
        assert_eq!((seen.status, entry.ended), (Some(status), Some(Ended::Rejected)));
        assert_eq!(seen.json()["error"]["code"], code);
    }
    check(json!({"fault": "quota"}), 402, "invalid_request_error").await;
    check(json!({"fault": "quota", "status": 429}), 429, "insufficient_quota").await;
    check(json!({"fault": "auth"}), 401, "invalid_request_error").await;
    check(json!({"fault": "content_filter_400"}), 400, "content_filter").await;
    check(json!({"fault": "context_length"}), 400, "context_length_exceeded").await;
}

#[tokio::test]
async fn a_prefill_is_rejected_and_everything_else_answered() {
    let mock = mock_with(json!({"rules": [{"fault": "invalid_prefill"}]})).await;
    assert_eq!(post(&mock, CHAT, &chat(false)).send().await.status, Some(200));
    let mut body = chat(false);
    body["messages"].as_array_mut().expect("a list").push(json!({"role": "assistant", "content": "So"}));
    let seen = post(&mock, CHAT, &body).send().await;
    assert_eq!((seen.status, &seen.json()["error"]["code"]), (Some(400), &json!("invalid_prefill")));
}

#[tokio::test]
async fn a_begun_answer_is_said_again_from_its_first_word() {
    let mock = mock_with(json!({"rules": [{"fault": "echo_prefix", "times": 2}]})).await;
    let said =
        post(&mock, CHAT, &chat(false)).send().await.json()["choices"][0]["message"]["content"].clone();
    let (whole, begun) = said.as_str().map(|text| (text, &text[..20])).expect("a text");
    for stream in [true, false] {
        let mut body = chat(stream);
        let begun = json!({"role": "assistant", "content": begun, "prefix": true});
        body["messages"].as_array_mut().expect("a list").push(begun);
        let seen = post(&mock, "/beta/chat/completions", &body).send().await;
        let again = match stream {
            true => seen.streamed_text(),
            false => seen.json()["choices"][0]["message"]["content"].as_str().expect("a text").to_owned(),
        };
        assert_eq!(again, whole);
    }
    let asked = json!([{"role": "user", "content": "Tell me about the sea."}, {"role": "assistant", "content": begun}]);
    let body = json!({"model": "m", "max_tokens": 9999, "messages": asked});
    mock.set_faults(crate::FaultPlan::parse(r#"{"rules":[{"fault":"echo_prefix"}]}"#).expect("a plan"));
    let seen = post(&mock, "/anthropic/v1/messages", &body).send().await;
    assert!(seen.json()["content"][0]["text"].as_str().expect("a text").starts_with(begun));
}

/// Every fault that strikes any talk, in both dialects, streamed and not: what the client's end of the socket sees.
#[tokio::test]
async fn faults_strike_both_dialects_streamed_or_not() {
    async fn check(rule: Value, status: Option<u16>, streamed: End, plain: End) {
        for (path, stream) in [(CHAT, true), (CHAT, false), ("/v1/messages", true), ("/v1/messages", false)] {
            let mock = mock_with(json!({"rules": [rule.clone()]})).await;
            let mut body = chat(stream);
            body["max_tokens"] = json!(400);
            let end = if stream { streamed } else { plain };
            let patience = if end == End::Silent { 150 } else { 5_000 };
            let seen = post(&mock, path, &body).patience(patience).send().await;
            // A whole body that never comes has no head either.
            let status = status.filter(|_| stream || end == End::Whole || !seen.head.is_empty());
            assert_eq!((seen.status, seen.end), (status, end), "{rule} at {path}, stream {stream}");
            assert_eq!(json!(only_attempt(&mock).await.fault), rule["fault"]);
        }
    }
    let ok = Some(200);
    check(json!({"fault": "reset"}), None, End::Reset, End::Reset).await;
    check(json!({"fault": "blank_200", "delay_ms": 5}), ok, End::Whole, End::Whole).await;
    check(json!({"fault": "html_200"}), ok, End::Whole, End::Whole).await;
    check(json!({"fault": "slow_first_token", "delay_ms": 5}), ok, End::Whole, End::Whole).await;
    let kept = |fault| json!({"fault": fault, "delay_ms": 20, "keep_alive_ms": 5});
    check(kept("keepalive_then_tokens"), ok, End::Whole, End::Whole).await;
    check(kept("keepalive_then_close"), ok, End::Closed, End::Closed).await;
    check(kept("error_after_committed_200"), ok, End::Whole, End::Whole).await;
    let after = |fault| json!({"fault": fault, "after_tokens": 5});
    check(after("reasoning_stall"), ok, End::Silent, End::Silent).await;
    check(after("stall_after_tokens"), ok, End::Silent, End::Silent).await;
    check(after("cut_fin_after"), ok, End::Closed, End::Closed).await;
    check(after("cut_rst_after"), ok, End::Reset, End::Reset).await;
    check(after("insufficient_system_resource"), ok, End::Whole, End::Whole).await;
    check(json!({"fault": "h2_goaway_graceful"}), ok, End::Whole, End::Whole).await;
}

#[tokio::test]
async fn streams_of_messages_go_wrong_in_their_own_words() {
    let play = async |fault: &str| {
        let mock = mock_with(json!({"rules": [{"fault": fault, "after_tokens": 4}]})).await;
        let body = json!({"model": "m", "max_tokens": 99, "stream": true, "messages": [{"role": "user", "content": "a"}]});
        post(&mock, "/v1/messages", &body).send().await
    };
    let seen = play("clean_eof").await;
    assert!(seen.end == End::Whole && !seen.body.contains("message_delta"), "{}", seen.body);
    let seen = play("no_done").await;
    assert!(seen.body.contains("end_turn") || seen.body.contains("max_tokens"), "{}", seen.body);
    assert!(!seen.body.contains("message_stop"), "{}", seen.body);
    let seen = play("bad_json_event").await;
    assert!(seen.body.contains("\"del\n\n") && seen.body.contains("message_stop"), "{}", seen.body);
    let seen = play("error_event_first").await;
    assert!(seen.body.starts_with("event: error\n"), "{}", seen.body);
    assert!(play("insufficient_system_resource").await.body.contains("insufficient_system_resource"));
}

#[tokio::test]
async fn connections_end_before_any_byte() {
    let (seen, entry) = play(json!({"fault": "reset"}), true).await;
    assert_eq!((seen.status, seen.end, seen.head.as_str()), (None, End::Reset, ""));
    assert_eq!((entry.status, entry.ended), (None, Some(Ended::Cut)));
    for fault in ["close", "h2_rst_stream", "h2_goaway"] {
        let (seen, entry) = play(json!({"fault": fault}), true).await;
        assert_eq!((seen.status, seen.end, entry.ended), (None, End::Closed, Some(Ended::Cut)), "{fault}");
    }
    let (seen, entry) = play(json!({"fault": "silence"}), true).await;
    assert_eq!((seen.status, seen.end, entry.ended), (None, End::Silent, Some(Ended::Stalled)));
}

#[tokio::test]
async fn first_tokens_come_late_and_whole() {
    let (seen, entry) = play(json!({"fault": "slow_first_token", "delay_ms": 60}), true).await;
    assert_eq!(
        (seen.end, entry.ended, seen.body.contains(": keep-alive")),
        (End::Whole, Some(Ended::Complete), false)
    );
    assert!(entry.first_byte_ms.expect("sent") >= entry.started_ms + 59, "{entry:?}");

    let rule = json!({"fault": "keepalive_then_tokens", "delay_ms": 70, "keep_alive_ms": 20});
    let (seen, _) = play(rule, true).await;
    assert!(
        seen.body.starts_with(": keep-alive\n\n: keep-alive\n\n: keep-alive\n\ndata: "),
        "{}",
        &seen.body[..80]
    );
    assert!(seen.has_done());

    let rule = json!({"fault": "blank_lines_then_json", "delay_ms": 70, "keep_alive_ms": 20});
    let (seen, entry) = play(rule, false).await;
    assert!(seen.body.starts_with("\n\n\n{"), "{}", &seen.body[..20]);
    assert_eq!((seen.end, entry.ended), (End::Whole, Some(Ended::Complete)));
    assert!(seen.json()["usage"].is_object());
}

#[tokio::test]
async fn waits_that_lead_to_nothing() {
    let rule = json!({"fault": "keepalive_then_close", "delay_ms": 50, "keep_alive_ms": 20});
    let (seen, entry) = play(rule, true).await;
    assert_eq!((seen.status, seen.end, entry.ended), (Some(200), End::Closed, Some(Ended::Cut)));
    assert_eq!(seen.body, ": keep-alive\n\n: keep-alive\n\n");

    let rule = json!({"fault": "error_after_committed_200", "delay_ms": 50, "keep_alive_ms": 20});
    let (seen, entry) = play(rule.clone(), false).await;
    assert!(seen.body.starts_with("\n\n{\"error\""), "{}", seen.body);
    assert_eq!((seen.status, seen.end, entry.ended), (Some(200), End::Whole, Some(Ended::Rejected)));
    let (seen, _) = play(rule, true).await;
    assert_eq!(seen.chunks()[0]["error"]["code"], 503);
}

#[tokio::test]
async fn status_200_with_no_answer() {
    let (seen, entry) = play(json!({"fault": "blank_200", "delay_ms": 20}), false).await;
    assert_eq!((seen.status, seen.body.as_str(), seen.end), (Some(200), "\n", End::Whole));
    assert_eq!(entry.ended, Some(Ended::Cut));
    for stream in [true, false] {
        let (seen, _) = play(json!({"fault": "empty_200"}), stream).await;
        assert_eq!((seen.status, seen.body.as_str(), seen.end), (Some(200), "", End::Whole));
        let (seen, _) = play(json!({"fault": "html_200"}), stream).await;
        assert!(seen.head.contains("text/html") && seen.body.starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn an_answer_stalls_and_the_connection_stays() {
    let (seen, entry) = play(json!({"fault": "stall_after_tokens", "after_tokens": 7}), true).await;
    assert_eq!((seen.status, seen.end, tokens(&seen)), (Some(200), End::Silent, 7));
    assert_eq!((entry.tokens_sent, entry.ended), (7, Some(Ended::Stalled)));

    let rule = json!({"fault": "stall_after_tokens", "after_tokens": 7, "delay_ms": 30, "keep_alive_ms": 10});
    let (seen, entry) = play(rule, true).await;
    assert!(seen.body.contains("\n\n: keep-alive\n\n") && seen.has_done());
    assert_eq!((seen.end, entry.ended), (End::Whole, Some(Ended::Complete)));

    let rule = json!({"fault": "reasoning_stall", "after_tokens": 5});
    let (seen, entry) = play(rule, true).await;
    assert_eq!((seen.end, tokens(&seen), entry.tokens_sent), (End::Silent, 0, 5));
    assert!(seen.body.contains("reasoning_content"));
}

#[tokio::test]
async fn a_stalled_answer_is_kept_alive_for_ever() {
    let mock =
        mock_with(json!({"rules": [{"fault": "stall_after_tokens", "after_tokens": 2, "keep_alive_ms": 5}]}))
            .await;
    let mut socket = post(&mock, CHAT, &chat(true)).begin().await;
    let mut text = String::new();
    while text.matches(": keep-alive").count() < 5 {
        let mut buffer = [0; 4096];
        let count = tokio::io::AsyncReadExt::read(&mut socket, &mut buffer).await.expect("alive");
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("UTF-8"));
    }
    drop(socket);
    assert_eq!(only_attempt(&mock).await.ended, Some(Ended::Stalled));
}

#[tokio::test]
async fn a_body_is_cut_after_so_many_tokens_or_bytes() {
    for (fault, end) in
        [("cut_fin_after", End::Closed), ("cut_rst_after", End::Reset), ("h2_rst_stream_after", End::Closed)]
    {
        let (seen, entry) = play(json!({"fault": fault, "after_tokens": 40}), true).await;
        assert_eq!((seen.status, seen.end, tokens(&seen)), (Some(200), end, 40), "{fault}");
        assert_eq!((entry.tokens_sent, entry.ended), (40, Some(Ended::Cut)));

        let (seen, _) = play(json!({"fault": fault, "after_bytes": 1000}), true).await;
        assert_eq!((seen.body.len(), seen.end), (1000, end), "{fault}");

        let (seen, entry) = play(json!({"fault": fault, "after_bytes": 100}), false).await;
        assert_eq!((seen.body.len(), seen.end, entry.ended), (100, end, Some(Ended::Cut)), "{fault}");
        assert!(seen.head.contains("content-length: "));
    }
    let (seen, _) = play(json!({"fault": "cut_fin_after", "after_tokens": 100_000}), true).await;
    assert_eq!((seen.finish(), seen.end), (None, End::Closed), "a short answer is cut before it finishes");
    let (seen, _) = play(json!({"fault": "cut_fin_after", "after_tokens": 0}), true).await;
    assert_eq!((tokens(&seen), seen.end), (0, End::Closed));
}

#[tokio::test]
async fn a_body_is_cut_inside_a_character() {
    for stream in [true, false] {
        let rule = json!({"fault": "cut_inside_character", "after_tokens": 2});
        let mock = mock_with(json!({"text": "上善若水。水善利萬物而不爭", "rules": [rule]})).await;
        let seen = post(&mock, CHAT, &chat(stream)).send().await;
        assert_eq!((seen.end, seen.body.contains('\u{fffd}')), (End::Closed, true), "{}", seen.body);
    }
}

#[tokio::test]
async fn a_connection_is_silent_before_it_is_cut() {
    let rule = json!({"fault": "cut_fin_after", "after_tokens": 5, "delay_ms": 120});
    let (seen, entry) = play(rule, true).await;
    assert_eq!((tokens(&seen), seen.end), (5, End::Closed));
    let ended = entry.ended_ms.expect("it has ended");
    assert!(ended - entry.started_ms >= 120, "{entry:?}");
}

#[tokio::test]
async fn streams_end_in_good_order_without_saying_so() {
    let (seen, entry) = play(json!({"fault": "clean_eof", "after_tokens": 9}), true).await;
    assert_eq!((seen.end, tokens(&seen), seen.finish(), seen.has_done()), (End::Whole, 9, None, false));
    assert_eq!(entry.ended, Some(Ended::Cut));
    let (seen, entry) = play(json!({"fault": "no_done"}), true).await;
    assert_eq!((seen.end, seen.finish().as_deref(), seen.has_done()), (End::Whole, Some("stop"), false));
    assert_eq!(entry.ended, Some(Ended::Complete));
    let (seen, entry) = play(json!({"fault": "no_done", "delay_ms": 120}), true).await;
    assert_eq!((seen.end, seen.finish().as_deref(), seen.has_done()), (End::Whole, Some("stop"), false));
    assert!(entry.ended_ms.expect("it has ended") - entry.started_ms >= 120, "{entry:?}");
    let (seen, entry) = play(json!({"fault": "clean_eof", "after_tokens": 9}), false).await;
    assert_eq!((seen.status, seen.end, entry.ended), (Some(200), End::Whole, Some(Ended::Cut)));
    assert!(serde_json::from_str::<Value>(&seen.body).is_err(), "{}", seen.body);
}

#[tokio::test]
async fn a_token_is_lost_in_a_garbled_event() {
    let (seen, entry) = play(json!({"fault": "garbled_token", "after_tokens": 4}), true).await;
    assert_eq!(seen.events().len() - seen.chunks().len(), 2, "the garbled event and [DONE]");
    assert_eq!(tokens(&seen) + 1, entry.tokens_sent as usize);
    assert_eq!((seen.finish().as_deref(), entry.ended), (Some("stop"), Some(Ended::Complete)));
    assert!(seen.body.contains("\"delta\":\n\n"), "{}", seen.body);
    let (seen, entry) =
        play(json!({"fault": "garbled_token", "after_tokens": 4, "body": "{\"id"}), true).await;
    assert!(seen.body.contains("data: {\"id\n\n"), "{}", seen.body);
    assert_eq!(tokens(&seen) + 1, entry.tokens_sent as usize);
    let mock = mock_with(json!({"rules": [{"fault": "garbled_token", "after_tokens": 4}]})).await;
    let body = json!({"model": "m", "max_tokens": 99, "stream": true, "messages": [{"role": "user", "content": "a"}]});
    let seen = post(&mock, "/v1/messages", &body).send().await;
    assert!(seen.body.contains("message_stop") && seen.events().len() > seen.chunks().len(), "{}", seen.body);
}

#[tokio::test]
async fn errors_come_inside_streams() {
    let (seen, entry) = play(json!({"fault": "error_event_first"}), true).await;
    assert_eq!((seen.status, seen.chunks().len(), seen.end), (Some(200), 1, End::Whole));
    assert_eq!(seen.chunks()[0]["error"]["code"], 503);
    assert_eq!(entry.ended, Some(Ended::Rejected));
    let (seen, entry) = play(json!({"fault": "error_event_first"}), false).await;
    assert_eq!((seen.status, entry.ended), (Some(200), Some(Ended::Rejected)));
    assert_eq!(seen.json()["error"]["code"], "service_unavailable");
    let (seen, _) = play(json!({"fault": "error_event_after", "after_tokens": 4, "status": 500}), true).await;
    assert_eq!((tokens(&seen), seen.has_done()), (4, false));
    assert_eq!(seen.chunks()[5]["error"]["code"], 500);
    let (seen, entry) = play(json!({"fault": "bad_json_event", "after_tokens": 4}), true).await;
    assert_eq!(seen.events().len() - seen.chunks().len(), 2, "one broken event and [DONE]");
    assert_eq!((seen.finish().as_deref(), entry.ended), (Some("stop"), Some(Ended::Complete)));
}

#[tokio::test]
async fn errors_inside_streams_are_in_the_callers_dialect() {
    let mock = mock_with(json!({"rules": [{"fault": "error_event_after", "after_tokens": 3}]})).await;
    let body = json!({"model": "m", "max_tokens": 99, "stream": true, "messages": [{"role": "user", "content": "a"}]});
    let seen = post(&mock, "/v1/messages", &body).send().await;
    let event = "event: error\ndata: {\"error\":{\"message\":";
    assert!(seen.body.contains(event) && seen.body.contains("overloaded_error"), "{}", seen.body);
    let body = json!({"model": "deepseek-flash", "input": "a", "stream": true});
    let seen = post(&mock, "/v1/responses", &body).send().await;
    let chunks = seen.chunks();
    let last = chunks.last().expect("an error");
    assert_eq!((&last["type"], &last["sequence_number"]), (&json!("error"), &json!(chunks.len() - 1)));
    assert!(last["message"].is_string() && last["error"]["message"].is_string());
}

#[tokio::test]
async fn finish_reasons_say_that_an_answer_is_not_whole() {
    for fault in ["insufficient_system_resource", "content_filter"] {
        let (seen, _) = play(json!({"fault": fault, "after_tokens": 6}), true).await;
        assert_eq!((seen.finish().as_deref(), tokens(&seen), seen.has_done()), (Some(fault), 6, true));
        let (seen, _) = play(json!({"fault": fault, "after_tokens": 6}), false).await;
        assert_eq!(seen.json()["choices"][0]["finish_reason"], fault);
    }
}

#[tokio::test]
async fn faults_strike_embeddings_and_lists_too() {
    let mock = mock_with(json!({"rules": [{"fault": "cut_fin_after", "after_bytes": 20}]})).await;
    let body = json!({"model": "text-embedding-3-small", "input": "a"});
    let seen = post(&mock, "/v1/embeddings", &body).send().await;
    assert_eq!((seen.body.len(), seen.end), (20, End::Closed));
    assert_eq!(get(&mock, "/v1/models").send().await.end, End::Closed);
}

#[tokio::test]
async fn every_fault_is_played_by_some_test_here() {
    let tests = concat!(include_str!("faults.rs"), include_str!("http2.rs"));
    for (name, about) in crate::fault_catalogue() {
        assert!(tests.contains(&format!("\"{name}\"")), "{name} is not tested");
        assert!(!about.is_empty());
    }
}
