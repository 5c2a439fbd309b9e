//! Replays against a small server that answers, refuses, cuts, stalls and hides: what arrives there, when, and what
//! the report says about it.

mod server;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::tests::server::{Answer, Server};
use crate::{ClientPolicy, Options, Plan, Progress, Prompts, Report, Target, Trace, run};

/// `requests` arrivals, 5 ms apart.
fn plan(requests: usize, options: Options) -> Plan {
    let rows: String = (0..requests).map(|row| format!("{},50,10\n", row * 5)).collect();
    let trace = format!("arrival_ms,context_tokens,generated_tokens\n{rows}");
    Plan { trace: Trace::parse("t.csv", trace.as_bytes()).unwrap(), prompts: Prompts::excerpt(), options }
}

/// Far below the 60 s of real life, far above what a loopback answer takes.
fn impatient() -> Options {
    Options { timeout: Duration::from_millis(300), ..Options::default() }
}

async fn replay(server: &Server, requests: usize, options: Options) -> Report {
    let target = Target::new(&server.url()).unwrap();
    run(&plan(requests, options), &target, Progress::new()).await
}

/// One request that is answered with `answer` ends as `label`.
async fn check_outcome(answer: Answer, label: &str) -> Report {
    let server = Server::answering(move |_| answer).await;
    let report = replay(&server, 1, impatient()).await;
    assert_eq!(report.by_status.keys().collect::<Vec<_>>(), [label], "{answer:?}");
    assert_eq!(report.good, u64::from(label == "200"), "{answer:?}");
    report
}

#[tokio::test]
async fn whole_streams_are_good_and_their_first_token_comes_before_their_end() {
    let server = Server::answering(|_| Answer::Stream { pause_ms: 20 }).await;
    let progress = Progress::new();
    let target = Target::new(&server.url()).unwrap();
    let report = run(&plan(20, Options::default()), &target, Arc::clone(&progress)).await;
    assert_eq!((report.requests, report.good, report.full, report.tries), (20, 20, 20, 20));
    let (first, whole) = (report.latencies.ttft_p50_ms.unwrap(), report.latencies.p50_ms.unwrap());
    assert!(whole - first > 15.0, "the first token after {first} ms, the end after {whole} ms");
    let now = progress.snapshot();
    assert_eq!((now.sent, now.done, now.good, now.in_flight), (20, 20, 20, 0));
}

#[tokio::test]
async fn unstreamed_answers_are_asked_for_and_judged() {
    let server = Server::answering(|_| Answer::Json).await;
    let report = replay(&server, 3, Options { stream: false, ..Options::default() }).await;
    assert_eq!(report.good, 3);
    assert!(report.latencies.ttft_p50_ms.is_some());
    assert!(server.seen().iter().all(|seen| seen.body["stream"] == false));
}

#[tokio::test]
async fn every_way_to_fail_has_its_name() {
    check_outcome(Answer::Stream { pause_ms: 0 }, "200").await;
    check_outcome(Answer::Status(503), "503").await;
    check_outcome(Answer::CutStream, "truncated").await;
    check_outcome(Answer::ShortStream, "truncated").await;
    check_outcome(Answer::ErrorEvent, "error_event").await;
    check_outcome(Answer::Json, "invalid").await;
    check_outcome(Answer::Hang, "timeout").await;
    check_outcome(Answer::StalledStream, "timeout").await;
    check_outcome(Answer::Reset, "connect").await;
}

#[tokio::test]
async fn nobody_listening_is_a_connect_failure() {
    let port = server::unused_port().await;
    let target = Target::new(&format!("http://127.0.0.1:{port}")).unwrap();
    let report = run(&plan(2, Options::default()), &target, Progress::new()).await;
    assert_eq!(report.by_status["connect"], 2);
    let shown = report.render();
    assert!(shown.contains("first failed connection: Connection refused"), "{shown}");
}

#[tokio::test]
async fn degraded_answers_are_good_but_not_full_and_shed_ones_neither() {
    let server = Server::answering(|row| match row {
        0 => Answer::Degraded,
        1 => Answer::Shed,
        2 => Answer::Status(503),
        _ => Answer::Stream { pause_ms: 0 },
    })
    .await;
    let report = replay(&server, 5, Options::default()).await;
    assert_eq!((report.good, report.full, report.degraded, report.shed), (3, 2, 1, 1));
}

#[tokio::test]
async fn requests_carry_what_the_gateway_reads() {
    let server = Server::answering(|_| Answer::Stream { pause_ms: 0 }).await;
    let target = Target::new(&server.url()).unwrap().with_key("sk-1").unwrap();
    run(&plan(30, Options::default()), &target, Progress::new()).await;
    let seen = server.seen();
    let mut priorities: Vec<_> = seen.iter().map(|seen| seen.header("x-weir-priority")).collect();
    priorities.sort_unstable();
    priorities.dedup();
    assert_eq!(priorities, ["1", "5", "8"]);
    let request = &seen[0];
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), "Bearer sk-1");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("x-stainless-retry-count"), "0");
    assert_eq!(request.header("x-stainless-read-timeout"), "60.0");
    assert_eq!(request.body["model"], "deepseek-flash");
}

#[tokio::test]
async fn the_sdk_client_retries_and_counts_its_retries() {
    let server = Server::answering(|row| match row {
        0 => Answer::RetryAtOnce,
        1 => Answer::Reset,
        _ => Answer::Stream { pause_ms: 0 },
    })
    .await;
    let target = Target::new(&server.url()).unwrap().with_policy(ClientPolicy::OFFICIAL_SDK);
    let report = run(&plan(1, Options::default()), &target, Progress::new()).await;
    assert_eq!((report.good, report.tries), (1, 3));
    let counts: Vec<_> =
        server.seen().iter().map(|seen| seen.header("x-stainless-retry-count").to_owned()).collect();
    assert_eq!(counts, ["0", "1", "2"]);
    // Every try belongs to the one latency: the server asked for 1 ms, then the client backed off about a second.
    assert!(report.latencies.mean_ms.unwrap() > 750.0);
}

#[tokio::test]
async fn a_stream_that_breaks_is_never_tried_again() {
    let server = Server::answering(|_| Answer::CutStream).await;
    let target = Target::new(&server.url()).unwrap().with_policy(ClientPolicy::OFFICIAL_SDK);
    let report = run(&plan(1, Options::default()), &target, Progress::new()).await;
    assert_eq!((report.by_status["truncated"], report.tries), (1, 1));
}

#[tokio::test]
async fn a_stalled_server_does_not_delay_the_requests_behind() {
    // No answer before all twelve have arrived: a client that waits for answers would never get one.
    let server = Server::answering(|_| Answer::AfterRequests(12)).await;
    let options = Options { timeout: Duration::from_secs(5), ..Options::default() };
    let report = replay(&server, 12, options).await;
    assert_eq!(report.good, 12);
    // The first was due 55 ms before the last, and its latency says so.
    assert!(report.latencies.p99_ms.unwrap() >= 54.0, "{:?}", report.latencies);
}

#[tokio::test]
async fn latency_counts_from_the_scheduled_arrival() {
    let server = Server::answering(|_| Answer::Stream { pause_ms: 0 }).await;
    let target = Target::new(&server.url()).unwrap();
    let options = Options::default();
    let sender = crate::exchange::Sender::new(&target, &options);
    let shot = plan(1, options.clone()).shots().next().unwrap();
    let late = Duration::from_millis(400);
    let record = sender.deliver(shot, Instant::now() - late).await;
    assert!(record.sent_late >= late && record.total >= late, "{record:?}");
    assert!(record.first_token.unwrap() >= late, "{record:?}");
}

#[tokio::test]
async fn one_request_too_many_is_not_sent_and_says_so() {
    let server = Server::answering(|_| Answer::Hang).await;
    let options = Options { in_flight_max: 3.try_into().unwrap(), ..impatient() };
    let report = replay(&server, 5, options).await;
    assert_eq!((report.by_status["timeout"], report.by_status["client_limit"]), (3, 2));
    assert_eq!((report.tries, server.seen().len()), (3, 3));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::answering(|_| Answer::Stream { pause_ms: 0 }).await;
    let target = Target::new(&server.url()).unwrap();
    for _ in 0..10 {
        run(&plan(1, Options::default()), &target, Progress::new()).await;
    }
    assert_eq!((server.seen().len(), server.connections()), (10, 1));
}

#[tokio::test]
async fn dropping_a_run_ends_its_requests() {
    let server = Server::answering(|_| Answer::Hang).await;
    let target = Target::new(&server.url()).unwrap();
    let progress = Progress::new();
    let plan = plan(8, Options::default());
    let dropped = timeout(Duration::from_millis(150), run(&plan, &target, Arc::clone(&progress))).await;
    assert!(dropped.is_err(), "nothing was answered");
    // Aborted tasks go when the runtime next looks at them.
    let all_gone = async {
        while progress.snapshot().in_flight > 0 || server.open_requests() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(2), all_gone).await.expect("requests under way end with the run");
    assert_eq!(progress.snapshot().sent, 8);
}
