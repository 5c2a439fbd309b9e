//! What a database promises to whoever hands it work.

use std::path::Path;
use std::thread::JoinHandle;

use rusqlite::Connection;
use weir_testkit::Folder;

use crate::{OpenError, Schema, Store, StoreError, Sync};

const SCHEMA: Schema =
    Schema { version: 3, create: "CREATE TABLE words (word TEXT PRIMARY KEY);", sync: Sync::Normal };

#[expect(
    clippy::disallowed_methods,
    reason = "the test plays the binary, which gives the workers their threads"
)]
fn open(path: &Path) -> (Store, [JoinHandle<()>; 2]) {
    let (store, reader, writer) = Store::open(path.to_owned(), SCHEMA, 1000).unwrap();
    (store, [std::thread::spawn(|| reader.run()), std::thread::spawn(|| writer.run())])
}

fn close(store: Store, threads: [JoinHandle<()>; 2]) {
    drop(store);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn add(word: &'static str) -> impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send {
    move |words| words.execute("INSERT INTO words VALUES (?1)", [word])
}

async fn words(store: &Store) -> Result<Vec<String>, StoreError> {
    let read = |words: &Connection| {
        let mut all = words.prepare_cached("SELECT word FROM words ORDER BY word")?;
        all.query_map([], |row| row.get(0))?.collect()
    };
    store.read(read).await
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_restart() {
    let folder = Folder::new();
    let (store, threads) = open(&folder.file("words.db"));
    assert_eq!(store.write(add("one")).unwrap().await.unwrap(), 1);
    assert_eq!(words(&store).await.unwrap(), ["one"]);
    close(store, threads);
    let (store, threads) = open(&folder.file("words.db"));
    assert_eq!(words(&store).await.unwrap(), ["one"]);
    close(store, threads);
}

#[tokio::test]
async fn what_nobody_waited_for_is_written_before_the_threads_end() {
    let folder = Folder::new();
    let (store, threads) = open(&folder.file("words.db"));
    for word in ["one", "two", "three"] {
        drop(store.write(add(word)).unwrap());
    }
    close(store, threads);
    let (store, threads) = open(&folder.file("words.db"));
    assert_eq!(words(&store).await.unwrap(), ["one", "three", "two"]);
    close(store, threads);
}

#[tokio::test]
async fn a_write_that_fails_takes_back_all_of_itself_and_nothing_of_its_group() {
    let folder = Folder::new();
    let (store, reader, writer) = Store::open(folder.file("words.db"), SCHEMA, 10).unwrap();
    let first = store.write(add("one")).unwrap();
    let twice = store.write(|words| add("two")(words).and_then(|_| add("one")(words))).unwrap();
    let last = store.write(add("three")).unwrap();
    // All three wait before the writer comes: one group.
    #[expect(clippy::disallowed_methods, reason = "the test plays the binary")]
    let threads = [std::thread::spawn(|| reader.run()), std::thread::spawn(|| writer.run())];
    first.await.unwrap();
    assert!(matches!(twice.await, Err(StoreError::Sqlite(_))));
    last.await.unwrap();
    assert_eq!(words(&store).await.unwrap(), ["one", "three"]);
    close(store, threads);
}

#[tokio::test]
async fn who_finds_the_queue_full_is_told_at_once() {
    let folder = Folder::new();
    let (store, _reader, _writer) = Store::open(folder.file("words.db"), SCHEMA, 1).unwrap();
    let _waits = store.write(add("one")).unwrap();
    assert!(matches!(store.write(add("two")).err(), Some(StoreError::Busy)));
}

#[tokio::test]
async fn who_waits_when_the_threads_go_is_told() {
    let folder = Folder::new();
    let (store, reader, writer) = Store::open(folder.file("words.db"), SCHEMA, 10).unwrap();
    let waits = store.write(add("one")).unwrap();
    drop((reader, writer));
    assert!(matches!(waits.await, Err(StoreError::Closed)));
    assert!(matches!(words(&store).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside() {
    let folder = Folder::new();
    std::fs::write(
        folder.file("words.db"),
        "no database at all, but long enough to be taken for one".repeat(100),
    )
    .unwrap();
    let (store, threads) = open(&folder.file("words.db"));
    assert!(words(&store).await.unwrap().is_empty());
    store.write(add("one")).unwrap().await.unwrap();
    close(store, threads);
    let aside = std::fs::read_to_string(folder.file("words.db.damaged-1")).unwrap();
    assert!(aside.starts_with("no database"));
}

/// A database of which the header is whole, so that it opens; the tables are not.
async fn damaged(folder: &Folder) {
    let (store, threads) = open(&folder.file("words.db"));
    store.write(add("one")).unwrap().await.unwrap();
    close(store, threads);
    let mut bytes = std::fs::read(folder.file("words.db")).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(folder.file("words.db"), bytes).unwrap();
}

#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_open_is_set_aside_and_a_new_one_begun() {
    let folder = Folder::new();
    damaged(&folder).await;
    let (store, threads) = open(&folder.file("words.db"));
    assert!(words(&store).await.is_err());
    // The reader has told the writer before this write: the queue keeps order.
    assert!(store.write(|_| Ok(())).unwrap().await.is_ok());
    store.write(add("two")).unwrap().await.unwrap();
    assert_eq!(words(&store).await.unwrap(), ["two"]);
    close(store, threads);
    assert!(folder.file("words.db.damaged-1").exists());
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test plays the binary, which gives the workers their threads"
)]
async fn damage_that_many_reads_find_sets_one_file_aside() {
    let folder = Folder::new();
    damaged(&folder).await;
    let (store, reader, writer) = Store::open(folder.file("words.db"), SCHEMA, 10).unwrap();
    let reading = std::thread::spawn(|| reader.run());
    assert!(words(&store).await.is_err() && words(&store).await.is_err());
    // Only now comes the writer, and hears of it twice.
    let writing = std::thread::spawn(|| writer.run());
    store.write(add("two")).unwrap().await.unwrap();
    assert_eq!(words(&store).await.unwrap(), ["two"]);
    close(store, [reading, writing]);
    assert!(folder.file("words.db.damaged-1").exists());
    assert!(!folder.file("words.db.damaged-2").exists());
}

#[tokio::test]
async fn a_database_of_another_version_is_left_alone() {
    let folder = Folder::new();
    let (store, threads) = open(&folder.file("words.db"));
    close(store, threads);
    let other = Schema { version: 4, ..SCHEMA };
    let refused = Store::open(folder.file("words.db"), other, 10).err().unwrap();
    assert!(matches!(refused, OpenError::Version { found: 3, expected: 4, .. }), "{refused}");
    assert!(!folder.file("words.db.damaged-1").exists());
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let refused = Store::open("/nowhere/at/all/words.db".into(), SCHEMA, 10).err().unwrap();
    assert!(refused.to_string().contains("/nowhere/at/all/words.db"), "{refused}");
}
