//! System packages: those whose program or file is missing, in one call of apt.

use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::program;

/// A Debian package and how to tell that what it brings is there, whoever brought it.
pub struct Package {
    name: &'static str,
    there: fn() -> bool,
}

const REDIS: Package = Package { name: "redis-server", there: || runs("redis-server", &["--version"]) };

/// What the tests need: git lists the project's files for the laws, Python runs its clients and brings Node as a
/// wheel, the package clients check certificates, and Redis is shared by nodes.
pub const FOR_TESTS: [Package; 5] = [
    Package { name: "git", there: || runs("git", &["--version"]) },
    Package { name: "python3", there: || runs("python3", &["--version"]) },
    Package { name: "python3-venv", there: || runs("python3", &["-c", "import venv, ensurepip"]) },
    REDIS,
    Package { name: "ca-certificates", there: || Path::new("/etc/ssl/certs/ca-certificates.crt").exists() },
];

/// The proxies that the benchmarks compare with, and what a tier of the cache is kept in.
pub const FOR_BENCHMARKS: [Package; 3] = [
    Package { name: "nginx", there: || runs("nginx", &["-v"]) || runs("/usr/sbin/nginx", &["-v"]) },
    REDIS,
    Package { name: "haproxy", there: || runs("haproxy", &["-v"]) || runs("/usr/sbin/haproxy", &["-v"]) },
];

fn runs(name: &str, args: &[&str]) -> bool {
    program::succeeds(Command::new(name).args(args))
}

/// Installs those that are missing.
pub fn install(packages: &[Package]) -> anyhow::Result<()> {
    let missing: Vec<&str> = packages.iter().filter(|p| !(p.there)()).map(|p| p.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    println!("setup: installing {names} with apt");
    if !runs("apt-get", &["--version"]) {
        bail!("this is not Debian: install what gives you {names} and run this again");
    }
    let by_hand = format!("install {names} by hand and run this again");
    program::must(as_root().args(["apt-get", "update", "-qq"]), &by_hand)?;
    let mut command = as_root();
    command.args(["apt-get", "install", "-y", "-qq", "--no-install-recommends"]).args(&missing);
    program::must(&mut command, &by_hand)
}

/// A command that runs its arguments as root.
fn as_root() -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    command.arg("DEBIAN_FRONTEND=noninteractive");
    command
}
