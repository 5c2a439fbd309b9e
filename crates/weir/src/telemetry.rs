//! Log lines: for people on a terminal, JSON otherwise, on standard error.
//!
//! Events come through `tracing`; the access log, one line a request, through a buffer and a thread of its own.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use weir_settle::Lines;
use weir_settle::config::{Format, Level, Telemetry};

/// Starts logging. A second call changes nothing.
pub fn start(config: &Telemetry) {
    let level = match config.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
    };
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let started = if for_people(config) {
        builder.compact().with_ansi(colour).try_init()
    } else {
        builder.json().flatten_event(true).with_ansi(false).try_init()
    };
    // Already started: the demo and tests assemble several gateways in one process.
    let _already_started = started;
}

/// Whether lines are for people.
pub fn for_people(config: &Telemetry) -> bool {
    match config.format {
        Format::Auto => std::io::stderr().is_terminal(),
        Format::Human => true,
        Format::Json => false,
    }
}

/// Writes the access log out until it is closed. Lines are gathered for a moment, so that a busy gateway writes twenty
/// times a second and not once a request.
pub fn write_out(lines: Arc<Lines>) -> std::io::Result<JoinHandle<()>> {
    const GATHERED_FOR: Duration = Duration::from_millis(50);
    std::thread::Builder::new().name("access-log".into()).spawn(move || {
        let mut spare = Vec::new();
        while let Some(bytes) = lines.take(spare) {
            // Nobody reads standard error any more: there is nobody to tell.
            let _nobody_reads = std::io::stderr().write_all(&bytes);
            spare = bytes;
            std::thread::sleep(GATHERED_FOR);
        }
    })
}
