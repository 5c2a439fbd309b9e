//! Configs made from the environment.

use crate::config::{Config, Loaded, Problems, Source, shortest};

fn from(variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::from_environment(&find)
}

/// Checks who answers which models: `model: endpoint endpoint`.
#[track_caller]
fn check(variables: &[(&str, &str)], expected: &[&str]) {
    let loaded = from(variables).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.source, Source::Environment);
    assert_eq!(loaded.endpoint_keys.len(), loaded.config.endpoint.len());
    let pools = loaded.config.pool.iter().map(|pool| format!("{}: {}", pool.model, pool.endpoints.join(" ")));
    assert_eq!(pools.collect::<Vec<_>>(), expected);
}

#[test]
fn deepseek_alone_answers_its_models_and_every_other_name() {
    check(
        &[("DEEPSEEK_API_KEY", "k")],
        &["deepseek-flash: deepseek", "deepseek-v4-pro: deepseek", "*: deepseek"],
    );
}

#[test]
fn other_names_go_to_one_service_of_each_dialect() {
    check(&[("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")], &["*: openai anthropic"]);
    check(
        &[("DEEPSEEK_API_KEY", "k"), ("OPENROUTER_API_KEY", "k"), ("OPENAI_API_KEY", "k")],
        &["deepseek-flash: deepseek", "deepseek-v4-pro: deepseek", "*: openrouter"],
    );
    check(&[("DASHSCOPE_API_KEY", "k")], &["*: dashscope"]);
    check(&[("MOONSHOT_API_KEY", "k")], &["*: moonshot"]);
}

#[test]
fn ollama_is_called_where_it_listens() {
    let cases = [
        ("127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        (":8000", "http://127.0.0.1:8000/v1"),
        ("https://box.example:443/", "https://box.example:443/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
    ];
    for (host, url) in cases {
        let loaded = from(&[("OLLAMA_HOST", host)]).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.config.endpoint[0].base_url, url);
    }
}

#[test]
fn listeners_can_be_moved() {
    let variables = [("DEEPSEEK_API_KEY", "k"), ("WEIR_LISTEN", "127.0.0.1:1"), ("WEIR_ADMIN", "0.0.0.0:2")];
    let server = from(&variables).unwrap_or_else(|problems| panic!("{problems}")).config.server;
    assert_eq!((server.listen.as_str(), server.admin.as_str()), ("127.0.0.1:1", "0.0.0.0:2"));
}

#[test]
fn a_bad_variable_is_named() {
    let text = from(&[("DEEPSEEK_API_KEY", "k"), ("WEIR_LISTEN", "everywhere")]).err().unwrap().to_string();
    assert!(text.contains("W401") && text.contains("# WEIR_LISTEN"), "{text}");
    let text = from(&[("DEEPSEEK_API_KEY", "two words")]).err().unwrap().to_string();
    assert!(
        text.contains("W105") && text.contains("DEEPSEEK_API_KEY") && !text.contains("two words"),
        "{text}"
    );
}

#[test]
fn without_anything_the_three_ways_on_are_told() {
    let text = from(&[("DEEPSEEK_API_KEY", " ")]).err().unwrap().to_string();
    for way in ["export DEEPSEEK_API_KEY", "weir.toml", "weir demo"] {
        assert!(text.contains(way), "{text}");
    }
}

#[test]
fn what_is_shown_can_be_saved_and_means_the_same() {
    let variables = [("DEEPSEEK_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k"), ("OLLAMA_HOST", "[::1]")];
    let made = from(&variables).unwrap_or_else(|problems| panic!("{problems}"));
    let text = shortest(&made.config);
    let read = Config::parse("weir.toml", &text, &|_| Some("k".into()))
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(shortest(&read.config), text);
}

#[test]
fn the_placeholder_of_an_open_gateway_is_no_key_of_a_service() {
    let expected = &["deepseek-flash: deepseek", "deepseek-v4-pro: deepseek", "*: deepseek"];
    check(&[("DEEPSEEK_API_KEY", "k"), ("OPENAI_API_KEY", "weir-local")], expected);
}
