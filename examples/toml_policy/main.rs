//! The policy in a file of its own, `consent.toml`, that people who don't write Rust can read and change.
//!
//! `cargo run --example toml_policy`, then open `http://127.0.0.1:3000`.

use std::error::Error;

use axum::{
    Router,
    http::header::SET_COOKIE,
    response::{AppendHeaders, Html, IntoResponse},
    routing::get,
};
use tokio::net::TcpListener;
use tower_consent::{ConsentLayer, Policy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::from_toml(include_str!("consent.toml"))?;
    let app = Router::new()
        .route("/", get(front_page))
        .route("/privacy", get(Html("<!doctype html><title>Privacy</title><h1>Privacy</h1>")))
        .layer(ConsentLayer::new(policy));

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("Open http://127.0.0.1:3000");
    axum::serve(listener, app).await?;
    Ok(())
}

/// Sets three cookies and a header on everyone. The policy decides which of them a visitor gets.
async fn front_page() -> impl IntoResponse {
    let cookies = AppendHeaders([
        (SET_COOKIE, "session=1; Path=/; HttpOnly; SameSite=Lax"),
        (SET_COOKIE, "visitor_id=1; Path=/; SameSite=Lax"),
        (SET_COOKIE, "chat_id=1; Path=/; SameSite=Lax"),
    ]);
    let page =
        Html("<!doctype html><html lang=\"en\"><title>Example News</title><h1>Example News</h1>");
    (cookies, [("x-visitor-id", "1")], page)
}
