//! What came of it, in numbers of this run.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::SerializeMap;
use weir_replay::{Known, PriorityReport, Report};

use super::watch::Watched;

/// Both arms, and the rush.
pub struct Verdict {
    /// The seed they shared.
    pub seed: u64,
    /// Straight to the service.
    pub direct: Arm,
    /// Through weir.
    pub weir: Arm,
    /// More work than room.
    pub rush: Arm,
}

/// One arm.
pub struct Arm {
    /// What the client saw.
    pub report: Report,
    /// What the gateway showed of itself meanwhile.
    pub watched: Watched,
    /// Calls that reached a service.
    pub calls: u64,
    /// Streams that a service cut.
    pub cut: u64,
    /// Of those, the ones that reached their end all the same.
    pub rescued: u64,
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("seed", &self.seed)?;
        map.serialize_entry("direct", &Numbers::of(&self.direct, false))?;
        map.serialize_entry("weir", &Numbers::of(&self.weir, true))?;
        map.serialize_entry("rush", &Numbers::of(&self.rush, true))?;
        map.end()
    }
}

/// An arm as JSON. `tries` are the calls that reached a service, whoever made them.
#[derive(Serialize)]
struct Numbers<'a> {
    requests: u64,
    good: u64,
    good_share: f64,
    mean_ms: Option<f64>,
    p99_ms: Option<f64>,
    ttft_p95_ms: Option<f64>,
    tries: u64,
    /// Streams that a service cut, and those of them that reached their end all the same.
    cut: u64,
    rescued: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    full: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shed: Option<u64>,
    /// Good answers that had no call of their own, by where they came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Known>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    watched: Option<&'a Watched>,
    by_priority: &'a BTreeMap<u8, PriorityReport>,
}

impl<'a> Numbers<'a> {
    fn of(arm: &'a Arm, with_split: bool) -> Self {
        let report = &arm.report;
        let split = |count: u64| with_split.then_some(count);
        Self {
            requests: report.requests,
            good: report.good,
            good_share: report.good_share,
            mean_ms: report.latencies.mean_ms,
            p99_ms: report.latencies.p99_ms,
            ttft_p95_ms: report.latencies.ttft_p95_ms,
            tries: arm.calls,
            cut: arm.cut,
            rescued: arm.rescued,
            full: split(report.full),
            degraded: split(report.degraded),
            shed: split(report.shed),
            known: with_split.then_some(report.known),
            watched: with_split.then_some(&arm.watched),
            by_priority: &report.by_priority,
        }
    }
}

impl Verdict {
    /// The verdict as a person reads it.
    pub fn render(&self) -> String {
        let row = |name: &str, arm: &Arm| {
            let report = &arm.report;
            let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.0} ms"));
            format!(
                "  {name:<10}{:>9.2} %{:>12}{:>12}{:>14}{:>16.2}\n",
                report.good_share * 100.0,
                ms(report.latencies.mean_ms),
                ms(report.latencies.p99_ms),
                ms(report.latencies.ttft_p95_ms),
                arm.calls as f64 / report.requests as f64,
            )
        };
        let mut text = format!(
            "\n  the same {} requests, seed {}\n\n  {:<10}{:>11}{:>12}{:>12}{:>14}{:>16}\n",
            self.direct.report.requests,
            self.seed,
            "",
            "good",
            "mean",
            "p99",
            "first tok p95",
            "calls a request"
        );
        text.push_str(&row("direct", &self.direct));
        text.push_str(&row("weir", &self.weir));
        let lost = |arm: &Arm| arm.report.requests - arm.report.good;
        text.push_str(&format!(
            "\n  lost: {} direct, {} through weir ({} full, {} degraded, {} shed). Latencies are of good requests.\n",
            lost(&self.direct),
            lost(&self.weir),
            self.weir.report.full,
            self.weir.report.degraded,
            self.weir.report.shed,
        ));
        text.push_str(&format!(
            "  cut in the middle: {} direct, none rescued; {} behind weir, {} rescued unseen.\n",
            self.direct.cut, self.weir.cut, self.weir.rescued,
        ));
        text.push_str(&format!("  without a call of their own: {}.\n", self.weir.report.known));
        text.push_str(&self.pressure());
        text.push_str(&self.doubts());
        text
    }

    /// What weir did with more work than room, and what that meant to the urgent and to the others.
    fn pressure(&self) -> String {
        let Report { requests, full, degraded, shed, by_priority, known, .. } = &self.rush.report;
        // Whatever else is marked was made by the other model.
        let cheaper = degraded.saturating_sub(known.stale);
        let mut text = format!(
            "\n  a rush of {requests}: {full} answered in full, {cheaper} by the cheaper model and {} stale, both marked so, {shed} shed.\n  \
             without a call of their own: {known}.\n  level {}, {} waiting at most.\n  by priority:",
            known.stale,
            self.rush.watched.walk(),
            self.rush.watched.waiting_max,
        );
        for (priority, row) in by_priority {
            let p99 = row.latencies.p99_ms.map_or("-".to_owned(), |ms| format!("{ms:.0} ms"));
            text.push_str(&format!("  P{priority} {}/{} good, p99 {p99}", row.good, row.requests));
        }
        text.push('\n');
        text
    }

    /// Said aloud when this machine, not the service, was measured.
    fn doubts(&self) -> String {
        const LATE_MS_MAX: f64 = 100.0;
        let late = [&self.direct, &self.weir]
            .iter()
            .filter_map(|arm| arm.report.sent_late_p99_ms)
            .fold(0.0, f64::max);
        if late <= LATE_MS_MAX {
            return String::new();
        }
        format!(
            "  inconclusive: this machine was too slow to keep the schedule (requests left up to {late:.0} ms late)\n"
        )
    }
}
