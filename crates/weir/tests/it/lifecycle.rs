//! Callers that leave, and a gateway that closes.

use std::time::{Duration, Instant};

use crate::house::{Caller, PLAIN, STREAM, Service, Weir};

#[test]
fn a_caller_who_leaves_ends_the_call_behind() {
    let service = Service::with(r#"{"fault":"stall_after_tokens","after_tokens":2}"#);
    let weir = Weir::before(&[&service], "");
    let mut caller = Caller::to(&weir.data).send("POST", "/v1/chat/completions", &[], STREAM);
    caller.until("data: ");
    drop(caller);
    let left = Instant::now();
    while service.log()[0].ended.is_none() {
        assert!(left.elapsed() < Duration::from_secs(5), "the call goes on without its caller");
        std::thread::yield_now();
    }
    while weir.admin("/status").json()["in_flight"] != 0 {
        assert!(left.elapsed() < Duration::from_secs(5), "the record stays open");
    }
}

#[test]
fn closing_lets_answers_finish_and_says_not_ready() {
    let service = Service::with(r#"{"fault":"slow_first_token","delay_ms":800}"#);
    let weir = Weir::before(&[&service], "");
    assert_eq!(weir.admin("/readyz").status, 200);
    let caller = Caller::to(&weir.data).send("POST", "/v1/chat/completions", &[], PLAIN);
    while service.log().is_empty() {
        std::thread::yield_now();
    }
    weir.signal("TERM");
    while weir.admin("/readyz").status == 200 {}
    let reply = caller.read();
    assert!(reply.status == 200 && reply.whole, "{}", reply.body);
    let (log, code) = weir.ended();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn a_stream_that_outlasts_the_patience_is_told_and_cut() {
    let service = Service::with(r#"{"fault":"stall_after_tokens","after_tokens":2}"#);
    let weir = Weir::before(&[&service], "[server]\ndrain_timeout_s = 0\n");
    let mut caller = Caller::to(&weir.data).send("POST", "/v1/chat/completions", &[], STREAM);
    caller.until("data: ");
    weir.signal("TERM");
    assert!(caller.until("weir_draining").contains("error"));
    assert_eq!(weir.ended().1, Some(0));
}

#[test]
fn a_caller_who_stops_reading_is_cut() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "[server]\nreader_timeout_s = 1\n");
    let headers = [("x-mock-tokens", "60000")];
    let mut caller = Caller::to(&weir.data).send("POST", "/v1/chat/completions", &headers, STREAM);
    caller.until("data: ");
    let stopped = Instant::now();
    while weir.admin("/status").json()["in_flight"] != 0 {
        assert!(
            stopped.elapsed() < Duration::from_secs(20),
            "the call of a caller who does not read goes on"
        );
    }
    let metrics = weir.admin("/metrics").body;
    assert!(
        metrics.contains(r#"weir_requests_total{operation="chat",outcome="cancelled"} 1"#),
        "it was not cut: {metrics}"
    );
}
