//! All values of all repetitions, and their tables: medians, never the best of several.

use super::measure::{Measure, Values};
use crate::gateway::machine::Machine;
use crate::gateway::results::{median, shown};
use crate::gateway::table::Table;

/// What was measured.
pub struct Results {
    machine: Machine,
    seconds: u64,
    repeat: u32,
    /// In the order in which they were first measured.
    rows: Vec<Row>,
    failures: Vec<String>,
}

struct Row {
    measure: Measure,
    name: String,
    /// One for each repetition that succeeded.
    repetitions: Vec<Values>,
}

impl Results {
    /// Nothing measured yet.
    pub fn new(machine: Machine, seconds: u64, repeat: u32) -> Self {
        Self { machine, seconds, repeat, rows: Vec::new(), failures: Vec::new() }
    }

    /// Adds one run, or why it gave no values.
    pub fn note(&mut self, measure: Measure, name: &str, outcome: anyhow::Result<Values>) {
        match outcome {
            Ok(values) => {
                debug_assert_eq!(values.len(), measure.columns().len());
                self.row(measure, name).repetitions.push(values);
            }
            Err(error) => {
                eprintln!("  {name} failed: {error:#}");
                self.failures.push(format!("({}) {name}: {error:#}", measure.letter()));
            }
        }
    }

    fn row(&mut self, measure: Measure, name: &str) -> &mut Row {
        let known = self.rows.iter().position(|row| row.measure == measure && row.name == name);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row { measure, name: name.to_owned(), repetitions: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// Runs that gave no values.
    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Tables aligned for a terminal.
    pub fn human(&self) -> String {
        let mut text = format!("{}\n{}\n\n", self.machine, self.command());
        for (title, table) in self.tables() {
            text += &format!("{title}\n{}\n", table.aligned());
        }
        text + &self.failure_lines()
    }

    /// The same as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}  \n{}\n\n", self.machine, self.command());
        for (title, table) in self.tables() {
            text += &format!("### {title}\n\n{}\n", table.markdown());
        }
        text + &self.failure_lines()
    }

    fn command(&self) -> String {
        format!("command: cargo xtask bench cache --seconds {} --repeat {}", self.seconds, self.repeat)
    }

    fn tables(&self) -> Vec<(String, Table)> {
        let mut measures: Vec<_> = self.rows.iter().map(|row| row.measure).collect();
        measures.sort_unstable();
        measures.dedup();
        let titled = |measure: &Measure| format!("({}) {}", measure.letter(), measure.title());
        measures.iter().map(|measure| (titled(measure), self.table(*measure))).collect()
    }

    fn table(&self, measure: Measure) -> Table {
        let headings = measure.columns().iter().map(|column| column.heading);
        let header: Vec<&str> = ["answers"].into_iter().chain(headings).collect();
        let mut table = Table::new(&header);
        for row in self.rows.iter().filter(|row| row.measure == measure) {
            let cells = measure.columns().iter().enumerate().map(|(at, column)| {
                let values = row.repetitions.iter().filter_map(|values| values[at]).collect();
                shown(median(values), column)
            });
            table.push([row.name.clone()].into_iter().chain(cells).collect());
        }
        table
    }

    fn failure_lines(&self) -> String {
        self.failures.iter().map(|failure| format!("failed: {failure}\n")).collect()
    }
}
