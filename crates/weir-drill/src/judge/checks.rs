//! What should hold besides the answer: attempts, times, names.

use std::time::Duration;

use super::Seen;
use super::outcome::{Outcome, outcome};
use crate::case::Case;
use crate::scenario::Check;
use crate::upstream::Attempt;

/// Checks without which nothing passes.
pub(super) fn fatal(case: &Case, seen: &Seen) -> Option<String> {
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
pub(super) fn breach(check: &Check, seen: &Seen) -> Option<String> {
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
        Check::TakenUp => {
            let taken_up = attempts(seen).any(|attempt| attempt.prefill && attempt.complete());
            count(taken_up, "no begun answer was given to a service that goes on from it".to_owned())
        }
        Check::PrefillRefused => {
            count(attempts(seen).any(Attempt::prefill_refused), "no begun answer was refused".to_owned())
        }
        Check::PrefillNotRepeated => {
            let again = prefills_after_refusal(&seen.primary) + prefills_after_refusal(&seen.fallback);
            count(again == 0, format!("a service that refused a begun answer was given {again} more"))
        }
        Check::Status(status) => {
            let other = seen.calls.iter().find(|told| told.status != Some(status))?;
            let said = other.status.map_or_else(|| "none".to_owned(), |said| said.to_string());
            Some(format!("the status is {said}, not {status} as the service's"))
        }
        Check::NotMaskedBy(_) | Check::AliveAfter => None,
    }
}

fn attempts(seen: &Seen) -> impl Iterator<Item = &Attempt> {
    seen.primary.iter().chain(&seen.fallback)
}

fn prefills_after_refusal(attempts: &[Attempt]) -> usize {
    let after = attempts.iter().skip_while(|attempt| !attempt.prefill_refused()).skip(1);
    after.filter(|attempt| attempt.prefill).count()
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
