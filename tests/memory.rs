//! How much memory a gated page takes, by the whole process: it has one of its own, so that nothing else counts (H9).
#![cfg(target_os = "linux")]

mod transport;

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use tower::{ServiceBuilder, service_fn};
use tower_consent::{ConsentLayer, Policy};
use transport::{net::*, *};

const HEAD: &str = "<!doctype html><html lang=en><head><title>News</title></head><body>";
const FRAME: usize = 64 * 1024;

/// A piece of the page: much text, many tags, and each kind of thing that is gated.
fn piece() -> String {
    let text = "<p class=\"text\">The lamp was lit for the first time in <a href=\"/history/7\">eleven years</a> on Tuesday, \
                &amp; half of the village had climbed the hill to see it. <em>Nobody spoke</em> for a while.</p>\n";
    let tags = "<li class=\"card\" style=\"color: red\"><a href=\"/a/1\"><img src=\"/img/1.jpg\" srcset=\"/img/2.jpg 2x\" \
                alt=\"\"></a> <span class=\"n\"><span class=\"pre\">x</span></span></li>\n";
    format!(
        "{}<ul>{}</ul><img src=\"https://www.google-analytics.com/collect?v=1\" alt=\"\">\
         <script>gtag('config', 'G-1')</script><style>p {{ background: url(//www.google-analytics.com/p) }}</style>\
         <noscript><img src=//www.google-analytics.com/n></noscript>\
         <iframe src=\"https://www.youtube.com/embed/x\" width=560 height=315></iframe>\n",
        text.repeat(8),
        tags.repeat(8)
    )
}

fn site() -> ConsentLayer {
    let policy = Policy::builder("Example News")
        .vendor_from_catalog("google-analytics")
        .and_then(|policy| policy.vendor_from_catalog("youtube"));
    ConsentLayer::new(policy.unwrap().build().unwrap())
}

/// A page of this many bytes, in frames that are cut anywhere and made as they are asked for.
fn page(length: usize) -> Boxed {
    let piece = piece();
    let ring = piece.repeat(FRAME / piece.len() + 2).into_bytes();
    let frames = (0..length / FRAME).map(move |index| {
        let at = index * FRAME % piece.len();
        Bytes::copy_from_slice(&ring[at..at + FRAME])
    });
    let frames = std::iter::once(Bytes::from(HEAD)).chain(frames);
    boxed(StreamBody::new(futures_util::stream::iter(
        frames.map(|data| Ok::<_, Infallible>(Frame::data(data))),
    )))
}

/// The most memory that this process had at once so far, in KB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// What a page begins with, and what each piece of it becomes.
async fn gated() -> (Vec<u8>, Vec<u8>) {
    let visit = async |pieces| {
        let page = format!("{HEAD}{}", piece().repeat(pieces));
        arrive(through(&site(), navigate("/"), move |_| html(full(page.clone()))).await).await.body
    };
    let (one, two) = (visit(1).await, visit(2).await);
    let piece = two[one.len()..].to_vec();
    assert!(one.ends_with(&piece));
    let gated = String::from_utf8_lossy(&piece);
    assert_eq!(gated.matches("data-consent=\"google-analytics\"").count(), 4, "{gated}");
    assert_eq!(gated.matches("data-consent=\"youtube\"").count(), 1, "{gated}");
    (one[..one.len() - piece.len()].to_vec(), piece)
}

#[tokio::test]
async fn h9_a_gated_page_of_a_hundred_megabytes_streams_through_in_constant_memory() {
    // The gate may hold a tag or an inline script, 4 MB at most; sockets and frames under way take less. The page is 100.
    const MOST: usize = 16 * 1024;
    let (start, piece) = gated().await;
    let ring = piece.repeat(2);
    let service = ServiceBuilder::new().layer(site()).service(service_fn(
        |request: Request<Incoming>| async move {
            let length = request.headers()["x-length"].to_str().unwrap().parse().unwrap();
            Ok::<_, Infallible>(html(page(length)))
        },
    ));
    let server = hyper(service).await;
    let mut before = 0;
    // The first is to warm up.
    for length in [1_000_000, 100_000_000] {
        before = peak();
        let mut client = Client::connect(&server, Protocol::Http1).await;
        let response =
            within(client.begin(with(navigate("/"), "x-length", &length.to_string()))).await;
        let mut body = response.into_body();
        let (mut head, mut at) = (&start[..], 0);
        while let Some(frame) = within(body.frame()).await {
            let data = frame.unwrap().into_data().unwrap();
            let mut rest = &data[..];
            while !rest.is_empty() {
                let expected = if head.is_empty() { &ring[at % piece.len()..] } else { head };
                let same = rest.len().min(expected.len());
                assert!(rest[..same] == expected[..same], "another page at {at}");
                rest = &rest[same..];
                if head.is_empty() {
                    at += same;
                } else {
                    head = &head[same..];
                }
            }
        }
        assert!(at > length / FRAME * FRAME, "it ended at {at}");
    }
    let grown = peak() - before;
    println!("peak {} KB; {grown} KB more than for 1 MB", peak());
    assert!(grown < MOST, "100 MB took {grown} KB more than 1 MB");
}
