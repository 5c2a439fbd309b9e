//! `weir cache eval`: how often answers to questions that are alike would be given, and be false, on pairs of which it is known.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;
use weir_cache::config::Embedder as Kind;
use weir_cache::semantic::eval::{Labelled, Report, Score, evaluate};

use crate::cmd::runtime;
use crate::embedders;

/// Decide upon labelled pairs of questions as a gateway would, and count
#[derive(clap::Args)]
pub struct Args {
    /// A CSV file with the columns `one`, `other` and `same` (true or false), and if you like `kind`
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// The folder of the embedder's weights
    #[arg(long, value_name = "FOLDER")]
    path: PathBuf,
    /// `static` or `minilm`
    #[arg(long, default_value = "static", value_parser = kind)]
    embedder: Kind,
    /// The share of answers given that may be false
    #[arg(long, default_value_t = 0.01)]
    error_max: f64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "static" => Ok(Kind::Static),
        "minilm" => Ok(Kind::Minilm),
        _ => Err("expected `static` or `minilm`".to_owned()),
    }
}

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    one: String,
    other: String,
    same: bool,
    #[serde(default)]
    kind: String,
}

/// Evaluates.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let lines = read(&args.pairs)?;
    let embedder = embedders::local(args.embedder, &args.path)?;
    let pairs = runtime(Some(1))?.block_on(async {
        let mut pairs = Vec::with_capacity(lines.len());
        for Line { one, other, same, kind } in lines {
            // A question that has no vector is like no other.
            let similarity = match (embedder.embed(&one).await, embedder.embed(&other).await) {
                (Ok(one), Ok(other)) => one.iter().zip(&other).map(|(one, other)| one * other).sum(),
                _ => 0.0,
            };
            pairs.push(Labelled { one, other, is_same: same, kind, similarity });
        }
        pairs
    });
    let report = evaluate(&pairs, args.error_max);
    if args.json {
        println!("{:#}", as_json(&report));
    } else {
        print!("{}", render(&report, args.error_max));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let mut reader =
        csv::Reader::from_path(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines: Result<Vec<Line>, _> = reader.deserialize().collect();
    lines.with_context(|| format!("{} has no pairs: the columns are one, other, same, kind", path.display()))
}

fn render(report: &Report, error_max: f64) -> String {
    let mut out = String::new();
    let heading = "| decided by | pairs with one answer | given | hit rate, % | pairs with two answers | given all the same | false of those given, % | 95 % interval, % |";
    let _infallible = writeln!(out, "{heading}\n|---|--:|--:|--:|--:|--:|--:|--:|");
    for (least, score) in &report.by_likeness {
        row(&mut out, &format!("likeness ≥ {least:.2}"), score);
    }
    for (least, score) in &report.by_likeness_and_gate {
        row(&mut out, &format!("likeness ≥ {least:.2} and the words agree"), score);
    }
    row(&mut out, &format!("as weir does, at most {:.1} % false", error_max * 100.0), &report.learned);
    let _infallible =
        writeln!(out, "\nThe last row by kind of pair:\n\n{heading}\n|---|--:|--:|--:|--:|--:|--:|--:|");
    for (kind, score) in &report.kinds {
        row(&mut out, if kind.is_empty() { "-" } else { kind }, score);
    }
    out
}

fn row(out: &mut String, name: &str, score: &Score) {
    let share = |some: usize, of: usize| {
        if of == 0 { "-".to_owned() } else { format!("{:.1}", 100.0 * some as f64 / of as f64) }
    };
    let Score { same, hits, different, false_hits } = score;
    let (at_least, at_most) = score.false_share();
    let _infallible = writeln!(
        out,
        "| {name} | {same} | {hits} | {} | {different} | {false_hits} | {} | {:.2} to {:.2} |",
        share(*hits, *same),
        share(*false_hits, hits + false_hits),
        100.0 * at_least,
        100.0 * at_most,
    );
}

fn as_json(report: &Report) -> serde_json::Value {
    let rows = |rows: &[(f32, Score)]| -> Vec<_> {
        rows.iter().map(|(least, score)| json!({ "likeness": least, "score": score })).collect()
    };
    json!({
        "by_likeness": rows(&report.by_likeness),
        "by_likeness_and_gate": rows(&report.by_likeness_and_gate),
        "learned": report.learned,
        "learned_false_share_95": report.learned.false_share(),
        "kinds": report.kinds,
    })
}
