//! The attempts machine under any sequence of events.

use std::time::Duration;

use proptest::prelude::*;
use weir_core::{Chance, Class, Failure};
use weir_route::EndpointId;
use weir_testkit::at;

use crate::machine::{Action, Event, Machine, Policy};

fn policy() -> Policy {
    Policy {
        attempts_max: 4,
        backoff: Duration::from_millis(500),
        backoff_max: Duration::from_secs(8),
        retry_after_max: Duration::from_secs(10),
    }
}

fn failed(endpoint: usize, class: Class, retry_after_ms: Option<u64>, another: bool) -> Event {
    let retry_after = retry_after_ms.map(Duration::from_millis);
    let failure = Failure { retry_after, ..Failure::new(class, "x") };
    Event::Failed { endpoint: EndpointId(endpoint), failure, another }
}

/// What the machine does with the first failure, as a word and the wait in milliseconds.
fn first(event: Event) -> (&'static str, u64) {
    let policy = policy();
    let chance = Chance::seeded(3);
    let mut machine = Machine::new(&policy, true, at(60_000));
    assert!(matches!(machine.on_event(at(0), Event::Ready, &chance), Action::Send));
    match machine.on_event(at(0), event, &chance) {
        Action::Send => ("send", 0),
        Action::Wait(until) => ("wait", until.duration_since(at(0)).as_millis() as u64),
        Action::GiveUp(_) => ("give up", 0),
    }
}

#[test]
fn moves_at_once_when_another_endpoint_could_answer() {
    for class in [Class::Overload, Class::Hard, Class::Timeout, Class::Truncated, Class::Quota, Class::Auth] {
        assert_eq!(first(failed(0, class, None, true)).0, "send", "{class:?}");
    }
}

#[test]
fn never_repeats_what_no_attempt_can_mend() {
    for class in [Class::Client, Class::ContentFilter] {
        assert_eq!(first(failed(0, class, None, true)).0, "give up", "{class:?}");
    }
    for class in [Class::Timeout, Class::Deadline, Class::Quota, Class::Auth, Class::ContextLength] {
        assert_eq!(first(failed(0, class, None, false)).0, "give up", "{class:?}");
    }
}

#[test]
fn what_the_service_asked_for_is_the_floor_of_the_wait() {
    let (word, ms) = first(failed(0, Class::Overload, Some(2_000), false));
    assert!(word == "wait" && (2_000..=2_500).contains(&ms), "{word} {ms}");
    assert_eq!(first(failed(0, Class::Overload, Some(11_000), false)).0, "give up");
    let (word, ms) = first(failed(0, Class::Overload, None, false));
    assert!(word == "wait" && ms <= 500, "{word} {ms}");
}

#[test]
fn what_may_have_effects_is_repeated_only_if_it_never_left() {
    let policy = policy();
    let chance = Chance::seeded(3);
    for (sent, repeats) in [(true, false), (false, true)] {
        let mut machine = Machine::new(&policy, false, at(60_000));
        assert!(matches!(machine.on_event(at(0), Event::Ready, &chance), Action::Send));
        let failure = Failure { sent, ..Failure::new(Class::Hard, "x") };
        let event = Event::Failed { endpoint: EndpointId(0), failure, another: true };
        assert_eq!(matches!(machine.on_event(at(0), event, &chance), Action::Send), repeats);
    }
}

#[test]
fn a_full_house_is_waited_for_without_using_up_attempts() {
    let policy = policy();
    let chance = Chance::seeded(3);
    let mut machine = Machine::new(&policy, true, at(60_000));
    for step in 0..100 {
        assert!(matches!(machine.on_event(at(step * 50), Event::Ready, &chance), Action::Send));
        assert!(matches!(machine.on_event(at(step * 50), Event::NoRoom, &chance), Action::Wait(_)));
    }
    assert!(matches!(machine.on_event(at(60_000), Event::Ready, &chance), Action::GiveUp(_)));
}

proptest! {
    #[test]
    fn sends_are_bounded_and_no_wait_passes_the_deadline(
        seed: u64,
        begin_by_ms in 0u64..30_000,
        steps in prop::collection::vec((0u8..10, 0usize..3, any::<bool>(), prop::option::of(0u64..20_000), 0u64..4_000), 0..60),
    ) {
        let policy = policy();
        let chance = Chance::seeded(seed);
        let mut machine = Machine::new(&policy, true, at(begin_by_ms));
        let (mut now_ms, mut sends) = (0, 0);
        let mut event = Event::Ready;
        for (class, endpoint, another, retry_after, took_ms) in steps {
            match machine.on_event(at(now_ms), event, &chance) {
                Action::Send => {
                    now_ms += took_ms;
                    event = match Class::ALL.get(usize::from(class)) {
                        Some(&class) => { sends += 1; failed(endpoint, class, retry_after, another) }
                        None => Event::NoRoom,
                    };
                }
                Action::Wait(until) => {
                    prop_assert!(until < at(begin_by_ms));
                    prop_assert!(until >= at(now_ms));
                    now_ms = until.duration_since(at(0)).as_millis() as u64 + 1;
                    event = Event::Ready;
                }
                Action::GiveUp(_) => return Ok(()),
            }
            prop_assert!(sends <= 4);
        }
    }
}
