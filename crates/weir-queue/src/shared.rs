//! One pool's line behind its lock, and those who wait in it.
//!
//! Every event follows one shape: under the lock the machine decides; without it the news are passed on. A permit on its
//! way to someone who has just gone comes back by being dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use weir_core::{Clock, Priority, Rejection, Scope, Urgency};

use crate::line::{Ask, Grant, Line, Look, Moment, News, Refusal, Ticket, Told};
use crate::metrics::PoolMetrics;
use crate::{Permit, Pool, refuse};

/// One pool's line.
pub(crate) struct Shared {
    clock: Clock,
    pool: Pool,
    /// Guards the line for one event; never held across an await or while a permit may be dropped.
    line: Mutex<Line<Arc<Slot>>>,
    metrics: PoolMetrics,
}

/// What someone in line has in common with the line: where the answer is put.
pub(crate) struct Slot {
    ask: Ask,
    /// Guards a value that is put in once and taken out once.
    outcome: Mutex<Option<Result<Permit, Refusal>>>,
    /// There is an outcome, or a reason to check.
    ready: Notify,
}

/// How a request came in.
enum Entry<'a> {
    Turn(Permit),
    Waiting(Waiting<'a>),
    Refused(Refusal),
}

impl Shared {
    pub(crate) fn new(clock: Clock, pool: Pool, line: Line<Arc<Slot>>, metrics: PoolMetrics) -> Self {
        Self { clock, pool, line: Mutex::new(line), metrics }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Line<Arc<Slot>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn.
    pub(crate) async fn turn(self: &Arc<Self>, ask: &Ask) -> Result<Permit, Rejection> {
        let came = self.clock.now();
        let class = Urgency::of(ask.priority);
        let refusal = match self.enter(ask) {
            Entry::Turn(permit) => return Ok(permit),
            Entry::Refused(refusal) => refusal,
            Entry::Waiting(waiting) => {
                let outcome = waiting.outcome().await;
                let waited = self.clock.now().saturating_duration_since(came);
                self.metrics.waited(class, waited.as_secs_f64());
                match outcome {
                    Ok(permit) => return Ok(permit),
                    Err(refusal) => refusal,
                }
            }
        };
        self.metrics.left(refusal.why);
        Err(refuse::rejection(refusal, self.clock.now().saturating_duration_since(came)))
    }

    /// The room may have grown.
    pub(crate) fn deal(self: &Arc<Self>) {
        self.event(|line, at, told| line.deal(at, told));
    }

    pub(crate) fn lend(self: &Arc<Self>, grant: &mut Grant) {
        self.event(|line, at, told| line.lend(at, grant, told));
    }

    pub(crate) fn give_back(self: &Arc<Self>, grant: Grant, used: Option<f64>) {
        self.event(|line, at, told| line.give_back(at, grant, used, told));
    }

    pub(crate) fn has_room(self: &Arc<Self>, priority: Priority) -> bool {
        self.event(|line, at, told| line.has_room(at, priority, told))
    }

    pub(crate) fn foresees(&self, tenant: &Scope, priority: Priority, arrived: Instant) -> Option<Duration> {
        let line = self.lock();
        line.foresees(self.moment(), tenant, priority, arrived)
    }

    pub(crate) fn look(&self) -> Look {
        let mut line = self.lock();
        line.look(self.moment())
    }

    fn enter(self: &Arc<Self>, ask: &Ask) -> Entry<'_> {
        self.event(|line, at, told| {
            if let Some(grant) = line.enter(at, ask, told) {
                return Entry::Turn(Permit::new(self.clone(), grant, ask.clone()));
            }
            let slot = Arc::new(Slot { ask: ask.clone(), outcome: Mutex::new(None), ready: Notify::new() });
            match line.join(at, ask, slot.clone(), told) {
                Ok(ticket) => Entry::Waiting(Waiting { shared: self, ticket, slot, in_line: true }),
                Err(refusal) => Entry::Refused(refusal),
            }
        })
    }

    /// One event: the machine decides, the gauges follow, the news go out.
    fn event<T>(
        self: &Arc<Self>,
        decide: impl FnOnce(&mut Line<Arc<Slot>>, Moment, &mut Told<Arc<Slot>>) -> T,
    ) -> T {
        let mut told = Vec::new();
        let decided = {
            let mut line = self.lock();
            let at = self.moment();
            let decided = decide(&mut line, at, &mut told);
            for class in Urgency::ALL {
                self.metrics.depth[class as usize].set(line.waiting_of(class) as i64);
            }
            self.metrics.permits.set(line.out() as i64);
            self.metrics.room.set(at.room.now as i64);
            decided
        };
        for news in told {
            match news {
                News::Turn(slot, grant) => {
                    let permit = Permit::new(self.clone(), grant, slot.ask.clone());
                    slot.put(Ok(permit));
                }
                News::Left(slot, refusal) => slot.put(Err(refusal)),
                News::Watch(slot) => slot.ready.notify_one(),
            }
        }
        decided
    }

    /// Read under the lock, so that events see time and room in the order in which they happen.
    fn moment(&self) -> Moment {
        let now = self.clock.now();
        Moment { now, room: (self.pool.room)(now) }
    }
}

impl Slot {
    /// If whoever waited has gone, the slot goes with this call, and a permit in it comes back by being dropped.
    fn put(&self, outcome: Result<Permit, Refusal>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.ready.notify_one();
    }

    fn take(&self) -> Option<Result<Permit, Refusal>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A place in line. Dropping it gives the place up.
struct Waiting<'a> {
    shared: &'a Arc<Shared>,
    ticket: Ticket,
    slot: Arc<Slot>,
    /// As far as this side knows: it has not heard of its outcome.
    in_line: bool,
}

impl Waiting<'_> {
    /// Ends with a turn, or at the latest when the line says that this one has waited long enough.
    async fn outcome(mut self) -> Result<Permit, Refusal> {
        loop {
            if let Some(outcome) = self.slot.take() {
                self.in_line = false;
                return outcome;
            }
            let check_at = self.check();
            self.until(check_at).await;
        }
    }

    fn check(&self) -> Option<Instant> {
        self.shared.event(|line, at, told| line.check(at, self.ticket, told))
    }

    /// Until there is a reason to look again. Without a time the outcome is in the slot or on its way to it.
    async fn until(&self, check_at: Option<Instant>) {
        let ready = self.slot.ready.notified();
        match check_at {
            None => ready.await,
            Some(check_at) => {
                let slept = tokio::time::timeout_at(tokio::time::Instant::from_std(check_at), ready).await;
                // Woken or timed out: either way the line is asked what to do.
                drop(slept);
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.in_line {
            return;
        }
        // First out of the line, so that no permit is sent here any more; a permit that already lies in the slot goes
        // back when the slot is dropped, after this.
        self.shared.event(|line, at, told| line.leave(at, self.ticket, told));
    }
}
