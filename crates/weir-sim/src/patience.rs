//! The time limits that whoever makes calls is responsible for: on the beginning of an answer, on the
//! pauses in it, on the whole. Modelled calls are held to the same ones, by the same rules, as calls over
//! sockets.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, timeout_at};
use weir_core::{Class, Clock, Failure};

/// Waits for an answer to begin, as long as the caller does.
pub(crate) async fn begin<T>(
    begin_by: Instant,
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match timeout_at(begin_by.into(), call).await {
        Ok(result) => result,
        // A caller in a hurry proves nothing about the service.
        Err(_elapsed) => Err(Failure::new(Class::Deadline, "the answer had not begun in time")),
    }
}

/// The limits on an answer that has begun, in one timer that is set anew only when it fires.
pub(crate) struct Patience {
    clock: Clock,
    stall: Duration,
    deadline: Instant,
    progress: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    /// Patience from now on: so long between two parts, until the deadline in all.
    pub(crate) fn new(clock: Clock, stall: Duration, deadline: Instant) -> Self {
        let progress = clock.now();
        let timer = Box::pin(tokio::time::sleep_until((progress + stall).min(deadline).into()));
        Self { clock, stall, deadline, progress, timer }
    }

    /// A meaningful part has come.
    pub(crate) fn progressed(&mut self) {
        self.progress = self.clock.now();
    }

    /// The failure, once patience has run out.
    pub(crate) fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = self.clock.now();
            if now >= self.deadline {
                return Poll::Ready(Failure::new(
                    Class::Deadline,
                    "the deadline passed in the middle of the answer",
                ));
            }
            let due = self.progress + self.stall;
            if now >= due {
                return Poll::Ready(Failure::new(Class::Timeout, "the stream stalled"));
            }
            self.timer.as_mut().reset(due.min(self.deadline).into());
        }
    }
}
