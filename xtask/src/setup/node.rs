//! Node and its packages. Node comes as a wheel from PyPI: the same version on every machine, and no root.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::{Venv, stamp};
use crate::program;
use crate::repository::Repository;

/// A Node runtime and the packages that `tests/clients/package-lock.json` pins.
pub struct Node {
    runtime: Venv,
    packages: PathBuf,
}

impl Node {
    pub fn new(repository: &Repository) -> Self {
        Self {
            runtime: Venv::of(repository, "node"),
            packages: repository.clients_dir().join("node-packages"),
        }
    }

    /// Installs the runtime and the packages, unless they are there.
    pub fn install(&self, repository: &Repository) -> anyhow::Result<()> {
        self.runtime.install()?;
        let sources = repository.root().join("tests/clients");
        let lock = std::fs::read_to_string(sources.join("package-lock.json")).context("the npm lock file")?;
        if stamp::is_current(&self.packages, &lock) {
            return Ok(());
        }
        println!("setup: installing the npm packages");
        stamp::clear(&self.packages)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(sources.join(file), self.packages.join(file))?;
        }
        let mut install = self.command("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&self.packages);
        program::must(&mut install, "when npm was not reachable, run `cargo xtask setup` again")?;
        stamp::put(&self.packages, &lock)
    }

    /// `node` with the packages in reach of `require`.
    pub fn node(&self) -> Command {
        self.command("node")
    }

    /// The stand-in server's own program. Its npm entry would start it as a child and leave it behind when killed.
    pub fn steady(&self) -> Command {
        let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
        Command::new(self.modules().join(format!("@stdy/cli-{system}-{processor}/bin/steady")))
    }

    fn modules(&self) -> PathBuf {
        self.packages.join("node_modules")
    }

    fn command(&self, name: &str) -> Command {
        let bin = self.runtime.folder().join("bin");
        let mut command = Command::new(bin.join(name));
        // npm's own scripts look `node` up in the path.
        command.env("PATH", with_first(&bin)).env("NODE_PATH", self.modules());
        command
    }
}

/// The path to search for programs, with `folder` before the rest.
fn with_first(folder: &Path) -> std::ffi::OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).expect("a folder of the path has no separator in it")
}
