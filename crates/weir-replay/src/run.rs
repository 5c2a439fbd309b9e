//! The open loop: every request leaves at its recorded time, and everything is waited for at the end.
//!
//! What always holds: sending never waits for an answer; at most `in_flight_max` requests are under way, and one that
//! finds no place is recorded as such; the tasks belong to the future of [`run`] and stop when it is dropped.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::exchange::Sender;
use crate::plan::{Plan, Shot};
use crate::progress::{Progress, draw};
use crate::record::Record;
use crate::report::Report;
use crate::target::Target;

/// Sends the plan to the target and reports when the last request has ended, which is the plan's duration and timeout
/// after the call at the latest. `progress` counts along. To be called inside a tokio runtime with time and IO.
pub async fn run(plan: &Plan, target: &Target, progress: Arc<Progress>) -> Report {
    let sender = Arc::new(Sender::new(target, &plan.options));
    let start = Instant::now();
    let mut flights = Flights {
        tasks: JoinSet::new(),
        in_flight_max: plan.options.in_flight_max.get(),
        records: Vec::with_capacity(plan.requests()),
        sender,
        progress,
    };
    for shot in plan.shots() {
        let scheduled = start + shot.due;
        flights.collect_until(scheduled).await;
        flights.launch(shot, scheduled);
    }
    flights.collect_all().await;
    Report::of(&flights.records)
}

/// The same with a progress bar on standard error, where that is a terminal.
pub async fn run_with_bar(plan: &Plan, target: &Target) -> Report {
    let progress = Progress::new();
    tokio::select! {
        biased;
        report = run(plan, target, Arc::clone(&progress)) => report,
        never = draw(&progress, plan.requests() as u64) => match never {},
    }
}

/// The requests under way and the records of those that ended.
struct Flights {
    tasks: JoinSet<Record>,
    in_flight_max: usize,
    records: Vec<Record>,
    sender: Arc<Sender>,
    progress: Arc<Progress>,
}

impl Flights {
    /// Takes in what ends before `scheduled`, and all that has ended by then.
    async fn collect_until(&mut self, scheduled: Instant) {
        let due = sleep_until(scheduled);
        tokio::pin!(due);
        loop {
            // Both branches are cancel-safe: a sleep, and a set that keeps what it did not hand out.
            tokio::select! {
                biased;
                () = &mut due => break,
                Some(ended) = self.tasks.join_next() => self.records.push(landed(ended)),
            }
        }
        while let Some(ended) = self.tasks.try_join_next() {
            self.records.push(landed(ended));
        }
    }

    fn launch(&mut self, shot: Shot, scheduled: Instant) {
        if self.tasks.len() >= self.in_flight_max {
            let record = Record::not_sent(shot.due, shot.priority);
            self.progress.end(&record);
            self.records.push(record);
            return;
        }
        let sender = Arc::clone(&self.sender);
        let progress = Arc::clone(&self.progress);
        let in_flight = progress.send();
        self.tasks.spawn(async move {
            let record = sender.deliver(shot, scheduled).await;
            drop(in_flight);
            progress.end(&record);
            record
        });
    }

    async fn collect_all(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.records.push(landed(ended));
        }
    }
}

/// The record of a task; its panic is ours. It cannot have been aborted: only dropping the set does that.
fn landed(ended: Result<Record, JoinError>) -> Record {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
