//! The SDK behaves as the official ones do.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use weir_core::Chance;

use crate::client::{add_words, no, number_in};

/// The bounds of the wait before the next try, in milliseconds; `None`: no next try.
#[track_caller]
fn check(status: u16, headers: &[(&'static str, &'static str)], retry: u32, expected: Option<(u64, u64)>) {
    let pairs =
        headers.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let said = no(StatusCode::from_u16(status).unwrap(), &HeaderMap::from_iter(pairs));
    for seed in 0..50 {
        let wait = said.wait(retry, &Chance::seeded(seed));
        let within = |(low, high)| {
            wait.is_some_and(|wait| {
                (Duration::from_millis(low)..=Duration::from_millis(high)).contains(&wait)
            })
        };
        assert!(expected.map_or(wait.is_none(), within), "{status} {headers:?} {retry}: {wait:?}");
    }
}

#[test]
fn the_sdk_retries_what_may_pass_and_waits_as_told() {
    check(503, &[], 0, Some((375, 500)));
    check(429, &[], 1, Some((750, 1_000)));
    check(500, &[], 6, Some((6_000, 8_000)));
    check(408, &[], 0, Some((375, 500)));
    check(400, &[], 0, None);
    check(404, &[], 0, None);
    check(503, &[("x-should-retry", "false")], 0, None);
    check(400, &[("x-should-retry", "true")], 0, Some((375, 500)));
    check(503, &[("retry-after", "7")], 0, Some((7_000, 7_000)));
    check(503, &[("retry-after", "7"), ("retry-after-ms", "6400")], 0, Some((6_400, 6_400)));
    check(503, &[("retry-after", "121")], 0, None);
    check(503, &[("retry-after", "0")], 0, Some((375, 500)));
}

#[test]
fn questions_are_known_by_their_number_and_answers_by_their_words() {
    assert_eq!(number_in(br#"[{"role":"user","content":"question 4711"}]"#), Some(4711));
    assert_eq!(number_in(br#"[{"role":"user","content":"hello"}]"#), None);
    let mut words = Vec::new();
    add_words(
        br#"data: {"delta":{"role":"assistant","content":""}} data: {"delta":{"content":"one "}}"#,
        &mut words,
    );
    add_words(br#"data: {"delta":{"content":"two "}} data: [DONE]"#, &mut words);
    assert_eq!(words, b"one two ");
}
