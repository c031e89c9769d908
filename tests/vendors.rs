//! The HTML gate through the layer: what a page may fetch from follows the choice (H1 to H6).
#![allow(missing_docs)]

mod transport;

use std::{convert::Infallible, sync::Arc};

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tower::{ServiceBuilder, service_fn};
use tower_consent::{ConsentLayer, Policy, Regime, Undeclared, Vendor, category};
use transport::*;

const METRICS: &str = "https://cdn.metrics.example/m.js";
const VIDEO: &str = "//video.example/embed/1?a=b&amp;c=d";

/// A site with vendors of its own in two categories.
fn site() -> ConsentLayer {
    let policy = Policy::builder("Example News")
        .vendor(
            Vendor::new("metrics", "Example Metrics", category::ANALYTICS)
                .host("metrics.example")
                .mark("emq.push("),
        )
        .vendor(Vendor::new("video", "Example Video", category::MARKETING).host("video.example"));
    ConsentLayer::new(policy.build().unwrap())
}

fn page(metrics: &str, video: &str) -> String {
    format!(
        "<!doctype html><html><head><title>News</title><script async src=\"{metrics}\"></script>\
         <script>emq.push(['view'])</script><script src=/own.js></script></head><body>\
         <iframe src='{video}' width=560 height=315></iframe><p>Text &amp; more</p></body></html>"
    )
}

/// What a visitor with this cookie gets for a page.
async fn visit(layer: &ConsentLayer, cookie: &str, html: &'static str) -> Arrived {
    visit_as(layer, with(navigate("/story"), "cookie", cookie), html).await
}

async fn visit_as(layer: &ConsentLayer, request: Request<String>, page: &'static str) -> Arrived {
    arrive(through(layer, request, move |_| html(full(page))).await).await
}

fn leak(page: String) -> &'static str {
    page.leak()
}

#[tokio::test]
async fn h1_nothing_is_fetched_from_a_denied_vendor_and_h5_the_rest_is_as_it_was() {
    let page = leak(page(METRICS, VIDEO));
    for cookie in ["", &choice("reject")] {
        let arrived = visit(&site(), cookie, page).await;
        let html = arrived.text();
        assert!(!html.contains(&format!(" src=\"{METRICS}\"")), "{html}");
        assert!(!html.contains(&format!(" src='{VIDEO}'")), "{html}");
        // H3: what is needed to bring it back is there.
        assert!(html.contains(&format!("data-consent-src=\"{METRICS}\"")), "{html}");
        assert!(html.contains("<script data-consent=\"metrics\" type=\"text/plain\">emq.push("));
        for untouched in ["<script src=/own.js></script>", "<p>Text &amp; more</p>"] {
            assert!(html.contains(untouched), "{untouched}");
        }
    }
}

#[tokio::test]
async fn h3_who_allows_everything_gets_the_page_as_the_application_made_it() {
    let page = leak(page(METRICS, VIDEO));
    let arrived = visit(&site(), &choice("accept"), page).await;
    assert_eq!(arrived.without_banner(), page.as_bytes());
}

#[tokio::test]
async fn h1_each_vendor_follows_its_own_category() {
    let page = leak(page(METRICS, VIDEO));
    let some = choice("accept").replace("+marketing", "-marketing");
    let arrived = visit(&site(), &some, page).await;
    assert!(arrived.text().contains(&format!("<script async src=\"{METRICS}\"></script>")));
    assert!(arrived.text().contains("<script>emq.push("));
    assert!(!arrived.text().contains(&format!(" src='{VIDEO}'")));
}

#[tokio::test]
async fn h4_a_placeholder_stands_where_the_frame_was() {
    let arrived = visit(&site(), "", leak(page(METRICS, VIDEO))).await;
    let (_, placeholder) = arrived.text().split_once("data-state=gated").expect("a placeholder");
    let (placeholder, rest) = placeholder.split_once("</template>").unwrap();
    assert!(placeholder.contains("Example Video is not loaded"), "{placeholder}");
    assert!(placeholder.contains("href=\"//video.example/embed/1?a=b&amp;c=d\""), "{placeholder}");
    assert!(placeholder.contains("width=560 height=315"), "{placeholder}");
    // The frame itself stays, inert, where it can't be seen.
    let (frame, _) = rest.split_once("</tower-consent>").unwrap();
    assert!(frame.starts_with("<iframe ") && frame.ends_with("</iframe>"), "{frame}");
}

#[tokio::test]
async fn h1_known_trackers_are_gated_even_when_the_site_declared_nothing() {
    let page = "<!doctype html><title>x</title><body>\
        <script src=https://www.googletagmanager.com/gtag/js?id=G-1></script>\
        <img src=https://unknown.example/x.png>";
    let bare = ConsentLayer::new(Policy::builder("Example News").build().unwrap());
    let arrived = visit(&bare, "", page).await;
    assert!(arrived.text().contains("data-consent=\"google-analytics\""), "{}", arrived.text());
    assert!(arrived.text().contains("<img src=https://unknown.example/x.png>"));
    let policy = Policy::builder("Example News").undeclared_hosts(Undeclared::Block);
    let strict = visit(&ConsentLayer::new(policy.build().unwrap()), "", page).await;
    assert!(!strict.text().contains("<img src=https://unknown"), "{}", strict.text());
}

#[tokio::test]
async fn h1_under_opt_out_everything_is_served_until_the_visitor_opts_out() {
    let policy = Policy::builder("Example News").regime(Regime::OptOut);
    let metrics = Vendor::new("metrics", "M", category::ANALYTICS).host("metrics.example");
    let layer = ConsentLayer::new(policy.vendor(metrics).build().unwrap());
    let page = leak(page(METRICS, VIDEO));
    assert_eq!(visit(&layer, "", page).await.without_banner(), page.as_bytes());
    let refused = visit(&layer, &choice("reject"), page).await;
    assert!(!refused.text().contains(&format!(" src=\"{METRICS}\"")));
    let signaled = visit_as(&layer, with(navigate("/"), "sec-gpc", "1"), page).await;
    assert!(!signaled.text().contains(&format!(" src=\"{METRICS}\"")));
}

#[tokio::test]
async fn h2_what_its_author_marked_follows_the_mark() {
    let page = "<!doctype html><title>x</title><body>\
        <script data-consent=marketing>track()</script><p data-consent=analytics>We count.</p>";
    let arrived = visit(&site(), "", page).await;
    assert!(arrived.text().contains("<script data-consent=\"marketing\" type=\"text/plain\" data-consent-data-consent=marketing>track()"));
    assert!(arrived.text().contains(
        "<p data-consent=\"analytics\" hidden=\"\" data-consent-data-consent=analytics>"
    ));
    let arrived = visit(&site(), &choice("accept"), page).await;
    assert_eq!(arrived.without_banner(), page.as_bytes());
}

/// Chromium reads ahead and fetches what a style imports first, whatever the type of the style.
#[tokio::test]
async fn h1_nothing_is_imported_by_browsers_that_read_ahead() {
    let page = "<!doctype html><title>x</title><style>@import '//video.example/x.css';</style>\
        <style data-consent=marketing>@import '/own.css';</style>\
        <svg><style>@import '//video.example/y.css';</style></svg>";
    let arrived = visit(&site(), "", page).await;
    let styles: Vec<&str> = arrived.text().split("</style>").collect();
    let gated = |style: &&&str| style.ends_with(".css';");
    assert_eq!(styles.iter().filter(gated).count(), 3);
    assert!(styles.iter().filter(gated).all(|style| style.contains(">-->@import")), "{styles:?}");
    let arrived = visit(&site(), &choice("accept"), page).await;
    assert_eq!(arrived.without_banner(), page.as_bytes());
}

#[tokio::test]
async fn h8_of_several_types_the_last_counts_as_in_browsers() {
    let page = leak(page(METRICS, VIDEO));
    for (types, is_gated) in [
        (&["text/html", "*/*", "html"][..], true),
        (&["text/plain", "text/html; charset=utf-8"], true),
        (&["text/plain,Text/HTML"], true),
        (&["text/html; title=\"a, b/c\""], true),
        (&["text/html, text/plain"], false),
    ] {
        let headers: Vec<(&str, &str)> = types.iter().map(|kind| ("content-type", *kind)).collect();
        let answer = through(&site(), navigate("/story"), |_| respond(&headers, full(page))).await;
        assert_eq!(arrive(answer).await.text() != page, is_gated, "{types:?}");
    }
}

#[tokio::test]
async fn h1_h2_pages_styles_and_scripts_in_urls_are_read() {
    for page in [
        "<!doctype html><title>x</title><iframe src='data:text/html,<img src=//video.example/x>'></iframe>",
        "<!doctype html><title>x</title><iframe src=\"javascript:'<img src=//video.example/x>'\"></iframe>",
        "<!doctype html><title>x</title><link rel=stylesheet href='data:text/css,@import%20%22https:%2f%2fvideo.example%22'>",
        // What isn't coded in base64, though it says so somewhere.
        "<!doctype html><title>x</title><iframe src='data:text/html;x=base64,%3Cimg%20src=//video.example/x>'></iframe>",
        "<!doctype html><title>x</title><iframe src='data:text/html;base64;x,%3Cimg%20src=//video.example/x>'></iframe>",
        "<!doctype html><title>x</title><iframe src='data:text/html; base64 ,PGltZyBzcmM9Ly92aWRlby5leGFtcGxlL3g+'></iframe>",
        // A frame shows pictures as pages.
        "<!doctype html><title>x</title><iframe src='data:image/svg+xml;base64,PHN2Zz48c2NyaXB0IGhyZWY9Ii8vdmlkZW8uZXhhbXBsZS94Ii8+PC9zdmc+'></iframe>",
        // `emq.push(1)`, as speed plugins write inline scripts.
        "<!doctype html><title>x</title><script src='data:text/javascript;base64,ZW1xLnB1c2goMSk='></script>",
    ] {
        let arrived = visit(&site(), "", page).await;
        let html = arrived.text();
        assert!(
            html.contains(" data-consent-src=") || html.contains(" data-consent-href="),
            "{html}"
        );
        let arrived = visit(&site(), &choice("accept"), page).await;
        assert_eq!(arrived.without_banner(), page.as_bytes());
    }
}

#[tokio::test]
async fn h7_fragments_and_frames_are_gated_and_get_no_banner() {
    let piece = "<li><img src=https://metrics.example/p.gif>";
    for (name, value) in [
        ("hx-request", "true"),
        ("turbo-frame", "x"),
        ("sec-fetch-dest", "iframe"),
        ("accept", "*/*"),
    ] {
        let arrived = visit_as(&site(), with(get("/more"), name, value), piece).await;
        assert!(
            arrived.text().contains("data-consent-src=https://metrics.example/p.gif"),
            "{name}"
        );
        assert_eq!(arrived.text().contains("data-state=ask"), name == "accept");
        assert!(arrived.header("vary").unwrap().contains("Cookie"));
    }
}

#[tokio::test]
async fn h6_every_cut_of_a_gated_page_gives_the_same_page() {
    let page = leak(page(METRICS, VIDEO));
    let layer = site();
    let whole = visit(&layer, "", page).await.body;
    for cut in 1..page.len() {
        let chunks = [page[..cut].to_owned(), page[cut..].to_owned()];
        let response = through(&layer, navigate("/story"), move |_| {
            let steps = chunks.iter().map(|chunk| data(chunk.clone()));
            html(script(steps))
        });
        assert_eq!(arrive(response.await).await.body, whole, "cut at {cut}");
    }
}

#[tokio::test]
async fn h9_what_is_gated_leaves_over_sockets_before_the_page_has_come() {
    let (bodies, inbox) = tokio::sync::mpsc::unbounded_channel::<Boxed>();
    let inbox = Arc::new(tokio::sync::Mutex::new(inbox));
    let service =
        ServiceBuilder::new().layer(site()).service(service_fn(move |_: Request<Incoming>| {
            let inbox = inbox.clone();
            async move { Ok::<_, Infallible>(html(inbox.lock().await.recv().await.unwrap())) }
        }));
    let server = net::hyper(service).await;
    for protocol in net::PROTOCOLS {
        let (sender, body) = channel();
        bodies.send(body).unwrap();
        let mut client = net::Client::connect(&server, protocol).await;
        let mut response = net::within(client.begin(navigate("/"))).await;
        // Each is sent when the visitor has what came before.
        for (piece, gated) in [
            ("<!doctype html><title>News</title><body>", "</tower-consent>"),
            (
                "<img src=//video.example/1>",
                "<img data-consent=\"video\" data-consent-src=//video.example/1>",
            ),
            ("<p>one<img src=//vid", "<p>one"),
            (
                "eo.example/2>two",
                "<img data-consent=\"video\" data-consent-src=//video.example/2>two",
            ),
            ("<script>emq.push(1)", ""),
            (
                "</script>",
                "<script data-consent=\"metrics\" type=\"text/plain\">emq.push(1)</script>",
            ),
            ("<p>three", "<p>three"),
        ] {
            sender.send(piece);
            net::read_until(response.body_mut(), gated.as_bytes()).await;
        }
        drop(sender);
        let rest = net::within(response.into_body().collect()).await.unwrap().to_bytes();
        assert!(rest.is_empty(), "{protocol:?}: {rest:?}");
    }
}

#[tokio::test]
async fn v2_a_gated_page_and_the_whole_one_are_different_variants() {
    let answer = |_| {
        let mut response = html(full(leak(page(METRICS, VIDEO))));
        response.headers_mut().insert("etag", "\"1\"".parse().unwrap());
        response
    };
    let etag = async |cookie: &str| {
        let request = with(navigate("/"), "cookie", cookie);
        arrive(through(&site(), request, answer).await).await.header("etag").unwrap()
    };
    let (refused, accepted) = (choice("reject"), choice("accept"));
    assert_ne!(etag(&refused).await, etag(&accepted).await);
    assert_eq!(etag(&refused).await, etag(&refused).await);
}

#[tokio::test]
async fn h5_a_picture_in_css_names_its_kind_of_markup_and_no_place() {
    let strict = Policy::builder("Example News").undeclared_hosts(Undeclared::Block);
    let strict = ConsentLayer::new(strict.build().unwrap());
    let style = |url: &str| {
        leak(format!(
            "<!doctype html><title>x</title><style>a{{background:url(\"data:image/svg+xml,%3csvg \
             xmlns='{url}' viewBox='0 0 8 8'/%3e\")}}</style><body>x"
        ))
    };
    let picture = style("http://www.w3.org/2000/svg");
    assert_eq!(visit(&strict, "", picture).await.without_banner(), picture.as_bytes());
    for elsewhere in
        ["http://www.w3.org/2000/svg/x", "http://w3.org/2000/svg", "http://a.example/2000/svg"]
    {
        let arrived = visit(&strict, "", style(elsewhere)).await;
        assert!(arrived.text().contains("<style data-consent="), "{elsewhere}");
    }
}

#[tokio::test]
async fn h3_what_looks_moved_before_it_is_can_be_told_from_what_is() {
    let page = "<!doctype html><title>x</title><img data-consent-src=//other.example/x src=//video.example/x>";
    let arrived = visit(&site(), "", page).await;
    let gated =
        "data-consent-data-consent-src=//other.example/x data-consent-src=//video.example/x>";
    assert!(arrived.text().contains(gated), "{}", arrived.text());
}
