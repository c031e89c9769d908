//! Example News: a small site behind the consent layer, and a stand-in for the third parties that it calls.
//!
//! `cargo run --example server`, with `PORT`, `REGIME=opt-in|opt-out|notice` and `LAYER=on|off` from the environment;
//! `CSP` takes the place of the pages' own Content-Security-Policy, `META_CSP` stands in the pages themselves, and `PAGES` is
//! a folder of more pages, `/name` for `name.html`.

mod site;
mod standin;

use std::{
    env,
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use axum::Router;
use tokio::net::TcpListener;
use tower_consent::{ConsentLayer, CookieRule, Policy, Regime, Vendor, category};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    // The layer warns about what it drops undeclared; a developer wants to see that.
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();

    let port = port()?;
    let (regime_name, regime) = regime()?;
    let layer_is_on = layer_is_on()?;

    // "localhost" while the site is "127.0.0.1": to a browser the two are different sites, as third parties are.
    let third_party = format!("http://localhost:{}", port + 1);
    let news = site::router(&third_party)?;
    let news = if layer_is_on {
        news.layer(ConsentLayer::new(policy(regime, &third_party)?))
    } else {
        news
    };

    let news_listener = listen(port).await?;
    let third_party_listener = listen(port + 1).await?;
    say_what_to_try(port, regime_name, layer_is_on);
    tokio::try_join!(serve(news_listener, news), serve(third_party_listener, standin::router()))?;
    Ok(())
}

/// What Example News declares. `mystery`, which its pages set too, is left out on purpose.
fn policy(regime: Regime, third_party: &str) -> Result<Policy> {
    Ok(Policy::builder("Example News")
        .regime(regime)
        .cookie_rule(
            CookieRule::new("session", category::NECESSARY)
                .purpose("Keeps your place while you are here")
                .lifetime("Until you close the browser"),
        )
        .cookie_rule(
            CookieRule::new("visitor_id", category::ANALYTICS)
                .purpose("Counts how many readers a story has")
                .lifetime("1 year"),
        )
        .cookie_rule(
            CookieRule::new("ad_id", category::MARKETING)
                .purpose("Remembers which advertisements you have seen")
                .lifetime("90 days"),
        )
        .header("x-visitor-id", category::ANALYTICS)
        .vendor(
            Vendor::new("example-metrics", "Example Metrics", category::ANALYTICS)
                .host("localhost/tag.js")
                .csp("script-src", third_party),
        )
        .vendor(
            Vendor::new("example-ads", "Example Ads", category::MARKETING)
                .host("localhost/pixel.gif")
                .csp("img-src", third_party),
        )
        .vendor(
            Vendor::new("example-video", "Example Video", category::MARKETING)
                .host("localhost/embed")
                .csp("frame-src", third_party),
        )
        .privacy_url("/privacy")
        .build()?)
}

fn port() -> Result<u16> {
    let value = variable("PORT", "3000");
    match value.parse() {
        Ok(port @ 1..=65534) => Ok(port),
        _ => Err(format!(
            "PORT={value}: expected a number from 1 to 65534 (the next one is taken, too)"
        )
        .into()),
    }
}

fn regime() -> Result<(&'static str, Regime)> {
    match variable("REGIME", "opt-in").as_str() {
        "opt-in" => Ok(("opt-in", Regime::OptIn)),
        "opt-out" => Ok(("opt-out", Regime::OptOut)),
        "notice" => Ok(("notice", Regime::Notice)),
        other => Err(format!("REGIME={other}: expected opt-in, opt-out or notice").into()),
    }
}

fn layer_is_on() -> Result<bool> {
    match variable("LAYER", "on").as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("LAYER={other}: expected on or off").into()),
    }
}

fn variable(name: &str, default: &str) -> String {
    env::var_os(name)
        .map_or_else(|| default.to_owned(), |value| value.to_string_lossy().into_owned())
}

async fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.map_err(|error| {
        format!("Can't listen on 127.0.0.1:{port}: {error}. PORT=4000 picks other ports.").into()
    })
}

async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
    axum::serve(listener, app).await
}

fn say_what_to_try(port: u16, regime: &str, layer_is_on: bool) {
    let site = format!("http://127.0.0.1:{port}");
    let others = format!("http://127.0.0.1:{}", port + 1);
    let layer = if layer_is_on {
        format!("consent layer on, {regime}")
    } else {
        "consent layer off".to_owned()
    };
    let text = format!(
        "\
Example News    {site}  ({layer})
Third parties   {others}  (a stand-in that counts its visits)

Try
  {site}/article   has a video, a script and a pixel of the third parties
  {others}/hits      says which of them were called
  curl -si {site}/ | grep -i -e set-cookie -e visitor -e accept-ch -e nel -e report-to
  curl -s {site}/echo -H 'Cookie: session=1; visitor_id=2; ad_id=3'

Another way: REGIME=opt-out (or notice), LAYER=off, PORT=4000, CSP=\"default-src 'none'\". Ctrl-C stops.
"
    );
    // Not println!: it would panic where nobody reads the output.
    let _ = io::stdout().write_all(text.as_bytes());
}
