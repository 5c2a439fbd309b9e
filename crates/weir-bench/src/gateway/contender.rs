//! Who is compared: the straight way to the upstream, and the gateways found on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::ValueEnum;

/// A gateway that can be measured.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gateway {
    /// This project.
    Weir,
    /// This project as it was: an earlier build, named with `--before`.
    Before,
    /// nginx as a plain reverse proxy.
    Nginx,
    /// HAProxy as a plain reverse proxy.
    Haproxy,
}

/// One row of every table.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Generator to upstream with nothing between: the ceiling and the zero of the method.
    Direct,
    /// A gateway that is installed.
    Installed {
        /// Which.
        gateway: Gateway,
        /// Its executable.
        binary: PathBuf,
        /// What it says of its version.
        version: String,
    },
}

impl Gateway {
    /// Name in tables, and of the executable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weir => "weir",
            Self::Before => "before",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    fn version_flag(self) -> &'static str {
        match self {
            Self::Weir | Self::Before => "--version",
            Self::Nginx | Self::Haproxy => "-v",
        }
    }

    fn how_to_get(self) -> &'static str {
        match self {
            Self::Weir => "build it with `cargo build -p weir --profile dist`, or name it with --weir PATH",
            Self::Before => "name it with --before PATH",
            Self::Nginx => "apt-get install nginx",
            Self::Haproxy => "apt-get install haproxy",
        }
    }
}

impl Contender {
    /// Name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Installed { gateway, .. } => gateway.name(),
        }
    }
}

/// The gateways among `wanted` that are installed, in that order; says which are not.
pub fn find_all(wanted: &[Gateway], weir: Option<&Path>, before: Option<&Path>) -> Vec<Contender> {
    let mut found: Vec<Contender> = Vec::new();
    let earlier = before.map(|_| Gateway::Before);
    for gateway in wanted.iter().copied().filter(|gateway| *gateway != Gateway::Before).chain(earlier) {
        match find(gateway, weir, before) {
            Ok(contender) => found.push(contender),
            Err(error) => {
                eprintln!("skipping {}: {error:#} ({})", gateway.name(), gateway.how_to_get());
            }
        }
    }
    found
}

fn find(gateway: Gateway, weir: Option<&Path>, before: Option<&Path>) -> anyhow::Result<Contender> {
    let binary = match (gateway, weir, before) {
        (Gateway::Weir, Some(path), _) | (Gateway::Before, _, Some(path)) => path.to_owned(),
        (Gateway::Weir, None, _) => std::env::current_exe()?.with_file_name("weir"),
        _ => in_path(gateway.name()).context("not installed")?,
    };
    ensure!(binary.is_file(), "{} is not there", binary.display());
    let output =
        Command::new(&binary).arg(gateway.version_flag()).output().context("asking for its version")?;
    // nginx tells its version on stderr, the others on stdout.
    let text = [output.stdout, output.stderr].concat();
    let version = version_number(&String::from_utf8_lossy(&text)).context("it does not tell its version")?;
    Ok(Contender::Installed { gateway, binary, version })
}

/// A program's file, if it is installed.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian puts both proxies where an ordinary user's PATH does not look.
    let folders =
        std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The first thing in `text` that looks like `1.2.3`.
pub fn version_number(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let numbers = text.split(|c| !is_part(c)).map(|number| number.trim_matches('.'));
    numbers.into_iter().find(|number| number.contains('.')).map(str::to_owned)
}
