//! What the tests about transport share: a stack with both bodies under the checker, servers and
//! clients over real sockets, and bodies made by a script.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../common/lint_body.rs"]
pub(crate) mod lint_body;
pub(crate) mod net;

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use lint_body::LintBody;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_consent::{ConsentLayer, Policy, ResponseBody, category};

/// A page whose banner goes after `<body>`.
pub(crate) const PAGE: &str =
    "<!doctype html><html><head><title>News</title></head><body><h1>News</h1></body></html>";
/// What the banner begins with.
pub(crate) const BANNER: &str = "<tower-consent";

pub(crate) type Boxed = UnsyncBoxBody<Bytes, BoxError>;

/// Any body as the application's.
pub(crate) fn boxed<B>(body: B) -> Boxed
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

pub(crate) fn full(body: impl Into<Bytes>) -> Boxed {
    boxed(http_body_util::Full::new(body.into()))
}

pub(crate) fn policy() -> Policy {
    Policy::builder("Example News")
        .cookie("session", category::NECESSARY)
        .cookie("visitor_id", category::ANALYTICS)
        .cookie("ad_id", category::MARKETING)
        .build()
        .unwrap()
}

pub(crate) fn layer() -> ConsentLayer {
    ConsentLayer::new(policy())
}

/// The choice cookie of a visitor who chose just now: `accept`, or `reject`.
pub(crate) fn choice(how: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let sign = if how == "accept" { '+' } else { '-' };
    format!("__Host-consent=1.1.{now}.{how}.{sign}preferences{sign}analytics{sign}marketing")
}

pub(crate) fn get(uri: &str) -> Request<String> {
    Request::get(uri).header("host", "news.example").body(String::new()).unwrap()
}

/// As a browser navigates.
pub(crate) fn navigate(uri: &str) -> Request<String> {
    let mut request = get(uri);
    for (name, value) in [
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

pub(crate) fn with<B>(mut message: Request<B>, name: &'static str, value: &str) -> Request<B> {
    message.headers_mut().append(name, HeaderValue::try_from(value).unwrap());
    message
}

/// A response of a handler.
pub(crate) fn respond<B>(headers: &[(&str, &str)], body: B) -> Response<B> {
    let mut response = Response::new(body);
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        response.headers_mut().append(name, HeaderValue::try_from(*value).unwrap());
    }
    response
}

pub(crate) fn html<B>(body: B) -> Response<B> {
    respond(&[("content-type", "text/html; charset=utf-8")], body)
}

/// A service that always answers with what `handler` makes of the request.
pub(crate) fn app<F>(handler: F) -> App<F>
where
    F: FnMut(Request<String>) -> Response<Boxed> + Clone,
{
    App(handler)
}

#[derive(Clone)]
pub(crate) struct App<F>(F);

impl<F: FnMut(Request<String>) -> Response<Boxed>> Service<Request<String>> for App<F> {
    type Response = Response<LintBody<Boxed>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        ready(Ok((self.0)(request).map(LintBody::new)))
    }
}

pub(crate) type LayerBody = LintBody<ResponseBody<LintBody<Boxed>>>;

/// Sends a request through the layer to an app, both bodies under the checker.
pub(crate) async fn through<F>(
    layer: &ConsentLayer,
    request: Request<String>,
    handler: F,
) -> Response<LayerBody>
where
    F: FnMut(Request<String>) -> Response<Boxed> + Clone,
{
    let service = ServiceBuilder::new().layer(layer.clone()).service(app(handler));
    let response = service.oneshot(request).await.unwrap();
    response.map(LintBody::new)
}

/// A response that has arrived.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Arrived {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn has_banner(&self) -> bool {
        memchr::memmem::find(&self.body, BANNER.as_bytes()).is_some()
    }

    pub(crate) fn asks(&self) -> bool {
        memchr::memmem::find(&self.body, b"data-state=ask").is_some()
    }

    /// All lines of a header, joined as HTTP joins them.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        joined(&self.headers, name)
    }

    /// The page without the banner: what the application sent, if nothing else was changed.
    pub(crate) fn without_banner(&self) -> Vec<u8> {
        without_banner(&self.body)
    }
}

pub(crate) fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

pub(crate) fn without_banner(page: &[u8]) -> Vec<u8> {
    let banner = banner(page);
    let start = memchr::memmem::find(page, banner).unwrap();
    [&page[..start], &page[start + banner.len()..]].concat()
}

/// The banner of a page: its element, with its script in it or right behind it.
pub(crate) fn banner(page: &[u8]) -> &[u8] {
    let end_of = |what: &str, bytes: &[u8]| {
        memchr::memmem::find(bytes, what.as_bytes()).map(|start| start + what.len())
    };
    let start = memchr::memmem::find(page, BANNER.as_bytes()).expect("a banner");
    let banner = &page[start..];
    let mut end = end_of("</tower-consent>", banner).expect("the banner's end");
    if end_of("<script>", &banner[..end]).is_none() && banner[end..].starts_with(b"<script>") {
        end += end_of("</script>", &banner[end..]).expect("the script's end");
    }
    &banner[..end]
}

pub(crate) async fn arrive<B>(response: Response<B>) -> Arrived
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned();
    Arrived { status: parts.status, headers: parts.headers, body: body.to_bytes(), trailers }
}

/// Through the layer, to the end.
pub(crate) async fn fetch<F>(request: Request<String>, handler: F) -> Arrived
where
    F: FnMut(Request<String>) -> Response<Boxed> + Clone,
{
    arrive(through(&layer(), request, handler).await).await
}

/// A body made of steps, which no one may poll after its end.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    hint: Option<SizeHint>,
    has_ended: bool,
}

#[derive(Clone)]
pub(crate) enum Step {
    Data(Bytes),
    /// Not ready once; wakes at once.
    Wait,
    Trailers(HeaderMap),
    Fail(&'static str),
}

pub(crate) fn data(text: impl Into<Bytes>) -> Step {
    Step::Data(text.into())
}

pub(crate) fn trailers(fields: &[(&'static str, &'static str)]) -> Step {
    let fields = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Step::Trailers(fields.collect())
}

pub(crate) fn script(steps: impl IntoIterator<Item = Step>) -> Boxed {
    boxed(Script { steps: steps.into_iter().collect(), hint: None, has_ended: false })
}

/// With the sum of its data as its exact size.
pub(crate) fn sized_script(steps: impl IntoIterator<Item = Step>) -> Boxed {
    let steps: VecDeque<Step> = steps.into_iter().collect();
    let hint = Some(SizeHint::default());
    boxed(Script { steps, hint, has_ended: false })
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        assert!(!self.has_ended, "the application's body is polled after its end");
        Poll::Ready(match self.steps.pop_front() {
            Some(Step::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Step::Trailers(fields)) => Some(Ok(Frame::trailers(fields))),
            Some(Step::Fail(why)) => {
                self.has_ended = true;
                Some(Err(why.into()))
            }
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {
                self.has_ended = true;
                None
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        if self.hint.is_none() {
            return SizeHint::default();
        }
        let length = |step: &Step| if let Step::Data(data) = step { data.len() as u64 } else { 0 };
        SizeHint::with_exact(self.steps.iter().map(length).sum())
    }
}

/// A body whose frames come when the test sends them; it says when it was dropped.
pub(crate) fn channel() -> (Sender, Boxed) {
    let (frames, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let (alive, dropped) = tokio::sync::oneshot::channel::<Infallible>();
    let stream = futures_util::stream::poll_fn(move |cx| {
        let _ = &alive;
        inbox.poll_recv(cx)
    });
    (Sender { frames, dropped }, boxed(http_body_util::StreamBody::new(stream)))
}

pub(crate) struct Sender {
    frames: tokio::sync::mpsc::UnboundedSender<Result<Frame<Bytes>, BoxError>>,
    pub(crate) dropped: tokio::sync::oneshot::Receiver<Infallible>,
}

impl Sender {
    pub(crate) fn send(&self, data: impl Into<Bytes>) {
        assert!(self.frames.send(Ok(Frame::data(data.into()))).is_ok(), "the body is gone");
    }

    pub(crate) fn fail(&self, why: &'static str) {
        assert!(self.frames.send(Err(why.into())).is_ok(), "the body is gone");
    }
}

/// What can be had of a body now, without waiting.
pub(crate) fn arrived_so_far<B>(body: &mut B) -> Vec<u8>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let mut bytes = Vec::new();
    while let Some(Some(frame)) = futures_util::FutureExt::now_or_never(body.frame()) {
        bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    bytes
}
