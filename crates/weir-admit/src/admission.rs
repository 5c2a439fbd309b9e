//! The permission to be here, and what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use weir_core::{Chunk, Dialect, End, Observer, PoolId, Priority, Tenant, Usage};

use crate::keys::Limits;

/// A request let in. Later stages ask for it; dropping it gives the seat back.
#[derive(Debug)]
pub struct Admission {
    /// Which pool answers.
    pub pool: PoolId,
    /// Whose request it is.
    pub tenant: Tenant,
    /// Its share next to other tenants; 1 is usual.
    pub weight: u32,
    /// How urgent it is, within what the key may ask for.
    pub priority: Priority,
    /// When the answer must have begun for the caller still to be there.
    pub begin_by: Instant,
    /// When it must be over.
    pub deadline: Instant,
    /// Whether the caller would rather have a lesser answer than none.
    pub may_degrade: bool,
    pub(crate) charge: Option<Charge>,
    pub(crate) _seat: Seat,
}

impl Admission {
    /// The key's rates, to be told with the answer.
    pub fn rates(&self) -> Rates {
        Rates(self.charge.as_ref().map(|charge| (charge.limits.clone(), charge.dialect)))
    }

    /// The observer that charges what the answer really used and frees the seat at its end.
    pub fn into_observer(self) -> impl Observer {
        Settling { admission: self, usage: None, free: false }
    }

    /// The same for an answer that costs nothing: one from the cache.
    pub fn into_free_observer(self) -> impl Observer {
        Settling { admission: self, usage: None, free: true }
    }
}

/// The rates of the key that asked, if it has any.
pub struct Rates(Option<(Arc<Limits>, Dialect)>);

impl Rates {
    /// What is left of them, into the answer's head.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        if let Some((limits, dialect)) = &self.0 {
            limits.write_headers(*dialect, headers);
        }
    }
}

/// Tokens reserved from a key's rate. Given back if no answer comes of it.
#[derive(Debug)]
pub(crate) struct Charge {
    pub(crate) limits: Arc<Limits>,
    pub(crate) reserved: f64,
    pub(crate) dialect: Dialect,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.limits.refund(self.reserved);
    }
}

struct Settling {
    admission: Admission,
    usage: Option<Usage>,
    free: bool,
}

impl Observer for Settling {
    fn chunk(&mut self, _now: Instant, chunk: &Chunk) {
        if let Some(usage) = chunk.usage {
            self.usage = Some(self.usage.map_or(usage, |known| known.merged(usage)));
        }
    }

    fn end(mut self: Box<Self>, now: Instant, _end: End) {
        let Some(charge) = &mut self.admission.charge else { return };
        let used = match self.usage {
            _ if self.free => 0.0,
            Some(usage) => usage.total() as f64,
            // Nothing was reported: it costs what was reserved.
            None => charge.reserved,
        };
        charge.limits.settle(charge.reserved, used, now);
        charge.reserved = 0.0;
    }
}

/// One of the process's places for a request.
#[derive(Debug)]
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Seat {
    pub(crate) fn take(seats: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let taken = seats.fetch_add(1, Ordering::Relaxed);
        let seat = Self(seats.clone());
        (taken < max).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
