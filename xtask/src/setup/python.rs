//! Python environments for the clients, one for each line of the SDK, and the test suite of the SDK itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::stamp;
use crate::program;
use crate::repository::Repository;

pub(super) const RETRY: &str = "when PyPI was not reachable, run `cargo xtask setup` again";

/// A virtual environment with exactly what one list asks for.
pub struct Venv {
    folder: PathBuf,
    list: PathBuf,
}

impl Venv {
    /// The 2.x line of the OpenAI SDK, and Anthropic's.
    pub fn openai2(repository: &Repository) -> Self {
        Self::of(repository, "openai2")
    }

    /// The 3.x line of the OpenAI SDK.
    pub fn openai3(repository: &Repository) -> Self {
        Self::of(repository, "openai3")
    }

    /// The environment `name`, made from `tests/clients/requirements-<name>.txt`.
    pub(super) fn of(repository: &Repository, name: &str) -> Self {
        let list = repository.root().join(format!("tests/clients/requirements-{name}.txt"));
        Self { folder: repository.clients_dir().join(name), list }
    }

    /// The environment's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The environment's interpreter with `args`, deaf to what else is installed on this machine.
    pub fn python<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(self.folder.join("bin/python"));
        command.args(args).env_remove("PYTHONPATH").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Makes the environment, unless it is there.
    pub fn install(&self) -> anyhow::Result<()> {
        let wanted = self.wanted()?;
        if stamp::is_current(&self.folder, &wanted) {
            return Ok(());
        }
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        println!("setup: making the Python environment {name}");
        stamp::clear(&self.folder)?;
        let mut make = Command::new("python3");
        program::must(make.args(["-m", "venv"]).arg(&self.folder), "remove target/clients and try again")?;
        let mut pip = self.pip();
        pip.args(["install", "--no-deps", "--requirement"]).arg(&self.list);
        program::must(&mut pip, RETRY)?;
        program::must(self.pip().arg("check"), "a pin in the list disagrees with another; see above")?;
        stamp::put(&self.folder, &wanted)
    }

    /// Its pip, which asks and says little.
    pub(super) fn pip(&self) -> Command {
        self.python(["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"])
    }

    fn wanted(&self) -> anyhow::Result<String> {
        std::fs::read_to_string(&self.list).with_context(|| format!("cannot read {}", self.list.display()))
    }

    /// The version the list pins `package` to.
    fn pinned(&self, package: &str) -> anyhow::Result<String> {
        let wanted = self.wanted()?;
        let pin = |line: &str| {
            let (name, version) = line.split_once("==")?;
            (name.split('[').next() == Some(package)).then(|| version.trim().to_owned())
        };
        wanted
            .lines()
            .find_map(pin)
            .with_context(|| format!("{} does not pin {package}", self.list.display()))
    }
}

/// The unpacked source of the pinned OpenAI SDK, with its own test suite in `tests/`.
pub fn sdk_source(repository: &Repository) -> anyhow::Result<PathBuf> {
    let version = Venv::openai3(repository).pinned("openai")?;
    Ok(repository.clients_dir().join("openai-source").join(format!("openai-{version}")))
}

/// Fetches the SDK's source, unless it is there. The build backend is in the environment already, so nothing that is
/// not pinned is fetched to ask the source for its name.
pub fn fetch_sdk_tests(repository: &Repository) -> anyhow::Result<()> {
    let venv = Venv::openai3(repository);
    let version = venv.pinned("openai")?;
    let source = sdk_source(repository)?;
    let folder = source.parent().expect("the source has a folder of its own");
    if stamp::is_current(folder, &version) {
        return Ok(());
    }
    println!("setup: fetching the test suite of the OpenAI SDK {version}");
    stamp::clear(folder)?;
    let mut pip = venv.pip();
    pip.args(["download", "--no-deps", "--no-binary", "openai", "--no-build-isolation", "--dest"])
        .arg(folder);
    program::must(pip.arg(format!("openai=={version}")), RETRY)?;
    let archive = folder.join(format!("openai-{version}.tar.gz"));
    let mut unpack = venv.python(["-m", "tarfile", "--extract"]);
    program::must(unpack.arg(&archive).arg(folder), "remove target/clients and try again")?;
    ensure!(source.join("tests/api_resources").is_dir(), "the source of openai {version} has no tests");
    stamp::put(folder, &version)
}
