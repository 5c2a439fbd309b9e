//! Who plays: three services that fail at random, and weir in front of them with a config as an operator writes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, timeout};
use weir_mock::{FaultPlan, Mock, Options, Profile};

use crate::gateway::child::Child;
use crate::gateway::runs::free_ports;

/// The key that every request carries.
pub const TOKEN: &str = "weir-soak-token";

/// Calls that the services take at one time: the first choice, the fallback, the cheaper model.
const PLACES: [u32; 3] = [16, 8, 8];

/// What goes wrong, at each of them. Each call in a dozen is hurt, in every way that has been seen in life.
const FAULTS: &str = r#"{"rules":[
    {"fault":"status","status":503,"probability":0.02},
    {"fault":"status","status":429,"retry_after":"1","probability":0.01},
    {"fault":"status","status":500,"probability":0.005},
    {"fault":"reset","probability":0.01},
    {"fault":"close","probability":0.005},
    {"fault":"html_200","probability":0.005},
    {"fault":"empty_200","probability":0.005},
    {"fault":"silence","probability":0.003},
    {"fault":"slow_first_token","delay_ms":3000,"probability":0.01},
    {"fault":"cut_rst_after","after_tokens":10,"stream":true,"probability":0.02},
    {"fault":"cut_fin_after","after_tokens":20,"stream":true,"probability":0.01},
    {"fault":"stall_after_tokens","after_tokens":5,"stream":true,"probability":0.003}
]}"#;

/// The services and the gateway.
pub struct Cast {
    services: [Mock; 3],
    weir: Child,
    data: u16,
    admin: u16,
    folder: PathBuf,
}

impl Cast {
    /// Starts everyone and waits until weir can serve.
    pub async fn start(weir: &Path, seed: u64) -> anyhow::Result<Self> {
        let service = async |place: usize| -> anyhow::Result<Mock> {
            let options = Options {
                profile: Profile::Calm,
                seed: seed + place as u64,
                concurrent_max: Some(PLACES[place]),
                ..Options::default()
            };
            let mock = Mock::start(TcpListener::bind("127.0.0.1:0").await?, options).await?;
            mock.set_faults(FaultPlan::parse(FAULTS).context("the soak's own fault plan is bad")?);
            Ok(mock)
        };
        let services = [service(0).await?, service(1).await?, service(2).await?];
        let [data, admin] = free_ports()?;
        let folder = std::env::temp_dir().join(format!("weir-soak-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let file = folder.join("weir.toml");
        std::fs::write(&file, config(&services, data, admin)).with_context(|| file.display().to_string())?;
        let mut command = Command::new(weir);
        command.args(["serve", "--config"]).arg(&file);
        let weir = Child::start(command, &folder.join("weir.log"))?;
        let mut cast = Self { services, weir, data, admin, folder };
        let began = Instant::now();
        while cast.get("/readyz").await.is_err() {
            cast.ensure_alive()?;
            ensure!(began.elapsed() < Duration::from_secs(10), "weir is not ready after 10 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(cast)
    }

    /// Calls that the pool asked for takes at one time; the cheaper model's come on top, for those who are degraded.
    pub const fn places(&self) -> u32 {
        PLACES[0] + PLACES[1]
    }

    /// Where to call.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.data)
    }

    /// Weir's process.
    pub fn pid(&self) -> u32 {
        self.weir.pid()
    }

    /// An error with weir's last words if it has ended.
    pub fn ensure_alive(&mut self) -> anyhow::Result<()> {
        self.weir.ensure_alive()
    }

    /// Requests in the house.
    pub async fn in_flight(&self) -> anyhow::Result<u64> {
        let status: Value = serde_json::from_str(&self.get("/status").await?)?;
        status["in_flight"].as_u64().context("the status has no `in_flight`")
    }

    /// What is not at rest.
    pub async fn stuck(&self) -> anyhow::Result<String> {
        let status: Value = serde_json::from_str(&self.get("/status").await?)?;
        let mut counts = vec![("requests".to_owned(), &status["in_flight"])];
        for pool in status["pools"].as_array().into_iter().flatten() {
            counts.push((format!("waiting for {}", pool["model"]), &pool["waiting"]));
            counts.push((format!("permits of {}", pool["model"]), &pool["permits_out"]));
        }
        for endpoint in status["endpoints"].as_array().into_iter().flatten() {
            counts.push((format!("calls of {}", endpoint["endpoint"]), &endpoint["in_flight"]));
        }
        let held = counts.into_iter().filter(|(_, count)| count.as_u64() != Some(0));
        Ok(held.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", "))
    }

    /// How weir's own records say that requests ended.
    pub async fn outcomes(&self) -> anyhow::Result<String> {
        const NAME: &str = "weir_requests_total{";
        let text = self.get("/metrics").await?;
        let mut outcomes = Vec::new();
        for line in text.lines().filter_map(|line| line.strip_prefix(NAME)) {
            let (labels, count) = line.split_once("} ").context("a counter without a value")?;
            let outcome = labels.split("outcome=\"").nth(1).and_then(|rest| rest.split('"').next());
            if count != "0" {
                outcomes.push(format!("{} {count}", outcome.unwrap_or("-")));
            }
        }
        Ok(outcomes.join(", "))
    }

    /// Stops everyone and leaves nothing behind.
    pub async fn stop(self) {
        self.weir.stop().await;
        for service in self.services {
            service.stop().await;
        }
        // A folder left behind in the temporary directory harms nobody.
        let _left_behind = std::fs::remove_dir_all(&self.folder);
    }

    /// Asks weir's own port; an error for any status but 200.
    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let ask = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.admin)).await?;
            let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
            socket.write_all(request.as_bytes()).await?;
            let mut reply = String::new();
            socket.read_to_string(&mut reply).await?;
            anyhow::Ok(reply)
        };
        let reply = timeout(Duration::from_secs(5), ask).await.with_context(|| path.to_owned())??;
        let (head, body) = reply.split_once("\r\n\r\n").context("a reply without a head")?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "{path}: {}", head.lines().next().unwrap_or_default());
        Ok(body.to_owned())
    }
}

fn config(services: &[Mock; 3], data: u16, admin: u16) -> String {
    let endpoint = |name: &str, place: usize, model: &str| {
        format!(
            "[[endpoint]]\nname = \"{name}\"\nbase_url = \"{}\"\nmodels = [\"{model}\"]\n\
             price = {{ input = 0.15, cached = 0.003, output = 0.6 }}\nmax_concurrent = 64\n",
            services[place].base_url()
        )
    };
    let hash = blake3::hash(TOKEN.as_bytes()).to_hex();
    [
        format!("[server]\nlisten = \"127.0.0.1:{data}\"\nadmin = \"127.0.0.1:{admin}\"\nkeep_alive_s = 5\n"),
        "[telemetry]\nformat = \"json\"\n".to_owned(),
        "[attempts]\nfirst_token_ms = 5000\nstall_ms = 3000\nwhole_ms = 10000\n".to_owned(),
        endpoint("first", 0, "deepseek-flash"),
        endpoint("second", 1, "deepseek-flash"),
        endpoint("small", 2, "deepseek-v4-pro"),
        "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [\"first\"]\nfallback = [\"second\"]\n\
         degrade_to = \"deepseek-v4-pro\"\ndeadline_s = 30\n"
            .to_owned(),
        "[[pool]]\nmodel = \"deepseek-v4-pro\"\nendpoints = [\"small\"]\ndeadline_s = 30\n".to_owned(),
        format!("[[key]]\nname = \"soak\"\nhash = \"blake3:{hash}\"\nrpm = 1000000\ntpm = 1000000000\n"),
    ]
    .concat()
}
