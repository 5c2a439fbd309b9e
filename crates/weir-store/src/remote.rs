//! Redis or Valkey, one server or a cluster, as a place for values that live for a while.
//!
//! What always holds: nothing here waits for a connection at the start; a server that is gone is connected to again by
//! itself, and until then each call ends with an error within [`ANSWER_MAX`]. Whoever has less time stops waiting sooner.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClientBuilder, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo, Value};

/// How long an answer is waited for.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How many times in a row a lost connection is made anew before a call is needed to begin again, and the longest pause.
const RECONNECTS: usize = 6;
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);
/// Keys asked for at a time when all are gone through.
const SCAN_COUNT: usize = 1000;

/// Where it is: `redis://` or `rediss://` (with TLS) for one server, `redis-cluster://` or `rediss-cluster://` with the
/// addresses of some of its nodes for a cluster.
#[derive(Clone, Debug)]
pub struct Address {
    nodes: Vec<ConnectionInfo>,
    is_cluster: bool,
}

/// An address that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// It does not begin as one.
    #[error("it begins with none of `redis://`, `rediss://`, `redis-cluster://` and `rediss-cluster://`")]
    Scheme,
    /// It has a user or a password in it, which belong elsewhere.
    #[error("it holds a user or a password")]
    Login,
    /// It is not a URL, or has no host.
    #[error("it is not a URL with a host, as in `redis://10.0.0.7:6379` or `redis://10.0.0.7:6379/1`")]
    Shape,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let (scheme, is_cluster) = match scheme {
            "redis" | "rediss" => (scheme, false),
            "redis-cluster" => ("redis", true),
            "rediss-cluster" => ("rediss", true),
            _ => return Err(AddressError::Scheme),
        };
        if rest.contains('@') {
            return Err(AddressError::Login);
        }
        let hosts: Vec<_> = if is_cluster { rest.split(',').collect() } else { vec![rest] };
        let nodes = hosts.into_iter().map(|host| node(scheme, host)).collect::<Result<_, _>>()?;
        Ok(Self { nodes, is_cluster })
    }
}

fn node(scheme: &str, host: &str) -> Result<ConnectionInfo, AddressError> {
    if host.is_empty() || host.starts_with(['/', ':', '?']) {
        return Err(AddressError::Shape);
    }
    let url = format!("{scheme}://{host}");
    url.as_str().into_connection_info().map_err(|_not_a_url| AddressError::Shape)
}

/// It cannot be set up, or did not do as it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RemoteError(#[from] redis::RedisError);

/// A connection, kept up by itself. Cloned freely.
#[derive(Clone)]
pub struct Remote(Link);

#[derive(Clone)]
enum Link {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

/// One server of a cluster; `None`: there is only one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node(Option<(String, u16)>);

impl Remote {
    /// Makes a connection as soon as it is needed. To be called within a runtime of tokio's.
    ///
    /// # Errors
    /// What is known of the server contradicts itself.
    pub fn new(address: Address, user: Option<&str>, password: Option<&str>) -> Result<Self, RemoteError> {
        let Address { nodes, is_cluster } = address;
        if is_cluster {
            let mut builder = ClusterClientBuilder::new(nodes)
                .connection_timeout(CONNECT_MAX)
                .response_timeout(ANSWER_MAX)
                .overall_response_timeout(Some(ANSWER_MAX))
                .retries(1);
            if let Some(user) = user {
                builder = builder.username(user);
            }
            if let Some(password) = password {
                builder = builder.password(password);
            }
            let client = builder.build()?;
            let config = ClusterConfig::new();
            return Ok(Self(Link::Cluster(client.get_pending_async_connection_with_config(config))));
        }
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(ANSWER_MAX))
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_number_of_retries(RECONNECTS)
            .set_max_delay(RECONNECT_PAUSE_MAX);
        let one = nodes.into_iter().next().expect("an address has at least one node");
        let mut login = RedisConnectionInfo::default().set_db(one.redis_settings().db());
        if let Some(user) = user {
            login = login.set_username(user);
        }
        if let Some(password) = password {
            login = login.set_password(password);
        }
        let client = Client::open(one.set_redis_settings(login))?;
        Ok(Self(Link::Server(ConnectionManager::new_lazy_with_config(client, config)?)))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// It cannot be had now.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, RemoteError> {
        self.ask(&Cmd::get(key)).await
    }

    /// The beginning of the value of a key; empty if there is none.
    ///
    /// # Errors
    /// It cannot be had now.
    pub async fn get_start(&self, key: &[u8], bytes: usize) -> Result<Vec<u8>, RemoteError> {
        let end = isize::try_from(bytes).unwrap_or(isize::MAX) - 1;
        self.ask(&Cmd::getrange(key, 0, end)).await
    }

    /// Keeps a value for so long.
    ///
    /// # Errors
    /// It is not kept: the server cannot be reached, or has no room.
    pub async fn set(&self, key: &[u8], value: &[u8], life: Duration) -> Result<(), RemoteError> {
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1);
        self.ask(&Cmd::pset_ex(key, value, life_ms)).await
    }

    /// Forgets a key. Says whether there was a value.
    ///
    /// # Errors
    /// It cannot be done now.
    pub async fn forget(&self, key: &[u8]) -> Result<bool, RemoteError> {
        self.ask(&Cmd::unlink(key)).await
    }

    /// The servers that have keys.
    ///
    /// # Errors
    /// They cannot be had now.
    pub async fn nodes(&self) -> Result<Vec<Node>, RemoteError> {
        let Link::Cluster(_) = &self.0 else { return Ok(vec![Node(None)]) };
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        // Each row: the first slot, the last, the primary as host and port and more, the replicas likewise.
        let rows: Vec<Vec<Value>> = self.ask(&slots).await?;
        let primary = |row: Vec<Value>| -> Option<Node> {
            let Some(Value::Array(primary)) = row.into_iter().nth(2) else { return None };
            let mut primary = primary.into_iter();
            let host = String::from_redis_value(primary.next()?).ok()?;
            Some(Node(Some((host, u16::from_redis_value(primary.next()?).ok()?))))
        };
        Ok(rows.into_iter().filter_map(primary).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Some keys of one server that begin like this, and where to go on; 0: at the beginning, and there are no more.
    ///
    /// # Errors
    /// They cannot be had now.
    pub async fn scan(
        &self,
        node: &Node,
        cursor: u64,
        start: &str,
    ) -> Result<(u64, Vec<Vec<u8>>), RemoteError> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{start}*")).arg("COUNT").arg(SCAN_COUNT);
        match (&self.0, &node.0) {
            (Link::Cluster(connection), Some((host, port))) => {
                let at = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                let value = connection.clone().route_command(scan, RoutingInfo::SingleNode(at)).await?;
                Ok(FromRedisValue::from_redis_value(value).map_err(redis::RedisError::from)?)
            }
            _ => self.ask(&scan).await,
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RemoteError> {
        Ok(match &self.0 {
            Link::Server(connection) => command.query_async(&mut connection.clone()).await?,
            Link::Cluster(connection) => command.query_async(&mut connection.clone()).await?,
        })
    }
}
