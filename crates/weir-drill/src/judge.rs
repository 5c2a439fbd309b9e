//! Verdicts. A pure function of what was seen on both sides, so that every way to be wrong is tried in a
//! test.
//!
//! What always holds: only a whole answer, or an honest error where one is right, can pass; an end in good
//! order on an answer that is not whole is a failure, however the gateway behaved otherwise.

use std::time::Duration;

use serde::Serialize;

use crate::case::Case;
use crate::exchange::End;
use crate::question::Right;
use crate::scenario::{Check, Dialect, Wanted};
use crate::told::Told;
use crate::upstream::Attempt;

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
    /// A truncation that looks whole, words said twice, wrong words, a hang, an end without a word.
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
            Outcome::Whole => answered += 1,
        }
    }
    if let Some(why) = fatal(case, seen) {
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
    let mut broken: Vec<String> = scenario.checks.iter().filter_map(|check| breach(check, seen)).collect();
    broken.extend(seen.calls.iter().filter(|told| told.error.is_none()).flat_map(blemishes));
    broken.dedup();
    if broken.is_empty() {
        let word = if refusals.is_empty() { "the whole answer" } else { "an explicit error" };
        (Verdict::Pass, word.to_owned())
    } else {
        (Verdict::Partial, broken.join("; "))
    }
}

/// What one call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole right answer.
    Whole,
    /// An explicit error, and nothing false before it.
    Refused(String),
    /// Anything else.
    False(String),
}

/// What one call came to.
pub fn outcome(told: &Told, right: Right, dialect: Dialect) -> Outcome {
    if let Some(breach) = told.breaches.first() {
        return Outcome::False(breach.clone());
    }
    if let Some(falsehood) = falsehood(told, right) {
        return Outcome::False(falsehood);
    }
    if let Some(error) = &told.error {
        return match told.end {
            End::Hung => Outcome::False(format!("an error, after which the answer never ended: {error}")),
            _ if told.done && told.finish.is_some() => {
                Outcome::False(format!("an error in a stream that claims to be whole: {error}"))
            }
            _ => Outcome::Refused(error.clone()),
        };
    }
    let so_far = so_far(told, right);
    if told.end == End::Hung {
        return Outcome::False(format!("hangs: after {:.1} s {so_far}", told.took.as_secs_f64()));
    }
    let finish = expected_finish(right, dialect);
    let complete = told.text == right.text && call_is_whole(told, right);
    match (&told.finish, &told.end) {
        (Some(said), _) if complete && said == finish => Outcome::Whole,
        (Some(said), _) if said != finish => {
            Outcome::False(format!("ends as if it were an answer, with `{said}`: {so_far}"))
        }
        (Some(_), _) => Outcome::False(format!("truncated, though it claims to be whole: {so_far}")),
        (None, End::Broken(why) | End::Unreachable(why)) => {
            Outcome::False(format!("the connection ends without a word ({why}): {so_far}"))
        }
        (None, _) => Outcome::False(format!("truncated, and ends in good order: {so_far}")),
    }
}

fn expected_finish(right: Right, dialect: Dialect) -> &'static str {
    match (dialect, right.call.is_some()) {
        (Dialect::Chat, false) => "stop",
        (Dialect::Chat, true) => "tool_calls",
        (Dialect::Messages, false) => "end_turn",
        (Dialect::Messages, true) => "tool_use",
    }
}

/// What was said that is not the beginning of the right answer.
fn falsehood(told: &Told, right: Right) -> Option<String> {
    let text = not_the_beginning("the text", &told.text, right.text);
    let thoughts = || not_the_beginning("the thoughts", &told.thoughts, right.thoughts);
    text.or_else(thoughts).or_else(|| match (told.calls.as_slice(), right.call) {
        ([], _) => None,
        (calls, None) => Some(format!("calls {} where nothing is to be called", calls[0].name)),
        ([call], Some((name, _))) if call.name != name => {
            Some(format!("calls `{}`, not `{name}`", call.name))
        }
        ([_], Some(_)) => None,
        (calls, Some(_)) => Some(format!("{} tool calls instead of one", calls.len())),
    })
}

fn not_the_beginning(what: &str, said: &str, right: &str) -> Option<String> {
    if right.starts_with(said) {
        return None;
    }
    let agree = said.chars().zip(right.chars()).take_while(|(said, right)| said == right).count();
    let rest: String = said.chars().skip(agree).collect();
    let words = |text: &str| text.split_whitespace().count();
    let start: String = right.chars().take(12).collect();
    Some(if !start.is_empty() && agree > 0 && rest.contains(&start) {
        format!("{what} said twice: it begins again after {agree} characters")
    } else if said.chars().count() > agree && agree == right.chars().count() {
        format!("{what} goes on after the end, by {} words", words(&rest))
    } else {
        let rest: String = rest.chars().take(24).collect();
        format!("{what} is wrong from character {agree} on: `{rest}`")
    })
}

/// The arguments are compared as JSON: whoever puts a call together may space it otherwise.
fn call_is_whole(told: &Told, right: Right) -> bool {
    let Some((_, arguments)) = right.call else { return true };
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    told.calls.first().is_some_and(|call| {
        let said = read(&call.arguments);
        said.is_some() && said == read(arguments)
    })
}

fn so_far(told: &Told, right: Right) -> String {
    let (said, all) = (told.text.chars().count(), right.text.chars().count());
    match (right.call, told.calls.first()) {
        (Some(_), Some(call)) => format!("a tool call with {} bytes of arguments", call.arguments.len()),
        (Some(_), None) => "no tool call".to_owned(),
        (None, _) => format!("{said} of {all} characters"),
    }
}

/// What a right answer may lack.
fn blemishes(told: &Told) -> Vec<String> {
    let mut found = Vec::new();
    if !told.usage {
        found.push("no usage".to_owned());
    }
    if !told.done {
        found.push("the mark of the end is missing".to_owned());
    }
    if told.end != End::Clean {
        found.push("the connection does not end in good order".to_owned());
    }
    if told.ids.len() > 1 {
        found.push("the answer changes its id on the way".to_owned());
    }
    found
}

/// Checks without which nothing passes.
fn fatal(case: &Case, seen: &Seen) -> Option<String> {
    let right = case.scenario.question.right();
    case.scenario.checks.iter().find_map(|check| match check {
        Check::NotMaskedBy(word) => {
            let masked = seen.calls.iter().filter_map(|told| told.error.as_deref());
            let masked = masked.into_iter().find(|error| error.contains(word))?;
            Some(format!("the error is the gateway's own doing and hides the real one: {masked}"))
        }
        Check::AliveAfter => match seen.after.as_ref().map(|told| outcome(told, right, case.way.dialect)) {
            None | Some(Outcome::Whole) => None,
            Some(Outcome::Refused(why) | Outcome::False(why)) => {
                Some(format!("afterwards, with all well, it does not answer: {why}"))
            }
        },
        _ => None,
    })
}

/// Why a check does not hold.
fn breach(check: &Check, seen: &Seen) -> Option<String> {
    let (primary, fallback) = (seen.primary.len(), seen.fallback.len());
    let count = |holds: bool, text: String| (!holds).then_some(text);
    match *check {
        Check::PrimaryAtLeast(least) => {
            count(primary >= least, format!("attempts at the primary: {primary}, not at least {least}"))
        }
        Check::PrimaryAtMost(most) => {
            count(primary <= most, format!("attempts at the primary: {primary}, not at most {most}"))
        }
        Check::FallbackAtLeast(least) => {
            count(fallback >= least, format!("attempts at the fallback: {fallback}, not at least {least}"))
        }
        Check::FallbackAtMost(most) => {
            count(fallback <= most, format!("attempts at the fallback: {fallback}, not at most {most}"))
        }
        Check::PrimaryAtMostWithin(most, window) => {
            let first = seen.primary.first().map_or(0, |attempt| attempt.started_ms);
            let within = |attempt: &&Attempt| attempt.started_ms - first <= millis(window);
            let attempts = seen.primary.iter().filter(within).count();
            let seconds = window.as_secs_f64();
            count(
                attempts <= most,
                format!("attempts at the primary in {seconds} s: {attempts}, not at most {most}"),
            )
        }
        Check::FirstGapAtLeast(least) => {
            let [first, second, ..] = seen.primary.as_slice() else {
                return Some("the primary was not asked a second time".to_owned());
            };
            let gap = second.started_ms - first.started_ms;
            count(gap >= millis(least), format!("asked again after {gap} ms, not {} ms", millis(least)))
        }
        Check::AnsweredWithin(limit) => {
            let slowest = seen.calls.iter().map(|told| told.took).max().unwrap_or_default();
            let (took, limit_s) = (slowest.as_secs_f64(), limit.as_secs_f64());
            count(slowest <= limit, format!("took {took:.1} s, not at most {limit_s} s"))
        }
        Check::NamesFallbackModel => names_fallback(seen),
        Check::BackWithin(limit) => back(seen, limit),
        Check::PassesOn(word) => {
            let silent = seen.calls.iter().filter_map(|told| told.error.as_deref());
            let silent = silent.into_iter().find(|error| !error.contains(word))?;
            Some(format!("the error does not say `{word}`, as the service's did: {silent}"))
        }
        Check::NotMaskedBy(_) | Check::AliveAfter => None,
    }
}

fn names_fallback(seen: &Seen) -> Option<String> {
    let asked = seen.fallback.last().and_then(|attempt| attempt.model.as_deref());
    let said = seen.calls.last().and_then(|told| told.model.as_deref());
    match (asked, said) {
        (Some(asked), Some(said)) if asked == said => None,
        (None, _) => Some("the fallback was not asked".to_owned()),
        (Some(asked), said) => Some(format!(
            "the answer is said to come from `{}`, not from `{asked}`",
            said.unwrap_or("nobody")
        )),
    }
}

fn back(seen: &Seen, limit: Duration) -> Option<String> {
    let well = |attempt: &&Attempt| attempt.complete() && attempt.started_ms >= seen.well_ms;
    match seen.primary.iter().find(well).map(|attempt| attempt.started_ms - seen.well_ms) {
        Some(after) if after <= millis(limit) => None,
        Some(after) => Some(format!("back at the primary only {after} ms after it was well")),
        None => Some("never back at the primary after it was well".to_owned()),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
