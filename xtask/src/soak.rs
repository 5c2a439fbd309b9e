//! `cargo xtask soak`: weir under twice its capacity for minutes; fails when a request had no answer, when something is
//! stuck, or when memory grows.

use std::process::{Command, ExitCode};

use anyhow::bail;

use crate::program;
use crate::repository::Repository;

const MINUTES: &str = "10";

pub fn run(repository: &Repository, flags: &[&str]) -> anyhow::Result<ExitCode> {
    let minutes = match flags {
        [] => MINUTES,
        ["--minutes", minutes] => minutes,
        _ => bail!("soak takes --minutes N, not {}", flags.join(" ")),
    };
    println!("building weir and weir-bench");
    let mut build = program::cargo();
    build.args(["build", "--release", "-p", "weir", "-p", "weir-bench"]).current_dir(repository.root());
    program::must(&mut build, "the compiler says what to change")?;
    let mut soak = Command::new(repository.binary("release", "weir-bench"));
    let status = soak.args(["soak", "--minutes", minutes]).current_dir(repository.root()).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
