//! Whether a base URL can be one, and may be called.
//!
//! Cloud machines serve their own credentials at link-local addresses: a gateway that could be pointed there would
//! hand them to its callers, so no endpoint may be, in whatever way the address is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use http::Uri;

use super::Breach;
use crate::config::code::Code;

/// Names under which clouds serve a machine's credentials.
const METADATA_HOSTS: [&str; 4] =
    ["metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];
/// Addresses likewise that are not link-local: AWS over IPv6, and Alibaba Cloud.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// What is wrong with a base URL. Nothing in the answer repeats what may be a secret.
pub fn breach(text: &str) -> Option<Breach> {
    let shape = |message: &str, help: &str| {
        Some(Breach { code: Code::BaseUrl, message: message.to_owned(), help: help.to_owned() })
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return shape(
            "a base URL begins with its scheme",
            "write \"https://…\", or \"http://…\" within your own network",
        );
    };
    if scheme != "https" && scheme != "http" {
        return shape(
            &format!("`{scheme}` is not a scheme weir can call"),
            "write \"https://…\" or \"http://…\"",
        );
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return shape(
            "a base URL must not hold a user or a password",
            "name the key with api_key = \"env:NAME\"",
        );
    }
    if rest.contains(['?', '#']) {
        return shape("a base URL has no query and no fragment", "end it before the `?` or `#`");
    }
    let Ok(uri) = text.parse::<Uri>() else {
        return shape(
            "this is not a URL",
            "write it as for the official SDK, as in \"https://api.deepseek.com\"",
        );
    };
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
        return shape(
            "the URL names no host",
            "write it as for the official SDK, as in \"https://api.deepseek.com\"",
        );
    };
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
    if port.is_some_and(|port| port.parse::<NonZeroU16>().is_err()) {
        return shape(
            "the URL's port is not a number from 1 to 65535",
            "write \"http://host:8000\", or no port",
        );
    }
    if ["/chat/completions", "/messages", "/responses"]
        .iter()
        .any(|end| text.trim_end_matches('/').ends_with(end))
    {
        return shape(
            "this is the URL of one operation, not the base of all",
            "end it before that, usually at \"/v1\"",
        );
    }
    forbidden(host)
}

fn forbidden(host: &str) -> Option<Breach> {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let refuse = |message: String, help: &str| {
        Some(Breach { code: Code::ForbiddenAddress, message, help: help.to_owned() })
    };
    if METADATA_HOSTS.contains(&host.as_str()) || host.parse().is_ok_and(is_forbidden) {
        let message = format!("`{host}` is where a cloud machine keeps its own credentials, not a service");
        return refuse(message, "write the address of the service itself");
    }
    // Resolvers take 2852039166 and 0xa9.0xfe.0xa9.0xfe for addresses too.
    let last = host.rsplit('.').next().unwrap_or_default();
    let odd_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    if odd_number && host.parse::<IpAddr>().is_err() {
        return refuse(
            format!("`{host}` is an address in an unusual form"),
            "write it as four numbers, as in 10.0.0.7",
        );
    }
    None
}

fn is_forbidden(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local() || ip == METADATA_V4,
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip == METADATA_V6,
    }
}
