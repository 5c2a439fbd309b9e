//! What a text says, as far as it decides an answer: its facts, and its words in order.
//!
//! A text is read once from left to right. At each place the longest phrase that a table knows is taken; politeness goes, what
//! has a meaning goes where that is compared, and what is left are words.
//!
//! What always holds: a reading depends on nothing but the text; a text that differs only in case, punctuation, politeness
//! or contractions reads the same.

use std::collections::{BTreeMap, BTreeSet};

use super::lexicon::{self, Meaning, PHRASE_WORDS_MAX, TimeOf};
use super::numbers::{Number, Sum};
use super::split::{self, Kind, Piece, is_han};
use super::stem::stem;

/// Of a text of at least so many words in which most begin with a capital, capitals say nothing.
const TITLE_WORDS_MIN: usize = 4;

/// What a text says.
#[derive(Debug, Default)]
pub struct Reading {
    /// What it is written in.
    pub script: Script,
    /// Code, paths, identifiers.
    pub code: Vec<String>,
    /// What is quoted.
    pub quoted: Vec<String>,
    /// Numbers, in one form.
    pub numbers: Vec<String>,
    /// Units and currencies, in one form.
    pub units: Vec<&'static str>,
    /// Days, months, times.
    pub dates: Vec<&'static str>,
    /// Signs of calculation.
    pub signs: String,
    /// How often it denies.
    pub denials: usize,
    /// How much of a thing it speaks of.
    pub quantities: BTreeSet<&'static str>,
    /// What it asks for.
    pub asks: BTreeSet<&'static str>,
    /// On which sides of which opposites it stands, in the order of saying.
    pub sides: BTreeMap<usize, Vec<bool>>,
    /// Whether it speaks of the reader and not of its writer, in the order of saying.
    pub persons: Vec<bool>,
    /// All other words.
    pub words: Vec<Word>,
}

/// What a text is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Chinese characters.
    pub han: bool,
    /// Letters that are not Latin.
    pub other: bool,
}

/// A word.
#[derive(Debug)]
pub struct Word {
    /// In the form that it shares with its synonyms.
    pub text: String,
    /// Whether it is written as a name is.
    pub is_name: bool,
    /// Whether it is more than grammar.
    pub is_content: bool,
}

impl Reading {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let text = split::plain(text);
        let pieces = split::pieces(&text);
        let tokens = tokens(&pieces);
        let mut reader =
            Reader { reading: Self::default(), capitals: capitals_mean(&tokens), in_sentence: false };
        reader.reading.script = Script {
            han: text.contains(is_han),
            other: text.chars().any(|c| c.is_alphabetic() && c > '\u{24f}' && !is_han(c)),
        };
        let mut at = 0;
        while at < tokens.len() {
            at += reader.step(&tokens, at);
        }
        reader.reading
    }

    /// The words that are more than grammar.
    pub fn content(&self) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(|word| word.is_content)
    }
}

/// A piece, ready to be looked up.
struct Token<'a> {
    kind: Kind,
    /// As written.
    written: &'a str,
    /// In small letters.
    folded: String,
}

/// The pieces with their contractions undone: "can't" is "can not", "I'll" is "I will".
fn tokens<'a>(pieces: &[Piece<'a>]) -> Vec<Token<'a>> {
    let mut tokens = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let folded = piece.text.to_lowercase();
        let parts: Vec<String> = match piece.kind {
            Kind::Word => lexicon::uncontracted(&folded),
            _ => vec![folded],
        };
        tokens.extend(parts.into_iter().map(|folded| Token {
            kind: piece.kind,
            written: piece.text,
            folded,
        }));
    }
    tokens
}

/// Whether capitals tell names from other words here.
fn capitals_mean(tokens: &[Token<'_>]) -> bool {
    let (mut all, mut capital, mut begins) = (0usize, 0usize, true);
    for token in tokens {
        if token.kind == Kind::Word && !begins {
            all += 1;
            capital += usize::from(is_capital(token.written));
        }
        begins = token.kind == Kind::Stop;
    }
    all < TITLE_WORDS_MIN || capital * 2 <= all
}

fn is_capital(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

struct Reader {
    reading: Reading,
    capitals: bool,
    /// Whether a capital would be a name's: a sentence has begun.
    in_sentence: bool,
}

impl Reader {
    /// Takes the longest phrase from here. Says of how many tokens it is.
    fn step(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let token = &tokens[at];
        let length = match token.kind {
            Kind::Stop => {
                self.in_sentence = false;
                return 1;
            }
            Kind::Quoted => {
                self.reading.quoted.push(token.written.to_owned());
                1
            }
            Kind::Identifier => {
                self.identifier(token);
                1
            }
            Kind::Sign => {
                self.sign(&token.folded);
                1
            }
            Kind::Number => self.number(tokens, at),
            Kind::Word | Kind::Han => self.phrase(tokens, at),
        };
        self.in_sentence = true;
        length
    }

    fn identifier(&mut self, token: &Token<'_>) {
        // "2FA" is "2fa"; a path is a path to the letter.
        let plain = token.written.bytes().all(|b| b.is_ascii_alphanumeric());
        self.reading.code.push(if plain { token.folded.clone() } else { token.written.to_owned() });
    }

    fn sign(&mut self, sign: &str) {
        match lexicon::unit_sign(sign) {
            Some(unit) => self.measure(unit),
            None if sign == "&" => {}
            None => self.reading.signs.push_str(sign),
        }
    }

    /// Digits, and the scales after them: "1.5 million", "3万".
    fn number(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let Some(mut number) = Number::written(&tokens[at].folded) else {
            self.reading.code.push(tokens[at].folded.clone());
            return 1;
        };
        let mut length = 1;
        while let Some(token) = tokens.get(at + length) {
            match lexicon::meaning_of(&token.folded) {
                Some(Meaning::Scale(places)) if token.kind != Kind::Quoted => {
                    number = number.times_ten_to(places);
                }
                // "1st" and "1 May" are one number.
                _ if length == 1 && lexicon::is_ordinal_ending(&token.folded) => {}
                _ => break,
            }
            length += 1;
        }
        self.reading.numbers.push(number.canonical());
        length
    }

    fn phrase(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let token = &tokens[at];
        if matches!(lexicon::meaning_of(&token.folded), Some(Meaning::Repeats)) && repeats(tokens, at) {
            return 2;
        }
        let (length, meaning) = match longest(tokens, at) {
            Some(found) => found,
            None if token.kind == Kind::Word => match lexicon::meaning_of_form(stem(&token.folded)) {
                Some(meaning) => (1, meaning),
                None => return self.unknown(token),
            },
            None => return self.unknown(token),
        };
        match meaning {
            Meaning::Polite => {}
            Meaning::Number(_) | Meaning::Scale(_) => return self.number_words(tokens, at),
            Meaning::Denial | Meaning::Repeats => self.reading.denials += 1,
            Meaning::Unit(unit, needs_number) => return self.unit(tokens, at, length, (unit, needs_number)),
            Meaning::Date(date, when) => return self.date(tokens, at, length, (date, when)),
            Meaning::Asks(what) => {
                self.reading.asks.insert(what);
            }
            Meaning::Quantity(how) => {
                self.reading.quantities.insert(how);
            }
            Meaning::Side { pair, side, word, is_content } => {
                self.side(pair, side);
                self.word(word.to_owned(), false, is_content);
            }
            Meaning::Toward => return self.toward(tokens, at),
            Meaning::Turns => return self.turns(tokens, at),
            Meaning::Same(word) => self.word(word.to_owned(), self.is_name(token), true),
            Meaning::Person(you) => {
                if self.reading.persons.last() != Some(&you) {
                    self.reading.persons.push(you);
                }
            }
            Meaning::Grammar => {
                let is_name = token.written.len() > 1 && is_all_capital(token.written) && self.is_name(token);
                self.word(token.folded.clone(), is_name, is_name);
            }
        }
        length
    }

    fn unknown(&mut self, token: &Token<'_>) -> usize {
        let latin_among_han = self.reading.script.han && token.kind == Kind::Word;
        let is_name = latin_among_han || self.is_name(token);
        let text = if token.kind == Kind::Word { stem(&token.folded) } else { &token.folded };
        self.word(text.to_owned(), is_name, true);
        1
    }

    fn word(&mut self, text: String, is_name: bool, is_content: bool) {
        self.reading.words.push(Word { text, is_name, is_content });
    }

    fn is_name(&self, token: &Token<'_>) -> bool {
        let mut letters = token.written.chars();
        let first = letters.next().is_some_and(char::is_uppercase);
        let inner = letters.any(char::is_uppercase);
        self.capitals && token.kind == Kind::Word && ((first && self.in_sentence) || inner)
    }

    fn side(&mut self, pair: usize, side: bool) {
        let sides = self.reading.sides.entry(pair).or_default();
        if sides.last() != Some(&side) {
            sides.push(side);
        }
    }

    /// Number words from here on, as one number.
    fn number_words(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let mut sum = Sum::default();
        let mut length = 0;
        while let Some(token) = tokens.get(at + length) {
            match lexicon::meaning_of(&token.folded) {
                Some(Meaning::Number(value)) => sum.count(value),
                Some(Meaning::Scale(places)) => sum.scale(places),
                Some(Meaning::Grammar) if token.folded == "and" && counts(tokens, at + length + 1) => {}
                _ => break,
            }
            length += 1;
        }
        let alone = length == 1 && lexicon::is_article(&tokens[at].folded);
        if alone && !measures(tokens, at + 1) {
            return 1;
        }
        self.reading.numbers.push(sum.number().canonical());
        length.max(1)
    }

    /// A unit; some words are units only behind a number ("5 m") and otherwise whatever they are.
    fn unit(
        &mut self,
        tokens: &[Token<'_>],
        at: usize,
        length: usize,
        (unit, needs_number): (&'static str, bool),
    ) -> usize {
        if needs_number && !counted(tokens, at) {
            return self.unknown(&tokens[at]);
        }
        self.measure(unit);
        length
    }

    /// Among names a unit has its place: "GBP for TRY" is not "TRY for GBP".
    fn measure(&mut self, unit: &'static str) {
        self.reading.units.push(unit);
        self.word(unit.to_owned(), true, false);
    }

    fn date(
        &mut self,
        tokens: &[Token<'_>],
        at: usize,
        length: usize,
        (date, when): (&'static str, TimeOf),
    ) -> usize {
        let token = &tokens[at];
        let meant = match when {
            TimeOf::Always => true,
            // "May" and "March" are months beside a number, or with a capital in a sentence.
            TimeOf::Hour => counted(tokens, at),
            TimeOf::Month => {
                counted(tokens, at)
                    || counts(tokens, at + 1)
                    || (self.is_name(token) && is_capital(token.written))
            }
        };
        if !meant {
            self.word(token.folded.clone(), false, false);
            return 1;
        }
        self.reading.dates.push(date);
        length
    }

    /// "To" is a direction before a thing, and grammar before a verb.
    fn toward(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let thing = tokens.get(at + 1).is_some_and(|next| {
            next.kind != Kind::Word || lexicon::begins_a_thing(&next.folded) || is_capital(next.written)
        });
        if thing {
            self.side(lexicon::DIRECTION, true);
        }
        1
    }

    /// "Turn it on": the verb means what its particle says, and the particle may come later.
    fn turns(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let ahead =
            tokens[at + 1..].iter().take(PHRASE_WORDS_MAX).take_while(|token| token.kind != Kind::Stop);
        let particle = ahead.map(|token| &*token.folded).find(|word| matches!(*word, "on" | "off"));
        match particle.and_then(|particle| lexicon::meaning_of(&format!("turn {particle}"))) {
            Some(Meaning::Side { pair, side, word, is_content }) => {
                self.side(pair, side);
                self.word(word.to_owned(), false, is_content);
                1
            }
            _ => self.unknown(&tokens[at]),
        }
    }
}

/// "能不能" asks and denies nothing.
fn repeats(tokens: &[Token<'_>], at: usize) -> bool {
    at > 0 && tokens.get(at + 1).is_some_and(|next| next.folded == tokens[at - 1].folded)
}

fn is_all_capital(word: &str) -> bool {
    word.chars().all(char::is_uppercase)
}

/// The longest phrase that begins here, and what it means.
fn longest(tokens: &[Token<'_>], at: usize) -> Option<(usize, Meaning)> {
    let kind = tokens[at].kind;
    let mut phrase = String::new();
    let mut found = None;
    for (length, token) in (1..=PHRASE_WORDS_MAX).zip(&tokens[at..]) {
        if token.kind != kind {
            break;
        }
        if length > 1 && kind == Kind::Word {
            phrase.push(' ');
        }
        phrase.push_str(&token.folded);
        if let Some(meaning) = lexicon::meaning_of(&phrase) {
            found = Some((length, meaning));
        }
    }
    found
}

/// Whether a number stands here.
fn counts(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        let word = lexicon::meaning_of(&token.folded);
        token.kind == Kind::Number || matches!(word, Some(Meaning::Number(_) | Meaning::Scale(_)))
    })
}

/// Whether a number stands before here.
fn counted(tokens: &[Token<'_>], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| counts(tokens, before))
}

/// Whether a unit or a scale stands here.
fn measures(tokens: &[Token<'_>], at: usize) -> bool {
    let meaning = longest_at(tokens, at);
    matches!(meaning, Some(Meaning::Scale(_) | Meaning::Unit(..)))
}

fn longest_at(tokens: &[Token<'_>], at: usize) -> Option<Meaning> {
    let token = tokens.get(at)?;
    longest(tokens, at).map(|(_, meaning)| meaning).or_else(|| lexicon::meaning_of_form(stem(&token.folded)))
}
