//! A `weir serve` of our own: its configuration written out, its ports free, its readiness awaited.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use super::http;
use crate::program::Server;
use crate::repository::Repository;

/// The token the suites authenticate with, and what the configuration holds in its place.
pub const KEY: Key = Key {
    token: "weir-client-tests",
    blake3: "05e09c8c1ec329d0949850fb884e42ac2da3522cb09f93854c7dadc0f3368d71",
};

/// A token that may make one request a minute.
pub const TIGHT_KEY: Key = Key {
    token: "weir-client-tests-tight",
    blake3: "6e506a9667a69fb5bc9f519188bdb508f27a4e40d9a10ab58b35777faa55205b",
};

/// A client's token and the BLAKE3 hash of it, in hex.
pub struct Key {
    pub token: &'static str,
    pub blake3: &'static str,
}

/// A running gateway.
pub struct Gateway {
    server: Server,
    port: u16,
}

impl Gateway {
    /// Starts `weir serve` with `routes`, everything of its configuration but the listeners.
    pub fn start(repository: &Repository, name: &str, routes: &Routes) -> anyhow::Result<Self> {
        let (port, admin) = (http::free_port()?, http::free_port()?);
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:{admin}\"\n{}",
            routes.toml
        );
        let path = repository.clients_dir().join(format!("{name}.toml"));
        std::fs::write(&path, config).with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = Command::new(repository.binary("release", "weir"));
        command.args(["serve", "--config"]).arg(&path).env(SERVICE_KEY_VARIABLE, SERVICE_KEY);
        let server =
            Server::start(name, &mut command, log(repository, name)?, || http::is_ok(admin, "/readyz"))?;
        Ok(Self { server, port })
    }

    /// Where clients reach it, without a path.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Fails, with its last words, when it has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.server.check()
    }
}

/// The key the gateway itself holds for the echoing service: callers never see it, the service does.
const SERVICE_KEY: &str = "the-service-key";
const SERVICE_KEY_VARIABLE: &str = "WEIR_CLIENT_TESTS_SERVICE_KEY";

/// Endpoints, pools and keys, as configuration text.
#[derive(Default)]
pub struct Routes {
    toml: String,
}

impl Routes {
    /// The model `model`, answered by those listening on `ports`.
    pub fn model(mut self, model: &str, ports: &[u16]) -> Self {
        let names: Vec<String> = (1..=ports.len()).map(|number| format!("{model}-{number}")).collect();
        for (name, port) in names.iter().zip(ports) {
            self.line("[[endpoint]]");
            self.line(format!("name = {name:?}\nbase_url = \"http://127.0.0.1:{port}\""));
            self.line(format!("api_key = \"env:{SERVICE_KEY_VARIABLE}\"\nmodels = [{model:?}]"));
        }
        self.line(format!("[[pool]]\nmodel = {model:?}\nendpoints = {names:?}"));
        self
    }

    /// The model `model`, answered by the one listening on `port`, who calls it `sent`. Every answer is kept.
    pub fn kept(mut self, model: &str, sent: &str, port: u16) -> Self {
        self.line(format!("[[endpoint]]\nname = {model:?}\nbase_url = \"http://127.0.0.1:{port}\""));
        self.line(format!("model_map = {{ {model:?} = {sent:?} }}"));
        self.line(format!(
            "[[pool]]\nmodel = {model:?}\nendpoints = [{model:?}]\ncache = {{ mode = \"all\" }}"
        ));
        self
    }

    /// Any model, under its own name, answered by the one listening on `port`. Nobody needs a key.
    pub fn any_model(mut self, port: u16) -> Self {
        self.line(format!("[[endpoint]]\nname = \"any\"\nbase_url = \"http://127.0.0.1:{port}/v1\""));
        self.line("[[pool]]\nmodel = \"*\"\nendpoints = [\"any\"]");
        self
    }

    /// Lets `key` in, `rpm` times a minute.
    pub fn key(mut self, name: &str, key: &Key, rpm: u32) -> Self {
        self.line(format!("[[key]]\nname = {name:?}\nhash = \"blake3:{}\"\nrpm = {rpm}", key.blake3));
        self
    }

    fn line(&mut self, line: impl AsRef<str>) {
        writeln!(self.toml, "{}", line.as_ref()).expect("a string takes what is written to it");
    }
}

/// The file that keeps what the program `name` says.
pub fn log(repository: &Repository, name: &str) -> anyhow::Result<PathBuf> {
    let folder = repository.clients_dir().join("logs");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.join(format!("{name}.log")))
}
