//! Example News: its pages, its own endpoints, and what it sends along with every page, as so many sites do.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    env, fs,
    hash::{BuildHasher, RandomState},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::{
    Form, Json, Router,
    body::{Body, Bytes},
    extract::{Request, State, rejection::FormRejection},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{self, InvalidHeaderValue},
    },
    middleware::{Next, from_fn_with_state},
    response::{Html, Redirect, Response},
    routing::{get, post},
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::sleep;

/// Path, title and text of the pages that are the same for everyone.
const PAGES: [(&str, &str, &str); 6] = [
    ("/", "Front page", include_str!("pages/front.html")),
    ("/privacy", "Privacy", include_str!("pages/privacy.html")),
    ("/article/night-train", "The night train is back", include_str!("pages/night-train.html")),
    (
        "/article/seed-exchange",
        "The library that lends tomatoes",
        include_str!("pages/seed-exchange.html"),
    ),
    ("/article/swifts", "A street counts its swifts", include_str!("pages/swifts.html")),
    ("/article/slow-clock", "The clock that runs late", include_str!("pages/slow-clock.html")),
];

const PICTURES: [(&str, &str); 6] = [
    ("/favicon.svg", include_str!("art/favicon.svg")),
    ("/art/lighthouse.svg", include_str!("art/lighthouse.svg")),
    ("/art/night-train.svg", include_str!("art/night-train.svg")),
    ("/art/seeds.svg", include_str!("art/seeds.svg")),
    ("/art/swifts.svg", include_str!("art/swifts.svg")),
    ("/art/clock.svg", include_str!("art/clock.svg")),
];

/// What a page sets on a visitor who hasn't got it. No `Secure`: this example is served over plain HTTP.
const COOKIES: [(&str, &str); 4] = [
    ("session", "Path=/; HttpOnly; SameSite=Lax"),
    ("visitor_id", "Path=/; Max-Age=31536000; SameSite=Lax"),
    ("ad_id", "Path=/; Max-Age=7776000; SameSite=Lax"),
    ("mystery", "Path=/; Max-Age=2592000; SameSite=Lax"),
];

pub(crate) fn router(third_party: &str) -> Result<Router, InvalidHeaderValue> {
    let mut router = Router::new()
        .route("/article", get(article))
        .route("/comments", post(comment))
        .route("/stream", get(stream))
        .route("/echo", get(echo))
        .route("/api/time", get(time_now))
        .route(
            "/style.css",
            get(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))),
        );
    for (path, title, text) in PAGES {
        router = router.route(path, get(Html(Bytes::from(page(third_party, path, title, text)))));
    }
    for (path, picture) in PICTURES {
        router = router.route(path, get(([(header::CONTENT_TYPE, "image/svg+xml")], picture)));
    }
    Ok(router
        .fallback(other)
        .with_state(Arc::from(third_party))
        .layer(from_fn_with_state(PageHeaders::new(third_party)?, like_most_sites)))
}

/// A whole page; `text` is HTML.
fn page(third_party: &str, path: &str, title: &str, text: &str) -> String {
    let link = format!("<a href=\"{path}\"");
    let policy = match env::var("META_CSP") {
        Ok(policy) => {
            let policy = escape(&policy);
            format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n")
        }
        Err(_) => String::new(),
    };
    include_str!("pages/layout.html")
        .replacen(&format!("<li>{link}>"), &format!("<li>{link} aria-current=\"page\">"), 1)
        .replacen("<title>", &format!("{policy}<title>"), 1)
        .replace("{{title}}", title)
        .replace("{{main}}", text)
        .replace("{{standin}}", third_party)
}

async fn article(State(third_party): State<Arc<str>>, uri: Uri) -> Html<String> {
    let note = match uri.query() {
        Some("comment=received") => {
            "<p class=\"note\" role=\"status\">Thank you. Comments are moderated, and appear once one of us has read them. \
             (This is an example: yours was not kept.)</p>"
        }
        Some("comment=missing") => {
            "<p class=\"note\" role=\"status\">That did not arrive whole: a comment needs your name and a text.</p>"
        }
        _ => "",
    };
    let text = include_str!("pages/article.html").replace("{{note}}", note);
    Html(page(&third_party, "/article", "The lamp at Pellan Head is lit again", &text))
}

#[derive(Deserialize)]
struct Comment {
    name: String,
    comment: String,
}

async fn comment(form: Result<Form<Comment>, FormRejection>) -> Redirect {
    match form {
        Ok(Form(Comment { name, comment }))
            if !name.trim().is_empty() && !comment.trim().is_empty() =>
        {
            Redirect::to("/article?comment=received#comments")
        }
        _ => Redirect::to("/article?comment=missing#comments"),
    }
}

/// A page that arrives in pieces, as one does whose data is slow.
async fn stream(State(third_party): State<Arc<str>>) -> Html<Body> {
    let page = page(&third_party, "/stream", "Live", include_str!("pages/stream.html"));
    let pieces: Vec<_> = page.split("{{pause}}").map(str::to_owned).collect();
    let pause = Duration::from_secs(2) / (pieces.len().max(2) as u32 - 1);
    let pieces =
        stream::iter(pieces.into_iter().enumerate()).then(move |(index, piece)| async move {
            if index > 0 {
                sleep(pause).await;
            }
            Ok::<_, Infallible>(piece)
        });
    Html(Body::from_stream(pieces))
}

/// The request's headers as the app got them, so that one can see what the layer took out.
async fn echo(headers: HeaderMap) -> Json<BTreeMap<String, Vec<String>>> {
    let mut seen = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in &headers {
        seen.entry(name.to_string())
            .or_default()
            .push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    Json(seen)
}

async fn time_now() -> Json<serde_json::Value> {
    let now = OffsetDateTime::now_utc();
    Json(json!({ "time": now.format(&Rfc3339).unwrap_or_default(), "unix": now.unix_timestamp() }))
}

/// A page of the visitor's own, or none.
async fn other(State(third_party): State<Arc<str>>, uri: Uri) -> (StatusCode, Html<String>) {
    let own = env::var_os("PAGES").map(|folder| {
        let name = uri.path().split('/').next_back().unwrap_or_default();
        Path::new(&folder).join(name).with_extension("html")
    });
    if let Some(page) = own.and_then(|file| fs::read_to_string(file).ok()) {
        return (StatusCode::OK, Html(page));
    }
    let text = include_str!("pages/not-found.html").replace("{{path}}", &escape(uri.path()));
    (StatusCode::NOT_FOUND, Html(page(&third_party, "", "Not found", &text)))
}

fn escape(text: &str) -> String {
    // The braces, too: what a visitor sends must not be taken for one of our own {{marks}}.
    [
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("\"", "&quot;"),
        ("'", "&#39;"),
        ("{", "&#123;"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The headers that are the same on every page.
#[derive(Clone)]
struct PageHeaders([(HeaderName, HeaderValue); 4]);

impl PageHeaders {
    fn new(third_party: &str) -> Result<Self, InvalidHeaderValue> {
        let policy = env::var("CSP").unwrap_or_else(|_| format!(
            "default-src 'none'; style-src 'self'; img-src 'self' {third_party}; script-src {third_party}; \
             frame-src {third_party}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ));
        let report_to = json!({ "group": "default", "max_age": 86400, "endpoints": [{ "url": format!("{third_party}/reports") }] });
        let nel = r#"{"report_to":"default","max_age":86400}"#;
        let hints =
            "Sec-CH-UA-Model, Sec-CH-UA-Platform, Viewport-Width, Sec-CH-Prefers-Color-Scheme";
        Ok(Self([
            (header::CONTENT_SECURITY_POLICY, policy.try_into()?),
            (HeaderName::from_static("report-to"), report_to.to_string().try_into()?),
            (HeaderName::from_static("nel"), HeaderValue::from_static(nel)),
            (HeaderName::from_static("accept-ch"), HeaderValue::from_static(hints)),
        ]))
    }
}

/// Sets identifiers on every visitor of a page and asks for more: what the consent layer is there to hold back.
async fn like_most_sites(
    State(fixed): State<PageHeaders>,
    request: Request,
    next: Next,
) -> Response {
    let had = cookies(request.headers());
    let mut response = next.run(request).await;
    if response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    {
        let headers = response.headers_mut();
        headers.extend(fixed.0);
        for (name, attributes) in COOKIES {
            let value = had.get(name).cloned().unwrap_or_else(new_id);
            if name == "visitor_id"
                && let Ok(value) = HeaderValue::from_str(&value)
            {
                headers.insert("x-visitor-id", value);
            }
            if !had.contains_key(name)
                && let Ok(line) = HeaderValue::from_str(&format!("{name}={value}; {attributes}"))
            {
                headers.append(header::SET_COOKIE, line);
            }
        }
    }
    response
}

fn cookies(headers: &HeaderMap) -> BTreeMap<String, String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Different each time, which is all that an example needs; a real session wants a secure random number.
pub(crate) fn new_id() -> String {
    format!("{:016x}", RandomState::new().hash_one(()))
}
