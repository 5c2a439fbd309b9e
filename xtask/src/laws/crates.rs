//! Laws about crates: who may depend on whom, and that a crate is called what its folder is called.
//!
//! Manifests are read line by line, not through cargo: a breach then has a line to point at, and the law needs no
//! network, no lock file and no crate that compiles.

use super::{Breach, File, Tree};

/// Which of weir's crates each crate may use. Development dependencies are free.
const MAY_USE: &[(&str, Uses)] = &[
    ("weir-core", Uses::Only(&[])),
    ("weir-wire", Uses::Only(&["weir-core"])),
    ("weir-admit", Uses::Only(&["weir-core"])),
    ("weir-cache", Uses::Only(&["weir-core", "weir-store"])),
    ("weir-store", Uses::Only(&[])),
    ("weir-embed", Uses::Only(&[])),
    ("weir-queue", Uses::Only(&["weir-core"])),
    ("weir-pressure", Uses::Only(&["weir-core"])),
    ("weir-route", Uses::Only(&["weir-core"])),
    ("weir-settle", Uses::Only(&["weir-core"])),
    ("weir-infer", Uses::Only(&["weir-core", "weir-wire"])),
    (
        "weir-pipeline",
        Uses::Only(&[
            "weir-core",
            "weir-wire",
            "weir-admit",
            "weir-cache",
            "weir-queue",
            "weir-pressure",
            "weir-route",
            "weir-infer",
            "weir-settle",
        ]),
    ),
    ("weir-http", Uses::Only(&["weir-core", "weir-wire", "weir-pipeline"])),
    ("weir-mock", Uses::Only(&["weir-core", "weir-wire"])),
    ("weir-replay", Uses::Only(&["weir-core"])),
    ("weir-drill", Uses::Only(&["weir-core"])),
    (
        "weir-sim",
        Uses::Only(&[
            "weir-core",
            "weir-wire",
            "weir-admit",
            "weir-cache",
            "weir-queue",
            "weir-pressure",
            "weir-route",
            "weir-infer",
            "weir-settle",
            "weir-pipeline",
        ]),
    ),
    ("weir-fuzz", Uses::Only(&["weir-core", "weir-wire", "weir-cache"])),
    ("weir-bench", Uses::Only(&["weir-core", "weir-mock", "weir-replay"])),
    ("weir-testkit", Uses::Only(&["weir-core"])),
    ("weir", Uses::Everything),
    ("xtask", Uses::Only(&[])),
];

/// For tests only, whatever the table says.
const DEVELOPMENT_ONLY: &str = "weir-testkit";

#[derive(Clone, Copy)]
enum Uses {
    Only(&'static [&'static str]),
    Everything,
}

impl Uses {
    fn allows(self, name: &str) -> bool {
        name != DEVELOPMENT_ONLY
            && match self {
                Self::Only(names) => names.contains(&name),
                Self::Everything => true,
            }
    }
}

/// Every crate has a row in the table, every row a crate, and no crate uses more than its row says.
pub fn dependencies(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for manifest in manifests(tree) {
        let folder = folder(manifest);
        let Some((_, uses)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
            breaches.push(Breach::new(&manifest.path, 1, format!("{folder} is not in the dependency table")));
            continue;
        };
        for (line, dependency) in own_dependencies(manifest) {
            if !uses.allows(dependency) {
                breaches.push(Breach::new(
                    &manifest.path,
                    line,
                    format!("{folder} may not use {dependency}"),
                ));
            }
        }
    }
    for (name, _) in MAY_USE {
        if !manifests(tree).any(|manifest| folder(manifest) == *name) {
            let table = "xtask/src/laws/crates.rs";
            breaches.push(Breach::new(
                table,
                1,
                format!("the dependency table names {name}, which is not there"),
            ));
        }
    }
    breaches
}

/// The folder's name is the package's name.
pub fn names(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for manifest in manifests(tree) {
        let wanted = format!("name = \"{}\"", folder(manifest));
        let named = manifest.lines().find(|(_, line)| line.starts_with("name = "));
        if let Some((line, name)) = named.filter(|(_, name)| *name != wanted) {
            breaches.push(Breach::new(
                &manifest.path,
                line,
                format!("{name}, but the folder asks for {wanted}"),
            ));
        }
    }
    breaches
}

fn manifests(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| {
        let depth = file.path.matches('/').count();
        let of_crate = file.path.starts_with("crates/") && depth == 2;
        file.name() == "Cargo.toml" && (of_crate || file.path == "xtask/Cargo.toml")
    })
}

fn folder(manifest: &File) -> &str {
    manifest.path.rsplit('/').nth(1).unwrap_or_default()
}

/// The workspace's own crates a manifest depends on outside of development, with their lines.
fn own_dependencies(manifest: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in manifest.lines() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let (table, dependency) = match section.rsplit_once("dependencies.") {
                Some((before, dependency)) => (format!("{before}dependencies"), Some(dependency)),
                None => (section.to_owned(), None),
            };
            inside = table.ends_with("dependencies") && !table.ends_with("dev-dependencies");
            found.extend(dependency.filter(|name| inside && is_own(name)).map(|name| (number, name)));
        } else if inside {
            found.extend(dependency(line).map(|name| (number, name)));
        }
    }
    found
}

/// The crate of ours a line of a dependency table names, by its key or, when renamed, by its `package`.
fn dependency(line: &str) -> Option<&str> {
    let key = line.split(['.', '=', ' ']).next().unwrap_or_default().trim_matches('"');
    let renamed = line.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
    renamed.or(Some(key)).filter(|name| is_own(name))
}

fn is_own(name: &str) -> bool {
    name == "weir" || name.starts_with("weir-")
}
