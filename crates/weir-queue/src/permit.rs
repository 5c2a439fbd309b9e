//! The permission to be in flight.

use std::sync::Arc;
use std::time::Instant;

use weir_core::{Chunk, End, Observer, Rejection, Usage};

use crate::line::{Ask, Grant};
use crate::shared::Shared;

/// A pool's permit. Dropping it hands it to the next in line and corrects its tenant's counter by what was really used.
pub struct Permit {
    shared: Arc<Shared>,
    /// Taken out by `drop` only.
    grant: Option<Grant>,
    ask: Ask,
    lent: bool,
    usage: Option<Usage>,
}

impl Permit {
    pub(crate) const fn new(shared: Arc<Shared>, grant: Grant, ask: Ask) -> Self {
        Self { shared, grant: Some(grant), ask, lent: false, usage: None }
    }

    /// Whether it was given although every endpoint rests: waiting for one was no use, or has lasted long enough.
    pub fn is_desperate(&self) -> bool {
        self.grant.as_ref().is_some_and(Grant::is_desperate)
    }

    /// The room may have grown: deals it out.
    pub fn refill(&self) {
        self.shared.deal();
    }

    /// Its holder waits for something else and needs no place meanwhile: it goes to the next in line.
    pub fn lend(&mut self) {
        if let Some(grant) = &mut self.grant
            && !std::mem::replace(&mut self.lent, true)
        {
            self.shared.lend(grant);
        }
    }

    /// Takes a place again, with the seniority of the first time, until `begin_by` at the latest. At once for one that
    /// was not lent. Dropping the future leaves the line; the permit stays lent.
    ///
    /// # Errors
    /// As for a first turn.
    pub async fn reclaim(&mut self, begin_by: Instant) -> Result<(), Rejection> {
        if !self.lent {
            return Ok(());
        }
        // It was charged for when it first had its turn.
        let ask = Ask { cost: 0.0, begin_by, returns: true, ..self.ask.clone() };
        let mut again = self.shared.turn(&ask).await?;
        if let (Some(grant), Some(again)) = (&mut self.grant, again.grant.take()) {
            self.shared.lock().merge(grant, again);
            self.lent = false;
        }
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            self.shared.give_back(grant, self.usage.map(|usage| usage.total() as f64));
        }
    }
}

impl Observer for Permit {
    fn chunk(&mut self, _now: Instant, chunk: &Chunk) {
        if let Some(usage) = chunk.usage {
            self.usage = Some(self.usage.map_or(usage, |known| known.merged(usage)));
        }
    }

    fn end(self: Box<Self>, _now: Instant, _end: End) {}
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.lent { "Permit(lent)" } else { "Permit" })
    }
}
