//! Stage 6, settle: what a request cost, how it ended, one record of it.
//!
//! What always holds: every request that enters makes exactly one record, whatever happens to it, because the record is
//! opened before anything else and ends with the answer or with the caller's leaving.

pub mod config;
mod log;
mod metrics;
mod record;
mod settled;

use std::sync::Arc;

use prometheus_client::registry::Registry;
use weir_core::{Clock, Request};

pub use log::Lines;
pub use record::Record;
pub use settled::{Outcome, Settled};

#[cfg(test)]
mod tests;

/// Someone who wants every record. One file each, and one line in [`Settle::new`].
pub trait Sink: Send + Sync {
    /// A request has ended.
    fn settled(&self, settled: &Settled);
}

/// The stage.
pub struct Settle {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) sinks: Vec<Box<dyn Sink>>,
    pub(crate) metrics: Arc<metrics::Metrics>,
}

impl Settle {
    /// Builds the stage. `models` are the names metrics may use as labels; `lines` takes the access log, if there is one.
    pub fn new(clock: Clock, lines: Option<Arc<Lines>>, models: &[String], registry: &mut Registry) -> Self {
        let metrics = Arc::new(metrics::Metrics::new(models, registry));
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(metrics.clone())];
        if let Some(lines) = lines {
            sinks.push(Box::new(log::AccessLog(lines)));
        }
        Self { shared: Arc::new(Shared { clock, sinks, metrics }) }
    }

    /// The same stage with one more sink.
    #[must_use]
    pub fn with_sink(mut self, sink: Box<dyn Sink>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.sinks.push(sink);
        }
        self
    }

    /// Opens the record of a request.
    pub fn open(&self, request: &Request) -> Record {
        Record::open(self.shared.clone(), request)
    }

    /// Records now open: requests in flight.
    pub fn in_flight(&self) -> i64 {
        self.shared.metrics.in_flight.get()
    }
}
