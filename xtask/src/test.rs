//! `cargo xtask test`: everything the gate asks, in the order that fails soonest.
//!
//! What always holds: the last line is `N passed, N failed`, and a part that cannot run counts as failed; the parts
//! after it still run, unless they need what it makes.

mod rust;

use std::process::ExitCode;

use anyhow::bail;

use crate::repository::Repository;
use crate::tally::{Count, Tally};
use crate::{check, clients, program, setup};

/// Which parts to run.
#[derive(Clone, Copy)]
struct Parts {
    check: bool,
    rust: bool,
    clients: bool,
}

impl Parts {
    fn parse(flags: &[&str]) -> anyhow::Result<Self> {
        let mut parts = Self { check: flags.is_empty(), rust: flags.is_empty(), clients: flags.is_empty() };
        for flag in flags {
            match *flag {
                "--rust" => parts.rust = true,
                "--clients" => parts.clients = true,
                _ => bail!("test takes --rust and --clients, not {flag}"),
            }
        }
        Ok(parts)
    }
}

pub fn run(repository: &Repository, flags: &[&str]) -> anyhow::Result<ExitCode> {
    let parts = Parts::parse(flags)?;
    let mut tally = Tally::default();
    let mut ready = true;
    if parts.check || parts.clients {
        ready =
            tally.part("setup", || setup::install(repository, setup::For::Tests).map(|()| Count::default()));
    }
    if parts.check {
        check::parts(repository, &mut tally);
    }
    if parts.rust {
        tally.part("rust tests", || rust::run(repository));
    }
    if parts.clients {
        let built = tally.part("release build", || build(repository));
        if ready && built {
            clients::run(repository, &mut tally);
        } else {
            tally.part("clients", || bail!("not run: they need the setup and the release build"));
        }
    }
    tally.print();
    Ok(if tally.total().failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build(repository: &Repository) -> anyhow::Result<Count> {
    let mut build = program::cargo();
    build.args(["build", "--release", "-p", "weir"]).current_dir(repository.root());
    program::must(&mut build, "the compiler says what to change").map(|()| Count::default())
}
