//! Answers on their way from one database file to another: so that a node at the edge begins with what the centre knows.
//!
//! What always holds: a file that is read is not changed, and may be in use; a file is taken over whole or not at all; of two
//! answers to the same the newer one stays.

use std::path::{Path, PathBuf};

use weir_store::rusqlite::{self, Connection, OpenFlags, params};
use weir_store::{OpenError, open};

use crate::tiers::Which;
use crate::tiers::disk::{SCHEMA, know_secret, known_secret, settle_secret};
use crate::{Secret, key};

/// Answers cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is no such file.
    #[error("there is no {0}")]
    Absent(PathBuf),
    /// There is one already.
    #[error("{0} is there already; name a new file")]
    Occupied(PathBuf),
    /// It is no database of ours, or another version's.
    #[error("{path} has no answers that this weir can read (version {found}, expected {expected})")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        expected: i32,
    },
    /// Nobody could find the answers.
    #[error(
        "the keys in {0} were made with another secret; set the same `[cache] secret` where they come from and where they go, or import into a new file"
    )]
    Secret(PathBuf),
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite says why.
    #[error("{path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// Copies answers into a new file. Says how many.
///
/// # Errors
/// One file is not there or of another version, the other is there, or SQLite says why.
pub fn export(from: &Path, to: &Path, which: &Which) -> Result<u64, MoveError> {
    if to.exists() {
        return Err(MoveError::Occupied(to.to_owned()));
    }
    let sqlite = |path: &Path| {
        let path = path.to_owned();
        move |source| MoveError::Sqlite { path, source }
    };
    let source = open_known(from)?;
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(sqlite(to))?;
    let made = Connection::open(to).map_err(sqlite(to))?;
    keep_only(&made, which).map_err(sqlite(to))
}

fn keep_only(made: &Connection, which: &Which) -> rusqlite::Result<u64> {
    match which {
        Which::All => 0,
        Which::Tenant(name) => made.execute("DELETE FROM answers WHERE tenant <> ?1", [name])?,
        Which::Model(name) => made.execute("DELETE FROM answers WHERE model <> ?1", [name])?,
        Which::Tag(name) => made.execute("DELETE FROM answers WHERE tag <> ?1", [name])?,
    };
    made.execute_batch("VACUUM")?;
    made.query_row("SELECT count(*) FROM answers", [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

/// Takes over the answers of another file, as answers of the services and models that `revision` names. Says how many.
///
/// # Errors
/// A file cannot be read or written, is of another version, or its keys are of no use here.
pub fn import(from: &Path, into: &Path, secret: Secret, revision: &[String]) -> Result<u64, MoveError> {
    let theirs = {
        let source = open_known(from)?;
        known_secret(&source).map_err(|source| MoveError::Sqlite { path: from.to_owned(), source })?
    };
    // A file without a secret has no answers.
    let Some(theirs) = theirs else { return Ok(0) };
    let (mut database, _set_aside) = open(into, &SCHEMA)?;
    let sqlite = |source| MoveError::Sqlite { path: into.to_owned(), source };
    // A file that has none yet takes theirs.
    let own = match secret {
        Secret::Given(given) => given,
        Secret::Random(_) => known_secret(&database).map_err(sqlite)?.unwrap_or(theirs),
    };
    if own != theirs {
        return Err(MoveError::Secret(from.to_owned()));
    }
    take_over(&mut database, from, &theirs, key::revision(revision)).map_err(sqlite)
}

fn take_over(
    database: &mut Connection,
    from: &Path,
    secret: &[u8; 32],
    revision: u64,
) -> rusqlite::Result<u64> {
    database.execute("ATTACH ?1 AS theirs", [from.to_string_lossy()])?;
    // As at a start: what was kept under another secret is found by nobody.
    settle_secret(database, Secret::Given(*secret))?;
    let whole = database.transaction()?;
    know_secret(&whole, secret)?;
    // Not `INSERT OR REPLACE`: that deletes without telling the trigger that counts the bytes.
    whole.execute(
        "DELETE FROM main.answers WHERE EXISTS (SELECT 1 FROM theirs.answers AS new
         WHERE new.key = main.answers.key AND new.made_ms > main.answers.made_ms)",
        [],
    )?;
    let taken = whole.execute(
        "INSERT INTO main.answers SELECT key, made_ms, fresh_ms, ?1, used_ms, tenant, model, tag, cuts, body
         FROM theirs.answers WHERE key NOT IN (SELECT key FROM main.answers)",
        params![revision.cast_signed()],
    )?;
    whole.commit()?;
    Ok(taken as u64)
}

fn open_known(path: &Path) -> Result<Connection, MoveError> {
    if !path.exists() {
        return Err(MoveError::Absent(path.to_owned()));
    }
    let sqlite = |source| MoveError::Sqlite { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sqlite)?;
    if found == SCHEMA.version {
        Ok(connection)
    } else {
        Err(MoveError::Version { path: path.to_owned(), found, expected: SCHEMA.version })
    }
}
