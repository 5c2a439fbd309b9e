//! `weir drill`: faults on purpose, and a verdict on what a gateway makes of them.
#![allow(clippy::print_stdout, reason = "the command's product")]
#![allow(clippy::print_stderr, reason = "how far it is, for the person who waits")]

mod cast;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use weir_drill::{Case, Drill, Report, Stage, Trouble, Upstream, catalogue_markdown, catalogue_text};

use super::{UNREACHABLE, runtime};
use crate::assemble::clock;
use cast::{Cast, MODEL};

/// Break things on purpose and see what the caller is told.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    drill: Which,
}

#[derive(clap::Subcommand)]
enum Which {
    /// Services that misbehave: what does a caller of the gateway see? Exit code 1 unless every drill passes
    #[command(after_help = HELP)]
    Faults(Faults),
}

const HELP: &str = "\
Without --url, each drill gets two mocks and a weir with default settings in this process; \
all run side by side, and the whole takes about as long as the longest (under two minutes).

With --url, the drills run one after another (ten minutes or more) against \
a gateway that its owner has prepared:

  weir mock --listen 127.0.0.1:9101
  weir mock --listen 127.0.0.1:9102
  (the gateway: model `drill` goes to 127.0.0.1:9101 as `deepseek-flash`,
   and falls back to 127.0.0.1:9102 as `deepseek-v4-pro`; nothing is cached)
  weir drill faults --url http://127.0.0.1:8080/v1 \\
    --control http://127.0.0.1:9101,http://127.0.0.1:9102

Verdicts: pass (told what is right, every check holds) · partial (told what is right; a check on \
attempts, usage or time does not hold) · safe (no answer, but an explicit error) · fail (anything else: \
cut short in silence, said twice, wrong, hung).

Exit codes: 0 every drill passed · 1 one did not · 2 usage · 4 the gateway or a mock cannot be used";

#[derive(clap::Args)]
struct Faults {
    /// Base URL of the gateway to drill, plain HTTP; default: a weir in this process
    #[arg(long, requires = "control")]
    url: Option<String>,
    /// Base URLs of the two mocks behind that gateway: the primary's and the fallback's
    #[arg(long, value_delimiter = ',', num_args = 1, requires = "url", value_name = "PRIMARY,FALLBACK")]
    control: Vec<String>,
    /// The model to ask that gateway for
    #[arg(long, default_value = MODEL)]
    model: String,
    /// Name of the environment variable with that gateway's key
    #[arg(long, requires = "url", value_name = "NAME")]
    key_env: Option<String>,
    /// Only these: `S08` (all its ways) or `X01-chat-stream` (one way)
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    only: Vec<String>,
    /// As one JSON object
    #[arg(long)]
    json: bool,
    /// Write JUnit's XML to this file, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Show what there is, and run nothing
    #[arg(long)]
    list: bool,
    /// With --list: as the Markdown table in docs/drill.md
    #[arg(long, requires = "list")]
    markdown: bool,
}

/// Exit code: the command line makes no sense, as clap says it.
const USAGE: u8 = 2;

/// Drills running side by side, each with two services, a gateway and a caller: enough that the longest
/// decides.
const SIDE_BY_SIDE_MAX: usize = 24;

/// Drills, or lists what there is.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Which::Faults(args) = args.drill;
    if args.list {
        print!("{}", if args.markdown { catalogue_markdown() } else { catalogue_text() });
        return Ok(ExitCode::SUCCESS);
    }
    let (cases, stage) = match plan(&args) {
        Ok(plan) => plan,
        Err(mistake) => {
            super::complain(&mistake);
            return Ok(ExitCode::from(USAGE));
        }
    };
    let progress = Progress { total: cases.len(), shown: std::io::stderr().is_terminal() };
    let drilled = runtime(None)?.block_on(async {
        match stage {
            Some(stage) => one_by_one(&cases, &stage, progress).await,
            None => side_by_side(cases, progress).await,
        }
    });
    let drill = match drilled {
        Ok(drill) => drill,
        Err(error) if error.is::<Trouble>() => {
            super::complain(&error);
            return Ok(ExitCode::from(UNREACHABLE));
        }
        Err(error) => return Err(error),
    };
    if let Some(file) = &args.junit {
        std::fs::write(file, drill.junit()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&drill)?);
    } else {
        print!("{}", drill.text());
    }
    Ok(if drill.all_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What to drill, and whom: this process's own weir, or someone else's gateway.
fn plan(args: &Faults) -> anyhow::Result<(Vec<Case>, Option<Stage>)> {
    let cases = weir_drill::select(&args.only)?;
    let stage = args.url.as_deref().map(|url| stage(args, url)).transpose()?;
    Ok((cases, stage))
}

/// Someone else's gateway, with its two mocks.
fn stage(args: &Faults, url: &str) -> anyhow::Result<Stage> {
    let [primary, fallback] = args.control.as_slice() else {
        anyhow::bail!("--control: give two base URLs with a comma between them, the primary mock's first");
    };
    let key = match &args.key_env {
        None => None,
        Some(name) => {
            Some(super::environment(name).ok_or_else(|| anyhow::anyhow!("--key-env: ${name} is not set"))?)
        }
    };
    let stage = Stage {
        gateway: url.to_owned(),
        model: args.model.clone(),
        key,
        primary: Upstream::new(primary)?,
        fallback: Upstream::new(fallback)?,
        mark: mark(),
    };
    stage.check()?;
    Ok(stage)
}

async fn one_by_one(cases: &[Case], stage: &Stage, progress: Progress) -> anyhow::Result<Drill> {
    let mut drill = Drill::default();
    for case in cases {
        let report = match weir_drill::run(case, stage, clock()).await {
            // It did answer before: what this gateway was put through has left it unable to.
            Err(trouble @ Trouble::Gateway(_)) if !drill.reports.is_empty() => {
                Report::untried(case, &trouble)
            }
            tried => tried?,
        };
        drill.reports.push(report);
        progress.show(drill.reports.len());
    }
    progress.clear();
    Ok(drill)
}

/// Every case with a cast of its own. The longest are begun first, so that nothing waits for them at the end.
async fn side_by_side(cases: Vec<Case>, progress: Progress) -> anyhow::Result<Drill> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(cases[index].longest()));
    let seats = Arc::new(Semaphore::new(SIDE_BY_SIDE_MAX));
    let mut running: JoinSet<anyhow::Result<(usize, Report)>> = JoinSet::new();
    for index in order {
        let (case, seats) = (cases[index], seats.clone());
        running.spawn(async move {
            let _seat = seats.acquire_owned().await?;
            let cast = Cast::start(case.scenario, mark()).await?;
            let report = weir_drill::run(&case, cast.stage(), clock()).await;
            cast.stop().await;
            Ok((index, report?))
        });
    }
    let mut reports = BTreeMap::new();
    while let Some(ended) = running.join_next().await {
        let (index, report) = ended.context("a drill panicked")??;
        reports.insert(index, report);
        progress.show(reports.len());
    }
    progress.clear();
    Ok(Drill { reports: reports.into_values().collect() })
}

/// Makes the prompts of this run like those of no other, so that no cache knows them.
fn mark() -> String {
    let since_1970 = clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("{:x}", since_1970.as_nanos())
}

/// How far it is, on a terminal.
#[derive(Clone, Copy)]
struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    fn show(self, done: usize) {
        self.draw(&format!("\r  {done} of {} drills done\x1b[K", self.total));
    }

    fn clear(self) {
        self.draw("\r\x1b[K");
    }

    fn draw(self, text: &str) {
        if self.shown {
            eprint!("{text}");
            // A terminal that cannot be flushed shows the line a little later.
            let _later = std::io::stderr().flush();
        }
    }
}
