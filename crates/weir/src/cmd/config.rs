//! `weir config`: what a config may be, and what this one is.
#![allow(clippy::print_stdout, reason = "the command's product")]
#![allow(clippy::print_stderr, reason = "mistakes are talk about the product")]

use std::path::PathBuf;
use std::process::ExitCode;

use super::{CONFIG_INVALID, config_file, environment};
use crate::config::{Style, effective, reference, schema, shortest};

/// What a config may be, and what this one is.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// The JSON schema of config files, for editors
    Schema,
    /// Every table and key as Markdown: docs/config.md
    Reference,
    /// The config in use as TOML, as short as it can be said; secrets stay references
    Show(Show),
}

#[derive(clap::Args)]
struct Show {
    /// Config file; default: weir.toml if there is one, else what the environment offers
    #[arg(long, short)]
    config: Option<PathBuf>,
    /// With every default spelled out
    #[arg(long)]
    effective: bool,
}

/// Prints once.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Schema => println!("{:#}", schema()),
        Command::Reference => print!("{}", reference()),
        Command::Show(args) => return Ok(show(args)),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: Show) -> ExitCode {
    match super::check::read(config_file(args.config)) {
        Ok(loaded) if args.effective => print!("{}", effective(&loaded.config)),
        Ok(loaded) => print!("{}", shortest(&loaded.config)),
        Err(problems) => {
            eprint!("{}", problems.render(Style::of_stderr(&environment)));
            return ExitCode::from(CONFIG_INVALID);
        }
    }
    ExitCode::SUCCESS
}
