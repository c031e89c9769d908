//! What the benches share: requests as browsers send them, and a clock for variants side by side.

// Each bench uses a part.
#![allow(dead_code)]

use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_consent::{ConsentLayer, ConsentService, CookieRule, Policy, Regime, category};

/// A site like many: some cookies of each kind, and a glob.
pub(crate) fn policy(regime: Regime) -> Policy {
    Policy::builder("Example News")
        .regime(regime)
        .cookie("session", category::NECESSARY)
        .cookie("csrf", category::NECESSARY)
        .cookie("theme", category::PREFERENCES)
        .cookie_rule(CookieRule::new("_ga*", category::ANALYTICS).lifetime("2 years"))
        .cookie("ad_id", category::MARKETING)
        .header("x-visitor-id", category::ANALYTICS)
        .privacy_url("/privacy")
        .build()
        .expect("the policy is right")
}

/// The application: the same answer to everyone, made anew each time.
pub(crate) fn app(
    content_type: &'static str,
    body: Bytes,
) -> impl Service<
    Request<Full<Bytes>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Future<Output = Result<Response<Full<Bytes>>, Infallible>>,
> + Clone {
    service_fn(move |_: Request<Full<Bytes>>| {
        let body = body.clone();
        async move {
            let mut response = Response::new(Full::new(body));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            Ok(response)
        }
    })
}

/// The same application behind the layer.
pub(crate) fn layered<S>(app: S) -> ConsentService<S> {
    layered_under(Regime::OptIn, app)
}

/// The same under another regime than opt-in.
pub(crate) fn layered_under<S>(regime: Regime, app: S) -> ConsentService<S> {
    ConsentLayer::new(policy(regime)).layer(app)
}

/// What Chromium sends with a `fetch` (`accept: */*`).
pub(crate) fn fetch_headers() -> HeaderMap {
    headers(&[
        ("accept", "*/*"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("referer", "https://news.example/article"),
    ])
}

/// What Chromium sends when a page is opened.
pub(crate) fn document_headers() -> HeaderMap {
    headers(&[
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("upgrade-insecure-requests", "1"),
    ])
}

fn headers(own: &[(&'static str, &'static str)]) -> HeaderMap {
    let common = [
        ("host", "news.example"),
        ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\""),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", "\"Linux\""),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
        ),
        ("sec-fetch-site", "same-origin"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ];
    let all = common.iter().chain(own);
    all.map(|&(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// These headers and a cookie line.
pub(crate) fn with_cookie(mut headers: HeaderMap, line: &str) -> HeaderMap {
    headers.insert(header::COOKIE, HeaderValue::from_str(line).expect("a cookie line"));
    headers
}

/// The choice cookie of a visitor who presses this button, as the layer itself sets it.
pub(crate) fn choice_cookie(choice: &str) -> String {
    let mut site = layered(app("text/plain", Bytes::new()));
    let mut request = Request::post("/_consent/choice")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("choice={choice}"))))
        .expect("a request");
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("news.example"));
    let response = ready(site.call(request)).expect("infallible");
    let lines = response.headers().get_all(header::SET_COOKIE).iter();
    let line = lines.filter_map(|line| line.to_str().ok()).find(|line| line.contains("consent="));
    let line = line.expect("a choice cookie");
    line.split(';').next().unwrap_or_default().to_owned()
}

pub(crate) fn request(path: &'static str, headers: HeaderMap) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = http::Uri::from_static(path);
    *request.headers_mut() = headers;
    request
}

/// One request's whole life: the answer's head made, its body read, all dropped.
pub(crate) fn serve<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> usize
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let response = ready(service.call(request)).unwrap_or_else(|never| match never {});
    let mut body = pin!(response.into_body());
    let mut context = Context::from_waker(Waker::noop());
    let mut length = 0;
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut context) {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    length
}

/// What a future that never waits comes to.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// One variant under the clock.
pub(crate) struct Variant<'a> {
    pub(crate) name: &'static str,
    run: Box<dyn FnMut(Request<Full<Bytes>>) -> usize + 'a>,
    path: &'static str,
    headers: HeaderMap,
    batches: Vec<Duration>,
}

/// The time of one request, in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    pub(crate) least: f64,
    pub(crate) median: f64,
}

/// How many requests are timed at once.
const BATCH: usize = 32;

impl<'a> Variant<'a> {
    pub(crate) fn new<S, B>(
        name: &'static str,
        mut service: S,
        path: &'static str,
        headers: HeaderMap,
    ) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + 'a,
        B: Body<Data = Bytes>,
    {
        let run = Box::new(move |request| serve(&mut service, request));
        Self { name, run, path, headers, batches: Vec::new() }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        request(self.path, self.headers.clone())
    }

    fn time_batch(&mut self) {
        let requests: Vec<_> = (0..BATCH).map(|_| self.request()).collect();
        let start = Instant::now();
        for request in requests {
            std::hint::black_box((self.run)(std::hint::black_box(request)));
        }
        self.batches.push(start.elapsed());
    }

    pub(crate) fn time(&mut self) -> Time {
        self.batches.sort_unstable();
        let at = |index: usize| self.batches[index].as_nanos() as f64 / BATCH as f64;
        Time { least: at(0), median: at(self.batches.len() / 2) }
    }

    /// Allocations of one request, the request's own aside, and their bytes.
    pub(crate) fn allocations(&mut self) -> (u64, u64) {
        let request = self.request();
        let counted = allocation_counter::measure(|| {
            (self.run)(request);
        });
        (counted.count_total, counted.bytes_total)
    }
}

/// Times the variants in turns, so that what else the machine does falls on all of them.
pub(crate) fn alternate(variants: &mut [Variant<'_>]) {
    let rounds =
        std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3000);
    for round in 0..rounds + rounds / 10 {
        if round == rounds / 10 {
            // So far it was to warm up.
            variants.iter_mut().for_each(|variant| variant.batches.clear());
        }
        variants.iter_mut().for_each(Variant::time_batch);
    }
}

/// Says whether a measure meets its target.
pub(crate) fn verdict(value: f64, target: f64) -> &'static str {
    if value <= target { "ok" } else { "MISSED" }
}
