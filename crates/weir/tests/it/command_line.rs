//! The command line: exit codes, and what a newcomer reads.

use std::process::{Command, Output};

use crate::house::{Service, Weir};

fn weir(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(args).env_clear().envs(env.iter().copied()).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.output().unwrap()
}

#[test]
fn nothing_to_go_on_is_an_invalid_config_with_a_remedy() {
    let output = weir(&[], &[]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("DEEPSEEK_API_KEY"), "{said}");
}

#[test]
fn status_without_a_gateway_has_its_own_exit_code() {
    let output = weir(&["status", "--admin", "127.0.0.1:9"], &[]);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn status_shows_a_running_gateway() {
    let service = Service::with("");
    let gateway = Weir::before(&[&service], "");
    let output = weir(&["status", "--admin", &gateway.admin], &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("deepseek-flash") && said.contains("closed"), "{said}");
    let pool = said.lines().last().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(pool, ["deepseek-flash", "0", "0", "0/20", "0", "ms", "100", "%"], "{said}");
}

#[test]
fn a_simulation_can_be_repeated_to_the_byte() {
    let simulate =
        || weir(&["simulate", "--world", "B6", "--requests", "200", "--seeds", "2", "--json"], &[]).stdout;
    let once = simulate();
    assert_eq!(once, simulate());
    let report: serde_json::Value = serde_json::from_slice(&once).unwrap();
    let row = &report["worlds"][2];
    assert_eq!((row["world"].as_str(), row["arm"].as_str()), (Some("B6"), Some("weir")), "{report}");
    assert_eq!((row["requests"].as_u64(), row["false_share"].as_f64()), (Some(400), Some(0.0)), "{report}");
}

#[test]
fn a_wrong_word_is_a_usage_error() {
    assert_eq!(weir(&["serv"], &[]).status.code(), Some(2));
    assert_eq!(weir(&["simulate", "--world", "B99"], &[]).status.code(), Some(2));
}
