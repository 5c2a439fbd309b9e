//! A server that is nothing but hyper: it reads a request and gives one constant answer.
//!
//! What a hit of weir's cache can come near to at best, since it comes through the same library; how far it stays below
//! is weir's own work. One thread, the allocator that weir has.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use anyhow::Context;
use bytes::Bytes;
use clap::Parser;
use http::{Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::chat::usual_answer_body;

/// Where to serve.
#[derive(Parser, Clone)]
pub struct Arguments {
    /// Port on 127.0.0.1.
    #[arg(long)]
    pub port: u16,
}

/// Serves until the process is ended.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await.context("listening")?;
    let body = Bytes::from(usual_answer_body());
    LocalSet::new()
        .run_until(async move {
            loop {
                let (socket, _) = listener.accept().await.context("accepting")?;
                socket.set_nodelay(true)?;
                let body = body.clone();
                let service = service_fn(move |request| answer(request, body.clone()));
                tokio::task::spawn_local(async move {
                    // A caller that leaves ends its connection with an error; that is its right.
                    let _left = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
                });
            }
        })
        .await
}

async fn answer(request: http::Request<Incoming>, body: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    // A body that breaks off breaks its connection, and hyper sees to that.
    let _read = request.into_body().collect().await;
    let mut response = Response::new(Full::new(body));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
