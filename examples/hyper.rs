//! The layer without axum: a plain hyper server, HTTP/1.1 and HTTP/2.
//!
//! `cargo run --example hyper`, then open `http://127.0.0.1:3000`.

use std::{convert::Infallible, error::Error};

use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_consent::{Consent, ConsentLayer, Policy, category};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder("Example News")
        .cookie("session", category::NECESSARY)
        .cookie("visitor_id", category::ANALYTICS)
        .build()?;
    let service = ServiceBuilder::new().layer(ConsentLayer::new(policy)).service_fn(front_page);
    let service = TowerToHyperService::new(service);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("Open http://127.0.0.1:3000");
    loop {
        let (connection, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let connection = TokioIo::new(connection);
            // A visitor who hangs up is no news.
            let _ = server.serve_connection(connection, service).await;
        });
    }
}

/// Sets `visitor_id` on everyone, which the layer lets through only for those who agreed.
async fn front_page(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let consent = request.extensions().get::<Consent>();
    let counted = consent.is_some_and(|consent| consent.allows(category::ANALYTICS));
    let counted =
        if counted { "Your visit is counted. Thank you." } else { "Your visit is not counted." };

    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Example News</title>\n<h1>Example News</h1>\n<p>{counted}</p>\n"
    );
    let mut response = Response::new(page);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers
        .insert(header::SET_COOKIE, HeaderValue::from_static("visitor_id=1; Path=/; SameSite=Lax"));
    Ok(response)
}
