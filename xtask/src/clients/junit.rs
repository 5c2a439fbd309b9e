//! Reads pytest's XML report: which test ended how.
//!
//! Pytest writes it and nobody else, so this looks for its elements instead of parsing XML; names are compared only
//! with names from other such reports, so escapes stay as they are.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::tally::Count;

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Skipped,
    /// With the kind of exception.
    Failed(String),
}

/// How each test of a run ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcomes(BTreeMap<String, Outcome>);

impl Outcomes {
    /// Reads the report of a run.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("no report in {}: did pytest run?", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut outcomes = BTreeMap::new();
        for case in text.split("<testcase ").skip(1) {
            let (tag, rest) = case.split_once('>').unwrap_or((case, ""));
            let body =
                if tag.ends_with('/') { "" } else { rest.split("</testcase>").next().unwrap_or_default() };
            let name = format!("{}::{}", attribute(tag, "classname"), attribute(tag, "name"));
            let outcome = outcome(body);
            // A test that fails and whose teardown fails has two entries; the first says why.
            if outcome == Outcome::Passed {
                outcomes.entry(name).or_insert(outcome);
            } else {
                outcomes.insert(name, outcome);
            }
        }
        Self(outcomes)
    }

    /// How many passed and failed; skipped ones are neither.
    pub fn count(&self) -> Count {
        let passed = self.0.values().filter(|outcome| **outcome == Outcome::Passed).count();
        let failed = self.0.values().filter(|outcome| matches!(outcome, Outcome::Failed(_))).count();
        Count { passed, failed }
    }

    /// How the test `name` ended.
    pub fn get(&self, name: &str) -> Option<&Outcome> {
        self.0.get(name)
    }

    /// The tests' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn outcome(body: &str) -> Outcome {
    let failure = body.split_once("<failure ").or_else(|| body.split_once("<error "));
    match failure {
        Some((_, rest)) => {
            let message = attribute(rest, "message");
            Outcome::Failed(message.split([':', '&']).next().unwrap_or_default().to_owned())
        }
        None if body.contains("<skipped ") => Outcome::Skipped,
        None => Outcome::Passed,
    }
}

/// The value of the attribute `name` in the rest of a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let assignment = format!("{name}=\"");
    // `name="` is also the end of `classname="`.
    let whole = |at: usize| at == 0 || tag[..at].ends_with(' ');
    let found = tag.match_indices(&assignment).find(|(at, _)| whole(*at));
    found.and_then(|(at, _)| tag[at + assignment.len()..].split('"').next()).unwrap_or_default()
}
