//! Stamps: a copy of what was asked for, left in a folder once it holds just that.

use std::path::Path;

use anyhow::Context;

const NAME: &str = "installed-for";

/// Whether `folder` was made for exactly `wanted`.
pub fn is_current(folder: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(folder.join(NAME)).is_ok_and(|found| found == wanted)
}

/// Empties `folder`: half of an earlier installation is worse than none.
pub fn clear(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display())),
    }
}

/// Says that `folder` now holds what `wanted` asks for.
pub fn put(folder: &Path, wanted: &str) -> anyhow::Result<()> {
    std::fs::write(folder.join(NAME), wanted).with_context(|| format!("cannot write to {}", folder.display()))
}
