//! The attempts machine: what it does first, and what holds under any sequence of events.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use weir_core::{Chance, Class, Failure};
use weir_route::{EndpointId, Outlook};
use weir_testkit::at;

use crate::machine::{Action, Event, Machine, Policy, Where};

fn policy() -> Arc<Policy> {
    Arc::new(Policy {
        faults_max: 4,
        faults_here_max: 2,
        sends_max: 8,
        sends_here_max: 6,
        backoff: Duration::from_millis(500),
        backoff_max: Duration::from_secs(8),
        retry_after_here: Duration::from_secs(3),
        retry_after_max: Duration::from_secs(10),
        outage_wait: Duration::from_secs(10),
        continuations_max: 2,
    })
}

fn machine(begin_by_ms: u64) -> Machine {
    Machine::new(policy(), true, at(begin_by_ms))
}

const A: EndpointId = EndpointId(0);
const B: EndpointId = EndpointId(1);

const ALONE: Outlook = Outlook { another: false, peer: false, later: false };
const FALLBACK: Outlook = Outlook { another: true, peer: false, later: true };
const PEER: Outlook = Outlook { another: true, peer: true, later: true };
/// There is another one, but it is full now, or rests.
const LATER: Outlook = Outlook { another: false, peer: false, later: true };

fn failure(class: Class, retry_after_ms: Option<u64>) -> Failure {
    Failure { retry_after: retry_after_ms.map(Duration::from_millis), ..Failure::new(class, "x") }
}

fn failed(endpoint: EndpointId, class: Class, retry_after_ms: Option<u64>, outlook: Outlook) -> Event {
    Event::Failed { endpoint, failure: failure(class, retry_after_ms), outlook }
}

/// What the machine does with the first failure, as a word, and the wait in milliseconds.
fn first(class: Class, retry_after_ms: Option<u64>, outlook: Outlook) -> (&'static str, u64) {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    assert_eq!(machine.on_event(at(0), Event::Ready, &chance), Action::Send(Where::Any));
    match machine.on_event(at(0), failed(A, class, retry_after_ms, outlook), &chance) {
        Action::Send(Where::Any) => ("move", 0),
        Action::Send(_) => ("again", 0),
        Action::Repeat { endpoint, until, .. } => {
            assert_eq!(endpoint, A);
            ("repeat", until.duration_since(at(0)).as_millis() as u64)
        }
        Action::Wait(_) => ("wait", 0),
        Action::GiveUp => ("give up", 0),
    }
}

#[test]
fn each_class_has_its_own_way() {
    use Class::*;
    let check = |class, expected: [&str; 4]| {
        let found = [ALONE, FALLBACK, PEER, LATER].map(|outlook| first(class, None, outlook).0);
        assert_eq!(found, expected, "{class:?}");
    };
    //                       alone      fallback   peer       later
    check(Overload, ["repeat", "move", "move", "repeat"]);
    check(OwnLimit, ["repeat", "move", "move", "repeat"]);
    check(Unprocessed, ["again", "again", "again", "again"]);
    check(Hard, ["repeat", "repeat", "move", "repeat"]);
    check(Truncated, ["repeat", "repeat", "move", "repeat"]);
    check(Timeout, ["give up", "move", "move", "move"]);
    check(Deadline, ["give up", "give up", "give up", "give up"]);
    check(Quota, ["give up", "move", "move", "move"]);
    check(Auth, ["give up", "move", "move", "move"]);
    check(Client, ["give up", "give up", "give up", "give up"]);
    check(ContextLength, ["give up", "move", "move", "move"]);
    check(ContentFilter, ["give up", "give up", "give up", "give up"]);
    check(PrefillRejected, ["again", "again", "again", "again"]);
}

#[test]
fn a_short_wait_that_was_announced_is_kept_before_a_fallback_is_asked() {
    let (word, ms) = first(Class::Overload, Some(2_000), FALLBACK);
    assert!(word == "repeat" && (2_000..=2_500).contains(&ms), "{word} {ms}");
    assert_eq!(first(Class::Overload, Some(3_100), FALLBACK).0, "move");
    assert_eq!(first(Class::Overload, Some(2_000), PEER).0, "move");
}

#[test]
fn a_service_that_keeps_announcing_is_left_after_three_attempts() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    let mut sends = 0;
    let mut now = at(0);
    let mut event = Event::Ready;
    loop {
        match machine.on_event(now, event, &chance) {
            Action::Send(Where::Any) if sends > 0 => break,
            Action::Send(_) => {
                sends += 1;
                event = failed(A, Class::Overload, Some(1_000), FALLBACK);
            }
            Action::Repeat { until, .. } => {
                now = until;
                event = Event::Ready;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sends, 3);
}

#[test]
fn a_service_full_of_our_own_calls_is_asked_again_with_the_next_turn_but_only_once() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    let mut waits_ms = Vec::new();
    // Ends: a request is sent a bounded number of times.
    while let Action::Repeat { until, .. } =
        machine.on_event(at(0), failed(A, Class::OwnLimit, None, ALONE), &chance)
    {
        waits_ms.push(until.duration_since(at(0)).as_millis());
        machine.on_event(at(0), Event::Ready, &chance);
    }
    assert!(waits_ms.len() == 5 && waits_ms[0] == 0, "{waits_ms:?}");
    assert!(waits_ms[1..].iter().all(|ms| *ms > 0), "{waits_ms:?}");
    // A service that says when is believed.
    assert!(first(Class::OwnLimit, Some(800), ALONE).1 >= 800);
}

#[test]
fn what_the_service_asked_for_is_the_floor_of_the_wait() {
    let (word, ms) = first(Class::Overload, Some(2_000), ALONE);
    assert!(word == "repeat" && (2_000..=2_500).contains(&ms), "{word} {ms}");
    assert_eq!(first(Class::Overload, Some(11_000), ALONE).0, "give up");
    let (word, ms) = first(Class::Overload, None, ALONE);
    assert!(word == "repeat" && ms <= 500, "{word} {ms}");
}

#[test]
fn what_may_have_effects_is_repeated_only_if_it_never_left() {
    let chance = Chance::seeded(3);
    for (sent, repeats) in [(true, false), (false, true)] {
        let mut machine = Machine::new(policy(), false, at(60_000));
        assert_eq!(machine.on_event(at(0), Event::Ready, &chance), Action::Send(Where::Any));
        let failure = Failure { sent, ..Failure::new(Class::Hard, "x") };
        let event = Event::Failed { endpoint: A, failure, outlook: PEER };
        assert_eq!(machine.on_event(at(0), event, &chance) == Action::Send(Where::Any), repeats);
        assert!(!machine.may_hedge(at(0)), "asked twice");
    }
}

#[test]
fn a_full_house_is_waited_for_without_using_up_attempts() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    for step in 0..100 {
        assert_eq!(machine.on_event(at(step * 50), Event::Ready, &chance), Action::Send(Where::Any));
        assert!(matches!(machine.on_event(at(step * 50), Event::NoRoom, &chance), Action::Wait(_)));
    }
    assert_eq!(machine.on_event(at(60_000), Event::Ready, &chance), Action::GiveUp);
    assert_eq!(machine.reason().class, Class::Deadline);
}

#[test]
fn whoever_has_waited_an_outage_out_in_line_does_not_wait_again() {
    let chance = Chance::seeded(1);
    let mut machine = machine(60_000);
    machine.has_turn(true);
    assert_eq!(machine.on_event(at(0), Event::Ready, &chance), Action::Send(Where::Any));
    let next = machine.on_event(at(0), Event::Resting(at(1_000)), &chance);
    assert_eq!(next, Action::Send(Where::Desperate), "one call is better than none");
    let next = machine.on_event(at(10), failed(A, Class::Hard, None, ALONE), &chance);
    assert!(matches!(next, Action::Repeat { .. }), "{next:?}");
    assert_eq!(machine.on_event(at(600), Event::Ready, &chance), Action::Send(Where::Any));
    assert_eq!(machine.on_event(at(600), Event::Resting(at(1_000)), &chance), Action::GiveUp);
    // With a usual turn it waits.
    machine.has_turn(false);
    assert!(matches!(machine.on_event(at(600), Event::Resting(at(1_000)), &chance), Action::Wait(_)));
}

#[test]
fn an_outage_is_waited_out_for_a_while_and_then_tried_once() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    assert_eq!(machine.on_event(at(0), Event::Ready, &chance), Action::Send(Where::Any));
    let Action::Wait(until) = machine.on_event(at(0), Event::Resting(at(5_000)), &chance) else {
        panic!("no wait for a circuit that closes in time");
    };
    assert!(until >= at(5_000) && until < at(5_200));
    assert_eq!(machine.on_event(until, Event::Ready, &chance), Action::Send(Where::Any));
    let next = machine.on_event(until, Event::Resting(at(15_000)), &chance);
    assert_eq!(next, Action::Send(Where::Desperate), "never nobody while one could still answer");
    let next = machine.on_event(at(5_300), failed(A, Class::Hard, None, ALONE), &chance);
    assert!(matches!(next, Action::Repeat { .. }));
    assert_eq!(machine.on_event(at(5_800), Event::Ready, &chance), Action::Send(Where::Any));
    assert_eq!(machine.on_event(at(5_800), Event::Resting(at(15_000)), &chance), Action::GiveUp);
    assert_eq!(machine.reason().class, Class::Hard, "the last real reason");
}

#[test]
fn a_broken_answer_is_taken_up_twice_and_the_first_break_is_what_is_told() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    machine.begun(at(600_000));
    let broke = |class| Event::Broke { endpoint: A, failure: Failure::new(class, class.name()), lost: false };
    assert_eq!(machine.on_event(at(100), broke(Class::Truncated), &chance), Action::Send(Where::Any));
    assert!(!machine.let_down_by(A));
    assert_eq!(machine.on_event(at(200), broke(Class::Hard), &chance), Action::Send(Where::Any));
    assert!(machine.let_down_by(A));
    // A service that refuses a request which has been answered in part is only the wrong one.
    let next = machine.on_event(at(300), failed(B, Class::Client, None, PEER), &chance);
    assert_eq!(next, Action::Send(Where::Any));
    assert_eq!(machine.on_event(at(400), broke(Class::Hard), &chance), Action::GiveUp);
    assert_eq!(machine.reason().message, "truncated");
}

#[test]
fn a_stalled_service_lets_its_answer_down_at_once() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    let failure = Failure::new(Class::Timeout, "stalled");
    machine.on_event(at(100), Event::Broke { endpoint: A, failure, lost: false }, &chance);
    assert!(machine.let_down_by(A) && !machine.let_down_by(B));
}

#[test]
fn when_all_have_failed_the_one_that_may_have_recovered_is_asked_again() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    let next = machine.on_event(at(0), failed(A, Class::Overload, None, FALLBACK), &chance);
    assert_eq!(next, Action::Send(Where::Any));
    let next = machine.on_event(at(1), failed(B, Class::Quota, None, ALONE), &chance);
    assert!(matches!(next, Action::Repeat { endpoint: A, .. }), "{next:?}");
}

#[test]
fn a_repetition_waits_for_the_budget_of_the_endpoint_that_is_asked() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    machine.on_event(at(0), failed(A, Class::Truncated, None, PEER), &chance);
    let next = machine.on_event(at(1), failed(B, Class::Timeout, None, ALONE), &chance);
    assert!(matches!(next, Action::Repeat { endpoint: A, class: Class::Truncated, .. }), "{next:?}");
    let next = machine.on_event(at(2), Event::BudgetSpent { endpoint: A, outlook: ALONE }, &chance);
    assert!(matches!(next, Action::Repeat { endpoint: A, class: Class::Truncated, .. }), "{next:?}");
    assert_eq!(machine.on_event(at(3), Event::Ready, &chance), Action::Send(Where::At(A)));
}

#[test]
fn a_repetition_that_was_refused_leaves_no_trace_when_another_can_be_asked() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    machine.on_event(at(0), failed(A, Class::Hard, None, FALLBACK), &chance);
    let next = machine.on_event(at(1), Event::BudgetSpent { endpoint: A, outlook: FALLBACK }, &chance);
    assert_eq!(next, Action::Send(Where::Any));
    machine.on_event(at(1), Event::NoRoom, &chance);
    assert_eq!(machine.on_event(at(99), Event::Ready, &chance), Action::Send(Where::Any));
}

#[test]
fn a_verdict_is_final_whoever_failed_before() {
    let chance = Chance::seeded(3);
    for class in [Class::ContentFilter, Class::Client] {
        let mut machine = machine(60_000);
        machine.on_event(at(0), Event::Ready, &chance);
        machine.on_event(at(0), failed(A, Class::Overload, None, PEER), &chance);
        assert!(machine.is_final(class) && !machine.is_final(Class::Timeout));
        let next = machine.on_event(at(1), failed(B, class, None, ALONE), &chance);
        assert_eq!(next, Action::GiveUp, "A has no say in what B called {class:?}");
        assert_eq!(machine.reason().class, class);
    }
}

#[test]
fn a_later_break_has_its_own_time_to_wait_for_a_circuit() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    assert!(matches!(machine.on_event(at(0), Event::Resting(at(5_000)), &chance), Action::Wait(_)));
    machine.on_event(at(5_200), Event::Ready, &chance);
    machine.begun(at(600_000));
    let failure = Failure::new(Class::Truncated, "cut");
    machine.on_event(at(120_000), Event::Broke { endpoint: A, failure, lost: false }, &chance);
    let next = machine.on_event(at(120_000), Event::Resting(at(125_000)), &chance);
    assert!(matches!(next, Action::Wait(_)), "{next:?}");
}

#[test]
fn who_fails_to_take_up_an_answer_is_asked_after_the_others() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    machine.begun(at(600_000));
    let broke = || Event::Broke { endpoint: A, failure: Failure::new(Class::Truncated, "cut"), lost: false };
    machine.on_event(at(100), broke(), &chance);
    assert_eq!(machine.failed_to_continue(A), 0, "it may have been an accident");
    machine.on_event(at(200), failed(A, Class::Hard, None, PEER), &chance);
    assert_eq!((machine.failed_to_continue(A), machine.failed_to_continue(B)), (1, 0));
    machine.on_event(at(300), broke(), &chance);
    assert_eq!(machine.failed_to_continue(A), 0, "of the last break only");
}

#[test]
fn a_request_is_hedged_once_and_only_while_that_could_help() {
    let chance = Chance::seeded(3);
    let mut machine = machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    assert!(machine.may_hedge(at(0)) && !machine.may_hedge(at(60_000)));
    machine.hedged();
    assert!(!machine.may_hedge(at(0)), "asked twice already");
    let mut machine = self::machine(60_000);
    machine.on_event(at(0), Event::Ready, &chance);
    for _ in 0..2 {
        machine.on_event(at(0), failed(A, Class::Hard, None, PEER), &chance);
    }
    assert!(machine.may_hedge(at(0)), "two faults, and two more at worst");
    machine.on_event(at(0), failed(B, Class::Hard, None, PEER), &chance);
    assert!(!machine.may_hedge(at(0)), "three faults, and the fourth is the last");
}

/// A step of a random life: what happens to an attempt that was sent.
fn happening() -> impl Strategy<Value = (u8, usize, u8, Option<u64>, u64)> {
    (0u8..18, 0usize..3, 0u8..4, prop::option::of(0u64..20_000), 0u64..4_000)
}

proptest! {
    #[test]
    fn attempts_faults_and_waits_are_bounded(
        seed: u64,
        begin_by_ms in 0u64..30_000,
        steps in prop::collection::vec(happening(), 0..80),
    ) {
        let chance = Chance::seeded(seed);
        let mut machine = machine(begin_by_ms);
        let (mut now_ms, mut sends, mut faults, mut breaks, mut free) = (0, 0, 0, 0, 0);
        let (mut limit_ms, mut verdict) = (begin_by_ms, false);
        let mut event = Event::Ready;
        for (what, endpoint, outlook, retry_after, took_ms) in steps {
            let outlook = [ALONE, FALLBACK, PEER, LATER][usize::from(outlook)];
            let endpoint = EndpointId(endpoint);
            let action = machine.on_event(at(now_ms), event, &chance);
            prop_assert!(!verdict || action == Action::GiveUp, "{action:?} after the last word");
            match action {
                Action::Send(_) => {
                    sends += 1;
                    now_ms += took_ms;
                    if took_ms % 3 == 0 && machine.may_hedge(at(now_ms)) {
                        machine.hedged();
                        sends += 1;
                        faults += 1;
                        machine.fell_out(EndpointId(3), failure(Class::Hard, None));
                    }
                    event = match (Class::ALL.get(usize::from(what)), what) {
                        (Some(&class), _) => {
                            faults += u32::from(class.is_fault());
                            free += u32::from(class == Class::Unprocessed);
                            verdict = machine.is_final(class);
                            failed(endpoint, class, retry_after, outlook)
                        }
                        (None, 13 | 14) => { sends -= 1; Event::NoRoom }
                        (None, 15) => { sends -= 1; Event::Resting(at(now_ms + took_ms)) }
                        (None, _) => {
                            breaks += 1;
                            machine.begun(at(60_000));
                            limit_ms = 60_000;
                            Event::Broke { endpoint, failure: failure(Class::Truncated, None), lost: false }
                        }
                    };
                }
                Action::Wait(until) | Action::Repeat { until, .. } => {
                    prop_assert!(until < at(limit_ms));
                    prop_assert!(until >= at(now_ms));
                    if took_ms % 7 == 0 {
                        event = Event::BudgetSpent { endpoint, outlook };
                    } else {
                        now_ms = until.duration_since(at(0)).as_millis() as u64 + 1;
                        event = Event::Ready;
                    }
                }
                Action::GiveUp => {
                    let _why = machine.reason();
                    return Ok(());
                }
            }
            prop_assert!(breaks <= 3, "taken up more than twice");
            prop_assert!(faults <= 4 + breaks, "{faults} faults");
            prop_assert!(sends <= 8 + breaks + free.min(3) + 1, "{sends} sends");
        }
    }
}
