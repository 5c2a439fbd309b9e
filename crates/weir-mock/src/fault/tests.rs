//! Plans: what is accepted, and how mistakes are told.

use super::*;

#[track_caller]
fn check_error(plan: &str, field: &str, says: &[&str]) {
    let error = FaultPlan::parse(plan).expect_err("makes no sense");
    assert_eq!(error.field, field, "{error}");
    for part in says {
        assert!(error.problem.contains(part), "{part:?} is not in {error}");
    }
}

#[test]
fn mistakes_name_the_field_its_value_and_the_remedy() {
    check_error("{", "plan", &["is not JSON", "\"rules\""]);
    check_error("[]", "plan", &["[]", "send an object"]);
    check_error(r#"{"rule":[]}"#, "rule", &["no field", "use rules"]);
    check_error(r#"{"rules":{}}"#, "rules", &["{}", "list"]);
    check_error(r#"{"rules":[3]}"#, "rules[0]", &["is 3", "send an object"]);
    check_error(r#"{"rules":[{}]}"#, "rules[0].fault", &["missing", "cut_fin_after"]);
    check_error(r#"{"rules":[{"fault":"cut"}]}"#, "rules[0].fault", &["\"cut\"", "cut_fin_after"]);
    let second = r#"{"rules":[{"fault":"auth"},{"fault":"auth","after_token":3}]}"#;
    check_error(second, "rules[1].after_token", &["no field", "after_tokens"]);
    check_error(
        r#"{"rules":[{"fault":"auth","after_tokens":"x"}]}"#,
        "rules[0].after_tokens",
        &["\"x\"", "whole number"],
    );
    check_error(
        r#"{"rules":[{"fault":"auth","after_tokens":-1}]}"#,
        "rules[0].after_tokens",
        &["-1", "whole number"],
    );
    check_error(
        r#"{"rules":[{"fault":"auth","probability":2}]}"#,
        "rules[0].probability",
        &["is 2", "from 0 to 1"],
    );
    check_error(r#"{"rules":[{"fault":"auth","script":[0,"a"]}]}"#, "rules[0].script", &["[0, 2]"]);
    check_error(r#"{"rules":[{"fault":"auth","times":1,"script":[0]}]}"#, "rules[0]", &["keep one"]);
    check_error(r#"{"rules":[{"fault":"status","status":99}]}"#, "rules[0].status", &["is 99", "503"]);
    check_error(
        r#"{"rules":[{"fault":"status","retry_after":2}]}"#,
        "rules[0].retry_after",
        &["is 2", "quotes"],
    );
    check_error(
        r#"{"rules":[{"fault":"auth","stream":"yes"}]}"#,
        "rules[0].stream",
        &["\"yes\"", "true or false"],
    );
    check_error(r#"{"profile":"stormy"}"#, "profile", &["stormy", "peak"]);
}

#[test]
fn a_plan_is_written_as_it_was_read() {
    let text = r#"{"rules":[
        {"fault":"status","status":503,"probability":0.25,"path":"/chat","stream":true,"retry_after":"2"},
        {"fault":"cut_rst_after","script":[0,2],"after_tokens":40,"model":"m","prefill":false},
        {"fault":"stall_after_tokens","times":3,"delay_ms":10,"keep_alive_ms":5},
        {"fault":"html_200","body":"x","after_bytes":9,"retry_after_ms":7}
    ],"profile":"peak","profile_faults":false,"text":"a b","thoughts":"c","continue_trailing_assistant":true}"#;
    let plan = FaultPlan::parse(text).expect("a plan");
    let written = serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(plan.to_json(), written);
}

#[test]
fn paths_are_compared_without_prefixes() {
    let plan =
        FaultPlan::parse(r#"{"rules":[{"fault":"auth","path":"/v1/chat/completions"}]}"#).expect("a plan");
    assert_eq!(plan.rules[0].path.as_deref(), Some("/chat/completions"));
    assert_eq!(plan.rules[0].fault(), "auth");
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = fault_catalogue().map(|(name, _)| name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
