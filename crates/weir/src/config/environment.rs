//! A config from environment variables, for a first run without a file.
//!
//! It is written as the file that would do the same and read like one: the same rules hold, a mistake is shown on its
//! line, and `weir config show` prints what to save as weir.toml.

use std::fmt::Write;

use super::Env;
use super::code::Code;
use super::diagnostic::Problems;

/// What the made file is called.
pub const NAME: &str = "environment";

/// A service known by the variable that its own tools read the key from.
struct Provider {
    variable: &'static str,
    name: &'static str,
    base_url: &'static str,
    /// Models with pools of their own. Services that change theirs every week have none here.
    models: &'static [&'static str],
    /// Dialects, where calls for any model must not go to it in another; empty for what the URL implies.
    dialects: &'static [&'static str],
}

const OPENAI_ONLY: &[&str] = &["openai"];

/// In the order in which one of them is chosen for models that no pool names: the widest choice first.
const PROVIDERS: &[Provider] = &[
    Provider {
        variable: "DEEPSEEK_API_KEY",
        name: "deepseek",
        base_url: "https://api.deepseek.com",
        models: &["deepseek-flash", "deepseek-v4-pro"],
        dialects: &[],
    },
    Provider {
        variable: "OPENROUTER_API_KEY",
        name: "openrouter",
        base_url: "https://openrouter.ai/api/v1",
        models: &[],
        dialects: OPENAI_ONLY,
    },
    Provider {
        variable: "OPENAI_API_KEY",
        name: "openai",
        base_url: "https://api.openai.com/v1",
        models: &[],
        dialects: OPENAI_ONLY,
    },
    Provider {
        variable: "MOONSHOT_API_KEY",
        name: "moonshot",
        base_url: "https://api.moonshot.cn/v1",
        models: &[],
        dialects: OPENAI_ONLY,
    },
    Provider {
        variable: "DASHSCOPE_API_KEY",
        name: "dashscope",
        base_url: "https://dashscope.aliyuncs.com/compatible-mode/v1",
        models: &[],
        dialects: OPENAI_ONLY,
    },
    Provider {
        variable: "ANTHROPIC_API_KEY",
        name: "anthropic",
        base_url: "https://api.anthropic.com",
        models: &[],
        dialects: &["anthropic"],
    },
];

/// What callers of an open gateway send as their key: SDKs want one.
pub const PLACEHOLDER: &str = "weir-local";

const OLLAMA: &str = "ollama";
const OLLAMA_PORT: u16 = 11434;

/// The file that does what the environment says.
///
/// # Errors
/// No service is named.
pub fn as_file(env: Env<'_>) -> Result<String, Problems> {
    let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let mut file = String::from("# Made from the environment. Save it as weir.toml to change it.\n");
    let listeners = [("listen", "WEIR_LISTEN"), ("admin", "WEIR_ADMIN")];
    let listeners = listeners.map(|(field, variable)| (field, variable, set(variable)));
    if listeners.iter().any(|(_, _, value)| value.is_some()) {
        file.push_str("\n[server]\n");
    }
    for (field, variable, value) in &listeners {
        if let Some(value) = value {
            line(&mut file, field, &format!("{}  # {variable}", quoted(value)));
        }
    }
    // The banner tells callers of an open gateway to export a placeholder as their key: it is no key of a service.
    let key = |variable: &str| set(variable).filter(|value| value.trim() != PLACEHOLDER);
    let providers: Vec<_> = PROVIDERS.iter().filter(|provider| key(provider.variable).is_some()).collect();
    for provider in &providers {
        endpoint(&mut file, provider);
    }
    let ollama = set("OLLAMA_HOST");
    if let Some(host) = &ollama {
        file.push_str("\n[[endpoint]]\n");
        line(&mut file, "name", &quoted(OLLAMA));
        line(&mut file, "base_url", &format!("{}  # OLLAMA_HOST", quoted(&ollama_url(host))));
        line(&mut file, "dialects", &list(OPENAI_ONLY));
    }
    if providers.is_empty() && ollama.is_none() {
        let message =
            "no service to send requests to: there is no weir.toml here, and no key in the environment"
                .to_owned();
        let help = "set the key of a service: export DEEPSEEK_API_KEY=…\n\
                    or write a weir.toml: examples/minimal.toml is the smallest\n\
                    or see weir work without either: weir demo";
        return Err(Problems::without_source(Code::NoEndpoint, message, help));
    }
    pools(&mut file, &providers, ollama.is_some());
    Ok(file)
}

fn endpoint(file: &mut String, provider: &Provider) {
    file.push_str("\n[[endpoint]]\n");
    line(file, "name", &quoted(provider.name));
    line(file, "base_url", &quoted(provider.base_url));
    line(file, "api_key", &quoted(&format!("env:{}", provider.variable)));
    if !provider.models.is_empty() {
        line(file, "models", &list(provider.models));
    }
    if !provider.dialects.is_empty() {
        line(file, "dialects", &list(provider.dialects));
    }
}

/// A pool for each model known by name, and one for every other name. The latter has one service of each dialect: to
/// balance over two services is to guess which of them has the model.
fn pools(file: &mut String, providers: &[&Provider], ollama: bool) {
    for provider in providers {
        for model in provider.models {
            pool(file, model, &[provider.name]);
        }
    }
    let unlisted = || providers.iter().filter(|provider| provider.models.is_empty());
    let openai = unlisted().find(|provider| provider.dialects == OPENAI_ONLY).map(|provider| provider.name);
    let anthropic =
        unlisted().find(|provider| provider.dialects != OPENAI_ONLY).map(|provider| provider.name);
    let openai = openai.or(ollama.then_some(OLLAMA));
    let mut any: Vec<_> = openai.into_iter().chain(anthropic).collect();
    if any.is_empty() {
        any.extend(providers.first().map(|provider| provider.name));
    }
    pool(file, "*", &any);
}

fn pool(file: &mut String, model: &str, endpoints: &[&str]) {
    file.push_str("\n[[pool]]\n");
    line(file, "model", &quoted(model));
    line(file, "endpoints", &list(endpoints));
}

/// Ollama reads the variable as an address to listen on: the scheme and the port may be left out, and 0.0.0.0 is here.
fn ollama_url(host: &str) -> String {
    let host = host.trim().trim_end_matches('/');
    let (scheme, authority) = host.split_once("://").unwrap_or(("http", host));
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.to_owned()),
        _ => (authority, OLLAMA_PORT.to_string()),
    };
    let name = if matches!(name, "" | "0.0.0.0" | "[::]") { "127.0.0.1" } else { name };
    format!("{scheme}://{name}:{port}/v1")
}

fn line(file: &mut String, key: &str, value: &str) {
    writeln!(file, "{key} = {value}").expect("writing to a string cannot fail");
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(items: &[&str]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}
