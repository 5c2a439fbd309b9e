//! The models by themselves: bursts, first tokens, texts, counts.

use std::time::Duration;

use weir_core::Chance;

use crate::arrivals::{Arrivals, Coming, Rate, Spell};
use crate::tally::{Seconds, Times};
use crate::text::{Judged, Question};
use crate::trouble::{Mood, SLOW_FIRST, Trouble};

#[test]
fn a_burst_persists_as_it_says() {
    let mut mood = Mood::new(Trouble::Bursts { share: 0.22, persistence: 0.8 }, 5);
    let refused: Vec<bool> =
        (0..200_000).map(|half| mood.decide(f64::from(half) * 0.5, 0).is_err()).collect();
    let share = |some: usize, of: usize| some as f64 / of as f64;
    let bad = refused.iter().filter(|refused| **refused).count();
    let again = refused.windows(2).filter(|pair| pair[0] && pair[1]).count();
    assert!((share(bad, refused.len()) - 0.22).abs() < 0.01);
    assert!((share(again, bad) - 0.8).abs() < 0.01);
}

#[test]
fn slow_first_tokens_have_their_tail() {
    let chance = Chance::seeded(4);
    let mut times = Times::new();
    (0..200_000).for_each(|_| times.add(SLOW_FIRST.draw(&chance)));
    let check = |share: f64, expected_ms: f64| {
        let ms = times.quantile_ms(share).unwrap();
        assert!((ms / expected_ms - 1.0).abs() < 0.08, "{share}: {ms} ms, not {expected_ms}");
    };
    check(0.95, 6_200.0);
    check(0.99, 17_700.0);
    check(0.999, 38_400.0);
    assert!((times.mean_ms().unwrap() / 1e3 / SLOW_FIRST.mean_s() - 1.0).abs() < 0.02);
}

#[test]
fn a_quantile_is_its_buckets_upper_end() {
    let check = |ms: u64| {
        let mut times = Times::new();
        times.add(Duration::from_millis(ms));
        let found = times.quantile_ms(0.99).unwrap();
        let end = ms as f64 * 1.016 + 1.0;
        assert!(found > ms as f64 && found <= end, "{ms}: {found}");
    };
    [0, 1, 63, 127, 128, 129, 255, 256, 1_000, 65_535, 3_600_000].into_iter().for_each(check);
    assert_eq!(Times::new().quantile_ms(0.99), None);
}

#[test]
fn seconds_are_summed_by_whole_seconds() {
    let mut seconds = Seconds::default();
    [0.0, 0.9, 1.0, 5.5].into_iter().for_each(|s| seconds.count(s));
    assert_eq!((seconds.sum(0, 1), seconds.sum(1, 6), seconds.sum(2, 5), seconds.total()), (2, 2, 0, 4));
}

#[test]
fn a_spike_is_three_times_as_dense() {
    let spell = Spell { from_s: 100.0, until_s: 200.0 };
    let rate = Rate::Spike { per_s: 20.0, spell, factor: 3.0 };
    let arrivals = Arrivals { rate, until_s: 300.0, requests_max: u32::MAX };
    let mut coming = Coming::new(arrivals, Chance::seeded(2));
    let mut seconds = Seconds::default();
    while let Some(s) = coming.next_s() {
        seconds.count(s);
    }
    let check = |from, until, expected: u32| {
        let count = seconds.sum(from, until);
        assert!(
            count.abs_diff(expected) < 4 * expected.isqrt(),
            "{from} to {until}: {count}, not {expected}"
        );
    };
    check(0, 100, 2_000);
    check(100, 200, 6_000);
    check(200, 300, 2_000);
}

fn telling(question: &Question, telling: u16, places: std::ops::Range<u32>) -> Vec<u8> {
    let mut words = Vec::new();
    places.for_each(|place| question.tell(telling, place, &mut words));
    words
}

#[test]
fn only_one_tellings_words_without_a_gap_are_an_answer() {
    let free = Question {
        number: 17,
        fixed: false,
        words: 9,
        gap: Duration::ZERO,
        prefill: Duration::ZERO,
        prompt_tokens: 12,
        answer_tokens: 9,
    };
    let fixed = Question { fixed: true, ..free };
    let check = |question: &Question, came: Vec<u8>, expected| {
        assert_eq!(question.judge(&came), expected, "{}", String::from_utf8_lossy(&came));
    };
    check(&free, telling(&free, 0xbeef, 0..9), Judged::Whole);
    check(&free, telling(&free, 0xbeef, 0..8), Judged::Beginning);
    check(&free, Vec::new(), Judged::Beginning);
    check(&free, [telling(&free, 0xbeef, 0..4), telling(&free, 0xbeef, 5..9)].concat(), Judged::Garbled);
    check(&free, [telling(&free, 0xbeef, 0..4), telling(&free, 0xbeef, 3..9)].concat(), Judged::Garbled);
    check(&free, [telling(&free, 0xbeef, 0..4), telling(&free, 0xcafe, 4..9)].concat(), Judged::Garbled);
    check(&fixed, telling(&fixed, 0, 0..9), Judged::Whole);
    check(&fixed, telling(&fixed, 1, 0..9), Judged::Garbled);
}
