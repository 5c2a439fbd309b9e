//! Tables: a drill's outcome, and the catalogue as text and as Markdown.

use std::fmt::Write;

use super::Drill;
use crate::judge::Verdict;
use crate::scenario::Scenario;
use crate::scenarios::ALL;

/// A reason may be long; one line of a terminal holds about so much of it. All of it is in the JSON.
const REASON_CHARS_MAX: usize = 150;

pub(super) fn text(drill: &Drill) -> String {
    let mut out = String::new();
    let id = drill.reports.iter().map(|report| report.id.len()).max().unwrap_or(0);
    let title = drill.reports.iter().map(|report| report.title.chars().count()).max().unwrap_or(0);
    for report in &drill.reports {
        let seconds = report.ms as f64 / 1000.0;
        let verdict = report.verdict.name();
        let reason = match report.verdict {
            Verdict::Pass => String::new(),
            _ => format!("  {}", shortened(&report.reason)),
        };
        let line = format!(
            "  {:<id$}  {:<title$}  {verdict:<7}  {seconds:>5.1} s  {:>2} + {:<2}{reason}",
            report.id, report.title, report.primary, report.fallback
        );
        line_to(&mut out, line.trim_end());
    }
    let count = |verdict| drill.count(verdict);
    line_to(
        &mut out,
        &format!(
            "\n  {} of {} passed · {} partial · {} safe · {} failed      (attempts: primary + fallback)",
            drill.passed(),
            drill.reports.len(),
            count(Verdict::Partial),
            count(Verdict::Safe),
            count(Verdict::Fail)
        ),
    );
    out
}

fn shortened(reason: &str) -> String {
    let one_line = reason.replace(['\n', '\r'], " ");
    match one_line.char_indices().nth(REASON_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &one_line[..at]),
        None => one_line,
    }
}

/// Every scenario, for a terminal.
pub fn catalogue_text() -> String {
    let mut out = String::new();
    for scenario in ALL {
        line_to(&mut out, &format!("{}  {}", scenario.id, scenario.title));
        line_to(&mut out, &format!("     fault  {}", scenario.fault));
        line_to(&mut out, &format!("     right  {}", scenario.right));
        line_to(&mut out, &format!("     asked  {}", ways(scenario)));
    }
    out
}

/// Every scenario, as the table in docs/drill.md.
pub fn catalogue_markdown() -> String {
    let mut out = String::from("| id | asked | what goes wrong | what is right |\n|---|---|---|---|\n");
    for scenario in ALL {
        let Scenario { id, title, fault, right, .. } = scenario;
        line_to(&mut out, &format!("| {id} | {} | **{title}.** {fault} | {right} |", ways(scenario)));
    }
    out
}

fn ways(scenario: &Scenario) -> String {
    scenario.ways.iter().map(|way| way.name()).collect::<Vec<_>>().join(", ")
}

fn line_to(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("writing to a string cannot fail");
}
