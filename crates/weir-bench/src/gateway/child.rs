//! A started program that cannot outlive the benchmark: dropping it kills its whole process group.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child as TokioChild, Command};

/// How much of a log is shown when a program ended by itself, bytes.
const LOG_TAIL_BYTES: usize = 600;

/// How long a program may take to end that is asked to.
const END_MAX: Duration = Duration::from_secs(10);

/// A running program and its log.
pub struct Child {
    child: TokioChild,
    pid: u32,
    log: PathBuf,
    /// Once waited for, the kernel may give the id to another; it must not be killed again.
    stopped: bool,
}

impl Child {
    /// Starts `command` in a process group of its own, both outputs going to `log`.
    pub fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {:?}", command.as_std().get_program()))?;
        let pid = child.id().expect("a child that has not been waited for has an id");
        Ok(Self { child, pid, log: log.to_owned(), stopped: false })
    }

    /// Process id, which is also the group's.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// An error with the end of its log if the program has ended.
    pub fn ensure_alive(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let log = std::fs::read(&self.log).unwrap_or_default();
        let tail =
            String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL_BYTES)..]).trim().to_owned();
        bail!("it ended by itself ({status}): {tail}")
    }

    /// Asks the program to end and waits until it has, with all it had to write.
    pub async fn end(mut self) -> anyhow::Result<()> {
        if let Some(group) = self.group() {
            kill_process_group(group, Signal::TERM).context("asking it to end")?;
        }
        let ended = tokio::time::timeout(END_MAX, self.child.wait()).await;
        ended.with_context(|| format!("not ended after {} s", END_MAX.as_secs()))??;
        self.stopped = true;
        Ok(())
    }

    /// Kills the group and waits, so that the next run finds the CPU free.
    pub async fn stop(mut self) {
        self.kill_group();
        // The kill leaves nothing to report: whatever the status, the program is gone.
        let _ = self.child.wait().await;
        self.stopped = true;
    }

    fn group(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }

    fn kill_group(&self) {
        let Some(group) = self.group() else { return };
        // Fails only when the group has already ended, which is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.stopped {
            self.kill_group();
        }
    }
}
