//! Questions that are alike, end to end: compared, judged, told, and nobody's answer is another's.

use crate::house::{Service, Weir};
use crate::redis::eventually;

fn ask(weir: &Weir, question: &str) -> String {
    let reply = weir.chat(&format!(
        r#"{{"model":"deepseek-flash","temperature":0,"messages":[{{"role":"user","content":"{question}"}}]}}"#
    ));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.header("x-cache").to_owned()
}

/// A counter of the answers to questions that are alike.
fn counted(weir: &Weir, name: &str) -> u64 {
    let line = format!("weir_cache_semantic_{name} ");
    let metrics = weir.admin("/metrics").body;
    metrics.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

fn config(service: &Service, semantic: &str) -> String {
    let endpoint = service.endpoint("s0").replace("models = [\"deepseek-flash\"]\n", "");
    let pool = |model: &str| format!("[[pool]]\nmodel = \"{model}\"\nendpoints = [\"s0\"]\n");
    let pools = [pool("deepseek-flash"), pool("text-embedding-3-small")].concat();
    format!("{endpoint}{pools}[cache.semantic]\n{semantic}")
}

/// Two questions that are alike, and one that only looks so.
fn are_compared(weir: &Weir) {
    assert_eq!(ask(weir, "How long does a transfer to my savings account take"), "MISS");
    assert_eq!(ask(weir, "how long does a transfer to my savings account take?"), "MISS");
    eventually("the answers are compared", || {
        assert_eq!(counted(weir, "unjudged_total"), 0);
        counted(weir, "judged_total{verdict=\"different\",likely=\"no\"}") == 1
    });
    assert_eq!(counted(weir, "requests_total{result=\"none\"}"), 1);
    assert_eq!(counted(weir, "requests_total{result=\"compared\"}"), 1);
    assert_eq!(ask(weir, "how long does a transfer of 500 to my savings account take?"), "MISS");
    assert_eq!(counted(weir, "requests_total{result=\"none\"}"), 2, "the number is another one");
    let stats = weir.admin("/cache").json();
    assert_eq!((&stats["semantic"]["questions"], &stats["semantic"]["given"]), (&3.into(), &false.into()));
}

#[test]
fn a_pools_model_embeds() {
    let service = Service::with("");
    let weir = Weir::start(&config(&service, "embedder = \"model\"\nmodel = \"text-embedding-3-small\"\n"));
    are_compared(&weir);
    let embedded = service.log().iter().filter(|entry| entry.path.ends_with("/embeddings")).count();
    assert_eq!(embedded, 3);
}

#[test]
fn a_table_of_words_embeds() {
    let service = Service::with("");
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../weir-embed/fixtures/static");
    let weir = Weir::start(&config(&service, &format!("path = \"{weights}\"\nsimilarity_min = 0.1\n")));
    assert_eq!(ask(&weir, "How long does a transfer take"), "MISS");
    assert_eq!(ask(&weir, "how long does a transfer take?"), "MISS");
    let (compared, failed) = (
        counted(&weir, "requests_total{result=\"compared\"}"),
        counted(&weir, "requests_total{result=\"failed\"}"),
    );
    assert_eq!((compared, failed), (1, 0));
}

#[test]
fn an_embedder_that_is_down_fails_no_request() {
    let service = Service::with("");
    let semantic = "embedder = \"model\"\nmodel = \"text-embedding-3-small\"\n";
    let mut config = config(&service, semantic);
    config.push_str("[[endpoint]]\nname = \"gone\"\nbase_url = \"http://127.0.0.1:1\"\n");
    let config = config.replace(
        "model = \"text-embedding-3-small\"\nendpoints = [\"s0\"]",
        "model = \"text-embedding-3-small\"\nendpoints = [\"gone\"]",
    );
    let weir = Weir::start(&config);
    for question in ["a b c", "a b d", "a b e"] {
        assert_eq!(ask(&weir, question), "MISS");
    }
    assert_eq!(counted(&weir, "requests_total{result=\"failed\"}"), 3);
}
