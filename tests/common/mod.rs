//! What the tests share: one exchange through a `tower` stack, without sockets and without waiting.

#![allow(dead_code)]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_consent::{ConsentLayer, Policy};

pub(crate) type Body = Full<Bytes>;

/// What the application saw, and what the visitor got.
pub(crate) struct Exchange {
    /// Nothing where the layer answered itself.
    pub(crate) seen: Option<request::Parts>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Exchange {
    /// The request's head as the application saw it.
    pub(crate) fn app(&self) -> &request::Parts {
        self.seen.as_ref().expect("the application was asked")
    }

    /// The `Cookie` lines that the application saw.
    pub(crate) fn cookies_seen(&self) -> Vec<String> {
        lines(&self.app().headers, "cookie")
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        lines(&self.headers, "set-cookie")
    }

    /// The value that the choice cookie was set to, if it was.
    pub(crate) fn choice(&self) -> Option<String> {
        let line = self.set_cookies().into_iter().find(|line| line.starts_with("__Host-consent="));
        line.map(|line| line["__Host-consent=".len()..].split(';').next().unwrap().to_owned())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// The lines of this header, one by one; bytes that are no UTF-8 shown as U+FFFD.
pub(crate) fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
}

/// Sends the request through the layer to an application that gives this response.
pub(crate) fn exchange(
    layer: &ConsentLayer,
    request: Request<Body>,
    response: Response<Body>,
) -> Exchange {
    exchange_with(layer, request, |_| response)
}

/// Sends the request through the layer to this application.
pub(crate) fn exchange_with(
    layer: &ConsentLayer,
    request: Request<Body>,
    app: impl FnOnce(&request::Parts) -> Response<Body>,
) -> Exchange {
    let seen = Arc::new(Mutex::new(None));
    let app = Mutex::new(Some(app));
    let service =
        ServiceBuilder::new().layer(layer.clone()).service(service_fn(|request: Request<Body>| {
            let parts = request.into_parts().0;
            let app = app.lock().unwrap().take().expect("the application is asked once");
            let response = app(&parts);
            *seen.lock().unwrap() = Some(parts);
            async { Ok::<_, Infallible>(response) }
        }));
    let response = service.oneshot(request).now_or_never().expect("nothing to wait for").unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().now_or_never().expect("nothing to wait for").unwrap().to_bytes();
    let seen = seen.lock().unwrap().take();
    Exchange {
        seen,
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("an UTF-8 body"),
    }
}

pub(crate) fn layer(policy: Policy) -> ConsentLayer {
    ConsentLayer::new(policy)
}

pub(crate) fn get(path: &str) -> request::Builder {
    Request::get(path).header(header::HOST, "www.example.com")
}

/// A choice as the site's own pages send it.
pub(crate) fn post(form: &str) -> Request<Body> {
    post_to("/_consent/choice").body(Full::from(form.to_owned())).unwrap()
}

pub(crate) fn post_to(path: &str) -> request::Builder {
    Request::post(path)
        .header(header::HOST, "www.example.com")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

pub(crate) fn empty() -> Body {
    Full::default()
}

pub(crate) fn ok() -> Response<Body> {
    Response::new(empty())
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The value of a choice cookie made just now under revision 1: `+analytics-marketing`.
pub(crate) fn chosen(answers: &str) -> String {
    format!("1.1.{}.save.{answers}", now())
}

/// A request for `/` with this choice cookie.
pub(crate) fn visit(choice: &str) -> Request<Body> {
    get("/").header(header::COOKIE, format!("__Host-consent={choice}")).body(empty()).unwrap()
}

/// The state as `GET /_consent/state` tells it to whoever sends these headers.
pub(crate) fn state(layer: &ConsentLayer, headers: &[(&str, &str)]) -> serde_json::Value {
    let request = headers
        .iter()
        .fold(get("/_consent/state"), |request, (name, value)| request.header(*name, *value));
    let exchange = exchange(layer, request.body(empty()).unwrap(), ok());
    assert!(exchange.seen.is_none(), "the layer answers for itself");
    exchange.json()
}

/// What is logged at WARN or above while this runs.
#[cfg(feature = "tracing")]
pub(crate) fn log(run: impl FnOnce()) -> String {
    log_at(tracing_subscriber::filter::LevelFilter::WARN, run)
}

/// What is logged at this level or above while this runs.
#[cfg(feature = "tracing")]
pub(crate) fn log_at(level: tracing_subscriber::filter::LevelFilter, run: impl FnOnce()) -> String {
    use tracing_subscriber::{fmt, util::SubscriberInitExt};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    // With a single subscriber in the process, a thread that has none could switch an event off for all.
    static OTHER: std::sync::OnceLock<tracing::Dispatch> = std::sync::OnceLock::new();
    OTHER.get_or_init(|| tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default()));

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = fmt::Subscriber::builder()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let guard = subscriber.set_default();
    run();
    drop(guard);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}
