//! The suites: which client runs which tests, and how its results are counted.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::gateway::{KEY, TIGHT_KEY};
use super::junit;
use super::world::World;
use crate::program;
use crate::repository::Repository;
use crate::setup::{Node, Venv};
use crate::tally::Count;

/// No suite takes as long as this unless it hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// One client's tests.
pub struct Suite {
    pub name: &'static str,
    client: Client,
}

/// Who runs the tests, and the files they are in.
enum Client {
    /// The 2.x line of the OpenAI SDK, and Anthropic's.
    Openai2(&'static [&'static str]),
    /// The 3.x line of the OpenAI SDK.
    Openai3(&'static [&'static str]),
    /// Node's own test runner.
    Node(&'static str),
    /// A script that says with its exit status whether all went well.
    Script(&'static str),
}

/// The suites that meet every situation.
pub const SITUATIONS: &[Suite] = &[
    Suite { name: "openai for Python, 2.x", client: Client::Openai2(&["test_openai.py"]) },
    Suite { name: "openai for Python, 3.x", client: Client::Openai3(&["test_openai.py"]) },
    Suite { name: "anthropic for Python", client: Client::Openai2(&["test_anthropic.py"]) },
    Suite { name: "openai for Node", client: Client::Node("openai.test.cjs") },
];

/// The suites that meet a peak.
pub const PEAK: &[Suite] = &[Suite {
    name: "a recorded minute of traffic by official clients, five times as fast",
    client: Client::Script("replay_official.py"),
}];

impl Suite {
    /// Runs the suite against the gateway of `world`.
    pub fn run(&self, repository: &Repository, world: &mut World) -> anyhow::Result<Count> {
        let folder = repository.root().join("tests/clients");
        let mut command = self.command(repository, &folder);
        command
            .env("WEIR_URL", world.gateway().url())
            .env("WEIR_KEY", KEY.token)
            .env("WEIR_TIGHT_KEY", TIGHT_KEY.token)
            .current_dir(folder);
        world.renew_troubles()?;
        let report = self.report(repository);
        if report.exists() {
            std::fs::remove_file(&report)?;
        }
        let status = program::bounded(&mut command, LIMIT)?;
        world.gateway().check()?;
        let count = match self.client {
            Client::Openai2(_) | Client::Openai3(_) => junit::Outcomes::read(&report)?.count(),
            Client::Node(_) => tap_count(&report)?,
            Client::Script(_) => Count::one(status.success()),
        };
        Ok(count.with_exit(status.success()))
    }

    fn command(&self, repository: &Repository, folder: &Path) -> Command {
        let report = self.report(repository);
        let pytest = |venv: Venv, files: &[&str]| {
            let mut command =
                venv.python(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "python/pytest.ini"]);
            command
                .arg("--junitxml")
                .arg(&report)
                .args(files.iter().map(|file| folder.join("python").join(file)));
            command
        };
        match self.client {
            Client::Openai2(files) => pytest(Venv::openai2(repository), files),
            Client::Openai3(files) => pytest(Venv::openai3(repository), files),
            Client::Node(file) => {
                let mut command = Node::new(repository).node();
                command.args(["--test", "--test-timeout=30000"]);
                command.args(["--test-reporter=spec", "--test-reporter-destination=stdout"]);
                command
                    .arg("--test-reporter=tap")
                    .arg(format!("--test-reporter-destination={}", report.display()));
                command.arg(folder.join("node").join(file));
                command
            }
            Client::Script(file) => {
                let mut command = Venv::openai3(repository).python([folder.join(file)]);
                command.arg(repository.root().join("data"));
                command
            }
        }
    }

    fn report(&self, repository: &Repository) -> PathBuf {
        let name: String = self.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        repository.clients_dir().join(format!("{name}.report"))
    }
}

/// The counts at the end of a TAP report: `# pass 9`, `# fail 1`.
fn tap_count(report: &Path) -> anyhow::Result<Count> {
    let text =
        std::fs::read_to_string(report).with_context(|| format!("no report in {}", report.display()))?;
    let number = |word: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(word));
        line.and_then(|number| number.trim().parse().ok())
            .with_context(|| format!("the report has no `{word}`"))
    };
    Ok(Count { passed: number("# pass ")?, failed: number("# fail ")? + number("# cancelled ")? })
}
