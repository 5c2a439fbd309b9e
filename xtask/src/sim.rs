//! `cargo xtask sim`: the real pipeline in every simulated world, under many seeds; and the page with its
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

/// The page with the numbers, and the lines between which they stand.
const PAGE: &str = "docs/resilience.md";
const BEGIN: &str = "<!-- begin: weir simulate --markdown -->\n";
const END: &str = "<!-- end: weir simulate --markdown -->";

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
    let mut weir = Command::new(repository.binary("release", "weir"));
    weir.arg("simulate").current_dir(repository.root());
    if docs {
        return write_page(repository, weir.arg("--markdown"));
    }
    println!("weir in every world, {REQUESTS} requests a run, {seeds} seeds");
    weir.args(["--arm", "weir", "--seeds", seeds, "--requests", REQUESTS, "--check"]);
    let status = weir.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_page(repository: &Repository, simulate: &mut Command) -> anyhow::Result<ExitCode> {
    println!("writing the numbers into {PAGE}");
    let output = simulate.output()?;
    if !output.status.success() {
        bail!("weir simulate: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let table = String::from_utf8(output.stdout).context("the table is not text")?;
    let path = repository.root().join(PAGE);
    let page = std::fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    std::fs::write(&path, with_table(&page, &table)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The page with another table between its marks.
fn with_table(page: &str, table: &str) -> anyhow::Result<String> {
    let marks = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marks.with_context(|| format!("{PAGE} has lost the marks around its table"))?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests;
