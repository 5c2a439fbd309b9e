//! Every input the fuzzer has kept, once more; and that targets, their files and their corpora go together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::ALL;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Gives every input of one target's corpus to it. The one that fails is named by what the test prints last.
#[expect(clippy::print_stdout, reason = "a test that fails shows it, and only then")]
fn replay(name: &str) {
    let (_, target) = ALL.iter().find(|(known, _)| *known == name).expect("the target is listed");
    let inputs = files(&folder("corpus").join(name));
    assert!(inputs.len() >= 10, "{name} has only {} inputs", inputs.len());
    for path in inputs {
        println!("{}", path.display());
        target(&std::fs::read(&path).unwrap());
    }
}

#[test]
fn the_classifier_holds_for_its_corpus() {
    replay("classifier");
}

#[test]
fn the_envelope_holds_for_its_corpus() {
    replay("envelope");
}

#[test]
fn the_readers_hold_for_their_corpus() {
    replay("reader");
}

#[test]
fn the_relay_holds_for_its_corpus() {
    replay("relay");
}

#[test]
fn the_replay_holds_for_its_corpus() {
    replay("replay");
}

#[test]
fn scopes_hold_for_their_corpus() {
    replay("scopes");
}

#[test]
fn the_splice_holds_for_its_corpus() {
    replay("splice");
}

#[test]
fn the_splitter_holds_for_its_corpus() {
    replay("splitter");
}

#[test]
fn each_target_has_its_file_and_its_corpus() {
    let stems = |name: &str| -> BTreeSet<String> {
        files(&folder(name))
            .iter()
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    let listed: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems("fuzz_targets"), listed);
    assert_eq!(stems("corpus"), listed);
}

#[test]
fn the_corpus_stays_small() {
    let mut total = 0;
    for (name, _) in ALL {
        let inputs = files(&folder("corpus").join(name));
        assert!(inputs.len() <= 300, "{name} has {} inputs: minimise it", inputs.len());
        for input in inputs {
            let bytes = std::fs::metadata(&input).unwrap().len();
            assert!(bytes <= 4096, "{} has {bytes} bytes", input.display());
            total += bytes;
        }
    }
    assert!(total <= 500_000, "the corpus has {total} bytes");
}
