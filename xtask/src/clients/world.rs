//! The services behind the gateway, one for each situation a client can meet, and the gateway in front of them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use super::gateway::{Gateway, KEY, Routes, TIGHT_KEY, log};
use super::http;
use crate::program::Server;
use crate::repository::Repository;
use crate::setup::Venv;

/// What goes wrong at the troubled service, in the order its requests come. Answered whole: refused, then well, twice;
/// reset, then well. Streamed: the first breaks off after six tokens.
const TROUBLES: &str = r#"{"rules": [
    {"fault": "status", "status": 503, "stream": false, "script": [0, 2]},
    {"fault": "reset", "stream": false, "script": [2]},
    {"fault": "cut_rst_after", "after_tokens": 6, "stream": true, "script": [0]}
]}"#;

/// Everything a suite talks to. Dropped in this order: the gateway before its services.
pub struct World {
    gateway: Gateway,
    _services: Vec<Server>,
    /// The port of the service that runs into [`TROUBLES`].
    troubled: Option<u16>,
    /// Its queue takes connections that nobody ever accepts.
    _silent: Option<TcpListener>,
}

impl World {
    /// A service for each situation a client can meet, each under a model's name.
    pub fn of_every_situation(repository: &Repository) -> anyhow::Result<Self> {
        let (ready, ready_port) = mock(repository, "ready", "instant")?;
        let (troubled, troubled_port) = mock(repository, "troubled", "instant")?;
        let (echo, echo_port) = echo(repository)?;
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let routes = Routes::default()
            .model("deepseek-flash", &[ready_port])
            .model("text-embedding-3-small", &[ready_port])
            .model("deepseek-v4-pro", &[troubled_port])
            .model("echo", &[echo_port])
            .kept("kept", "deepseek-flash", ready_port)
            .model("silent", &[silent.local_addr()?.port()])
            .model("gone", &[http::free_port()?])
            .key("tests", &KEY, 60_000)
            .key("tight", &TIGHT_KEY, 1);
        let gateway = Gateway::start(repository, "weir", &routes)?;
        let services = vec![ready, troubled, echo];
        Ok(Self { gateway, _services: services, troubled: Some(troubled_port), _silent: Some(silent) })
    }

    /// One model, served by a service at its weekday peak and by a calm one.
    pub fn at_its_peak(repository: &Repository) -> anyhow::Result<Self> {
        let (peak, peak_port) = mock(repository, "peak", "peak")?;
        let (calm, calm_port) = mock(repository, "calm", "calm")?;
        let routes =
            Routes::default().model("deepseek-flash", &[peak_port, calm_port]).key("tests", &KEY, 60_000);
        let gateway = Gateway::start(repository, "weir-at-peak", &routes)?;
        Ok(Self { gateway, _services: vec![peak, calm], troubled: None, _silent: None })
    }

    /// The gateway of this world.
    pub fn gateway(&mut self) -> &mut Gateway {
        &mut self.gateway
    }

    /// Begins the troubles from the start, so that each suite meets the same ones.
    pub fn renew_troubles(&self) -> anyhow::Result<()> {
        if let Some(port) = self.troubled {
            ensure!(http::post(port, "/__mock/faults", TROUBLES), "the mock does not take the faults");
        }
        Ok(())
    }
}

fn mock(repository: &Repository, name: &str, profile: &str) -> anyhow::Result<(Server, u16)> {
    let port = http::free_port()?;
    let name = format!("mock-{name}");
    let mut command = Command::new(repository.binary("release", "weir"));
    command.args(["mock", "--listen", &format!("127.0.0.1:{port}"), "--profile", profile]);
    let ready = || http::is_ok(port, "/__mock/healthz");
    Ok((Server::start(&name, &mut command, log(repository, &name)?, ready)?, port))
}

fn echo(repository: &Repository) -> anyhow::Result<(Server, u16)> {
    let port = http::free_port()?;
    let script = repository.root().join("tests/clients/echo.py");
    let mut command = Venv::openai3(repository).python([script.as_path(), Path::new(&port.to_string())]);
    let ready = || http::is_ok(port, "/");
    Ok((Server::start("echo", &mut command, log(repository, "echo")?, ready)?, port))
}
