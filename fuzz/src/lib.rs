//! What the targets share: a small site behind the layer, used only as its users can.

use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::{Arc, LazyLock, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_consent::{Choice, Consent, ConsentLayer, CookieRule, Policy, Regime, Vendor, category};

pub const HOST: &str = "www.news.example";
pub const CHOICE_COOKIE: &str = "__Host-consent";
/// All that a visitor is asked about.
pub const ASKED: [&str; 4] = ["preferences", "analytics", "marketing", "example-video"];

/// The cookies of the site, and what each belongs to.
pub const COOKIES: [(&str, &str); 5] = [
    ("session", "necessary"),
    ("theme", "preferences"),
    ("_ga*", "analytics"),
    ("ad_id", "marketing"),
    ("video", "example-video"),
];

pub fn layer(regime: Regime) -> ConsentLayer {
    let video = Vendor::new("example-video", "Video", category::MARKETING).ask_separately();
    let mut policy = Policy::builder("Test").regime(regime).vendor(video);
    for (name, slug) in COOKIES {
        policy = policy.cookie_rule(CookieRule::new(name, slug).path("/app"));
    }
    ConsentLayer::new(policy.build().unwrap())
}

/// What a cookie of this name belongs to, read once more from [`COOKIES`]; none if undeclared.
pub fn belongs_to(name: &[u8]) -> Option<&'static str> {
    let is_named = |rule: &str| match rule.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        None => name == rule.as_bytes(),
    };
    COOKIES.iter().find(|(rule, _)| is_named(rule)).map(|(_, slug)| *slug)
}

/// Whether a cookie of this name may pass, as the requirements say it (G2 to G5).
pub fn may_pass(name: &[u8], consent: &Consent) -> bool {
    let allows_all = || ASKED.iter().all(|slug| consent.allows(slug));
    name == CHOICE_COOKIE.as_bytes()
        || match belongs_to(name) {
            Some(slug) => consent.allows(slug),
            None => consent.regime() != Regime::OptIn && allows_all(),
        }
}

/// What the application saw of a request.
pub struct Seen {
    pub headers: HeaderMap,
    pub consent: Consent,
}

/// Sends a request to the site, whose application answers with `answer`.
pub fn send(
    layer: &ConsentLayer,
    request: Request<Full<Bytes>>,
    answer: Response<Full<Bytes>>,
) -> (Response<Bytes>, Option<Seen>) {
    let seen = Arc::new(Mutex::new(None));
    let answer = Arc::new(Mutex::new(Some(answer)));
    let app = service_fn(|request: Request<Full<Bytes>>| {
        let consent = request.extensions().get::<Consent>().cloned().unwrap();
        *seen.lock().unwrap() = Some(Seen { headers: request.headers().clone(), consent });
        let answer = answer.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(answer) }
    });
    let response = ready(layer.layer(app).oneshot(request)).unwrap_or_else(|never| match never {});
    let (parts, body) = response.into_parts();
    let body = ready(body.collect()).unwrap().to_bytes();
    let seen = seen.lock().unwrap().take();
    (Response::from_parts(parts, body), seen)
}

/// A request of a script, with these lines of `Cookie`.
pub fn get<'a>(cookies: impl IntoIterator<Item = &'a [u8]>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = "/api".parse().unwrap();
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static(HOST));
    headers.insert("sec-fetch-dest", HeaderValue::from_static("empty"));
    for line in cookies {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, line);
        }
    }
    request
}

/// A choice as a form sends it.
pub fn post(form: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = get([]);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = "/_consent/choice".parse().unwrap();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, form_type);
    *request.body_mut() = Full::new(form.into());
    request
}

/// The choice cookie that this response sets, as a browser sends it back.
pub fn choice_cookie<B>(response: &Response<B>) -> Option<Vec<u8>> {
    let mut lines = set_cookies(response).into_iter().filter(|line| {
        line.starts_with(CHOICE_COOKIE.as_bytes()) && !line.windows(9).any(|at| at == b"Max-Age=0")
    });
    let line = lines.next()?;
    assert!(lines.next().is_none(), "the choice cookie is set once");
    assert!(line.is_ascii() && line.len() < 700);
    Some(line.split(|&byte| byte == b';').next().unwrap().to_vec())
}

pub fn set_cookies<B>(response: &Response<B>) -> Vec<Vec<u8>> {
    let lines = response.headers().get_all(header::SET_COOKIE).iter();
    lines.map(|line| line.as_bytes().to_vec()).collect()
}

/// What is allowed to a visitor with this cookie.
pub fn consent_with(layer: &ConsentLayer, cookie: &[u8]) -> Consent {
    let (_, seen) = send(layer, get([cookie]), Response::default());
    seen.unwrap().consent
}

/// The answers, in the order of [`ASKED`].
pub fn allowed(consent: &Consent) -> [bool; 4] {
    ASKED.map(|slug| consent.allows(slug))
}

/// A choice that a handler makes travels in a cookie that means the same when it comes back.
pub fn assert_comes_back(layer: &ConsentLayer, choice: Choice, expected: [bool; 4]) {
    let mut answer = Response::new(Full::default());
    answer.extensions_mut().insert(choice);
    let (response, _) = send(layer, get([]), answer);
    let cookie = choice_cookie(&response).expect("a choice is kept");
    let back = consent_with(layer, &cookie);
    assert!(back.is_decided());
    assert_eq!(allowed(&back), expected);
}

/// Whether a browser that stands on the site stays there when it follows this.
pub fn stays_here(location: &str) -> bool {
    let base = url::Url::parse("https://www.news.example/_consent/choice").unwrap();
    location.starts_with('/') && base.join(location).is_ok_and(|url| url.origin() == base.origin())
}

/// A visitor's state, chosen by a byte: the regime, and the cookie of a choice made before.
pub fn state(byte: u8) -> &'static (ConsentLayer, Option<Vec<u8>>) {
    static STATES: LazyLock<Vec<(ConsentLayer, Option<Vec<u8>>)>> =
        LazyLock::new(|| (0..16).map(make_state).collect());
    &STATES[usize::from(byte & 15)]
}

fn make_state(byte: u8) -> (ConsentLayer, Option<Vec<u8>>) {
    let regimes = [Regime::OptIn, Regime::OptIn, Regime::OptOut, Regime::Notice];
    let layer = layer(regimes[usize::from(byte & 3)]);
    let form = match byte >> 2 {
        0 => return (layer, None),
        1 => "choice=accept",
        2 => "choice=reject",
        _ => "choice=save&allow=analytics&allow=example-video",
    };
    let (response, _) = send(&layer, post(form), Response::default());
    let cookie = choice_cookie(&response).expect("a choice is kept");
    (layer, Some(cookie))
}

/// What a future that never waits comes to.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}
