//! One lane of the load: a connection and the rhythm in which it asks.
//!
//! A lane never has two exchanges under way. After a failure it opens a new connection, and it stops by itself when the
//! window has closed.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep, sleep_until};

use super::tally::Tally;
use super::{Arguments, Asking, Manner, Window};
use crate::chat::Request;
use crate::connection::Connection;

/// Lanes that share a paced load; at 200 a second each has 80 ms for an answer before it holds up the next.
const PACED_LANES: u32 = 16;

/// Streams are begun over this time, not all at once, so that chunks do not come in one beat.
const RAMP: Duration = Duration::from_secs(1);

/// Rest after a failed exchange, so that a dead server is not asked in a busy loop.
const REST: Duration = Duration::from_millis(10);

/// Most lanes of one load.
const LANES_MAX: u32 = 8_192;

/// A manner of asking, checked.
#[derive(Clone, Copy)]
pub struct Plan {
    manner: Manner,
    lanes: u32,
    /// Lanes that ask the same at the same time: a group.
    together: u32,
}

impl Plan {
    /// Refuses loads with no lanes, no chunks or more lanes than a loopback test should open.
    pub fn new(manner: Manner, together: u32) -> anyhow::Result<Self> {
        let lanes = match manner {
            Manner::Closed { connections, .. } => connections,
            Manner::Paced { rate, .. } => {
                ensure!((1..=10_000).contains(&rate), "rate must be 1 to 10,000, not {rate}");
                PACED_LANES
            }
            Manner::Streams { streams, .. } | Manner::Hold { streams, .. } => streams,
        };
        ensure!((1..=LANES_MAX).contains(&lanes), "lanes must be 1 to {LANES_MAX}, not {lanes}");
        ensure!(lanes.is_multiple_of(together), "{lanes} lanes are no whole number of groups of {together}");
        Ok(Self { manner, lanes, together })
    }

    /// How many lanes the load has.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    fn groups(self) -> u32 {
        self.lanes / self.together
    }

    /// Chunks that an answer must have, where streams are asked for.
    fn chunks(self) -> Option<usize> {
        match self.manner {
            Manner::Closed { chunks, .. } | Manner::Paced { chunks, .. } => {
                chunks.map(|chunks| chunks as usize)
            }
            Manner::Streams { chunks, .. } | Manner::Hold { chunks, .. } => Some(chunks as usize),
        }
    }
}

/// A lane before it runs.
pub struct Lane {
    index: u32,
    plan: Plan,
    port: u16,
    request: Request,
    asking: Asking,
    /// Requests so far.
    asked: u64,
    connection: Option<Connection>,
    window: Window,
    tally: Tally,
}

impl Lane {
    /// Prepares lane `index` of `plan`.
    pub fn new(index: u32, plan: Plan, arguments: &Arguments, window: Window) -> Self {
        let request = Request::new(arguments.port, arguments.key.as_deref(), plan.chunks().is_some());
        Self {
            index,
            plan,
            port: arguments.port,
            request,
            asking: arguments.asking.clone(),
            asked: 0,
            connection: None,
            window,
            tally: Tally::default(),
        }
    }

    /// Asks in the plan's manner until the window closes; `begun` is when the load as a whole began.
    pub async fn run(mut self, begun: Instant) -> Tally {
        match self.plan.manner {
            Manner::Closed { .. } => self.run_closed().await,
            Manner::Paced { rate, .. } => self.run_paced(begun, rate).await,
            Manner::Streams { chunks, .. } => {
                sleep_until(begun + self.share_of(RAMP)).await;
                while Instant::now() < self.window.closes {
                    self.stream(chunks as usize).await;
                }
            }
            Manner::Hold { chunks, .. } => {
                sleep_until(begun + self.share_of(RAMP)).await;
                self.stream(chunks as usize).await;
            }
        }
        self.tally
    }

    async fn run_closed(&mut self) {
        let mut begun = Instant::now();
        while begun < self.window.closes {
            begun = self.ask(begun).await;
        }
    }

    async fn run_paced(&mut self, load_begun: Instant, rate: u32) {
        let lanes = self.plan.lanes;
        let beat = Duration::from_secs(1) * lanes / rate;
        let mut due = load_begun + self.share_of(beat);
        let mut free_since = load_begun;
        while due < self.window.closes {
            sleep_until(due).await;
            // The timer's own lateness is not the server's, so an answer's time counts from the sending. But when the
            // last answer came after this one was due, the wait for it counts as well.
            let begun = if free_since > due { due } else { Instant::now() };
            free_since = self.ask(begun).await;
            due += beat;
        }
    }

    /// The even share of `whole` of this lane's group.
    fn share_of(&self, whole: Duration) -> Duration {
        whole * (self.index / self.plan.together) / self.plan.groups()
    }

    /// The number of the next question. Groups take turns, so that one comes again only when all others have been asked.
    fn next_serial(&mut self) -> u64 {
        let group = u64::from(self.index / self.plan.together);
        let turn = group + self.asked * u64::from(self.plan.groups());
        self.asked += 1;
        1 + self.asking.questions.map_or(turn, |questions| turn % questions)
    }

    /// One whole answer; returns when it ended.
    async fn ask(&mut self, begun: Instant) -> Instant {
        let outcome = self.exchange().await.and_then(|cache| self.counts(cache));
        let ended = Instant::now();
        match outcome {
            Ok(true) => self.tally.answered(begun, ended, self.window),
            Ok(false) => self.tally.aside += 1,
            Err(error) => {
                self.give_up(&error).await;
                return Instant::now();
            }
        }
        ended
    }

    /// Whether an answer of this state of the cache is what is measured.
    ///
    /// # Errors
    /// It should not have come.
    fn counts(&self, cache: Option<&str>) -> anyhow::Result<bool> {
        let Asking { state, besides, .. } = &self.asking;
        let (Some(wanted), said) = (state, cache.unwrap_or("nothing that is known")) else { return Ok(true) };
        if wanted == said {
            return Ok(true);
        }
        ensure!(besides.iter().any(|other| other == said), "x-cache says {said}, and not {wanted}");
        Ok(false)
    }

    async fn exchange(&mut self) -> anyhow::Result<Option<&'static str>> {
        let serial = self.next_serial();
        let connection = opened(&mut self.connection, self.port).await?;
        let request = self.request.stamped(serial);
        match self.plan.chunks() {
            Some(chunks) => connection.exchange_stream(request, chunks, |_arrived| {}).await,
            None => connection.exchange_json(request).await,
        }
    }

    /// One whole stream.
    async fn stream(&mut self, chunks: usize) {
        let begun = Instant::now();
        match self.exchange_stream(chunks).await {
            Ok(first) => self.tally.streamed(begun, first, Instant::now(), self.window),
            Err(error) => self.give_up(&error).await,
        }
    }

    /// Returns when the first chunk came.
    async fn exchange_stream(&mut self, chunks: usize) -> anyhow::Result<Instant> {
        let serial = self.next_serial();
        let connection = opened(&mut self.connection, self.port).await?;
        let mut first = None;
        connection
            .exchange_stream(self.request.stamped(serial), chunks, |arrived| {
                let now = Instant::now();
                first.get_or_insert(now);
                self.tally.chunks(arrived, now, self.window);
            })
            .await?;
        Ok(first.expect("a whole stream has two chunks or more"))
    }

    async fn give_up(&mut self, error: &anyhow::Error) {
        self.tally.failed(error);
        self.connection = None;
        sleep(REST).await;
    }
}

/// The connection, opened if there is none.
async fn opened(connection: &mut Option<Connection>, port: u16) -> anyhow::Result<&mut Connection> {
    Ok(match connection {
        Some(connection) => connection,
        none => none.insert(Connection::open(port).await?),
    })
}
