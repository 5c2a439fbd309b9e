//! How each gateway is set up: its generated configuration and its command line.
//!
//! One worker each, connections to the upstream kept alive, streams passed on unbuffered. The proxies write no access
//! log; weir has what it is for switched on: a key, its limits, metrics and one record for each request.

use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use super::contender::Gateway;
use crate::chat::MODEL;

/// Bearer token that every request carries, through every contender.
pub const TOKEN: &str = "weir-bench-token";

/// The ports of one run, all on 127.0.0.1.
#[derive(Clone, Copy)]
pub struct Ports {
    /// Where the gateway listens.
    pub gateway: u16,
    /// Where weir's metrics and health are.
    pub admin: u16,
    /// Where the upstream listens.
    pub upstream: u16,
}

/// Writes the configuration of `gateway` into `folder`; returns the command that starts it on CPU 0.
pub fn prepare(gateway: Gateway, binary: &Path, ports: Ports, folder: &Path) -> anyhow::Result<Command> {
    let (file, text) = match gateway {
        Gateway::Weir | Gateway::Before => ("weir.toml", weir(ports)),
        Gateway::Nginx => ("nginx.conf", nginx(ports, folder)),
        Gateway::Haproxy => ("haproxy.cfg", haproxy(ports)),
    };
    let file = folder.join(file);
    std::fs::write(&file, text).with_context(|| file.display().to_string())?;

    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(binary);
    match gateway {
        Gateway::Weir | Gateway::Before => command.args(["serve", "--config"]).arg(file),
        Gateway::Nginx => command.arg("-p").arg(folder).arg("-c").arg(file).args(["-e", "stderr"]),
        Gateway::Haproxy => command.args(["-db", "-f"]).arg(file),
    };
    Ok(command)
}

/// weir's configuration.
pub fn weir(ports: Ports) -> String {
    let Ports { gateway, admin, upstream } = ports;
    let key = weir_key();
    format!(
        r#"[server]
listen = "127.0.0.1:{gateway}"
admin = "127.0.0.1:{admin}"
workers = 1

[[endpoint]]
name = "bench"
base_url = "http://127.0.0.1:{upstream}"
models = ["{MODEL}"]
max_concurrent = 4096

[[pool]]
model = "{MODEL}"
endpoints = ["bench"]

{key}"#
    )
}

/// The key's table: limits that are checked on every request and never reached.
fn weir_key() -> String {
    let hash = blake3::hash(TOKEN.as_bytes()).to_hex();
    format!(
        r#"[[key]]
name = "bench"
hash = "blake3:{hash}"
rpm = 100000000
tpm = 1000000000000
"#
    )
}

fn nginx(ports: Ports, folder: &Path) -> String {
    let Ports { gateway, upstream, .. } = ports;
    let folder = folder.display();
    // As root, nginx would give its worker to a user who may not enter the temporary folder; for others the `user`
    // line is ignored.
    format!(
        r#"user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
error_log stderr crit;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    tcp_nodelay on;
    upstream bench {{
        server 127.0.0.1:{upstream};
        keepalive 1024;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{gateway} backlog=4096;
        location / {{
            proxy_pass http://bench;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 600s;
        }}
    }}
}}
"#
    )
}

fn haproxy(ports: Ports) -> String {
    let Ports { gateway, upstream, .. } = ports;
    format!(
        r"global
    nbthread 1
    maxconn 4096
defaults
    mode http
    option http-no-delay
    http-reuse always
    retries 3
    timeout connect 5s
    timeout client 600s
    timeout server 600s
frontend bench
    bind 127.0.0.1:{gateway} backlog 4096
    default_backend upstream
backend upstream
    server upstream 127.0.0.1:{upstream} pool-max-conn -1
"
    )
}
