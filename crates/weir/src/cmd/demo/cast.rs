//! Who plays: four services in this process, and a gateway in front of them.

use anyhow::Context;
use tokio::net::TcpListener;
use weir_mock::{FaultPlan, Mock, Options, Profile};

use crate::config::Config;
use crate::gateway::Gateway;

/// What goes wrong at the first service besides its profile's congestion.
const BROKEN_STREAMS: &str = r#"{
    "rules": [{"fault": "cut_rst_after", "probability": 0.05, "after_tokens": 12, "stream": true}],
    "profile_faults": false
}"#;

/// The model that is rushed, and the calls that its only service takes at one time.
pub const RUSHED: &str = "deepseek-v4-pro";
pub const PLACES: u32 = 8;

/// How long a kept answer is fresh, in seconds: so short that some go stale while one looks.
pub const FRESH_S: u64 = 5;

/// The services and the gateway.
pub struct Cast {
    congested: Mock,
    healthy: Mock,
    small: Mock,
    rushed: Mock,
    gateway: Gateway,
}

impl Cast {
    /// Starts everyone. A port that is taken is replaced by a free one.
    pub async fn start(seed: u64) -> anyhow::Result<Self> {
        let mock = async |port: u16, name: &str, profile, concurrent_max| -> anyhow::Result<Mock> {
            let name = name.to_owned();
            let options = Options { profile, seed, name, concurrent_max, ..Options::default() };
            Ok(Mock::start(listen(port).await?, options).await?)
        };
        let congested = mock(9101, "sim-a", Profile::Peak, None).await?;
        let healthy = mock(9102, "sim-b", Profile::Calm, None).await?;
        let small = mock(9103, "sim-c", Profile::Calm, None).await?;
        let rushed = mock(9104, "sim-d", Profile::Calm, Some(PLACES)).await?;
        let config = config(&congested, &healthy, &small, &rushed);
        let loaded = Config::parse("demo.toml", &config, &|_| None)
            .map_err(|problems| anyhow::anyhow!("the demo's own config is bad: {problems}"))?;
        let (data, admin) = (listen(8080).await?, listen(9180).await?);
        let gateway = Gateway::start_on(&loaded, data, admin)?;
        Ok(Self { congested, healthy, small, rushed, gateway })
    }

    /// The services forget everything and begin anew with their seed.
    pub fn reset(&self) -> anyhow::Result<()> {
        for service in self.all() {
            service.reset();
        }
        // Besides its congestion, one answer in twenty breaks off: for both arms alike.
        let plan = FaultPlan::parse(BROKEN_STREAMS)
            .map_err(|error| anyhow::anyhow!("the demo's own fault plan is bad: {error}"))?;
        self.congested.set_faults(plan);
        Ok(())
    }

    /// Calls the services have seen since the last reset.
    pub fn calls(&self) -> u64 {
        self.all().iter().map(|service| service.log().len() as u64).sum()
    }

    const fn all(&self) -> [&Mock; 4] {
        [&self.congested, &self.healthy, &self.small, &self.rushed]
    }

    /// Streams that the first service has cut since the last reset.
    pub fn cut(&self) -> u64 {
        self.congested
            .log()
            .iter()
            .filter(|attempt| attempt.fault.as_deref() == Some("cut_rst_after"))
            .count() as u64
    }

    /// Of those, the ones the gateway brought to their end all the same, since it started.
    pub fn rescued(&self) -> u64 {
        self.gateway.rescued()
    }

    /// The service that congests.
    pub fn service_url(&self) -> String {
        format!("{}/v1", self.congested.base_url())
    }

    /// The services, each with what it is like.
    pub fn services(&self) -> [(&'static str, String, &'static str); 4] {
        [
            (
                "sim-a",
                self.congested.addr().to_string(),
                "first choice; congests in bursts (503, 429, late first tokens); one stream in twenty is cut",
            ),
            ("sim-b", self.healthy.addr().to_string(), "healthy, dearer; asked when sim-a cannot"),
            ("sim-c", self.small.addr().to_string(), "healthy, small: eight calls at a time"),
            (
                "sim-d",
                self.rushed.addr().to_string(),
                "another model, eight calls at a time; rushed at the end, when sim-a's model may stand in",
            ),
        ]
    }

    /// The gateway itself.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The gateway's base URL.
    pub fn gateway_url(&self) -> String {
        format!("http://{}/v1", self.gateway.data)
    }

    /// The gateway's admin URL.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.gateway.admin)
    }

    /// Stops everyone.
    pub async fn stop(self) {
        self.gateway.stop(std::future::ready(())).await;
        self.congested.stop().await;
        self.healthy.stop().await;
        self.small.stop().await;
        self.rushed.stop().await;
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(_taken) => TcpListener::bind(("127.0.0.1", 0)).await.context("no port is free on 127.0.0.1"),
    }
}

fn config(congested: &Mock, healthy: &Mock, small: &Mock, rushed: &Mock) -> String {
    let endpoint = |name: &str, mock: &Mock, limit: usize, output: f64| {
        format!(
            "[[endpoint]]\nname = \"{name}\"\nbase_url = \"{}\"\nmodels = [\"deepseek-flash\"]\n\
             max_concurrent = {limit}\nprice = {{ input = 0.15, cached = 0.003, output = {output} }}\n",
            mock.base_url()
        )
    };
    [
        "[telemetry]\naccess_log = false\nlevel = \"error\"\n".to_owned(),
        format!("[cache]\nttl_s = {FRESH_S}\n"),
        endpoint("sim-a", congested, 128, 0.6),
        endpoint("sim-b", healthy, 128, 1.2),
        endpoint("sim-c", small, 8, 1.2),
        "[[pool]]\nmodel = \"deepseek-flash\"\nendpoints = [\"sim-a\"]\nfallback = [\"sim-b\", \"sim-c\"]\n"
            .to_owned(),
        format!(
            "[[endpoint]]\nname = \"sim-d\"\nbase_url = \"{}\"\nmodels = [\"{RUSHED}\"]\nmax_concurrent = {PLACES}\n",
            rushed.base_url()
        ),
        format!("[[pool]]\nmodel = \"{RUSHED}\"\nendpoints = [\"sim-d\"]\ndegrade_to = \"deepseek-flash\"\n"),
    ]
    .concat()
}
