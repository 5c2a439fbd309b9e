//! That the numbers are defined as the docs say, add up, and print aligned.

use std::time::Duration;

use super::{Known, Report, percentile};
use crate::priorities::Priority;
use crate::record::{How, Outcome, Record};

fn record(priority: u8, outcome: Outcome, total_ms: u64) -> Record {
    Record {
        due: Duration::from_secs(1),
        tries: 1,
        first_token: (outcome == Outcome::Good).then(|| Duration::from_millis(total_ms / 2)),
        total: Duration::from_millis(total_ms),
        outcome,
        ..Record::not_sent(Duration::ZERO, Priority::new(priority).unwrap())
    }
}

fn mixed() -> Report {
    Report::of(&[
        record(1, Outcome::Good, 100),
        record(1, Outcome::Good, 200),
        Record { degraded: true, ..record(5, Outcome::Good, 60) },
        Record { shed: true, tries: 3, degraded: true, ..record(5, Outcome::Status(503), 10) },
        record(8, Outcome::Timeout, 4_000),
        record(8, Outcome::Truncated, 30),
        Record::not_sent(Duration::ZERO, Priority::LOWEST),
    ])
}

#[test]
fn percentiles_are_nearest_rank() {
    let check = |values: &[f64], percent, expected| assert_eq!(percentile(values, percent), expected);
    check(&[], 50, None);
    check(&[7.0], 50, Some(7.0));
    check(&[7.0], 99, Some(7.0));
    // The example of the definition: ordered list 15, 20, 35, 40, 50.
    check(&[15.0, 20.0, 35.0, 40.0, 50.0], 5, Some(15.0));
    check(&[15.0, 20.0, 35.0, 40.0, 50.0], 30, Some(20.0));
    check(&[15.0, 20.0, 35.0, 40.0, 50.0], 40, Some(20.0));
    check(&[15.0, 20.0, 35.0, 40.0, 50.0], 50, Some(35.0));
    let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
    check(&hundred, 99, Some(99.0));
    check(&hundred[..99], 99, Some(99.0));
    check(&hundred[..2], 50, Some(1.0));
}

#[test]
fn latencies_are_of_good_requests_only() {
    let report = mixed();
    assert_eq!(report.latencies.mean_ms, Some(120.0));
    assert_eq!((report.latencies.p50_ms, report.latencies.p99_ms), (Some(100.0), Some(200.0)));
    assert_eq!((report.latencies.ttft_p50_ms, report.latencies.ttft_p95_ms), (Some(50.0), Some(100.0)));
    // (100 + 200 + 60 + 10 + 4,000 + 30) / 6: the one that was not sent has no time.
    assert_eq!(report.mean_all_ms, Some(733.333));
}

#[test]
fn everything_adds_up() {
    let report = mixed();
    assert_eq!((report.requests, report.good, report.tries), (7, 3, 8));
    // A refusal that is marked degraded is not a degraded answer.
    assert_eq!((report.full, report.degraded, report.shed), (2, 1, 1));
    assert_eq!(report.by_status.values().sum::<u64>(), 7);
    assert_eq!(report.by_priority.values().map(|part| part.requests).sum::<u64>(), 7);
    assert_eq!((report.duration_s, report.rps), (5.0, 1.4));
}

#[test]
fn good_answers_without_a_call_of_their_own_are_counted_by_where_they_were() {
    let known =
        |header: &str, outcome| Record { known: How::said(header.as_bytes()), ..record(5, outcome, 1) };
    let mut records: Vec<_> =
        ["HIT-memory", "HIT-memory", "HIT-disk", "HIT-redis", "HIT-stale", "COALESCED", "MISS", "BYPASS"]
            .map(|header| known(header, Outcome::Good))
            .into();
    records.push(known("COALESCED", Outcome::Truncated));
    let report = Report::of(&records);
    assert_eq!(report.known, Known { memory: 2, redis: 1, disk: 1, semantic: 0, shared: 1, stale: 1 });
    let said =
        "\nwithout a call of their own: 2 from memory, 1 from disk, 1 shared a call, 1 stale, 1 from redis\n";
    assert!(report.render().contains(said), "{}", report.render());
}

#[test]
fn the_json_has_the_agreed_fields() {
    let json = serde_json::to_value(mixed()).unwrap();
    for field in [
        "requests",
        "good",
        "good_share",
        "mean_ms",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "ttft_p50_ms",
        "ttft_p95_ms",
        "ttft_p99_ms",
        "by_status",
        "by_priority",
        "tries",
        "full",
        "degraded",
        "shed",
        "known",
        "duration_s",
        "rps",
    ] {
        assert!(json.get(field).is_some_and(|value| !value.is_null()), "{field} in {json}");
    }
    assert_eq!(json["latencies_of"], "good");
    let statuses = serde_json::json!({"200": 3, "503": 1, "client_limit": 1, "timeout": 1, "truncated": 1});
    assert_eq!(json["by_status"], statuses);
    for field in ["requests", "good", "p50_ms", "p95_ms", "p99_ms", "ttft_p95_ms"] {
        assert!(!json["by_priority"]["1"][field].is_null(), "{field} in {json}");
    }
    assert!(json["by_priority"]["8"]["p50_ms"].is_null());
}

#[test]
fn the_report_prints_as_an_aligned_table() {
    assert_eq!(
        mixed().render(),
        "\
42.85 % available: 3 of 7 requests got a whole answer
2 full, 1 degraded, 1 shed; 8 tries in 5.0 s, 1.4 requests a second

                                  first token, ms            whole answer, ms
            requests  good %    p50    p95    p99   mean    p50    p95    p99
all                7   42.85   50.0    100    100    120    100    200    200
priority 1         2  100.00   50.0    100    100    150    100    200    200
priority 5         2   50.00   30.0   30.0   30.0   60.0   60.0   60.0   60.0
priority 8         2    0.00      –      –      –      –      –      –      –
priority 9         1    0.00      –      –      –      –      –      –      –

not good: 503 × 1, client_limit × 1, timeout × 1, truncated × 1
times are of good answers and count from the scheduled arrival
mean with failures 733 ms, requests sent late by 0.0 ms (p99)
"
    );
}

#[test]
fn a_share_is_never_rounded_up_to_all() {
    let mut records = vec![record(1, Outcome::Good, 1); 99_999];
    records.push(record(1, Outcome::Connect, 1));
    assert!(Report::of(&records).render().starts_with("99.99 % available"));
}
