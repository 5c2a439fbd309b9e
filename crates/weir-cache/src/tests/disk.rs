//! Answers outlive the process, within bounds, and whatever becomes of the file.

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use weir_core::{CacheState, Chance, Finish};
use weir_testkit::{Folder, with_header};

use super::{answer_with, asker, deterministic, parts, pass, read, tenant};
use crate::config::{self, Mode};
use crate::{Cache, Lookup, Miss, Secret, Which};

fn config(folder: &Folder) -> config::Cache {
    config::Cache { mode: Mode::All, disk: Some(folder.file("cache.db")), ..config::Cache::default() }
}

/// A process that keeps answers on disk.
struct Process {
    cache: Cache,
    registry: Registry,
    threads: [JoinHandle<()>; 2],
}

impl Process {
    /// With a secret of its own, which the file's takes the place of.
    fn start(config: &config::Cache, secret: u8) -> Self {
        Self::start_with(config, Secret::Random([secret; 32]))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test plays the binary, which gives the workers their threads"
    )]
    fn start_with(config: &config::Cache, secret: Secret) -> Self {
        let chance = Arc::new(Chance::seeded(1));
        let mut registry = Registry::default();
        let (cache, workers) = Cache::new(parts(config, chance, secret), &mut registry).unwrap();
        let (reader, writer) = workers.disk.expect("there is a tier on disk");
        Self {
            cache,
            registry,
            threads: [std::thread::spawn(|| reader.run()), std::thread::spawn(|| writer.run())],
        }
    }

    fn stop(self) {
        drop(self.cache);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    /// How often a tier had this result.
    fn counted(&self, tier: &str, result: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let line = format!("weir_cache_requests_total{{tier=\"{tier}\",result=\"{result}\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }

    async fn keep(&self, extra: &str, answer: &[u8]) {
        match self.cache.look(&deterministic(extra), &asker(&tenant(1))).await {
            Ok(Lookup::Miss(Miss { fill, .. })) => {
                answer_with(fill, Bytes::copy_from_slice(answer), Some(Finish::Whole));
            }
            Ok(Lookup::Hit(_) | Lookup::Old(..)) => panic!("it was not known before"),
            Err(refused) => panic!("{refused:?}"),
        }
    }

    async fn known(&self, extra: &str) -> Option<(Bytes, CacheState)> {
        let request = deterministic(extra);
        match self.cache.look(&request, &asker(&tenant(1))).await {
            Ok(Lookup::Hit(answer)) => Some((read(answer), request.trail.cache())),
            _ => None,
        }
    }
}

#[tokio::test]
async fn answers_outlive_the_process_and_are_then_in_memory() {
    let folder = Folder::new();
    let process = Process::start(&config(&folder), 1);
    process.keep("", b"answer").await;
    process.stop();
    let process = Process::start(&config(&folder), 2);
    let answer = Bytes::from_static(b"answer");
    assert_eq!(process.known("").await, Some((answer.clone(), CacheState::HitDisk)));
    assert_eq!(process.known("").await, Some((answer, CacheState::HitMemory)));
    // Each tier counts for itself: the answer from disk was not in memory.
    let counts = [("memory", "hit"), ("memory", "miss"), ("disk", "hit"), ("disk", "miss")];
    assert_eq!(counts.map(|(tier, result)| process.counted(tier, result)), [1, 1, 1, 0]);
    process.stop();
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_answers_are_kept_again() {
    let folder = Folder::new();
    std::fs::write(folder.file("cache.db"), vec![0xa5; 100_000]).unwrap();
    let process = Process::start(&config(&folder), 1);
    process.keep("", b"answer").await;
    process.stop();
    assert!(folder.file("cache.db.damaged-1").exists());
    let process = Process::start(&config(&folder), 2);
    assert!(process.known("").await.is_some());
    process.stop();
}

#[tokio::test]
async fn a_file_that_is_damaged_under_way_fails_no_request_and_its_successor_knows_the_secret() {
    let folder = Folder::new();
    let process = Process::start(&config(&folder), 1);
    process.keep("", b"answer").await;
    process.stop();
    let file = folder.file("cache.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // Page 2 is the secret's own; whatever lies behind it is the answers'.
    bytes[8192..].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let process = Process::start(&config(&folder), 2);
    assert_eq!(process.known("").await, None);
    // Written by the successor of the damaged file.
    process.keep("", b"another").await;
    process.stop();
    assert!(folder.file("cache.db.damaged-1").exists());
    let process = Process::start(&config(&folder), 3);
    assert!(process.known("").await.is_some_and(|(_, state)| state == CacheState::HitDisk));
    process.stop();
}

#[tokio::test]
async fn the_file_has_a_size_and_the_least_recently_used_go() {
    let folder = Folder::new();
    let config = config::Cache { disk_mib: 1, memory_mib: 0, ..config(&folder) };
    let process = Process::start(&config, 1);
    let answer = vec![b'x'; 100_000];
    for number in 0..10 {
        process.keep(&format!(r#","n":{number}"#), &answer).await;
        pass(100);
    }
    process.stop();
    let process = Process::start(&config, 1);
    // The first is used, so that the second is the oldest.
    assert!(process.known(r#","n":0"#).await.is_some());
    pass(1);
    for number in 10..12 {
        process.keep(&format!(r#","n":{number}"#), &answer).await;
    }
    process.stop();
    let process = Process::start(&config, 1);
    let mut known = Vec::new();
    for number in 0..12 {
        if process.known(&format!(r#","n":{number}"#)).await.is_some() {
            known.push(number);
        }
    }
    assert_eq!(known, [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    process.stop();
}

#[tokio::test]
async fn answers_are_thrown_out_by_key_model_and_tag() {
    let folder = Folder::new();
    let process = Process::start(&config(&folder), 1);
    let tagged = with_header(deterministic(r#","n":2"#), "x-weir-cache-tag", "prices");
    process.keep(r#","n":1"#, b"one").await;
    let Ok(Lookup::Miss(Miss { fill, .. })) = process.cache.look(&tagged, &asker(&tenant(1))).await else {
        panic!("nothing is kept")
    };
    answer_with(fill, Bytes::from_static(b"two"), Some(Finish::Whole));
    let cache = &process.cache;
    let purge = |which| async move { cache.purge(&which).await.unwrap() };
    assert_eq!(purge(Which::Tenant("nobody".into())).await, 0);
    assert_eq!(purge(Which::Tag("prices".into())).await, 1);
    assert!(process.known(r#","n":2"#).await.is_none());
    assert!(process.known(r#","n":1"#).await.is_some());
    assert_eq!(purge(Which::Model("m".into())).await, 1);
    assert!(process.known(r#","n":1"#).await.is_none());
    process.stop();
}

#[tokio::test]
async fn answers_are_moved_to_another_node_and_are_its_own_then() {
    let (centre, edge) = (Folder::new(), Folder::new());
    let process = Process::start(&config(&centre), 1);
    for question in 0..3 {
        process.keep(&format!(r#","seed":{question}"#), b"the centre's").await;
    }
    process.stop();
    let (from, seed, into) = (centre.file("cache.db"), centre.file("seed.db"), edge.file("cache.db"));
    assert_eq!(crate::export(&from, &seed, &Which::All).unwrap(), 3);
    assert_eq!(crate::export(&from, &centre.file("none.db"), &Which::Tag("other".into())).unwrap(), 0);
    let again = crate::export(&from, &seed, &Which::All).unwrap_err().to_string();
    assert!(again.contains("is there already"), "{again}");
    let absent = crate::import(&edge.file("nothing.db"), &into, Secret::Random([2; 32]), &[]);
    assert!(absent.unwrap_err().to_string().contains("there is no"));
    // Their endpoints are others than the centre's: what is taken over is theirs from then on.
    assert_eq!(crate::import(&seed, &into, Secret::Random([2; 32]), &[]).unwrap(), 3);
    assert_eq!(crate::import(&seed, &into, Secret::Random([2; 32]), &[]).unwrap(), 0, "once is enough");
    let process = Process::start(&config(&edge), 3);
    let (body, state) = process.known(r#","seed":1"#).await.unwrap();
    assert_eq!((&body[..], state), (&b"the centre's"[..], CacheState::HitDisk));
    let disk = process.cache.stats().await.pop().unwrap();
    assert_eq!((disk.tier, disk.entries, disk.hits), ("disk", Some(3), 1));
    assert!(disk.bytes.unwrap() > 600);
    process.stop();
    // What another secret made keys of would be found by nobody.
    let refused = crate::import(&seed, &edge.file("other.db"), Secret::Given([9; 32]), &[]).unwrap_err();
    assert!(refused.to_string().contains("another secret"), "{refused}");
}

#[tokio::test]
async fn of_two_answers_the_newer_one_stays() {
    let (old, new) = (Folder::new(), Folder::new());
    for (folder, answer) in [(&old, &b"old"[..]), (&new, b"new")] {
        let process = Process::start(&config(folder), 1);
        process.keep("", answer).await;
        process.stop();
        pass(60);
    }
    let check = async |into: &Folder, from: &Folder, taken| {
        let files = (from.file("cache.db"), into.file("cache.db"));
        assert_eq!(crate::import(&files.0, &files.1, Secret::Random([1; 32]), &[]).unwrap(), taken);
        let process = Process::start(&config(into), 1);
        assert_eq!(process.known("").await.unwrap().0[..], b"new"[..]);
        process.stop();
    };
    check(&new, &old, 0).await;
    check(&old, &new, 1).await;
}

#[tokio::test]
async fn a_given_secret_takes_the_place_of_the_files_own() {
    let folder = Folder::new();
    let process = Process::start(&config(&folder), 1);
    process.keep("", b"answer").await;
    process.stop();
    let config_given = config(&folder);
    let given = parts(&config_given, Arc::new(Chance::seeded(1)), Secret::Given([7; 32]));
    let (cache, workers) = Cache::new(given, &mut Registry::default()).unwrap();
    drop((cache, workers));
    let process = Process::start(&config(&folder), 1);
    assert!(process.known("").await.is_none(), "keys are made with another secret now");
    process.keep("", b"answer").await;
    process.stop();
}

#[tokio::test]
async fn what_was_taken_over_under_a_new_secret_is_found_after_the_next_start() {
    let (centre, edge) = (Folder::new(), Folder::new());
    let given = Secret::Given([7; 32]);
    let process = Process::start_with(&config(&centre), given);
    process.keep("", b"the centre's").await;
    process.stop();
    // The edge began without a secret; its operator has written the centre's into the config since.
    let process = Process::start(&config(&edge), 2);
    process.keep(r#","seed":1"#, b"the edge's").await;
    process.stop();
    assert_eq!(crate::import(&centre.file("cache.db"), &edge.file("cache.db"), given, &[]).unwrap(), 1);
    let process = Process::start_with(&config(&edge), given);
    assert_eq!(process.known("").await.unwrap().0[..], b"the centre's"[..]);
    process.stop();
}
