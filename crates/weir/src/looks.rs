//! Ten times a second a look at the process and at every pool, whether or not anybody comes: it raises and lowers the levels
//! of pressure.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::info;
use weir_core::PoolId;
use weir_pipeline::Pipeline;
use weir_pressure::memory::Memory;

const EVERY: Duration = Duration::from_millis(100);
/// The memory changes slowly, and reading it is a call to the system.
const LOOKS_A_READING: u32 = 5;

/// Looks until `stop`. `names`: of the pools.
pub async fn run(
    pipeline: Arc<Pipeline>,
    memory: Option<Memory>,
    names: Vec<String>,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut share, mut looks) = (None, 0_u32);
    loop {
        let due = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            due = tick.tick() => due,
        };
        if looks.is_multiple_of(LOOKS_A_READING) {
            share = memory.and_then(|memory| memory.share(&read));
        }
        looks = looks.wrapping_add(1);
        // How late the timer came is how late everything else comes that waits for a thread.
        for (PoolId(pool), change) in pipeline.look(share, due.elapsed()) {
            let (from, to, cause) = (change.from.number(), change.to.number(), change.cause.name());
            info!(pool = names[pool], from, to, cause, "pressure level");
        }
    }
}

/// A file of the kernel's.
pub fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
