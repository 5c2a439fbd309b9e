//! The tiers that are measured: what each is called on an answer, and the config under which answers come from it.
//!
//! A new tier is one entry in [`ALL`].

use std::path::Path;

use crate::gateway::contender::in_path;

/// A place where weir keeps answers.
pub struct Tier {
    /// What `x-cache` says of an answer from it.
    pub state: &'static str,
    /// Where it is, in words.
    pub place: &'static str,
    /// It outlives the process: after a restart what was kept comes from here, the first time.
    pub lasts: bool,
    /// The server that it is kept in, if it is not weir's own.
    pub server: Option<Server>,
    /// The `[cache]` table with it, given where files may be and on which port its server listens.
    pub table: fn(&Path, u16) -> String,
}

/// A server of its own that a tier needs.
pub struct Server {
    /// The program.
    pub program: &'static str,
    /// What makes it listen on a port of 127.0.0.1 and keep nothing on disk.
    pub options: fn(u16) -> Vec<String>,
}

impl Tier {
    /// What else may be said of its answers: one that was asked for again may have been kept in memory meanwhile.
    pub fn besides(&self) -> Option<&'static str> {
        self.lasts.then_some("HIT-memory")
    }
}

/// Every tier, the fastest first.
const ALL: &[Tier] = &[
    Tier {
        state: "HIT-memory",
        place: "memory",
        lasts: false,
        server: None,
        table: |_, _| memory_and(MUCH, ""),
    },
    Tier {
        state: "HIT-redis",
        place: "Redis",
        lasts: true,
        server: Some(Server { program: "redis-server", options: redis_options }),
        table: |_, port| memory_and(LEAST, &redis(port)),
    },
    Tier {
        state: "HIT-disk",
        place: "disk",
        lasts: true,
        server: None,
        table: |folder, _| memory_and(LEAST, &disk(folder)),
    },
];

/// Memory that holds all that is asked, and the least that weir can be given.
pub const MUCH: u64 = 256;
pub const LEAST: u64 = 1;

/// The file of the tier on disk in `folder`.
pub const DISK_FILE: &str = "cache.db";

/// The tiers that this machine has; says which it has not.
pub fn found() -> Vec<&'static Tier> {
    let is_here = |tier: &&Tier| {
        let missing = tier.server.as_ref().filter(|server| in_path(server.program).is_none());
        if let Some(server) = missing {
            let program = server.program;
            eprintln!("skipping {}: {program} is not installed (apt-get install {program})", tier.place);
        }
        missing.is_none()
    };
    ALL.iter().filter(is_here).collect()
}

/// A `[cache]` table that keeps every answer, with so many MiB of memory and, perhaps, something below it.
pub fn memory_and(mib: u64, below: &str) -> String {
    format!("\n[cache]\nmode = \"all\"\nmemory_mib = {mib}\n{below}")
}

/// The line that names a file for the tier on disk.
pub fn disk(folder: &Path) -> String {
    format!("disk = {:?}\n", folder.join(DISK_FILE))
}

/// Where weir finds the secret that its keys are made with, which a tier that nodes share has to have; and a secret.
pub const SECRET_NAME: &str = "WEIR_BENCH_CACHE_SECRET";
pub const SECRET: &str = "a-benchmark-on-one-machine-has-none";

fn redis(port: u16) -> String {
    format!("secret = \"env:{SECRET_NAME}\"\n\n[cache.redis]\nurl = \"redis://127.0.0.1:{port}\"\n")
}

fn redis_options(port: u16) -> Vec<String> {
    ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        .map(str::to_owned)
        .into()
}
