//! The layer's own endpoints.

mod common;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use common::{
    Body, Exchange, chosen, empty, exchange, get, layer, lines, now, ok, post, post_to, state,
};
use futures_util::{FutureExt, StreamExt};
use http::{Method, Request, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_consent::{
    Category, Consent, ConsentLayer, CookieRule, Policy, PolicyBuilder, Regime, Undeclared, Vendor,
    catalog, category,
};

fn policy() -> PolicyBuilder {
    Policy::builder("Example News")
        .cookie("session", category::NECESSARY)
        .cookie("_ga", category::ANALYTICS)
}

fn site() -> ConsentLayer {
    layer(policy().build().unwrap())
}

fn send(request: Request<Body>) -> Exchange {
    exchange(&site(), request, ok())
}

/// A choice that comes with these headers and no others but `Content-Type`.
fn post_from(uri: &str, headers: &[(&str, &str)]) -> Exchange {
    let request = Request::post(uri).header("content-type", "application/x-www-form-urlencoded");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(request.body(Body::from("choice=accept")).unwrap())
}

fn assert_refused(answer: &Exchange, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.seen.is_none(), "the application is not asked");
    assert!(answer.set_cookies().is_empty(), "nothing is kept: {:?}", answer.set_cookies());
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(answer.body.ends_with('\n') && answer.body.lines().count() == 1, "{:?}", answer.body);
    assert!((10..200).contains(&answer.body.len()), "short and clear: {:?}", answer.body);
}

#[test]
fn e1_a_post_from_the_own_pages_makes_a_choice() {
    let answer = send(post("choice=reject&return_to=/article?page=2"));
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/article?page=2");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.choice().unwrap().contains(".reject."));
    assert_eq!(answer.body, "");
    assert!(answer.seen.is_none());
}

#[test]
fn e1_sec_fetch_site_decides() {
    for (values, may) in [
        (&["same-origin"][..], true),
        (&["none"], true),
        (&["same-site"], false),
        (&["cross-site"], false),
        (&["Same-Origin"], false),
        (&["same-origin, cross-site"], false),
        (&["same-origin", "cross-site"], false),
        (&["cross-site", "same-origin"], false),
        (&[""], false),
        (&["?1"], false),
    ] {
        for origin in ["https://www.example.com", "https://evil.example", "null"] {
            let mut headers = vec![("host", "www.example.com"), ("origin", origin)];
            headers.extend(values.iter().map(|value| ("sec-fetch-site", *value)));
            let answer = post_from("/_consent/choice", &headers);
            if may {
                assert_eq!(answer.status, 303, "{values:?} {origin}");
            } else {
                assert_refused(&answer, 403);
            }
        }
    }
}

#[test]
fn e1_else_origin_must_name_the_host() {
    for (host, origin, may) in [
        ("www.example.com", "https://www.example.com", true),
        ("www.example.com", "http://www.example.com", true),
        ("www.example.com", "https://www.example.com:443", true),
        ("www.example.com", "http://www.example.com:80", true),
        ("www.example.com:443", "https://www.example.com", true),
        ("www.example.com:80", "http://www.example.com", true),
        ("WWW.example.com", "https://www.example.com", true),
        ("localhost:3000", "http://localhost:3000", true),
        ("127.0.0.1:3000", "http://127.0.0.1:3000", true),
        ("[::1]:3000", "http://[::1]:3000", true),
        ("[2001:db8::1]", "https://[2001:db8::1]", true),
        ("www.example.com", "null", false),
        ("www.example.com", "", false),
        ("www.example.com", "https://evil.example", false),
        ("www.example.com", "https://example.com", false),
        ("www.example.com", "https://shop.www.example.com", false),
        ("www.example.com", "https://www.example.com.evil.example", false),
        ("www.example.com", "https://www.example.com@evil.example", false),
        ("www.example.com", "https://evil.example/https://www.example.com", false),
        ("www.example.com", "https://evilwww.example.com", false),
        ("www.example.com", "https://www.example.com:8443", false),
        ("www.example.com", "https://www.example.com:80", false),
        ("www.example.com", "http://www.example.com:443", false),
        ("www.example.com:80", "https://www.example.com", false),
        ("www.example.com", "www.example.com", false),
        ("www.example.com", "//www.example.com", false),
        ("www.example.com", "/", false),
        ("www.example.com", "/www.example.com", false),
        ("www.example.com", "chrome-extension://www.example.com", false),
        ("www.example.com", "file://", false),
        ("www.example.com", "https://", false),
        ("www.example.com", "https://www.example.com, https://evil.example", false),
        ("www.example.com", "https://www.example.com https://evil.example", false),
        ("localhost:3000", "http://localhost:3001", false),
        ("[::1]:3000", "http://[::1]:3001", false),
        ("[::1]", "http://[::2]", false),
        ("", "https://", false),
        ("", "null", false),
        ("null", "null", false),
    ] {
        let answer = post_from("/_consent/choice", &[("host", host), ("origin", origin)]);
        if may {
            assert_eq!(answer.status, 303, "{host} {origin}");
        } else {
            assert_eq!(answer.status, 403, "{host} {origin}");
            assert_refused(&answer, 403);
        }
    }
    let two = [
        ("host", "www.example.com"),
        ("origin", "https://www.example.com"),
        ("origin", "https://evil.example"),
    ];
    assert_refused(&post_from("/_consent/choice", &two), 403);
    assert_refused(&post_from("/_consent/choice", &[("origin", "https://www.example.com")]), 403);
}

#[test]
fn e1_with_http_2_the_host_stands_in_the_uri() {
    let uri = "https://www.example.com/_consent/choice";
    assert_eq!(post_from(uri, &[("origin", "https://www.example.com")]).status, 303);
    assert_refused(&post_from(uri, &[("origin", "https://evil.example")]), 403);
    // What the request line says outweighs the header (RFC 9112, 3.2.2).
    let headers = [("origin", "https://evil.example"), ("host", "evil.example")];
    assert_refused(&post_from(uri, &headers), 403);
}

#[test]
fn e1_without_both_it_comes_from_no_browser() {
    assert_eq!(post_from("/_consent/choice", &[("host", "www.example.com")]).status, 303);
    assert_eq!(post_from("/_consent/choice", &[]).status, 303);
}

#[test]
fn e1_get_head_and_prefetch_change_nothing() {
    for method in [Method::GET, Method::HEAD] {
        for path in [
            "/_consent/choice?choice=accept",
            "/_consent?choice=accept",
            "/_consent/state?choice=accept",
        ] {
            for purpose in
                [None, Some(("sec-purpose", "prefetch;prerender")), Some(("purpose", "prefetch"))]
            {
                let request = get(path).method(&method).header("sec-fetch-site", "same-origin");
                let request = purpose
                    .into_iter()
                    .fold(request, |request, (name, value)| request.header(name, value));
                let answer = send(request.body(empty()).unwrap());
                assert!(answer.set_cookies().is_empty(), "{method} {path}");
                assert!(answer.seen.is_none());
            }
        }
    }
}

#[test]
fn e2_return_to_is_a_path_of_this_site() {
    let long = format!("/{}", "a".repeat(3000));
    for (sent, location) in [
        ("/", "/"),
        ("/article", "/article"),
        ("/article%3Fpage%3D2%26x%3D1%23part", "/article?page=2&x=1#part"),
        ("/a//b", "/a//b"),
        ("/%252F%252Fevil.example", "/%2F%2Fevil.example"),
        ("/@evil.example", "/@evil.example"),
        ("/_consent", "/_consent"),
        ("", "/"),
        ("article", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("%5C%5Cevil.example", "/"),
        ("/%5C/evil.example", "/"),
        ("https://evil.example", "/"),
        ("https:evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("data:text/html,x", "/"),
        (".evil.example", "/"),
        ("@evil.example", "/"),
        ("/%09/evil.example", "/"),
        ("/%0A/evil.example", "/"),
        ("%09//evil.example", "/"),
        ("%20//evil.example", "/"),
        ("/x%0D%0ASet-Cookie:%20a=1", "/"),
        ("/x%00", "/"),
        ("/x%7F", "/"),
        ("/caf%C3%A9", "/"),
        ("/%FF", "/"),
        ("/_consent/choice", "/"),
        (&long, "/"),
    ] {
        let answer = send(post(&format!("choice=reject&return_to={sent}")));
        assert_eq!(answer.status, 303, "{sent}");
        assert_eq!(lines(&answer.headers, "location"), [location], "{sent}");
        assert!(answer.choice().is_some(), "the choice is kept: {sent}");
    }
    assert_eq!(send(post("choice=reject")).headers["location"], "/");
}

#[test]
fn e3_a_wrong_method_is_told_the_right_one() {
    for (path, allow) in [
        ("/_consent/choice", "POST"),
        ("/_consent", "GET, HEAD"),
        ("/_consent/", "GET, HEAD"),
        ("/_consent/state", "GET, HEAD"),
    ] {
        for method in
            ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "post"]
        {
            let request = post_to(path).method(method).body(Body::from("choice=accept")).unwrap();
            let answer = send(request);
            if allow.split(", ").any(|allowed| allowed == method) {
                assert!(answer.status.is_success() || answer.status == 303, "{method} {path}");
            } else {
                assert_refused(&answer, 405);
                assert_eq!(answer.headers["allow"], allow);
            }
        }
    }
}

#[test]
fn e3_a_wrong_type_is_told_the_right_one() {
    for (content_type, takes) in [
        (Some("application/x-www-form-urlencoded"), true),
        (Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"), true),
        (Some("application/x-www-form-urlencoded ;x"), true),
        (Some("application/json"), false),
        (Some("multipart/form-data; boundary=x"), false),
        (Some("text/plain"), false),
        (Some("text/plain; application/x-www-form-urlencoded"), false),
        (Some("application/x-www-form-urlencodedx"), false),
        (Some("\u{e9}"), false),
        (Some(""), false),
        (None, false),
    ] {
        let mut request = post("choice=accept");
        request.headers_mut().remove("content-type");
        if let Some(content_type) = content_type {
            request
                .headers_mut()
                .insert("content-type", header::HeaderValue::from_str(content_type).unwrap());
        }
        let answer = send(request);
        if takes {
            assert_eq!(answer.status, 303, "{content_type:?}");
        } else {
            assert_refused(&answer, 415);
            assert!(answer.body.contains("application/x-www-form-urlencoded"), "{}", answer.body);
        }
    }
}

#[test]
fn e3_wrong_fields_are_named() {
    for (form, named) in [
        ("", "choice"),
        ("return_to=/", "choice"),
        ("choice=", "accept, reject, save"),
        ("choice=Accept", "accept, reject, save"),
        ("choice=all", "accept, reject, save"),
        ("choice=app", "accept, reject, save"),
        ("choice=accept&choice=reject", "twice"),
        ("choice=reject&choice=reject", "twice"),
        ("choice=reject&return_to=/a&return_to=/b", "twice"),
        ("choice=save&allow=analytic", "\"analytic\""),
        ("choice=save&allow=Analytics", "\"Analytics\""),
        ("choice=save&allow=", "\"\""),
        ("choice=save&allow=analytics,marketing", "\"analytics,marketing\""),
        ("choice=reject&allow=unknown", "\"unknown\""),
        ("choice=accept&csrf=1", "\"csrf\""),
        ("choice=accept&Choice=reject", "\"Choice\""),
        ("choice", "accept, reject, save"),
        ("{\"choice\":\"accept\"}", "{"),
        ("choice=save&allow=%0D%0Ax%1B%5B31m", "\\r\\n"),
    ] {
        let answer = send(post(form));
        assert_refused(&answer, 422);
        assert!(answer.body.contains(named), "{form}: {}", answer.body);
    }
    let long = send(post(&format!("choice=save&allow={}", "x".repeat(4000))));
    assert_refused(&long, 422);
}

#[test]
fn c3_a_button_wins_over_the_toggles_beside_it() {
    for (form, answers) in [
        ("choice=accept", "+preferences+analytics+marketing"),
        ("choice=accept&allow=analytics", "+preferences+analytics+marketing"),
        ("choice=reject", "-preferences-analytics-marketing"),
        ("allow=analytics&allow=marketing&choice=reject", "-preferences-analytics-marketing"),
        ("choice=save", "-preferences-analytics-marketing"),
        ("choice=save&allow=analytics&allow=analytics", "-preferences+analytics-marketing"),
        ("allow=necessary&choice=save&allow=marketing", "-preferences-analytics+marketing"),
        ("choice=s%61ve&%61llow=analytics", "-preferences+analytics-marketing"),
        ("&choice=save&&allow=preferences&", "+preferences-analytics-marketing"),
    ] {
        let value = send(post(form)).choice().unwrap();
        assert!(value.ends_with(answers), "{form}: {value}");
    }
}

#[test]
fn e4_a_script_gets_json() {
    let vendor = Vendor::new("example-video", "V", category::MARKETING).ask_separately();
    let layer = layer(policy().revision(3).vendor(vendor).build().unwrap());
    let mut request = post("choice=save&allow=analytics&allow=example-video");
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    request.headers_mut().append("cookie", "_ga=1".parse().unwrap());
    let answer = exchange(&layer, request, ok());
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("location"));
    let told = answer.json();
    let cookie = format!("__Host-consent={}", answer.choice().unwrap());
    assert_eq!(told, state(&layer, &[("cookie", &cookie)]), "the state that the choice makes");
    let mut told = told;
    let vendors = take_vendors(&mut told);
    assert!(vendors["example-video"] && vendors["google-analytics"] && !vendors["youtube"]);
    let at = told["at"].take();
    assert_eq!(
        told,
        serde_json::json!({
            "regime": "opt_in", "decided": true, "at": null, "revision": 3,
            "categories": {"necessary": true, "preferences": false, "analytics": true, "marketing": false},
            "undeclared": false, "gpc": false,
        })
    );
    let at = at.as_str().unwrap();
    assert_eq!((at.len(), &at[10..11], &at[19..]), (20, "T", "Z"), "{at}");
    let parsed =
        time::OffsetDateTime::parse(at, &time::format_description::well_known::Rfc3339).unwrap();
    assert!(parsed.unix_timestamp().unsigned_abs().abs_diff(now()) <= 2, "{at}");
}

#[test]
fn e4_json_is_for_those_who_ask_for_it() {
    for (accept, gets_json) in [
        (&["application/json"][..], true),
        (&["application/json; q=0.9, text/plain"], true),
        (&["Application/JSON"], true),
        (&["text/plain", "application/json"], true),
        (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], false),
        (&["text/html, application/json"], false),
        (&["application/jsonx"], false),
        (&["application/json;q=0, */*"], false),
        (&["*/*"], false),
        (&[], false),
    ] {
        let mut request = post("choice=reject");
        for line in accept {
            request.headers_mut().append("accept", line.parse().unwrap());
        }
        let answer = send(request);
        assert_eq!(answer.status == StatusCode::OK, gets_json, "{accept:?}");
        assert!(answer.choice().is_some());
    }
    let mut request = post("choice=maybe");
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    assert_refused(&send(request), 422);
}

#[test]
fn e4_the_state_is_told_exactly() {
    let at = 1_795_489_200;
    assert!(at < now() + 300 && now() < at + 180 * 86_400, "the test's clock is the project's");
    for (regime, name, undecided) in [
        (Regime::OptIn, "opt_in", false),
        (Regime::OptOut, "opt_out", true),
        (Regime::Notice, "notice", true),
    ] {
        let layer = layer(
            policy().regime(regime).vendor(Vendor::new("v", "V", "analytics")).build().unwrap(),
        );
        let mut told = state(&layer, &[]);
        let vendors = take_vendors(&mut told);
        assert_eq!((vendors["v"], vendors["hotjar"]), (undecided, undecided));
        assert!(vendors["stripe"] && vendors.len() == 1 + catalog::all().len());
        assert_eq!(
            told,
            serde_json::json!({
                "regime": name, "decided": false, "at": null, "revision": 1,
                "categories": {
                    "necessary": true, "preferences": undecided, "analytics": undecided, "marketing": undecided,
                },
                "undeclared": undecided, "gpc": false,
            })
        );
        let cookie = format!("__Host-consent=1.1.{at}.save.-preferences+analytics-marketing");
        let mut told = state(&layer, &[("cookie", &cookie), ("sec-gpc", "1")]);
        let vendors = take_vendors(&mut told);
        assert!(!vendors["v"] && !vendors["hotjar"] && vendors["stripe"]);
        assert_eq!(
            told,
            serde_json::json!({
                "regime": name, "decided": true, "at": "2026-11-24T03:00:00Z", "revision": 1,
                "categories": {"necessary": true, "preferences": false, "analytics": false, "marketing": false},
                "undeclared": false, "gpc": true,
            })
        );
    }
}

#[test]
fn h3_the_state_tells_of_all_that_an_element_may_be_gated_for() {
    for (policy, form, undeclared) in [
        (policy(), "choice=accept", true),
        (policy(), "choice=save&allow=marketing", false),
        (policy().undeclared_hosts(Undeclared::Block), "choice=accept", false),
        // What belongs to a category that the policy lacks is never allowed.
        (policy().omit_category("preferences"), "choice=accept", true),
    ] {
        let mut request = post(form);
        request.headers_mut().insert("accept", "application/json".parse().unwrap());
        let mut told = exchange(&layer(policy.build().unwrap()), request, ok()).json();
        assert_eq!(told["undeclared"], undeclared, "{form}");
        let categories = told["categories"].take();
        let vendors = take_vendors(&mut told);
        for vendor in catalog::all() {
            let allowed = categories[vendor.category()].as_bool().unwrap_or(false);
            assert_eq!(vendors[vendor.slug()], allowed, "{form}: {}", vendor.slug());
        }
    }
}

/// Takes the vendors out of the state: the catalog is long.
fn take_vendors(state: &mut serde_json::Value) -> BTreeMap<String, bool> {
    serde_json::from_value(state.as_object_mut().unwrap().remove("vendors").unwrap()).unwrap()
}

#[test]
fn e5_answers_are_not_stored() {
    for request in [
        get("/_consent").body(empty()),
        get("/_consent/").body(empty()),
        get("/_consent/state").body(empty()),
        get("/_consent").method("HEAD").body(empty()),
        get("/_consent/choice").body(empty()),
        post_to("/_consent").body(empty()),
        post_to("/_consent/choice").body(Body::from("choice=accept")),
    ] {
        let request = request.unwrap();
        let what = format!("{} {}", request.method(), request.uri());
        let answer = send(request);
        assert_eq!(lines(&answer.headers, "cache-control"), ["no-store"], "{what}");
        assert!(!answer.headers.contains_key("etag"), "{what}");
        assert!(answer.seen.is_none(), "{what}");
    }
}

#[test]
fn e5_head_has_the_head_of_get() {
    for path in ["/_consent", "/_consent/state"] {
        for accept in ["text/html", "*/*", "application/json"] {
            let ask = |method: &str| {
                send(get(path).method(method).header("accept", accept).body(empty()).unwrap())
            };
            let (head, get) = (ask("HEAD"), ask("GET"));
            assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{path}");
            assert_eq!(get.status, 200);
        }
    }
}

#[test]
fn e1_paths_beside_the_endpoints_are_the_applications() {
    for path in [
        "/_consentx",
        "/_consent/other",
        "/_consent/choice/",
        "/_consent/choicex",
        "/x/_consent",
        "/_Consent",
        "/",
    ] {
        let answer = send(post_to(path).body(Body::from("choice=accept")).unwrap());
        assert!(answer.seen.is_some(), "{path}");
        assert!(answer.choice().is_none(), "{path}");
    }
}

#[test]
fn e1_another_endpoint_serves_the_same() {
    let layer = layer(policy().endpoint("/legal/cookies").build().unwrap());
    let choose = |path| {
        exchange(
            &layer,
            post_to(path)
                .body(Body::from("choice=reject&return_to=/legal/cookies/choice"))
                .unwrap(),
            ok(),
        )
    };
    let answer = choose("/legal/cookies/choice");
    assert!(answer.choice().is_some());
    assert_eq!(answer.headers["location"], "/");
    assert!(choose("/_consent/choice").seen.is_some(), "the default path is the application's");
    let page = exchange(&layer, get("/legal/cookies").body(empty()).unwrap(), ok());
    assert!(page.body.contains("action=\"/legal/cookies/choice\""), "{}", page.body);
    let html = Response::builder()
        .header("content-type", "text/html")
        .body(Body::from("<!doctype html><body>x"));
    let page = exchange(&layer, get("/").body(empty()).unwrap(), html.unwrap());
    assert!(page.body.contains("action=/legal/cookies/choice "), "{}", page.body);
}

// --- Bodies

/// A body of chunks without end, or as many bytes as announced, that counts what is asked of it.
struct Flood {
    announced: Option<u64>,
    polled: Arc<AtomicUsize>,
}

impl http_body::Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polled.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'a'; 1024])))))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

async fn post_body<B>(body: B) -> (StatusCode, String)
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    let app = service_fn(async |_: Request<B>| Ok::<_, Infallible>(Response::new(String::new())));
    let service = ServiceBuilder::new().layer(site()).service(app);
    let response = service.oneshot(post_to("/_consent/choice").body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn e3_a_huge_body_is_refused_before_it_is_read() {
    let polled = Arc::new(AtomicUsize::new(0));
    let flood = Flood { announced: Some(1 << 30), polled: Arc::clone(&polled) };
    let (status, text) = post_body(flood).now_or_never().unwrap();
    assert_eq!(status, 413);
    assert!(text.contains("8192"), "{text}");
    assert_eq!(polled.load(Ordering::Relaxed), 0);
}

#[test]
fn e3_a_body_without_end_is_read_no_further_than_the_limit() {
    let polled = Arc::new(AtomicUsize::new(0));
    let flood = Flood { announced: None, polled: Arc::clone(&polled) };
    let (status, _) = post_body(flood).now_or_never().unwrap();
    assert_eq!(status, 413);
    assert_eq!(polled.load(Ordering::Relaxed), 9, "8 KB, and the frame that is too much");
}

#[test]
fn e3_the_limit_is_8_kb_to_the_byte() {
    let form = |length: usize| {
        let head = "choice=reject&return_to=/";
        Body::from(format!("{head}{}", "a".repeat(length - head.len())))
    };
    assert_eq!(post_body(form(8192)).now_or_never().unwrap().0, 303);
    assert_eq!(post_body(form(8193)).now_or_never().unwrap().0, 413);
}

#[test]
fn bad_a_slow_body_is_waited_for_and_its_trailers_are_passed_over() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let form = b"choice=save&allow=analytics&return_to=/slow";
    let slow = futures_util::stream::iter(0..=form.len()).then(move |index| async move {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok::<_, Infallible>(match form.get(index) {
            Some(&byte) => Frame::data(Bytes::from(vec![byte])),
            None => Frame::trailers(http::HeaderMap::new()),
        })
    });
    let slow = http_body_util::StreamBody::new(slow);
    let (status, _) = runtime.unwrap().block_on(post_body(Box::pin(slow)));
    assert_eq!(status, 303);
}

#[test]
fn bad_a_body_that_breaks_off_makes_no_choice() {
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"choice=accept"))),
        Err(std::io::Error::other("connection reset")),
    ];
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    let (status, text) = post_body(body).now_or_never().unwrap();
    assert_eq!(status, 400);
    assert!(text.contains("whole") && !text.contains("reset"), "{text}");
}

// --- The policy page

fn rich() -> PolicyBuilder {
    Policy::builder("Example <News>")
        .privacy_url("/privacy")
        .category(Category::new("chat").name("Live chat").description("Talk to the desk."))
        .vendor(
            Vendor::new("example-chat", "Example Chat", "chat")
                .company("Example Chat & Co")
                .privacy_url("https://chat.example/privacy")
                .ask_separately(),
        )
        .vendor(Vendor::new("example-ads", "Example Ads", category::MARKETING))
        .cookie("session", category::NECESSARY)
        .cookie_rule(
            CookieRule::new("_ga_*", category::ANALYTICS)
                .purpose("Counts \"visits\"")
                .provider("Example Metrics")
                .lifetime("2 years"),
        )
        .cookie("chat_id", "example-chat")
        .cookie("ad_id", "example-ads")
}

#[test]
fn b10_the_policy_page_lists_every_cookie_and_vendor() {
    let answer =
        exchange(&layer(rich().build().unwrap()), get("/_consent").body(empty()).unwrap(), ok());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    let page = &answer.body;
    let row = |name: &str| {
        let start = page
            .find(&format!("<tr><th scope=\"row\"><bdi>{name}</bdi></th>"))
            .unwrap_or_else(|| panic!("{name}: {page}"));
        page[start..].split("</tr>").next().unwrap()
    };
    for (name, tells) in [
        ("__Host-consent", &["180 days", "Example &lt;News&gt;"][..]),
        ("session", &["Example &lt;News&gt;"]),
        ("_ga_*", &["Counts &#34;visits&#34;", "Example Metrics", "2 years"]),
        ("chat_id", &["Example Chat &amp; Co"]),
        ("ad_id", &["Example Ads"]),
    ] {
        for told in tells {
            assert!(row(name).contains(told), "{name}: {}", row(name));
        }
    }
    for told in [
        "Example Chat",
        "https://chat.example/privacy",
        "Example Ads",
        "href=\"/privacy\"",
        "Live chat",
        "Talk to the desk.",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert!(!page.contains("<News>"), "what a site declares is text");
    assert!(!page.contains("<tower-consent"), "the page is the settings: no banner over it");
}

/// The fields of the first form of this page whose action makes a choice: where it goes, hidden
/// fields, checkboxes (value, on), buttons.
struct Form {
    action: String,
    hidden: Vec<(String, String)>,
    boxes: Vec<(String, bool)>,
    buttons: Vec<String>,
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}="))? + name.len() + 2;
    let rest = &tag[start..];
    Some(match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?.to_owned(),
        None => rest.split([' ', '>']).next()?.to_owned(),
    })
}

fn form(page: &str) -> Form {
    let start = page.find("<form ").expect("a form");
    let form = page[start..].split("</form>").next().unwrap();
    let tags = || form.split('<').skip(1).map(|tag| tag.split_inclusive('>').next().unwrap());
    let inputs = |kind: &'static str| {
        tags().filter(move |tag| {
            tag.starts_with("input") && attribute(tag, "type").as_deref() == Some(kind)
        })
    };
    let opening = tags().next().unwrap();
    assert_eq!(attribute(opening, "method").as_deref(), Some("post"));
    Form {
        action: attribute(opening, "action").unwrap(),
        hidden: inputs("hidden")
            .map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap()))
            .collect(),
        boxes: inputs("checkbox")
            .filter_map(|tag| Some((attribute(tag, "value")?, tag.contains(" checked"))))
            .collect(),
        buttons: tags()
            .filter(|tag| {
                tag.starts_with("button") && attribute(tag, "name").as_deref() == Some("choice")
            })
            .map(|tag| attribute(tag, "value").unwrap())
            .collect(),
    }
}

#[test]
fn b10_the_policy_pages_form_makes_each_choice() {
    let layer = layer(rich().build().unwrap());
    let page = exchange(&layer, get("/_consent").body(empty()).unwrap(), ok());
    let form = form(&page.body);
    assert_eq!(form.action, "/_consent/choice");
    let off: Vec<_> = ["preferences", "analytics", "marketing", "chat", "example-chat"]
        .map(|slug| (slug.to_owned(), false))
        .into();
    assert_eq!(form.boxes, off, "all toggles start off (C3)");
    for button in &form.buttons {
        let hidden = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields = hidden.chain([("allow", "analytics"), ("choice", button)]);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = exchange(&layer, post_to(&form.action).body(Body::from(body)).unwrap(), ok());
        assert_eq!(answer.status, 303);
        assert_eq!(answer.headers["location"], "/_consent", "back to the page");
        let answers = match button.as_str() {
            "accept" => "+preferences+analytics+marketing+chat+example_chat",
            "reject" => "-preferences-analytics-marketing-chat-example_chat",
            _ => "-preferences+analytics-marketing-chat-example_chat",
        };
        assert!(answer.choice().unwrap().ends_with(answers), "{button}");
    }
    let mut buttons = form.buttons.clone();
    buttons.sort();
    assert_eq!(buttons, ["accept", "reject", "save"]);
}

#[test]
fn b10_the_policy_page_shows_what_holds() {
    let layer = layer(rich().build().unwrap());
    let cookie =
        format!("__Host-consent={}", chosen("-preferences+analytics-marketing-chat+example_chat"));
    let page =
        exchange(&layer, get("/_consent").header("cookie", cookie).body(empty()).unwrap(), ok());
    let on: Vec<_> =
        form(&page.body).boxes.into_iter().filter(|(_, on)| *on).map(|(slug, _)| slug).collect();
    assert_eq!(on, ["analytics", "example-chat"]);
    assert!(page.body.contains("You decided on"), "{}", page.body);
}

#[test]
fn b10_the_policy_page_runs_nothing_and_cannot_be_framed() {
    let page = exchange(&site(), get("/_consent").body(empty()).unwrap(), ok());
    let csp = &lines(&page.headers, "content-security-policy")[0];
    for part in
        ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(csp.contains(part), "{csp}");
    }
    assert!(!csp.contains("script-src") && !csp.contains("unsafe"), "{csp}");
    assert!(!page.body.contains("<script"), "{}", page.body);
}

#[test]
fn e2_the_banners_return_to_holds_the_page_and_nothing_else() {
    for (uri, return_to) in [
        ("/article?page=2&x=1", "/article?page=2&amp;x=1"),
        ("//evil.example/x", "/"),
        ("/a?x='onfocus='alert(1)", "/a?x=&#39;onfocus=&#39;alert(1)"),
        ("https://www.example.com/b?c", "/b?c"),
        ("https://www.example.com", "/"),
    ] {
        let page = Response::builder()
            .header("content-type", "text/html")
            .body(Body::from("<!doctype html><body>x"));
        let answer = exchange(&site(), get(uri).body(empty()).unwrap(), page.unwrap());
        let form = form(&answer.body);
        assert_eq!(form.hidden, [("return_to".to_owned(), return_to.to_owned())], "{uri}");
    }
}

proptest! {
    #[test]
    fn e3_any_form_is_a_choice_or_told_what_is_wrong(
        form in prop_oneof![
            prop::collection::vec(
                prop::sample::select(vec![
                    "choice=accept", "choice=reject", "choice=save", "choice=x", "allow=analytics", "allow=necessary",
                    "allow=x", "return_to=/a", "return_to=//evil", "x=1", "", "=", "%", "%zz=%",
                ]),
                0..5,
            )
            .prop_map(|fields| fields.join("&").into_bytes()),
            prop::collection::vec(any::<u8>(), 0..60),
        ],
    ) {
        let answer = send(post_to("/_consent/choice").body(Body::from(form.clone())).unwrap());
        let text = String::from_utf8_lossy(&form).into_owned();
        match answer.status.as_u16() {
            303 => {
                let location = answer.headers["location"].to_str().unwrap();
                prop_assert!(location.starts_with('/') && !location.starts_with("//"), "{}", location);
                let value = answer.choice().expect("a choice cookie");
                if !text.contains("accept") {
                    prop_assert!(!value.contains("+marketing"), "{} gave {}", text, value);
                    prop_assert_eq!(value.contains("+analytics"), text.contains("save") && text.contains("allow=analytics"));
                }
            }
            422 => assert_refused(&answer, 422),
            status => prop_assert!(false, "{} for {}", status, text),
        }
    }

    #[test]
    fn e2_wherever_a_form_points_one_stays_on_this_host(path in "(/|\\\\|:|@|\\?|#|\\.|\t|\r|\n| |%2f|evil\\.example|https?|a|\u{e9}){0,8}") {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("choice", "reject"), ("return_to", path.as_str())])
            .finish();
        let answer = send(post(&form));
        let location = answer.headers["location"].to_str().unwrap();
        // As browsers read it: tabs and newlines dropped, a backslash like a slash.
        let read: String = location.chars().filter(|c| !c.is_ascii_control()).collect();
        let read = read.replace('\\', "/");
        prop_assert!(read.starts_with('/') && !read.starts_with("//"), "{:?}", location);
        prop_assert!(location == "/" || location == path, "{:?}", location);
    }

    #[test]
    fn e1_no_origin_but_the_own_makes_a_choice(
        origin in "(https?|://|//|/|@|www\\.example\\.com|evil\\.example|:443|:80|null| |\\?|#|\\\\){1,6}",
    ) {
        let answer = post_from("/_consent/choice", &[("host", "www.example.com"), ("origin", &origin)]);
        if answer.status != 403 {
            let rest = origin.strip_prefix("https://").or(origin.strip_prefix("http://")).unwrap();
            let authority = rest.split(['/', '?', '#', '\\']).next().unwrap();
            let own = ["www.example.com", "www.example.com:443", "www.example.com:80"];
            prop_assert!(own.contains(&authority), "{}", origin);
        }
    }
}

#[test]
fn c13_a_choice_by_form_holds_from_the_next_request_on() {
    let layer = site();
    let value = exchange(&layer, post("choice=accept"), ok()).choice().unwrap();
    let seen = exchange(&layer, common::visit(&value), ok());
    assert!(seen.app().extensions.get::<Consent>().unwrap().allows(category::ANALYTICS));
}

#[test]
fn v3_caches_are_cleared_where_a_form_changes_an_earlier_choice_and_nowhere_else() {
    let layer = layer(policy().build().unwrap());
    let cleared = |request: Request<Body>| {
        exchange(&layer, request, ok()).headers.get("clear-site-data").cloned()
    };
    let choice = format!("__Host-consent=1.1.{}.accept.+preferences+analytics+marketing", now());
    let again = |accept: &str| {
        let request =
            post_to("/_consent/choice").header("cookie", &choice).header("accept", accept);
        request.body(Body::from("choice=reject")).unwrap()
    };
    assert_eq!(cleared(post("choice=reject")), None, "nothing that shows a choice was stored");
    assert_eq!(cleared(again("text/html")).unwrap(), "\"cache\"");
    assert_eq!(cleared(again("application/json")), None, "the script mends the page itself");
}
