//! `cargo xtask setup`: installs what the tests need on a Debian 12 that has Rust and nothing else.
//!
//! System packages come from apt, as root or through sudo; everything else is pinned to exact versions by the lists in
//! `tests/clients/` and lives under `target/clients/`. What always holds: a step that has been done is skipped, by
//! comparing what is asked for with a copy of what was asked for when it was last done.

mod apt;
mod node;
mod python;
mod stamp;
mod weights;

use std::process::{Command, ExitCode};

use crate::program;
use crate::repository::Repository;

pub use node::Node;
pub use python::{Venv, sdk_source};
pub use weights::folder as weights_folder;

/// What the installation is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The Rust tests and the client tests.
    Tests,
    /// These and the proxies that the benchmarks compare with.
    Benchmarks,
    /// The fuzzer alone.
    Fuzzing,
}

pub fn run(repository: &Repository, purpose: For) -> anyhow::Result<ExitCode> {
    install(repository, purpose)?;
    println!("setup: everything is there");
    Ok(ExitCode::SUCCESS)
}

/// Installs what is missing.
pub fn install(repository: &Repository, purpose: For) -> anyhow::Result<()> {
    if purpose == For::Fuzzing {
        return fuzzer();
    }
    apt::install(&apt::FOR_TESTS)?;
    if purpose == For::Benchmarks {
        return apt::install(&apt::FOR_BENCHMARKS);
    }
    components()?;
    std::fs::create_dir_all(repository.clients_dir())?;
    for venv in [Venv::openai2(repository), Venv::openai3(repository)] {
        venv.install()?;
    }
    python::fetch_sdk_tests(repository)?;
    weights::fetch(repository)?;
    Node::new(repository).install(repository)
}

/// cargo-fuzz, which drives libFuzzer.
fn fuzzer() -> anyhow::Result<()> {
    if program::succeeds(program::cargo().args(["fuzz", "--version"])) {
        return Ok(());
    }
    println!("setup: building cargo-fuzz");
    let mut install = program::cargo();
    program::must(install.args(["install", "cargo-fuzz", "--locked"]), "cargo says what is missing")
}

/// The parts of the toolchain that `check` needs.
fn components() -> anyhow::Result<()> {
    for (verb, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !program::succeeds(program::cargo().args([verb, "--version"])) {
            println!("setup: adding {component} to the toolchain");
            let mut add = Command::new("rustup");
            program::must(
                add.args(["component", "add", component]),
                "install it as your Rust was installed",
            )?;
        }
    }
    Ok(())
}
