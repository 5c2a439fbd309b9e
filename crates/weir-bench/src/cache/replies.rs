//! What a reply takes, by the way it comes: straight, from a tier, by a call of its own, by one that is shared.
//!
//! Each run has a fresh upstream and a fresh weir. Every reply of a tier's run is checked to be the tier's.

use anyhow::ensure;

use super::Shop;
use super::measure::{Measure, Values};
use super::results::Results;
use super::stand::{Service, Stand};
use super::tier::{self, Tier};
use crate::gateway::measure::{crowded, kept_waiting_percent, words};
use crate::load::Report;

/// Questions whose answers are kept, where they may all be in memory.
const QUESTIONS: u64 = 1_000;

/// And where they must not be: twenty times what the least memory holds.
const QUESTIONS_BELOW: u64 = 20_000;

/// Requests a second where nothing is to be crowded.
const RATE: u64 = 200;

/// Chunks of a stream.
const CHUNKS: u32 = 20;

/// And of the same stream when it is given again: its beginning and its end have chunks of their own then, as most services
/// have it and the upstream of this benchmark has not.
const CHUNKS_KEPT: u32 = CHUNKS + 2;

/// How long the service takes where requests share its call: so long that the second is there before the answer.
const SHARED_MS: u32 = 5;

/// How a reply comes about.
#[derive(Clone, Copy)]
enum Way {
    /// From the upstream, which takes so many milliseconds.
    Straight(u32),
    /// From a server that is nothing but hyper.
    Bare,
    /// Through weir, from a tier.
    Kept(&'static Tier),
    /// Through weir, by a call whose answer is then kept.
    Called,
    /// Through weir, by a call that another request made.
    Shared,
}

impl Way {
    fn name(self) -> String {
        match self {
            Self::Straight(0) => "direct".to_owned(),
            Self::Straight(ms) => format!("direct, {ms} ms"),
            Self::Bare => "hyper alone".to_owned(),
            Self::Kept(tier) => format!("hit: {}", tier.place),
            Self::Called => "miss".to_owned(),
            Self::Shared => format!("shared, {SHARED_MS} ms"),
        }
    }

    /// Options of the load: which of so many kept questions are asked, and what must be said of the answers.
    fn asking(self, questions: u64) -> Vec<String> {
        match self {
            Self::Straight(_) | Self::Bare => Vec::new(),
            Self::Kept(tier) => {
                let mut asking = words(&["--questions", &questions.to_string(), "--state", tier.state]);
                asking.extend(tier.besides().into_iter().flat_map(|other| words(&["--besides", other])));
                asking
            }
            Self::Called => words(&["--state", "MISS"]),
            // Whoever is first makes the call. One that comes when it is over finds its answer kept.
            Self::Shared => words(&[
                "--together",
                "2",
                "--state",
                "COALESCED",
                "--besides",
                "MISS",
                "--besides",
                "HIT-memory",
            ]),
        }
    }

    fn service(self) -> Service {
        let delay_ms = match self {
            Self::Straight(ms) => ms,
            Self::Shared => SHARED_MS,
            Self::Bare | Self::Kept(_) | Self::Called => 0,
        };
        Service { chunks: CHUNKS, delay_ms }
    }
}

/// Whole answers when nothing is crowded.
pub async fn latency(shop: &Shop<'_>, results: &mut Results) {
    let ways = [Way::Called, Way::Straight(SHARED_MS), Way::Shared];
    paced(shop, results, Measure::Latency, &with_tiers(shop, &[Way::Straight(0)], &ways)).await;
}

/// Streams when nothing is crowded.
pub async fn streams(shop: &Shop<'_>, results: &mut Results) {
    paced(shop, results, Measure::Streams, &with_tiers(shop, &[Way::Straight(0)], &[Way::Called])).await;
}

/// As many as one core can carry.
pub async fn throughput(shop: &Shop<'_>, results: &mut Results) {
    let ways = with_tiers(shop, &[Way::Straight(0), Way::Bare], &[Way::Called]);
    for way in ways {
        let outcome = report(shop, way, Load::Crowded).await.and_then(|report| {
            counted(&report)?;
            crowded(&report)
        });
        results.note(Measure::Throughput, &way.name(), outcome);
    }
}

fn with_tiers(shop: &Shop<'_>, before: &[Way], after: &[Way]) -> Vec<Way> {
    let kept = shop.tiers.iter().map(|tier| Way::Kept(tier));
    before.iter().copied().chain(kept).chain(after.iter().copied()).collect()
}

/// Each way in turn, and what it adds to the straight one before it.
async fn paced(shop: &Shop<'_>, results: &mut Results, measure: Measure, ways: &[Way]) {
    let load = if measure == Measure::Streams { Load::PacedStreams } else { Load::Paced };
    let mut straight: Option<Values> = None;
    for &way in ways {
        let report = report(shop, way, load).await;
        let outcome = report.and_then(|report| paced_values(&report, way, straight.as_ref()));
        if let (Way::Straight(_), Ok(values)) = (way, &outcome) {
            straight = Some(values.clone());
        }
        results.note(measure, &way.name(), outcome);
    }
}

fn paced_values(report: &Report, way: Way, straight: Option<&Values>) -> anyhow::Result<Values> {
    let answers = counted(report)?;
    let is_straight = matches!(way, Way::Straight(_));
    let added =
        |value: Option<f64>, at: usize| if is_straight { None } else { Some(value? - straight?[at]?) };
    Ok(vec![
        report.p50_ms,
        report.p99_ms,
        added(report.p50_ms, 0),
        added(report.p99_ms, 1),
        report.cpu_seconds.map(|cpu| cpu * 1_000.0 / answers),
        kept_waiting_percent(report),
        Some(report.errors as f64),
    ])
}

/// The answers of the metered window.
///
/// # Errors
/// There were none, or some came another way than the one that is measured.
fn counted(report: &Report) -> anyhow::Result<f64> {
    ensure!(report.errors == 0, "{} errors: {}", report.errors, report.first_error.as_deref().unwrap_or("-"));
    ensure!(report.metered_answers > 0, "no answer in the metered window");
    Ok(report.metered_answers as f64)
}

/// How it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    /// At a rate that crowds nothing.
    Paced,
    /// The same, for streams.
    PacedStreams,
    /// As much as can be.
    Crowded,
}

impl Load {
    fn manner(self, chunks: u32) -> Vec<String> {
        match self {
            Self::Paced => words(&["paced", "--rate", &RATE.to_string()]),
            Self::PacedStreams => {
                words(&["paced", "--rate", &RATE.to_string(), "--chunks", &chunks.to_string()])
            }
            Self::Crowded => words(&["closed", "--connections", "64"]),
        }
    }

    /// How many questions are kept for a load of so many seconds from a tier.
    fn questions(self, tier: &Tier, seconds: u64) -> u64 {
        match self {
            _ if !tier.lasts => QUESTIONS,
            // None is asked twice, the time before the window and some more included.
            Self::Paced | Self::PacedStreams => RATE * (seconds + 2),
            Self::Crowded => QUESTIONS_BELOW,
        }
    }
}

/// One load on a fresh stand.
async fn report(shop: &Shop<'_>, way: Way, load: Load) -> anyhow::Result<Report> {
    let (folder, seconds) = (shop.bench.folder(), shop.bench.seconds());
    let service = way.service();
    let mut stand = match way {
        Way::Straight(_) => Stand::straight(folder, service).await?,
        Way::Bare => Stand::bare(folder).await?,
        Way::Kept(tier) => Stand::tier(folder, &shop.weir, service, tier).await?,
        Way::Called | Way::Shared => {
            Stand::weir(folder, &shop.weir, service, &tier::memory_and(tier::MUCH, "")).await?
        }
    };
    let (mut questions, mut chunks) = (0, CHUNKS);
    if let Way::Kept(tier) = way {
        questions = load.questions(tier, seconds);
        stand.fill(questions, (load == Load::PacedStreams).then_some(CHUNKS)).await?;
        stand.ensure_nothing_lost().await?;
        if tier.lasts {
            stand.restart_weir().await?;
        }
        chunks = CHUNKS_KEPT;
    }
    let report = stand.load(seconds, &[way.asking(questions), load.manner(chunks)].concat()).await;
    stand.ensure_nothing_lost().await?;
    stand.stop().await;
    report
}
