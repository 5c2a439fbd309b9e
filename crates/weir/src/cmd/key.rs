//! `weir key`: keys for callers. The token is told once and kept nowhere.
//!
//! The table goes to standard output and the token to standard error, so that `weir key new >> weir.toml` adds the
//! caller without leaving the token in the file.
#![allow(clippy::print_stdout, reason = "the command's product")]
#![allow(clippy::print_stderr, reason = "the token is for a person, never for a file")]

use std::process::ExitCode;

use weir_admit::NewKey;

use crate::assemble::random;

/// Make keys for callers.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a key: the token for the caller, and the table for the config
    New(New),
}

#[derive(clap::Args)]
struct New {
    /// The caller's name in logs and metrics
    #[arg(long, default_value = "caller", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
}

/// Makes one key.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Command::New(New { name }) = args.command;
    let key = NewKey::from_random(random()?);
    let name = toml::Value::from(name);
    eprintln!("for the caller, shown only now: {}", key.token);
    eprintln!("for the config:");
    println!("[[key]]\nname = {name}\nhash = \"{}\"", key.hash);
    Ok(ExitCode::SUCCESS)
}
