//! When the official SDK tries again and how long it waits first, case by case as in its source.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::ClientPolicy;
use crate::chance::Chance;

/// The wait after the first try, in seconds.
fn wait_s(status: u16, headers: &[(&'static str, &str)]) -> Option<f64> {
    wait_after_retries_s(0, status, headers)
}

fn wait_after_retries_s(retries: u32, status: u16, headers: &[(&'static str, &str)]) -> Option<f64> {
    let headers: HeaderMap = headers
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let head = (StatusCode::from_u16(status).unwrap(), &headers);
    ClientPolicy::OFFICIAL_SDK
        .wait_after_answer(head, retries, now(), &mut Chance::of_request(1, 1))
        .map(|wait| wait.as_secs_f64())
}

/// Sun, 06 Nov 1994 08:49:37 GMT.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}

#[track_caller]
fn check_backs_off(wait: Option<f64>, full: f64) {
    let wait = wait.expect("the SDK tries again");
    assert!(wait <= full && wait > full * 0.75, "{wait} s for a back-off of {full} s");
}

#[test]
fn tries_again_after_the_statuses_that_may_pass() {
    for status in [408, 409, 429, 500, 502, 503, 504, 529, 599] {
        check_backs_off(wait_s(status, &[]), 0.5);
    }
    for status in [200, 204, 302, 400, 401, 402, 403, 404, 422] {
        assert_eq!(wait_s(status, &[]), None, "{status}");
    }
}

#[test]
fn should_retry_wins_over_the_status_of_an_error() {
    assert_eq!(wait_s(503, &[("x-should-retry", "false")]), None);
    check_backs_off(wait_s(400, &[("x-should-retry", "true")]), 0.5);
    check_backs_off(wait_s(503, &[("x-should-retry", "maybe")]), 0.5);
    assert_eq!(wait_s(200, &[("x-should-retry", "true")]), None);
}

#[test]
fn does_what_retry_after_says_up_to_two_minutes() {
    assert_eq!(wait_s(503, &[("retry-after", "2")]), Some(2.0));
    assert_eq!(wait_s(503, &[("retry-after", "120")]), Some(120.0));
    assert_eq!(wait_s(503, &[("retry-after", "0.25")]), Some(0.25));
    assert_eq!(wait_s(503, &[("retry-after-ms", "1500"), ("retry-after", "9")]), Some(1.5));
    assert_eq!(wait_s(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]), Some(10.0));
}

#[test]
fn gives_up_when_asked_to_wait_longer_than_two_minutes() {
    assert_eq!(wait_s(503, &[("retry-after", "121")]), None);
    assert_eq!(wait_s(503, &[("retry-after", "121"), ("x-should-retry", "true")]), None);
    assert_eq!(wait_s(503, &[("retry-after", "Sun, 06 Nov 1994 09:49:37 GMT")]), None);
}

#[test]
fn backs_off_by_itself_where_retry_after_makes_no_sense() {
    for value in ["0", "-3", "nan", "inf", "soon", "Sun, 06 Nov 1994 08:00:00 GMT"] {
        check_backs_off(wait_s(503, &[("retry-after", value)]), 0.5);
    }
    check_backs_off(wait_s(503, &[("retry-after-ms", "soon")]), 0.5);
}

#[test]
fn doubles_up_to_eight_seconds_and_stops_after_the_last_retry() {
    let patient = ClientPolicy::OfficialSdk { retries: 10 };
    for (retries, full) in [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (9, 8.0)] {
        let wait = patient.wait_after_loss(retries, &mut Chance::of_request(1, 1));
        check_backs_off(wait.map(|wait| wait.as_secs_f64()), full);
    }
    assert_eq!(patient.wait_after_loss(10, &mut Chance::of_request(1, 1)), None);
    check_backs_off(wait_after_retries_s(1, 503, &[]), 1.0);
    assert_eq!(wait_after_retries_s(2, 503, &[]), None);
}

#[test]
fn without_a_policy_the_first_answer_is_the_last() {
    let head = (StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new());
    let chance = &mut Chance::of_request(1, 1);
    assert_eq!(ClientPolicy::None.wait_after_answer(head, 0, now(), chance), None);
    assert_eq!(ClientPolicy::None.wait_after_loss(0, chance), None);
}

/// Answers in turn with `statuses`, 0 standing for a lost connection, and says after how many milliseconds each try
/// came and what was kept.
async fn persisted(policy: ClientPolicy, statuses: &[u16]) -> (Vec<u128>, Result<u16, ()>) {
    let start = tokio::time::Instant::now();
    let came = std::cell::RefCell::new(Vec::new());
    let attempt = async |retries: u32| {
        came.borrow_mut().push(start.elapsed().as_millis());
        match statuses[retries as usize] {
            0 => Err(()),
            status => Ok(Response::builder().status(status).header("retry-after", "2").body(()).unwrap()),
        }
    };
    let mut tries = 0;
    let kept = policy.persist(&mut Chance::of_request(1, 1), &mut tries, attempt).await;
    let came = came.into_inner();
    assert_eq!(tries as usize, came.len());
    (came, kept.map(|answer| answer.status().as_u16()))
}

#[tokio::test(start_paused = true)]
async fn waits_as_told_and_keeps_the_first_answer_that_is_no_error() {
    assert_eq!(
        persisted(ClientPolicy::OFFICIAL_SDK, &[503, 429, 200]).await,
        (vec![0, 2_000, 4_000], Ok(200))
    );
    assert_eq!(persisted(ClientPolicy::OFFICIAL_SDK, &[200]).await, (vec![0], Ok(200)));
    assert_eq!(persisted(ClientPolicy::OFFICIAL_SDK, &[400]).await, (vec![0], Ok(400)));
}

#[tokio::test(start_paused = true)]
async fn keeps_the_last_failure_when_the_retries_are_used_up() {
    let (came, kept) = persisted(ClientPolicy::OFFICIAL_SDK, &[503, 503, 503, 200]).await;
    assert_eq!((came.len(), kept), (3, Ok(503)));
    let (came, kept) = persisted(ClientPolicy::None, &[503, 200]).await;
    assert_eq!((came.len(), kept), (1, Ok(503)));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_tried_again_after_a_back_off() {
    let (came, kept) = persisted(ClientPolicy::OFFICIAL_SDK, &[0, 0, 200]).await;
    assert_eq!((came.len(), kept), (3, Ok(200)));
    check_backs_off(Some(came[1] as f64 / 1_000.0), 0.5);
    check_backs_off(Some((came[2] - came[1]) as f64 / 1_000.0), 1.0);
    let (came, kept) = persisted(ClientPolicy::OFFICIAL_SDK, &[0, 0, 0]).await;
    assert_eq!((came.len(), kept), (3, Err(())));
}
