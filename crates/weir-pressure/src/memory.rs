//! How much memory the process takes, and how much it may take: read from what Linux shows as files.
//!
//! Reading is passed in, so that this file does no IO and its tests need no machine of a certain size. Elsewhere than
//! on Linux there is nothing to read; then memory raises no level. `VmRSS` is read and not `/proc/self/statm`, which
//! counts in pages of a size that only a call to the C library tells.

/// Reads a file whole; `None` if it is not there.
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The limit, found once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    limit: u64,
}

impl Memory {
    /// What the operator allows, or else the tightest of the control groups' limits and what the machine has. `None` where
    /// nothing of that is known.
    pub fn find(mib_max: Option<u64>, read: Read<'_>) -> Option<Self> {
        let limit = match mib_max {
            Some(mib) => mib.saturating_mul(1 << 20),
            None => groups(read).into_iter().chain(field(read, "/proc/meminfo", "MemTotal:")).min()?,
        };
        (limit > 0).then_some(Self { limit })
    }

    /// The limit in bytes.
    pub const fn limit(self) -> u64 {
        self.limit
    }

    /// The share of it that the process takes.
    pub fn share(self, read: Read<'_>) -> Option<f64> {
        let taken = field(read, "/proc/self/status", "VmRSS:")?;
        Some(taken as f64 / self.limit as f64)
    }
}

/// The limits of the process's control group and of those around it, in bytes, of version 2 and 1. Inside a container
/// the path may be the host's; then only the root, which is the container's own group, is there.
fn groups(read: Read<'_>) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in read("/proc/self/cgroup").unwrap_or_default().lines() {
        // `0::/a/b` is version 2, `9:memory:/a/b` version 1.
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" if number == "0" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut group = path.trim_end_matches('/');
        loop {
            // No limit is the word `max`, or a number that no machine has and MemTotal undercuts.
            limits.extend(
                read(&format!("{root}{group}/{file}")).and_then(|text| text.trim().parse::<u64>().ok()),
            );
            let Some((outer, _)) = group.rsplit_once('/') else { break };
            group = outer;
        }
    }
    limits
}

/// A field given in kB, in bytes.
fn field(read: Read<'_>, file: &str, name: &str) -> Option<u64> {
    let text = read(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kb: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kb.saturating_mul(1024))
}
