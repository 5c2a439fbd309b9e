//! Known answers over sockets: in both forms, for many at once, after a restart, and instead of errors.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::house::{Caller, Reply, Service, Weir};

const BODY: &str =
    r#"{"model":"deepseek-flash","temperature":0,"messages":[{"role":"user","content":"What is a weir?"}]"#;

/// The same request as a stream.
fn streamed(extra: &str) -> String {
    format!("{BODY},\"stream\":true{extra}}}")
}

fn plain(extra: &str) -> String {
    format!("{BODY}{extra}}}")
}

/// What a chat answer says, in either form: reasoning, content, calls of tools.
fn said(reply: &Reply) -> [String; 3] {
    let mut said: [String; 3] = Default::default();
    let mut add = |message: &Value| {
        for (place, name) in ["reasoning_content", "content"].iter().enumerate() {
            said[place].push_str(message[name].as_str().unwrap_or_default());
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            said[2].push_str(call["function"]["name"].as_str().unwrap_or_default());
            said[2].push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }
    };
    if reply.body.starts_with('{') {
        add(&reply.json()["choices"][0]["message"]);
    } else {
        reply.events().iter().for_each(|event| add(&event["choices"][0]["delta"]));
    }
    said
}

#[test]
fn an_answer_that_came_as_a_stream_is_known_in_both_forms() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let miss = weir.chat(&streamed(""));
    let (again, whole) = (weir.chat(&streamed("")), weir.chat(&plain("")));
    assert_eq!(
        [&miss, &again, &whole].map(|reply| reply.header("x-cache").to_owned()),
        ["MISS", "HIT-memory", "HIT-memory"]
    );
    assert_eq!(said(&again), said(&miss));
    assert_eq!(said(&whole), said(&miss));
    let pieces = |reply: &Reply| -> Vec<_> {
        let said =
            reply.events().into_iter().map(|event| event["choices"][0]["delta"]["content"].to_string());
        said.filter(|piece| piece.len() > 2 && piece != "null").collect()
    };
    assert_eq!(pieces(&again), pieces(&miss));
    assert!(whole.json()["usage"]["completion_tokens"].as_u64().unwrap() > 0, "{}", whole.body);
    assert!(again.body.ends_with("data: [DONE]\n\n"));
    let with_usage = weir.chat(&streamed(",\"stream_options\":{\"include_usage\":true}"));
    assert_eq!(with_usage.header("x-cache"), "HIT-memory");
    assert_eq!(with_usage.events().last().unwrap()["usage"], whole.json()["usage"]);
    assert_eq!(service.log().len(), 1);
}

#[test]
fn an_answer_that_came_whole_is_known_as_a_stream_of_many_pieces() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let miss = weir.chat(&plain(""));
    let streamed = weir.chat(&streamed(""));
    assert_eq!(streamed.header("x-cache"), "HIT-memory");
    assert_eq!(said(&streamed), said(&miss));
    assert!(streamed.events().len() > 5, "not one lump: {}", streamed.body);
}

#[test]
fn messages_and_responses_are_known_in_both_forms() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "[cache]\nmode = \"all\"\n");
    let anthropic = |stream: &str| {
        let body = format!(
            r#"{{"model":"deepseek-flash","max_tokens":4000,"messages":[{{"role":"user","content":"What?"}}]{stream}}}"#
        );
        weir.post("/v1/messages", &[("anthropic-version", "2023-06-01")], &body)
    };
    let responses = |stream: &str| {
        weir.post("/v1/responses", &[], &format!(r#"{{"model":"deepseek-flash","input":"What?"{stream}}}"#))
    };
    let texts = |reply: &Reply, kind: &str| -> String {
        let deltas = reply.events().into_iter().filter(|event| event["type"] == kind);
        deltas
            .map(|event| event["delta"]["text"].as_str().or(event["delta"].as_str()).unwrap().to_owned())
            .collect()
    };
    let names = |reply: &Reply| -> Vec<_> {
        let mut names: Vec<_> =
            reply.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        names.retain(|name| name != "ping");
        names
    };
    let stream = ",\"stream\":true";
    let (miss, again, whole) = (anthropic(stream), anthropic(stream), anthropic(""));
    assert_eq!((again.header("x-cache"), whole.header("x-cache")), ("HIT-memory", "HIT-memory"));
    assert_eq!(names(&again), names(&miss));
    assert_eq!(texts(&again, "content_block_delta"), texts(&miss, "content_block_delta"));
    assert_eq!(whole.json()["content"][0]["text"].as_str().unwrap(), texts(&miss, "content_block_delta"));
    let (miss, again, whole) = (responses(stream), responses(stream), responses(""));
    assert_eq!((again.header("x-cache"), whole.header("x-cache")), ("HIT-memory", "HIT-memory"));
    assert_eq!(names(&again), names(&miss));
    assert_eq!(texts(&again, "response.output_text.delta"), texts(&miss, "response.output_text.delta"));
    let text = &whole.json()["output"][0]["content"][0]["text"];
    assert_eq!(text.as_str().unwrap(), texts(&miss, "response.output_text.delta"));
    assert_eq!(service.log().len(), 2);
}

#[test]
fn a_hundred_who_ask_for_the_same_at_once_cost_one_call() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":500}"#);
    let weir = Weir::before(&[&service], "");
    let body = streamed("");
    let replies: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..100).map(|_| scope.spawn(|| weir.chat(&body))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(service.log().len(), 1);
    let all = said(&replies[0]);
    assert!(!all[1].is_empty());
    for reply in &replies {
        assert_eq!((reply.status, said(reply)), (200, all.clone()));
    }
    let shared = replies.iter().filter(|reply| reply.header("x-cache") == "COALESCED").count();
    let known = replies.iter().filter(|reply| reply.header("x-cache") == "HIT-memory").count();
    assert_eq!((shared + known, shared > 0), (99, true));
}

#[test]
fn answers_on_disk_outlive_the_process() {
    let file = scratch();
    let cache = format!("[cache]\ndisk = \"{}\"\n", file.display());
    let service = Service::with("");
    let weir = Weir::before(&[&service], &cache);
    let miss = weir.chat(&streamed(""));
    weir.signal("TERM");
    let (log, code) = weir.ended();
    assert_eq!(code, Some(0), "{log}");
    let weir = Weir::before(&[&service], &cache);
    let again = weir.chat(&streamed(""));
    // The service is on the same port, or the answer would be another service's.
    assert_eq!(again.header("x-cache"), "HIT-disk");
    assert_eq!(said(&again), said(&miss));
    assert_eq!(weir.chat(&streamed("")).header("x-cache"), "HIT-memory");
    assert_eq!(service.log().len(), 1);
}

#[test]
fn answers_are_thrown_out_by_what_they_are_known_by() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let ask = || weir.post("/v1/chat/completions", &[("x-weir-cache-tag", "our prices")], &plain(""));
    let purge = |query: &str| {
        let reply = weir.purge(query);
        (reply.status, reply.json())
    };
    let known = || ask().header("x-cache") == "HIT-memory";
    ask();
    assert!(known());
    assert_eq!(purge("tag=other"), (200, serde_json::json!({ "purged": 0 })));
    assert!(known());
    for query in ["tag=our%20prices", "model=deepseek-flash", "key=open", "all"] {
        assert_eq!(purge(query), (200, serde_json::json!({ "purged": 1 })), "{query}");
        assert!(!known());
    }
    let (status, words) = purge("colour=red");
    assert_eq!(status, 400);
    assert!(words["error"].as_str().unwrap().contains("`colour`"), "{words}");
    let page =
        Caller::to(&weir.admin).send("POST", "/cache/purge?all", &[("origin", "http://evil")], "").read();
    assert_eq!(page.status, 403);
}

#[test]
fn an_old_answer_stands_in_while_the_service_is_down() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "[attempts]\noutage_wait_ms = 100\n");
    let ten = [("x-weir-cache-ttl", "1"), ("cache-control", "max-age=0")];
    let ask = |headers: &[(&str, &str)]| weir.post("/v1/chat/completions", headers, &plain(""));
    let miss = ask(&ten);
    service.faults(r#"{"fault":"status","status":500}"#);
    // `max-age=0`: it will have no kept answer but in need.
    let stale = ask(&ten);
    assert_eq!((stale.status, stale.header("x-cache")), (200, "HIT-stale"), "{}", stale.body);
    assert!(stale.header("x-weir-degraded").starts_with("stale;age="), "{}", stale.body);
    assert_eq!(said(&stale), said(&miss));
    let never = ask(&[ten[0], ten[1], ("x-weir-degrade", "never")]);
    assert_eq!(never.status, 503, "{}", never.body);
}

fn scratch() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("known-{}-{}.db", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Of an earlier run with the same process number.
    let _none = std::fs::remove_file(&file);
    file
}

#[test]
fn a_request_that_is_wrong_is_refused_again_without_a_call() {
    let service = Service::with(r#"{"fault":"status","status":400}"#);
    let weir = Weir::before(&[&service], "");
    let (first, again) = (weir.chat(&plain("")), weir.chat(&plain("")));
    assert_eq!((first.status, again.status), (400, 400));
    assert_eq!((first.header("x-cache"), again.header("x-cache")), ("MISS", "HIT-memory"));
    assert_eq!(again.body, first.body);
    assert_eq!(service.log().len(), 1);
    assert_eq!(weir.chat(&plain(r#","seed":1"#)).status, 400, "another request is asked for itself");
    assert_eq!(service.log().len(), 2);
    service.faults("");
    let anew = weir.post("/v1/chat/completions", &[("cache-control", "no-cache")], &plain(""));
    assert_eq!((anew.status, anew.header("x-cache")), (200, "MISS"));
}

#[test]
fn an_operator_sees_what_is_kept_and_moves_it() {
    let (centre, edge, seed) = (scratch(), scratch(), scratch());
    let config = |file: &std::path::Path| format!("[cache]\ndisk = \"{}\"\n", file.display());
    let service = Service::with("");
    let weir = Weir::before(&[&service], &config(&centre));
    weir.chat(&plain(""));
    weir.chat(&plain(""));
    let (stats, _) = weir.run(&["cache", "stats", "--admin", &weir.admin]);
    let memory: Vec<_> =
        stats.lines().find(|line| line.starts_with("memory")).unwrap().split_whitespace().collect();
    assert_eq!((memory[1], memory[4], memory[5]), ("1", "1", "1"), "{stats}");
    assert!(stats.contains("\ndisk "), "{stats}");
    weir.signal("TERM");
    let exported = weir.run_with_config(&["cache", "export", &seed.display().to_string()]);
    assert_eq!(exported, (format!("1 answers are in {} now\n", seed.display()), Some(0)));
    let other = Weir::before(&[&service], &config(&edge));
    let imported = other.run_with_config(&["cache", "import", &seed.display().to_string()]);
    assert_eq!(imported.1, Some(0), "{}", imported.0);
    assert_eq!(imported.0.split_once(" answers").unwrap().0, "1");
    let (purged, _) = other.run(&["cache", "purge", "--model", "deepseek-flash", "--admin", &other.admin]);
    assert_eq!(purged, "1 answers were thrown out\n");
    assert_eq!(other.run(&["cache", "purge", "--admin", &other.admin]).1, Some(2), "all, or which?");
    assert_eq!(other.run(&["cache", "stats", "--admin", "127.0.0.1:1"]).1, Some(4));
}
