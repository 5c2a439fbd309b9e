//! A report as a person reads it: what share was answered, how fast, and where the rest went.
//!
//! What always holds: columns line up, numbers are right-aligned, and what no request had is a dash, not a zero.

use std::fmt;

use super::{Known, Latencies, Report};

const GAP: &str = "  ";

/// Five places hold a time up to 99,999 ms, and let the titles fit over their columns.
const WIDTH_MIN: usize = 5;

/// Titles over groups of columns: the title, and how many columns it stands over.
const TITLES: [(&str, usize); 4] = [("", 1), ("", 2), ("first token, ms", 3), ("whole answer, ms", 4)];

const HEAD: [&str; 10] = ["", "requests", "good %", "p50", "p95", "p99", "mean", "p50", "p95", "p99"];

pub(super) fn report(report: &Report) -> String {
    let mut lines = vec![headline(report), answers(report)];
    lines.extend(known(report));
    lines.push(String::new());
    lines.extend(table(&rows(report)));
    lines.push(String::new());
    lines.extend(failures(report));
    lines.push("times are of good answers and count from the scheduled arrival".to_owned());
    lines.push(format!(
        "mean with failures {} ms, requests sent late by {} ms (p99)",
        ms(report.mean_all_ms),
        ms(report.sent_late_p99_ms)
    ));
    lines.join("\n") + "\n"
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, redis, disk, semantic, shared, stale } = self;
        write!(f, "{memory} from memory, {disk} from disk, {shared} shared a call, {stale} stale")?;
        // Of those that have to be set up, only where there are any.
        for (count, whence) in [(redis, "from redis"), (semantic, "of a question that is alike")] {
            if *count > 0 {
                write!(f, ", {count} {whence}")?;
            }
        }
        Ok(())
    }
}

fn headline(report: &Report) -> String {
    format!(
        "{} % available: {} of {} requests got a whole answer",
        percent(report.good, report.requests),
        report.good,
        report.requests
    )
}

fn answers(report: &Report) -> String {
    format!(
        "{} full, {} degraded, {} shed; {} tries in {:.1} s, {:.1} requests a second",
        report.full, report.degraded, report.shed, report.tries, report.duration_s, report.rps
    )
}

/// Nothing where there is nothing to say: not every service is weir.
fn known(report: &Report) -> Option<String> {
    let known = report.known;
    (known.all() > 0).then(|| format!("without a call of their own: {known}"))
}

fn rows(report: &Report) -> Vec<[String; HEAD.len()]> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.push(row("all".to_owned(), (report.requests, report.good), &report.latencies));
    for (priority, part) in &report.by_priority {
        rows.push(row(format!("priority {priority}"), (part.requests, part.good), &part.latencies));
    }
    rows
}

fn row(name: String, (requests, good): (u64, u64), times: &Latencies) -> [String; HEAD.len()] {
    [
        name,
        requests.to_string(),
        percent(good, requests),
        ms(times.ttft_p50_ms),
        ms(times.ttft_p95_ms),
        ms(times.ttft_p99_ms),
        ms(times.mean_ms),
        ms(times.p50_ms),
        ms(times.p95_ms),
        ms(times.p99_ms),
    ]
}

/// The titles and the rows, the first column to the left, the others to the right.
fn table(rows: &[[String; HEAD.len()]]) -> Vec<String> {
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; HEAD.len()] =
        std::array::from_fn(|column| widest(column).unwrap_or_default().max(WIDTH_MIN));
    let mut lines = vec![titles(&widths)];
    for [name, values @ ..] in rows {
        let mut line = format!("{name:<width$}", width = widths[0]);
        for (value, width) in values.iter().zip(&widths[1..]) {
            line += &format!("{GAP}{value:>width$}");
        }
        lines.push(line);
    }
    lines
}

fn titles(widths: &[usize]) -> String {
    let mut widths = widths;
    let mut line = Vec::new();
    for (title, columns) in TITLES {
        let (over, rest) = widths.split_at(columns);
        let width = over.iter().sum::<usize>() + GAP.len() * (columns - 1);
        line.push(format!("{title:>width$}"));
        widths = rest;
    }
    line.join(GAP)
}

fn failures(report: &Report) -> Vec<String> {
    let others = report.by_status.iter().filter(|(status, _)| *status != "200");
    let listed: Vec<_> = others.map(|(status, count)| format!("{status} × {count}")).collect();
    let mut lines = Vec::new();
    if !listed.is_empty() {
        lines.push(format!("not good: {}", listed.join(", ")));
    }
    lines.extend(report.connect_error.iter().map(|reason| format!("first failed connection: {reason}")));
    lines
}

/// With two places, rounded down: 99.999 % is not "100.00 %" when one request failed.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn ms(time: Option<f64>) -> String {
    match time {
        None => "–".to_owned(),
        Some(ms) if ms < 100.0 => format!("{ms:.1}"),
        Some(ms) => format!("{ms:.0}"),
    }
}
