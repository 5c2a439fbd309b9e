//! The demo keeps its promise: weir answers while the service behind it does not.

use std::process::Command;

#[test]
fn weir_answers_where_a_direct_client_loses() {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["demo", "--fast", "--headless", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verdict: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let share = |arm: &str| verdict[arm]["good_share"].as_f64().unwrap();
    assert!(share("direct") < 0.90, "{verdict:#}");
    assert!(share("weir") >= 0.999, "{verdict:#}");
    for field in ["requests", "good", "mean_ms", "p99_ms", "ttft_p95_ms", "tries", "full", "degraded", "shed"]
    {
        assert!(verdict["weir"][field].is_number(), "{field} is missing: {verdict:#}");
    }
    let known = |arm: &str, from: &str| verdict[arm]["known"][from].as_u64().unwrap();
    assert!(known("weir", "memory") > 0 && known("weir", "disk") == 0, "{verdict:#}");
    assert!(known("rush", "memory") + known("rush", "shared") > 0, "{verdict:#}");
    assert!(verdict["weir"]["tries"].as_u64() < verdict["weir"]["requests"].as_u64(), "{verdict:#}");
    let count = |arm: &str, what: &str| verdict[arm][what].as_u64().unwrap();
    assert!(count("direct", "cut") > 0 && count("direct", "rescued") == 0, "{verdict:#}");
    assert!(count("weir", "cut") > 0 && count("weir", "rescued") > 0, "{verdict:#}");
    for arm in ["weir", "rush"] {
        let arm = &verdict[arm];
        assert!(arm["levels"].is_array() && arm["waiting_max"].is_u64(), "{verdict:#}");
        for priority in ["1", "5", "8"] {
            assert!(arm["by_priority"][priority]["p99_ms"].is_number(), "{verdict:#}");
        }
    }
    let rush = &verdict["rush"];
    assert!(!rush["levels"].as_array().unwrap().is_empty() && rush["waiting_max"] != 0, "{verdict:#}");
    let p99 = |priority: &str| rush["by_priority"][priority]["p99_ms"].as_f64().unwrap();
    assert!(p99("1") < p99("8"), "the urgent do not go first: {verdict:#}");
    assert_eq!(verdict["direct"]["requests"], verdict["weir"]["requests"]);
    assert!(verdict["seed"].is_number());
}
