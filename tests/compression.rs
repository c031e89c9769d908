//! The banner shows whichever way a page is compressed, and whoever compresses it (H11).

mod transport;

use std::{
    convert::Infallible,
    io::{Read, Write},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, header};
#[cfg(feature = "compression")]
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use transport::*;

const CODINGS: [&str; 4] = ["gzip", "br", "zstd", "deflate"];

/// A page long enough for layers that compress from some size on.
fn long_page() -> String {
    PAGE.replace("</h1>", &format!("</h1>{}", "<p>What happened today, and why.\n".repeat(400)))
}

fn encode(coding: &str, page: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::default());
            encoder.write_all(page).unwrap();
            out = encoder.finish().unwrap();
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(out, flate2::Compression::default());
            encoder.write_all(page).unwrap();
            out = encoder.finish().unwrap();
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 4, 19);
            encoder.write_all(page).unwrap();
        }
        "zstd" => out = zstd::encode_all(page, 3).unwrap(),
        _ => unreachable!(),
    }
    out
}

/// All that can be read of this data, which may go on later.
#[cfg(feature = "compression")]
fn decode(coding: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        None => out.extend_from_slice(data),
        Some("gzip") => {
            let mut decoder = flate2::write::GzDecoder::new(&mut out);
            decoder.write_all(data).unwrap();
            decoder.flush().unwrap();
        }
        Some("deflate") => {
            let mut decoder = flate2::write::ZlibDecoder::new(&mut out);
            decoder.write_all(data).unwrap();
            decoder.flush().unwrap();
        }
        Some("br") => {
            // What comes may be unfinished: all that it has so far counts.
            let _ = brotli::Decompressor::new(data, 4096).read_to_end(&mut out);
        }
        Some("zstd") => {
            let mut decoder = zstd::stream::write::Decoder::new(&mut out).unwrap();
            decoder.write_all(data).unwrap();
            decoder.flush().unwrap();
        }
        Some(other) => panic!("a coding {other}"),
    }
    out
}

fn accepting(coding: &str) -> Request<String> {
    let mut request = navigate("/");
    request.headers_mut().insert(header::ACCEPT_ENCODING, coding.parse().unwrap());
    request
}

/// The page as the visitor's browser reads it, to its very end.
fn read(arrived: &Arrived) -> Vec<u8> {
    let (mut out, mut data) = (Vec::new(), &arrived.body[..]);
    let read = match arrived.header("content-encoding").as_deref() {
        None => data.read_to_end(&mut out),
        Some("gzip") => flate2::read::GzDecoder::new(&mut data).read_to_end(&mut out),
        Some("deflate") => flate2::read::ZlibDecoder::new(&mut data).read_to_end(&mut out),
        Some("br") => brotli::Decompressor::new(&mut data, 4096).read_to_end(&mut out),
        Some("zstd") => zstd::Decoder::new(&mut data).unwrap().read_to_end(&mut out),
        Some(other) => panic!("a coding {other}"),
    };
    read.expect("a whole page");
    out
}

/// A page that fetches from a vendor which nobody has allowed, and what a visitor gets of it.
fn tracked_page() -> (String, String) {
    let page = |[script, image]: [&str; 2]| {
        let page = long_page().replace("</title>", &format!("</title>{script}"));
        page.replace("</h1>", &format!("</h1>{image}"))
            .replace("</body>", &format!("{image}</body>"))
    };
    let denied = [
        "<script>_gaq.push(1)</script>",
        "<img src=\"https://www.google-analytics.com/collect?v=1&amp;t=pageview\" alt='>'>",
    ];
    let gated = [
        "<script data-consent=\"google-analytics\" type=\"text/plain\">_gaq.push(1)</script>",
        "<img data-consent=\"google-analytics\" \
         data-consent-src=\"https://www.google-analytics.com/collect?v=1&amp;t=pageview\" alt='>'>",
    ];
    (page(denied), page(gated))
}

/// Sends through this service; the application answers `long_page`, with an `ETag`, or at `/tracked` a
/// page to be gated.
macro_rules! send_through {
    ($request:expr, $($layer:expr),+) => {{
        let service = ServiceBuilder::new()$(.layer($layer))+.service(service_fn(|request: Request<String>| async move {
            let head = [("content-type", "text/html"), ("etag", "\"v1\""), ("vary", "origin")];
            let page = if request.uri() == "/tracked" { tracked_page().0 } else { long_page() };
            Ok::<_, Infallible>(respond(&head, lint_body::LintBody::new(full(page))))
        }));
        let response = service.oneshot($request).await.unwrap();
        arrive(response.map(lint_body::LintBody::new)).await
    }};
}

#[tokio::test]
async fn h11_compression_outside_gets_the_page_with_the_banner() {
    for coding in CODINGS {
        let arrived = send_through!(accepting(coding), CompressionLayer::new(), layer());
        assert_eq!(arrived.header("content-encoding").as_deref(), Some(coding));
        assert_eq!(without_banner(&read(&arrived)), long_page().as_bytes());
        let vary = arrived.header("vary").unwrap().to_ascii_lowercase();
        for name in ["origin", "cookie", "accept-encoding"] {
            assert!(vary.split(", ").any(|said| said == name), "{name} in {vary}");
        }
    }
}

#[tokio::test]
async fn h11_compression_inside_keeps_the_banner_too() {
    for coding in CODINGS {
        let arrived = send_through!(accepting(coding), layer(), CompressionLayer::new());
        assert_eq!(without_banner(&read(&arrived)), long_page().as_bytes(), "{coding}");
        let sent = arrived.header("content-encoding");
        if cfg!(feature = "compression") {
            assert_eq!(sent.as_deref(), Some(coding));
            assert!(arrived.body.len() < long_page().len() / 2);
        } else {
            assert_eq!(sent, None, "it was asked for a plain one");
        }
        assert_eq!(arrived.header("content-length"), None);
    }
}

#[tokio::test]
async fn h11_compression_on_both_sides_compresses_once() {
    let arrived =
        send_through!(accepting("gzip"), CompressionLayer::new(), layer(), CompressionLayer::new());
    assert_eq!(arrived.header("content-encoding").as_deref(), Some("gzip"));
    assert_eq!(without_banner(&read(&arrived)), long_page().as_bytes());
}

#[tokio::test]
async fn h11_what_is_denied_is_out_wherever_the_page_is_compressed() {
    let compression = CompressionLayer::new;
    let (page, gated) = tracked_page();
    assert_eq!(gated.matches("data-consent=").count(), 3);
    for coding in CODINGS {
        let request = || {
            let mut request = accepting(coding);
            *request.uri_mut() = "/tracked".parse().unwrap();
            request
        };
        let accepted = || with(request(), "cookie", &choice("accept"));
        for (place, arrived, allowed) in [
            (
                "outside",
                send_through!(request(), compression(), layer()),
                send_through!(accepted(), compression(), layer()),
            ),
            (
                "inside",
                send_through!(request(), layer(), compression()),
                send_through!(accepted(), layer(), compression()),
            ),
            (
                "on both sides",
                send_through!(request(), compression(), layer(), compression()),
                send_through!(accepted(), compression(), layer(), compression()),
            ),
        ] {
            let is_coded = place != "inside" || cfg!(feature = "compression");
            let coded = arrived.header("content-encoding");
            assert_eq!(coded.as_deref(), is_coded.then_some(coding), "{place}");
            assert_eq!(text(without_banner(&read(&arrived))), gated, "{coding} {place}");
            assert_eq!(text(without_banner(&read(&allowed))), page, "{coding} {place}");
        }
    }
}

fn text(page: Vec<u8>) -> String {
    String::from_utf8(page).unwrap()
}

#[tokio::test]
async fn h11_who_accepts_no_coding_gets_none() {
    for accepted in ["", "identity", "gzip;q=0, *;q=0", "compress"] {
        let arrived = send_through!(accepting(accepted), layer(), CompressionLayer::new());
        assert_eq!(arrived.header("content-encoding"), None, "{accepted}");
        assert_eq!(arrived.without_banner(), long_page().as_bytes(), "{accepted}");
    }
}

#[tokio::test]
async fn h11_an_etag_works_through_compression_outside() {
    let cookie = choice("reject");
    let request = || with(accepting("gzip"), "cookie", &cookie);
    let first = send_through!(request(), CompressionLayer::new(), layer());
    let tag = first.header("etag").unwrap();
    let service = ServiceBuilder::new().layer(CompressionLayer::new()).layer(layer()).service(
        service_fn(|request: Request<String>| async move {
            assert_eq!(request.headers()["if-none-match"], "\"v1\"");
            let mut response = respond(&[("etag", "\"v1\"")], full(""));
            *response.status_mut() = http::StatusCode::NOT_MODIFIED;
            Ok::<_, Infallible>(response)
        }),
    );
    let again =
        arrive(service.oneshot(with(request(), "if-none-match", &tag)).await.unwrap()).await;
    assert_eq!((again.status.as_u16(), again.header("etag").unwrap()), (304, tag));
    assert_eq!((again.body.len(), again.header("content-encoding")), (0, None));
}

/// What the application sees of this `Accept-Encoding`.
async fn seen(request: Request<String>) -> Option<String> {
    let seen = Arc::new(Mutex::new(None));
    let note = seen.clone();
    fetch(request, move |request: Request<String>| {
        *note.lock().unwrap() = joined(request.headers(), "accept-encoding");
        html(full(PAGE))
    })
    .await;
    seen.lock().unwrap().take()
}

#[tokio::test]
async fn h11_the_application_is_asked_for_what_the_layer_can_read() {
    let plain = Some("identity".to_owned());
    for (accepted, readable) in [
        ("gzip, deflate, br, zstd", Some("gzip, deflate, br, zstd".to_owned())),
        ("gzip, dcb, dcz", Some("gzip".to_owned())),
        ("*", plain.clone()),
        ("identity", plain.clone()),
    ] {
        let expected = if cfg!(feature = "compression") { readable } else { plain.clone() };
        assert_eq!(seen(accepting(accepted)).await, expected, "{accepted}");
    }
    assert_eq!(seen(get("/")).await, None, "nothing was said, nothing is");
}

#[tokio::test]
async fn h11_requests_that_are_for_no_page_keep_their_accept_encoding() {
    for (name, value) in
        [("accept", "application/json"), ("sec-fetch-dest", "empty"), ("sec-fetch-dest", "image")]
    {
        let request = with(with(get("/"), name, value), "accept-encoding", "br,*;q=0.1 , dcb");
        assert_eq!(seen(request).await.as_deref(), Some("br,*;q=0.1 , dcb"), "{name}");
    }
}

/// A page that is compressed whatever the request says, as stored files are.
async fn stored(coding: &str, body: Bytes, request: Request<String>) -> Arrived {
    let coding = coding.to_owned();
    let length = body.len().to_string();
    fetch(request, move |_| {
        let head = [
            ("content-type", "text/html"),
            ("content-encoding", coding.as_str()),
            ("content-length", &length),
            ("etag", "\"v1\""),
        ];
        respond(&head, full(body.clone()))
    })
    .await
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h11_a_page_stored_compressed_has_the_banner_in_its_coding() {
    let page = long_page();
    for coding in CODINGS {
        for written in
            [coding.to_owned(), coding.to_ascii_uppercase(), format!("identity, {coding}")]
        {
            let body = Bytes::from(encode(coding, page.as_bytes()));
            let arrived = stored(&written, body, navigate("/")).await;
            assert_eq!(arrived.header("content-encoding").unwrap(), written);
            assert_eq!(without_banner(&decode(Some(coding), &arrived.body)), page.as_bytes());
            assert_eq!(arrived.header("content-length"), None);
            assert_ne!(arrived.header("etag").unwrap(), "\"v1\"");
        }
    }
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h11_a_page_stored_compressed_is_gated_in_its_coding() {
    let (page, gated) = tracked_page();
    for coding in CODINGS {
        let arrived = stored(coding, encode(coding, page.as_bytes()).into(), navigate("/")).await;
        assert_eq!(arrived.header("content-encoding").unwrap(), coding);
        assert_eq!(text(without_banner(&read(&arrived))), gated, "{coding}");
    }
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h11_every_cut_of_a_compressed_page_gives_the_same_page() {
    const IMAGE: &str = "<img src=//www.google-analytics.com/collect>";
    const GATED: &str = "<img data-consent=\"google-analytics\" data-consent-src=//www.google-analytics.com/collect>";
    let page = |image: &str| PAGE.replace("</h1>", &format!("</h1>{image}"));
    for coding in CODINGS {
        let body = Bytes::from(encode(coding, page(IMAGE).as_bytes()));
        for at in 0..=body.len() {
            let (first, second) = (body.slice(..at), body.slice(at..));
            let arrived = fetch(navigate("/"), move |_| {
                let steps = [data(first.clone()), Step::Wait, data(second.clone())];
                let steps =
                    steps.into_iter().filter(|step| !matches!(step, Step::Data(d) if d.is_empty()));
                let head = [("content-type", "text/html"), ("content-encoding", coding)];
                respond(&head, sized_script(steps))
            })
            .await;
            let gated = text(without_banner(&read(&arrived)));
            assert_eq!(gated, page(GATED), "{coding}, cut at {at}");
        }
    }
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h11_a_compressed_page_that_arrives_in_pieces_leaves_in_pieces() {
    for coding in CODINGS {
        let (sender, body) = channel();
        let slot = Mutex::new(Some(body));
        let slot = Arc::new(slot);
        let response = through(&layer(), navigate("/"), move |_| {
            let head = [("content-type", "text/html"), ("content-encoding", coding)];
            respond(&head, slot.lock().unwrap().take().unwrap())
        })
        .await;
        let mut body = Box::pin(response.into_body());
        let mut encoder = encoder(coding);
        let mut came = Vec::new();
        for piece in ["<!doctype html><title>News</title>", "<body>", "<h1>One</h1>", "<p>Two</p>"]
        {
            sender.send(encoder(Some(piece)));
            came.extend(arrived_so_far(&mut body));
            let page = decode(Some(coding), &came);
            let is_there = memchr::memmem::find(&page, piece.as_bytes()).is_some();
            assert!(is_there, "{coding}: {piece} is held back");
        }
        sender.send(encoder(None));
        drop(sender);
        came.extend(arrived_so_far(&mut body));
        let page = without_banner(&decode(Some(coding), &came));
        assert_eq!(page, b"<!doctype html><title>News</title><body><h1>One</h1><p>Two</p>");
    }
}

/// Encodes piece by piece, each complete when it is given out; `None` ends.
#[cfg(feature = "compression")]
fn encoder(coding: &'static str) -> impl FnMut(Option<&str>) -> Vec<u8> {
    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);
    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let out = Out::default();
    let level = flate2::Compression::default();
    let mut writer: Option<Box<dyn Write>> = Some(match coding {
        "gzip" => Box::new(flate2::write::GzEncoder::new(out.clone(), level)),
        "deflate" => Box::new(flate2::write::ZlibEncoder::new(out.clone(), level)),
        "br" => Box::new(brotli::CompressorWriter::new(out.clone(), 4096, 4, 19)),
        _ => Box::new(zstd::stream::write::Encoder::new(out.clone(), 3).unwrap().auto_finish()),
    });
    move |piece| {
        match (piece, &mut writer) {
            (Some(piece), Some(writer)) => {
                writer.write_all(piece.as_bytes()).unwrap();
                writer.flush().unwrap();
            }
            _ => writer = None,
        }
        std::mem::take(&mut *out.0.lock().unwrap())
    }
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h12_a_compressed_page_that_is_broken_is_an_error_of_the_body() {
    let page = long_page();
    for coding in CODINGS {
        let whole = encode(coding, page.as_bytes());
        let cut = whole[..whole.len() - 5].to_vec();
        let mut garbled = whole.clone();
        garbled[0] ^= 0x55;
        let trailing = [&whole[..], b"<script>"].concat();
        for (name, body) in [("cut", cut), ("garbled", garbled), ("with more behind", trailing)] {
            let response = through(&layer(), navigate("/"), move |_| {
                let head = [("content-type", "text/html"), ("content-encoding", coding)];
                respond(&head, full(body.clone()))
            })
            .await;
            let mut body = Box::pin(response.into_body());
            let mut error = None;
            while let Some(frame) = body.frame().await {
                assert!(error.is_none(), "nothing follows an error");
                error = frame.err();
            }
            let error = error.unwrap_or_else(|| panic!("{coding} {name} passed"));
            assert!(error.to_string().contains(coding), "{error}");
        }
    }
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h12_an_error_of_the_application_comes_through_compression() {
    let body = encode("gzip", long_page().as_bytes());
    let response = through(&layer(), navigate("/"), move |_| {
        let steps = [data(body[..body.len() / 2].to_vec()), Step::Wait, Step::Fail("broken")];
        respond(&[("content-type", "text/html"), ("content-encoding", "gzip")], script(steps))
    })
    .await;
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error.to_string(), "broken");
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn h9_trailers_pass_through_compression() {
    let body = encode("br", PAGE.as_bytes());
    let arrived = fetch(navigate("/"), move |_| {
        let steps = [data(body.clone()), trailers(&[("server-timing", "a"), ("digest", "x")])];
        respond(&[("content-type", "text/html"), ("content-encoding", "br")], script(steps))
    })
    .await;
    assert_eq!(without_banner(&decode(Some("br"), &arrived.body)), PAGE.as_bytes());
    let fields = arrived.trailers.unwrap();
    assert_eq!((fields.len(), &fields["server-timing"]), (1, &"a".parse().unwrap()));
}

#[tokio::test]
async fn h11_an_empty_compressed_body_is_left_alone() {
    let arrived = stored("gzip", Bytes::new(), navigate("/")).await;
    assert_eq!((arrived.body.len(), arrived.header("etag").unwrap().as_str()), (0, "\"v1\""));
}

/// Log lines of this thread.
#[cfg(feature = "tracing")]
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

#[cfg(feature = "tracing")]
impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn h11_codings_that_cannot_be_read_pass_whole_with_one_warning_each() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let layer = layer();
    let mut unread = vec!["dcb", "gzip, br", "exotic"];
    if cfg!(not(feature = "compression")) {
        unread.extend(CODINGS);
    }
    for coding in &unread {
        for _ in 0..3 {
            let head = [
                ("content-type", "text/html"),
                ("content-encoding", *coding),
                ("content-length", "5"),
                ("etag", "\"v1\""),
            ];
            let head: Vec<(String, String)> =
                head.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            let response = through(&layer, navigate("/"), move |_| {
                let head: Vec<(&str, &str)> =
                    head.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                respond(&head, full(&b"\xff<b\0>"[..]))
            })
            .await;
            let arrived = arrive(response).await;
            assert_eq!(arrived.body, &b"\xff<b\0>"[..]);
            for (name, value) in
                [("content-encoding", *coding), ("content-length", "5"), ("etag", "\"v1\"")]
            {
                assert_eq!(arrived.header(name).unwrap(), value);
            }
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(warnings.len(), unread.len(), "{log}");
    assert!(warnings.iter().all(|line| line.contains("CompressionLayer")), "{log}");
}

#[tokio::test]
async fn h11_what_is_no_page_keeps_its_coding_and_bytes() {
    let body = encode("gzip", b"{}");
    let sent = body.clone();
    let arrived: Arrived = fetch(navigate("/"), move |_| -> Response<Boxed> {
        let head = [("content-type", "application/json"), ("content-encoding", "gzip")];
        respond(&head, full(sent.clone()))
    })
    .await;
    assert_eq!(arrived.body, body);
    assert_eq!(arrived.headers.len(), 2);
}
