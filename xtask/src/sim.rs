//! `cargo xtask sim`: the real pipeline in every simulated world, under many seeds; and the pages with its
//! numbers.
//!
//! What always holds: a seed that misses a target or breaks a promise is named, so that
//! `weir simulate --seed N` shows it again.

use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::program;
use crate::repository::Repository;

const SEEDS: &str = "100";
/// In each run of many. Small, since there are many.
const REQUESTS: &str = "2000";

/// A table in a page: what `weir simulate --markdown` says, between marks that name its flags.
struct Table {
    page: &'static str,
    /// Besides `simulate --markdown`; those that the marks name come first.
    flags: &'static [&'static str],
    /// How many of them the marks name.
    named: usize,
}

const TABLES: [Table; 4] = [
    Table { page: "docs/resilience.md", flags: &["--world", "B1,B2,B3,B4,B5,B6,B7"], named: 0 },
    Table {
        page: "docs/overload.md",
        flags: &["--world", "B8,B9,B10,B11,B12", "--upstreams", "1"],
        named: 0,
    },
    Table {
        page: "docs/overload.md",
        flags: &["--ladder", "--world", "B8,B9,B11", "--upstreams", "1", "--arm", "weir"],
        named: 1,
    },
    Table {
        page: "docs/known.md",
        flags: &["--world", "B13,B14,B15", "--upstreams", "1", "--arm", "weir"],
        named: 0,
    },
];

impl Table {
    /// What stands in its marks.
    fn command(&self) -> String {
        let named = self.flags.iter().take(self.named).map(|flag| format!(" {flag}"));
        format!("weir simulate --markdown{}", named.collect::<String>())
    }
}

pub fn run(repository: &Repository, flags: &[&str]) -> anyhow::Result<ExitCode> {
    let (seeds, docs) = match flags {
        [] => (SEEDS, false),
        ["--seeds", seeds] => (*seeds, false),
        ["--docs"] => (SEEDS, true),
        _ => bail!("sim takes --seeds N or --docs, not {}", flags.join(" ")),
    };
    println!("building weir");
    let mut build = program::cargo();
    build.args(["build", "--release", "-p", "weir"]).current_dir(repository.root());
    program::must(&mut build, "the compiler says what to change")?;
    if docs {
        return write_pages(repository);
    }
    let mut weir = simulate(repository);
    println!("weir in every world, {REQUESTS} requests a run, {seeds} seeds");
    weir.args(["--arm", "weir", "--seeds", seeds, "--requests", REQUESTS, "--repeats", "0,30", "--check"]);
    let status = weir.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn simulate(repository: &Repository) -> Command {
    let mut weir = Command::new(repository.binary("release", "weir"));
    weir.arg("simulate").current_dir(repository.root());
    weir
}

fn write_pages(repository: &Repository) -> anyhow::Result<ExitCode> {
    for table in &TABLES {
        let Table { page: name, flags, .. } = table;
        println!("writing the numbers of {} into {name}", flags.join(" "));
        let output = simulate(repository).arg("--markdown").args(*flags).output()?;
        if !output.status.success() {
            bail!("weir simulate: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let text = String::from_utf8(output.stdout).context("the table is not text")?;
        let path = repository.root().join(name);
        let page = std::fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let page = with_table(&page, &table.command(), &text)
            .with_context(|| format!("{name} has lost the marks around a table"))?;
        std::fs::write(&path, page)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The page with another table between the marks of a command; `None` when it has none.
fn with_table(page: &str, command: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin: {command} -->\n"), format!("<!-- end: {command} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_old, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", table.trim_end()))
}

#[cfg(test)]
mod tests;
