//! Just enough HTTP to ask a local server whether it is ready, and to find a port for it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// A port nobody listens on at this moment.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether `GET path` is answered with a 2xx status.
pub fn is_ok(port: u16, path: &str) -> bool {
    status(port, "GET", path, "").is_some_and(|status| (200..300).contains(&status))
}

/// Whether `POST path` with a JSON `body` is answered with a 2xx status.
pub fn post(port: u16, path: &str, body: &str) -> bool {
    status(port, "POST", path, body).is_some_and(|status| (200..300).contains(&status))
}

fn status(port: u16, method: &str, path: &str, body: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close");
    let entity = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(format!("{head}\r\n{entity}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let line = answer.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
}
