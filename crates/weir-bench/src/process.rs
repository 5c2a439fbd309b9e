//! What a process and its descendants cost, read from `/proc`: CPU seconds and proportional memory.
//!
//! A gateway is a tree (nginx keeps a master and a worker), so every figure is the sum over the tree.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

/// User plus system time of the tree under `root` since its processes began, seconds.
pub fn cpu_seconds(root: u32) -> anyhow::Result<f64> {
    let mut ticks = 0;
    for pid in tree(root)? {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
        ticks += busy_ticks(&stat).context(path)?;
    }
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Time that the threads of the tree under `root` were ready to run and another had their CPU, seconds.
pub fn queued_seconds(root: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for pid in tree(root)? {
        for task in tasks(pid)? {
            let path = task.join("schedstat");
            let stat = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            nanoseconds += queued_nanoseconds(&stat).with_context(|| path.display().to_string())?;
        }
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// The second of the three numbers of one `schedstat` (Documentation/scheduler/sched-stats in the kernel's sources).
pub fn queued_nanoseconds(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Proportional set size of the tree under `root`, KiB: shared pages count by their share.
pub fn pss_kib(root: u32) -> anyhow::Result<u64> {
    let mut total = 0;
    for pid in tree(root)? {
        let path = format!("/proc/{pid}/smaps_rollup");
        let rollup = fs::read_to_string(&path).with_context(|| path.clone())?;
        total += pss_line(&rollup).context(path)?;
    }
    Ok(total)
}

/// `utime` + `stime`, clock ticks, of one `/proc/PID/stat`.
pub fn busy_ticks(stat: &str) -> Option<u64> {
    // The command name is in parentheses and may itself hold spaces and parentheses: count fields after the last one.
    // `state` comes first there and is field 3 of proc_pid_stat(5); utime and stime are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The `Pss:` line, KiB, of one `/proc/PID/smaps_rollup`.
pub fn pss_line(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// `root` and its descendants.
fn tree(root: u32) -> anyhow::Result<Vec<u32>> {
    let mut pids = vec![root];
    let mut next = 0;
    while let Some(&pid) = pids.get(next) {
        next += 1;
        for task in tasks(pid)? {
            let children = fs::read_to_string(task.join("children")).context("list of child processes")?;
            pids.extend(children.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    Ok(pids)
}

/// The threads of `pid`, as folders of `/proc`.
fn tasks(pid: u32) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid}"))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
