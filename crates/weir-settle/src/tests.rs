//! Exactly one record, with the truth in it.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use weir_core::{CacheState, Class, End, Kind, Observer, Price, Rejection, Request, Via};
use weir_testkit::{at, chat, still_clock, usage_chunk};

use crate::{Lines, Record, Settle, Settled, Sink};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Settled>>>);

impl Sink for Kept {
    fn settled(&self, settled: &Settled) {
        self.0.lock().unwrap().push(settled.clone());
    }
}

fn settle(registry: &mut Registry) -> (Settle, Kept) {
    let kept = Kept::default();
    let settle = Settle::new(still_clock(), None, &["m".into()], registry).with_sink(Box::new(kept.clone()));
    (settle, kept)
}

fn outcome(request: &Request, finish: impl FnOnce(Record)) -> String {
    let (settle, kept) = settle(&mut Registry::default());
    finish(settle.open(request));
    assert_eq!(settle.in_flight(), 0);
    let kept = kept.0.lock().unwrap();
    assert_eq!(kept.len(), 1, "exactly one record");
    kept[0].outcome.label().to_owned()
}

fn ended(end: End) -> impl FnOnce(Record) {
    move |mut record| {
        record.answered(StatusCode::OK);
        Box::new(record).end(at(5), end);
    }
}

#[test]
fn outcomes_tell_the_truth() {
    assert_eq!(outcome(&chat("m"), ended(End::Complete)), "ok");
    assert_eq!(outcome(&chat("m"), ended(End::Failed(Class::Timeout))), "truncated");
    assert_eq!(outcome(&chat("m"), ended(End::Abandoned)), "cancelled");
    assert_eq!(outcome(&chat("m"), drop), "cancelled");
    let retried = chat("m");
    retried.trail.sent(at(1));
    retried.trail.sent(at(2));
    assert_eq!(outcome(&retried, ended(End::Complete)), "ok_retried");
    let known = chat("m");
    known.trail.cache_said(CacheState::HitMemory);
    assert_eq!(outcome(&known, ended(End::Complete)), "ok_cache");
    for (kind, label) in [
        (Kind::BadRequest, "client_error"),
        (Kind::Overloaded, "shed"),
        (Kind::QueueTimeout, "queue_timeout"),
        (Kind::UpstreamsDown, "upstream_error"),
        (Kind::RateLimited, "rate_limited"),
    ] {
        let rejected = outcome(&chat("m"), |mut record| {
            record.rejected(&Rejection::new(kind, "no"));
            Box::new(record).end(at(5), End::Complete);
        });
        assert_eq!(rejected, label);
    }
}

#[test]
fn tokens_are_priced_and_counted_once() {
    let mut registry = Registry::default();
    let (settle, kept) = settle(&mut registry);
    let request = chat("m");
    let price = Price { input: 1.0, cached: 0.1, output: 2.0 };
    request.trail.sent(at(1));
    request.trail.committed(at(3), Via { endpoint: "deepseek".into(), model: "m".into(), price });
    let mut record = settle.open(&request);
    record.answered(StatusCode::OK);
    record.chunk(at(3), &usage_chunk(1000, 10));
    record.chunk(at(4), &usage_chunk(1000, 500));
    Box::new(record).end(at(5), End::Complete);
    let settled = kept.0.lock().unwrap()[0].clone();
    assert_eq!((settled.usage.prompt, settled.usage.completion), (1000, 500));
    assert!((settled.cost_usd - 0.002).abs() < 1e-9);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "weir_requests_total{operation=\"chat\",outcome=\"ok\"} 1",
        "weir_tokens_total{model=\"m\",kind=\"completion\"} 500",
        "weir_requests_in_flight 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn a_line_says_how_it_went_in_either_style() {
    for human in [false, true] {
        let mut registry = Registry::default();
        let lines = Lines::new(human, &mut registry);
        let settle = Settle::new(still_clock(), Some(lines.clone()), &[], &mut registry);
        ended(End::Complete)(settle.open(&chat("m")));
        lines.close();
        let line = String::from_utf8(lines.take(Vec::new()).unwrap()).unwrap();
        for word in ["1970-01-01T00:00:00.000Z", "ok", "200", "chat", "BYPASS"] {
            assert!(line.contains(word), "{word} is missing in {line}");
        }
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(human, serde_json::from_str::<serde_json::Value>(&line).is_err());
        assert!(lines.take(Vec::new()).is_none());
    }
}

#[test]
fn a_line_is_json_whatever_the_names_are() {
    let mut registry = Registry::default();
    let lines = Lines::new(false, &mut registry);
    let settle = Settle::new(still_clock(), Some(lines.clone()), &[], &mut registry);
    let request = chat("m\"\\\n\u{1}é");
    let price = Price { input: 1.0, cached: 0.1, output: 2.0 };
    let via = Via { endpoint: "a\"b".into(), model: "m".into(), price };
    let usage = weir_core::Usage { prompt: 1_234_567, completion: 10, ..Default::default() };
    request.trail.sent(at(1));
    request.trail.failed("a\"b", Class::Timeout, "no \"answer\"");
    request.trail.committed(at(3), via.clone());
    request.trail.spent(via.clone(), usage, true);
    request.trail.spent(via, usage, false);
    ended(End::Complete)(settle.open(&request));
    lines.close();
    let line: serde_json::Value = serde_json::from_slice(&lines.take(Vec::new()).unwrap()).unwrap();
    assert_eq!(line["model"], "m\"\\\n\u{1}é");
    assert_eq!(line["endpoint"], "a\"b");
    assert_eq!(line["id"], request.id.to_string());
    assert_eq!(line["failure"], "a\"b: timeout: no \"answer\"");
    assert_eq!(line["priority"], serde_json::Value::Null);
    assert_eq!((&line["stream"], &line["status"]), (&false.into(), &200.into()));
    assert_eq!(line["parts"][1]["prompt_tokens"], 1_234_567);
    assert_eq!(line["parts"][0]["estimated"], true);
    for name in ["queue_ms", "first_token_ms", "total_ms", "cost_usd"] {
        assert!(line[name].is_f64(), "{name}: {}", line[name]);
    }
}

#[test]
fn a_log_nobody_reads_drops_lines_and_counts_them() {
    let mut registry = Registry::default();
    let lines = Lines::new(false, &mut registry);
    let settle = Settle::new(still_clock(), Some(lines.clone()), &[], &mut registry);
    for _ in 0..20_000 {
        ended(End::Complete)(settle.open(&chat("m")));
    }
    let kept = lines.take(Vec::new()).unwrap();
    assert!(kept.len() < 5 << 20);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(!text.contains("weir_access_log_lines_dropped_total 0"), "{text}");
}
