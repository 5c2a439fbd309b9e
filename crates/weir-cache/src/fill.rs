//! Watches an answer pass and keeps it if it turns out whole.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use quick_cache::sync::Cache as Memory;
use weir_core::{Chunk, End, Finish, Observer};

use crate::key::Key;
use crate::{ByteWeight, Entry};

/// An answer being kept, or nothing when this one may not be.
pub struct Fill(Option<Filling>);

struct Filling {
    memory: Arc<Memory<Key, Entry, ByteWeight>>,
    key: Key,
    bytes_max: usize,
    bytes: BytesMut,
    whole: bool,
}

impl Fill {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(memory: Arc<Memory<Key, Entry, ByteWeight>>, key: Key, bytes_max: usize) -> Self {
        Self(Some(Filling { memory, key, bytes_max, bytes: BytesMut::new(), whole: false }))
    }
}

impl Fill {
    /// The same, or nothing for an answer that is not the one that was asked for.
    #[must_use]
    pub fn only_if(self, in_full: bool) -> Self {
        if in_full { self } else { Self::none() }
    }
}

impl Observer for Fill {
    fn chunk(&mut self, _now: Instant, chunk: &Chunk) {
        let Some(filling) = &mut self.0 else { return };
        if filling.bytes.len() + chunk.bytes.len() > filling.bytes_max {
            self.0 = None;
            return;
        }
        filling.bytes.extend_from_slice(&chunk.bytes);
        filling.whole |= chunk.finish == Some(Finish::Whole);
    }

    fn end(self: Box<Self>, now: Instant, end: End) {
        let Some(filling) = self.0 else { return };
        // Cut at a length or by a filter, or broken off: not an answer to give again.
        if end == End::Complete && filling.whole {
            let entry = Entry { body: filling.bytes.freeze(), stored: now };
            filling.memory.insert(filling.key, entry);
        }
    }
}
