//! The layer in front of a site that is written in anything: a reverse proxy.
//!
//! `cargo run --example proxy`, with `UPSTREAM=http://127.0.0.1:8080`, `PORT=3000` (0 takes a free one) and
//! `POLICY=consent.toml` from the environment. Without a policy the whole catalog is known.

use std::{env, error::Error, fs};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower_consent::{ConsentLayer, Policy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = match env::var("POLICY") {
        Ok(path) => Policy::from_toml(&fs::read_to_string(path)?)?,
        Err(_) => Policy::default(),
    };
    let upstream: Uri = variable("UPSTREAM", "http://127.0.0.1:8080").parse()?;
    let port: u16 = variable("PORT", "3000").parse()?;

    let client = Client::builder(TokioExecutor::new()).build_http();
    let site = Router::new()
        .fallback(move |request| forward(client.clone(), upstream.clone(), request))
        .layer(ConsentLayer::new(policy));

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, site).await?)
}

fn variable(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Asks the site. The `Host` header stays what the visitor asked for.
async fn forward(
    client: Client<HttpConnector, Body>,
    upstream: Uri,
    mut request: Request,
) -> Response {
    let mut target = upstream.into_parts();
    target.path_and_query =
        request.uri().path_and_query().cloned().or(Some(PathAndQuery::from_static("/")));
    *request.uri_mut() = match Uri::from_parts(target) {
        Ok(uri) => uri,
        Err(problem) => return (StatusCode::BAD_GATEWAY, problem.to_string()).into_response(),
    };
    // They are about this connection, not the next one (RFC 9110, 7.6.1).
    for name in [header::CONNECTION, header::UPGRADE, header::TE] {
        request.headers_mut().remove(name);
    }
    match client.request(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(problem) => (StatusCode::BAD_GATEWAY, problem.to_string()).into_response(),
    }
}
