//! Paraphrases: a real question and itself as somebody else would write it.
//!
//! What always holds: a variant asks for exactly the same. Its tables are this file's own, not the gate's.

use weir_core::Chance;

use super::phrases::{capitalised, one, replace, small};
use super::{Pair, Question};

const BEFORE: &[&str] = &[
    "Hi, ",
    "Hello, ",
    "Hey there, ",
    "Good morning, ",
    "Excuse me, ",
    "Sorry to bother you, ",
    "Please, ",
    "Quick one: ",
    "Hello team, ",
    "Hiya, ",
    "Dear support, ",
    "I hope you are well. ",
    "Thanks in advance. ",
    "Quick question: ",
    "So, ",
    "Well, ",
    "OK, ",
    "Um, ",
    "Just curious, ",
    "Good day. ",
    "Hi guys, ",
];

/// Before a question that begins with its question word or verb.
const ASKING: &[&str] = &[
    "Can you tell me: ",
    "Please tell me: ",
    "I was wondering: ",
    "Could you please tell me: ",
    "May I ask: ",
    "Would you be so kind as to tell me: ",
    "I'd love to know: ",
    "Do you know: ",
];

const BEHIND: &[&str] = &[
    " Thanks!",
    " Thank you.",
    " Please help.",
    " Cheers.",
    " Thanks in advance!",
    " Please advise.",
    " Many thanks.",
    " Kind regards.",
    " Ta.",
    " Much appreciated.",
];

/// Words that add nothing, behind words that they may follow.
const FILLERS: &[(&str, &str)] = &[
    ("how do i", "how do I actually"),
    ("can i", "can I please"),
    ("my card", "my own card"),
    ("why is", "why exactly is"),
    ("why was", "why on earth was"),
    ("how can i", "how can I possibly"),
    ("i want", "I really want"),
    ("i need", "I really need"),
    ("is there", "is there perhaps"),
    ("do you", "do you guys"),
    ("i tried", "I just tried"),
    ("what is", "what exactly is"),
];

const CONTRACTIONS: &[(&str, &str)] = &[
    ("can't", "cannot"),
    ("don't", "do not"),
    ("didn't", "did not"),
    ("isn't", "is not"),
    ("hasn't", "has not"),
    ("haven't", "have not"),
    ("wasn't", "was not"),
    ("doesn't", "does not"),
    ("won't", "will not"),
    ("couldn't", "could not"),
    ("i'm", "I am"),
    ("i've", "I have"),
    ("what's", "what is"),
    ("it's", "it is"),
    ("i'd", "I would"),
    ("i'll", "I will"),
    ("there's", "there is"),
    ("cannot", "can't"),
    ("do not", "don't"),
    ("did not", "didn't"),
    ("is not", "isn't"),
    ("has not", "hasn't"),
    ("i am", "I'm"),
    ("i have", "I've"),
    ("what is", "what's"),
    ("it is", "it's"),
    ("there is", "there's"),
    ("i would", "I'd"),
    ("can not", "can't"),
];

const SYNONYMS: &[(&str, &str)] = &[
    ("purchase", "buy"),
    ("purchased", "bought"),
    ("phone", "mobile"),
    ("app", "application"),
    ("card", "bank card"),
    ("help", "assist"),
    ("fix", "sort out"),
    ("get", "obtain"),
    ("need", "require"),
    ("money", "funds"),
    ("cash", "banknotes"),
    ("wrong", "incorrect"),
    ("incorrect", "wrong"),
    ("change", "modify"),
    ("countries", "nations"),
    ("mistake", "error"),
    ("ask", "enquire"),
    ("choose", "pick"),
    ("buy", "purchase"),
    ("allowed", "permitted"),
    ("quickly", "fast"),
    ("find", "locate"),
    ("happened", "occurred"),
    ("company", "firm"),
    ("shop", "store"),
    ("store", "shop"),
    ("job", "occupation"),
    ("address", "postal address"),
    ("start", "begin"),
    ("topping up", "top-up"),
    ("top up", "top-up"),
    ("top-up", "topup"),
    ("cancel", "call off"),
    ("transaction", "payment"),
    ("identity", "ID"),
    ("strange", "odd"),
    ("weird", "odd"),
    ("maximum", "max"),
    ("information", "info"),
    ("want to", "wish to"),
    ("why is", "how come"),
    ("can i", "am I able to"),
    ("is it possible to", "can I"),
    ("can i", "is it possible for me to"),
];

/// Paraphrases of questions by chance, each by one to three changes.
pub fn paraphrases(questions: &[Question], chance: &Chance, count: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    while pairs.len() < count + count / 10 {
        let question = &questions[chance.below(questions.len())].text;
        let mut other = question.clone();
        for _ in 0..=chance.below(3) {
            other = changed(other, chance);
        }
        if other != *question {
            pairs.push(Pair { one: question.clone(), other });
        }
    }
    pairs
}

fn changed(text: String, chance: &Chance) -> String {
    match chance.below(8) {
        0 => text.to_lowercase(),
        1 => unpunctuated(&text, chance),
        2 => format!("{}{}", one(chance, BEFORE), small(&text)),
        3 if text.ends_with('?') && !text.trim_end_matches('?').contains(['.', '?', '!']) => {
            format!("{}{}", one(chance, ASKING), small(&text))
        }
        3 => capitalised(&text),
        4 => format!("{text}{}", one(chance, BEHIND)),
        5 => by(FILLERS, text, chance),
        6 => by(if chance.below(2) == 0 { CONTRACTIONS } else { SYNONYMS }, text, chance),
        _ => typed(&text, chance),
    }
}

/// By the first row that fits, of rows from a place by chance on.
fn by(rows: &[(&str, &str)], text: String, chance: &Chance) -> String {
    let start = chance.below(rows.len());
    let mut fitting = rows[start..].iter().chain(&rows[..start]);
    fitting.find_map(|(phrase, with)| replace(&text, phrase, with)).unwrap_or(text)
}

fn unpunctuated(text: &str, chance: &Chance) -> String {
    match chance.below(4) {
        0 => text.trim_end_matches(['?', '.', '!']).to_owned(),
        1 => text.replace([',', '?', '.', '!'], ""),
        2 => format!("{}???", text.trim_end_matches(['?', '.', '!'])),
        _ => text.replace('\'', "\u{2019}").replace(' ', "  "),
    }
}

/// One slip of the fingers in a word of five small letters or more.
fn typed(text: &str, chance: &Chance) -> String {
    let long = |word: &&str| word.len() >= 5 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let words: Vec<&str> = text.split(' ').filter(long).collect();
    if words.is_empty() {
        return text.to_owned();
    }
    let word = one(chance, &words);
    let at = 1 + chance.below(word.len() - 3);
    let (before, after) = word.split_at(at);
    let slipped = match chance.below(3) {
        0 => format!("{before}{}", &after[1..]),
        1 => format!("{before}{}{after}", &after[..1]),
        _ => format!("{before}{}{}{}", &after[1..2], &after[..1], &after[2..]),
    };
    text.replacen(word, &slipped, 1)
}
