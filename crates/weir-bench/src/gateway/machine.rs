//! On what the numbers were made; a number without its machine means nothing.

use std::fmt;
use std::fs;

use anyhow::Context;
use serde::Serialize;

/// The machine and its state when the comparison began.
#[derive(Serialize, Clone, Debug)]
pub struct Machine {
    /// CPU model as the kernel names it.
    pub cpu: String,
    /// CPUs that are online.
    pub cpus: usize,
    /// Kernel release.
    pub kernel: String,
    /// Tasks that ran or wanted to, averaged over the last minute.
    pub load_average: f64,
    /// TCP congestion control of sockets that do not choose, as the gateways' do not.
    pub congestion_control: String,
}

impl Machine {
    /// Asks the kernel.
    pub fn read() -> anyhow::Result<Self> {
        let read = |path: &str| fs::read_to_string(path).with_context(|| path.to_owned());
        let cpuinfo = read("/proc/cpuinfo")?;
        let named = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        let cpu = named.map_or("unnamed CPU", |rest| rest.trim_start_matches([' ', '\t', ':'])).to_owned();
        let average = read("/proc/loadavg")?;
        let load_average = average.split(' ').next().and_then(|text| text.parse().ok());
        Ok(Self {
            cpu,
            cpus: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load_average: load_average.context("/proc/loadavg has no number")?,
            congestion_control: read("/proc/sys/net/ipv4/tcp_congestion_control")?.trim().to_owned(),
        })
    }

    /// Whether something else was running when the comparison began.
    pub fn is_busy(&self) -> bool {
        self.load_average > 0.3
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cpus, kernel, load_average, congestion_control } = self;
        write!(
            formatter,
            "machine: {cpu}, {cpus} CPUs, Linux {kernel}, TCP {congestion_control}, load average {load_average} at start"
        )
    }
}
