//! Rests without an open circuit: overload and keys.

use std::time::Duration;

use proptest::prelude::*;
use weir_testkit::at;

use crate::pause::{KeyPause, Rest};

const NOTHING: Duration = Duration::ZERO;

#[test]
fn five_refusals_in_a_row_and_no_fewer_cool_it_off_ever_longer() {
    let mut rest = Rest::new(at(0));
    for _ in 0..100 {
        (0..4).for_each(|_| assert!(!rest.refused(NOTHING, at(0))));
        rest.began(at(0));
    }
    (0..4).for_each(|_| assert!(!rest.refused(NOTHING, at(0))));
    let mut now = 0;
    for pause in [4_000, 8_000, 16_000, 16_000] {
        assert!(rest.refused(NOTHING, at(now)));
        assert_eq!(rest.cools_until(), at(now + pause));
        assert!(!rest.refused(NOTHING, at(now + 1)), "a straggler's refusal is no new one");
        assert_eq!(rest.cools_until(), at(now + pause));
        now += pause;
    }
    rest.began(at(now - 1));
    assert_eq!(rest.cools_until(), at(now - 1), "a first token ends it at once");
    for _ in 0..5 {
        rest.refused(NOTHING, at(now));
    }
    assert_eq!(rest.cools_until(), at(now + 4_000));
}

#[test]
fn what_the_service_asks_for_is_a_floor_up_to_thirty_seconds() {
    let check = |asked, expected| {
        let mut rest = Rest::new(at(0));
        for _ in 0..5 {
            rest.refused(Duration::from_secs(asked), at(0));
        }
        assert_eq!(rest.cools_until(), at(expected), "{asked}");
    };
    check(3, 4_000);
    check(9, 9_000);
    check(3_600, 30_000);
}

#[test]
fn one_pause_asked_for_is_kept_and_the_longer_one_stands() {
    let mut rest = Rest::new(at(0));
    rest.refused(Duration::from_secs(2), at(0));
    assert_eq!((rest.asked_until(), rest.cools_until()), (at(2_000), at(0)));
    rest.refused(Duration::from_secs(1), at(0));
    rest.began(at(500));
    assert_eq!(rest.asked_until(), at(2_000), "it was asked for, whoever else got an answer");
    rest.asked(Duration::from_secs(3_600), at(0));
    assert_eq!(rest.asked_until(), at(30_000), "no service can switch itself off for an hour");
}

#[test]
fn a_key_is_left_alone_from_a_minute_to_a_quarter_of_an_hour() {
    let mut key = KeyPause::new(at(0));
    let mut now = 0;
    for minutes in [1, 2, 4, 8, 15, 15] {
        assert!(key.refused(at(now)));
        assert!(!key.refused(at(now + 10)));
        assert_eq!(key.until(), at(now + minutes * 60_000));
        now += minutes * 60_000;
    }
    key.began(at(0), at(now));
    assert!(key.refused(at(now)));
    assert_eq!(key.until(), at(now + 900_000), "a call from before the refusal says nothing of the key");
    key.began(at(now + 900_000), at(now + 900_500));
    assert!(key.refused(at(now + 900_600)));
    assert_eq!(key.until(), at(now + 960_600));
}

proptest! {
    #[test]
    fn refusals_never_shorten_a_pause(steps in prop::collection::vec((0u64..9_000, 0u64..60), 0..100)) {
        let (mut rest, mut now) = (Rest::new(at(0)), 0);
        for (wait, asked) in steps {
            now += wait;
            let before = (rest.asked_until(), rest.cools_until());
            rest.refused(Duration::from_secs(asked), at(now));
            prop_assert!(rest.asked_until() >= before.0 && rest.cools_until() >= before.1);
            prop_assert!(rest.asked_until() <= at(now + 30_000) && rest.cools_until() <= at(now + 30_000));
        }
    }
}
