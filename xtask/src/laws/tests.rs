//! Each law on trees of a few lines: what keeps it, what breaks it, and that all breaches come at once.

use super::shape::PlugIns;
use super::{Breach, File, Tree, crates, shape, words};

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
    Tree { files: files.iter().map(file).collect() }
}

fn check(law: fn(&Tree) -> Vec<Breach>, files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = law(&tree(files)).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "for {files:?}");
}

/// The dependency law on one manifest: what it says about that manifest, leaving out the crates that are missing.
fn check_manifest(path: &str, text: &str, expected: &[&str]) {
    let breaches = crates::dependencies(&tree(&[(path, text)]));
    let found: Vec<String> =
        breaches.iter().filter(|breach| breach.file == path).map(ToString::to_string).collect();
    assert_eq!(found, expected, "for {text}");
}

#[test]
fn a_stage_may_use_the_vocabulary_and_no_other_stage() {
    let path = "crates/weir-queue/Cargo.toml";
    check_manifest(path, "[dependencies]\nweir-core.workspace = true\ntokio.workspace = true\n", &[]);
    check_manifest(
        path,
        "[dependencies]\nweir-route.workspace = true\nweir-cache = { path = \"../weir-cache\" }\n",
        &[
            "crates/weir-queue/Cargo.toml:2: weir-queue may not use weir-route",
            "crates/weir-queue/Cargo.toml:3: weir-queue may not use weir-cache",
        ],
    );
}

#[test]
fn a_dependency_is_found_however_it_is_written() {
    let path = "crates/weir-core/Cargo.toml";
    let breach = "crates/weir-core/Cargo.toml:2: weir-core may not use weir-wire";
    check_manifest(path, "[dependencies]\nwire = { package = \"weir-wire\", path = \"x\" }\n", &[breach]);
    check_manifest(path, "[build-dependencies]\n\"weir-wire\" = { path = \"x\" }\n", &[breach]);
    check_manifest(path, "[target.'cfg(unix)'.dependencies]\nweir-wire = { path = \"x\" }\n", &[breach]);
    check_manifest(path, "\n[dependencies.weir-wire]\npath = \"x\"\n", &[breach]);
}

#[test]
fn development_dependencies_are_free_and_the_test_kit_is_only_that() {
    let path = "crates/weir/Cargo.toml";
    check_manifest(
        path,
        "[dev-dependencies]\nweir-testkit.workspace = true\nweir-mock.workspace = true\n",
        &[],
    );
    check_manifest(path, "[dev-dependencies.weir-testkit]\nworkspace = true\n", &[]);
    check_manifest(path, "[dependencies]\nweir-queue.workspace = true\n", &[]);
    check_manifest(
        path,
        "[dependencies]\nweir-testkit.workspace = true\n",
        &["crates/weir/Cargo.toml:2: weir may not use weir-testkit"],
    );
}

#[test]
fn a_crate_and_its_row_come_and_go_together() {
    check_manifest(
        "crates/weir-new/Cargo.toml",
        "[package]\n",
        &["crates/weir-new/Cargo.toml:1: weir-new is not in the dependency table"],
    );
    let missing = crates::dependencies(&tree(&[]));
    assert!(
        missing.iter().any(|breach| breach.what.contains("weir-core, which is not there")),
        "{missing:?}"
    );
}

#[test]
fn a_crate_is_called_what_its_folder_is_called() {
    check(crates::names, &[("crates/weir-core/Cargo.toml", "[package]\nname = \"weir-core\"\n")], &[]);
    check(
        crates::names,
        &[("crates/weir-core/Cargo.toml", "[package]\nname = \"core\"\n")],
        &["crates/weir-core/Cargo.toml:2: name = \"core\", but the folder asks for name = \"weir-core\""],
    );
}

#[test]
fn a_rust_file_opens_with_what_it_is() {
    check(shape::opening_lines, &[("a.rs", "//! A.\n"), ("b.py", "x = 1\n")], &[]);
    check(
        shape::opening_lines,
        &[("a.rs", "use std::fmt;\n"), ("b.rs", "")],
        &["a.rs:1: does not open with `//!`", "b.rs:1: does not open with `//!`"],
    );
}

#[test]
fn a_module_stands_beside_its_folder() {
    check(shape::mod_files, &[("src/a.rs", ""), ("src/a_mod.rs", "")], &[]);
    let path = concat!("src/a/mod", ".rs");
    check(
        shape::mod_files,
        &[(path, "")],
        &["src/a/mod.rs:1: is a mod.rs: name it after its folder, beside it"],
    );
}

#[test]
fn six_hundred_lines_are_the_most() {
    let most = "x\n".repeat(600);
    let more = "x\n".repeat(601);
    check(shape::length, &[("a.rs", &most), ("data.csv", &more)], &[]);
    check(shape::length, &[("a.rs", &more)], &["a.rs:601: has 601 lines; 600 is the most"]);
}

fn check_list(list: &str, files: &[&str], expected: &[&str]) {
    let mut all = vec![("src/kind.rs", list)];
    all.extend(files.iter().map(|path| (*path, "//! One.\n")));
    let row = PlugIns { folder: "src/kind", file: "src/kind.rs", list: "ALL", shared: &["tools"] };
    all.push(("src/kind/tools.rs", "//! Shared.\n"));
    let found: Vec<String> = shape::unlisted(&tree(&all), &row).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "for {list}");
}

#[test]
fn every_plug_in_is_listed() {
    let list = "mod one;\nmod two;\npub static ALL: &[&dyn Kind] = &[\n    &one::One,\n    &two::Two,\n];\n";
    check_list(
        list,
        &["src/kind/one.rs", "src/kind/two.rs", "src/kind/tests.rs", "src/kind/one/tests.rs"],
        &[],
    );
    check_list(
        list,
        &["src/kind/one.rs", "src/kind/three.rs"],
        &["src/kind/three.rs:1: `three` is not in ALL of src/kind.rs"],
    );
    check_list(
        "mod one;\n",
        &["src/kind/one.rs"],
        &["src/kind.rs:1: has no `ALL` for the plug-ins in src/kind"],
    );
}

#[test]
fn a_row_about_nothing_is_a_breach() {
    let row = PlugIns { folder: "src/kind", file: "src/kind.rs", list: "ALL", shared: &["tools"] };
    let found = shape::unlisted(&tree(&[("src/kind.rs", "pub const ALL: &[Kind] = &[];\n")]), &row);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "src/kind.rs:1: the law names tools in src/kind, which is not there",
            "src/kind.rs:1: is a list of plug-ins, but there are none in src/kind",
        ]
    );
}

#[test]
fn a_name_within_a_name_is_not_listed() {
    let list = "pub const ALL: &[Kind] = &[one_more::KIND];\n";
    check_list(list, &["src/kind/one.rs"], &["src/kind/one.rs:1: `one` is not in ALL of src/kind.rs"]);
}

#[test]
fn no_registry_and_no_machine_is_named() {
    let host = concat!("a\nhttps://pypi", ".org/simple\n");
    check(words::hosts_and_paths, &[("a.md", host)], &[concat!("a.md:2: names pypi", ".org")]);
    let path = concat!("see `/ro", "ot/x`\n/ho", "me/me\nsrc/wo", "rk/x ~/ho", "me/ https://x.y/wo", "rk/\n");
    check(
        words::hosts_and_paths,
        &[("a.md", path)],
        &[concat!("a.md:1: names /ro", "ot/"), concat!("a.md:2: names /ho", "me/")],
    );
}

#[test]
fn locked_packages_come_from_the_one_place_and_do_not_say_where() {
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    check(words::hosts_and_paths, &[("Cargo.lock", public)], &[]);
    let other = "source = \"git+https://example.com/x\"\n";
    check(words::hosts_and_paths, &[("Cargo.lock", other)], &["Cargo.lock:1: locks a crate from elsewhere"]);
    let npm = "{\n  \"resolved\": \"https://example.com/x.tgz\"\n}\n";
    let breach = "a/package-lock.json:2: says where a package was fetched from";
    check(words::hosts_and_paths, &[("a/package-lock.json", npm)], &[breach]);
}

#[test]
fn nothing_is_left_for_later() {
    let text = concat!("//! A.\nto", "do!()\n#[ign", "ore = \"slow\"]\n");
    let expected = [concat!("a.rs:2: has `to", "do!(`"), concat!("a.rs:3: has `#[ign", "ore`")];
    check(words::unfinished, &[("a.rs", text), ("notes.md", text)], &expected);
}

#[test]
fn tests_sleep_only_where_the_clock_is_paused() {
    let blocking = concat!("std::thread::sl", "eep(x);\n");
    let virtual_time = concat!("#[tokio::test(start_paused = true)]\ntokio::time::sl", "eep(x).await;\n");
    let real_time = concat!("tokio::time::sl", "eep(x).await;\n");
    check(words::sleeping_tests, &[("src/lib.rs", blocking), ("src/a/tests.rs", virtual_time)], &[]);
    check(
        words::sleeping_tests,
        &[("src/tests.rs", blocking), ("tests/it/main.rs", real_time), ("src/a/tests.rs", real_time)],
        &[
            "src/tests.rs:1: sleeps on the real clock",
            "tests/it/main.rs:1: sleeps on the real clock",
            "src/a/tests.rs:1: sleeps on the real clock",
        ],
    );
}

#[test]
fn a_fake_service_beside_paused_tests_may_sleep() {
    let sleep = concat!("tokio::time::sl", "eep(x).await;\n");
    let paused = "#[tokio::test(start_paused = true)]\n";
    check(words::sleeping_tests, &[("a/src/tests/world.rs", sleep), ("a/src/tests/cases.rs", paused)], &[]);
    check(words::sleeping_tests, &[("a/src/tests/world.rs", sleep), ("a/src/tests.rs", paused)], &[]);
    check(
        words::sleeping_tests,
        &[("a/src/tests/world.rs", sleep), ("b/src/tests.rs", paused)],
        &["a/src/tests/world.rs:1: sleeps on the real clock"],
    );
}

#[test]
fn a_leave_to_sleep_that_is_not_used_is_a_breach() {
    let sleep = concat!("std::thread::sl", "eep(x);\n");
    let allowed = |text: &str| {
        let breaches = words::sleeping_outside(&tree(&[("a/tests.rs", text)]), &["a/tests.rs"]);
        breaches.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(allowed(sleep), [""; 0]);
    assert_eq!(allowed(""), ["a/tests.rs:1: may sleep and does not: leave it out of the law"]);
}
