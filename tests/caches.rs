//! What caches are told, and that a page which a cache kept never brings an old banner back (V1, V2).

mod transport;

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use tower_consent::Consent;
use transport::*;

const HTML: (&str, &str) = ("content-type", "text/html");
const CHANGED: &str = "Tue, 24 Nov 2026 03:00:00 GMT";

/// An application that knows HTTP's validators: a page and an image, each with an `ETag` and a
/// date. It takes down what it was asked.
#[derive(Clone, Default)]
struct Site {
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Site {
    fn answer(&self, request: &Request<String>) -> Response<Boxed> {
        self.seen.lock().unwrap().push(request.headers().clone());
        let is_image = request.uri().path() == "/logo.png";
        let tag = if is_image { "\"logo\"" } else { "\"v1\"" };
        let head = |mut response: Response<Boxed>| {
            for (name, value) in [
                ("etag", tag),
                ("last-modified", CHANGED),
                ("content-security-policy", "default-src 'self'"),
                ("cache-control", "max-age=60"),
            ] {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        };
        let headers = request.headers();
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let is_current = match joined(headers, "if-none-match") {
            Some(tags) => tags.split(", ").any(|t| t == "*" || t.trim_start_matches("W/") == tag),
            None => text("if-modified-since").as_deref() == Some(CHANGED),
        };
        let mut response = head(if is_image {
            respond(&[("content-type", "image/png")], full("png!"))
        } else {
            html(full(PAGE))
        });
        if is_current {
            response = head(Response::new(full("")));
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if text("range").is_some()
            && text("if-range").is_none_or(|validator| validator == tag || validator == CHANGED)
        {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            *response.body_mut() = full("part");
        }
        response
    }

    async fn get(&self, request: Request<String>) -> Arrived {
        let site = self.clone();
        fetch(request, move |request| site.answer(&request)).await
    }

    /// The last request as the application saw it.
    fn seen(&self, name: &str) -> Option<String> {
        joined(self.seen.lock().unwrap().last().unwrap(), name)
    }
}

/// A navigation, with the choice cookie and a condition.
fn asking(cookie: &str, name: &'static str, value: &str) -> Request<String> {
    let request = with(navigate("/"), name, value);
    if cookie.is_empty() { request } else { with(request, "cookie", cookie) }
}

async fn page(headers: &[(&'static str, &'static str)]) -> Arrived {
    page_of(navigate("/"), headers).await
}

async fn page_of(request: Request<String>, headers: &[(&'static str, &'static str)]) -> Arrived {
    let headers = headers.to_vec();
    fetch(request, move |_| respond(&[&[HTML][..], &headers].concat(), full(PAGE))).await
}

#[tokio::test]
async fn v1_vary_of_a_page_is_merged_with_the_applications() {
    for (lines, expected) in [
        (&[][..], "Cookie, Sec-GPC, Sec-Fetch-Dest, Sec-Fetch-Mode"),
        (&["Accept-Encoding"], "Accept-Encoding, Cookie, Sec-GPC, Sec-Fetch-Dest, Sec-Fetch-Mode"),
        (
            &["Accept-Encoding", "Origin"],
            "Accept-Encoding, Origin, Cookie, Sec-GPC, Sec-Fetch-Dest, Sec-Fetch-Mode",
        ),
        (&["cOOKIE"], "cOOKIE, Sec-GPC, Sec-Fetch-Dest, Sec-Fetch-Mode"),
        (
            &["sec-gpc,sec-fetch-dest,sec-fetch-mode", "cookie"],
            "sec-gpc,sec-fetch-dest,sec-fetch-mode, cookie",
        ),
        (&["sec-gpc,origin", "cookie"], "sec-gpc, origin, cookie, Sec-Fetch-Dest, Sec-Fetch-Mode"),
        (
            &["X-Cookie, Cookie-X"],
            "X-Cookie, Cookie-X, Cookie, Sec-GPC, Sec-Fetch-Dest, Sec-Fetch-Mode",
        ),
        (&["*"], "*"),
        (&["Accept", "*"], "Accept, *"),
    ] {
        let vary: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
        assert_eq!(page(&vary).await.header("vary").unwrap(), expected);
    }
}

#[tokio::test]
async fn v1_an_answer_that_lost_or_may_lose_a_cookie_says_so() {
    for (cookie, sent, vary) in [
        ("", "visitor_id=1", Some("Cookie, Sec-GPC")),
        ("", "unknown=1", Some("Cookie, Sec-GPC")),
        (&choice("accept"), "visitor_id=1", Some("Cookie, Sec-GPC")),
        ("", "session=1", None),
    ] {
        let request = with(get("/logo.png"), "cookie", cookie);
        let sent = sent.to_owned();
        let arrived = fetch(request, move |_| {
            respond(&[("content-type", "image/png"), ("set-cookie", &sent)], full("png!"))
        })
        .await;
        assert_eq!(arrived.header("vary").as_deref(), vary);
    }
}

#[tokio::test]
async fn v1_untouched_answers_keep_their_headers_byte_for_byte() {
    let headers = [
        ("content-type", "image/png"),
        ("cache-control", "public,max-age=31536000 , immutable"),
        ("cdn-cache-control", "max-age=99"),
        ("etag", "\"logo\""),
        ("last-modified", CHANGED),
        ("vary", "accept"),
        ("vary", "origin"),
        ("accept-ranges", "bytes"),
        ("expires", "0"),
        ("x-odd", "  a ,,b"),
    ];
    for cookie in ["", &choice("accept")] {
        let arrived = fetch(with(get("/logo.png"), "cookie", cookie), move |_| {
            respond(&headers, full("png!"))
        })
        .await;
        let expected = respond(&headers, ()).headers().clone();
        assert_eq!(arrived.headers, expected);
    }
}

#[tokio::test]
async fn v1_a_page_that_asks_is_stored_nowhere() {
    for said in [
        &[][..],
        &[("cache-control", "public, max-age=60, s-maxage=600, stale-while-revalidate=5")],
        &[("cache-control", "no-store"), ("cache-control", "private")],
        &[("cdn-cache-control", "max-age=600"), ("cloudflare-cdn-cache-control", "max-age=600")],
        &[("surrogate-control", "max-age=600"), ("x-accel-expires", "600")],
        &[("netlify-cdn-cache-control", "public"), ("vercel-cdn-cache-control", "public")],
    ] {
        let arrived = page(said).await;
        assert!(arrived.asks());
        let cache = arrived.header("cache-control").unwrap();
        let directives: Vec<&str> = cache.split(", ").collect();
        assert!(directives.contains(&"private") && directives.contains(&"no-store"), "{cache}");
        assert_eq!(directives.iter().filter(|d| **d == "no-store").count(), 1);
        assert!(!cache.contains("public") && !cache.contains("s-maxage"), "{cache}");
        for (name, _) in said.iter().filter(|(name, _)| *name != "cache-control") {
            assert_eq!(arrived.header(name), None, "{name}");
        }
    }
}

#[tokio::test]
async fn v1_an_answer_in_which_a_handler_makes_a_choice_is_stored_nowhere() {
    for (status, kind) in [(308, "text/plain"), (200, "application/json"), (200, "text/html")] {
        let arrived = fetch(navigate("/welcome"), move |request| {
            let choice = request.extensions().get::<Consent>().unwrap().accept_all();
            let headers = [
                ("content-type", kind),
                ("cache-control", "public, max-age=600"),
                ("cdn-cache-control", "max-age=600"),
            ];
            let mut response = respond(&headers, full(PAGE));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.extensions_mut().insert(choice);
            response
        })
        .await;
        assert!(arrived.header("set-cookie").unwrap().starts_with("__Host-consent="));
        let cache = arrived.header("cache-control").unwrap();
        assert!(["no-store", "private, no-store"].contains(&&*cache), "{kind}: {cache}");
        assert_eq!(arrived.header("cdn-cache-control"), None);
    }
}

#[tokio::test]
async fn v1_a_page_with_the_tab_is_kept_by_the_visitors_own_cache_as_the_site_says() {
    for (said, expected) in [
        ("max-age=60", "private, max-age=60"),
        ("public, max-age=60, must-revalidate", "private, max-age=60, must-revalidate"),
        ("s-maxage=600,max-age=5, proxy-revalidate", "private, max-age=5"),
        ("no-cache=\"a, public\"", "private, no-cache=\"a, public\""),
        ("no-store", "private, no-store"),
        ("private=\"set-cookie\"", "private"),
    ] {
        let request = with(navigate("/"), "cookie", &choice("reject"));
        let arrived = page_of(request, &[("cache-control", said)]).await;
        assert!(arrived.has_banner() && !arrived.asks());
        assert_eq!(arrived.header("cache-control").unwrap(), expected, "{said}");
    }
}

#[tokio::test]
async fn v1_a_piece_of_a_page_stays_as_cacheable_as_it_was() {
    let request = with(get("/comments"), "hx-request", "true");
    let arrived =
        page_of(request, &[("cache-control", "public, max-age=60"), ("etag", "\"1\"")]).await;
    assert_eq!(arrived.header("cache-control").unwrap(), "public, max-age=60");
    assert!(arrived.header("etag").unwrap().starts_with("\"1-consent-"), "it may be gated");
    let everything =
        with(with(get("/comments"), "hx-request", "true"), "cookie", &choice("accept"));
    let arrived = page_of(everything, &[("etag", "\"1\"")]).await;
    assert_eq!(arrived.header("etag").unwrap(), "\"1\"");
}

#[tokio::test]
async fn v1_what_an_address_gives_depends_on_what_it_is_for() {
    // Without this a browser would show a frame's copy, without banner, as the page, and back.
    let page = page(&[]).await.header("vary").unwrap();
    let frame =
        page_of(with(get("/"), "sec-fetch-dest", "iframe"), &[]).await.header("vary").unwrap();
    assert!(page.contains("Sec-Fetch-Dest") && frame.contains("Sec-Fetch-Dest"), "{page}; {frame}");
}

#[tokio::test]
async fn v2_each_variant_has_an_etag_of_its_own_and_of_the_same_strength() {
    for own in ["\"v1\"", "W/\"v1\"", "\"\"", "\"a,b\"", "\"a\\\"", "\"-consent-\""] {
        let mut tags = Vec::new();
        for cookie in ["", &choice("accept"), &choice("reject")] {
            for gpc in ["0", "1"] {
                let request = with(with(navigate("/"), "cookie", cookie), "sec-gpc", gpc);
                let own = own.to_owned();
                let arrived =
                    fetch(request, move |_| respond(&[HTML, ("etag", &own)], full(PAGE))).await;
                tags.push((arrived.header("etag").unwrap(), arrived.body));
            }
        }
        for (tag, body) in &tags {
            assert!(tag.starts_with(own.trim_end_matches('"')) && tag.ends_with('"'), "{tag}");
            for (other, other_body) in &tags {
                assert!(tag != other || body == other_body, "{tag} names two pages");
            }
        }
        assert!(tags[0].0 != tags[2].0 && tags[2].0 != tags[4].0, "{tags:?}");
    }
}

#[tokio::test]
async fn v2_a_malformed_etag_goes_from_a_changed_page() {
    for own in ["v1", "\"", "\"v1", "v1\"", "W/", "W/\"", "w/\"v1\"", "\"a\"b\"", ""] {
        let own = own.to_owned();
        let etag = own.clone();
        let arrived =
            fetch(navigate("/"), move |_| respond(&[HTML, ("etag", &etag)], full(PAGE))).await;
        assert_eq!(arrived.header("etag"), None, "{own}");
    }
}

#[tokio::test]
async fn v2_the_etag_of_what_is_no_page_is_untouched_both_ways() {
    let site = Site::default();
    let first = site.get(get("/logo.png")).await;
    assert_eq!(first.header("etag").unwrap(), "\"logo\"");
    assert_eq!(first.header("last-modified").unwrap(), CHANGED);
    for condition in ["\"logo\"", "W/\"logo\"", "\"x\", \"logo\"", "*"] {
        let again = site.get(with(get("/logo.png"), "if-none-match", condition)).await;
        assert_eq!(
            (again.status.as_u16(), site.seen("if-none-match").unwrap()),
            (304, condition.to_owned())
        );
        assert_eq!(again.header("etag").unwrap(), "\"logo\"");
        assert_eq!(again.header("cache-control").unwrap(), "max-age=60");
    }
    let again = site.get(with(get("/logo.png"), "if-modified-since", CHANGED)).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn v2_what_is_current_is_not_sent_again() {
    let site = Site::default();
    let cookie = choice("reject");
    let first = site.get(with(navigate("/"), "cookie", &cookie)).await;
    let tag = first.header("etag").unwrap();
    for condition in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        format!("\"with, comma\",W/{tag} , \"other\""),
    ] {
        let again = site.get(asking(&cookie, "if-none-match", &condition)).await;
        assert_eq!(again.status, 304, "{condition}");
        assert_eq!(
            again.header("etag").as_ref(),
            Some(&tag),
            "the variant's own, or caches forget it"
        );
        let asked = site.seen("if-none-match").unwrap();
        assert!(asked.contains("\"v1\"") && !asked.contains("consent"), "{asked}");
        assert!(again.body.is_empty());
    }
}

#[tokio::test]
async fn v2_a_304_tells_caches_the_same_as_the_page_it_stands_for() {
    // RFC 9111, 3.2: the stored page takes these headers over, its CSP included.
    let site = Site::default();
    let cookie = choice("reject");
    let first = site.get(with(navigate("/"), "cookie", &cookie)).await;
    let again = site.get(asking(&cookie, "if-none-match", &first.header("etag").unwrap())).await;
    assert_eq!(again.status, 304);
    let mut updated = first.headers.clone();
    for (name, value) in &again.headers {
        updated.insert(name, value.clone());
    }
    assert_eq!(updated, first.headers);
    assert!(again.header("content-security-policy").unwrap().contains("sha256-"));
}

#[tokio::test]
async fn v2_what_another_state_stored_is_sent_anew() {
    let site = Site::default();
    let states = [String::new(), choice("accept"), choice("reject")];
    let mut tags = Vec::new();
    for cookie in &states {
        let page = site.get(with(navigate("/"), "cookie", cookie)).await;
        tags.push(page.header("etag").unwrap());
    }
    for (now, cookie) in states.iter().enumerate() {
        let others =
            (0..states.len()).filter(|other| *other != now).map(|other| tags[other].clone());
        for condition in others.chain(["\"v1\"".into(), "W/\"v1\"".into()]) {
            let page = site.get(asking(cookie, "if-none-match", &condition)).await;
            assert_eq!(page.status, 200, "{condition}");
            assert_eq!(page.header("etag").unwrap(), tags[now]);
            assert_eq!(page.asks(), now == 0);
        }
        // All at once: the current one alone counts.
        let page = site.get(asking(cookie, "if-none-match", &tags.join(", "))).await;
        assert_eq!((page.status.as_u16(), page.header("etag").unwrap()), (304, tags[now].clone()));
    }
}

#[tokio::test]
async fn v2_a_date_brings_no_stale_page_back() {
    let site = Site::default();
    let page = site.get(navigate("/")).await;
    assert_eq!(page.header("last-modified"), None);
    let page = site.get(asking("", "if-modified-since", CHANGED)).await;
    assert_eq!((page.status.as_u16(), page.has_banner()), (200, true));
    let page = site.get(asking(&choice("accept"), "if-modified-since", CHANGED)).await;
    assert_eq!((page.status.as_u16(), page.has_banner()), (200, true));
}

#[tokio::test]
async fn v2_no_part_is_added_to_a_page_that_was_changed() {
    let site = Site::default();
    let cookie = choice("accept");
    let tag = site.get(with(navigate("/"), "cookie", &cookie)).await.header("etag").unwrap();
    for validator in [tag.as_str(), "\"v1\"", CHANGED] {
        let request = with(asking(&cookie, "range", "bytes=10-"), "if-range", validator);
        let page = site.get(request).await;
        assert_eq!((page.status.as_u16(), page.has_banner()), (200, true), "{validator}");
    }
    // Whoever fetches without saying what for, too, where the tag shows a changed page.
    let request =
        with(with(with(get("/"), "range", "bytes=10-"), "if-range", &tag), "cookie", &cookie);
    assert_eq!(site.get(request).await.status, 200);
    // What was not changed can be gone on with.
    let request = with(with(get("/logo.png"), "range", "bytes=2-"), "if-range", "\"logo\"");
    let part = site.get(request).await;
    assert_eq!((part.status.as_u16(), part.text()), (206, "part"));
    // A part on its own is a part.
    let part = site.get(with(with(navigate("/"), "range", "bytes=10-"), "cookie", &cookie)).await;
    assert_eq!(
        (part.status.as_u16(), part.text(), part.header("etag").unwrap().as_str()),
        (206, "part", "\"v1\"")
    );
}

#[tokio::test]
async fn v2_a_condition_on_a_change_knows_the_page_by_any_variants_etag() {
    let site = Site::default();
    let tag = site.get(navigate("/")).await.header("etag").unwrap();
    for (condition, expected) in [
        (tag.clone(), "\"v1\"".to_owned()),
        (format!("\"a\", {tag}"), "\"a\", \"v1\"".to_owned()),
        ("\"a\" ,\"v1\"".into(), "\"a\" ,\"v1\"".into()),
        ("*".into(), "*".into()),
        ("\"v1-consent-x\"".into(), "\"v1-consent-x\"".into()),
    ] {
        // The visitor may have chosen in between.
        let mut request = asking(&choice("accept"), "if-match", &condition);
        *request.method_mut() = Method::PUT;
        site.get(request).await;
        assert_eq!(site.seen("if-match").unwrap(), expected);
    }
}

#[tokio::test]
async fn v2_whoever_has_any_version_is_told_so_and_creates_nothing_twice() {
    let site = Site::default();
    for method in [Method::GET, Method::PUT] {
        let mut request = asking("", "if-none-match", "*");
        *request.method_mut() = method;
        site.get(request).await;
        assert_eq!(site.seen("if-none-match").unwrap(), "*");
    }
}

#[tokio::test]
async fn v2_head_agrees_with_get() {
    let site = Site::default();
    let cookie = choice("reject");
    let head = |mut request: Request<String>| {
        *request.method_mut() = Method::HEAD;
        request
    };
    let get = site.get(with(navigate("/"), "cookie", &cookie)).await;
    let tag = get.header("etag").unwrap();
    assert_eq!(site.get(head(with(navigate("/"), "cookie", &cookie))).await.headers, get.headers);
    let get = site.get(asking(&cookie, "if-none-match", &tag)).await;
    let head = site.get(head(asking(&cookie, "if-none-match", &tag))).await;
    assert_eq!((head.status, head.headers), (get.status, get.headers));
    assert_eq!(head.status, 304);
}

/// A visitor's browser with its cache, which keeps what it may (RFC 9111) and asks whether it is
/// still current each time.
struct Browser {
    site: Site,
    layer: tower_consent::ConsentLayer,
    cookie: String,
    kept: Vec<Kept>,
}

struct Kept {
    varies_by: Vec<Option<String>>,
    headers: HeaderMap,
    body: bytes::Bytes,
}

impl Browser {
    fn new() -> Self {
        Self { site: Site::default(), layer: layer(), cookie: String::new(), kept: Vec::new() }
    }

    /// What the visitor sees, and whether the server sent it.
    async fn open(&mut self) -> (Arrived, bool) {
        let mut request = with(navigate("/"), "cookie", &self.cookie);
        for kept in &self.kept {
            if let Some(tag) = joined(&kept.headers, "etag") {
                request = with(request, "if-none-match", &tag);
            }
            if let Some(date) = joined(&kept.headers, "last-modified") {
                request = with(request, "if-modified-since", &date);
            }
        }
        let site = self.site.clone();
        let asked = request.headers().clone();
        let answer =
            arrive(through(&self.layer, request, move |request| site.answer(&request)).await).await;
        if answer.status == 304 {
            // The stored page that the answer means, by its tag.
            let tag = answer.header("etag").expect("a tag");
            let kept = self
                .kept
                .iter_mut()
                .find(|kept| joined(&kept.headers, "etag").as_ref() == Some(&tag));
            let kept = kept.expect("a page of this tag");
            for (name, value) in &answer.headers {
                kept.headers.insert(name, value.clone());
            }
            let page = Arrived {
                status: StatusCode::OK,
                headers: kept.headers.clone(),
                body: kept.body.clone(),
                trailers: None,
            };
            return (page, false);
        }
        if !answer.header("cache-control").unwrap_or_default().contains("no-store") {
            let varies = answer.header("vary").unwrap_or_default();
            let varies_by = varies.split(", ").map(|name| joined(&asked, name)).collect();
            self.kept.retain(|kept: &Kept| kept.varies_by != varies_by);
            self.kept.push(Kept {
                varies_by,
                headers: answer.headers.clone(),
                body: answer.body.clone(),
            });
        }
        (answer, true)
    }

    /// Answers the banner, by its form.
    async fn choose(&mut self, choice: &str) {
        let mut request =
            with(get("/_consent/choice"), "content-type", "application/x-www-form-urlencoded");
        request = with(request, "cookie", &self.cookie);
        *request.method_mut() = Method::POST;
        *request.body_mut() = format!("choice={choice}&return_to=/");
        let answer = arrive(through(&self.layer, request, |_| unreachable!()).await).await;
        assert_eq!(answer.status, 303);
        let line = answer.headers.get_all("set-cookie").iter().next_back().unwrap();
        self.cookie = line.to_str().unwrap().split(';').next().unwrap().to_owned();
    }
}

#[tokio::test]
async fn v2_no_stale_banner_from_the_first_visit_to_the_withdrawal() {
    let mut browser = Browser::new();
    let (page, _) = browser.open().await;
    assert!(page.asks());
    let (page, sent) = browser.open().await;
    assert!(page.asks() && sent, "a page that asks is not kept");

    browser.choose("accept").await;
    let (accepted, sent) = browser.open().await;
    assert!(accepted.has_banner() && !accepted.asks() && sent);
    let (page, sent) = browser.open().await;
    assert!(!sent, "what is current is not sent again");
    assert_eq!(page.body, accepted.body);
    assert_eq!(page.headers, accepted.headers);

    browser.choose("reject").await;
    let (rejected, sent) = browser.open().await;
    assert!(sent && !rejected.asks());
    assert_ne!(rejected.body, accepted.body, "the settings show what holds now");
    let (page, sent) = browser.open().await;
    assert_eq!((page.body, sent), (rejected.body, false));

    // The choice is gone, with all cookies; the pages are still in the cache.
    browser.cookie.clear();
    let (page, sent) = browser.open().await;
    assert!(page.asks() && sent);
}
