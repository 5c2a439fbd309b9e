//! What is in examples/ and docs/ is what the binary reads and writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Variables that the examples name.
const KEYS: [&str; 3] = ["DEEPSEEK_API_KEY", "DEEPSEEK_API_KEY_2", "SECOND_API_KEY"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn weir(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(args).current_dir(root()).env_clear().envs(KEYS.map(|name| (name, "k")));
    command.output().expect("the binary was built for this test")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("weir writes UTF-8")
}

fn examples() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("examples")).expect("there is a folder of examples");
    let names = folder.map(|entry| {
        entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8")
    });
    names.filter(|name| name.ends_with(".toml")).map(|name| format!("examples/{name}")).collect()
}

#[test]
fn every_example_is_valid_and_says_for_whom_it_is() {
    let examples = examples();
    assert!(examples.len() >= 4, "{examples:?}");
    for example in examples {
        let output = weir(&["check", "--config", &example]);
        let told = text(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert!(text(&output.stdout).ends_with(": ok\n"), "{}", text(&output.stdout));
        let only_warning_is_the_single_endpoint = told
            .lines()
            .filter(|line| line.starts_with("warning"))
            .all(|line| line.starts_with("warning[W902]") && example.ends_with("minimal.toml"));
        assert!(only_warning_is_the_single_endpoint, "{told}");

        let content = std::fs::read_to_string(root().join(&example)).unwrap();
        assert!(
            content.starts_with("#:schema ../docs/config.schema.json\n# For "),
            "{example} does not say for whom"
        );
    }
}

#[test]
fn the_shown_form_of_every_example_is_valid_too() {
    let folder = std::env::temp_dir().join(format!("weir-shown-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (number, example) in examples().into_iter().enumerate() {
        for form in [&["--effective"][..], &[]] {
            let shown = weir(&[&["config", "show", "--config", &example], form].concat());
            let file = folder.join(format!("{number}.toml"));
            std::fs::write(&file, &shown.stdout).unwrap();
            let checked = weir(&["check", "--config", file.to_str().unwrap()]);
            assert!(checked.status.success(), "{example} {form:?}: {}", text(&checked.stderr));
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[track_caller]
fn check_generated(file: &str, args: &[&str]) {
    let written = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    let output = weir(args);
    let lag = format!(
        "{file} lags behind the code; write it anew: cargo run -p weir -- {} > {file}",
        args.join(" ")
    );
    assert!(written == text(&output.stdout), "{lag}");
}

#[test]
fn the_schema_in_docs_is_the_one_the_binary_has() {
    check_generated("docs/config.schema.json", &["config", "schema"]);
}

#[test]
fn the_reference_in_docs_is_the_one_the_binary_writes() {
    check_generated("docs/config.md", &["config", "reference"]);
}
