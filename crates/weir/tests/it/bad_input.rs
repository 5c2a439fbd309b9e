//! Bad input: a clear error in the caller's dialect, and nothing else happens.

use crate::house::{PLAIN, STREAM, Service, Weir};

#[test]
fn bad_bodies_are_refused_and_reach_no_service() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "[server]\nbody_mib_max = 1\n");
    let check = |body: &str, status: u16, param: Option<&str>, words: &str| {
        let reply = weir.chat(body);
        let error = &reply.json()["error"];
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(error["param"].as_str(), param, "{}", reply.body);
        assert!(error["message"].as_str().unwrap().contains(words), "{}", reply.body);
        for field in ["message", "type", "param", "code"] {
            assert!(error.as_object().unwrap().contains_key(field), "{field} is missing: {}", reply.body);
        }
        assert!(reply.header("x-request-id").starts_with("req_"));
    };
    check("{\"model\":", 400, None, "line 1 column 9");
    check("[]", 400, None, "a JSON object");
    check(r#"{"model":"deepseek-flash"}"#, 400, Some("messages"), "no `messages`");
    check(r#"{"model":5,"messages":[]}"#, 400, Some("model"), "not a string");
    check(&PLAIN.replace("deepseek-flash", "gpt-9"), 404, Some("model"), "known models: `deepseek-flash`");
    check(&PLAIN.replace("\"model\"", "\"model\":\"x\",\"model\""), 400, Some("model"), "twice");
    check(
        &PLAIN.replace("\"hi\"", &format!("{}{}", "[".repeat(200), "]".repeat(200))),
        400,
        None,
        "deeper than 128",
    );
    check(&PLAIN.replace("hi", &"x".repeat(2 << 20)), 413, None, "1 MiB");
    assert!(service.log().is_empty());
}

#[test]
fn bad_headers_are_refused() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let anthropic = PLAIN.replace("}]}", "}],\"max_tokens\":9}");
    let check = |name: &str, values: &[&str], range: &str| {
        for value in values {
            for (path, body) in [("/v1/chat/completions", PLAIN), ("/v1/messages", anthropic.as_str())] {
                let reply = weir.post(path, &[(name, value)], body);
                let error = &reply.json()["error"];
                let told = error["message"].as_str().unwrap();
                assert_eq!(
                    (reply.status, error["type"].as_str()),
                    (400, Some("invalid_request_error")),
                    "{told}"
                );
                assert_eq!(
                    (error["param"].as_str(), error["code"].as_str()),
                    (Some(name), Some("weir_bad_request"))
                );
                assert!(told.contains(&format!("`{value}`")) && told.contains(range), "{told}");
                assert_eq!(reply.json()["type"] == "error", path == "/v1/messages", "{}", reply.body);
            }
        }
    };
    check("x-weir-priority", &["urgent", "10", "-1", "１"], "from 0 (first) to 9 (last)");
    check("x-weir-deadline-ms", &["soon", "0", "-5", "86400001"], "from 1 to 86400000 (one day)");
    check("x-weir-degrade", &["perhaps", "NEVER"], "`allow` or `never`");
    let large = "x".repeat(100 << 10);
    assert_eq!(weir.post("/v1/chat/completions", &[("x-large", &large)], PLAIN).status, 431);
    assert!(service.log().is_empty());
}

#[test]
fn errors_speak_the_callers_dialect() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let reply = weir.post("/v1/messages", &[], r#"{"model":"nope","messages":[]}"#);
    assert_eq!((reply.status, reply.json()["type"].as_str()), (404, Some("error")));
    assert_eq!(reply.json()["error"]["type"], "not_found_error");
    assert!(reply.header("request-id").starts_with("req_"));
}

#[test]
fn keys_are_asked_for_and_kept_within_their_rates() {
    let service = Service::with("");
    let token = "weir_0123456789abcdef0123456789abcdef";
    let hash = weir_admit::hash_text(token);
    let keys = format!("[[key]]\nname = \"t\"\nhash = \"{hash}\"\nrpm = 2\npriority_cap = 3\n");
    let weir = Weir::before(&[&service], &keys);
    let missing = weir.chat(PLAIN);
    assert_eq!((missing.status, missing.json()["error"]["code"].as_str()), (401, Some("invalid_api_key")));
    let wrong = weir.post("/v1/chat/completions", &[("authorization", "Bearer nope")], PLAIN);
    assert!(wrong.status == 401 && !wrong.body.contains("nope"), "{}", wrong.body);
    let bearer = format!("Bearer {token}");
    let call = || weir.post("/v1/chat/completions", &[("authorization", &bearer)], PLAIN);
    let first = call();
    assert_eq!((first.status, first.header("x-ratelimit-remaining-requests")), (200, "1"));
    assert_eq!(call().status, 200);
    let third = call();
    assert_eq!(third.status, 429);
    let wait: u64 = third.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(service.log().len(), 2);
    assert!(service.log().iter().all(|entry| !entry.request_headers.contains_key("authorization")));
}

#[test]
fn what_is_granted_where_more_was_asked_for_is_said() {
    let service = Service::with("");
    let token = "weir_0123456789abcdef0123456789abcdef";
    let keys =
        format!("[[key]]\nname = \"t\"\nhash = \"{}\"\npriority_cap = 3\n", weir_admit::hash_text(token));
    let weir = Weir::before(&[&service], &keys);
    let bearer = format!("Bearer {token}");
    let check = |name: &str, asked: &str, said: &str| {
        let headers = [("authorization", bearer.as_str()), (name, asked)];
        for body in [PLAIN, STREAM] {
            let reply = weir.post("/v1/chat/completions", &headers, body);
            assert_eq!((reply.status, reply.header(name)), (200, said), "{name}: {asked}");
        }
    };
    check("x-weir-priority", "0", "3;capped");
    check("x-weir-priority", "3", "");
    check("x-weir-priority", "9", "");
    check("x-weir-deadline-ms", "700000", "600000;capped");
    check("x-weir-deadline-ms", "600000", "");
}

#[test]
fn a_web_page_cannot_spend_the_operators_key() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let reply = weir.post("/v1/chat/completions", &[("origin", "https://evil.test")], PLAIN);
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (403, Some("weir_forbidden")));
    assert!(service.log().is_empty());
}

#[test]
fn refusals_at_the_door_are_recorded_too() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    assert_eq!(weir.chat("{").status, 400);
    assert_eq!(weir.post("/v1/../user/balance", &[], "{}").status, 404);
    let metrics = weir.admin("/metrics").body;
    assert!(
        metrics.contains(r#"weir_requests_total{operation="chat",outcome="client_error"} 1"#),
        "{metrics}"
    );
    assert!(
        metrics.contains(r#"weir_requests_total{operation="other",outcome="client_error"} 1"#),
        "{metrics}"
    );
    assert!(service.log().is_empty());
}
