//! What a person sees while it runs: one line a second, drawn in place on a terminal.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use weir_replay::{Plan, Progress, Report};

use super::REPEATS;
use super::cast::{Cast, FRESH_S};

/// Who plays, and what is about to happen.
pub fn introduce(cast: &Cast, plan: &Plan, seed: u64) {
    eprintln!("\n  weir demo: no key, no network, nothing is written (Ctrl-C stops all)\n");
    for (name, addr, manner) in cast.services() {
        eprintln!("  service   {name}  {addr}  {manner}");
    }
    eprintln!("  gateway   {}  in front of all of them", cast.gateway_url());
    eprintln!("  admin     {}/metrics  /status", cast.admin_url());
    eprintln!(
        "  traffic   {} real questions at real arrival times, seed {seed}, sent twice: straight to sim-a, then through weir;\n            \
         both times by what an official client does by itself (2 retries after 0.5 s and 1 s)\n  \
         known     {:.0} % of them ask one of {} questions; weir keeps those answers, fresh for {FRESH_S} s\n",
        plan.requests(),
        REPEATS.share * 100.0,
        REPEATS.questions,
    );
}

/// What comes at the end.
pub fn announce(plan: &Plan) {
    eprintln!(
        "\n  now a rush: {} questions for another model, three times what its only service takes; watch the level\n",
        plan.requests()
    );
}

/// Runs an arm and shows how it goes.
pub async fn live(
    name: &str,
    requests: usize,
    cast: &Cast,
    progress: &Progress,
    run: impl Future<Output = Report>,
) -> Report {
    let redraws = std::io::stderr().is_terminal();
    let period = if redraws { Duration::from_millis(200) } else { Duration::from_secs(2) };
    let mut tick = tokio::time::interval(period);
    let started = tokio::time::Instant::now();
    let draw = || draw(redraws, (name, requests), cast, progress, started.elapsed());
    tokio::pin!(run);
    loop {
        tokio::select! {
            biased;
            report = &mut run => {
                draw();
                eprintln!();
                return report;
            }
            _ = tick.tick() => draw(),
        }
    }
}

fn draw(redraws: bool, (name, requests): (&str, usize), cast: &Cast, progress: &Progress, elapsed: Duration) {
    let now = progress.snapshot();
    let share = if now.done == 0 { 1.0 } else { now.good as f64 / now.done as f64 };
    // Straight to the service nobody looks after those who come, and the gateway is at rest.
    let pressed = match cast.gateway().pressed() {
        (0, 0) => String::new(),
        (level, waiting) => format!(", level {level}, {waiting} waiting"),
    };
    let known = if now.known > 0 { format!(", {} known", now.known) } else { String::new() };
    let line = format!(
        "  {:>5.1} s  {name:<7}{}  {:>5.1} % good   {:>4} of {requests} done, {:>3} under way{known}{pressed}",
        elapsed.as_secs_f64(),
        bar(share),
        share * 100.0,
        now.done,
        now.in_flight,
    );
    if redraws {
        eprint!("\r{line}\x1b[K");
        // A terminal that cannot be flushed shows the line a little later.
        let _later = std::io::stderr().flush();
    } else {
        eprintln!("{line}");
    }
}

/// Twenty characters; a share of one fills them.
fn bar(share: f64) -> String {
    const WIDTH: usize = 20;
    let filled = (share * WIDTH as f64).floor() as usize;
    format!("{}{}", "█".repeat(filled.min(WIDTH)), "░".repeat(WIDTH - filled.min(WIDTH)))
}

/// What to try now.
pub const NEXT: &str = "
  next      DEEPSEEK_API_KEY=sk-... weir                    the real thing, no config file
            weir mock --profile peak                        a service to break by hand
            weir serve --config examples/minimal.toml       a gateway from a file

";
