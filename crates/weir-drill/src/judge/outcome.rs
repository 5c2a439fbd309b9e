//! What one call came to: the whole answer, an honest error, or something false.

use crate::exchange::End;
use crate::question::Right;
use crate::scenario::Dialect;
use crate::told::Told;

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
        (Some(said), _) if complete && said == finish => {
            unsigned(told, right, dialect).map_or(Outcome::Whole, Outcome::False)
        }
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

/// A caller of messages hands the thoughts back in its next turn; the service refuses those that it did not
/// sign, or that are not what it signed.
fn unsigned(told: &Told, right: Right, dialect: Dialect) -> Option<String> {
    if dialect == Dialect::Chat || told.thoughts.is_empty() {
        return None;
    }
    let (said, all) = (told.thoughts.chars().count(), right.thoughts.chars().count());
    match (told.unsigned, said == all) {
        (true, _) => Some(format!(
            "thoughts without their signature, in an answer that claims to be whole: {said} of {all} characters"
        )),
        (false, false) => Some(format!("a signature under half of the thoughts: {said} of {all} characters")),
        (false, true) => None,
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
