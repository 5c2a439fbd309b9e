//! Reading the counts that the two test runners print.

use super::{Count, read_libtest, read_nextest};

fn check(read: fn(&mut Count, &str), lines: &[&str], passed: usize, failed: usize) {
    let mut count = Count::default();
    for line in lines {
        read(&mut count, line);
    }
    assert_eq!(count, Count { passed, failed }, "for {lines:?}");
}

#[test]
fn nextest_counts_are_read_from_its_summary() {
    check(read_nextest, &["     Summary [   0.004s] 12 tests run: 12 passed, 3 skipped"], 12, 0);
    check(read_nextest, &["     Summary [   0.004s] 1 test run: 1 passed (1 slow), 0 skipped"], 1, 0);
    check(
        read_nextest,
        &["     Summary [  61.000s] 9 tests run: 6 passed, 2 failed, 1 timed out, 0 skipped"],
        6,
        3,
    );
    check(read_nextest, &["        PASS [   0.004s] weir-core tests::12 passed", "Summary of nothing"], 0, 0);
}

#[test]
fn libtest_counts_are_summed_over_binaries() {
    check(
        read_libtest,
        &[
            "running 8 tests",
            "test result: ok. 8 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ],
        11,
        2,
    );
}

#[test]
fn a_runner_that_fails_without_a_failed_test_is_a_failure() {
    assert_eq!(Count { passed: 3, failed: 0 }.with_exit(false), Count { passed: 3, failed: 1 });
    assert_eq!(Count { passed: 3, failed: 2 }.with_exit(false), Count { passed: 3, failed: 2 });
    assert_eq!(Count { passed: 3, failed: 0 }.with_exit(true), Count { passed: 3, failed: 0 });
}
