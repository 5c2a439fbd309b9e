//! The tier that outlives the process: a database file, bounded in bytes, of which the least recently used go first.
//!
//! What always holds: the path of a request waits for a read at most, and not long; what cannot be written in time is
//! dropped and counted, since it can be made again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use weir_core::{CacheState, Clock};
use weir_store::rusqlite::{self, Connection, OptionalExtension, Row, params};
use weir_store::{OpenError, Reader, Schema, Store, StoreError, Sync, Writer};

use super::{Boxed, Holding, Tier, TierError, Which};
use crate::Secret;
use crate::entry::{Entry, Labels, Moment};
use crate::key::Key;

pub(crate) const SCHEMA: Schema = Schema {
    version: 2,
    create: "
        CREATE TABLE secret (bytes BLOB NOT NULL);
        CREATE TABLE answers (
            key BLOB PRIMARY KEY, made_ms INTEGER NOT NULL, fresh_ms INTEGER NOT NULL, revision INTEGER NOT NULL,
            used_ms INTEGER NOT NULL,
            tenant TEXT NOT NULL, model TEXT NOT NULL, tag TEXT NOT NULL, cuts BLOB NOT NULL, body BLOB NOT NULL
        );
        CREATE INDEX by_use ON answers (used_ms);
        CREATE INDEX by_tenant ON answers (tenant);
        CREATE INDEX by_model ON answers (model);
        CREATE INDEX by_tag ON answers (tag) WHERE tag <> '';
        CREATE TABLE total (bytes INTEGER NOT NULL);
        INSERT INTO total VALUES (0);
        CREATE TRIGGER added AFTER INSERT ON answers BEGIN
            UPDATE total SET bytes = bytes + length(new.body) + length(new.cuts) + 200; END;
        CREATE TRIGGER removed AFTER DELETE ON answers BEGIN
            UPDATE total SET bytes = bytes - length(old.body) - length(old.cuts) - 200; END;
    ",
    sync: Sync::Normal,
};
/// Reads, and writes, that may wait for the disk. An answer takes some kilobytes.
const WAITING_MAX: usize = 1024;
const PATIENCE: Duration = Duration::from_millis(50);
/// A use is noted when the last one noted lies this far back: a write for each read would wear the disk for nothing.
const USED_EVERY_MS: u64 = 600_000;
/// Answers thrown out with one that is written, at most: one write never stalls those that wait behind it.
const OUT_AT_ONCE: u32 = 64;

/// Answers on disk.
pub(crate) struct Disk {
    clock: Clock,
    store: Store,
    bytes_max: u64,
    life_ms: u64,
    /// What the keys in the file were made with.
    pub(crate) secret: [u8; 32],
}

/// What a disk tier is opened with.
pub(crate) struct Opened {
    pub(crate) disk: Disk,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Disk {
    /// Opens the file. `life`: nothing older is kept.
    pub(crate) fn open(
        clock: Clock,
        path: &Path,
        bytes_max: u64,
        life: Duration,
        secret: Secret,
    ) -> Result<Opened, OpenError> {
        let (store, reader, writer) = Store::open(path.to_owned(), SCHEMA, WAITING_MAX)?;
        let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
        let secret = settle_secret(writer.connection(), secret).map_err(sqlite)?;
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        Ok(Opened { disk: Self { clock, store, bytes_max, life_ms, secret }, reader, writer })
    }

    fn now(&self) -> Moment {
        Moment::of(self.clock.wall())
    }

    fn used(&self, key: Key, now: Moment) -> Result<(), StoreError> {
        let note = move |database: &Connection| {
            let sql = "UPDATE answers SET used_ms = ?2 WHERE key = ?1";
            database.prepare_cached(sql)?.execute(params![&key[..], int(now.0)])
        };
        // Whether it was noted matters to nobody.
        drop(self.store.write(note)?);
        Ok(())
    }
}

impl Tier for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn state(&self) -> CacheState {
        CacheState::HitDisk
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn get(&self, key: Key) -> Boxed<'_, Result<Option<Entry>, TierError>> {
        Box::pin(async move {
            let now = self.now();
            let oldest = now.0.saturating_sub(self.life_ms);
            let found = self.store.read(move |database| find(database, &key, oldest)).await?;
            let Some((entry, used_ms)) = found else { return Ok(None) };
            if now.0.saturating_sub(used_ms) >= USED_EVERY_MS {
                self.used(key, now)?;
            }
            Ok(Some(entry))
        })
    }

    fn put(&self, key: Key, entry: Entry) -> Result<(), TierError> {
        let (now, bytes_max, secret) = (self.now(), self.bytes_max, self.secret);
        let oldest = now.0.saturating_sub(self.life_ms);
        let write = move |database: &Connection| {
            know_secret(database, &secret)?;
            insert(database, &key, &entry, now)?;
            throw_out(database, bytes_max, oldest)
        };
        // It is written or it is not: whoever asks next will see.
        drop(self.store.write(write)?);
        Ok(())
    }

    fn held(&self) -> Boxed<'_, Result<Option<Holding>, TierError>> {
        Box::pin(async {
            let count = |database: &Connection| {
                let sql = "SELECT (SELECT count(*) FROM answers), (SELECT bytes FROM total)";
                database.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            };
            let (entries, bytes) = self.store.read(count).await?;
            let (entries, bytes) = (entries.max(0).cast_unsigned(), bytes.max(0).cast_unsigned());
            Ok(Some(Holding { entries, bytes, bytes_max: self.bytes_max }))
        })
    }

    fn purge(&self, which: Which) -> Boxed<'_, Result<u64, TierError>> {
        Box::pin(async move {
            let forget = move |database: &Connection| match &which {
                Which::All => database.execute("DELETE FROM answers", []),
                Which::Tenant(name) => database.execute("DELETE FROM answers WHERE tenant = ?1", [name]),
                Which::Model(name) => database.execute("DELETE FROM answers WHERE model = ?1", [name]),
                Which::Tag(name) => {
                    database.execute("DELETE FROM answers WHERE tag = ?1 AND tag <> ''", [name])
                }
            };
            Ok(self.store.write(forget)?.await? as u64)
        })
    }
}

impl From<StoreError> for TierError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// What keys are made with from now on: what the operator says, or else what the keys in the file were made with.
pub(crate) fn settle_secret(database: &Connection, secret: Secret) -> rusqlite::Result<[u8; 32]> {
    match (secret, known_secret(database)?) {
        (Secret::Random(_), Some(known)) => Ok(known),
        (Secret::Random(new), None) => Ok(new),
        (Secret::Given(given), known) => {
            if known.is_some_and(|known| known != given) {
                // Nobody could find them again.
                database.execute_batch("BEGIN; DELETE FROM answers; DELETE FROM secret; COMMIT;")?;
            }
            Ok(given)
        }
    }
}

/// What the keys in the file were made with.
pub(crate) fn known_secret(database: &Connection) -> rusqlite::Result<Option<[u8; 32]>> {
    database.query_row("SELECT bytes FROM secret", [], |row| row.get(0)).optional()
}

/// Every file with answers in it knows what their keys were made with, also one that was begun in place of a damaged one.
pub(crate) fn know_secret(database: &Connection, secret: &[u8; 32]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO secret SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM secret)";
    database.prepare_cached(sql)?.execute([&secret[..]])?;
    Ok(())
}

fn find(database: &Connection, key: &Key, oldest: u64) -> rusqlite::Result<Option<(Entry, u64)>> {
    let sql = "SELECT body, cuts, made_ms, fresh_ms, tenant, model, tag, used_ms, revision FROM answers
               WHERE key = ?1 AND made_ms >= ?2";
    database.prepare_cached(sql)?.query_row(params![&key[..], int(oldest)], read_row).optional()
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<(Entry, u64)> {
    let number = |at| row.get::<_, i64>(at).map(|number| number.max(0).cast_unsigned());
    let text = |at| row.get::<_, Arc<str>>(at);
    let entry = Entry {
        body: Bytes::from(row.get::<_, Vec<u8>>(0)?),
        cuts: Bytes::from(row.get::<_, Vec<u8>>(1)?),
        made: Moment(number(2)?),
        fresh_ms: number(3)?,
        revision: row.get::<_, i64>(8)?.cast_unsigned(),
        labels: Labels { tenant: text(4)?, model: text(5)?, tag: text(6)? },
    };
    Ok((entry, number(7)?))
}

fn insert(database: &Connection, key: &Key, entry: &Entry, now: Moment) -> rusqlite::Result<()> {
    let Entry { body, cuts, made, fresh_ms, revision, labels } = entry;
    let Labels { tenant, model, tag } = labels;
    // Not `INSERT OR REPLACE`: that deletes without telling the trigger that counts the bytes.
    database.prepare_cached("DELETE FROM answers WHERE key = ?1")?.execute([&key[..]])?;
    let sql = "INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let row = params![
        &key[..],
        int(made.0),
        int(*fresh_ms),
        revision.cast_signed(),
        int(now.0),
        tenant,
        model,
        tag,
        &cuts[..],
        &body[..]
    ];
    database.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Throws out what is too old, then what is too much.
fn throw_out(database: &Connection, bytes_max: u64, oldest: u64) -> rusqlite::Result<()> {
    let total = |database: &Connection| -> rusqlite::Result<i64> {
        database.prepare_cached("SELECT bytes FROM total")?.query_row([], |row| row.get(0))
    };
    for _ in 0..OUT_AT_ONCE {
        let excess = total(database)? > int(bytes_max);
        let sql = "DELETE FROM answers WHERE key = (SELECT key FROM answers ORDER BY used_ms LIMIT 1)
                   AND (?1 OR made_ms < ?2)";
        if database.prepare_cached(sql)?.execute(params![excess, int(oldest)])? == 0 {
            break;
        }
    }
    Ok(())
}

/// SQLite's integers are signed; no moment of ours comes near their end.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
