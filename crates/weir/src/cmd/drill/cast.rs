//! Who plays in one drill: two services in this process, and a gateway with default settings in front of
//! them, but for what a scenario says of its services.

use tokio::net::TcpListener;
use weir_drill::{Scenario, Stage, Upstream};
use weir_mock::{Mock, Options};

use crate::config::Config;
use crate::gateway::Gateway;

/// The model that goes to the primary and falls back to the fallback.
pub const MODEL: &str = "drill";

/// The services, the gateway, and where they are.
pub struct Cast {
    primary: Mock,
    fallback: Mock,
    gateway: Gateway,
    stage: Stage,
}

impl Cast {
    /// Starts everyone on free ports, as `scenario` wants them; `mark` makes this drill's prompts its own.
    pub async fn start(scenario: &Scenario, mark: String) -> anyhow::Result<Self> {
        let primary = service("primary").await?;
        let fallback = service("fallback").await?;
        let config = config(&primary, &fallback, scenario);
        let loaded = Config::parse("drill.toml", &config, &|_| None)
            .map_err(|problems| anyhow::anyhow!("the drill's own config is bad: {problems}"))?;
        let gateway = Gateway::start_on(&loaded, listen().await?, listen().await?)?;
        let stage = Stage {
            gateway: format!("http://{}", gateway.data),
            model: MODEL.to_owned(),
            key: None,
            primary: Upstream::new(&primary.base_url())?,
            fallback: Upstream::new(&fallback.base_url())?,
            mark,
        };
        Ok(Self { primary, fallback, gateway, stage })
    }

    /// What the drill needs to know of them.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Stops everyone.
    pub async fn stop(self) {
        self.gateway.stop(std::future::ready(())).await;
        self.primary.stop().await;
        self.fallback.stop().await;
    }
}

async fn service(name: &str) -> anyhow::Result<Mock> {
    let options = Options { name: name.to_owned(), models: Vec::new(), ..Options::default() };
    Ok(Mock::start(listen().await?, options).await?)
}

async fn listen() -> anyhow::Result<TcpListener> {
    crate::gateway::bind("127.0.0.1:0", "a drill's own").await
}

/// Each service has a name of its own for the model, so that an answer can be asked whose it is.
fn config(primary: &Mock, fallback: &Mock, scenario: &Scenario) -> String {
    let http2 = scenario.http2;
    let continuation = if scenario.takes_prefill { "continuation = \"trailing\"\n" } else { "" };
    let endpoint = |name: &str, mock: &Mock| {
        format!(
            "[[endpoint]]\nname = \"{name}\"\nbase_url = \"{}\"\nhttp2 = {http2}\n\
             model_map = {{ {MODEL} = \"{MODEL}-{name}\" }}\n{continuation}",
            mock.base_url()
        )
    };
    [
        "[telemetry]\naccess_log = false\nlevel = \"error\"\n".to_owned(),
        endpoint("primary", primary),
        endpoint("fallback", fallback),
        format!("[[pool]]\nmodel = \"{MODEL}\"\nendpoints = [\"primary\"]\nfallback = [\"fallback\"]\n"),
    ]
    .concat()
}
