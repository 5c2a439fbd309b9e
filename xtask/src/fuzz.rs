//! `cargo xtask fuzz`: each fuzz target for a minute, one after another, from the corpus that is kept.
//!
//! What always holds: an input that breaks something is a file that the last lines name, and the chore has failed. What
//! is found stays below the target folder unless `--keep` asks for the part of it that reaches new code.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

use crate::program;
use crate::repository::Repository;

/// How long each target runs.
const SECONDS: &str = "60";
/// The longest input tried and kept, in bytes: what matters shows in a few events.
const INPUT_BYTES_MAX: usize = 4096;
/// An input that takes longer has found a loop.
const INPUT_SECONDS_MAX: usize = 10;

/// The most inputs kept for a target, and the most bytes of all of them: every test run replays them.
const KEPT_MAX: usize = 300;
const KEPT_BYTES_MAX: u64 = 150_000;

const TARGETS: &str = "fuzz/fuzz_targets";
const CORPUS: &str = "fuzz/corpus";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    seconds: &'a str,
    target: Option<&'a str>,
    keep: bool,
}

impl<'a> Wanted<'a> {
    fn parse(flags: &[&'a str]) -> anyhow::Result<Self> {
        let mut wanted = Self { seconds: SECONDS, target: None, keep: false };
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match *flag {
                "--keep" => wanted.keep = true,
                "--seconds" => wanted.seconds = flags.next().context("--seconds takes a number")?,
                "--target" => wanted.target = Some(flags.next().context("--target takes a name")?),
                _ => bail!("fuzz takes --seconds N, --target NAME and --keep, not {flag}"),
            }
        }
        // 0 would mean for ever.
        let seconds: u32 = wanted.seconds.parse().unwrap_or(0);
        ensure!(seconds > 0, "--seconds takes a number from 1, not {}", wanted.seconds);
        Ok(wanted)
    }
}

/// What one target's run came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    executions: u64,
    new_inputs: u64,
    /// The input that broke something.
    reproduces: Option<String>,
    succeeded: bool,
}

impl Run {
    /// Reads one line of libFuzzer's.
    fn read(&mut self, line: &str) {
        let number = |rest: &str| rest.trim().parse().unwrap_or(0);
        if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = number(rest);
        } else if let Some(rest) = line.strip_prefix("stat::new_units_added:") {
            self.new_inputs = number(rest);
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.reproduces = Some(path.trim().to_owned());
        }
    }

    fn result(&self) -> String {
        match &self.reproduces {
            _ if self.succeeded => "nothing broke".to_owned(),
            Some(path) => format!("broke: {path}"),
            None => "did not run to its end: what is above says why".to_owned(),
        }
    }
}

pub fn run(repository: &Repository, flags: &[&str]) -> anyhow::Result<ExitCode> {
    let wanted = Wanted::parse(flags)?;
    let targets = targets(repository, wanted.target)?;
    if !program::succeeds(program::cargo().args(["fuzz", "--version"])) {
        bail!(
            "cargo-fuzz is not installed; `cargo xtask setup --fuzz` installs it, and it needs a C++ compiler"
        );
    }
    println!("building {} fuzz targets", targets.len());
    let mut build = cargo_fuzz(repository, "build");
    program::must(&mut build, "the compiler says what to change")?;
    let mut runs = Vec::new();
    for name in targets {
        println!("{name}: {} s", wanted.seconds);
        let run = one(repository, &name, wanted.seconds)?;
        if wanted.keep {
            keep(repository, &name)?;
        }
        runs.push((name, run));
    }
    println!("\n{:<12} {:>12} {:>11}  result", "target", "executions", "new inputs");
    for (name, run) in &runs {
        println!("{name:<12} {:>12} {:>11}  {}", run.executions, run.new_inputs, run.result());
    }
    let all_well = runs.iter().all(|(_, run)| run.succeeded);
    if !all_well {
        println!("\nfix what broke, then keep the input that shows it: copy it into {CORPUS}/<target>/");
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The targets to run: all, or the one that was named.
fn targets(repository: &Repository, named: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(repository.root().join(TARGETS)).context("cannot list the fuzz targets")? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    match named {
        None => Ok(names),
        Some(name) if names.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => bail!("no target is called {name}; there are {}", names.join(", ")),
    }
}

/// Without a sanitizer: weir forbids unsafe code, and sanitizers need a nightly compiler.
fn cargo_fuzz(repository: &Repository, verb: &str) -> Command {
    let mut command = program::cargo();
    command.args(["fuzz", verb, "--sanitizer", "none"]).current_dir(repository.root());
    command
}

fn one(repository: &Repository, name: &str, seconds: &str) -> anyhow::Result<Run> {
    let found = found(repository, name);
    std::fs::create_dir_all(&found)?;
    // libFuzzer writes what it finds into the first folder, and reads the others as well.
    let mut command = cargo_fuzz(repository, "run");
    command.arg(name).arg(&found).arg(kept(repository, name)).args([
        "--".to_owned(),
        format!("-max_total_time={seconds}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        "-verbosity=0".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    let mut run = Run::default();
    run.succeeded = program::watch_errors(&mut command, |line| run.read(line))?.success();
    Ok(run)
}

/// Adds to the corpus, of what was found, whatever reaches code that the corpus does not reach.
fn keep(repository: &Repository, name: &str) -> anyhow::Result<()> {
    let mut command = cargo_fuzz(repository, "run");
    command
        .arg(name)
        .arg(kept(repository, name))
        .arg(found(repository, name))
        .args(["--", "-set_cover_merge=1"]);
    // Code reached once more often is no new code: counting would keep thousands of inputs.
    let quietly = ["-use_counters=0".to_owned(), "-verbosity=0".to_owned()];
    command.args(quietly).arg(format!("-max_len={INPUT_BYTES_MAX}"));
    program::must(&mut command, "an input that breaks something cannot be kept before it is fixed")?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(kept(repository, name))? {
        let entry = entry?;
        files.push((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()));
    }
    for name_of_file in too_many(files) {
        std::fs::remove_file(kept(repository, name).join(name_of_file))?;
    }
    Ok(())
}

/// Which files go so that the others keep to the bounds: of those the fuzzer named, the longest. What a person named
/// stays.
fn too_many(mut files: Vec<(String, u64)>) -> Vec<String> {
    let is_found = |name: &str| name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    files.sort_by_key(|(name, bytes)| (is_found(name), *bytes, name.clone()));
    let (mut count, mut total) = (0, 0);
    let mut gone = Vec::new();
    for (name, bytes) in files {
        if is_found(&name) && (count >= KEPT_MAX || total + bytes > KEPT_BYTES_MAX) {
            gone.push(name);
        } else {
            count += 1;
            total += bytes;
        }
    }
    gone
}

fn kept(repository: &Repository, name: &str) -> PathBuf {
    repository.root().join(CORPUS).join(name)
}

fn found(repository: &Repository, name: &str) -> PathBuf {
    repository.root().join(Path::new("fuzz/target/found")).join(name)
}
