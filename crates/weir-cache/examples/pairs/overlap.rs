//! Pairs of two real questions: of one intent and close, or of different intents.
//!
//! What always holds: closeness is the share of words of content that both have (Jaccard), counted with a list of words
//! without content that is this file's own.

use std::collections::BTreeSet;

use weir_core::Chance;

use super::phrases::shuffled;
use super::{Pair, Question};

/// From here on two questions of one intent are taken for one question.
const CLOSE_MIN: f64 = 0.6;

const EMPTY: &str = " a an and am are as at be been but by can could did do does for from get had has have how i if in is it its \
    just me my of on or please so some that the them there this to up was what when where which who why will with would you your ";

struct Read<'a> {
    question: &'a Question,
    words: BTreeSet<String>,
    /// Numbers, and words with a capital inside the sentence.
    marked: BTreeSet<String>,
}

fn read(question: &Question) -> Read<'_> {
    let words = || question.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let content =
        words().map(str::to_lowercase).filter(|word| word.len() > 1 && !EMPTY.contains(&format!(" {word} ")));
    let marks =
        |word: &str| word.starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase()) && word != "I";
    let marked = words().skip(1).filter(|word| marks(word)).map(str::to_lowercase).collect();
    Read { question, words: content.collect(), marked }
}

fn closeness(one: &Read<'_>, other: &Read<'_>) -> f64 {
    let both = one.words.intersection(&other.words).count();
    both as f64 / (one.words.len() + other.words.len() - both).max(1) as f64
}

fn pair(one: &Read<'_>, other: &Read<'_>) -> Pair {
    Pair { one: one.question.text.clone(), other: other.question.text.clone() }
}

/// Questions of one intent that share most of their words and name the same.
pub fn close(questions: &[Question], chance: &Chance, count: usize) -> Vec<Pair> {
    let read: Vec<Read<'_>> = questions.iter().map(read).collect();
    let mut pairs = Vec::new();
    for (at, one) in read.iter().enumerate() {
        let rest = read[at + 1..].iter().filter(|other| other.question.intent == one.question.intent);
        let near = rest.filter(|other| {
            other.marked == one.marked && one.words.len() > 1 && closeness(one, other) >= CLOSE_MIN
        });
        // No question more than twice, or a few that everybody asks would be all there is.
        pairs.extend(near.take(2).map(|other| pair(one, other)));
    }
    let mut pairs = shuffled(chance, pairs);
    pairs.truncate(count + count / 10);
    pairs
}

/// Questions of different intents: half by chance, half the closest there are.
pub fn other_intent(questions: &[Question], chance: &Chance, count: usize) -> Vec<Pair> {
    let read: Vec<Read<'_>> = questions.iter().map(read).collect();
    let mut pairs = Vec::new();
    while pairs.len() < count / 2 {
        let (one, other) = (&read[chance.below(read.len())], &read[chance.below(read.len())]);
        if one.question.intent != other.question.intent {
            pairs.push(pair(one, other));
        }
    }
    let sample = shuffled(chance, read.iter().collect());
    for one in sample.into_iter().take(count - pairs.len()) {
        let others = read
            .iter()
            .filter(|other| other.question.intent != one.question.intent && other.words != one.words);
        let closest = others.max_by(|a, b| closeness(one, a).total_cmp(&closeness(one, b)));
        pairs.extend(closest.map(|other| pair(one, other)));
    }
    pairs
}
