//! `weir simulate`: the same pipeline under virtual time, in worlds where the service behind it misbehaves.
#![allow(clippy::print_stdout, reason = "the command's product")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use weir_replay::Trace;
use weir_sim::targets::{self, Measure};
use weir_sim::{Arm, Part, Parts, Plan, Recorded, Score, World};

/// Try weir, an SDK alone and nothing at all against the same modelled troubles, in virtual time.
#[derive(clap::Args)]
#[command(after_help = explanation())]
pub struct Args {
    /// Worlds: all, or a list (B1,B4); B4 stands for B4a and B4b
    #[arg(long, default_value = "all", value_parser = worlds)]
    world: Chosen<World>,
    /// Services: 1 (the troubled one), 2 (and one that fails 5 % of calls by itself, as fallback), or both
    #[arg(long, default_value = "both", value_parser = upstreams)]
    upstreams: Chosen<usize>,
    /// Who stands between: all, or a list of none, client (an SDK's two retries), weir (behind the same SDK)
    #[arg(long, default_value = "all", value_parser = arms)]
    arm: Chosen<Arm>,
    /// Weir's measures in its arm: all, none, or a list of cache, retry, failover, hedge, limits, queue, levels
    #[arg(long, default_value = "all", value_parser = parts, conflicts_with = "ladder")]
    measures: Parts,
    /// Weir's arm again and again, with one measure more each time, from the cache alone to all
    #[arg(long)]
    ladder: bool,
    /// In B13 to B15, which are played with and without weir's cache: the percentages of requests that ask one of 200
    /// questions, each a run of its own
    #[arg(long, default_value = "0,15,30", value_delimiter = ',', value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    repeats: Vec<u8>,
    /// What came in B12 (an Azure LLM inference trace, or `arrival_ms,context_tokens,generated_tokens`); default: the
    /// two minutes and a half of one that weir ships
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Decides every draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run so many seeds, from --seed on, and pool them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// About how many requests in each run
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    requests: u32,
    /// Exit with 1 when weir misses a target, or breaks what must always hold
    #[arg(long)]
    check: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// As Markdown, for a page
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Serialize)]
struct Report {
    seed: u64,
    seeds: u64,
    requests: u32,
    worlds: Vec<Score>,
    /// Targets missed and promises broken, each with its seed; those of the pooled scores have none.
    missed: Vec<Miss>,
}

#[derive(Serialize)]
struct Miss {
    seed: Option<u64>,
    world: World,
    upstreams: usize,
    what: String,
}

/// Runs every combination asked for.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let trace = trace(&args)?;
    let plans = plans(&args, &trace);
    let report = simulate(&args, &plans);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else if args.markdown {
        print!("{}", weir_sim::markdown(&report.worlds));
    } else {
        print!("{}", weir_sim::table(&report.worlds));
        report.missed.iter().for_each(Miss::print);
    }
    let failed = args.check && !report.missed.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Miss {
    fn print(&self) {
        let Self { seed, world, upstreams, what } = self;
        let seed = seed.map_or("all seeds".to_owned(), |seed| format!("seed {seed}"));
        println!("missed: {}, {upstreams} services, {seed}: {what}", world.name());
    }
}

fn simulate(args: &Args, plans: &[Plan<'_>]) -> Report {
    let mut worlds: Vec<Score> = Vec::new();
    let mut missed = Vec::new();
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        let scores = scores(plans, seed);
        // Of one run among many, what chance explains says nothing; what they say together does.
        let measure = if args.seeds > 1 { Measure::BeyondChance } else { Measure::Plain };
        missed.extend(scores.iter().flat_map(|score| misses(score, Some(seed), measure)));
        if worlds.is_empty() {
            worlds = scores;
        } else {
            worlds.iter_mut().zip(&scores).for_each(|(pooled, score)| pooled.pool(score));
        }
        if args.seeds > 1 {
            progress(seed - args.seed + 1, args.seeds, missed.len());
        }
    }
    if args.seeds > 1 {
        missed.extend(worlds.iter().flat_map(|score| misses(score, None, Measure::Plain)));
    }
    Report { seed: args.seed, seeds: args.seeds, requests: args.requests, worlds, missed }
}

/// Says now and then how far a long run has come.
#[expect(clippy::print_stderr, reason = "talk about the product")]
fn progress(done: u64, of: u64, missed: usize) {
    const EVERY: u64 = 50;
    if done.is_multiple_of(EVERY) {
        eprintln!("{done} of {of} seeds, {missed} misses");
    }
}

fn misses(score: &Score, seed: Option<u64>, measure: Measure) -> Vec<Miss> {
    let miss = |what| Miss { seed, world: score.world, upstreams: score.upstreams, what };
    let targets =
        targets::missed(score, measure).map(|target| format!("{}: {}", target.name, target.promise));
    // A pooled score repeats what its seeds have said.
    let broken = score.broken.iter().filter(|_| seed.is_some()).cloned();
    targets.chain(broken).map(miss).collect()
}

/// Runs the plans under one seed, as many at a time as there are cores. The scores come in the order of the
/// plans.
fn scores(plans: &[Plan<'_>], seed: u64) -> Vec<Score> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Score>>> = plans.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some((plan, place)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            plans.get(index).zip(done.get(index))
        } {
            let score = weir_sim::run(&Plan { seed, ..*plan });
            *place.lock().expect("nobody panics while storing a score") = Some(score);
        }
    };
    std::thread::scope(|scope| {
        for _core in 1..cores.min(plans.len()) {
            scope.spawn(work);
        }
        work();
    });
    let score = |place: Mutex<Option<Score>>| place.into_inner().ok().flatten();
    done.into_iter().map(|place| score(place).expect("every plan has been run")).collect()
}

fn plans<'a>(args: &Args, trace: &'a [Recorded]) -> Vec<Plan<'a>> {
    let mut plans = Vec::new();
    for &world in &args.world.0 {
        // Elsewhere nobody repeats anything.
        let shares: &[u8] = if world.is_about_repeats() { &args.repeats } else { &[0] };
        for &share in shares {
            let repeats = f64::from(share) / 100.0;
            for &upstreams in &args.upstreams.0 {
                for &arm in &args.arm.0 {
                    let &Args { seed, requests, measures, .. } = args;
                    let plan = |parts| Plan { world, upstreams, arm, seed, requests, parts, repeats, trace };
                    if args.ladder && arm == Arm::Weir {
                        plans.extend(Parts::ladder().map(plan));
                    } else {
                        plans.push(plan(measures));
                    }
                }
            }
        }
    }
    plans
}

fn trace(args: &Args) -> anyhow::Result<Vec<Recorded>> {
    let trace = args.trace.as_deref().map_or_else(|| Ok(Trace::excerpt()), Trace::read)?;
    let recorded = |arrival: &weir_replay::Arrival| Recorded {
        at_s: arrival.offset.as_secs_f64(),
        prompt_tokens: arrival.context_tokens,
        answer_tokens: arrival.generated_tokens,
    };
    Ok(trace.arrivals().iter().map(recorded).collect())
}

/// Some of a closed set, in its order.
#[derive(Clone)]
struct Chosen<T>(Vec<T>);

fn worlds(text: &str) -> Result<Chosen<World>, String> {
    chosen(text, &World::ALL, |name, world| {
        let own = world.name();
        [own, own.trim_end_matches(['a', 'b'])].iter().any(|own| own.eq_ignore_ascii_case(name))
    })
}

fn arms(text: &str) -> Result<Chosen<Arm>, String> {
    chosen(text, &Arm::ALL, |name, arm| arm.name() == name)
}

fn parts(text: &str) -> Result<Parts, String> {
    if text == "none" {
        return Ok(Parts::NONE);
    }
    Ok(Parts::of(&chosen(text, &Part::ALL, |name, part| part.name() == name)?.0))
}

fn upstreams(text: &str) -> Result<Chosen<usize>, String> {
    match text {
        "1" => Ok(Chosen(vec![1])),
        "2" => Ok(Chosen(vec![2])),
        "both" => Ok(Chosen(vec![1, 2])),
        _ => Err("it is 1, 2 or both".to_owned()),
    }
}

/// The members of `all` that a comma-separated list names.
fn chosen<T: Copy>(text: &str, all: &[T], is_named: impl Fn(&str, T) -> bool) -> Result<Chosen<T>, String> {
    if text == "all" {
        return Ok(Chosen(all.to_vec()));
    }
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(name) = names.iter().find(|name| !all.iter().any(|&item| is_named(name, item))) {
        return Err(format!("there is no `{name}`; --help lists what there is"));
    }
    let named = |item: &T| names.iter().any(|name| is_named(name, *item));
    Ok(Chosen(all.iter().copied().filter(named).collect()))
}

fn explanation() -> String {
    let worlds: Vec<_> =
        World::ALL.iter().map(|world| format!("  {:<4} {}", world.name(), world.says())).collect();
    let parts: Vec<_> =
        Part::ALL.iter().map(|part| format!("  {:<8} {}", part.name(), part.says())).collect();
    format!(
        "Worlds:\n{}\n\nMeasures:\n{}\n\n\
         mean ms and p99 ms are from an application's first try to the first word of its answer, over \
         answered requests; how long the other words take is the service's own affair. The same seed gives \
         the same output to the byte.",
        worlds.join("\n"),
        parts.join("\n")
    )
}
