//! The tiers that are measured: what each is called on an answer, and the config under which answers come from it.
//!
//! A new tier is one entry in [`ALL`].

use std::path::Path;

/// A place where weir keeps answers.
pub struct Tier {
    /// What `x-cache` says of an answer from it.
    pub state: &'static str,
    /// Where it is, in words.
    pub place: &'static str,
    /// It outlives the process: after a restart what was kept comes from here, the first time.
    pub lasts: bool,
    /// The `[cache]` table with it. The path: where its files may be.
    pub table: fn(&Path) -> String,
}

impl Tier {
    /// What else may be said of its answers: one that was asked for again may have been kept in memory meanwhile.
    pub fn besides(&self) -> Option<&'static str> {
        self.lasts.then_some("HIT-memory")
    }
}

/// Every tier, the fastest first.
const ALL: &[Tier] = &[
    Tier { state: "HIT-memory", place: "memory", lasts: false, table: |_| memory_and(MUCH, "") },
    Tier { state: "HIT-disk", place: "disk", lasts: true, table: |folder| memory_and(LEAST, &disk(folder)) },
];

/// Memory that holds all that is asked, and the least that weir can be given.
pub const MUCH: u64 = 256;
pub const LEAST: u64 = 1;

/// The file of the tier on disk in `folder`.
pub const DISK_FILE: &str = "cache.db";

/// The tiers that this machine has.
pub fn found() -> Vec<&'static Tier> {
    ALL.iter().collect()
}

/// A `[cache]` table that keeps every answer, with so many MiB of memory and, perhaps, something below it.
pub fn memory_and(mib: u64, below: &str) -> String {
    format!("\n[cache]\nmode = \"all\"\nmemory_mib = {mib}\n{below}")
}

/// The line that names a file for the tier on disk.
pub fn disk(folder: &Path) -> String {
    format!("disk = {:?}\n", folder.join(DISK_FILE))
}
