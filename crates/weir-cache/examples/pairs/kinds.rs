//! The kinds of pairs, and how many of each.
//!
//! What always holds: all pairs of a kind have one label.

use weir_core::Chance;

use super::changes::{DATES, NAMES, NEGATIONS, NUMBERS, OPPOSITES, REVERSALS, UNITS};
use super::{Pair, Question, changes, overlap, variants};

/// A kind.
pub struct Kind {
    /// Its name in the file.
    pub name: &'static str,
    /// Whether its questions ask for the same.
    pub same: bool,
    /// How many at most.
    pub count: usize,
    /// Makes them.
    pub make: fn(&[Question], &Chance, usize) -> Vec<Pair>,
}

/// All kinds.
pub const ALL: &[Kind] = &[
    Kind { name: "paraphrase", same: true, count: 1_500, make: variants::paraphrases },
    Kind { name: "close", same: true, count: 900, make: overlap::close },
    Kind { name: "other-intent", same: false, count: 1_000, make: overlap::other_intent },
    Kind {
        name: "number",
        same: false,
        count: 350,
        make: |questions, chance, _| changes::made(questions, chance, NUMBERS),
    },
    Kind {
        name: "negation",
        same: false,
        count: 500,
        make: |questions, chance, _| changes::made(questions, chance, NEGATIONS),
    },
    Kind {
        name: "opposite",
        same: false,
        count: 500,
        make: |questions, chance, _| changes::made(questions, chance, OPPOSITES),
    },
    Kind {
        name: "name",
        same: false,
        count: 400,
        make: |questions, chance, _| changes::names(questions, chance, NAMES),
    },
    Kind {
        name: "reversed",
        same: false,
        count: 350,
        make: |questions, chance, _| changes::reversed(questions, chance, REVERSALS),
    },
    Kind {
        name: "date",
        same: false,
        count: 350,
        make: |questions, chance, _| changes::made(questions, chance, DATES),
    },
    Kind {
        name: "unit",
        same: false,
        count: 350,
        make: |questions, chance, _| changes::made(questions, chance, UNITS),
    },
];
