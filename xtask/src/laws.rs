//! The repository's own laws: what review would say twice, said by a program instead.
//!
//! A law is a pure function from the text of the files to its breaches, so that each is tested on a tree of three
//! lines. What always holds: every breach is reported at once, each with its file and line.

mod crates;
mod shape;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::repository::Repository;

/// One law.
pub struct Law {
    pub name: &'static str,
    pub why: &'static str,
    pub breaches: fn(&Tree) -> Vec<Breach>,
}

/// Every law. A new one is a function and one line here.
pub const ALL: &[Law] = &[
    Law {
        name: "dependency table",
        why: "stages know the vocabulary and not each other, so each can be read and tested alone",
        breaches: crates::dependencies,
    },
    Law {
        name: "crate names",
        why: "a path in a message leads to the folder of the same name",
        breaches: crates::names,
    },
    Law {
        name: "opening lines",
        why: "a file says in its first line what it is for",
        breaches: shape::opening_lines,
    },
    Law {
        name: "no mod.rs",
        why: "`foo.rs` beside `foo/` keeps file names apart in an editor",
        breaches: shape::mod_files,
    },
    Law { name: "length", why: "past 600 lines a file holds two ideas", breaches: shape::length },
    Law {
        name: "plug-in lists",
        why: "a file in a plug-in folder that no list names is never used",
        breaches: shape::plug_ins,
    },
    Law {
        name: "hosts and paths",
        why: "the project builds anywhere: no registry's address, no path of one machine",
        breaches: words::hosts_and_paths,
    },
    Law {
        name: "unfinished",
        why: "what is not done is not there; a test that does not run is no test",
        breaches: words::unfinished,
    },
    Law {
        name: "sleeping tests",
        why: "a test that sleeps is slow on a good day and wrong on a bad one; wait for an event or pause the clock",
        breaches: words::sleeping_tests,
    },
];

/// A broken law, where it is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    file: String,
    /// From one.
    line: usize,
    what: String,
}

impl Breach {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// The project's text files.
pub struct Tree {
    files: Vec<File>,
}

/// One file: its path from the root with `/` between folders, and its text.
pub struct File {
    path: String,
    text: String,
}

impl Tree {
    /// Reads every file of the project that is text. A file that is listed and gone is being deleted.
    pub fn read(repository: &Repository) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in repository.files()? {
            let Ok(bytes) = std::fs::read(repository.root().join(&path)) else { continue };
            let Ok(text) = String::from_utf8(bytes) else { continue };
            files.push(File { path, text });
        }
        Ok(Self { files })
    }

    fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    /// Lines with their numbers, from one.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}
