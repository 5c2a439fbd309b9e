//! Patience: after which events it ends when, and why.

use weir_testkit::at;

use super::*;
use crate::Pauses;
use Phase::{Content, Reasoning, Tool};

/// Something that happens at a millisecond.
#[derive(Clone, Copy, Debug)]
enum Did {
    Heard(u64, Phase),
    Part(u64, Phase),
    Ended(u64),
}

/// Stall 12 s, alive 30 s, silence 20 s, 60 s to begin, 300 s in all.
fn usual() -> Timers {
    let pauses = Pauses {
        stall: Duration::from_secs(12),
        stall_alive: Duration::from_secs(30),
        silence: Duration::from_secs(20),
        parts_per_s_min: 0.0,
    };
    Timers { pauses, begin_by: at(60_000), deadline: at(300_000) }
}

/// At which millisecond patience ends, looked at every 50 ms as long as nothing more happens, and with which class.
fn end(timers: Timers, story: &[Did]) -> (u64, Class, String) {
    let mut patience = Patience::new(timers, at(0));
    let mut story = story.iter().copied().peekable();
    for ms in (0..400_000).step_by(50) {
        while let Some(did) = story.next_if(|did| when(*did) <= ms) {
            match did {
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
        Did::Heard(ms, _) | Did::Part(ms, _) | Did::Ended(ms) => ms,
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
fn a_service_may_be_slow_but_not_dead() {
    use Did::*;
    check(usual(), &[], (60_000, Class::Deadline, "time to begin"));
    check(usual(), &[Heard(200, Content)], (20_200, Class::Timeout, "silent"));
    let alive = |until| every(5_000, 5_000..until, |ms| Heard(ms, Content));
    check(usual(), &alive(40_001), (60_000, Class::Deadline, "time to begin"));
    check(usual(), &alive(30_001), (50_000, Class::Timeout, "silent"));
    check(usual(), &alive(100_000), (60_000, Class::Deadline, "had not begun after 60000 ms"));
    let at_once = Timers { begin_by: at(20_200), ..usual() };
    check(at_once, &[Heard(200, Content)], (20_200, Class::Deadline, "time to begin"));
}

#[test]
fn a_stream_stalls_by_what_it_was_writing() {
    use Did::*;
    let pings = |from: u64, to: u64, phase| every(1_000, from..to, move |ms| Heard(ms, phase));
    let after = |phase, pings: &[Did]| [&[Part(1_000, phase)], pings].concat();
    for phase in [Content, Reasoning, Tool] {
        check(usual(), &after(phase, &[]), (13_000, Class::Timeout, "stalled"));
    }
    check(usual(), &after(Content, &pings(2_000, 300_000, Content)), (13_000, Class::Timeout, "12.0 s"));
    check(usual(), &after(Reasoning, &pings(2_000, 300_000, Reasoning)), (31_000, Class::Timeout, "30.0 s"));
    check(usual(), &after(Tool, &pings(2_000, 300_000, Tool)), (121_000, Class::Timeout, "120.0 s"));
    // One ping, then silence: dead before its longer pause is over.
    check(usual(), &after(Reasoning, &pings(2_000, 2_001, Reasoning)), (22_000, Class::Timeout, "silent"));
    check(usual(), &after(Tool, &pings(2_000, 9_001, Tool)), (29_000, Class::Timeout, "silent"));
    // A part sets everything back: what was heard before it counts no more.
    let thought = after(Reasoning, &[Heard(5_000, Reasoning), Part(10_000, Reasoning)]);
    check(usual(), &thought, (22_000, Class::Timeout, "stalled"));
    // An opened block of thoughts is no part, but says what the service writes from here on.
    let opened = after(Content, &pings(2_000, 300_000, Reasoning));
    check(usual(), &opened, (31_000, Class::Timeout, "30.0 s"));
}

#[test]
fn what_closes_an_answer_is_not_waited_for_long() {
    use Did::*;
    let closing = |story: &[Did], expected: (u64, Class, &str)| check(usual(), story, expected);
    let word = [Part(1_000, Content)];
    let after = |more: &[Did]| [&word, more].concat();
    closing(&after(&[Ended(1_000)]), (3_000, Class::Timeout, "did not close"));
    closing(&after(&[Part(9_000, Content), Ended(9_000)]), (11_000, Class::Timeout, "within 2 s"));
    // Neither comments, nor usage, nor more of the answer gain time.
    let comments = every(500, 5_000..100_000, |ms| Heard(ms, Content));
    closing(&after(&[&[Ended(5_000)], &comments[..]].concat()), (7_000, Class::Timeout, "did not close"));
    let more = every(500, 5_000..100_000, |ms| Part(ms, Reasoning));
    closing(&after(&[&[Ended(5_000)], &more[..]].concat()), (7_000, Class::Timeout, "did not close"));
    closing(&after(&[Ended(5_000), Ended(6_000)]), (7_000, Class::Timeout, "did not close"));
    let soon = Timers { deadline: at(6_000), ..usual() };
    check(soon, &after(&[Ended(5_000)]), (6_000, Class::Deadline, "deadline"));
    let crawls = Pauses { parts_per_s_min: 2.0, ..usual().pauses };
    check(
        Timers { pauses: crawls, ..usual() },
        &after(&[Ended(10_500)]),
        (12_500, Class::Timeout, "did not close"),
    );
}

#[test]
fn silence_counts_from_any_byte_once_the_service_was_alive() {
    use Did::*;
    let patient = Pauses { stall: Duration::from_secs(100), ..usual().pauses };
    let timers = Timers { pauses: patient, ..usual() };
    let never_heard = [Part(1_000, Content)];
    check(timers, &never_heard, (101_000, Class::Timeout, "stalled"));
    let heard_once = [Heard(500, Content), Part(1_000, Content), Part(9_000, Content)];
    check(timers, &heard_once, (29_000, Class::Timeout, "silent"));
}

#[test]
fn the_deadline_ends_a_stream_that_flows() {
    let parts = every(500, 1_000..310_000, |ms| Did::Part(ms, Content));
    check(usual(), &parts, (300_000, Class::Deadline, "deadline"));
    let early = Timers { deadline: at(4_000), ..usual() };
    check(early, &[], (4_000, Class::Deadline, "time to begin"));
}

#[test]
fn a_stream_that_crawls_is_cut_when_the_operator_says_so() {
    use Did::*;
    let pauses = Pauses { parts_per_s_min: 2.0, ..usual().pauses };
    let timers = Timers { pauses, ..usual() };
    let slow = every(1_000, 1_000..200_000, |ms| Part(ms, Content));
    check(timers, &slow, (11_000, Class::Timeout, "crawls"));
    check(Timers { pauses: usual().pauses, ..timers }, &slow, (211_000, Class::Timeout, "stalled"));
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
    let pauses = Pauses { parts_per_s_min: 2.0, stall: Duration::from_secs(60), ..usual().pauses };
    let mut patience = Patience::new(Timers { pauses, ..usual() }, at(0));
    patience.part(at(0), 1, Content);
    // The caller read nothing for half a minute; the timer, which nobody polled, is found long past.
    let due = patience.check(at(30_000)).unwrap();
    assert_eq!(due, at(40_000));
    assert_eq!(patience.check(at(40_000)).unwrap_err().class, Class::Timeout);
}

#[test]
fn limits_beyond_the_end_of_time_are_none() {
    let never = Duration::MAX;
    let pauses = Pauses { stall: never, stall_alive: never, silence: never, parts_per_s_min: 0.0 };
    let timers = Timers { pauses, ..usual() };
    check(timers, &[Did::Heard(10, Tool)], (60_000, Class::Deadline, "time to begin"));
    let called = [Did::Part(10, Tool), Did::Heard(50, Tool)];
    check(timers, &called, (300_000, Class::Deadline, "deadline"));
}
