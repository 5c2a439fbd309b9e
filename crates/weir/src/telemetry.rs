//! Log lines: for people on a terminal, JSON otherwise, on standard error.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
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
    let human = match config.format {
        Format::Auto => terminal,
        Format::Human => true,
        Format::Json => false,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let started = if human {
        builder.compact().with_ansi(colour).try_init()
    } else {
        builder.json().flatten_event(true).with_ansi(false).try_init()
    };
    // Already started: the demo and tests assemble several gateways in one process.
    let _already_started = started;
}
