//! What Linux says of memory, in the forms that it says it.

use crate::memory::Memory;

const GIB: u64 = 1 << 30;
const MEMINFO: (&str, &str) = ("/proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n");

/// Checks the limit that is found on a machine with these files.
#[track_caller]
fn check(mib_max: Option<u64>, files: &[(&str, &str)], expected: Option<u64>) {
    let read = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    assert_eq!(Memory::find(mib_max, &read).map(Memory::limit), expected, "{files:?}");
}

#[test]
fn without_groups_it_is_what_the_machine_has() {
    check(None, &[MEMINFO], Some(8 * GIB));
    check(None, &[MEMINFO, ("/proc/self/cgroup", "0::/user.slice\n")], Some(8 * GIB));
}

#[test]
fn where_nothing_is_known_there_is_no_limit() {
    check(None, &[], None);
    check(None, &[("/proc/meminfo", "MemTotal: much kB\n")], None);
    check(Some(0), &[MEMINFO], None);
}

#[test]
fn what_the_operator_says_counts() {
    check(Some(2_048), &[MEMINFO], Some(2 * GIB));
    check(Some(2_048), &[], Some(2 * GIB));
    check(Some(u64::MAX), &[], Some(u64::MAX));
}

#[test]
fn the_tightest_group_counts() {
    let own = ("/proc/self/cgroup", "0::/a/b\n");
    let inner = |text| ("/sys/fs/cgroup/a/b/memory.max", text);
    let outer = |text| ("/sys/fs/cgroup/a/memory.max", text);
    check(None, &[MEMINFO, own, inner("1073741824\n"), outer("max\n")], Some(GIB));
    check(None, &[MEMINFO, own, inner("max\n"), outer("1073741824\n")], Some(GIB));
    check(None, &[MEMINFO, own, inner("max\n"), outer("max\n")], Some(8 * GIB));
    check(None, &[own, inner("2147483648\n"), outer("1073741824\n")], Some(GIB));
}

#[test]
fn in_a_container_the_group_is_the_root() {
    let limit = ("/sys/fs/cgroup/memory.max", "536870912\n");
    check(None, &[MEMINFO, ("/proc/self/cgroup", "0::/\n"), limit], Some(GIB / 2));
    check(None, &[MEMINFO, ("/proc/self/cgroup", "0::/docker/0123\n"), limit], Some(GIB / 2));
}

#[test]
fn groups_of_version_1_are_read_too() {
    let own = ("/proc/self/cgroup", "12:cpu,cpuacct:/x\n9:memory:/docker/0123\n1:name=systemd:/x\n");
    let limit = |text| ("/sys/fs/cgroup/memory/memory.limit_in_bytes", text);
    check(None, &[MEMINFO, own, limit("536870912\n")], Some(GIB / 2));
    check(None, &[MEMINFO, own, limit("9223372036854771712\n")], Some(8 * GIB));
}

#[test]
fn the_share_is_what_the_process_keeps_in_memory() {
    let limit = Memory::find(Some(1_024), &|_| None).unwrap();
    let status =
        |text: &'static str| limit.share(&move |path| (path == "/proc/self/status").then(|| text.to_owned()));
    assert_eq!(status("Name:\tweir\nVmPeak:\t 9999 kB\nVmRSS:\t  524288 kB\nThreads:\t3\n"), Some(0.5));
    assert_eq!(status("Name:\tweir\n"), None);
    assert_eq!(limit.share(&|_| None), None);
}
