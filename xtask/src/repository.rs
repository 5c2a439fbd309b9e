//! Where things are: the checkout, its target folder, and the files that belong to the project.
//!
//! What always holds: nothing a chore makes lands outside the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The checkout a chore works on.
pub struct Repository {
    root: PathBuf,
    target: PathBuf,
}

impl Repository {
    /// The checkout this program was built from.
    pub fn find() -> anyhow::Result<Self> {
        let manifest =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().context("xtask has no folder above it")?.to_owned();
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// The folder with the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The binary `name` of the cargo profile folder `profile` (`release`, `dist`).
    pub fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// Where the client tests keep what they install and what they leave behind.
    pub fn clients_dir(&self) -> PathBuf {
        self.target.join("clients")
    }

    /// Every file that is tracked, or would be if it were added now, relative to the root.
    pub fn files(&self) -> anyhow::Result<Vec<String>> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .context("the laws ask git which files are the project's; install git")?;
        ensure!(
            listing.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&listing.stderr).trim()
        );
        let names = String::from_utf8(listing.stdout).context("a file name is not UTF-8")?;
        let mut files: Vec<String> = names.split_terminator('\0').map(str::to_owned).collect();
        files.sort();
        files.dedup();
        Ok(files)
    }
}
