//! The drill: what a weir with default settings tells its callers, in the form that is promised.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn drill(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(["drill", "faults"]).args(args).output().unwrap()
}

/// All of them side by side, which takes as long as the longest (S15, 80 seconds) and a few seconds of one
/// core. No verdict hangs on a moment: where time is judged there are seconds to spare.
#[test]
fn every_drill_passes_by_default_settings() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("drill-{}.xml", std::process::id()));
    let output = drill(&["--json", "--junit", file.to_str().unwrap()]);
    let drilled: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let scenarios = drilled["scenarios"].as_array().unwrap();
    let ids: Vec<_> = scenarios.iter().map(|scenario| scenario["id"].as_str().unwrap()).collect();
    assert_eq!(ids, listed(), "all that are listed, in their order");
    let failed: Vec<_> = scenarios.iter().filter(|scenario| scenario["verdict"] != "pass").collect();
    assert!(failed.is_empty() && output.status.success(), "{failed:#?}");
    assert_eq!((&drilled["passed"], &drilled["total"]), (&ids.len().into(), &ids.len().into()));
    for scenario in scenarios {
        for field in ["id", "title", "reason"] {
            assert!(scenario[field].is_string(), "{field} is missing: {scenario:#}");
        }
        for field in ["ms", "call_ms", "primary", "fallback"] {
            assert!(scenario[field].is_u64(), "{field} is missing: {scenario:#}");
        }
    }
    let xml = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(xml.matches("<testcase ").count(), ids.len(), "{xml}");
}

/// The ids of the catalogue, with the way of asking where there are several.
fn listed() -> Vec<String> {
    let table = String::from_utf8(drill(&["--list", "--markdown"]).stdout).unwrap();
    let rows = table.lines().skip(2).map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let ids = rows.flat_map(|cells| {
        let (id, ways) = (cells[1].to_owned(), cells[2].split(", ").map(str::to_owned).collect::<Vec<_>>());
        let several = ways.len() > 1;
        ways.into_iter().map(move |way| if several { format!("{id}-{way}") } else { id.clone() })
    });
    ids.collect()
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
