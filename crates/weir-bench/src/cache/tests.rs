//! What is computed beside what is measured: repeats, arrivals, shares, percentiles, tables, and what metrics say is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_replay::Trace;

use super::measure::Measure;
use super::promotion::percentile_ms;
use super::repeats::{Repeats, asked_before};
use super::results::Results;
use super::stand::lost;
use super::trace::{offsets, shares};
use crate::gateway::machine::Machine;

fn drawn(once: f64, count: usize) -> Vec<u64> {
    let mut repeats = Repeats::new(100, 0.9, once, 7);
    (0..count).map(|_| repeats.next()).collect()
}

#[test]
fn the_most_popular_question_has_its_share() {
    let questions = drawn(0.0, 100_000);
    let weight = |rank: u32| f64::from(rank).powf(-0.9);
    let all: f64 = (1..=100).map(weight).sum();
    for rank in [1, 2, 10, 100] {
        let share = questions.iter().filter(|question| **question == u64::from(rank)).count() as f64 / 1e5;
        let expected = weight(rank) / all;
        assert!((share - expected).abs() < 0.1 * expected + 0.001, "{rank}: {share} and not {expected}");
    }
    assert!(questions.iter().all(|question| (1..=100).contains(question)));
}

#[test]
fn what_is_asked_once_never_comes_again() {
    let questions = drawn(0.25, 10_000);
    let once: Vec<u64> = questions.iter().copied().filter(|question| *question > 100).collect();
    assert!((2_300..2_700).contains(&once.len()), "{}", once.len());
    assert_eq!(asked_before(&once), 0);
    assert_eq!(drawn(0.25, 10_000), questions, "the same seed asks the same");
}

#[test]
fn what_was_asked_before_could_be_a_hit() {
    assert_eq!(asked_before(&[]), 0);
    assert_eq!(asked_before(&[1, 2, 1, 1, 3, 2]), 3);
}

#[test]
fn arrivals_begin_again_when_they_are_used_up() {
    let csv = "arrival_ms,context_tokens,generated_tokens\n0,1,1\n10,1,1\n30,1,1\n";
    let trace = Trace::parse("test", csv.as_bytes()).unwrap();
    let ms: Vec<u128> = offsets(trace.arrivals(), 5).iter().map(Duration::as_millis).collect();
    assert_eq!(ms, [0, 10, 30, 40, 50]);
}

#[test]
fn shares_are_of_all_requests_and_of_what_could_be() {
    let states = BTreeMap::from([("HIT-memory", 30), ("HIT-disk", 10), ("COALESCED", 5), ("MISS", 55)]);
    let row: Vec<f64> = shares(&states, 100, 50).unwrap().into_iter().flatten().collect();
    assert_eq!(row, [100.0, 50.0, 30.0, 10.0, 5.0, 55.0, 90.0]);
    let unknown = BTreeMap::from([("BYPASS", 100)]);
    assert!(shares(&unknown, 100, 50).unwrap_err().to_string().contains("BYPASS"));
}

#[test]
fn a_percentile_is_the_nearest_rank() {
    let waits: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
    assert_eq!(percentile_ms(&waits, 50.0), Some(50.0));
    assert_eq!(percentile_ms(&waits, 99.0), Some(99.0));
    assert_eq!(percentile_ms(&[], 50.0), None);
}

#[test]
fn what_a_tier_did_not_take_is_read_from_the_metrics() {
    let metrics = "weir_cache_requests_total{tier=\"memory\",result=\"hit\"} 9\n\
                   weir_cache_requests_total{tier=\"disk\",result=\"error\"} 2\n\
                   weir_cache_requests_total{tier=\"disk\",result=\"skipped\"} 3\n\
                   weir_requests_total{outcome=\"error\"} 7\n";
    assert_eq!(lost(metrics), 5);
}

#[test]
fn tables_show_medians_in_the_order_of_measuring() {
    let machine = Machine {
        cpu: "CPU".to_owned(),
        cpus: 2,
        kernel: "6".to_owned(),
        load_average: 0.0,
        congestion_control: "reno".to_owned(),
    };
    let mut results = Results::new(machine, 5, 3);
    for (disk, memory) in [(0.3, 0.1), (0.5, 0.2), (0.4, 0.3)] {
        results.note(Measure::Promotion, "disk", Ok(vec![Some(disk), None]));
        results.note(Measure::Promotion, "memory", Ok(vec![Some(memory), Some(1.0)]));
    }
    results.note(Measure::Trace, "all", Err(anyhow::anyhow!("why not")));
    let markdown = results.markdown();
    assert!(markdown.contains("| disk | 0.400 | - |\n| memory | 0.200 | 1.000 |"), "{markdown}");
    assert!(markdown.ends_with("failed: (f) all: why not\n"), "{markdown}");
    assert!(markdown.contains("command: cargo xtask bench cache --seconds 5 --repeat 3"), "{markdown}");
    assert_eq!(results.failures(), 1);
}
