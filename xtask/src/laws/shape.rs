//! Laws about files: how they open, what they are called, how long they are, and that plug-ins are listed.

use super::{Breach, File, Tree};

/// One idea fits.
const LINES_MAX: usize = 600;

/// Files that are tables: long, and read by looking up.
const TABLES: &[&str] = &[];

/// What a person writes and reads; lock files, data and recorded answers are neither.
const WRITTEN: &[&str] = &[".rs", ".py", ".js", ".cjs", ".mjs", ".ts"];

/// A folder in which each file is a plug-in.
pub(super) struct PlugIns {
    pub folder: &'static str,
    /// The file with the list that names every plug-in, and the list's name.
    pub file: &'static str,
    pub list: &'static str,
    /// Files in the folder that several plug-ins share, and that are none themselves.
    pub shared: &'static [&'static str],
}

const PLUG_INS: &[PlugIns] = &[
    PlugIns {
        folder: "crates/weir-wire/src/dialect",
        file: "crates/weir-wire/src/dialect.rs",
        list: "ALL",
        shared: &["openai_usage"],
    },
    PlugIns {
        folder: "crates/weir-mock/src/dialect",
        file: "crates/weir-mock/src/dialect.rs",
        list: "ALL",
        shared: &["openai"],
    },
    PlugIns {
        folder: "crates/weir-mock/src/fault",
        file: "crates/weir-mock/src/fault.rs",
        list: "FAMILIES",
        shared: &["injector", "plan"],
    },
    PlugIns {
        folder: "crates/weir-drill/src/scenarios",
        file: "crates/weir-drill/src/scenarios.rs",
        list: "ALL",
        shared: &[],
    },
];

/// Every Rust file opens with `//!`.
pub fn opening_lines(tree: &Tree) -> Vec<Breach> {
    tree.rust()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| Breach::new(&file.path, 1, "does not open with `//!`"))
        .collect()
}

/// No `mod.rs`.
pub fn mod_files(tree: &Tree) -> Vec<Breach> {
    tree.rust()
        .filter(|file| file.name() == concat!("mod", ".rs"))
        .map(|file| Breach::new(&file.path, 1, "is a mod.rs: name it after its folder, beside it"))
        .collect()
}

/// No file is longer than [`LINES_MAX`].
pub fn length(tree: &Tree) -> Vec<Breach> {
    let written = |file: &&File| WRITTEN.iter().any(|ending| file.path.ends_with(ending));
    tree.files
        .iter()
        .filter(written)
        .filter(|file| !TABLES.contains(&file.path.as_str()))
        .map(|file| (file, file.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| {
            Breach::new(&file.path, lines, format!("has {lines} lines; {LINES_MAX} is the most"))
        })
        .collect()
}

/// Every file of a plug-in folder is named in the folder's list.
pub fn plug_ins(tree: &Tree) -> Vec<Breach> {
    PLUG_INS.iter().flat_map(|row| unlisted(tree, row)).collect()
}

/// The files of one plug-in folder that its list does not name, and shared files that are gone.
pub(super) fn unlisted(tree: &Tree, row: &PlugIns) -> Vec<Breach> {
    let PlugIns { folder, file: holder, list, shared } = row;
    let files: Vec<(&File, &str)> =
        tree.rust().filter_map(|file| plug_in(file, folder).map(|stem| (file, stem))).collect();
    let Some((line, members)) = tree.file(holder).and_then(|file| members(file, list)) else {
        return vec![Breach::new(holder, 1, format!("has no `{list}` for the plug-ins in {folder}"))];
    };
    let named =
        |stem: &str| members.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == stem);
    let mut breaches = Vec::new();
    for (file, stem) in &files {
        if !named(stem) && !shared.contains(stem) {
            breaches.push(Breach::new(&file.path, 1, format!("`{stem}` is not in {list} of {holder}")));
        }
    }
    for gone in shared.iter().filter(|name| !files.iter().any(|(_, stem)| stem == *name)) {
        breaches.push(Breach::new(
            holder,
            line,
            format!("the law names {gone} in {folder}, which is not there"),
        ));
    }
    if files.is_empty() {
        breaches.push(Breach::new(
            holder,
            line,
            format!("is a list of plug-ins, but there are none in {folder}"),
        ));
    }
    breaches
}

/// The module name of a file directly in `folder`, unless it holds the tests.
fn plug_in<'a>(file: &'a File, folder: &str) -> Option<&'a str> {
    let stem = file.path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".rs")?;
    (!stem.contains('/') && stem != "tests").then_some(stem)
}

/// The line on which the list begins, and the text between its brackets.
fn members<'a>(file: &'a File, list: &str) -> Option<(usize, &'a str)> {
    let (before, rest) = file.text.split_once(&format!(" {list}: "))?;
    let (members, _) = rest.split_once("];")?;
    Some((before.lines().count(), members))
}
