//! The rules of the wire, as measured on real clients: what a stream may and may not hold, and how it ends.

use crate::house::{Caller, PLAIN, STREAM, Service, Weir};

#[test]
fn a_stream_ends_with_a_finish_reason_and_done() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let reply = weir.chat(STREAM);
    assert_eq!(reply.status, 200);
    assert!(reply.whole && reply.body.ends_with("data: [DONE]\n\n"), "{}", reply.body);
    assert!(reply.body.contains("\"finish_reason\":\"stop\"") && !reply.text().is_empty());
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    assert!(!reply.body.lines().any(|line| line.starts_with("id:") || line.starts_with("retry:")));
}

#[test]
fn a_stream_says_the_same_as_a_plain_answer() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let plain = weir.chat(PLAIN).json();
    assert_eq!(plain["choices"][0]["message"]["content"].as_str().unwrap(), weir.chat(STREAM).text());
}

#[test]
fn the_usage_chunk_comes_only_when_asked_for() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    assert!(!weir.chat(STREAM).body.contains("prompt_tokens"));
    let asked = STREAM.replace("\"stream\":true", r#""stream":true,"stream_options":{"include_usage":true}"#);
    let reply = weir.chat(&asked);
    assert!(reply.body.contains("\"choices\":[]") && reply.body.contains("prompt_tokens"), "{}", reply.body);
}

#[test]
fn a_broken_stream_ends_with_an_error_and_a_cut_and_never_cleanly() {
    for fault in
        ["cut_fin_after", "cut_rst_after", "clean_eof", "error_event_after", "insufficient_system_resource"]
    {
        let service = Service::with(&format!(r#"{{"fault":"{fault}","after_tokens":5}}"#));
        let weir = Weir::before(&[&service], "");
        for (path, mark) in
            [("/v1/chat/completions", "data: {\"error\":"), ("/v1/messages", "event: error\n")]
        {
            let body = STREAM.replace("\"stream\":true", "\"stream\":true,\"max_tokens\":50");
            let reply = weir.post(path, &[("x-mock-itl-ms", "5")], &body);
            assert_eq!(reply.status, 200, "{fault} {path}");
            assert!(reply.body.contains(mark), "{fault} {path}: {}", reply.body);
            assert!(reply.body.contains("stream_interrupted"), "{fault} {path}: {}", reply.body);
            let closed = reply.body.contains("[DONE]") || reply.body.contains("message_stop");
            assert!(!closed && !reply.whole, "{fault} {path}: a clean end on a dead stream: {}", reply.body);
        }
    }
}

#[test]
fn silences_are_filled_with_comments_and_the_answer_still_comes() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":2500}"#);
    let weir = Weir::before(&[&service], "[server]\nkeep_alive_s = 1\n");
    let reply = weir.chat(STREAM);
    assert!(reply.body.starts_with(": weir\n\n: weir\n\n"), "{}", reply.body);
    assert!(reply.whole && reply.body.ends_with("data: [DONE]\n\n"));
}

#[test]
fn after_the_head_is_out_a_refusal_comes_in_band() {
    let service = Service::with(r#"{"fault":"silence"}"#);
    let weir = Weir::before(&[&service], "[server]\nkeep_alive_s = 1\n");
    let reply = weir.post("/v1/chat/completions", &[("x-weir-deadline-ms", "1500")], STREAM);
    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with(": weir\n\n") && !reply.whole, "{}", reply.body);
    assert!(
        reply.body.contains("weir_deadline_exceeded") && !reply.body.contains("[DONE]"),
        "{}",
        reply.body
    );
}

#[test]
fn a_waiting_stream_hears_comments_and_the_urgent_overtake() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":2500,"times":1}"#);
    let config = service.endpoint("s").replace("models", "max_concurrent = 1\nmodels");
    let pool = "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [\"s\"]\n[server]\nkeep_alive_s = 1\n";
    let weir = Weir::start(&format!("{config}{pool}"));
    let ask = |name: &str, priority: &str| {
        let headers = [("x-name", name), ("x-weir-priority", priority)];
        Caller::to(&weir.data).send("POST", "/v1/chat/completions", &headers, STREAM)
    };
    let first = ask("first", "5");
    while service.log().is_empty() {
        std::thread::yield_now();
    }
    let mut later = ask("later", "9");
    later.until(": weir\n\n");
    let urgent = ask("urgent", "0");
    assert!(first.read().whole && urgent.read().whole && later.read().whole);
    let order: Vec<_> = service.log().iter().map(|entry| entry.request_headers["x-name"].clone()).collect();
    assert_eq!(order, ["first", "urgent", "later"]);
}

#[test]
fn a_responses_stream_hears_that_it_is_queued_in_words_that_sdks_take() {
    let service = Service::with("");
    let config = service.endpoint("s").replace("models", "max_concurrent = 1\nmodels");
    let pool = "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [\"s\"]\n[server]\nkeep_alive_s = 1\n";
    let weir = Weir::start(&format!("{config}{pool}"));
    let body = r#"{"model":"deepseek-flash","input":"hi","stream":true,"store":false}"#;
    let ask = |headers: &[(&str, &str)]| Caller::to(&weir.data).send("POST", "/v1/responses", headers, body);
    let mut working = ask(&[("x-mock-ttft-ms", "60000")]);
    // It waits for the service, and not for its turn: a comment is all there is to say.
    let heard = working.until(": weir\n\n");
    assert!(heard.contains("x-weir-level") && !heard.contains("response."), "{heard}");
    let mut queued = ask(&[]);
    queued.until("event: response.queued\n");
    queued.until(": weir\n\n");
    drop(working);
    let reply = queued.read();
    let events = reply.body.lines().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<serde_json::Value> = events.filter_map(|data| serde_json::from_str(data).ok()).collect();
    let names: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["response.created", "response.queued", "response.created"], "{names:?}");
    assert_eq!(names.last(), Some(&"response.completed"), "{names:?}");
    let first = &events[0]["response"];
    assert_eq!((&first["status"], &first["model"]), (&"queued".into(), &"deepseek-flash".into()));
    assert_eq!(first["id"].as_str().unwrap()[5..], reply.header("x-request-id")[4..]);
    assert_ne!(events[2]["response"]["id"], first["id"]);
}

#[test]
fn both_families_name_the_request_and_say_how_it_went() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let openai = weir.chat(PLAIN);
    assert!(openai.header("x-request-id").starts_with("req_"));
    assert_eq!((openai.header("x-weir-endpoint"), openai.header("x-weir-attempts")), ("s0", "1"));
    assert!(openai.header("server-timing").contains("upstream;dur="));
    assert_eq!(openai.header("cache-control"), "private, no-store");
    let body = PLAIN.replace("}]}", "}],\"max_tokens\":20}");
    let anthropic = weir.post("/v1/messages", &[("anthropic-version", "2026-10-21")], &body);
    assert_eq!(anthropic.status, 200, "{}", anthropic.body);
    assert!(anthropic.header("request-id").starts_with("req_"));
}

#[test]
fn unknown_fields_and_headers_survive() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let body = PLAIN.replace("\"messages\"", "\"brand_new\":{\"a\":[1,2]},\"messages\"");
    let reply = weir.post("/v1/chat/completions", &[("x-brand-new", "1"), ("openai-beta", "v9")], &body);
    assert_eq!(reply.status, 200);
    let headers = &service.log()[0].request_headers;
    assert_eq!((headers["x-brand-new"].as_str(), headers["openai-beta"].as_str()), ("1", "v9"));
}

#[test]
fn a_known_answer_is_given_from_memory_only_when_it_may_be() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let zero = PLAIN.replace("}]}", "}],\"temperature\":0}");
    assert_eq!(weir.chat(&zero).header("x-cache"), "MISS");
    let again = weir.chat(&zero);
    assert_eq!((again.header("x-cache"), again.header("x-weir-attempts")), ("HIT-memory", "0"));
    assert_eq!(weir.chat(PLAIN).header("x-cache"), "BYPASS");
    assert_eq!(service.log().len(), 2);
}

#[test]
fn other_paths_pass_and_unknown_ones_are_refused_in_shape() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    weir.post("/v1/moderations", &[], r#"{"input":"x"}"#);
    assert!(service.log()[0].path.ends_with("/moderations"));
    let reply = weir.post("/nowhere", &[], "{}");
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (404, Some("unknown_url")));
}
