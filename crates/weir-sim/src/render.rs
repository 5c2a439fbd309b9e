//! Scores as people read them: tables for a terminal, and for pages. One table for the worlds in which a service
//! fails, one for those in which there is more work than room, one for those in which questions are asked again.

use crate::score::{Crowded, Known, Walked};
use crate::targets::{self, Measure};
use crate::{Arm, Score};

/// One column: its head, and what a score has in it.
type Column = (&'static str, fn(&Score) -> String);

/// The columns that say which run it was; they stand to the left.
const WHICH: [Column; 3] = [
    ("world", |score| score.world.name().to_owned()),
    ("services", |score| if score.arm == Arm::Weir { score.upstreams } else { 1 }.to_string()),
    ("arm", arm),
];

const TROUBLE: [Column; 9] = [
    ("answered %", |score| percent(score.answered_share)),
    ("degraded %", |score| percent(score.degraded_share)),
    ("shed %", |score| percent(score.shed_share)),
    ("false %", |score| percent(score.false_share)),
    ("mean ms", |score| ms(score.mean_ms)),
    ("p99 ms", |score| ms(score.p99_ms)),
    ("calls/request", |score| format!("{:.2}", score.attempts_per_request)),
    ("of capacity %", |score| or_none(score.goodput_share_of_capacity.map(percent))),
    ("recovery s", |score| or_none(score.recovery_s.map(|seconds| seconds.to_string()))),
];

const OVERLOAD: [Column; 13] = [
    ("answered %", |score| percent(score.answered_share)),
    ("shed %", |score| percent(score.shed_share)),
    ("429 %", |score| percent(score.throttled_share)),
    ("mean ms", |score| ms(score.mean_ms)),
    ("p99 ms", |score| ms(score.p99_ms)),
    ("calls/request", |score| format!("{:.2}", score.attempts_per_request)),
    ("of capacity %", |score| or_none(goodput(score).map(percent))),
    ("guarded %", |score| crowded(score, |it| percent(it.guarded_answered_share))),
    ("guarded p99 ms", |score| crowded(score, |it| ms(Some(it.guarded_p99_ms)))),
    ("alone p99 ms", |score| crowded(score, |it| ms(Some(it.alone_p99_ms)))),
    ("fairness", |score| crowded(score, |it| format!("{:.3}", it.fairness))),
    ("crowd, of the rest %", |score| crowded(score, |it| percent(it.crowd_share_of_rest))),
    ("levels", |score| or_none(score.walked.as_ref().map(path))),
];

const REPEATS: [Column; 12] = [
    ("repeats %", |score| known(score, |it| Some(format!("{:.0}", it.repeats * 100.0)))),
    ("answered %", |score| percent(score.answered_share)),
    ("degraded %", |score| percent(score.degraded_share)),
    ("while down %", |score| known(score, |it| it.down_answered_share.map(percent))),
    ("repeated %", |score| known(score, |it| Some(percent(it.repeated_share)))),
    ("from cache %", |score| known(score, |it| Some(percent(it.from_cache_share())))),
    ("stale %", |score| known(score, |it| Some(percent(it.stale_share)))),
    ("stale mean ms", |score| known(score, |it| it.stale_mean_ms.map(|mean| ms(Some(mean))))),
    ("shared %", |score| known(score, |it| Some(percent(it.shared_share)))),
    ("mean ms", |score| ms(score.mean_ms)),
    ("p99 ms", |score| ms(score.p99_ms)),
    ("calls/request", |score| format!("{:.2}", score.attempts_per_request)),
];

/// A table for a terminal, or several: the first three columns to the left, numbers to the right.
pub fn table(scores: &[Score]) -> String {
    let mut out = Vec::new();
    for (columns, scores) in kinds(scores) {
        let rows: Vec<Vec<String>> =
            std::iter::once(head(&columns)).chain(scores.iter().map(|score| row(&columns, score))).collect();
        out.push(aligned(&rows));
    }
    out.join("\n")
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < WHICH.len() { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out
}

/// The same and the targets as Markdown, with the worlds in words.
pub fn markdown(scores: &[Score]) -> String {
    let mut out = String::new();
    for (columns, scores) in kinds(scores) {
        let (left, right) = ("---|".repeat(WHICH.len()), "--:|".repeat(columns.len() - WHICH.len()));
        out += &format!("| {} |\n|{left}{right}\n", head(&columns).join(" | "));
        let mut last = None;
        for score in scores {
            let mut row = row(&columns, score);
            if last != Some(score.world) {
                row[0] = format!("**{}** {}", score.world.name(), score.world.says());
                last = Some(score.world);
            }
            out += &format!("| {} |\n", row.join(" | "));
        }
        out.push('\n');
    }
    out += &kept(scores);
    out
}

/// The targets that these scores are about.
fn kept(scores: &[Score]) -> String {
    let mut rows = String::new();
    for target in targets::ALL {
        let mut about = scores.iter().filter(|score| target.is_about(score)).peekable();
        if about.peek().is_none() {
            continue;
        }
        let services = target.upstreams.map_or("any".to_owned(), |upstreams| upstreams.to_string());
        let kept = if about.all(|score| target.is_kept_by(score, Measure::Plain)) { "yes" } else { "**no**" };
        rows += &format!("| {} | {services} | {} | {kept} |\n", target.name, target.promise);
    }
    if rows.is_empty() {
        return rows;
    }
    format!("| target | services | promise | kept |\n|---|---|---|---|\n{rows}")
}

/// The scores of either kind, where there are any, with its columns.
fn kinds(scores: &[Score]) -> Vec<(Vec<Column>, Vec<&Score>)> {
    let shown: Vec<_> = shown(scores).collect();
    let (repeats, others): (Vec<_>, Vec<_>) =
        shown.into_iter().partition(|score| score.world.is_about_repeats());
    let (overload, trouble): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|score| score.world.is_about_overload());
    let repeats: Vec<_> = repeats.into_iter().flat_map(beside).collect();
    let columns = |own: &[Column]| WHICH.into_iter().chain(own.iter().copied()).collect::<Vec<_>>();
    let kinds = [(columns(&TROUBLE), trouble), (columns(&OVERLOAD), overload), (columns(&REPEATS), repeats)];
    kinds.into_iter().filter(|(_, scores)| !scores.is_empty()).collect()
}

/// An SDK alone has one service to call, whatever else there is: the same row twice would say nothing.
fn shown(scores: &[Score]) -> impl Iterator<Item = &Score> {
    let repeats = |score: &Score| score.known.as_ref().map(|known| known.repeats);
    let is_alike = move |one: &Score, other: &Score| {
        one.world == other.world && one.arm == other.arm && repeats(one) == repeats(other)
    };
    let repeats = move |index: usize, score: &Score| {
        score.arm != Arm::Weir && scores[..index].iter().any(|earlier| is_alike(earlier, score))
    };
    scores.iter().enumerate().filter(move |(index, score)| !repeats(*index, score)).map(|(_, score)| score)
}

/// Weir without its cache, where it was played so too, and a score itself.
fn beside(score: &Score) -> impl Iterator<Item = &Score> {
    let without = score.known.as_ref().and_then(|known| known.without.as_deref());
    without.into_iter().chain([score])
}

fn head(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|(head, _)| (*head).to_owned()).collect()
}

fn row(columns: &[Column], score: &Score) -> Vec<String> {
    columns.iter().map(|(_, cell)| cell(score)).collect()
}

/// Who stood between, and with which of its measures where it had not all.
fn arm(score: &Score) -> String {
    let name = score.arm.name();
    if score.arm != Arm::Weir || score.measures == crate::Parts::ALL {
        return name.to_owned();
    }
    format!("{name}: {}", score.measures.name())
}

fn ms(time: Option<f64>) -> String {
    or_none(time.map(|ms| format!("{ms:.0}")))
}

fn or_none(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "–".to_owned())
}

fn crowded(score: &Score, cell: fn(&Crowded) -> String) -> String {
    or_none(score.crowded.as_ref().map(cell))
}

fn known(score: &Score, cell: fn(&Known) -> Option<String>) -> String {
    or_none(score.known.as_ref().and_then(cell))
}

/// What is given of what can be, each world in its own way.
fn goodput(score: &Score) -> Option<f64> {
    let walked = score.walked.as_ref().map(|walked| walked.goodput_min);
    score.goodput_share_of_capacity.or(walked).or(score.room_used_min)
}

/// The levels one after the other.
fn path(walked: &Walked) -> String {
    let levels = walked.path.iter().map(|(_, level)| level.to_string());
    std::iter::once("0".to_owned()).chain(levels).collect::<Vec<_>>().join(" ")
}

/// With two places, rounded down: one failure in a hundred thousand is no 100 %.
fn percent(share: f64) -> String {
    format!("{:.2}", (share * 10_000.0 + 1e-6).floor() / 100.0)
}
