//! JUnit's XML, as build servers read it: one test suite, one test a case, a failure for each that did not
//! pass.

use std::fmt::Write;

use super::Drill;
use crate::judge::Verdict;

pub(super) fn xml(drill: &Drill) -> String {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let total = drill.reports.len();
    let failures = total - drill.passed();
    // Cases run side by side: the longest is as long as the drill.
    let time = seconds(drill.reports.iter().map(|report| report.ms).max().unwrap_or(0));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{total}\" failures=\"{failures}\" errors=\"0\" time=\"{time:.3}\"");
    line_to(&mut out, &format!("<testsuites {counts}>"));
    line_to(&mut out, &format!("  <testsuite name=\"weir drill faults\" {counts}>"));
    for report in &drill.reports {
        let name = escape(&format!("{} {}", report.id, report.title));
        let case =
            format!("<testcase classname=\"faults\" name=\"{name}\" time=\"{:.3}\"", seconds(report.ms));
        if report.verdict == Verdict::Pass {
            line_to(&mut out, &format!("    {case}/>"));
            continue;
        }
        let (kind, why) = (report.verdict.name(), escape(&report.reason));
        line_to(&mut out, &format!("    {case}>"));
        line_to(&mut out, &format!("      <failure type=\"{kind}\" message=\"{kind}: {why}\"/>"));
        line_to(&mut out, "    </testcase>");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// As the value of an attribute. What XML cannot hold at all becomes a replacement character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn line_to(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("writing to a string cannot fail");
}
