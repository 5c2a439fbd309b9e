//! What is read from flags and from libFuzzer's last words.

use super::{KEPT_BYTES_MAX, KEPT_MAX, Run, Wanted, too_many};

#[test]
fn flags_are_understood_or_refused() {
    let check = |flags: &[&str], expected: Option<(&str, Option<&str>, bool)>| {
        let wanted = Wanted::parse(flags).ok();
        let wanted = wanted.as_ref().map(|wanted| (wanted.seconds, wanted.target, wanted.keep));
        assert_eq!(wanted, expected, "{flags:?}");
    };
    check(&[], Some(("60", None, false)));
    check(&["--seconds", "5", "--target", "relay", "--keep"], Some(("5", Some("relay"), true)));
    check(&["--seconds"], None);
    check(&["--seconds", "0"], None);
    check(&["--seconds", "long"], None);
    check(&["--jobs"], None);
}

#[test]
fn the_last_words_of_a_run_are_read() {
    let check = |lines: &str, succeeded: bool, expected: (u64, u64, &str)| {
        let mut run = Run { succeeded, ..Run::default() };
        lines.lines().for_each(|line| run.read(line));
        assert_eq!((run.executions, run.new_inputs, &*run.result()), expected, "{lines}");
    };
    let counts = "stat::number_of_executed_units: 12345\nstat::new_units_added:          7\n";
    check(counts, true, (12345, 7, "nothing broke"));
    let crash = "artifact_prefix='fuzz/'; Test unit written to fuzz/crash-8a\n";
    check(&[counts, crash].concat(), false, (12345, 7, "broke: fuzz/crash-8a"));
    check("", false, (0, 0, "did not run to its end: what is above says why"));
}

#[test]
fn the_corpus_keeps_what_a_person_named_and_the_shortest_of_the_rest() {
    let hash = |number: usize| format!("{number:040x}");
    let check = |files: Vec<(String, u64)>, expected: &[String]| {
        assert_eq!(too_many(files.clone()), expected, "{files:?}");
    };
    let named = ("chat".to_owned(), KEPT_BYTES_MAX - 10);
    check(vec![(hash(1), 6), named.clone(), (hash(2), 4)], &[]);
    check(vec![(hash(1), 7), named.clone(), (hash(2), 4)], &[hash(1)]);
    check(vec![named.clone(), ("tools".to_owned(), 11), (hash(1), 1)], &[hash(1)]);
    check((0..=KEPT_MAX).map(|number| (hash(number), 1)).collect(), &[hash(KEPT_MAX)]);
}
