//! What gets a banner, what is left as it is, and how a page streams through the layer (H5, H7 to H10).

mod transport;

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use transport::*;

const HTML: &str = "text/html; charset=utf-8";

/// Sends `PAGE` with these headers to a browser that navigates.
async fn page_with(headers: &[(&str, &str)]) -> Arrived {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    fetch(navigate("/"), move |_| {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        respond(&headers, full(PAGE))
    })
    .await
}

#[tokio::test]
async fn h5_the_page_around_the_banner_is_as_the_application_sent_it() {
    let arrived = fetch(navigate("/"), |_| html(full(PAGE))).await;
    assert_eq!(arrived.without_banner(), PAGE.as_bytes());
    let at = arrived.text().find(BANNER).unwrap();
    assert!(arrived.text()[..at].ends_with("<body>"));
}

#[tokio::test]
async fn h8_html_by_essence_whatever_its_case_and_parameters() {
    for content_type in [
        "text/html",
        "Text/HTML",
        "text/html;charset=utf-8",
        "text/html ; charset=UTF-8",
        "text/html; charset=\"windows-1251\"",
        "text/html; version=1; charset=latin1",
        "text/html;",
    ] {
        let arrived = page_with(&[("content-type", content_type)]).await;
        assert!(arrived.has_banner(), "{content_type}");
        assert_eq!(arrived.header("content-type").unwrap(), content_type);
    }
}

#[tokio::test]
async fn h8_what_is_no_html_is_left_alone() {
    for content_type in [
        "text/htmlx",
        "text/html5",
        "xtext/html",
        "text/plain",
        "text/plain; text/html",
        "application/xhtml+xml",
        "application/json",
        "text/event-stream",
        "text/vnd.turbo-stream.html",
        "multipart/x-mixed-replace; boundary=x",
        "application/grpc",
        "application/grpc-web+proto",
        "application/signed-exchange;v=b3",
        "",
    ] {
        let arrived = page_with(&[("content-type", content_type)]).await;
        assert_eq!(arrived.text(), PAGE, "{content_type}");
        assert_eq!(arrived.headers.len(), 1, "{content_type}: {:?}", arrived.headers);
    }
    let arrived = page_with(&[]).await;
    assert_eq!((arrived.text(), arrived.headers.len()), (PAGE, 0));
}

#[tokio::test]
async fn h8_pages_in_ascii_compatible_charsets_keep_their_bytes() {
    // "Новости", "ニュース" (with 0x5c as second byte: "ソ"), "新聞", "뉴스".
    for (charset, text) in [
        ("windows-1251", &b"\xcd\xee\xe2\xee\xf1\xf2\xe8"[..]),
        ("Shift_JIS", b"\x83j\x83\x85\x81[\x83X \x83\x5c"),
        ("GBK", b"\xd0\xc2\xc2\x84"),
        ("EUC-KR", b"\xb4\xba\xbd\xba"),
        ("iso-8859-1", b"caf\xe9"),
        ("utf-8", b"not utf-8 at all: \xff\xfe\xc0"),
    ] {
        let page = [b"<!doctype html><title>", text, b"</title><body class=\"", text, b"\">", text]
            .concat();
        let content_type = format!("text/html; charset={charset}");
        let sent = page.clone();
        let arrived = fetch(navigate("/"), move |_| {
            respond(&[("content-type", &content_type)], full(sent.clone()))
        })
        .await;
        assert_eq!(arrived.without_banner(), page, "{charset}");
        assert!(banner(&arrived.body).is_ascii(), "{charset}");
    }
}

#[tokio::test]
async fn h8_pages_in_other_charsets_are_left_alone() {
    for charset in ["utf-16", "UTF-16LE", "\"utf-16be\"", "utf-32", "ISO-2022-JP", "csISO2022JP"] {
        let content_type = format!("text/html; charset={charset}");
        let arrived = page_with(&[("content-type", &content_type)]).await;
        assert_eq!(arrived.text(), PAGE, "{charset}");
    }
    // A byte order mark outweighs the header.
    let wide: Vec<u8> = "\u{feff}<body>x".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let sent = wide.clone();
    let arrived = fetch(navigate("/"), move |_| html(full(sent.clone()))).await;
    assert_eq!(arrived.body, wide);
}

#[tokio::test]
async fn h8_attachments_are_left_alone_and_inline_files_are_not() {
    for (disposition, banner) in [
        ("attachment", false),
        ("ATTACHMENT; filename=\"page.html\"", false),
        ("attachment;filename*=UTF-8''page.html", false),
        ("inline", true),
        ("inline; filename=\"attachment.html\"", true),
    ] {
        let arrived =
            page_with(&[("content-type", HTML), ("content-disposition", disposition)]).await;
        assert_eq!(arrived.has_banner(), banner, "{disposition}");
    }
}

#[tokio::test]
async fn h8_answers_without_a_page_by_their_status_are_left_alone() {
    for status in [101, 103, 204, 205, 206, 304] {
        let arrived = fetch(navigate("/"), move |_| {
            let mut response = html(full(PAGE));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        })
        .await;
        assert_eq!((arrived.status.as_u16(), arrived.text()), (status, PAGE));
        assert!(!arrived.headers.contains_key("cache-control"), "{status}");
    }
}

#[tokio::test]
async fn h7_pages_of_errors_and_redirects_get_the_banner() {
    for status in [200, 201, 203, 301, 302, 303, 400, 401, 403, 404, 410, 451, 500, 502, 503] {
        let arrived = fetch(navigate("/missing"), move |_| {
            let mut response = html(full(PAGE));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        })
        .await;
        assert_eq!(arrived.status.as_u16(), status);
        assert_eq!(arrived.without_banner(), PAGE.as_bytes(), "{status}");
    }
}

#[tokio::test]
async fn h7_the_answer_to_a_posted_form_gets_the_banner() {
    let mut request = navigate("/comment");
    *request.method_mut() = http::Method::POST;
    assert!(fetch(request, |_| html(full(PAGE))).await.has_banner());
}

#[tokio::test]
async fn h7_pieces_and_frames_of_pages_get_no_banner() {
    for (name, value) in [
        ("hx-request", "true"),
        ("turbo-frame", "comments"),
        ("x-requested-with", "XMLHttpRequest"),
        ("x-pjax", "true"),
        ("accept", "application/json"),
        ("accept", "image/avif,image/webp,*/*"),
    ] {
        let arrived = fetch(with(get("/"), name, value), |_| html(full(PAGE))).await;
        assert_eq!(arrived.text(), PAGE, "{name}: {value}");
    }
    for (destination, mode) in [
        ("empty", "cors"),
        ("empty", "same-origin"),
        ("iframe", "navigate"),
        ("frame", "navigate"),
        ("embed", "navigate"),
        ("object", "navigate"),
        ("image", "no-cors"),
        ("script", "no-cors"),
        ("style", "no-cors"),
        ("fencedframe", "navigate"),
    ] {
        let mut request = navigate("/");
        request.headers_mut().insert("sec-fetch-dest", destination.parse().unwrap());
        request.headers_mut().insert("sec-fetch-mode", mode.parse().unwrap());
        let arrived = fetch(request, |_| html(full(PAGE))).await;
        assert_eq!(arrived.text(), PAGE, "{destination}");
    }
}

#[tokio::test]
async fn h7_a_navigation_that_a_service_worker_passes_on_gets_the_banner() {
    let mut request = navigate("/");
    request.headers_mut().insert("sec-fetch-dest", "empty".parse().unwrap());
    assert_eq!(request.headers()["sec-fetch-mode"], "navigate");
    assert!(fetch(request, |_| html(full(PAGE))).await.has_banner());
}

#[tokio::test]
async fn h7_of_two_layers_the_outermost_acts() {
    let app = service_fn(|request: Request<String>| async move {
        let is_known = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"v1\"");
        let response = Response::builder()
            .header("content-type", "text/html")
            .header("etag", "\"v1\"")
            .header("set-cookie", "visitor_id=1");
        Ok::<_, Infallible>(if is_known {
            response.status(304).body(full("")).unwrap()
        } else {
            response.body(full(PAGE)).unwrap()
        })
    });
    let both = ServiceBuilder::new().layer(layer()).layer(layer()).service(app);
    let page = both.clone().oneshot(navigate("/")).await.unwrap();
    assert!(!page.headers().contains_key("set-cookie"));
    let etag = page.headers()["etag"].to_str().unwrap().to_owned();
    let html = page.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(String::from_utf8_lossy(&html).matches(BANNER).count(), 1);
    let again = both.oneshot(with(navigate("/"), "if-none-match", &etag)).await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["etag"], etag);
}

#[tokio::test]
async fn h7_clients_that_do_not_say_what_they_want_get_the_banner() {
    for accept in [None, Some("*/*"), Some("text/html"), Some("application/xml, text/html;q=0.9")] {
        let request = get("/");
        let request =
            if let Some(accept) = accept { with(request, "accept", accept) } else { request };
        assert!(fetch(request, |_| html(full(PAGE))).await.has_banner(), "{accept:?}");
    }
}

#[tokio::test]
async fn h7_framesets_fragments_and_unclosed_scripts_are_as_they_were() {
    for page in [
        "<!doctype html><html><head></head><frameset cols=50%,50%><frame src=/a></frameset></html>",
        "<!doctype html><title>x</title><script>if (a < b) {",
        "<!doctype html><!-- <body>",
        " \n",
    ] {
        let arrived = fetch(navigate("/"), move |_| html(full(page))).await;
        assert_eq!(arrived.text(), page);
    }
}

#[tokio::test]
async fn h7_a_page_without_a_body_tag_gets_the_banner_where_its_body_begins() {
    let page = "<!doctype html><title>News</title><h1>News</h1>";
    let arrived = fetch(navigate("/"), move |_| html(full(page))).await;
    assert_eq!(arrived.without_banner(), page.as_bytes());
    assert!(arrived.text().starts_with(&format!("<!doctype html><title>News</title>{BANNER}")));
}

#[tokio::test]
async fn h8_an_empty_page_stays_empty_and_keeps_its_headers() {
    let arrived = fetch(navigate("/"), |_| {
        respond(&[("content-type", HTML), ("content-length", "0")], full(""))
    })
    .await;
    assert_eq!((arrived.text(), arrived.header("content-length").unwrap().as_str()), ("", "0"));
    // Empty, as shows only in the end.
    let arrived = fetch(navigate("/"), |_| html(script([Step::Wait]))).await;
    assert_eq!(arrived.text(), "");
}

#[tokio::test]
async fn h8_head_has_the_headers_of_get_and_no_body() {
    let handler = |_: Request<String>| {
        respond(
            &[
                ("content-type", HTML),
                ("content-length", "86"),
                ("etag", "\"1\""),
                ("accept-ranges", "bytes"),
                ("content-security-policy", "default-src 'self'"),
                ("cache-control", "max-age=60"),
                ("set-cookie", "visitor_id=1"),
            ],
            full(PAGE),
        )
    };
    for cookie in ["", &choice("reject")] {
        let get = with(navigate("/"), "cookie", cookie);
        let mut head = get.clone();
        *head.method_mut() = http::Method::HEAD;
        let get = fetch(get, handler).await;
        let head = fetch(head, handler).await;
        assert_eq!(head.headers, get.headers, "{cookie}");
        assert!(get.has_banner());
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn h8_head_over_sockets_tells_no_length_that_get_does_not_have() {
    let page = || async { axum::response::Html(PAGE) };
    let router = axum::Router::new().route("/", axum::routing::get(page)).layer(layer());
    let axum = net::axum(router).await;
    let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
        |_: Request<hyper::body::Incoming>| async {
            Ok::<_, std::convert::Infallible>(html(full(PAGE)))
        },
    ));
    let hyper = net::hyper(service).await;
    for (name, server) in [("axum", &axum), ("hyper", &hyper)] {
        for protocol in net::PROTOCOLS {
            let mut client = net::Client::connect(server, protocol).await;
            let mut head = navigate("/");
            *head.method_mut() = http::Method::HEAD;
            let head = client.send(head).await;
            let get = client.send(navigate("/")).await;
            assert!(get.has_banner() && head.body.is_empty());
            let length = get.header("content-length");
            assert!(length.is_none_or(|length| length == get.body.len().to_string()));
            assert_eq!(
                head.header("content-length"),
                get.header("content-length"),
                "{name}, {protocol:?}"
            );
        }
    }
}

#[tokio::test]
async fn h10_what_describes_the_bytes_goes_from_a_changed_page_alone() {
    let describing = [
        ("content-length", "86"),
        ("content-md5", "x"),
        ("digest", "sha-256=x"),
        ("content-digest", "sha-256=:x:"),
        ("repr-digest", "sha-256=:x:"),
        ("accept-ranges", "bytes"),
    ];
    let html = [&[("content-type", HTML)][..], &describing].concat();
    let arrived = page_with(&html).await;
    assert!(arrived.has_banner());
    for (name, _) in describing {
        assert_eq!(arrived.header(name), None, "{name}");
    }
    let json = [&[("content-type", "application/json")][..], &describing].concat();
    let arrived = page_with(&json).await;
    assert_eq!(arrived.headers.len(), json.len());
    for (name, value) in json {
        assert_eq!(arrived.header(name).unwrap(), value);
    }
}

#[tokio::test]
async fn h9_trailers_are_kept_but_for_digests_of_the_unchanged_page() {
    let page = |fields: &'static [(&str, &str)]| {
        move |_: Request<String>| html(script([data(PAGE), Step::Wait, trailers(fields)]))
    };
    let arrived = fetch(
        navigate("/"),
        page(&[("server-timing", "db;dur=5"), ("repr-digest", "sha-256=:x:"), ("digest", "x")]),
    )
    .await;
    assert!(arrived.has_banner());
    let kept = arrived.trailers.unwrap();
    assert_eq!((kept.len(), joined(&kept, "server-timing").unwrap().as_str()), (1, "db;dur=5"));

    let arrived = fetch(navigate("/"), page(&[("content-digest", "sha-256=:x:")])).await;
    assert_eq!(arrived.trailers, None, "trailers without a field");

    let arrived = fetch(with(get("/"), "accept", "application/json"), |_| {
        let body = script([data("{}"), trailers(&[("digest", "x"), ("grpc-status", "0")])]);
        respond(&[("content-type", "application/grpc")], body)
    })
    .await;
    assert_eq!(arrived.trailers.unwrap().len(), 2);
}

#[tokio::test]
async fn h9_trailers_right_after_the_head_do_not_lose_a_page_held_back() {
    // Without a body tag all is held back until it is known where the body begins.
    let arrived = fetch(navigate("/"), |_| {
        html(script([
            data("<title>x</title>"),
            data("<h1"),
            data(">News"),
            trailers(&[("x-a", "1")]),
        ]))
    })
    .await;
    assert_eq!(arrived.without_banner(), b"<title>x</title><h1>News");
    assert_eq!(joined(&arrived.trailers.unwrap(), "x-a").unwrap(), "1");
}

#[tokio::test]
async fn h9_an_error_of_the_body_comes_after_what_came_before() {
    for content_type in [HTML, "text/plain"] {
        let response = through(&layer(), navigate("/"), move |_| {
            let body =
                script([data("<body><p>one"), Step::Wait, data("<p>two"), Step::Fail("broken")]);
            respond(&[("content-type", content_type)], body)
        })
        .await;
        let mut body = Box::pin(response.into_body());
        let mut came = Vec::new();
        let error = loop {
            match frame(&mut body).await {
                Some(Ok(frame)) => came.extend_from_slice(&frame.into_data().unwrap()),
                Some(Err(error)) => break error,
                None => panic!("the error is lost"),
            }
        };
        let came = String::from_utf8(came).unwrap();
        assert!(came.starts_with("<body>") && came.ends_with("<p>one<p>two"), "{came}");
        assert_eq!(came.contains(BANNER), content_type == HTML);
        assert_eq!(error.to_string(), "broken");
        if content_type == HTML {
            assert!(frame(&mut body).await.is_none(), "nothing follows an error");
        }
    }
}

async fn frame(
    body: &mut std::pin::Pin<Box<LayerBody>>,
) -> Option<Result<http_body::Frame<bytes::Bytes>, tower::BoxError>> {
    use http_body_util::BodyExt;
    body.frame().await
}

#[tokio::test]
async fn h9_an_error_breaks_the_connection_rather_than_end_the_page() {
    let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
        |_: Request<hyper::body::Incoming>| async {
            let body = script([data(PAGE), Step::Wait, Step::Fail("broken")]);
            Ok::<_, std::convert::Infallible>(html(body))
        },
    ));
    let server = net::hyper(service).await;
    for protocol in net::PROTOCOLS {
        let mut client = net::Client::connect(&server, protocol).await;
        let response = client.begin(navigate("/")).await;
        assert_eq!(response.status(), 200);
        use http_body_util::BodyExt;
        assert!(net::within(response.into_body().collect()).await.is_err(), "{protocol:?}");
    }
}

#[tokio::test]
async fn h9_the_first_byte_leaves_before_the_last_has_come() {
    let (sender, body) = channel();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let response =
        through(&layer(), navigate("/"), move |_| html(slot.lock().unwrap().take().unwrap())).await;
    let mut body = Box::pin(response.into_body());
    assert!(arrived_so_far(&mut body).is_empty());

    sender.send("<!doctype html><html><head><title>N");
    let came = arrived_so_far(&mut body);
    assert!(came.starts_with(b"<!doctype html><html><head><title>"), "the head waits for nothing");
    sender.send("ews</title></head><bo");
    assert!(arrived_so_far(&mut body).ends_with(b"ews</title></head>"));
    sender.send("dy>");
    let came = arrived_so_far(&mut body);
    assert!(came.starts_with(b"<body><tower-consent"), "the banner comes with the body's tag");
    sender.send("<h1>Ne");
    assert_eq!(arrived_so_far(&mut body), b"<h1>Ne");
    drop(sender);
    assert!(frame(&mut body).await.is_none());
}

#[tokio::test]
async fn h9_the_first_byte_leaves_over_sockets_before_the_last_has_come() {
    let (bodies, inbox) = tokio::sync::mpsc::unbounded_channel::<Boxed>();
    let inbox = std::sync::Arc::new(tokio::sync::Mutex::new(inbox));
    let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
        move |_: Request<hyper::body::Incoming>| {
            let inbox = inbox.clone();
            async move {
                let body = inbox.lock().await.recv().await.unwrap();
                Ok::<_, std::convert::Infallible>(html(body))
            }
        },
    ));
    let server = net::hyper(service).await;
    for protocol in net::PROTOCOLS {
        let (mut sender, body) = channel();
        bodies.send(body).unwrap();
        let mut client = net::Client::connect(&server, protocol).await;
        let mut response = net::within(client.begin(navigate("/"))).await;
        sender.send("<body><p>one");
        net::read_until(response.body_mut(), b"<p>one").await;
        sender.send("<p>two");
        net::read_until(response.body_mut(), b"<p>two").await;

        // The client hangs up while the page is under way.
        assert!(sender.dropped.try_recv().is_err());
        drop((response, client));
        // What waits to be told is told by the next write, at the latest.
        let _ = net::within(&mut sender.dropped).await;
    }
}

#[tokio::test]
async fn h9_frames_after_the_banner_are_the_applications_own_memory() {
    let frames: Vec<bytes::Bytes> = (0..4)
        .map(|n| bytes::Bytes::from(format!("<p>{n}</p><script>let a = {n};</script>")))
        .collect();
    let sent = frames.clone();
    let response = through(&layer(), navigate("/"), move |_| {
        let first = data("<!doctype html><body class=x>");
        html(script(std::iter::once(first).chain(sent.iter().cloned().map(data))))
    })
    .await;
    let mut body = Box::pin(response.into_body());
    let mut came = Vec::new();
    while let Some(frame) = frame(&mut body).await {
        came.push(frame.unwrap().into_data().unwrap());
    }
    let last = &came[came.len() - frames.len()..];
    for (sent, came) in frames.iter().zip(last) {
        assert_eq!((sent.as_ptr(), sent.len()), (came.as_ptr(), came.len()));
    }
}

#[tokio::test]
async fn h9_what_is_untouched_keeps_its_frames_and_its_exact_size() {
    let json = bytes::Bytes::from("{}".repeat(100));
    let sent = json.clone();
    let response = through(&layer(), navigate("/"), move |_| {
        respond(
            &[("content-type", "application/json")],
            sized_script([data(sent.clone()), data("[]")]),
        )
    })
    .await;
    let mut body = Box::pin(response.into_body());
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(202));
    let first = frame(&mut body).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!((first.as_ptr(), first.len()), (json.as_ptr(), json.len()));
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(2));
}

#[tokio::test]
async fn h9_the_size_of_a_page_is_told_once_it_is_known() {
    // Nothing is gated for who has allowed everything.
    let visit = || with(navigate("/"), "cookie", &choice("accept"));
    let weight = fetch(visit(), |_| html(full(PAGE))).await.body.len() as u64;
    let response = through(&layer(), visit(), |_| html(full(PAGE))).await;
    let hint = http_body::Body::size_hint(response.body());
    assert!(hint.lower() <= PAGE.len() as u64, "{hint:?}");
    assert_eq!(hint.upper(), None);
    let mut body = Box::pin(response.into_body());
    let mut came = 0;
    while came < PAGE.find("<body>").unwrap() as u64 + 6 {
        came += frame(&mut body).await.unwrap().unwrap().into_data().unwrap().len() as u64;
    }
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(weight - came));
}

#[tokio::test]
async fn h9_every_cut_of_a_page_gives_the_same_page_within_the_contract() {
    let page =
        "<!DOCTYPE html>\n<html><head><script>'<body>'</script></head>\n<body a='>'>x</body>";
    let whole = fetch(navigate("/"), move |_| html(full(page))).await;
    assert_eq!(whole.without_banner(), page.as_bytes());
    for at in 1..page.len() {
        let arrived = fetch(navigate("/"), move |_| {
            html(sized_script([data(&page[..at]), Step::Wait, data(&page[at..])]))
        })
        .await;
        assert_eq!(arrived.body, whole.body, "cut at {at}");
    }
}

#[tokio::test]
async fn h9_empty_frames_of_the_application_do_no_harm() {
    use tower::ServiceExt;
    for content_type in [HTML, "text/plain"] {
        let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
            move |_: Request<String>| async move {
                let frames = ["", "<body>", "", "x", ""].map(data);
                let body = lint_body::LintBody::new(script(frames)).allow_empty_frames();
                Ok::<_, std::convert::Infallible>(respond(&[("content-type", content_type)], body))
            },
        ));
        let response = service.oneshot(navigate("/")).await.unwrap();
        let arrived =
            arrive(response.map(|b| lint_body::LintBody::new(b).allow_empty_frames())).await;
        assert_eq!(arrived.has_banner(), content_type == HTML);
        let page =
            if content_type == HTML { arrived.without_banner() } else { arrived.body.to_vec() };
        assert_eq!(page, b"<body>x");
    }
}

#[tokio::test]
async fn h9_a_hundred_megabytes_take_no_more_memory_than_a_frame() {
    const FRAME: usize = 64 * 1024;
    const FRAMES: usize = 1600;
    // Frames that were made and not yet given up by whoever has them.
    struct Piece(std::sync::Arc<std::sync::atomic::AtomicUsize>, Vec<u8>);
    impl AsRef<[u8]> for Piece {
        fn as_ref(&self) -> &[u8] {
            &self.1
        }
    }
    impl Drop for Piece {
        fn drop(&mut self) {
            self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let alive = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for opening in ["<!doctype html><body>", "<!doctype html><title>never closed"] {
        let made = alive.clone();
        let response = through(&layer(), navigate("/"), move |_| {
            let made = made.clone();
            let first = bytes::Bytes::from(opening);
            let frames = (0..FRAMES).map(move |_| {
                made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                bytes::Bytes::from_owner(Piece(made.clone(), b"<p>line\n".repeat(FRAME / 8)))
            });
            let frames = std::iter::once(first).chain(frames);
            let frames = frames.map(|data| Ok::<_, tower::BoxError>(http_body::Frame::data(data)));
            html(boxed(http_body_util::StreamBody::new(futures_util::stream::iter(frames))))
        })
        .await;
        let mut body = Box::pin(response.into_body());
        let (mut came, mut most) = (0, 0);
        while let Some(frame) = frame(&mut body).await {
            came += frame.unwrap().into_data().unwrap().len();
            most = most.max(alive.load(std::sync::atomic::Ordering::SeqCst));
        }
        assert!(came >= FRAME * FRAMES);
        assert!(most <= 4, "{most} frames were kept at once: {opening}");
        drop(body);
        assert_eq!(alive.load(std::sync::atomic::Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn h9_a_visitor_who_leaves_frees_the_applications_body() {
    let (mut sender, body) = channel();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let response =
        through(&layer(), navigate("/"), move |_| html(slot.lock().unwrap().take().unwrap())).await;
    sender.send("<body>");
    let mut body = Box::pin(response.into_body());
    arrived_so_far(&mut body);
    assert!(matches!(
        sender.dropped.try_recv(),
        Err(tokio::sync::oneshot::error::TryRecvError::Empty)
    ));
    drop(body);
    assert!(matches!(
        sender.dropped.try_recv(),
        Err(tokio::sync::oneshot::error::TryRecvError::Closed)
    ));
}

#[tokio::test]
async fn h8_a_connection_is_upgraded_through_the_layer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
        |mut request: Request<hyper::body::Incoming>| async move {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut io = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
                let mut word = [0; 4];
                io.read_exact(&mut word).await.unwrap();
                word.reverse();
                io.write_all(&word).await.unwrap();
            });
            let mut response = respond(&[("connection", "upgrade"), ("upgrade", "echo")], full(""));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            Ok::<_, std::convert::Infallible>(response)
        },
    ));
    let server = net::hyper(service).await;
    let mut client = net::Client::connect(&server, net::Protocol::Http1).await;
    let request = with(with(get("/"), "connection", "upgrade"), "upgrade", "echo");
    let response = net::within(client.begin(request)).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["upgrade"], "echo");
    let mut io = hyper_util::rt::TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    io.write_all(b"news").await.unwrap();
    let mut word = [0; 4];
    net::within(io.read_exact(&mut word)).await.unwrap();
    assert_eq!(&word, b"swen");
}

#[tokio::test]
async fn h10_http_1_0_gets_the_page_to_the_end_of_the_connection() {
    let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
        |_: Request<hyper::body::Incoming>| async {
            let response = respond(&[("content-type", HTML), ("content-length", "86")], full(PAGE));
            Ok::<_, std::convert::Infallible>(response)
        },
    ));
    let server = net::hyper(service).await;
    let answer = net::raw(&server, "GET / HTTP/1.0\r\nHost: news.example\r\n\r\n").await;
    let answer = std::str::from_utf8(&answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(without_banner(page.as_bytes()), PAGE.as_bytes());
}

#[tokio::test]
async fn h10_http_1_1_gets_the_page_in_chunks_and_keeps_the_connection() {
    let service = ServiceBuilder::new().layer(layer()).service(tower::service_fn(
        |_: Request<hyper::body::Incoming>| async {
            Ok::<_, std::convert::Infallible>(html(full(PAGE)))
        },
    ));
    let server = net::hyper(service).await;
    let one = "GET / HTTP/1.1\r\nHost: news.example\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\r\n";
    let answer = net::raw(&server, &format!("{one}{last}")).await;
    let answer = std::str::from_utf8(&answer).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2);
    assert_eq!(answer.matches("transfer-encoding: chunked").count(), 2);
    assert_eq!(answer.matches("0\r\n\r\n").count(), 2, "both pages end with the last chunk");
}

#[tokio::test]
async fn h8_events_arrive_one_by_one() {
    let (sender, body) = channel();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let request = with(get("/events"), "accept", "text/event-stream");
    let response = through(&layer(), request, move |_| {
        respond(&[("content-type", "text/event-stream")], slot.lock().unwrap().take().unwrap())
    })
    .await;
    let mut body = Box::pin(response.into_body());
    for event in ["data: <body>\n\n", "data: 2\n\n"] {
        sender.send(event);
        assert_eq!(arrived_so_far(&mut body), event.as_bytes());
    }
}
