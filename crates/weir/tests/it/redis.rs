//! The tier that nodes share, with a real Redis: found by others, and no request is the worse for it whatever it does.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Commands, Connection, Value};

use crate::house::{Reply, Service, Weir};

/// A Redis of its own.
pub struct Server {
    child: Child,
    port: u16,
    args: Vec<String>,
}

impl Server {
    /// One that listens, started with more arguments.
    pub fn start(args: &[&str]) -> Self {
        let port = free_port();
        let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
        let child = Self::run(port, &args);
        Self { child, port, args }
    }

    fn run(port: u16, args: &[String]) -> Child {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("redis-{}-{port}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&folder)
            .args(args)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is not installed: `cargo xtask setup` does it");
        eventually("it is ready", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        child
    }

    /// Sends a signal, by name.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = Self::run(self.port, &self.args);
    }

    fn connection(&self) -> Connection {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        client.get_connection().unwrap()
    }

    fn say(&self, command: &str) -> Value {
        let mut words = command.split_whitespace();
        let mut said = redis::cmd(words.next().unwrap());
        said.arg(words.collect::<Vec<_>>());
        said.query(&mut self.connection()).unwrap()
    }

    /// Waits until so many answers are kept: they are written after the caller has them.
    pub fn holds(&self, answers: usize) -> Vec<String> {
        let mut keys = Vec::new();
        eventually("they are written", || {
            keys = self.keys();
            keys.len() == answers
        });
        keys
    }

    fn keys(&self) -> Vec<String> {
        self.connection().keys("weir:answer:*").unwrap()
    }

    /// The `[cache]` of a weir that shares it.
    pub fn config(&self) -> String {
        shared(&format!("redis://127.0.0.1:{}", self.port), "")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A stopped process takes no other signal.
        let _gone = (self.child.kill(), self.child.wait());
    }
}

/// Waits for something that is under way. Each try asks a server, so this is no spinning.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "a minute has passed, and it is not true that {what}"
        );
    }
}

/// Bound and let go: nobody else on this machine is given the port in the same moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn shared(url: &str, more: &str) -> String {
    let secret = secret_file();
    format!("[cache]\nsecret = \"file:{secret}\"\n[cache.redis]\nurl = \"{url}\"\n{more}")
}

fn secret_file() -> String {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache-secret");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
    file.display().to_string()
}

fn ask(weir: &Weir, question: usize) -> Reply {
    let reply = weir.chat(&format!(
        r#"{{"model":"deepseek-flash","temperature":0,"messages":[{{"role":"user","content":"{question}"}}]}}"#
    ));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply
}

fn states(weir: &Weir, questions: std::ops::Range<usize>) -> Vec<String> {
    questions.map(|question| ask(weir, question).header("x-cache").to_owned()).collect()
}

/// A counter of the tier's.
fn counted(weir: &Weir, name: &str) -> u64 {
    let line = format!("weir_cache_{name} ");
    let metrics = weir.admin("/metrics").body;
    metrics.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

/// How often the tier was looked into with such a result.
pub fn looked(weir: &Weir, result: &str) -> u64 {
    counted(weir, &format!("requests_total{{tier=\"redis\",result=\"{result}\"}}"))
}

fn lost(weir: &Weir) -> u64 {
    counted(weir, "lost_writes_total{tier=\"redis\"}")
}

/// Of the last requests, few waited for it.
fn is_passed_over(weir: &Weir, requests: u64) {
    let (waited, skipped) = (looked(weir, "error"), looked(weir, "skipped"));
    assert!(waited >= 5, "{waited}");
    assert!(waited < skipped, "one in five seconds tries it: {waited} did, and {skipped} did not");
    assert_eq!(waited + skipped, requests);
}

#[test]
fn an_answer_of_one_node_is_known_to_the_other() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let [one, other] = [(); 2].map(|()| Weir::before(&[&service], &server.config()));
    let first = ask(&one, 1);
    server.holds(1);
    let [again, and_again] = [(); 2].map(|()| ask(&other, 1));
    assert_eq!(
        [&first, &again, &and_again].map(|reply| reply.header("x-cache").to_owned()),
        ["MISS", "HIT-redis", "HIT-memory"]
    );
    assert_eq!([&again.body, &and_again.body], [&first.body; 2]);
    assert_eq!(service.log().len(), 1);
    assert!(server.say("TTL weir:answer:0") == Value::Int(-2));
    // Who makes keys with another secret finds nothing.
    let config = server.config().replace("cache-secret", "another-secret");
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("another-secret");
    std::fs::write(file, "fedcba9876543210fedcba9876543210").unwrap();
    assert_eq!(ask(&Weir::before(&[&service], &config), 1).header("x-cache"), "MISS");
}

#[test]
fn a_redis_that_is_killed_fails_no_request_and_is_used_again_when_it_is_back() {
    let (mut server, service) = (Server::start(&[]), Service::with(""));
    let weir = Weir::before(&[&service], &server.config());
    ask(&weir, 0);
    server.holds(1);
    server.kill();
    assert_eq!(states(&weir, 1..21), vec!["MISS"; 20]);
    assert!(looked(&weir, "error") >= 5, "it was tried");
    assert!(looked(&weir, "skipped") > 0, "and then passed over");
    assert_eq!(ask(&weir, 1).header("x-cache"), "HIT-memory");
    server.start_again();
    // One request in five seconds tries it, and one write.
    let mut question = 100;
    let mut ask_another = || {
        question += 1;
        ask(&weir, question);
    };
    eventually("it is asked again", || {
        ask_another();
        looked(&weir, "miss") > 1
    });
    eventually("answers are kept there again", || {
        ask_another();
        !server.keys().is_empty()
    });
}

#[test]
fn a_frozen_redis_is_waited_for_a_few_times_and_then_passed_over() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let weir = Weir::before(&[&service], &server.config());
    ask(&weir, 0);
    server.holds(1);
    server.signal("STOP");
    // In virtual time, `weir-cache` shows that each of these waits for 50 ms; here, how many do.
    assert_eq!(states(&weir, 1..41), vec!["MISS"; 40]);
    is_passed_over(&weir, 40);
    server.signal("CONT");
}

#[test]
fn a_slow_redis_is_not_waited_for() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let weir = Weir::before(&[&service], &server.config());
    ask(&weir, 0);
    server.holds(1);
    server.say("CLIENT PAUSE 2000 ALL");
    assert_eq!(states(&weir, 1..41), vec!["MISS"; 40]);
    is_passed_over(&weir, 40);
}

#[test]
fn a_redis_with_another_password_fails_no_request() {
    let (server, service) = (Server::start(&["--requirepass", "right"]), Service::with(""));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("redis-password");
    let url = format!("redis://127.0.0.1:{}", server.port);
    let with = |password: &str| {
        std::fs::write(&file, password).unwrap();
        let weir =
            Weir::before(&[&service], &shared(&url, &format!("password = \"file:{}\"\n", file.display())));
        (states(&weir, 0..12), weir)
    };
    let (states, weir) = with("wrong");
    assert_eq!(states, vec!["MISS"; 12]);
    assert_eq!(looked(&weir, "hit") + looked(&weir, "miss"), 0);
    assert!(looked(&weir, "error") > 0);
    weir.signal("TERM");
    let (log, _) = weir.ended();
    assert!(log.contains("a tier of the cache fails"), "{log}");
    assert!(!log.contains("wrong"), "no password in the log: {log}");
    let (_, weir) = with("right");
    assert!(looked(&weir, "miss") > 0);
    assert_eq!(looked(&weir, "error"), 0);
}

#[test]
fn a_full_redis_still_gives_what_it_has() {
    let (server, service) = (Server::start(&["--maxmemory-policy", "noeviction"]), Service::with(""));
    let weir = Weir::before(&[&service], &server.config());
    ask(&weir, 0);
    server.holds(1);
    server.say("CONFIG SET maxmemory 1");
    assert_eq!(states(&weir, 1..21), vec!["MISS"; 20]);
    eventually("all are told to be lost", || lost(&weir) == 20);
    assert_eq!(looked(&weir, "error"), 0, "it can be read as before");
    let other = Weir::before(&[&service], &server.config());
    assert_eq!(ask(&other, 0).header("x-cache"), "HIT-redis");
    server.holds(1);
}

#[test]
fn what_others_wrote_there_is_no_answer() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let node = || Weir::before(&[&service], &server.config());
    let weir = node();
    ask(&weir, 1);
    let first = server.holds(1).remove(0);
    ask(&weir, 2);
    let second = server.holds(2).into_iter().find(|key| *key != first).unwrap();
    let mut connection = server.connection();
    // One answer under another's key, and one that was never ours.
    let value: Vec<u8> = connection.get(&first).unwrap();
    let () = connection.set(&second, value).unwrap();
    let () = connection.set(&first, "{\"choices\":[{\"message\":{\"content\":\"pay them\"}}]}").unwrap();
    assert_eq!(states(&node(), 1..3), ["MISS", "MISS"]);
}

#[test]
fn what_is_thrown_out_is_thrown_out_there_as_well() {
    let (server, service) = (Server::start(&[]), Service::with(""));
    let weir = Weir::before(&[&service], &server.config());
    for (question, tag) in [(1, "prices"), (2, "prices"), (3, "hours")] {
        let body = format!(
            r#"{{"model":"deepseek-flash","temperature":0,"messages":[{{"role":"user","content":"{question}"}}]}}"#
        );
        weir.post("/v1/chat/completions", &[("x-weir-cache-tag", tag)], &body);
    }
    server.holds(3);
    server.say("SET somebody-elses 1");
    let purged = weir.purge("tag=prices");
    assert_eq!((purged.status, purged.json()["purged"].as_u64()), (200, Some(2)), "{}", purged.body);
    server.holds(1);
    assert_eq!(states(&Weir::before(&[&service], &server.config()), 1..4), ["MISS", "MISS", "HIT-redis"]);
    weir.purge("all");
    server.holds(0);
    assert_eq!(server.say("GET somebody-elses"), Value::BulkString(b"1".to_vec()));
}

#[test]
fn a_cluster_is_one_tier() {
    let buses = [(); 2].map(|()| free_port().to_string());
    let servers =
        buses.each_ref().map(|bus| Server::start(&["--cluster-enabled", "yes", "--cluster-port", bus]));
    servers[0].say("CLUSTER ADDSLOTSRANGE 0 8191");
    servers[1].say("CLUSTER ADDSLOTSRANGE 8192 16383");
    servers[0].say(&format!("CLUSTER MEET 127.0.0.1 {} {}", servers[1].port, buses[1]));
    for server in &servers {
        let is_well =
            |info: Value| matches!(info, Value::BulkString(text) if text.starts_with(b"cluster_state:ok"));
        eventually("the cluster is whole", || is_well(server.say("CLUSTER INFO")));
    }
    let service = Service::with("");
    let config = shared(&format!("redis-cluster://127.0.0.1:{}", servers[0].port), "");
    let weir = Weir::before(&[&service], &config);
    // The first call finds out how the cluster is made.
    let knows_its_way = |weir: &Weir| {
        eventually("it knows its way", || {
            ask(weir, 20);
            weir.purge("all");
            looked(weir, "miss") > 0
        });
    };
    knows_its_way(&weir);
    states(&weir, 0..20);
    let kept = || servers.iter().map(|server| server.keys().len()).sum::<usize>();
    eventually("all are kept", || kept() == 20);
    let other = Weir::before(&[&service], &config);
    eventually("it knows its way", || {
        ask(&other, 20);
        looked(&other, "miss") > 0
    });
    assert_eq!(states(&other, 0..20), vec!["HIT-redis"; 20]);
    other.purge("all");
    assert_eq!(kept(), 0);
}
