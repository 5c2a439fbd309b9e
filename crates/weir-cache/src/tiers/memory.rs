//! The first tier: bounded in bytes, in this process.

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{Holding, Which};
use crate::config;
use crate::entry::{Entry, Moment};
use crate::key::Key;

/// Answers in memory.
pub(crate) struct Memory {
    held: Cache<Key, Held, ByBytes>,
}

#[derive(Clone, Debug)]
struct Held {
    entry: Entry,
    /// When it has to be fetched from below again.
    until: Option<Moment>,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Held> for ByBytes {
    fn weight(&self, _key: &Key, held: &Held) -> u64 {
        held.entry.weight()
    }
}

impl Memory {
    pub(crate) fn new(config: &config::Cache) -> Self {
        // quick_cache wants an estimate of how many items fit; answers are a few kilobytes.
        const USUAL_ENTRY_BYTES: u64 = 4096;
        let bytes = config.memory_mib.saturating_mul(1 << 20);
        let items = usize::try_from(bytes / USUAL_ENTRY_BYTES).unwrap_or(usize::MAX).max(16);
        Self { held: Cache::with_weighter(items, bytes, ByBytes) }
    }

    pub(crate) fn get(&self, key: &Key, now: Moment) -> Option<Entry> {
        let held = self.held.get(key)?;
        held.until.is_none_or(|until| now < until).then_some(held.entry)
    }

    pub(crate) fn put(&self, key: Key, entry: Entry, until: Option<Moment>) {
        self.held.insert(key, Held { entry, until });
    }

    pub(crate) fn held(&self) -> Holding {
        let (entries, bytes) = (self.held.len() as u64, self.held.weight());
        Holding { entries, bytes, bytes_max: self.held.capacity() }
    }

    /// Returns how many there were.
    pub(crate) fn purge(&self, which: &Which) -> u64 {
        let before = self.held.len();
        self.held.retain(|_key, held| !which.names(&held.entry.labels));
        before.saturating_sub(self.held.len()) as u64
    }
}
