//! The Rust tests: with nextest where it is installed, else with what cargo brings. Building nextest takes longer than
//! it saves here, so it is not installed.

#[cfg(test)]
mod tests;

use crate::program;
use crate::repository::Repository;
use crate::setup;
use crate::tally::Count;

pub fn run(repository: &Repository) -> anyhow::Result<Count> {
    let mut count = Count::default();
    let mut command = program::cargo();
    command.current_dir(repository.root());
    // Without the setup they are not there, and the embedders are tested with tiny models alone.
    let weights = setup::weights_folder(repository);
    if weights.is_dir() {
        command.env("WEIR_EMBED_WEIGHTS", weights);
    }
    let nextest = program::succeeds(program::cargo().args(["nextest", "--version"]));
    let status = if nextest {
        command.args(["nextest", "run", "--workspace", "--features", program::OPTIONAL_FEATURES]);
        program::watch_errors(&mut command, |line| read_nextest(&mut count, line))?
    } else {
        command.args(["test", "--workspace", "--features", program::OPTIONAL_FEATURES, "--no-fail-fast"]);
        program::watch_output(&mut command, |line| read_libtest(&mut count, line))?
    };
    Ok(count.with_exit(status.success()))
}

/// Nextest's last line: `Summary [   1.2s] 9 tests run: 7 passed (1 slow), 2 failed, 1 timed out, 0 skipped`.
fn read_nextest(count: &mut Count, line: &str) {
    if !line.trim_start().starts_with("Summary [") {
        return;
    }
    let results = line.split_once("tests run: ").or_else(|| line.split_once("test run: "));
    for result in results.map_or("", |(_, results)| results).split(", ") {
        add(count, result);
    }
}

/// Cargo's line for each binary: `test result: ok. 7 passed; 2 failed; 0 ignored; …`.
fn read_libtest(count: &mut Count, line: &str) {
    let Some((_, results)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
        return;
    };
    for result in results.split("; ") {
        add(count, result);
    }
}

fn add(count: &mut Count, result: &str) {
    let mut words = result.split_whitespace();
    let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<usize>), words.next()) else {
        return;
    };
    match word {
        "passed" => count.passed += number,
        "failed" | "timed" | "exec" => count.failed += number,
        _ => {}
    }
}
