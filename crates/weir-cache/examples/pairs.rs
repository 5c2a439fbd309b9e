//! Labelled pairs of questions, made from real ones, and what the content gate says of them.
//!
//! ```sh
//! cargo run -p weir-cache --example pairs -- banking77_train.csv crates/weir-cache/data/pairs.csv
//! cargo run -p weir-cache --example pairs -- --gate crates/weir-cache/data/pairs.csv
//! ```
//!
//! What always holds: the same questions give the same pairs; no pair is made with the gate or with one of its tables, so
//! that the gate can fail; a text stands in no pair with itself.
#![allow(clippy::print_stdout, reason = "a measurement: it prints")]

#[path = "pairs/changes.rs"]
mod changes;
#[path = "pairs/kinds.rs"]
mod kinds;
#[path = "pairs/overlap.rs"]
mod overlap;
#[path = "pairs/phrases.rs"]
mod phrases;
#[path = "pairs/variants.rs"]
mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use weir_cache::semantic::gate;
use weir_core::Chance;

/// A question and what its asker wants.
pub struct Question {
    /// As it was asked.
    pub text: String,
    /// One of 77.
    pub intent: String,
}

/// Two questions.
pub struct Pair {
    /// One.
    pub one: String,
    /// The other.
    pub other: String,
}

/// The longest question that is taken.
const CHARACTERS_MAX: usize = 140;

const SEED: u64 = 77;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--gate", pairs] => print_verdicts(pairs, false),
        ["--gate", pairs, "--wrong"] => print_verdicts(pairs, true),
        [questions, pairs] => write_pairs(questions, pairs),
        _ => Err("give the questions and the file for the pairs, or `--gate` and the pairs".into()),
    }
}

fn write_pairs(questions: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let questions = read_questions(questions)?;
    let mut file = csv::Writer::from_path(to)?;
    file.write_record(["one", "other", "same", "kind"])?;
    let mut seen = BTreeSet::new();
    for kind in kinds::ALL {
        // Each kind draws for itself: what one kind does moves no other.
        let chance = Chance::seeded(SEED ^ kind.name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)));
        let pairs = (kind.make)(&questions, &chance, kind.count);
        let new = |pair: &Pair| pair.one != pair.other && seen.insert((pair.one.clone(), pair.other.clone()));
        for Pair { one, other } in pairs.into_iter().filter(new).take(kind.count) {
            file.write_record([&*one, &*other, if kind.same { "true" } else { "false" }, kind.name])?;
        }
    }
    Ok(file.flush()?)
}

/// The questions of one line and of a usual length.
fn read_questions(path: &str) -> Result<Vec<Question>, Box<dyn Error>> {
    let mut questions = Vec::new();
    for row in csv::Reader::from_path(path)?.records() {
        let row = row?;
        let (Some(text), Some(intent)) = (row.get(0), row.get(1)) else { continue };
        let text = text.trim();
        if !text.contains('\n') && (12..CHARACTERS_MAX).contains(&text.len()) {
            questions.push(Question { text: text.to_owned(), intent: intent.to_owned() });
        }
    }
    Ok(questions)
}

#[derive(Default)]
struct Verdicts {
    same: bool,
    let_through: usize,
    held_back: usize,
    reasons: BTreeMap<&'static str, usize>,
}

/// Says per kind what the gate lets through and holds back, and why; or which pairs it is wrong about.
fn print_verdicts(pairs: &str, wrong: bool) -> Result<(), Box<dyn Error>> {
    let mut kinds: BTreeMap<String, Verdicts> = BTreeMap::new();
    for row in csv::Reader::from_path(pairs)?.records() {
        let row = row?;
        let (one, other, same, kind) = (&row[0], &row[1], &row[2] == "true", &row[3]);
        let verdicts = kinds.entry(kind.to_owned()).or_default();
        verdicts.same = same;
        let verdict = gate::agree(one, other);
        match verdict {
            Ok(()) => verdicts.let_through += 1,
            Err(reason) => {
                verdicts.held_back += 1;
                *verdicts.reasons.entry(reason.name()).or_default() += 1;
            }
        }
        if wrong && verdict.is_ok() != same {
            println!("{kind}\t{}\t{one}\t{other}", verdict.err().map_or("-", gate::Difference::name));
        }
    }
    if wrong {
        return Ok(());
    }
    println!("| kind | same | pairs | let through | held back | why |\n|---|---|---|---|---|---|");
    for (kind, verdicts) in kinds {
        let Verdicts { same, let_through, held_back, reasons } = verdicts;
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        let why: Vec<String> =
            reasons.iter().take(4).map(|(name, count)| format!("{name} {count}")).collect();
        let all = let_through + held_back;
        let share = 100.0 * let_through as f64 / all as f64;
        println!(
            "| `{kind}` | {same} | {all} | {let_through} ({share:.1} %) | {held_back} | {} |",
            why.join(", ")
        );
    }
    Ok(())
}
