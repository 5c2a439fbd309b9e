//! The files of a model: read within a bound, hashed into its id, and blamed by name when they are bad.
//!
//! Invariant: an id is a hash of which kind of model it is and of every byte that its vectors depend on.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest file that is read: four times the table of a large multilingual model. A larger one is no model meant to
/// be held beside a gateway.
const FILE_BYTES_MAX: u64 = 2 << 30;

/// Why a folder is not a model: which file, what is wrong with it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}; {remedy}", file.display())]
pub struct LoadError {
    file: PathBuf,
    what: String,
    remedy: &'static str,
}

impl LoadError {
    pub(crate) fn new(file: &Path, what: impl ToString, remedy: &'static str) -> Self {
        Self { file: file.to_owned(), what: what.to_string(), remedy }
    }

    /// The file that is bad.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// What was read of one file.
pub struct File {
    path: PathBuf,
    pub bytes: Vec<u8>,
}

impl File {
    /// The whole file at `path`.
    pub fn read(path: PathBuf) -> Result<Self, LoadError> {
        const REMEDY: &str = "give the folder of a model2vec model, or WordLlama's as its package has it";
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| LoadError::new(&path, error, REMEDY))?;
        if read as u64 > FILE_BYTES_MAX {
            let what = format!("has more than {FILE_BYTES_MAX} bytes");
            return Err(LoadError::new(&path, what, "give a smaller model"));
        }
        Ok(Self { path, bytes })
    }

    /// The refusal of this file.
    pub fn refuse(&self, what: impl ToString, remedy: &'static str) -> LoadError {
        LoadError::new(&self.path, what, remedy)
    }
}

/// The id of the model of this `kind` that `files` make. `kind` also names the way a text becomes a vector: whoever
/// changes that changes it.
pub fn id(kind: &str, files: &[&File]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(kind);
    for file in files {
        // With its length in front, no byte can move from one file to the next unseen.
        hasher.update(&(file.bytes.len() as u64).to_le_bytes());
        hasher.update(&file.bytes);
    }
    hasher.finalize().into()
}
