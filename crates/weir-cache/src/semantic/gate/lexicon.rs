//! What words and phrases mean to the gate: the tables of both languages behind one question.
//!
//! What always holds: a phrase has one meaning; the first table that names it decides, in the order of `all`. A single word
//! of English is known in each of its forms.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::stem::stem;
use super::{chinese, english};

/// The longest phrase in a table, in words or characters.
pub const PHRASE_WORDS_MAX: usize = 6;

/// The pair of "from" and "to".
pub const DIRECTION: usize = 0;

/// What a phrase means.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// Nothing: politeness, filling.
    Polite,
    /// It denies.
    Denial,
    /// It counts.
    Number(u128),
    /// It counts in powers of ten.
    Scale(u32),
    /// A unit; and whether it is one only behind a number.
    Unit(&'static str, bool),
    /// A time.
    Date(&'static str, TimeOf),
    /// A question's own word.
    Asks(&'static str),
    /// How much of a thing.
    Quantity(&'static str),
    /// One side of a pair of opposites.
    Side {
        /// Which pair.
        pair: usize,
        /// Which side.
        side: bool,
        /// The word that stands for all on this side.
        word: &'static str,
        /// Whether it is more than grammar.
        is_content: bool,
    },
    /// The same as another word.
    Same(&'static str),
    /// "To", which may be a direction.
    Toward,
    /// "Turn", which a particle decides.
    Turns,
    /// "不", which asks between two of the same.
    Repeats,
    /// Whoever writes, or whoever reads.
    Person(bool),
    /// Grammar, which may differ.
    Grammar,
}

/// When a word is a time.
#[derive(Clone, Copy, Debug)]
pub enum TimeOf {
    /// Always.
    Always,
    /// Behind a number.
    Hour,
    /// If it is seen to be a month.
    Month,
}

/// Rows of a table: what all the phrases of a row mean.
pub type Rows = &'static [(&'static str, &'static [&'static str])];

/// Pairs of opposites: the phrases of either side, of which the first stands for all.
pub type Pairs = &'static [(&'static [&'static str], &'static [&'static str])];

/// The tables of one language.
pub struct Language {
    /// Politeness and filling.
    pub polite: &'static [&'static str],
    /// What denies.
    pub denials: &'static [&'static str],
    /// What counts.
    pub numbers: &'static [(u128, &'static [&'static str])],
    /// Powers of ten.
    pub scales: &'static [(u32, &'static [&'static str])],
    /// Units, wherever they stand.
    pub units: Rows,
    /// Units behind a number.
    pub units_behind_numbers: Rows,
    /// Times.
    pub dates: Rows,
    /// Months that are other words as well.
    pub months_or_words: Rows,
    /// Hours that are other words as well.
    pub hours: Rows,
    /// Words for who writes, and for who reads.
    pub persons: (&'static [&'static str], &'static [&'static str]),
    /// Question words.
    pub asks: Rows,
    /// How much.
    pub quantities: Rows,
    /// Opposites.
    pub opposites: Pairs,
    /// Opposites that are grammar: "in", "out".
    pub particles: Pairs,
    /// Words for one thing.
    pub same: Rows,
    /// Grammar.
    pub grammar: &'static [&'static str],
    /// Words that a plugin of the reader decides.
    pub special: &'static [(&'static str, Meaning)],
}

static MEANINGS: LazyLock<BTreeMap<&'static str, Meaning>> = LazyLock::new(all);

/// What a phrase means, in small letters.
pub fn meaning_of(phrase: &str) -> Option<Meaning> {
    MEANINGS.get(phrase).copied()
}

/// What a word means of which this is the stem: only words of content have forms.
pub fn meaning_of_form(stem: &str) -> Option<Meaning> {
    meaning_of(stem).filter(|meaning| has_forms(*meaning))
}

fn all() -> BTreeMap<&'static str, Meaning> {
    let mut book = Book { meanings: BTreeMap::new(), pairs: 0 };
    for language in [&english::TABLES, &chinese::TABLES] {
        book.add(language);
    }
    // Forms come after all words: where a form of one word is another word, the word has the say.
    // Words of content only: "France" is no form of "franc".
    let forms = book.meanings.iter().filter(|(word, meaning)| !word.contains(' ') && has_forms(**meaning));
    let forms: Vec<(&str, Meaning)> = forms.map(|(word, meaning)| (stem(word), *meaning)).collect();
    for (form, meaning) in forms {
        book.meanings.entry(form).or_insert(meaning);
    }
    book.meanings
}

const fn has_forms(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Same(_) | Meaning::Turns | Meaning::Side { is_content: true, .. })
}

struct Book {
    meanings: BTreeMap<&'static str, Meaning>,
    pairs: usize,
}

impl Book {
    fn add(&mut self, tables: &Language) {
        // The particles come first, and first among them the pair of `DIRECTION`.
        self.pairs(tables.particles, false);
        self.pairs(tables.opposites, true);
        self.note(tables.special.iter().copied());
        self.note(tables.polite.iter().map(|phrase| (*phrase, Meaning::Polite)));
        self.note(tables.denials.iter().map(|phrase| (*phrase, Meaning::Denial)));
        for (value, phrases) in tables.numbers {
            self.note(phrases.iter().map(|phrase| (*phrase, Meaning::Number(*value))));
        }
        for (places, phrases) in tables.scales {
            self.note(phrases.iter().map(|phrase| (*phrase, Meaning::Scale(*places))));
        }
        self.rows(tables.units, |unit| Meaning::Unit(unit, false));
        self.rows(tables.dates, |date| Meaning::Date(date, TimeOf::Always));
        self.rows(tables.months_or_words, |date| Meaning::Date(date, TimeOf::Month));
        self.rows(tables.hours, |date| Meaning::Date(date, TimeOf::Hour));
        self.note(tables.persons.0.iter().map(|phrase| (*phrase, Meaning::Person(false))));
        self.note(tables.persons.1.iter().map(|phrase| (*phrase, Meaning::Person(true))));
        self.rows(tables.asks, Meaning::Asks);
        self.rows(tables.quantities, Meaning::Quantity);
        self.rows(tables.same, Meaning::Same);
        self.note(tables.grammar.iter().map(|phrase| (*phrase, Meaning::Grammar)));
        self.rows(tables.units_behind_numbers, |unit| Meaning::Unit(unit, true));
    }

    fn pairs(&mut self, pairs: Pairs, is_content: bool) {
        for (one, other) in pairs {
            for (phrases, side) in [(one, false), (other, true)] {
                let word = phrases[0];
                // Of "from" and "to", "from" is said where it counts.
                let is_content = is_content || self.pairs == DIRECTION;
                let meaning = Meaning::Side { pair: self.pairs, side, word, is_content };
                self.note(phrases.iter().map(|phrase| (*phrase, meaning)));
            }
            self.pairs += 1;
        }
    }

    fn rows(&mut self, rows: Rows, meaning: fn(&'static str) -> Meaning) {
        for (name, phrases) in rows {
            self.note(std::iter::once((*name, meaning(name))));
            self.note(phrases.iter().map(|phrase| (*phrase, meaning(name))));
        }
    }

    fn note(&mut self, entries: impl Iterator<Item = (&'static str, Meaning)>) {
        for (phrase, meaning) in entries {
            self.meanings.entry(phrase).or_insert(meaning);
        }
    }
}

/// A word without its contraction: "can't" is "can" "not".
pub fn uncontracted(word: &str) -> Vec<String> {
    let whole = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    if let Some((_, words)) = english::CONTRACTIONS.iter().find(|(short, _)| *short == word) {
        return whole(words);
    }
    if let Some(verb) = word.strip_suffix("n't") {
        return whole(&[verb, "not"]);
    }
    match word.rsplit_once('\'') {
        Some((before, "ll")) => whole(&[before, "will"]),
        Some((before, "re" | "m" | "s" | "d" | "ve" | "")) => whole(&[before]),
        _ => whole(&[word]),
    }
}

/// A sign that is a unit.
pub fn unit_sign(sign: &str) -> Option<&'static str> {
    english::UNIT_SIGNS.iter().find(|(written, _)| *written == sign).map(|(_, unit)| *unit)
}

/// Letters that may hang on digits without making an identifier of them: "5km", "3rd", "10pm".
pub fn hangs_on_numbers(letters: &str) -> bool {
    let folded = letters.to_lowercase();
    let meaning = meaning_of(&folded);
    is_ordinal_ending(&folded)
        || matches!(
            meaning,
            Some(Meaning::Unit(..) | Meaning::Scale(_) | Meaning::Date(_, TimeOf::Always | TimeOf::Hour))
        )
}

/// "st" of "1st".
pub fn is_ordinal_ending(letters: &str) -> bool {
    matches!(letters, "st" | "nd" | "rd" | "th")
}

/// Words for 1 that are articles where they measure nothing.
pub fn is_article(word: &str) -> bool {
    matches!(word, "one" | "一")
}

/// Whether a thing, not a verb, comes behind this word.
pub fn begins_a_thing(word: &str) -> bool {
    let meaning = meaning_of(word);
    english::BEGINS_A_THING.contains(&word)
        || matches!(meaning, Some(Meaning::Unit(_, false) | Meaning::Number(_)))
}
