//! The two threads of a database, and the handle through which they are asked.
//!
//! What always holds: whoever asked is answered exactly once; a write is acknowledged after its group was committed, and a
//! group that was not committed acknowledges nothing.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::task::{Context, Poll};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::{error, warn};

use crate::database::{self, OpenError, Schema};

/// Writes committed together.
const GROUP_MAX: usize = 256;

/// Asks the threads of a database. Cloned freely; the threads end when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    reads: SyncSender<Read>,
    writes: SyncSender<Write>,
}

/// Reads. Returns whether the file was found damaged, and how to answer whoever asked.
type Read = Box<dyn FnOnce(&Connection) -> (bool, Box<dyn FnOnce()>) + Send>;
/// Writes. Returns whether the file was found damaged, and how to tell the outcome to whoever asked.
type Write = Box<dyn FnOnce(&Connection) -> (bool, Acknowledge) + Send>;
type Acknowledge = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What was asked could not be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite says why.
    #[error("{0}")]
    Sqlite(Arc<rusqlite::Error>),
    /// So many wait already: the disk does not keep up.
    #[error("the database does not keep up")]
    Busy,
    /// The threads are gone.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

/// What comes of something that was asked; it is done whether this is waited for or not.
#[must_use = "what was asked may have failed"]
pub struct Outcome<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Future for Outcome<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|told| told.unwrap_or(Err(StoreError::Closed)))
    }
}

impl Store {
    /// Opens a database, or makes it. `waiting_max`: how many reads, and how many writes, may wait.
    ///
    /// # Errors
    /// It cannot be opened, is another program's, or is damaged and cannot be set aside.
    pub fn open(
        path: PathBuf,
        schema: Schema,
        waiting_max: usize,
    ) -> Result<(Self, Reader, Writer), OpenError> {
        let (connection, aside) = database::open(&path, &schema)?;
        if let Some(aside) = aside {
            warn!(database = %path.display(), set_aside = %aside.display(), "the database was damaged; a new one is begun");
        }
        let (reads, read_jobs) = sync_channel(waiting_max);
        let (writes, write_jobs) = sync_channel(waiting_max);
        let era = Arc::new(AtomicU64::new(0));
        let reader = Reader { path: path.clone(), jobs: read_jobs, era: era.clone(), writer: writes.clone() };
        let writer = Writer { path, schema, connection, jobs: write_jobs, era };
        Ok((Self { reads, writes }, reader, writer))
    }

    /// Reads. Whoever stops waiting has not stopped the read.
    ///
    /// # Errors
    /// Too many wait already, the threads are gone, or SQLite says why.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (told, outcome) = oneshot::channel();
        let job: Read = Box::new(move |connection| {
            let result = read(connection);
            let damaged = result.as_ref().is_err_and(database::is_damage);
            let answer: Box<dyn FnOnce()> = Box::new(move || {
                // Nobody may be waiting any more.
                let _gone = told.send(result.map_err(StoreError::from));
            });
            (damaged, answer)
        });
        hand(&self.reads, job)?;
        Outcome(outcome).await
    }

    /// Writes, in a transaction together with others that wait; what fails takes back what it did itself. The outcome comes
    /// after the commit, and need not be waited for.
    ///
    /// # Errors
    /// Too many wait already, or the threads are gone.
    pub fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Outcome<T>, StoreError> {
        let (told, outcome) = oneshot::channel();
        let job: Write = Box::new(move |connection| {
            let result = alone(connection, write);
            let damaged = result.as_ref().is_err_and(database::is_damage);
            let acknowledge: Acknowledge = Box::new(move |committed| {
                let result = result.map_err(StoreError::from).and_then(|done| committed.map(|()| done));
                // Nobody may be waiting any more.
                let _gone = told.send(result);
            });
            (damaged, acknowledge)
        });
        hand(&self.writes, job)?;
        Ok(Outcome(outcome))
    }
}

fn hand<J>(queue: &SyncSender<J>, job: J) -> Result<(), StoreError> {
    queue.try_send(job).map_err(|error| match error {
        TrySendError::Full(_) => StoreError::Busy,
        TrySendError::Disconnected(_) => StoreError::Closed,
    })
}

/// Runs a write so that it is done whole or not at all, whatever its neighbours in the group do.
fn alone<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT one")?;
    match write(connection) {
        Ok(done) => connection.execute_batch("RELEASE one").map(|()| done),
        Err(error) => {
            connection.execute_batch("ROLLBACK TO one; RELEASE one")?;
            Err(error)
        }
    }
}

/// The thread that reads.
pub struct Reader {
    path: PathBuf,
    jobs: Receiver<Read>,
    era: Arc<AtomicU64>,
    /// Who sets a damaged file aside.
    writer: SyncSender<Write>,
}

impl Reader {
    /// Works until the last [`Store`] is gone. To be run on a thread of its own.
    pub fn run(self) {
        let mut open = None;
        while let Ok(job) = self.jobs.recv() {
            let era = self.era.load(Ordering::Acquire);
            if !matches!(open, Some((_, opened)) if opened == era) {
                open = match database::open_to_read(&self.path) {
                    Ok(connection) => Some((connection, era)),
                    Err(reason) => {
                        error!(database = %self.path.display(), %reason, "the database cannot be read");
                        None
                    }
                };
            }
            // Without a connection the job is dropped, and whoever asked learns that the database is closed.
            let Some((damaged, answer)) = open.as_ref().map(|(connection, _)| job(connection)) else {
                continue;
            };
            if damaged {
                open = None;
                // Unless it has been set aside since: its successor is whole.
                let now = self.era.clone();
                let look: Write =
                    Box::new(move |_file| (now.load(Ordering::Acquire) == era, Box::new(|_committed| {})));
                // When its queue is full it will see for itself.
                let _busy = self.writer.try_send(look);
            }
            // After the writer was told: what is written from now on goes into the new file.
            answer();
        }
    }
}

/// The thread that writes.
pub struct Writer {
    path: PathBuf,
    schema: Schema,
    connection: Connection,
    jobs: Receiver<Write>,
    era: Arc<AtomicU64>,
}

impl Writer {
    /// The database, for what has to be known before the work begins.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Works until the last [`Store`] is gone; then everything that was handed over is committed. To be run on a thread of
    /// its own.
    pub fn run(mut self) {
        while let Ok(first) = self.jobs.recv() {
            if self.group(first)
                && let Err(reason) = self.begin_anew()
            {
                error!(%reason, "nothing is kept any more");
                return;
            }
        }
        // Into the file itself, so that it can be copied without its log.
        if let Err(reason) = self.connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
        {
            warn!(database = %self.path.display(), %reason, "the database could not be tidied up");
        }
    }

    /// Writes what waits, together. Returns whether the file was found damaged.
    fn group(&self, first: Write) -> bool {
        let mut acknowledges = Vec::new();
        let mut damaged = false;
        let mut committed = self.connection.execute_batch("BEGIN IMMEDIATE");
        if committed.is_ok() {
            let rest = std::iter::from_fn(|| self.jobs.try_recv().ok());
            for job in std::iter::once(first).chain(rest).take(GROUP_MAX) {
                let (is_damage, acknowledge) = job(&self.connection);
                acknowledges.push(acknowledge);
                damaged = is_damage;
                if damaged {
                    // What waits behind it goes into the new file.
                    break;
                }
            }
            committed = self.connection.execute_batch("COMMIT");
        } else {
            // Dropped, so that whoever asked learns that it is not done.
            drop(first);
        }
        if let Err(reason) = &committed {
            damaged |= database::is_damage(reason);
            warn!(database = %self.path.display(), %reason, "{} writes were not committed", acknowledges.len());
            if !self.connection.is_autocommit()
                && let Err(reason) = self.connection.execute_batch("ROLLBACK")
            {
                warn!(database = %self.path.display(), %reason, "the group could not be rolled back");
            }
        }
        let committed = committed.map_err(StoreError::from);
        for acknowledge in acknowledges {
            acknowledge(committed.clone());
        }
        damaged
    }

    /// Sets the damaged file aside and begins a new one.
    fn begin_anew(&mut self) -> Result<(), OpenError> {
        // The file must not be open while it is moved: its log would be written into the new one.
        let nowhere = Connection::open_in_memory()
            .map_err(|source| OpenError::Sqlite { path: self.path.clone(), source })?;
        drop(std::mem::replace(&mut self.connection, nowhere));
        let aside = database::set_aside(&self.path)?;
        warn!(database = %self.path.display(), set_aside = %aside.display(), "the database was damaged; a new one is begun");
        (self.connection, _) = database::open(&self.path, &self.schema)?;
        self.era.fetch_add(1, Ordering::Release);
        Ok(())
    }
}
