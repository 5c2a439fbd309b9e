//! Metrics, health, status, log lines.

use crate::house::{PLAIN, STREAM, Service, Weir};

#[test]
fn metrics_count_what_happened() {
    let service = Service::with(r#"{"fault":"status","status":503,"times":1}"#);
    let weir = Weir::before(&[&service], "[attempts]\nbackoff_ms = 1\n");
    assert_eq!(weir.chat(STREAM).status, 200);
    assert_eq!(weir.chat("{").status, 400);
    let metrics = weir.admin("/metrics");
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        r#"weir_requests_total{operation="chat",outcome="ok_retried"} 1"#,
        r#"weir_upstream_attempts_total{endpoint="s0",model="deepseek-flash",result="overload"} 1"#,
        r#"api_requests_total{service="s0",model="deepseek-flash",result="ok"} 1"#,
        "weir_time_to_first_token_seconds_count{operation=\"chat\"} 1",
        "weir_queue_depth{pool=\"deepseek-flash\",class=\"normal\"} 0",
        "weir_requests_in_flight 0",
        "# EOF",
    ] {
        assert!(metrics.body.contains(line), "{line} is missing in\n{}", metrics.body);
    }
    let tokens =
        metrics.body.lines().find(|line| line.contains(r#"model="deepseek-flash",kind="completion""#));
    assert!(tokens.is_some_and(|line| !line.ends_with(" 0")), "tokens were not counted: {tokens:?}");
}

#[test]
fn health_says_alive_and_status_says_how() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    assert_eq!(weir.admin("/healthz").status, 200);
    let status = weir.admin("/status").json();
    assert_eq!(status["endpoints"][0]["circuit"], "closed");
    assert_eq!(weir.admin("/nothing").status, 404);
}

#[test]
fn one_line_a_request_and_never_the_prompt() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let canary = "a-very-secret-canary";
    assert_eq!(weir.chat(&PLAIN.replace("hi", canary)).status, 200);
    weir.post("/v1/chat/completions", &[("authorization", "Bearer canary-token")], STREAM);
    weir.signal("TERM");
    let (log, _) = weir.ended();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["message"] == "request")
        .collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!((lines[0]["outcome"].as_str(), lines[0]["endpoint"].as_str()), (Some("ok"), Some("s0")));
    assert!(!log.contains(canary) && !log.contains("canary-token"), "{log}");
}

#[test]
fn every_metric_is_declared_once() {
    let service = Service::with("");
    let weir = Weir::before(&[&service], "");
    let metrics = weir.admin("/metrics").body;
    let mut names: Vec<_> = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let declared = names.len();
    names.sort_unstable();
    names.dedup_by_key(|line| line.split(' ').next().unwrap_or_default().to_owned());
    assert!(declared > 20, "{metrics}");
    assert_eq!(names.len(), declared, "Prometheus refuses a page that declares a metric twice:\n{metrics}");
}
