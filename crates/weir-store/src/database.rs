//! A database file: how it is opened, and what becomes of one that is damaged.
//!
//! What always holds: only the version bundled with weir opens the file (older ones can corrupt a write-ahead log that two
//! connections write: fixed in SQLite 3.51.3); a damaged file is never deleted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// What a database has in it.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Its version, kept in the file. A file of another version is another program's, or a later one's.
    pub version: i32,
    /// The statements that make an empty one.
    pub create: &'static str,
    /// How much a commit promises.
    pub sync: Sync,
}

/// How much a commit promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// What is committed survives the process, and all but the last moments survive the machine: for what can be had again.
    Normal,
    /// What is committed survives the machine.
    Full,
}

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite says why.
    #[error("cannot open the database {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// It is whole, and of another version.
    #[error(
        "the database {path} is of version {found}, this weir reads version {expected}; move it away or use the weir that made it"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        expected: i32,
    },
    /// It is damaged and cannot be moved out of the way.
    #[error("the database {path} is damaged and cannot be set aside: {source}")]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// How long a statement waits for another process that has the file locked, such as a backup.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// How many damaged files are kept beside the new one, each under its own number.
const SET_ASIDE_MAX: u32 = 1000;

/// Opens the database to write to it, and makes it if there is none. A damaged one is set aside; the second value is where.
///
/// # Errors
/// SQLite cannot, it is of another version, or it is damaged and cannot be set aside.
pub fn open(path: &Path, schema: &Schema) -> Result<(Connection, Option<PathBuf>), OpenError> {
    match prepare(path, schema) {
        Err(OpenError::Sqlite { source, .. }) if is_damage(&source) => {
            let aside = set_aside(path)?;
            Ok((prepare(path, schema)?, Some(aside)))
        }
        opened => Ok((opened?, None)),
    }
}

/// Opens the database to read from it.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}

/// Whether an error says that the file is no database, or none any more.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Moves the file, and the log beside it, out of the way.
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf, OpenError> {
    let failed = |source| OpenError::SetAside { path: path.to_owned(), source };
    let free = (1..=SET_ASIDE_MAX)
        .map(|number| with_end(path, &format!(".damaged-{number}")))
        .find(|aside| !aside.exists());
    let aside = free.ok_or_else(|| failed(std::io::Error::other("too many damaged files lie beside it")))?;
    std::fs::rename(path, &aside).map_err(failed)?;
    for end in ["-wal", "-shm"] {
        match std::fs::rename(with_end(path, end), with_end(&aside, end)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(aside)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn prepare(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let connection = Connection::open(path).map_err(sqlite)?;
    let found = set_up(&connection, schema).map_err(sqlite)?;
    if found != schema.version {
        return Err(OpenError::Version { path: path.to_owned(), found, expected: schema.version });
    }
    Ok(connection)
}

/// Returns the version of what is in the file then.
fn set_up(connection: &Connection, schema: &Schema) -> rusqlite::Result<i32> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let sync = match schema.sync {
        Sync::Normal => "NORMAL",
        Sync::Full => "FULL",
    };
    connection.pragma_update(None, "synchronous", sync)?;
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))
    };
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 {
        let made =
            format!("BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;", schema.create, schema.version);
        connection.execute_batch(&made)?;
    }
    version(connection)
}
