//! Laws about words that have no place in the project, or none in a test.
//!
//! The words are put together from halves, so that this file keeps the law it states.

use super::{Breach, File, Tree};

/// Addresses of package registries: where packages come from is the machine's business.
const HOSTS: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("registry.yarnpkg", ".com"),
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

/// Folders that only some machines have.
const PATHS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];

/// The one source a locked crate may come from.
const CRATE_SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

const UNFINISHED: &[&str] =
    &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ign", "ore"), concat!("//", " TODO")];

const BLOCKING_SLEEP: &str = concat!("thread::sl", "eep");
const ASYNC_SLEEP: &str = concat!("time::sl", "eep(");

/// Under a paused clock a sleep takes no time.
const PAUSED_CLOCK: &[&str] = &["start_paused = true", "time::pause()"];

/// Tests that may sleep, each with its reason.
const MAY_SLEEP: &[(&str, &str)] = &[
    (
        "crates/weir-replay/src/tests/server.rs",
        "it is the slow service that the tests talk to over real sockets",
    ),
    ("crates/weir-mock/src/tests.rs", "polls, within a bound, the log of a server on real sockets"),
    ("crates/weir-replay/src/tests.rs", "polls, within a bound, for a socket's end that nothing announces"),
];

/// No registry's address and no machine's folder stands in a file; every locked crate comes from the one source.
pub fn hosts_and_paths(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            let host = HOSTS.iter().find(|host| line.contains(**host));
            let path = PATHS.iter().find(|path| names_path(line, path));
            for word in host.into_iter().chain(path) {
                breaches.push(Breach::new(&file.path, number, format!("names {word}")));
            }
            let source = line.strip_prefix("source = \"").map(|source| source.trim_end_matches('"'));
            if file.name() == "Cargo.lock" && source.is_some_and(|source| source != CRATE_SOURCE) {
                breaches.push(Breach::new(&file.path, number, "locks a crate from elsewhere"));
            }
            if file.name() == "package-lock.json" && line.contains("\"resolved\":") {
                breaches.push(Breach::new(&file.path, number, "says where a package was fetched from"));
            }
        }
    }
    breaches
}

/// Whether `path` begins a path in `line`, rather than continuing one: `src/work/` is ours.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-~}*".contains(c))
    })
}

/// Nothing unfinished, no test that does not run.
pub fn unfinished(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.lines() {
            if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
                breaches.push(Breach::new(&file.path, number, format!("has `{word}`")));
            }
        }
    }
    breaches
}

/// No test sleeps on the real clock.
pub fn sleeping_tests(tree: &Tree) -> Vec<Breach> {
    let allowed: Vec<&str> = MAY_SLEEP.iter().map(|(path, _)| *path).collect();
    sleeping_outside(tree, &allowed)
}

/// As [`sleeping_tests`], but for the files `allowed` to sleep; one that is there and does not is a breach too.
pub(super) fn sleeping_outside(tree: &Tree, allowed: &[&str]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust().filter(|file| is_test(&file.path)) {
        let paused = has_paused_clock(tree, file);
        let sleeping: Vec<usize> =
            file.lines().filter(|(_, line)| sleeps(line, paused)).map(|(number, _)| number).collect();
        match (allowed.contains(&file.path.as_str()), sleeping.is_empty()) {
            (true, true) => {
                breaches.push(Breach::new(&file.path, 1, "may sleep and does not: leave it out of the law"));
            }
            (false, false) => breaches.extend(
                sleeping.iter().map(|line| Breach::new(&file.path, *line, "sleeps on the real clock")),
            ),
            _ => {}
        }
    }
    breaches
}

fn sleeps(line: &str, paused: bool) -> bool {
    line.contains(BLOCKING_SLEEP) || (line.contains(ASYNC_SLEEP) && !paused)
}

/// Whether the tests that `file` belongs to pause the clock: a fake service may stand in a file beside its tests.
fn has_paused_clock(tree: &Tree, file: &File) -> bool {
    let beside = |other: &&File| match file.path.split_once("/tests/") {
        Some((before, _)) => other.path.starts_with(&format!("{before}/tests")),
        None => other.path == file.path,
    };
    tree.rust().filter(beside).any(|other| PAUSED_CLOCK.iter().any(|mark| other.text.contains(mark)))
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|folder| folder == "tests")
}
