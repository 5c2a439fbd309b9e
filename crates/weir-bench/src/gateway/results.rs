//! All values of all repetitions, and what is said of them: medians and ratios, never the best of several.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::contender::{Contender, Gateway};
use super::machine::Machine;
use super::measure::{Better, Column, Measure};
use super::table::Table;

/// What was measured.
pub struct Results {
    machine: Machine,
    contenders: Vec<Contender>,
    seconds: u64,
    repeat: u32,
    /// Values by measure and contender, one row for each repetition that succeeded.
    rows: BTreeMap<(Measure, &'static str), Vec<Vec<Option<f64>>>>,
    failures: Vec<String>,
}

impl Results {
    /// Nothing measured yet.
    pub fn new(machine: Machine, contenders: &[Contender], seconds: u64, repeat: u32) -> Self {
        let contenders = [&[Contender::Direct], contenders].concat();
        Self { machine, contenders, seconds, repeat, rows: BTreeMap::new(), failures: Vec::new() }
    }

    /// Adds the values of one run.
    pub fn add(&mut self, measure: Measure, contender: &Contender, values: Vec<Option<f64>>) {
        self.rows.entry((measure, contender.name())).or_default().push(values);
    }

    /// Adds a run that gave no values.
    pub fn add_failure(&mut self, measure: Measure, contender: &Contender, error: &anyhow::Error) {
        self.failures.push(format!("({}) {}: {error:#}", measure.letter(), contender.name()));
    }

    /// Runs that gave no values.
    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Tables aligned for a terminal.
    pub fn human(&self) -> String {
        let mut text = format!("{}\n\n", self.preamble().join("\n"));
        for (title, table) in self.tables() {
            text += &format!("{title}\n{}\n", table.aligned());
        }
        text + &self.failure_lines()
    }

    /// The same as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.preamble().join("  \n"));
        for (title, table) in self.tables() {
            text += &format!("### {title}\n\n{}\n", table.markdown());
        }
        text + &self.failure_lines()
    }

    /// Every value of every repetition.
    pub fn json(&self) -> anyhow::Result<String> {
        let mut measures = serde_json::Map::new();
        for ((measure, contender), rows) in &self.rows {
            let headings: Vec<&str> = measure.columns().iter().map(|column| column.heading).collect();
            let entry = measures
                .entry(measure.letter())
                .or_insert_with(|| json!({ "title": measure.title(), "columns": headings, "values": {} }));
            entry["values"][contender] = json!(rows);
        }
        let whole = json!({
            "machine": self.machine,
            "command": self.command(),
            "versions": self.versions(),
            "measures": Value::Object(measures),
            "failures": self.failures,
        });
        Ok(serde_json::to_string_pretty(&whole)? + "\n")
    }

    fn preamble(&self) -> Vec<String> {
        vec![
            self.machine.to_string(),
            format!("gateways: {}", self.versions().join(", ")),
            format!("command: {}", self.command()),
        ]
    }

    fn versions(&self) -> Vec<String> {
        let version = |contender: &Contender| match contender {
            Contender::Direct => None,
            Contender::Installed { gateway, version, .. } => Some(format!("{} {version}", gateway.name())),
        };
        self.contenders.iter().filter_map(version).collect()
    }

    /// The command that makes such numbers again, whatever shorthand this run was started with.
    fn command(&self) -> String {
        format!("cargo xtask bench gateway --seconds {} --repeat {}", self.seconds, self.repeat)
    }

    fn tables(&self) -> Vec<(String, Table)> {
        let mut measures: Vec<Measure> = self.rows.keys().map(|(measure, _)| *measure).collect();
        measures.dedup();
        let titled = |measure: &Measure| format!("({}) {}", measure.letter(), measure.title());
        let mut tables: Vec<_> =
            measures.iter().map(|measure| (titled(measure), self.values_table(*measure))).collect();
        let ratios = self.ratio_table(&measures);
        if !ratios.is_empty() {
            tables.push(("weir beside the others".to_owned(), ratios));
        }
        tables
    }

    fn values_table(&self, measure: Measure) -> Table {
        let mut header = vec!["gateway"];
        header.extend(measure.columns().iter().map(|column| column.heading));
        let mut table = Table::new(&header);
        for contender in &self.contenders {
            if !self.rows.contains_key(&(measure, contender.name())) {
                continue;
            }
            let mut row = vec![contender.name().to_owned()];
            for (index, column) in measure.columns().iter().enumerate() {
                row.push(shown(self.median(measure, contender.name(), index), column));
            }
            table.push(row);
        }
        table
    }

    /// One row for each compared column: weir's value over each rival's.
    fn ratio_table(&self, measures: &[Measure]) -> Table {
        let weir = Gateway::Weir.name();
        let all = [Gateway::Before, Gateway::Nginx, Gateway::Haproxy].map(Gateway::name);
        let is_here = |name: &&str| self.contenders.iter().any(|contender| contender.name() == *name);
        let rivals: Vec<&str> = all.into_iter().filter(is_here).collect();
        let ratios: Vec<String> = rivals.iter().map(|rival| format!("weir/{rival}")).collect();
        let header = ["measure", "better", "weir"].into_iter().chain(rivals.iter().copied());
        let header: Vec<&str> = header.chain(ratios.iter().map(String::as_str)).collect();
        let mut table = Table::new(&header);
        for &measure in measures {
            for (index, column) in measure.columns().iter().enumerate() {
                let direction = match column.better {
                    Better::More => "more",
                    Better::Less => "less",
                    Better::Neither => continue,
                };
                let Some(own) = self.median(measure, weir, index) else { continue };
                let theirs: Vec<_> = rivals.iter().map(|rival| self.median(measure, rival, index)).collect();
                let mut row =
                    vec![format!("({}) {}", measure.letter(), column.heading), direction.to_owned()];
                row.push(shown(Some(own), column));
                row.extend(theirs.iter().map(|&value| shown(value, column)));
                row.extend(theirs.iter().map(|&value| ratio(own, value)));
                table.push(row);
            }
        }
        table
    }

    fn median(&self, measure: Measure, contender: &'static str, column: usize) -> Option<f64> {
        let rows = self.rows.get(&(measure, contender))?;
        median(rows.iter().filter_map(|row| row[column]).collect())
    }

    fn failure_lines(&self) -> String {
        self.failures.iter().map(|failure| format!("failed: {failure}\n")).collect()
    }
}

/// The middle value, or the mean of the two middle ones.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// `own` over `other`; a dash where a ratio would mislead, because one of them is zero, negative or missing.
pub fn ratio(own: f64, other: Option<f64>) -> String {
    match other {
        Some(other) if own > 0.0 && other > 0.0 => format!("{:.2}", own / other),
        _ => "-".to_owned(),
    }
}

/// A value with its column's digits; a dash for none.
pub fn shown(value: Option<f64>, column: &Column) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let text = format!("{value:.*}", column.decimals);
    if column.decimals > 0 { text } else { with_thousands(&text) }
}

/// A whole number with a comma before every third digit.
pub fn with_thousands(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let following = digits.len() - index;
        if following.is_multiple_of(3) && !text.is_empty() && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
