//! Patience: after which events it ends when, and why.

use weir_testkit::at;

use super::*;
use crate::{Beginning, Pauses};
use Phase::{Content, Reasoning, Tool};

/// Something that happens at a millisecond.
#[derive(Clone, Copy, Debug)]
enum Did {
    Head(u64),
    Heard(u64, Phase),
    Part(u64, Phase),
    Ended(u64),
}

/// Another could answer: head within 15 s, first part within 18 s.
fn hurried() -> Timers {
    let head = Some(Duration::from_secs(15));
    let beginning = Some(Beginning { head, first_token: Duration::from_secs(18) });
    Timers { beginning, ..alone() }
}

/// Nobody else could answer: stall 12 s, alive 30 s, silence 20 s.
fn alone() -> Timers {
    let pauses = Pauses {
        stall: Duration::from_secs(12),
        stall_alive: Duration::from_secs(30),
        silence: Duration::from_secs(20),
        parts_per_s_min: 0.0,
    };
    Timers { beginning: None, pauses, begin_by: at(60_000), deadline: at(300_000) }
}

/// At which millisecond patience ends, looked at every 50 ms as long as nothing more happens, and with which class.
fn end(timers: Timers, story: &[Did]) -> (u64, Class, String) {
    let mut patience = Patience::new(timers, at(0));
    let mut story = story.iter().copied().peekable();
    for ms in (0..400_000).step_by(50) {
        while let Some(did) = story.next_if(|did| when(*did) <= ms) {
            match did {
                Did::Head(_) => patience.head(),
                Did::Heard(_, phase) => patience.heard(at(ms), phase),
                Did::Ended(_) => patience.ended(at(ms)),
                Did::Part(_, phase) => {
                    let parts = if let Stage::Flowing(flow) = &patience.stage { flow.parts } else { 0 };
                    patience.part(at(ms), parts + 1, phase);
                }
            }
        }
        let due = patience.due();
        match patience.check(at(ms)) {
            Ok(again) => assert!(again > at(ms) && again >= due),
            Err(failure) => {
                assert_eq!(due, at(ms), "found late");
                return (ms, failure.class, failure.message);
            }
        }
    }
    panic!("patience never ended");
}

const fn when(did: Did) -> u64 {
    match did {
        Did::Head(ms) | Did::Heard(ms, _) | Did::Part(ms, _) | Did::Ended(ms) => ms,
    }
}

#[track_caller]
fn check(timers: Timers, story: &[Did], expected: (u64, Class, &str)) {
    let (ms, class, message) = end(timers, story);
    assert_eq!((ms, class), (expected.0, expected.1), "{message}");
    assert!(message.contains(expected.2), "{message}");
}

/// The same event every so many milliseconds.
fn every(step: usize, range: std::ops::Range<u64>, did: impl Fn(u64) -> Did) -> Vec<Did> {
    range.step_by(step).map(did).collect()
}

#[test]
fn a_service_that_somebody_could_stand_in_for_must_begin() {
    use Did::*;
    check(hurried(), &[], (15_000, Class::Timeout, "head"));
    check(hurried(), &[Head(14_000)], (18_000, Class::Timeout, "had not begun after 18000 ms"));
    let alive = every(1_000, 1_000..100_000, |ms| Heard(ms, Content));
    let kept_alive = [&[Head(500)], &alive[..]].concat();
    check(hurried(), &kept_alive, (18_000, Class::Timeout, "had not begun"));
    let whole = Timers {
        beginning: Some(Beginning { head: None, first_token: Duration::from_secs(120) }),
        begin_by: at(200_000),
        ..alone()
    };
    check(whole, &[], (120_000, Class::Timeout, "had not begun"));
    let soon = Timers { begin_by: at(9_000), ..hurried() };
    check(soon, &[Head(100)], (9_000, Class::Deadline, "time to begin"));
    let at_once = Timers { begin_by: at(15_000), ..hurried() };
    check(at_once, &[], (15_000, Class::Deadline, "time to begin"));
}

#[test]
fn a_service_that_nobody_could_stand_in_for_may_be_slow_but_not_dead() {
    use Did::*;
    check(alone(), &[], (60_000, Class::Deadline, "time to begin"));
    check(alone(), &[Head(100)], (60_000, Class::Deadline, "time to begin"));
    check(alone(), &[Head(100), Heard(200, Content)], (20_200, Class::Timeout, "silent"));
    let alive = every(5_000, 5_000..40_001, |ms| Heard(ms, Content));
    check(alone(), &[&[Head(100)], &alive[..]].concat(), (60_000, Class::Deadline, "time to begin"));
    let alive = every(5_000, 5_000..30_001, |ms| Heard(ms, Content));
    check(alone(), &[&[Head(100)], &alive[..]].concat(), (50_000, Class::Timeout, "silent"));
}

#[test]
fn a_stream_stalls_by_what_it_was_writing() {
    use Did::*;
    let pings = |from: u64, to: u64, phase| every(1_000, from..to, move |ms| Heard(ms, phase));
    let after = |phase, pings: &[Did]| [&[Head(10), Part(1_000, phase)], pings].concat();
    for phase in [Content, Reasoning, Tool] {
        check(alone(), &after(phase, &[]), (13_000, Class::Timeout, "stalled"));
    }
    check(alone(), &after(Content, &pings(2_000, 300_000, Content)), (13_000, Class::Timeout, "12.0 s"));
    check(alone(), &after(Reasoning, &pings(2_000, 300_000, Reasoning)), (31_000, Class::Timeout, "30.0 s"));
    check(alone(), &after(Tool, &pings(2_000, 300_000, Tool)), (121_000, Class::Timeout, "120.0 s"));
    // One ping, then silence: dead before its longer pause is over.
    check(alone(), &after(Reasoning, &pings(2_000, 2_001, Reasoning)), (22_000, Class::Timeout, "silent"));
    check(alone(), &after(Tool, &pings(2_000, 9_001, Tool)), (29_000, Class::Timeout, "silent"));
    // A part sets everything back: what was heard before it counts no more.
    let thought = after(Reasoning, &[Heard(5_000, Reasoning), Part(10_000, Reasoning)]);
    check(alone(), &thought, (22_000, Class::Timeout, "stalled"));
    // An opened block of thoughts is no part, but says what the service writes from here on.
    let opened = after(Content, &pings(2_000, 300_000, Reasoning));
    check(alone(), &opened, (31_000, Class::Timeout, "30.0 s"));
}

#[test]
fn what_closes_an_answer_is_not_waited_for_long() {
    use Did::*;
    let closing = |story: &[Did], expected: (u64, Class, &str)| check(alone(), story, expected);
    let word = [Head(10), Part(1_000, Content)];
    let after = |more: &[Did]| [&word, more].concat();
    closing(&after(&[Ended(1_000)]), (3_000, Class::Timeout, "did not close"));
    closing(&after(&[Part(9_000, Content), Ended(9_000)]), (11_000, Class::Timeout, "within 2 s"));
    // Neither comments, nor usage, nor more of the answer gain time.
    let comments = every(500, 5_000..100_000, |ms| Heard(ms, Content));
    closing(&after(&[&[Ended(5_000)], &comments[..]].concat()), (7_000, Class::Timeout, "did not close"));
    let more = every(500, 5_000..100_000, |ms| Part(ms, Reasoning));
    closing(&after(&[&[Ended(5_000)], &more[..]].concat()), (7_000, Class::Timeout, "did not close"));
    closing(&after(&[Ended(5_000), Ended(6_000)]), (7_000, Class::Timeout, "did not close"));
    let soon = Timers { deadline: at(6_000), ..alone() };
    check(soon, &after(&[Ended(5_000)]), (6_000, Class::Deadline, "deadline"));
    let crawls = Pauses { parts_per_s_min: 2.0, ..alone().pauses };
    check(
        Timers { pauses: crawls, ..alone() },
        &after(&[Ended(10_500)]),
        (12_500, Class::Timeout, "did not close"),
    );
}

#[test]
fn silence_counts_from_any_byte_once_the_service_was_alive() {
    use Did::*;
    let patient = Pauses { stall: Duration::from_secs(100), ..alone().pauses };
    let timers = Timers { pauses: patient, ..alone() };
    let never_heard = [Head(10), Part(1_000, Content)];
    check(timers, &never_heard, (101_000, Class::Timeout, "stalled"));
    let heard_once = [Head(10), Heard(500, Content), Part(1_000, Content), Part(9_000, Content)];
    check(timers, &heard_once, (29_000, Class::Timeout, "silent"));
}

#[test]
fn the_deadline_ends_a_stream_that_flows() {
    let parts = every(500, 1_000..310_000, |ms| Did::Part(ms, Content));
    check(alone(), &parts, (300_000, Class::Deadline, "deadline"));
    let early = Timers { deadline: at(4_000), ..hurried() };
    check(early, &[], (4_000, Class::Deadline, "time to begin"));
}

#[test]
fn a_stream_that_crawls_is_cut_when_the_operator_says_so() {
    use Did::*;
    let pauses = Pauses { parts_per_s_min: 2.0, ..alone().pauses };
    let timers = Timers { pauses, ..alone() };
    let slow = every(1_000, 1_000..200_000, |ms| Part(ms, Content));
    check(timers, &slow, (11_000, Class::Timeout, "crawls"));
    check(Timers { pauses: alone().pauses, ..timers }, &slow, (211_000, Class::Timeout, "stalled"));
    let fast_then_slow = [&every(400, 1_000..21_000, |ms| Part(ms, Content)), &slow[20..]].concat();
    check(timers, &fast_then_slow, (31_000, Class::Timeout, "crawls"));
    // A tool call's pace says nothing; what follows it is judged anew.
    let calls = every(5_000, 1_000..50_000, |ms| Part(ms, Tool));
    check(timers, &calls, (58_000, Class::Timeout, "stalled"));
    let words = every(1_000, 50_000..100_000, |ms| Part(ms, Reasoning));
    check(timers, &[calls, words].concat(), (60_000, Class::Timeout, "crawls"));
}

#[test]
fn a_window_that_nobody_watched_is_not_judged() {
    let pauses = Pauses { parts_per_s_min: 2.0, stall: Duration::from_secs(60), ..alone().pauses };
    let mut patience = Patience::new(Timers { pauses, ..alone() }, at(0));
    patience.part(at(0), 1, Content);
    // The caller read nothing for half a minute; the timer, which nobody polled, is found long past.
    let due = patience.check(at(30_000)).unwrap();
    assert_eq!(due, at(40_000));
    assert_eq!(patience.check(at(40_000)).unwrap_err().class, Class::Timeout);
}

#[test]
fn limits_beyond_the_end_of_time_are_none() {
    let never = Duration::MAX;
    let beginning = Some(Beginning { head: Some(never), first_token: never });
    let pauses = Pauses { stall: never, stall_alive: never, silence: never, parts_per_s_min: 0.0 };
    let timers = Timers { beginning, pauses, ..alone() };
    check(timers, &[Did::Heard(10, Tool)], (60_000, Class::Deadline, "time to begin"));
    let called = [Did::Part(10, Tool), Did::Heard(50, Tool)];
    check(timers, &called, (300_000, Class::Deadline, "deadline"));
}
