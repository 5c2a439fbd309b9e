//! Scores as people read them: a table for a terminal, and one for a page.

use crate::targets::{self, Measure};
use crate::{Arm, Score};

const HEAD: [&str; 12] = [
    "world",
    "services",
    "arm",
    "answered %",
    "degraded %",
    "shed %",
    "false %",
    "mean ms",
    "p99 ms",
    "calls/request",
    "of capacity %",
    "recovery s",
];

/// A table for a terminal: the first three columns to the left, numbers to the right.
pub fn table(scores: &[Score]) -> String {
    let rows: Vec<[String; HEAD.len()]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(shown(scores).map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column < 3 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out
}

/// The same and the targets as Markdown, with the worlds in words.
pub fn markdown(scores: &[Score]) -> String {
    let mut out = format!("| {} |\n|---|---|---|{}\n", HEAD.join(" | "), "--:|".repeat(HEAD.len() - 3));
    let mut last = None;
    for score in shown(scores) {
        let mut row = row(score);
        if last != Some(score.world) {
            row[0] = format!("**{}** {}", score.world.name(), score.world.says());
            last = Some(score.world);
        }
        out += &format!("| {} |\n", row.join(" | "));
    }
    out += "\n| target | services | promise | kept |\n|---|---|---|---|\n";
    for target in targets::ALL {
        let mut about = scores.iter().filter(|score| target.is_about(score)).peekable();
        if about.peek().is_none() {
            continue;
        }
        let services = target.upstreams.map_or("any".to_owned(), |upstreams| upstreams.to_string());
        let kept = if about.all(|score| target.is_kept_by(score, Measure::Plain)) { "yes" } else { "**no**" };
        out += &format!("| {} | {services} | {} | {kept} |\n", target.name, target.promise);
    }
    out
}

/// An SDK alone has one service to call, whatever else there is: the same row twice would say nothing.
fn shown(scores: &[Score]) -> impl Iterator<Item = &Score> {
    let is_alike = |one: &Score, other: &Score| one.world == other.world && one.arm == other.arm;
    let repeats = move |index: usize, score: &Score| {
        score.arm != Arm::Weir && scores[..index].iter().any(|earlier| is_alike(earlier, score))
    };
    scores.iter().enumerate().filter(move |(index, score)| !repeats(*index, score)).map(|(_, score)| score)
}

fn row(score: &Score) -> [String; HEAD.len()] {
    let ms = |time: Option<f64>| time.map_or("–".to_owned(), |ms| format!("{ms:.0}"));
    let services = if score.arm == Arm::Weir { score.upstreams } else { 1 };
    [
        score.world.name().to_owned(),
        services.to_string(),
        score.arm.name().to_owned(),
        percent(score.answered_share),
        percent(score.degraded_share),
        percent(score.shed_share),
        percent(score.false_share),
        ms(score.mean_ms),
        ms(score.p99_ms),
        format!("{:.2}", score.attempts_per_request),
        score.goodput_share_of_capacity.map_or("–".to_owned(), percent),
        score.recovery_s.map_or("–".to_owned(), |seconds| seconds.to_string()),
    ]
}

/// With two places, rounded down: one failure in a hundred thousand is no 100 %.
fn percent(share: f64) -> String {
    format!("{:.2}", (share * 10_000.0 + 1e-6).floor() / 100.0)
}
