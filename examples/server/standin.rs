//! The third parties: one server that stands in for all of them, sets its cookie, and counts who calls it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::site::new_id;

const TAG: &[u8] = b"document.documentElement.dataset.tag = \"ran\";\n";

/// One transparent pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

const PLAYER: &[u8] = include_bytes!("pages/embed.html");

#[derive(Default)]
struct Hits {
    tag: AtomicU64,
    pixel: AtomicU64,
    embed: AtomicU64,
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/tag.js", get(async |State(hits): Hit| visit(&hits.tag, "text/javascript", TAG)))
        .route("/pixel.gif", get(async |State(hits): Hit| visit(&hits.pixel, "image/gif", PIXEL)))
        .route("/embed", get(async |State(hits): Hit| visit(&hits.embed, "text/html", PLAYER)))
        .route("/hits", get(count))
        .route("/reset", post(reset))
        // Where the site's Report-To header sends browsers.
        .route("/reports", post(StatusCode::NO_CONTENT))
        .with_state(Arc::default())
        .layer(map_response(never_cached))
}

type Hit = State<Arc<Hits>>;

fn visit(counter: &AtomicU64, kind: &'static str, body: &'static [u8]) -> Response {
    counter.fetch_add(1, Relaxed);
    let cookie =
        format!("standin_id={}; Path=/; Max-Age=31536000; SameSite=None; Secure", new_id());
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::SET_COOKIE, cookie)], body).into_response()
}

async fn count(State(hits): Hit) -> impl IntoResponse {
    let [tag, pixel, embed] =
        [&hits.tag, &hits.pixel, &hits.embed].map(|counter| counter.load(Relaxed));
    let counts = format!(r#"{{"tag.js":{tag},"pixel.gif":{pixel},"embed":{embed}}}"#);
    (
        [(header::CONTENT_TYPE, "application/json"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")],
        counts,
    )
}

async fn reset(State(hits): Hit) -> StatusCode {
    for counter in [&hits.tag, &hits.pixel, &hits.embed] {
        counter.store(0, Relaxed);
    }
    StatusCode::NO_CONTENT
}

/// A visit that a browser answers from its cache would not be counted.
async fn never_cached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
