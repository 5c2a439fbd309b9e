//! The vocabulary's promises: edits keep what they do not touch, observers are told exactly once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::*;

fn clock() -> Clock {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "a fixed origin for this test's clock")]
    Clock::new(|| *START.get_or_init(Instant::now), || std::time::UNIX_EPOCH)
}

fn envelope(body: &'static str, members: &[(&str, &str)]) -> Envelope {
    let find = |text: &str, from: usize| {
        let at = body[from..].find(text).expect("the part is in the body") + from;
        at..at + text.len()
    };
    let mut from = 0;
    let members = members
        .iter()
        .map(|(key, value)| {
            let key = find(&format!("\"{key}\""), from);
            let value = find(value, key.end);
            from = value.end;
            Member { key, value }
        })
        .collect();
    Envelope { body: Bytes::from_static(body.as_bytes()), members, ..Envelope::default() }
}

#[test]
fn an_edit_keeps_every_member_it_does_not_name() {
    let body = r#"{ "model" : "a", "x":[1, 2], "service_tier":"flex"}"#;
    let envelope = envelope(body, &[("model", "\"a\""), ("x", "[1, 2]"), ("service_tier", "\"flex\"")]);
    let check = |edits: &[(&str, Option<&[u8]>)], expected: &str| {
        assert_eq!(std::str::from_utf8(&envelope.edited(edits)).unwrap(), expected);
    };
    check(&[("model", Some(b"\"a\"")), ("absent", None)], body);
    check(&[("model", Some(b"\"b\""))], r#"{"model":"b","x":[1, 2],"service_tier":"flex"}"#);
    check(&[("service_tier", None)], r#"{"model":"a","x":[1, 2]}"#);
    check(&[("model", None), ("x", None), ("service_tier", None)], "{}");
    check(&[("model", None), ("new", Some(b"1"))], r#"{"x":[1, 2],"service_tier":"flex","new":1}"#);
}

#[test]
fn an_edit_reaches_every_copy_of_a_member() {
    let body = r#"{"stream":true,"stream":false,"x":1}"#;
    let envelope = envelope(body, &[("stream", "true"), ("stream", "false"), ("x", "1")]);
    let check = |value: Option<&[u8]>, expected: &str| {
        assert_eq!(std::str::from_utf8(&envelope.edited(&[("stream", value)])).unwrap(), expected);
    };
    // Services take the last copy; that the first has the value already says nothing.
    check(Some(b"true"), r#"{"stream":true,"stream":true,"x":1}"#);
    check(Some(b"false"), r#"{"stream":false,"stream":false,"x":1}"#);
    check(None, r#"{"x":1}"#);
}

#[test]
fn tokens_beyond_counting_are_as_many_as_can_be_counted() {
    let usage = Usage { prompt: u64::MAX, completion: 1, ..Usage::default() };
    assert_eq!(usage.total(), u64::MAX);
}

#[test]
fn an_unchanged_body_is_not_copied() {
    let envelope = envelope(r#"{"model":"a"}"#, &[("model", "\"a\"")]);
    let same = envelope.edited(&[("model", Some(b"\"a\""))]);
    assert_eq!(same.as_ptr(), envelope.body.as_ptr());
}

struct Counting(Arc<Mutex<Vec<End>>>, Arc<AtomicUsize>);

impl Observer for Counting {
    fn chunk(&mut self, _now: Instant, _chunk: &Chunk) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
    fn end(self: Box<Self>, _now: Instant, end: End) {
        self.0.lock().unwrap().push(end);
    }
}

#[test]
fn observers_see_the_end_exactly_once() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let chunks = Arc::new(AtomicUsize::new(0));
    let answer = || {
        let chunk = Chunk { bytes: Bytes::from_static(b"{}"), ..Chunk::default() };
        Answer::new(clock(), Head::default(), Body::Whole(Some(chunk)))
            .observed_by(Counting(ends.clone(), chunks.clone()))
    };
    drop(answer());
    assert_eq!(ends.lock().unwrap().as_slice(), [End::Abandoned]);

    let mut read = answer();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(read.poll_chunk(&mut cx), Poll::Ready(Some(Ok(_)))));
    assert!(matches!(read.poll_chunk(&mut cx), Poll::Ready(None)));
    drop(read);
    assert_eq!(ends.lock().unwrap().as_slice(), [End::Abandoned, End::Complete]);

    let mut failed = answer();
    failed.fail(Class::Timeout);
    drop(failed);
    assert_eq!(ends.lock().unwrap().last(), Some(&End::Failed(Class::Timeout)));
    assert_eq!(ends.lock().unwrap().len(), 3);
    assert_eq!(chunks.load(Ordering::Relaxed), 1);
}

#[test]
fn chance_repeats_for_a_seed_and_stays_in_bounds() {
    let draw = |seed| {
        let chance = Chance::seeded(seed);
        (0..1000).map(|_| chance.below(3)).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    assert!(draw(7).iter().all(|&index| index < 3));
    assert!((0..3).all(|index| draw(7).contains(&index)));
    let chance = Chance::seeded(1);
    assert!((0..1000).map(|_| chance.unit()).all(|unit| (0.0..1.0).contains(&unit)));
}

#[test]
fn ten_priorities_are_four_classes() {
    let classes = (0..10).filter_map(Priority::new).map(|priority| Urgency::of(priority).name());
    let expected = [&["critical"][..], &["interactive"; 3], &["normal"; 3], &["bulk"; 3]].concat();
    assert_eq!(classes.collect::<Vec<_>>(), expected);
}

#[test]
fn a_secret_does_not_print_and_a_pasted_key_is_not_repeated() {
    assert!(!format!("{:?}", Secret::new("sk-verysecret")).contains("verysecret"));
    let error = "sk-verysecret".parse::<SecretRef>().unwrap_err().to_string();
    assert!(!error.contains("verysecret") && error.contains("env:NAME"), "{error}");
    assert_eq!("env:KEY".parse::<SecretRef>().unwrap(), SecretRef::Env("KEY".into()));
}

#[test]
fn the_trail_counts_queue_time_until_the_permit_or_until_now() {
    let start = clock().now();
    let trail = Trail::new(start);
    let at = |ms| start + Duration::from_millis(ms);
    assert_eq!(trail.queue_wait(at(5)), Duration::ZERO);
    trail.queued(at(10));
    assert_eq!(trail.queue_wait(at(30)), Duration::from_millis(20));
    trail.permitted(at(25));
    assert_eq!(trail.queue_wait(at(99)), Duration::from_millis(15));
    assert_eq!(trail.first_token(), None);
}

#[test]
fn a_request_id_reads_the_same_in_headers_and_logs() {
    let id = RequestId::draw(&Chance::seeded(4));
    assert_eq!(std::str::from_utf8(&id.text()).unwrap(), id.to_string());
}
