//! An LLM upstream that misbehaves the way real ones do: a real HTTP/1.1 and HTTP/2 server with real text, a
//! service that fills up in bursts, and every fault on command.
//!
//! Weir is tested and shown against it, so what it promises are the faults: the bytes and the moments at which
//! real services were seen to break. The same seed and the same arrivals give the same decisions, and the same
//! prompt always gets the same words. DeepSeek's and OpenAI's chat, legacy, Responses and embeddings APIs and
//! Anthropic's messages are served under the prefixes the real services use; `/__mock/*` holds the controls.
//!
//! How a request goes: `exchange` reads it into an `ask`, the `answer` is composed, the `scene` makes it a `reply`
//! of timed steps, a `fault` may spoil that, and `play` sends it.

#![allow(
    clippy::disallowed_methods,
    reason = "a server of its own: it keeps real time and spawns its own connections"
)]

mod answer;
mod ask;
mod attempt;
mod capacity;
mod chance;
mod control;
mod dialect;
mod exchange;
mod fault;
mod log;
mod models;
mod overrides;
mod play;
mod profile;
mod refusal;
mod reply;
mod route;
mod scene;
mod schema;
mod service;
mod state;
mod text;
mod vectors;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use fault::{FaultPlan, PlanError, Rule, When, fault_catalogue};
pub use log::{Ended, LogEntry};
pub use profile::{Profile, UnknownProfile};

use state::State;

/// How a mock is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// How fast and how troubled the service is.
    pub profile: Profile,
    /// Decides every draw.
    pub seed: u64,
    /// Shown in the `system_fingerprint` of answers as `fp_<name>`.
    pub name: String,
    /// The models served; any name is when there are none.
    pub models: Vec<String>,
    /// Calls that are worked on at one time; one more is 429, as DeepSeek refuses what goes beyond an account's limit.
    /// None: as many as the profile takes.
    pub concurrent_max: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        let models = ["deepseek-flash", "deepseek-v4-pro", "text-embedding-3-small"];
        Options {
            profile: Profile::Calm,
            seed: 1,
            name: "mock".to_owned(),
            models: models.map(str::to_owned).to_vec(),
            concurrent_max: None,
        }
    }
}

/// A running mock. Dropping it ends its connections as [`Mock::stop`] does, but waits for nothing.
pub struct Mock {
    addr: SocketAddr,
    state: Arc<State>,
    tracker: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Mock {
    /// Serves `listener` until stopped.
    ///
    /// # Errors
    /// When the listener does not know its own address.
    #[expect(clippy::unused_async, reason = "must run inside a runtime, which an async function makes plain")]
    pub async fn start(listener: TcpListener, options: Options) -> std::io::Result<Mock> {
        let addr = listener.local_addr()?;
        let state = Arc::new(State::new(options));
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        tracker.spawn(accept(listener, Arc::clone(&state), tracker.clone(), stop.clone()));
        Ok(Mock { addr, state, tracker, _stop_on_drop: stop.clone().drop_guard(), stop })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address as a base URL without a path, such as `http://127.0.0.1:9101`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every attempt so far, oldest first, those under way included.
    pub fn log(&self) -> Vec<LogEntry> {
        self.state.log().entries()
    }

    /// Puts a fault plan in force in place of the one before; its counters begin at zero.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.state.set_plan(plan);
    }

    /// Forgets the log, the plan and all that was drawn, as if just started with the same seed.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Stops listening, ends every connection and waits until all is gone.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// How long to hold back after an accept failed, which it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

async fn accept(listener: TcpListener, state: Arc<State>, tracker: TaskTracker, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let conversation = wire::converse(stream, Arc::clone(&state), tracker.clone(), stop.clone());
        tracker.spawn(async move {
            // A socket that is already gone has nobody to be told.
            let _gone = conversation.await;
        });
    }
}

#[cfg(test)]
mod tests;
