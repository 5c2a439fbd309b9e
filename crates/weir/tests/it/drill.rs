//! The drill: what a weir with default settings tells its callers, in the form that is promised.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn drill(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(["drill", "faults"]).args(args).output().unwrap()
}

#[test]
fn short_drills_pass_and_say_so_in_json_and_junit() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("drill-{}.xml", std::process::id()));
    // A cut that nobody notices, a filter that is gone round, a page taken for an answer: none of them,
    // whatever the settings.
    let only = "S02,S04,S05,S10,S11,S12,S13,S16,X02,X07,X11,X12";
    let output = drill(&["--only", only, "--json", "--junit", file.to_str().unwrap()]);
    let drilled: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let scenarios = drilled["scenarios"].as_array().unwrap();
    assert!(output.status.success(), "{drilled:#}");
    assert_eq!((&drilled["passed"], &drilled["total"]), (&scenarios.len().into(), &scenarios.len().into()));
    assert_eq!(
        (scenarios[0]["id"].as_str(), scenarios[8]["id"].as_str()),
        (Some("S02"), Some("X02-chat-stream"))
    );
    for scenario in scenarios {
        assert_eq!(scenario["verdict"], "pass", "{scenario:#}");
        for field in ["id", "title", "reason"] {
            assert!(scenario[field].is_string(), "{field} is missing: {scenario:#}");
        }
        for field in ["ms", "call_ms", "primary", "fallback"] {
            assert!(scenario[field].is_u64(), "{field} is missing: {scenario:#}");
        }
    }
    let xml = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(xml.matches("<testcase ").count(), scenarios.len(), "{xml}");
}

#[test]
fn the_table_in_the_docs_is_the_one_the_binary_prints() {
    let printed = String::from_utf8(drill(&["--list", "--markdown"]).stdout).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/drill.md");
    let page = std::fs::read_to_string(page).unwrap();
    let remedy =
        "replace the table at the end of docs/drill.md by what `weir drill faults --list --markdown` prints";
    assert!(page.ends_with(&printed), "{remedy}");
}

#[test]
fn a_drill_that_cannot_be_run_says_why() {
    #[track_caller]
    fn check(args: &[&str], code: i32, says: &str) {
        let output = drill(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.contains(says)), (Some(code), true), "{said}");
    }
    check(&["--only", "S99"], 2, "no drill is named \"S99\"");
    check(&["--url", "http://127.0.0.1:9"], 2, "--control");
    let nobody = "http://127.0.0.1:9,http://127.0.0.1:9";
    check(&["--url", "https://127.0.0.1:9", "--control", nobody, "--only", "S08"], 2, "plain HTTP");
    check(&["--url", "http://127.0.0.1:9", "--control", nobody, "--only", "S08"], 4, "does not obey");
    check(&["--url", "http://127.0.0.1:9", "--control", "http://127.0.0.1:9"], 2, "two base URLs");
}
