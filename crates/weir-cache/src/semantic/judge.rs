//! Whether two answers say the same.
//!
//! What always holds: in doubt they do not. The bound on false answers holds only as far as whoever judges is right.

use weir_core::Operation;

use crate::entry::Entry;
use crate::tiers::Boxed;

/// Two answers, to two questions that are alike.
pub struct Pair<'a> {
    /// What was asked for.
    pub operation: Operation,
    /// The question that is answered anew.
    pub question: &'a str,
    /// What the kept answer says.
    pub kept: &'a str,
    /// What the new answer says.
    pub new: &'a str,
}

/// Tells whether two answers say the same.
pub trait Judge: Send + Sync {
    /// Whether the kept answer would have done as well; `None`: it cannot tell.
    fn is_same<'a>(&'a self, pair: Pair<'a>) -> Boxed<'a, Option<bool>>;
}

/// By what they are made of: JSON by its values, other texts word by word. For answers that come out alike when they mean the
/// same: labels, numbers, structured output. Of free text, nearly every second answer is another one to it, so it is slow to be
/// convinced and never by mistake.
pub struct Exact;

impl Judge for Exact {
    fn is_same<'a>(&'a self, pair: Pair<'a>) -> Boxed<'a, Option<bool>> {
        Box::pin(std::future::ready(Some(says_the_same(pair.kept, pair.new))))
    }
}

pub(crate) fn says_the_same(one: &str, other: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (json(one), json(other)) {
        (Some(one), Some(other)) => one == other,
        _ => words(one).eq(words(other)),
    }
}

/// Words in lower case, with what stands between them left out at their ends only: `3.5` is not `35`.
fn words(text: &str) -> impl Iterator<Item = String> {
    let bare = |word: &str| {
        word.trim_matches(|letter: char| !letter.is_alphanumeric() && !"-+%$€£¥".contains(letter))
            .to_lowercase()
    };
    text.split_whitespace().map(bare).filter(|word| !word.is_empty())
}

/// The answer's own words.
pub(crate) type Text = fn(Operation, &Entry) -> Option<String>;
