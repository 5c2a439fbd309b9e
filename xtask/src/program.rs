//! Starting other programs: shown before they run, watched while they run, explained when they fail.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);

/// Features that are off by default and that the gate checks and tests all the same.
pub const OPTIONAL_FEATURES: &str = "weir/minilm";

/// Cargo, as if it had been called from the shell. What the cargo that runs this program tells it about itself would
/// make build scripts that look at such variables (ring's) run anew, and half the libraries after them.
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|own| text.starts_with(own))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `command` with its output on the terminal; `remedy` is what a person does when it fails.
pub fn must(command: &mut Command, remedy: &str) -> anyhow::Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("{shown}: cannot start; {remedy}"))?;
    if !status.success() {
        bail!("{shown}: {status}; {remedy}");
    }
    Ok(())
}

/// Whether `command` starts and succeeds; its output is nobody's business.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Runs `command`, copying its standard output to the terminal and its lines to `see`.
pub fn watch_output(command: &mut Command, mut see: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let output = child.stdout.take().expect("standard output is piped");
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        see(&line);
    }
    Ok(child.wait()?)
}

/// As [`watch_output`], for the standard error.
pub fn watch_errors(command: &mut Command, mut see: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
    let mut child = spawn(command.stderr(Stdio::piped()))?;
    let output = child.stderr.take().expect("standard error is piped");
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        see(&line);
    }
    Ok(child.wait()?)
}

/// Runs `command` for at most `limit`, then kills it.
pub fn bounded(command: &mut Command, limit: Duration) -> anyhow::Result<ExitStatus> {
    let shown = show(command);
    let mut child = spawn(command)?;
    let ended = until(limit, || child.try_wait().transpose());
    match ended {
        Some(status) => Ok(status?),
        None => {
            child.kill()?;
            child.wait()?;
            bail!("{shown}: still running after {} s, killed", limit.as_secs())
        }
    }
}

/// Asks `probe` again and again until it answers, at most for `limit`.
pub fn until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if started.elapsed() > limit {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// A program that serves others while it lives, and is stopped when this value goes.
pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with everything it says in `log`, and waits until `ready`.
    pub fn start(
        name: &str,
        command: &mut Command,
        log: PathBuf,
        ready: impl Fn() -> bool,
    ) -> anyhow::Result<Self> {
        let file = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = spawn(command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file))?;
        let mut server = Self { name: name.to_owned(), child, log };
        let answered = until(Duration::from_secs(60), || match server.child.try_wait() {
            Ok(None) if ready() => Some(true),
            Ok(None) => None,
            _ => Some(false),
        });
        match answered {
            Some(true) => Ok(server),
            Some(false) => bail!("{name} ended before it was ready:\n{}", server.last_words()),
            None => bail!("{name} is not ready after 60 s:\n{}", server.last_words()),
        }
    }

    /// Whether it still runs; when it does not, its last words.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself ({status}):\n{}", self.name, self.last_words()),
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and there is nobody left to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command.spawn().with_context(|| format!("{}: cannot start", show(command)))
}

/// The program and its arguments as a person would type them, the program without its folder.
pub fn show(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
