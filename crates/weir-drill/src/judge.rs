//! Verdicts. A pure function of what was seen on both sides, so that every way to be wrong is tried in a
//! test.
//!
//! What always holds: only a whole answer, or an honest error where one is right, can pass; an end in good
//! order on an answer that is not whole is a failure, however the gateway behaved otherwise.

mod checks;
mod outcome;
mod usage;

use serde::Serialize;

use crate::case::Case;
use crate::exchange::End;
use crate::scenario::Wanted;
use crate::told::Told;
use crate::upstream::Attempt;

pub use outcome::{Outcome, outcome};

/// What a case comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The caller was told what is right, and every check holds.
    Pass,
    /// The caller was told what is right; a check on attempts, usage or time does not hold.
    Partial,
    /// No answer, but an explicit error: nothing false was said.
    Safe,
    /// A truncation that looks whole, words said twice, wrong words, wrong usage, a hang, an end without a word.
    Fail,
}

impl Verdict {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Partial => "partial",
            Self::Safe => "safe",
            Self::Fail => "fail",
        }
    }
}

/// What was seen of a case on both sides.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Each call, in order.
    pub calls: Vec<Told>,
    /// The call made afterwards, if one was.
    pub after: Option<Told>,
    /// When the primary was well again, in milliseconds since the case began.
    pub well_ms: i64,
    /// What the primary was asked.
    pub primary: Vec<Attempt>,
    /// What the fallback was asked.
    pub fallback: Vec<Attempt>,
}

/// The verdict on a case, and why.
pub fn judge(case: &Case, seen: &Seen) -> (Verdict, String) {
    let scenario = case.scenario;
    let right = scenario.question.right();
    let mut refusals = Vec::new();
    let mut answered = 0;
    for (number, told) in seen.calls.iter().enumerate() {
        let which = if seen.calls.len() > 1 { format!("call {}: ", number + 1) } else { String::new() };
        match outcome(told, right, case.way.dialect) {
            Outcome::False(why) => return (Verdict::Fail, format!("{which}{why}")),
            Outcome::Refused(error) => refusals.push(format!("{which}{error}")),
            Outcome::Whole if scenario.wanted == Wanted::Error => {
                return (Verdict::Fail, format!("{which}an answer was given where an error is right"));
            }
            Outcome::Whole => {
                if let Some(why) = told.usage.and_then(|told| usage::wrong(told, seen)) {
                    return (Verdict::Fail, format!("{which}{why}"));
                }
                answered += 1;
            }
        }
    }
    if let Some(why) = checks::fatal(case, seen) {
        return (Verdict::Fail, why);
    }
    if let (Wanted::Answer, Some(error)) = (scenario.wanted, refusals.first()) {
        let others = if answered > 0 {
            format!(" ({answered} of {} calls were answered)", seen.calls.len())
        } else {
            String::new()
        };
        return (Verdict::Safe, format!("no answer, but an explicit error{others}: {error}"));
    }
    let mut broken: Vec<String> =
        scenario.checks.iter().filter_map(|check| checks::breach(check, seen)).collect();
    broken.extend(seen.calls.iter().filter(|told| told.error.is_none()).flat_map(blemishes));
    broken.dedup();
    if broken.is_empty() {
        let word = if refusals.is_empty() { "the whole answer" } else { "an explicit error" };
        (Verdict::Pass, word.to_owned())
    } else {
        (Verdict::Partial, broken.join("; "))
    }
}

/// What a right answer may lack.
fn blemishes(told: &Told) -> Vec<String> {
    let mut found = Vec::new();
    if told.usage.is_none() {
        found.push("no usage".to_owned());
    }
    if !told.done {
        found.push("the mark of the end is missing".to_owned());
    }
    if told.end != End::Clean {
        found.push("the connection does not end in good order".to_owned());
    }
    found
}
