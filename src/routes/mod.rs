//! The layer's own endpoints: making a choice, reading the state, and the policy page.

mod choice;
mod form;
mod origin;
pub(crate) mod return_to;
mod state;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{
    banner::{self, PolicyPage},
    consent::Consent,
    policy::Policy,
};
use form::FormBody;

/// What is asked of the layer itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    PolicyPage,
    State,
    Choice,
}

/// Whether this path is one of ours.
pub(crate) fn find(policy: &Policy, path: &str) -> Option<Route> {
    match path.strip_prefix(policy.declared().endpoint.as_str())? {
        "" | "/" => Some(Route::PolicyPage),
        "/state" => Some(Route::State),
        "/choice" => Some(Route::Choice),
        _ => None,
    }
}

/// Answers a request for one of our routes.
pub(crate) fn answer<B: Body>(route: Route, consent: &Consent, request: Request<B>) -> Answer<B> {
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = match route {
        Route::Choice => return choice::answer(consent, request),
        _ if !is_get => method_not_allowed("GET, HEAD"),
        Route::State => state::answer(consent),
        Route::PolicyPage => policy_page(banner::policy_page(consent)),
    };
    Answer::ready(response)
}

pin_project! {
    /// The answer, which may have to wait for a form.
    #[project = AnswerProjection]
    pub(crate) enum Answer<B> {
        Ready { response: Option<Response<Bytes>> },
        Form { consent: Consent, wants_json: bool, #[pin] form: FormBody<B> },
    }
}

impl<B> Answer<B> {
    fn ready(response: Response<Bytes>) -> Self {
        Self::Ready { response: Some(response) }
    }
}

impl<B: Body> Future for Answer<B> {
    type Output = Response<Bytes>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            AnswerProjection::Ready { response } => response.take().unwrap_or_default(),
            AnswerProjection::Form { consent, wants_json, form } => {
                choice::take(ready!(form.poll(cx)), consent, *wants_json)
            }
        })
    }
}

/// An answer that nothing keeps (E5).
fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A short, clear text for what can't be done (E3).
fn refuse(status: StatusCode, reason: impl Into<Bytes>) -> Response<Bytes> {
    respond(status, "text/plain; charset=utf-8", reason)
}

fn method_not_allowed(allowed: &'static str) -> Response<Bytes> {
    let mut response =
        refuse(StatusCode::METHOD_NOT_ALLOWED, format!("This address answers {allowed} only.\n"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn policy_page(page: PolicyPage) -> Response<Bytes> {
    let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", page.html);
    let csp = format!(
        "default-src 'none'; style-src {}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        page.style
    );
    if let Ok(csp) = HeaderValue::try_from(csp) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    response
}
