//! The shell around [`Patience`]: a clock and one timer.
//!
//! The timer is set anew when it fires, or when a limit has come nearer, so that a chunk costs a clock reading and no
//! timer. What always holds: the timer is never set later than patience ends.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::time::Sleep;
use weir_core::{Clock, Failure};
use weir_wire::dialect::Phase;

use crate::Timers;
use crate::patience::Patience;

/// One call's patience, on real time.
pub(crate) struct Watch {
    clock: Clock,
    patience: Patience,
    timer: Pin<Box<Sleep>>,
    set_for: Instant,
}

impl Watch {
    /// For a call that leaves now.
    pub(crate) fn new(clock: Clock, timers: Timers) -> Self {
        let patience = Patience::new(timers, clock.now());
        let set_for = patience.due();
        Self { clock, patience, timer: Box::pin(tokio::time::sleep_until(set_for.into())), set_for }
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Something of the answer came; `parts` counts all so far.
    pub(crate) fn part(&mut self, parts: u64, phase: Phase) {
        if self.patience.part(self.clock.now(), parts, phase) {
            self.come_nearer();
        }
    }

    /// Bytes came that are no progress.
    pub(crate) fn heard(&mut self, phase: Phase) {
        self.patience.heard(self.clock.now(), phase);
        self.come_nearer();
    }

    /// The service said how the answer ended.
    pub(crate) fn ended(&mut self) {
        self.patience.ended(self.clock.now());
        self.come_nearer();
    }

    /// Looks at the clock instead of the timer, which a service that never pauses leaves no turn.
    ///
    /// # Errors
    /// Patience has ended.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.patience.check(self.clock.now()).map(|_due| ())
    }

    /// The failure, once patience has ended.
    pub(crate) fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            match self.patience.check(self.clock.now()) {
                Ok(due) => self.set(due),
                Err(failure) => return Poll::Ready(failure),
            }
        }
    }

    /// Waits for a future as long as patience lasts. A future that is cut short is dropped.
    pub(crate) async fn wait<F: Future>(&mut self, future: F) -> Result<F::Output, Failure> {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_out(cx).map(Err),
        })
        .await
    }

    fn come_nearer(&mut self) {
        let due = self.patience.due();
        if due < self.set_for {
            self.set(due);
        }
    }

    fn set(&mut self, due: Instant) {
        self.set_for = due;
        self.timer.as_mut().reset(due.into());
    }
}
