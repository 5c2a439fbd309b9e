//! `cargo xtask check`: formatting, lints, the repository's own laws, and the dependency policy where its tool is there.

use std::process::{Command, ExitCode};

use crate::laws;
use crate::program;
use crate::repository::Repository;
use crate::tally::{Count, Tally};

pub fn run(repository: &Repository) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    parts(repository, &mut tally);
    tally.print();
    Ok(if tally.total().failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every part of the check, counted.
pub fn parts(repository: &Repository, tally: &mut Tally) {
    // The laws come first: they need no compiler and say the most.
    tally.part("laws", || broken_laws(repository));
    tally.part("format", || {
        let mut format = cargo(repository, &["fmt", "--all", "--", "--check"]);
        program::must(&mut format, "run `cargo fmt --all`").map(|()| Count::one(true))
    });
    tally.part("lints", || {
        let mut lints = cargo(repository, &["clippy", "--workspace", "--all-targets"]);
        lints.args(["--features", program::OPTIONAL_FEATURES, "--", "-D", "warnings"]);
        program::must(&mut lints, "each lint above says what to change").map(|()| Count::one(true))
    });
    if program::succeeds(&mut cargo(repository, &["deny", "--version"])) {
        tally.part("dependencies", || {
            let mut deny =
                cargo(repository, &["deny", "-L", "error", "check", "bans", "licenses", "sources"]);
            program::must(&mut deny, "deny.toml says what is allowed and why").map(|()| Count::one(true))
        });
    }
}

fn cargo(repository: &Repository, args: &[&str]) -> Command {
    let mut command = program::cargo();
    command.args(args).current_dir(repository.root());
    command
}

fn broken_laws(repository: &Repository) -> anyhow::Result<Count> {
    let tree = laws::Tree::read(repository)?;
    let mut count = Count::default();
    for law in laws::ALL {
        let breaches = (law.breaches)(&tree);
        for breach in &breaches {
            println!("{breach}");
        }
        if !breaches.is_empty() {
            println!("  ↑ {}: {}", law.name, law.why);
        }
        let Count { passed, failed } = Count::one(breaches.is_empty());
        count.passed += passed;
        count.failed += failed;
    }
    Ok(count)
}
