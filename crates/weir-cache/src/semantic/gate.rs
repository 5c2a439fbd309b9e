//! The content gate: may two questions that a sentence embedding finds alike be answered alike?
//!
//! An embedding sees what a text is about and hardly what it says of it: "enable" and "disable", "USD to EUR" and "EUR to
//! USD" lie closer together than most paraphrases do. So what decides an answer is compared here word by word: numbers,
//! units, dates, names, code, quotes, negation, opposites, quantity, the question's own word, and the order of what both name.
//! And then any other word of content has to agree too, up to its forms, its synonyms in a table, and slips of the pen: a
//! word that no table knows is more often another thing than another name for it. To ask that only of near copies lets ten
//! times as many pairs of different intents through, and few more of the same (`data/README.md`).
//!
//! What always holds: the gate is symmetric and deterministic; equal texts agree; its time is about linear in both lengths,
//! each at most [`TEXT_BYTES_MAX`]; in doubt the texts differ. It knows English and Chinese; in other languages all words are
//! words of content.
//!
//! Without crates: of Unicode's word borders only those of two scripts are needed, and here `1,000`, `2FA`, `--flag` and
//! `a/b.rs` must stay whole where the standard's borders cut them; a Snowball stemmer takes `universal` and `university` for
//! one word, which is well for a search and wrong for a gate.

mod chinese;
mod english;
mod lexicon;
mod numbers;
mod read;
mod split;
mod stem;

use std::collections::{BTreeMap, BTreeSet};

use read::{Reading, Word};

/// The longest text that is compared. A question is shorter; a longer text is a document, of which no two are alike.
pub const TEXT_BYTES_MAX: usize = 32 << 10;

/// Why two texts may not be answered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// One is too long to be compared.
    Length,
    /// They are in different scripts.
    Script,
    /// Code, paths, addresses, identifiers.
    Code,
    /// What stands between quotation marks.
    Quoted,
    /// Numbers, or their order.
    Number,
    /// Units and currencies, or their order.
    Unit,
    /// Days, months, times, "last" and "next".
    Date,
    /// Signs that calculate or compare.
    Sign,
    /// Names, or their order.
    Name,
    /// One denies what the other asserts.
    Negation,
    /// One says "enable", the other "disable".
    Opposite,
    /// "All", "only", "both".
    Quantity,
    /// "Who", "when", "how many".
    Question,
    /// The same words in an order that turns the meaning round.
    Order,
    /// Any other word of content.
    Word,
}

impl Difference {
    /// For a metric's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Script => "script",
            Self::Code => "code",
            Self::Quoted => "quoted",
            Self::Number => "number",
            Self::Unit => "unit",
            Self::Date => "date",
            Self::Sign => "sign",
            Self::Name => "name",
            Self::Negation => "negation",
            Self::Opposite => "opposite",
            Self::Quantity => "quantity",
            Self::Question => "question",
            Self::Order => "order",
            Self::Word => "word",
        }
    }
}

/// Whether nothing that the gate knows of sets two texts apart.
///
/// # Errors
/// Something does: the first thing that was found.
pub fn agree(one: &str, other: &str) -> Result<(), Difference> {
    if one == other {
        return Ok(());
    }
    if one.len().max(other.len()) > TEXT_BYTES_MAX {
        return Err(Difference::Length);
    }
    let (one, other) = (Reading::of(one), Reading::of(other));
    facts(&one, &other)?;
    unless(same_names(&one, &other), Difference::Name)?;
    unless(!opposed(&one.sides, &other.sides), Difference::Opposite)?;
    unless(same_order(&one, &other) && same_persons(&one, &other), Difference::Order)?;
    unless(same_words(&one, &other), Difference::Word)
}

/// What is compared as it stands.
fn facts(one: &Reading, other: &Reading) -> Result<(), Difference> {
    unless(one.script == other.script, Difference::Script)?;
    unless(one.code == other.code, Difference::Code)?;
    unless(one.quoted == other.quoted, Difference::Quoted)?;
    unless(one.numbers == other.numbers, Difference::Number)?;
    unless(one.units == other.units, Difference::Unit)?;
    unless(one.dates == other.dates, Difference::Date)?;
    unless(one.signs == other.signs, Difference::Sign)?;
    unless(one.denials == other.denials, Difference::Negation)?;
    unless(one.quantities == other.quantities, Difference::Quantity)?;
    unless(one.asks == other.asks, Difference::Question)
}

fn unless(holds: bool, difference: Difference) -> Result<(), Difference> {
    if holds { Ok(()) } else { Err(difference) }
}

/// Whatever either text marks as a name, both say, in one order. Its marks may be missing in the other: people write
/// without capitals.
fn same_names(one: &Reading, other: &Reading) -> bool {
    let names: BTreeSet<&str> =
        one.words.iter().chain(&other.words).filter(|word| word.is_name).map(|word| &*word.text).collect();
    let named = |reading: &Reading| -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for word in reading.words.iter().filter(|word| names.contains(&*word.text)) {
            // "My card. The card …" names it once more, and nothing else.
            if said.last() != Some(&word.text) {
                said.push(word.text.clone());
            }
        }
        said
    };
    named(one) == named(other)
}

/// Whether the texts take different sides of a pair of opposites, or the same ones in another order.
fn opposed(one: &BTreeMap<usize, Vec<bool>>, other: &BTreeMap<usize, Vec<bool>>) -> bool {
    one.iter().any(|(pair, sides)| other.get(pair).is_some_and(|others| sides != others))
}

/// What both say once is said in the same order by both: "dog bites man" is not "man bites dog".
fn same_order(one: &Reading, other: &Reading) -> bool {
    let (in_one, in_other) = (once(one), once(other));
    let shared = |reading: &Reading| -> Vec<String> {
        let both = |word: &&Word| in_one.contains(&*word.text) && in_other.contains(&*word.text);
        reading.content().filter(both).map(|word| word.text.clone()).collect()
    };
    shared(one) == shared(other)
}

/// "Can I send you" is not "can you send me", nor "what you sent me" what "I sent you". Who is spoken of by one text alone
/// may be politeness.
fn same_persons(one: &Reading, other: &Reading) -> bool {
    let (one, other) = (&one.persons, &other.persons);
    one.len().min(other.len()) < 2 || (one.first() == other.first() && one.last() == other.last())
}

/// The words of content that a text has once.
fn once(reading: &Reading) -> BTreeSet<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in reading.content() {
        *counts.entry(&word.text).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(word, _)| word).collect()
}

/// Whether every word of content agrees, but for a slip of the pen.
fn same_words(one: &Reading, other: &Reading) -> bool {
    let alike = |one: &str, other: &str| one == other || stem::slip(stem::stem(one), stem::stem(other));
    one.content().count() == other.content().count()
        && one.content().zip(other.content()).all(|(one, other)| alike(&one.text, &other.text))
}
