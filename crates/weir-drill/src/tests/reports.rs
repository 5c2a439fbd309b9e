//! Reports: the JSON that is promised, XML that parses, a table that says what matters.

use serde_json::{Value, json};

use crate::judge::Verdict;
use crate::report::{Drill, Report, catalogue_markdown, catalogue_text};
use crate::scenarios::ALL;

fn drill() -> Drill {
    let report = |id: &str, verdict, reason: &str| Report {
        id: id.to_owned(),
        title: "a title",
        verdict,
        reason: reason.to_owned(),
        ms: 1_500,
        call_ms: Some(900),
        first_ms: None,
        primary: 2,
        fallback: 1,
    };
    Drill {
        reports: vec![
            report("S01", Verdict::Pass, "the whole answer"),
            report("X01-chat-plain", Verdict::Fail, "said <twice> & \"more\"\u{1b}"),
        ],
    }
}

#[test]
fn the_json_is_as_promised() {
    let written: Value = serde_json::to_value(drill()).unwrap();
    let expected = json!({"passed": 1, "total": 2, "scenarios": [
        {"id": "S01", "title": "a title", "verdict": "pass", "reason": "the whole answer", "ms": 1500,
         "call_ms": 900, "first_ms": null, "primary": 2, "fallback": 1},
        {"id": "X01-chat-plain", "title": "a title", "verdict": "fail", "reason": "said <twice> & \"more\"\u{1b}",
         "ms": 1500, "call_ms": 900, "first_ms": null, "primary": 2, "fallback": 1},
    ]});
    assert_eq!(written, expected);
}

#[test]
fn junit_counts_what_did_not_pass_and_escapes_why() {
    let xml = drill().junit();
    assert!(
        xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"2\" failures=\"1\""),
        "{xml}"
    );
    assert!(xml.contains("name=\"S01 a title\" time=\"1.500\"/>"), "{xml}");
    let why = "<failure type=\"fail\" message=\"fail: said &lt;twice&gt; &amp; &quot;more&quot;\u{fffd}\"/>";
    assert!(xml.contains(why), "{xml}");
    assert_eq!(xml.matches("<testcase").count(), 2);
}

#[test]
fn the_table_has_a_line_a_case_and_a_sum() {
    let text = drill().text();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("1 of 2 passed · 0 partial · 0 safe · 1 failed"), "{text}");
    assert!(!drill().all_passed());
}

#[test]
fn the_catalogue_names_every_scenario() {
    for scenario in ALL {
        assert!(catalogue_markdown().contains(&format!("| {} |", scenario.id)));
        assert!(catalogue_text().contains(scenario.title));
    }
    assert!(catalogue_markdown().lines().all(|line| line.matches('|').count() == 5));
}
