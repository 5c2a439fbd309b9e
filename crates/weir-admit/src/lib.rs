//! Stage 1, admit: who is calling, may they, how much, how urgent, until when.
//!
//! What always holds: no later stage can be entered without the [`Admission`] this one returns; dropping it gives the
//! seat back, and whatever the answer really used is charged when it ends.

mod admission;
mod bucket;
pub mod config;
mod keys;
mod models;
mod terms;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weir_core::{Clock, Kind, Priority, Rejection, Request, Scope, Tenant};

pub use admission::Admission;
pub use keys::{NewKey, hash_text};
pub use models::{Cheaper, Models};

use admission::Seat;
use keys::Keys;

#[cfg(test)]
mod tests;

/// The stage.
pub struct Admit {
    clock: Clock,
    keys: Keys,
    models: Models,
    seats: Arc<AtomicUsize>,
    seats_max: usize,
}

impl Admit {
    /// Builds the stage. `requests_max` is how many requests are in the house at most, `models` says which pool answers
    /// which model.
    ///
    /// # Errors
    /// A key whose hash cannot be read, by its place in the list.
    pub fn new(
        clock: Clock,
        keys: &[config::Key],
        requests_max: usize,
        models: Models,
    ) -> Result<Self, keys::BadHash> {
        let keys = Keys::new(keys, clock.now())?;
        Ok(Self { clock, keys, models, seats: Arc::default(), seats_max: requests_max })
    }

    /// Lets a request in, or says why not.
    ///
    /// # Errors
    /// Unauthenticated, unknown model, over the key's rate, or too many requests in the house.
    pub fn check(&self, request: &Request) -> Result<Admission, Rejection> {
        let now = self.clock.now();
        let caller = self.keys.identify(request)?;
        let found = self.models.find(request)?;
        let terms = terms::of(request, caller.priority_cap(), found.deadline)?;
        let seat = Seat::take(&self.seats, self.seats_max).ok_or_else(|| {
            let message = format!(
                "the gateway holds its {} requests (pressure.requests_max); try again",
                self.seats_max
            );
            Rejection::new(Kind::Overloaded, message).after(Duration::from_secs(1))
        })?;
        let charge = caller.charge(request, now)?;
        request.trail.admitted(caller.tenant.name.clone(), terms.priority);
        Ok(Admission {
            pool: found.pool,
            weight: caller.weight(),
            tenant: caller.tenant,
            priority: terms.priority,
            begin_by: terms.begin_by,
            deadline: terms.deadline,
            may_degrade: terms.may_degrade,
            charge,
            _seat: seat,
        })
    }

    /// Lets the house's own request in: the last in line, of a tenant of its own, paid for by nobody.
    ///
    /// # Errors
    /// Unknown model, or too many requests in the house.
    pub fn itself(&self, request: &Request) -> Result<Admission, Rejection> {
        /// Nobody waits for it, but it waits for no longer than what it is for is of use.
        const PATIENCE: Duration = Duration::from_secs(30);
        let found = self.models.find(request)?;
        let busy = || Rejection::new(Kind::Overloaded, "the gateway is full");
        let seat = Seat::take(&self.seats, self.seats_max).ok_or_else(busy)?;
        let name: Arc<str> = "weir".into();
        request.trail.admitted(name.clone(), Priority::LAST);
        let end = request.received + PATIENCE.min(found.deadline);
        Ok(Admission {
            pool: found.pool,
            weight: 1,
            tenant: Tenant { name, scope: Scope::OPEN, team: None },
            priority: Priority::LAST,
            begin_by: end,
            deadline: end,
            may_degrade: false,
            charge: None,
            _seat: seat,
        })
    }

    /// Lets a caller look at what is not a call (the list of models).
    ///
    /// # Errors
    /// Unauthenticated.
    pub fn identify(&self, request: &Request) -> Result<(), Rejection> {
        self.keys.identify(request).map(drop)
    }

    /// The models callers may name, in the order of the config.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Requests now between admission and the end of their answers.
    pub fn in_house(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }
}
