//! Each rule at its edge: the value that is just refused, and the one that is just not.

use super::{check, check_changed, check_with};

const URL: &str = "https://api.deepseek.com";
const REFERENCE: &str = "env:DEEPSEEK_API_KEY";
const HASH: &str = "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn base_urls_are_those_an_sdk_would_take() {
    let good = [
        "http://127.0.0.1:8000",
        "http://[::1]:8000/v1",
        "https://a.example/v1/",
        "http://10.0.0.7",
        "http://ollama",
    ];
    for url in good {
        check_changed(URL, url, &[]);
    }
    let bad = [
        "",
        "api.deepseek.com",
        "ftp://a.example",
        "https://",
        "https:///v1",
        "https://user:sk-pass@a.example",
        "https://a.example?key=sk-123",
        "https://a.example#x",
        "https://a b.example",
        "http://a.example:99999",
        "http://a.example:",
        "https://a.example/v1/chat/completions",
    ];
    for url in bad {
        check_changed(URL, url, &[(4, "W102")]);
    }
}

#[test]
fn addresses_of_machine_credentials_are_refused_however_they_are_written() {
    let forbidden = [
        "http://169.254.169.254/latest",
        "http://169.254.0.1",
        "http://[fd00:ec2::254]",
        "http://[fe80::1]",
        "http://[::ffff:169.254.169.254]",
        "http://2852039166",
        "http://0xa9.0xfe.0xa9.0xfe",
        "http://169.254.43518",
        "http://100.100.100.200",
        "http://metadata.google.internal",
        "http://METADATA.google.internal.",
    ];
    for url in forbidden {
        check_changed(URL, url, &[(4, "W103")]);
    }
}

#[test]
fn the_second_url_of_an_endpoint_is_held_to_the_same_rules() {
    check_changed("api_key = \"", "anthropic_base_url = \"x\"\napi_key = \"", &[(5, "W102")]);
}

#[test]
fn secrets_are_named_and_never_written() {
    check_changed(REFERENCE, "caller", &[]);
    for reference in ["sk-0123456789abcdef", "env:", "file:", "DEEPSEEK_API_KEY", "", "vault:deepseek"] {
        check_changed(REFERENCE, reference, &[(5, "W104")]);
    }
    for reference in
        ["env:NOT_SET", "env:BLANK", "env:BROKEN", "file:/no/such/file", "file:/dev/null", "file:/"]
    {
        check_changed(REFERENCE, reference, &[(5, "W105")]);
    }
}

#[test]
fn callers_keys_are_not_passed_on_when_they_are_the_gateways_own() {
    let key = format!("[[key]]\nname = \"a\"\nhash = \"{HASH}\"\n");
    check_with(&key, &[]);
    let text = super::MINIMAL.replace(REFERENCE, "caller");
    check(&format!("{text}{key}"), &[(3, "W902"), (5, "W106")]);
}

#[test]
fn names_are_not_used_twice() {
    let endpoint = "[[endpoint]]\nname = \"a\"\nbase_url = \"http://127.0.0.1\"\n";
    let pool = "[[pool]]\nmodel = \"m\"\nendpoints = [\"a\"]\n";
    check(&format!("{endpoint}{endpoint}{pool}"), &[(5, "W007")]);
    check(&format!("{endpoint}{pool}{pool}"), &[(2, "W902"), (8, "W007")]);
    check_changed("[\"deepseek\"]", "[\"deepseek\", \"deepseek\"]", &[(9, "W007")]);
    check_changed("[\"deepseek\"]", "[\"deepseek\"]\nfallback = [\"deepseek\"]", &[(10, "W007")]);
}

#[test]
fn pools_name_endpoints_that_exist_and_have_the_model() {
    check_changed("[\"deepseek\"]", "[\"openai\"]", &[(9, "W202")]);
    check_changed("[\"deepseek\"]", "[]", &[(9, "W006")]);
    check_changed("model = \"deepseek-flash\"", "model = \"deepseek-flush\"", &[(9, "W203")]);
    check_changed("model = \"deepseek-flash\"", "model = \"*\"", &[]);
    check_changed("models =", "model_map = { \"flash\" = \"x\" }\nmodels =", &[]);
    check_changed("models = [\"deepseek-flash\", \"deepseek-v4-pro\"]\n", "", &[]);
    check_changed("model = \"deepseek-flash\"", "model = \"\"", &[(8, "W006")]);
}

#[test]
fn an_unnamed_endpoint_is_accused_once() {
    check(&super::MINIMAL.replace("name = \"deepseek\"\n", ""), &[(2, "W005")]);
}

#[test]
fn an_endpoint_that_no_pool_uses_is_worth_a_note() {
    let spare = "[[endpoint]]\nname = \"spare\"\nbase_url = \"http://127.0.0.1\"\n";
    let shift = super::MINIMAL.lines().count();
    check(&format!("{}{spare}", super::MINIMAL), &[(shift + 2, "W903")]);
}

#[test]
fn hashes_are_those_that_weir_printed() {
    let key = |hash: &str| format!("[[key]]\nname = \"a\"\nhash = \"{hash}\"\n");
    check_with(&key(HASH), &[]);
    let token = "weir_0123456789abcdef0123456789abcdef0123456789abcdef";
    for hash in ["", "blake3:", "sha256:00", &HASH[..HASH.len() - 1], &HASH.replace('0', "x"), token] {
        check_with(&key(hash), &[(3, "W301")]);
    }
    let other = key(HASH).replace("\"a\"", "\"b\"");
    check_with(&format!("{}{other}", key(HASH)), &[(6, "W007")]);
    check_with(&(key(HASH) + "priority_cap = 9\nrpm = 1\n"), &[]);
    check_with(
        &(key(HASH) + "priority_cap = 10\nrpm = 0\ntpm = -1\n"),
        &[(4, "W006"), (5, "W006"), (6, "W006")],
    );
    for (weight, expected) in
        [("1", None), ("1000", None), ("0", Some("W006")), ("-1", Some("W006")), ("1.5", Some("W004"))]
    {
        let expected: Vec<_> = expected.map(|code| (4, code)).into_iter().collect();
        check_with(&format!("{}weight = {weight}\n", key(HASH)), &expected);
    }
}

#[test]
fn a_pool_degrades_to_another_pool_and_never_in_a_circle() {
    let chain = |links: &[(&str, &str)], expected: &[(usize, &str)]| {
        let pool = |(model, to): &(&str, &str)| {
            let to = if to.is_empty() { "deadline_s = 600".into() } else { format!("degrade_to = \"{to}\"") };
            format!("[[pool]]\nmodel = \"{model}\"\n{to}\nendpoints = [\"a\"]\n")
        };
        let endpoint = "[[endpoint]]\nname = \"a\"\nbase_url = \"http://127.0.0.1\"\n";
        let mut expected = expected.to_vec();
        expected.push((2, "W902"));
        expected.sort_unstable();
        check(&(endpoint.to_owned() + &links.iter().map(pool).collect::<String>()), &expected);
    };
    chain(&[("one", "two"), ("two", "three"), ("three", "")], &[]);
    chain(&[("one", "three"), ("two", "three"), ("three", ""), ("*", "one")], &[]);
    chain(&[("one", "tow"), ("two", "")], &[(6, "W204")]);
    chain(&[("one", "one"), ("two", "")], &[(6, "W204")]);
    chain(&[("one", "*"), ("*", "")], &[(6, "W204")]);
    chain(&[("one", "two"), ("two", "one")], &[(10, "W205")]);
    chain(&[("in", "one"), ("one", "two"), ("two", "three"), ("three", "one")], &[(18, "W205")]);
    chain(
        &[("one", "two"), ("two", "one"), ("three", "four"), ("four", "three")],
        &[(10, "W205"), (18, "W205")],
    );
}

#[test]
fn a_wrong_stand_in_is_shown_with_the_one_meant_and_a_circle_with_its_links() {
    let pools = "degrade_to = \"deepseek-v4-pr\"\n[[pool]]\nmodel = \"deepseek-v4-pro\"\nendpoints = [\"deepseek\"]\n";
    let text = format!("{}{pools}", super::MINIMAL);
    let shown = |text: &str| super::parse(text).err().unwrap().to_string();
    let wanted = "error[W204]: no pool has the model `deepseek-v4-pr`\n  --> weir.toml:10:14\n10 | degrade_to = \"deepseek-v4-pr\"\n   |              ^^^^^^^^^^^^^^^^\n  help: did you mean `deepseek-v4-pro`?\n";
    assert!(shown(&text).contains(wanted), "{}", shown(&text));
    let circle = format!("{}degrade_to = \"deepseek-flash\"\n", text.replace("-v4-pr\"", "-v4-pro\""));
    let wanted = [
        "error[W205]: pools stand in for each other in a circle: `deepseek-v4-pro` → `deepseek-flash` → `deepseek-v4-pro`\n",
        "help: end the chain at the cheapest model: remove `degrade_to` from its pool",
    ];
    for part in wanted {
        assert!(shown(&circle).contains(part), "{}", shown(&circle));
    }
}

#[test]
fn listeners_are_addresses_and_differ() {
    check_with("[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n", &[]);
    check_with("[server]\nlisten = \"[::1]:8080\"\nadmin = \"0.0.0.0:9180\"\n", &[]);
    for address in ["localhost:8080", ":8080", "127.0.0.1", "127.0.0.1:70000", ""] {
        check_with(&format!("[server]\nlisten = \"{address}\"\n"), &[(2, "W401")]);
    }
    check_with("[server]\nlisten = \"127.0.0.1:9180\"\n", &[(1, "W402")]);
    check_with("[server]\nadmin = \"0.0.0.0:8080\"\n", &[(2, "W402")]);
}

#[test]
fn other_machines_may_call_only_with_a_key() {
    let open = "[server]\nlisten = \"0.0.0.0:8080\"\n";
    check_with(open, &[(2, "W403")]);
    check_with("[server]\nlisten = \"[::]:8080\"\n", &[(2, "W403")]);
    check_with(&format!("{open}[[key]]\nname = \"a\"\nhash = \"{HASH}\"\n"), &[]);
}

#[test]
fn limits_that_would_stop_everything_are_refused() {
    check_with(
        "[server]\nworkers = 0\nconnections_max = 0\nkeep_alive_s = 0\n[attempts]\nmax = 0\nconnect_ms = 0\n[pressure]\nrequests_max = 0\n",
        &[(2, "W006"), (3, "W006"), (4, "W006"), (6, "W006"), (7, "W006"), (9, "W006")],
    );
    let days = "[queue]\naging_s = 86_401\nstanding_ms = 86_400_001\nstanding_wait_ms = 86_400_001\n";
    check_with(days, &[(2, "W006"), (3, "W006"), (4, "W006")]);
    check_with(&days.replace("401", "400").replace("400_001", "400_000"), &[]);
    check_with(
        "[queue]\naging_s = 0\nstanding_wait_ms = 0\ntenant_waiters_max = 0\ntenant_waiting_mib_max = 0\n",
        &[(2, "W006"), (3, "W006"), (4, "W006"), (5, "W006")],
    );
    check_with(
        "[queue]\nstanding_ms = 0\ntenant_waiters_max = 1\ntenant_waiting_mib_max = 1_048_577\n",
        &[(4, "W006")],
    );
    check_with("[queue]\nwaiters_max = 0\n[server]\ndrain_delay_s = 0\n", &[]);
    check_changed("models =", "max_concurrent = 0\nmodels =", &[(6, "W006")]);
    check_with("[attempts]\nstall_ms = 99999999999999999999\n", &[(2, "W006")]);
    check_changed(
        "models =",
        "price = { input = nan, output = inf, cached = 0 }\nmodels =",
        &[(6, "W006"), (6, "W006")],
    );
}

#[test]
fn limits_that_can_never_act_are_worth_a_note() {
    check_with("[attempts]\nfirst_token_ms = 599_999\n", &[]);
    check_with("[attempts]\nbackoff_ms = 9000\n", &[(2, "W901")]);
    check_changed("endpoints = [", "deadline_s = 10\nendpoints = [", &[(9, "W901"), (9, "W901")]);
}

#[test]
fn thresholds_of_pressure_are_three_and_rise() {
    let qps = |list: &str, expected: &[&str]| {
        let expected: Vec<_> = expected.iter().map(|code| (2, *code)).collect();
        check_with(&format!("[pressure]\nqps = {list}\n"), &expected);
    };
    qps("[500, 800, 1200]", &[]);
    qps("[1, 2, 3]", &[]);
    qps("[500, 500, 1200]", &["W501"]);
    qps("[1200, 800, 500]", &["W501", "W501"]);
    qps("[500, 1200, 800]", &["W501"]);
    qps("[0, 800, 1200]", &["W006"]);
    qps("[500, 800, 10_000_001]", &["W006"]);
    qps("[500, 800]", &["W006"]);
    qps("[]", &["W006"]);
    qps("[1, 2, 3, 4]", &["W006"]);
    qps("[500, 800, \"1200\"]", &["W004"]);
    qps("500", &["W004"]);
    check_with("[pressure]\nmemory_mib_max = 15\nlevels = 3\n", &[(2, "W006"), (3, "W003")]);
    check_with("[pressure]\nmemory_mib_max = 16\n", &[]);
}

#[test]
fn thresholds_out_of_order_are_shown_with_their_values_and_the_order_meant() {
    let text = format!("{}[pressure]\nqps = [500, 1200, 800]\n", super::MINIMAL);
    let shown = super::parse(&text).err().unwrap().to_string();
    let wanted = [
        "error[W501]: `qps` must rise: sheds above 800 requests a second, and answers in a cheaper way above 1200 already",
        "11 | qps = [500, 1200, 800]\n   |                   ^^^\n  help: in order: qps = [500, 800, 1200]",
    ];
    for part in wanted {
        assert!(shown.contains(part), "{shown}");
    }
    let short = super::parse(&text.replace(", 800]", "]")).err().unwrap().to_string();
    assert!(short.contains("`qps` must be a list of 3, not a list of 2"), "{short}");
    assert!(short.contains("write 3 of them, or leave out `qps`"), "{short}");
}

#[test]
fn values_have_their_types() {
    check_with(
        "[server]\npass_other_paths = \"yes\"\nworkers = 1.5\nlisten = 8080\n",
        &[(2, "W004"), (3, "W004"), (4, "W004")],
    );
    check_with("[[cache]]\nmode = \"all\"\n", &[(1, "W004")]);
    check_changed("[[pool]]", "[pool]", &[(7, "W004")]);
    check_changed("[\"deepseek\"]", "\"deepseek\"", &[(9, "W004")]);
    check_changed(
        "models = [\"deepseek-flash\", \"deepseek-v4-pro\"]",
        "models = [\"a\", 1, true]",
        &[(6, "W004"), (6, "W004")],
    );
    check_changed("models =", "model_map = { a = 1 }\nmodels =", &[(6, "W004")]);
}

#[test]
fn a_certificate_file_must_be_there() {
    check_with("[attempts]\nca_file = \"/no/such.pem\"\n", &[(2, "W107")]);
}

#[test]
fn a_redis_is_at_an_address_and_its_nodes_share_a_secret() {
    let secret = "[cache]\nsecret = \"env:DEEPSEEK_API_KEY\"\n";
    let redis = |url: &str| format!("{secret}[cache.redis]\nurl = \"{url}\"\n");
    for url in [
        "redis://h",
        "rediss://h:6380/1",
        "redis://[::1]:6379",
        "redis-cluster://a:1,b:2",
        "rediss-cluster://a",
    ] {
        check_with(&redis(url), &[]);
    }
    for url in [
        "",
        "h:6379",
        "http://h",
        "redis://",
        "redis://user:sk-pass@h",
        "redis-cluster://a,,b",
        "redis://h:x",
    ] {
        check_with(&redis(url), &[(4, "W601")]);
    }
    check_with(&redis("redis://h").replace(secret, ""), &[(1, "W105")]);
    check_with(&format!("{}password = \"sk-0123456789\"\n", redis("redis://h")), &[(5, "W104")]);
    check_with(&format!("{}password = \"env:NOT_SET\"\n", redis("redis://h")), &[(5, "W105")]);
    for reference in ["caller", "sk-0123456789", "env:"] {
        check_with(&format!("[cache]\nsecret = \"{reference}\"\n"), &[(2, "W104")]);
    }
    check_with("[cache]\nsecret = \"env:SHORT\"\n", &[(2, "W105")]);
}

#[test]
fn questions_that_are_alike_are_told_by_something_and_by_models_that_exist() {
    let semantic = |more: &str| format!("[cache.semantic]\n{more}");
    check_with(&semantic("path = \"/weights\"\n"), &[]);
    check_with(&semantic(""), &[(1, "W005")]);
    check_with(&semantic("embedder = \"model\"\n"), &[(1, "W005")]);
    check_with(&semantic("embedder = \"model\"\nmodel = \"deepseek-flash\"\n"), &[]);
    check_with(&semantic("embedder = \"model\"\nmodel = \"other\"\n"), &[(3, "W206")]);
    check_with(&semantic("path = \"/weights\"\njudge_model = \"other\"\n"), &[(3, "W206")]);
    check_with(&semantic("path = \"/weights\"\nerror_max = 2\n"), &[(3, "W006")]);
}
