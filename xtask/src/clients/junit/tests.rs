//! Reading what pytest writes.

use super::{Outcome, Outcomes};
use crate::tally::Count;

const REPORT: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"
errors="0" failures="1" skipped="1" tests="4" time="1.0"><testcase classname="tests.test_a.TestA" name="test_one[loose]"
time="0.1" /><testcase classname="tests.test_a" name="test_two[a&amp;b]" time="0.1"><failure
message="openai.APIError: no &lt;testcase name">def test_two(): ...</failure></testcase><testcase
classname="tests.test_a" name="test_three" time="0.1"><skipped type="pytest.skip" message="later">x</skipped></testcase>
<testcase classname="tests.test_a" name="test_four" time="0.2"><system-out>words</system-out></testcase>
</testsuite></testsuites>"#;

fn report() -> Outcomes {
    // Pytest writes each tag on one line.
    Outcomes::parse(&REPORT.replace('\n', " "))
}

#[test]
fn each_test_has_its_outcome() {
    let outcomes = report();
    assert_eq!(outcomes.get("tests.test_a.TestA::test_one[loose]"), Some(&Outcome::Passed));
    let failed = Outcome::Failed("openai.APIError".to_owned());
    assert_eq!(outcomes.get("tests.test_a::test_two[a&amp;b]"), Some(&failed));
    assert_eq!(outcomes.get("tests.test_a::test_three"), Some(&Outcome::Skipped));
    assert_eq!(outcomes.get("tests.test_a::test_four"), Some(&Outcome::Passed));
    assert_eq!(outcomes.names().count(), 4);
}

#[test]
fn a_skipped_test_has_neither_passed_nor_failed() {
    assert_eq!(report().count(), Count { passed: 2, failed: 1 });
}

#[test]
fn a_name_is_not_taken_from_the_class_name() {
    let outcomes = Outcomes::parse(r#"<testcase classname="a" name="b" />"#);
    assert_eq!(outcomes.names().collect::<Vec<_>>(), ["a::b"]);
}
