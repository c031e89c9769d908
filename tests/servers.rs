//! One app on axum and on plain hyper, over HTTP/1.1 and HTTP/2: a visitor's whole way, many at once,
//! and services that aren't ready or fail.

mod transport;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll, Waker},
};

use axum::{Router, body::Body, response::IntoResponse, routing::get as on_get};
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_consent::{Consent, ConsentLayer, ConsentService, category};
use transport::{net::*, *};

/// Sets one cookie for each purpose, and says what it was sent and allowed.
fn front_page(headers: &HeaderMap, consent: &Consent) -> Response<String> {
    let cookies = joined(headers, "cookie").unwrap_or_default();
    let page = format!(
        "<!doctype html><title>News</title><body><p>Cookies: [{cookies}]<p>Measured: {}",
        consent.allows(category::ANALYTICS)
    );
    let mut response = html(page);
    for line in ["session=s; Path=/", "visitor_id=v; Path=/", "ad_id=a; Path=/", "mystery=m"] {
        response.headers_mut().append("set-cookie", line.parse().unwrap());
    }
    response
}

fn lint<B>() -> impl Fn(Response<B>) -> Response<lint_body::LintBody<B>> + Clone
where
    B: http_body::Body,
{
    |response| response.map(lint_body::LintBody::new)
}

async fn on_hyper() -> Server {
    let app = service_fn(|request: Request<Incoming>| async move {
        let consent = request.extensions().get::<Consent>().unwrap();
        Ok::<_, Infallible>(front_page(request.headers(), consent))
    });
    let service =
        ServiceBuilder::new().map_response(lint()).layer(layer()).map_response(lint()).service(app);
    net::hyper(service).await
}

async fn on_axum() -> Server {
    let page = |request: axum::extract::Request| async move {
        let consent = request.extensions().get::<Consent>().unwrap();
        front_page(request.headers(), consent)
    };
    let layers = ServiceBuilder::new()
        .map_response(|response: Response<_>| response.map(lint_body::LintBody::new))
        .layer(layer())
        .map_response(|response: Response<Body>| response.map(lint_body::LintBody::new));
    let router = Router::new()
        .route("/", on_get(page))
        .route("/api/time", on_get(|| async { axum::Json("noon").into_response() }))
        .fallback(page)
        .layer(layers);
    net::axum(router).await
}

/// A visitor without JavaScript: follows what the page and the answers say, and keeps cookies.
struct Visitor {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    async fn new(server: &Server, protocol: Protocol) -> Self {
        Self { client: Client::connect(server, protocol).await, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, mut request: Request<String>) -> Arrived {
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = with(request, "cookie", &pairs.join("; "));
        }
        let arrived = self.client.send(request).await;
        for line in arrived.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Domain=") {
                // Another jar than that of the host alone, where all of this test's cookies are.
            } else if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        arrived
    }

    async fn open(&mut self, path: &str) -> Arrived {
        self.send(navigate(path)).await
    }

    /// Presses a button of the banner that this page shows; comes back with the page that follows.
    async fn press(&mut self, page: &Arrived, choice: &str, allow: &[&str]) -> Arrived {
        let banner = std::str::from_utf8(banner(&page.body)).unwrap();
        let button = format!("name=choice value={choice}>");
        assert!(banner.contains(&button), "no button for {choice}");
        let mut form = format!(
            "choice={choice}&return_to={}",
            encode(attribute(banner, "name=return_to value="))
        );
        for slug in allow {
            assert!(banner.contains(&format!("name=allow value={slug}")), "no toggle for {slug}");
            form += &format!("&allow={slug}");
        }
        let mut request = navigate(attribute(banner, "method=post action="));
        *request.method_mut() = Method::POST;
        for (name, value) in [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "http://news.example"),
            ("sec-fetch-site", "same-origin"),
        ] {
            request = with(request, name, value);
        }
        *request.body_mut() = form;
        let answer = self.send(request).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert!(answer.header("cache-control").unwrap().contains("no-store"));
        self.open(&answer.header("location").unwrap()).await
    }

    fn names(&self) -> Vec<&str> {
        self.cookies.keys().map(String::as_str).collect()
    }
}

fn attribute<'a>(html: &'a str, before: &str) -> &'a str {
    let start = html.find(before).unwrap_or_else(|| panic!("no {before}")) + before.len();
    let (value, ends): (_, &[char]) = match html[start..].strip_prefix('"') {
        Some(quoted) => (quoted, &['"']),
        None => (&html[start..], &[' ', '>']),
    };
    value.split(ends).next().unwrap()
}

fn encode(text: &str) -> String {
    text.replace("&amp;", "&").replace('%', "%25").replace('&', "%26").replace('+', "%2B")
}

const CHOICE: &str = "__Host-consent";

#[tokio::test]
async fn c7_a_visitors_whole_way_on_every_server_and_protocol() {
    let servers = [("hyper", on_hyper().await), ("axum", on_axum().await)];
    for (name, server) in &servers {
        for protocol in PROTOCOLS {
            println!("{name}, {protocol:?}");
            let mut visitor = Visitor::new(server, protocol).await;

            // Asked, and not followed: on the next page neither.
            for _ in 0..2 {
                let page = visitor.open("/story?a=1&b=2").await;
                assert!(page.asks() && page.text().contains("Measured: false"));
                assert_eq!(visitor.names(), ["session"]);
            }
            let page = visitor.open("/story?a=1&b=2").await;
            assert!(page.text().contains("Cookies: [session=s]"));

            // Yes to all: back on the same page, cookies come and reach the app.
            let page = visitor.press(&page, "accept", &[]).await;
            assert!(page.has_banner() && !page.asks() && page.text().contains("Measured: true"));
            assert_eq!(visitor.names(), [CHOICE, "ad_id", "session", "visitor_id"]);
            let page = visitor.open("/story?a=1&b=2").await;
            assert!(page.text().contains("ad_id=a") && page.text().contains("visitor_id=v"));

            // Some, by the settings behind the tab: what is denied goes at once.
            let page = visitor.press(&page, "save", &["analytics"]).await;
            assert!(!page.asks() && page.text().contains("Measured: true"));
            assert_eq!(visitor.names(), [CHOICE, "session", "visitor_id"]);

            // Withdrawn.
            let page = visitor.press(&page, "reject", &[]).await;
            assert!(page.has_banner() && !page.asks() && page.text().contains("Measured: false"));
            assert_eq!(visitor.names(), [CHOICE, "session"]);
            let page = visitor.open("/").await;
            assert!(!page.asks() && !page.text().contains("visitor_id=v"));

            // No prompt, and no cookie, on what is no page.
            let state = visitor.send(get("/_consent/state")).await;
            assert!(state.text().contains("\"decided\":true"), "{}", state.text());
        }
    }
}

#[tokio::test]
async fn e2_the_form_brings_the_visitor_back_to_the_page_they_were_on() {
    let server = on_hyper().await;
    let mut client = Client::connect(&server, Protocol::Http1).await;
    for path in ["/", "/story?a=1&b=2", "/%C3%A9?q=%22%3E", "/a'b"] {
        let page = client.send(navigate(path)).await;
        let banner = std::str::from_utf8(banner(&page.body)).unwrap();
        let value = attribute(banner, "name=return_to value=");
        let value = value.replace("&#39;", "'").replace("&amp;", "&");
        assert_eq!(value, path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v1_a_hundred_visitors_at_once_each_see_their_own_page() {
    let servers = [on_hyper().await, on_axum().await];
    let mut visits = tokio::task::JoinSet::new();
    for n in 0..100_usize {
        let (server, protocol) = (&servers[n % 2], PROTOCOLS[n / 2 % 2]);
        let mut client = Client::connect(server, protocol).await;
        visits.spawn(async move {
            for turn in 0..5 {
                let state = (n + turn) % 3;
                let cookie = ["a=b".to_owned(), choice("accept"), choice("reject")][state].clone();
                let path = format!("/story/{n}/{turn}");
                let page = client.send(with(navigate(&path), "cookie", &cookie)).await;
                assert_eq!(page.status, 200);
                assert_eq!(page.asks(), state == 0);
                assert_eq!(page.text().contains("Measured: true"), state == 1);
                assert!(page.text().contains(&format!("value=\"{path}\"")), "its own return_to");
            }
        });
    }
    let mut done = 0;
    while let Some(visit) = within(visits.join_next()).await {
        visit.unwrap();
        done += 1;
    }
    assert_eq!(done, 100);
}

#[tokio::test]
async fn h8_many_requests_share_a_connection_of_http_2() {
    let server = on_hyper().await;
    let Client::Http2(sender) = Client::connect(&server, Protocol::Http2).await else { panic!() };
    let send = |n: usize| {
        let mut sender = sender.clone();
        async move {
            let mut request = navigate("/");
            request.headers_mut().remove("host");
            *request.uri_mut() = format!("http://news.example/{n}").parse().unwrap();
            arrive(sender.send_request(request).await.unwrap()).await
        }
    };
    let pages = within(futures_util::future::join_all((0..50).map(send))).await;
    for (n, page) in pages.iter().enumerate() {
        assert!(page.asks() && page.text().contains(&format!("value=\"/{n}\"")), "{n}");
    }
}

/// A service that is what its maker says: ready, not yet, or broken.
#[derive(Clone)]
struct Moody {
    mood: Poll<Result<(), &'static str>>,
    answer: Result<&'static str, &'static str>,
}

impl Service<Request<String>> for Moody {
    type Response = Response<Boxed>;
    type Error = &'static str;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.mood
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        ready(self.answer.map(|page| html(full(page))))
    }
}

#[test]
fn a_service_that_is_not_ready_makes_the_layer_wait_or_fail() {
    let mut cx = Context::from_waker(Waker::noop());
    for mood in [Poll::Pending, Poll::Ready(Ok(())), Poll::Ready(Err("closed"))] {
        let mut service = layer().layer(Moody { mood, answer: Ok(PAGE) });
        assert_eq!(service.poll_ready(&mut cx), mood);
    }
}

#[tokio::test]
async fn an_error_of_the_service_is_passed_on_as_it_is() {
    let moody = Moody { mood: Poll::Ready(Ok(())), answer: Err("no database") };
    let service = layer().layer(moody);
    assert_eq!(service.clone().oneshot(navigate("/")).await.unwrap_err(), "no database");
    // The layer's own addresses need no application.
    let state = service.oneshot(get("/_consent/state")).await.unwrap();
    assert_eq!(state.status(), 200);
}

#[tokio::test]
async fn a_service_behind_limits_and_queues_works_and_gives_its_places_back() {
    let app = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(html(full(PAGE))) });
    let limited = tower::limit::ConcurrencyLimit::new(app, 1);
    let service = layer().layer(limited);
    for path in ["/", "/_consent/state", "/", "/_consent", "/"] {
        let answer = service.clone().oneshot(navigate(path)).await.unwrap();
        assert_eq!(arrive(answer).await.status, 200, "{path}");
    }
}

/// What must hold for the layer to be used with axum, and shared between threads.
#[test]
fn the_layers_types_are_as_free_as_what_they_wrap() {
    fn is_clone_send_sync<T: Clone + Send + Sync + 'static>() {}
    fn is_send<T: Send>(_: &T) {}
    fn is_send_sync<T: Send + Sync>() {}
    is_clone_send_sync::<ConsentLayer>();
    is_clone_send_sync::<ConsentService<Moody>>();
    is_clone_send_sync::<Consent>();
    is_send_sync::<tower_consent::ResponseBody<http_body_util::Full<bytes::Bytes>>>();
    is_send_sync::<tower_consent::ResponseBody<Incoming>>();
    let mut service = layer().layer(Moody { mood: Poll::Ready(Ok(())), answer: Ok(PAGE) });
    is_send(&service.call(navigate("/")));
}
