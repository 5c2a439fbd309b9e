//! `cargo xtask`: the project's own chores, so that what a person types and what the gate runs are the same thing.
//!
//! One file per verb. What always holds: a chore says what it does in one line before doing it, and a chore that
//! fails says what to do.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore is a process of its own: it starts programs, reads the environment and talks to a terminal"
)]

mod bench;
mod check;
mod clients;
mod fuzz;
mod laws;
mod program;
mod repository;
mod setup;
mod sim;
mod soak;
mod tally;
mod test;

use std::process::ExitCode;

use repository::Repository;

const HELP: &str = "\
the project's own chores

usage: cargo xtask <verb>

  setup [--bench | --fuzz]   install what the tests need (with --bench: what the benchmarks need too; --fuzz: cargo-fuzz)
  check                      formatting, lints, and the repository's own laws
  test [--rust] [--clients]  setup, check, every test; with a flag only that part
  fuzz [--seconds N] [--target NAME] [--keep]
                             every fuzz target for a minute; with --keep: what reaches new code joins the corpus
  bench [name] [args…]       run a benchmark; without a name, list them
  soak [--minutes N]         weir under twice its capacity, with faults and callers leaving: nothing may leak
  sim [--seeds N] [--docs]   weir in every simulated world, under many seeds; with --docs: write the pages' numbers
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> anyhow::Result<ExitCode> {
    let repository = Repository::find()?;
    match args {
        ["setup"] => setup::run(&repository, setup::For::Tests),
        ["setup", "--bench"] => setup::run(&repository, setup::For::Benchmarks),
        ["setup", "--fuzz"] => setup::run(&repository, setup::For::Fuzzing),
        ["check"] => check::run(&repository),
        ["test", flags @ ..] => test::run(&repository, flags),
        ["fuzz", flags @ ..] => fuzz::run(&repository, flags),
        ["soak", flags @ ..] => soak::run(&repository, flags),
        ["sim", flags @ ..] => sim::run(&repository, flags),
        ["bench", rest @ ..] => bench::run(&repository, rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => anyhow::bail!("unknown: {}\n\n{HELP}", args.join(" ")),
    }
}
