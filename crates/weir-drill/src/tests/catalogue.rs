//! The catalogue: every scenario can be run, named and told apart.

use std::collections::BTreeSet;

use crate::case::{cases, select};
use crate::question::{Question, WORDS};
use crate::scenarios::ALL;

#[test]
fn the_mock_understands_every_plan() {
    for scenario in ALL {
        for rules in [scenario.primary, scenario.fallback, "[]"] {
            let plan = scenario.question.plan(rules).to_string();
            let read = weir_mock::FaultPlan::parse(&plan);
            assert!(read.is_ok(), "{}: {read:?}", scenario.id);
        }
    }
}

#[test]
fn every_scenario_has_a_name_of_its_own_and_says_what_it_is() {
    let ids: BTreeSet<_> = cases().iter().map(super::Case::id).collect();
    assert_eq!(ids.len(), cases().len());
    let scenarios: BTreeSet<_> = ALL.iter().map(|scenario| scenario.id).collect();
    assert_eq!(scenarios.len(), ALL.len());
    for scenario in ALL {
        assert!(!scenario.title.is_empty() && !scenario.ways.is_empty(), "{}", scenario.id);
        assert!(scenario.fault.ends_with('.') || scenario.fault.ends_with(')'), "{}", scenario.id);
        assert!(scenario.right.ends_with('.') && scenario.calls > 0, "{}", scenario.id);
    }
    for number in 1..=16 {
        assert!(scenarios.contains(format!("S{number:02}").as_str()), "S{number:02} is missing");
    }
}

#[test]
fn a_word_of_the_answer_is_a_token_of_the_mock() {
    assert_eq!(WORDS.split_whitespace().count(), 60);
    assert!(WORDS.split_whitespace().all(|word| word.len() <= 6));
    assert!(WORDS.split(' ').all(|word| !word.is_empty()), "single spaces between the words");
}

#[test]
fn names_select_a_scenario_or_one_way_of_it() {
    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let ids: Vec<_> = select(&names).unwrap().iter().map(super::Case::id).collect();
        assert_eq!(ids, expected);
    }
    check(&["s08"], &["S08"]);
    check(&["X08", "S01"], &["S01", "X08-chat-stream", "X08-messages-stream"]);
    check(&["X05-messages-stream"], &["X05-messages-stream"]);
    assert_eq!(select(&[]).unwrap().len(), cases().len());
    assert!(select(&["S99".to_owned()]).unwrap_err().to_string().contains("\"S99\""));
}

#[test]
fn no_two_prompts_are_alike_where_their_marks_are_not() {
    let way = crate::scenario::CHAT_STREAM;
    assert_ne!(Question::Words.body(way, "m", "a"), Question::Words.body(way, "m", "b"));
}
