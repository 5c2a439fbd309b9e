//! A service, a gateway in front of it, and a caller that sees bytes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weir_mock::{FaultPlan, LogEntry, Mock, Options, Profile};

/// A misbehaving service on a runtime of its own.
pub struct Service {
    mock: Mock,
    // After the mock, so that it is dropped last.
    _runtime: tokio::runtime::Runtime,
}

impl Service {
    /// An instant service with faults.
    pub fn with(faults: &str) -> Self {
        let service = Self::start(Options { profile: Profile::Instant, ..Options::default() });
        service.faults(faults);
        service
    }

    /// An instant service that works on so many calls at one time, and refuses one more.
    pub fn limited(concurrent_max: u32) -> Self {
        let concurrent_max = Some(concurrent_max);
        Self::start(Options { profile: Profile::Instant, concurrent_max, ..Options::default() })
    }

    fn start(options: Options) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mock = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            Mock::start(listener, options).await.unwrap()
        });
        Self { mock, _runtime: runtime }
    }

    /// Other faults from now on.
    pub fn faults(&self, rules: &str) {
        let plan = FaultPlan::parse(&format!(r#"{{"rules":[{rules}]}}"#)).unwrap();
        self.mock.set_faults(plan);
    }

    pub fn log(&self) -> Vec<LogEntry> {
        self.mock.log()
    }

    /// An `[[endpoint]]` for it.
    pub fn endpoint(&self, name: &str) -> String {
        let url = self.mock.base_url();
        format!("[[endpoint]]\nname = \"{name}\"\nbase_url = \"{url}\"\nmodels = [\"deepseek-flash\"]\n")
    }
}

/// A gateway: the built binary, on free ports.
pub struct Weir {
    child: Child,
    pub data: String,
    pub admin: String,
    file: PathBuf,
    stderr: std::thread::JoinHandle<String>,
}

impl Weir {
    /// A gateway with one pool over the services, in order of preference.
    pub fn before(services: &[&Service], extra: &str) -> Self {
        let names: Vec<_> = (0..services.len()).map(|index| format!("s{index}")).collect();
        let endpoints: String =
            services.iter().zip(&names).map(|(service, name)| service.endpoint(name)).collect();
        let quoted =
            |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let pool = format!(
            "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [{}]\nfallback = [{}]\n",
            quoted(&names[..1]),
            quoted(&names[1..])
        );
        Self::start(&format!("{endpoints}{pool}{extra}"))
    }

    /// A gateway with this config, but for its listeners.
    pub fn start(config: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}.toml", std::process::id()));
        let server = "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";
        let config = match config.split_once("[server]\n") {
            Some((before, after)) => format!("{before}[server]\n{server}{after}"),
            None => format!("[server]\n{server}{config}"),
        };
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["serve", "--config"])
            .arg(&file)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = |label: &str| {
            let mut seen = String::new();
            loop {
                let line = lines.next().unwrap_or_else(|| panic!("no `{label}` line in:\n{seen}")).unwrap();
                if let Some(rest) = line.trim_start().strip_prefix(label) {
                    let url = rest.split_whitespace().next().unwrap();
                    return url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
                }
                seen.push_str(&line);
                seen.push('\n');
            }
        };
        let (data, admin) = (address("serving"), address("admin"));
        let stderr = std::thread::Builder::new()
            .spawn(move || lines.map_while(Result::ok).map(|line| line + "\n").collect())
            .unwrap();
        Self { child, data, admin, file, stderr }
    }

    /// Sends a signal, by name.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end; the log lines and the exit code.
    pub fn ended(mut self) -> (String, Option<i32>) {
        let status = self.child.wait().unwrap();
        let stderr = std::mem::replace(&mut self.stderr, std::thread::spawn(String::new));
        (stderr.join().unwrap(), status.code())
    }

    /// Asks the operator's port.
    pub fn admin(&self, path: &str) -> Reply {
        Caller::to(&self.admin).send("GET", path, &[], "").read()
    }

    /// Runs another command of the binary: what it prints, and its exit code.
    pub fn run(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = Command::new(env!("CARGO_BIN_EXE_weir")).args(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    /// The same with this gateway's config.
    pub fn run_with_config(&self, args: &[&str]) -> (String, Option<i32>) {
        let config = self.file.display().to_string();
        self.run(&[args, &["--config", &config]].concat())
    }

    /// Throws answers out of the cache.
    pub fn purge(&self, which: &str) -> Reply {
        Caller::to(&self.admin).send("POST", &format!("/cache/purge?{which}"), &[], "").read()
    }

    /// Calls chat completions.
    pub fn chat(&self, body: &str) -> Reply {
        self.post("/v1/chat/completions", &[], body)
    }

    /// Calls a path.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        Caller::to(&self.data).send("POST", path, headers, body).read()
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _removed = std::fs::remove_file(&self.file);
    }
}

/// A connection of a caller, and what it has read so far.
pub struct Caller(TcpStream, Vec<u8>);

impl Caller {
    pub fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream, Vec::new())
    }

    /// Sends one request, after whose answer the connection closes.
    pub fn send(mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n");
        if !body.is_empty() {
            head.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // A gateway that refuses a body early may close before all of it is written.
        let _refused_early = self.0.write_all(format!("{head}\r\n{body}").as_bytes());
        self
    }

    /// Reads until some bytes have come.
    pub fn until(&mut self, mark: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let seen = String::from_utf8_lossy(&self.1);
            if seen.contains(mark) {
                return seen.into_owned();
            }
            let read = self.0.read(&mut buffer).unwrap();
            assert!(read > 0, "the connection closed before `{mark}`: {seen}");
            self.1.extend_from_slice(&buffer[..read]);
        }
    }

    /// Reads the answer to its end.
    pub fn read(mut self) -> Reply {
        // A reset is an end too: what came before it counts.
        let reset = self.0.read_to_end(&mut self.1).is_err();
        Reply::parse(&self.1, reset)
    }
}

/// An answer as the caller saw it.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The body ended in order: its length was reached, or its last chunk came.
    pub whole: bool,
}

impl Reply {
    fn parse(bytes: &[u8], reset: bool) -> Self {
        let at = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("the answer has a head");
        let head = String::from_utf8_lossy(&bytes[..at]);
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let rest = &bytes[at + 4..];
        let (body, whole) = match headers.get("content-length") {
            Some(length) => (rest.to_vec(), rest.len() == length.parse::<usize>().unwrap()),
            None if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") => {
                dechunk(rest)
            }
            None => (rest.to_vec(), !reset),
        };
        Self { status, headers, body: String::from_utf8(body).unwrap(), whole }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The events of a stream that have something to say.
    pub fn events(&self) -> Vec<serde_json::Value> {
        let datas =
            self.body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        datas
            .map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
            .collect()
    }

    /// The text of a chat stream.
    pub fn text(&self) -> String {
        let chunks = self.body.lines().filter_map(|line| line.strip_prefix("data: {"));
        let content = |chunk: &str| {
            let chunk: serde_json::Value = serde_json::from_str(&format!("{{{chunk}")).unwrap();
            chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
        };
        chunks.map(content).collect()
    }
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let Ok(length) = usize::from_str_radix(&String::from_utf8_lossy(&rest[..at]), 16) else {
            return (body, false);
        };
        if length == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(at + 2..at + 2 + length) else { return (body, false) };
        body.extend_from_slice(chunk);
        rest = rest.get(at + 4 + length..).unwrap_or_default();
    }
}

/// The smallest chat request.
pub const PLAIN: &str = r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"hi"}]}"#;
/// The same, streamed.
pub const STREAM: &str =
    r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
