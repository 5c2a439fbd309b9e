//! What a config may be, and what is said about one that is not.

mod environment;
mod mask;
mod rules;
mod show;

use super::schema::schema;
use super::{Config, Loaded, Problems, Style};

/// The smallest file that is valid, and the environment it needs.
const MINIMAL: &str = r#"
[[endpoint]]
name = "deepseek"
base_url = "https://api.deepseek.com"
api_key = "env:DEEPSEEK_API_KEY"
models = ["deepseek-flash", "deepseek-v4-pro"]
[[pool]]
model = "deepseek-flash"
endpoints = ["deepseek"]
"#;

const KEY: &str = "sk-0123456789abcdef0123456789abcdef";

fn env(name: &str) -> Option<String> {
    match name {
        "DEEPSEEK_API_KEY" => Some(KEY.into()),
        "BROKEN" => Some("two words".into()),
        "BLANK" => Some(" \n".into()),
        "SHORT" => Some("fifteen-letters".into()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Loaded, Problems> {
    Config::parse("weir.toml", text, &env)
}

/// Checks that exactly these lines of a file are found wrong or doubtful, with these codes, and that nothing said about
/// them holds a secret or lacks a remedy.
#[track_caller]
fn check(text: &str, expected: &[(usize, &str)]) {
    let told = match parse(text) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.diagnostics().to_vec(),
    };
    let found: Vec<_> = told.iter().map(|diagnostic| (diagnostic.line, diagnostic.code.name())).collect();
    let shown: String = told.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
    assert_eq!(found, expected, "\n{shown}");
    for diagnostic in &told {
        assert!(!diagnostic.help.is_empty(), "without a remedy:\n{shown}");
        let drawn = diagnostic.render(Style::Colour);
        let json = serde_json::to_string(diagnostic).unwrap();
        for text in [&shown, &drawn, &json, &diagnostic.to_string()] {
            assert!(!text.contains("sk-"), "a secret is shown:\n{text}");
        }
    }
}

/// As [`check`], for a change of [`MINIMAL`]: every occurrence of `from` becomes `to`. The warning that there is only
/// one endpoint (line 3) is expected besides.
#[track_caller]
fn check_changed(from: &str, to: &str, expected: &[(usize, &str)]) {
    assert!(MINIMAL.contains(from), "`{from}` is not in the file");
    let mut expected = expected.to_vec();
    expected.push((3, "W902"));
    expected.sort_unstable();
    check(&MINIMAL.replace(from, to), &expected);
}

/// As [`check`], for [`MINIMAL`] with `more` below it: line 1 of `more` is line 1 here.
#[track_caller]
fn check_with(more: &str, expected: &[(usize, &str)]) {
    let shift = MINIMAL.lines().count();
    let mut expected: Vec<_> = expected.iter().map(|(line, code)| (line + shift, *code)).collect();
    expected.push((3, "W902"));
    expected.sort_unstable();
    check(&format!("{MINIMAL}{more}"), &expected);
}

#[test]
fn every_mistake_of_a_file_is_told_at_once_and_on_its_line() {
    check(
        r#"[server]
lisen = "127.0.0.1:8080"
keep_alive_s = "10"
[[endpoint]]
name = "deepseek"
base_url = "api.deepseek.com"
api_key = "sk-0123456789abcdef"
[[endpoint]]
name = "spare"
[[pool]]
model = "deepseek-flash"
endpoints = ["deepsek", "spare"]
deadline_s = 0
[cache]
mode = "everything"
"#,
        &[
            (2, "W003"),
            (3, "W004"),
            (6, "W102"),
            (7, "W104"),
            (8, "W005"),
            (12, "W202"),
            (13, "W006"),
            (15, "W004"),
        ],
    );
}

#[test]
fn a_mistake_is_shown_with_its_line_a_caret_and_a_remedy() {
    let problems = parse(&MINIMAL.replace(r#"["deepseek"]"#, r#"["depseek"]"#)).err().unwrap();
    assert_eq!(problems.count(), 1);
    let text = problems.to_string();
    let shown = "error[W202]: there is no endpoint `depseek`\n --> weir.toml:9:14\n9 | endpoints = [\"depseek\"]\n  |              ^^^^^^^^^\n  help: did you mean `deepseek`?\n";
    assert!(text.contains(shown), "{text}");
    assert!(text.ends_with("1 mistake in the config\n"), "{text}");
    let drawn = problems.render(Style::Colour);
    assert!(drawn.contains("\u{1b}[") && drawn.contains("weir.toml:9:14"), "{drawn}");
}

#[test]
fn several_mistakes_of_syntax_are_told_and_none_that_follow_from_them() {
    let text = "[server]\nlisten = \"127.0.0.1:8080\nadmin: \"x\"\n[[endpoint]\nname = deepseek\n";
    check(text, &[(2, "W002"), (3, "W002"), (4, "W002")]);
    check(
        "[[endpoint]]\nname = deepseek\nbase_url = \"x\"\nname = \"b\"\nbogus = 1\n",
        &[(2, "W002"), (4, "W002"), (5, "W003")],
    );
}

#[test]
fn the_smallest_file_is_valid() {
    check(MINIMAL, &[(3, "W902")]);
    let loaded = parse(MINIMAL).unwrap();
    let weir_route::KeySource::Own(key) = &loaded.endpoint_keys[0] else {
        panic!("the key was not resolved")
    };
    assert_eq!(key.expose(), KEY);
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_with_a_remedy() {
    let problems = Config::load("no/such/weir.toml".as_ref(), &env).err().unwrap();
    let text = problems.to_string();
    assert!(
        text.contains("W001") && text.contains("no/such/weir.toml") && text.contains("--config"),
        "{text}"
    );
}

#[test]
fn an_empty_file_lacks_services_and_models() {
    check("", &[(0, "W101"), (0, "W201")]);
}

#[test]
fn every_table_refuses_keys_it_does_not_have() {
    for (name, table) in schema()["$defs"].as_object().unwrap() {
        let closed = table.get("properties").is_none() || table["additionalProperties"] == false;
        assert!(closed, "{name} accepts any key");
    }
}
