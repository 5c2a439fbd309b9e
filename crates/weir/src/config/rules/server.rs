//! Where weir listens, and whether that is safe.

use std::net::SocketAddr;

use crate::config::Config;
use crate::config::code::Code;
use crate::config::place::Place;
use crate::config::report::Report;

pub fn check(config: &Config, report: &mut Report<'_>) {
    let listen = address(&config.server.listen, "listen", report);
    let admin = address(&config.server.admin, "admin", report);
    if let (Some(listen), Some(admin)) = (listen, admin)
        && collide(listen, admin)
    {
        let message = format!("`listen` and `admin` both want {admin}");
        let help = "give the operators' listener a port of its own, say 9180";
        report.at(Code::SameAddress, &Place::top("server").key("admin"), message, help);
    }
    if let Some(listen) = listen
        && !listen.ip().to_canonical().is_loopback()
        && config.key.is_empty()
    {
        let message = format!("at {listen} other machines can call, and there is no [[key]] to ask them for");
        let help =
            "make a key with `weir key new` and paste its [[key]] into the config, or listen on 127.0.0.1";
        report.at(Code::OpenListener, &Place::top("server").key("listen"), message, help);
    }
}

fn address(text: &str, field: &str, report: &mut Report<'_>) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let help = match text.rsplit_once(':') {
            Some(("localhost", port)) => format!("write the number: {field} = \"127.0.0.1:{port}\""),
            Some(("" | "*", port)) => format!("for every interface write {field} = \"0.0.0.0:{port}\""),
            _ => format!(
                "write an IP address and a port, as in {field} = \"127.0.0.1:8080\" or \"[::1]:8080\""
            ),
        };
        let message = format!("`{text}` is not an address to listen on");
        report.at(Code::Address, &Place::top("server").key(field), message, help);
    }
    address
}

/// Port 0 asks the system for any free one, so two of them never collide.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_ip = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_ip
}
