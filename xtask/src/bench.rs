//! `cargo xtask bench`: builds what is shipped, as it is shipped, and runs a benchmark against it.

use std::process::{Command, ExitCode};

use anyhow::bail;

use crate::program;
use crate::repository::Repository;
use crate::setup;

/// Each benchmark: the verb of `weir-bench` it runs, and what it measures.
const ALL: &[(&str, &str)] = &[
    ("gateway", "time added and requests a second, of weir and of plain proxies, on this machine"),
    ("cache", "what known answers take, tier by tier, and what they bring"),
];

pub fn run(repository: &Repository, args: &[&str]) -> anyhow::Result<ExitCode> {
    let Some((name, rest)) = args.split_first() else {
        for (name, what) in ALL {
            println!("{name:<12} {what}");
        }
        return Ok(ExitCode::SUCCESS);
    };
    if !ALL.iter().any(|(known, _)| known == name) {
        bail!("no benchmark is called {name}; `cargo xtask bench` lists them");
    }
    setup::install(repository, setup::For::Benchmarks)?;
    println!("building weir and weir-bench as shipped");
    let mut build = program::cargo();
    build
        .args(["build", "--profile", "dist", "-p", "weir", "-p", "weir-bench"])
        .current_dir(repository.root());
    program::must(&mut build, "the compiler says what to change")?;
    let mut bench = Command::new(repository.binary("dist", "weir-bench"));
    bench.arg(name).args(rest).current_dir(repository.root());
    let status = bench.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
