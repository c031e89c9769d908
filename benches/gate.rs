//! The gate's engine beside `lol_html` with equivalent handlers: same pages, in turns.
//!
//! `cargo bench --bench gate`; `ROUNDS=20` for a shorter run. Targets: 5 times `lol_html` on tag-dense pages, 2.5 times on
//! script-heavy ones; 5 GB/s on pages in one frame that mention no vendor; set-up of at most 1 us; flat from 1 to 500 vendors.

// The engine is private: it is built here by itself, and some of it serves tests only.
#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "."]
mod gate {
    #[path = "../src/gate/html/mod.rs"]
    pub(crate) mod html;
}

use bytes::Bytes;
use gate::html::{Denial, Gate, Limits, Rules};
use lol_html::{RewriteStrSettings, element, html_content::Element, rewrite_str, text};
use std::{
    collections::{HashMap, VecDeque},
    hint::black_box,
    time::{Duration, Instant},
};

const SIZES: [(&str, usize); 3] = [("10 KB", 10_000), ("56 KB", 56_000), ("750 KB", 750_000)];

/// Denied vendors as a policy compiles them: once, whatever the page.
struct Vendors {
    hosts: HashMap<String, &'static str>,
    marks: Vec<memchr::memmem::Finder<'static>>,
}

impl Vendors {
    fn new(count: usize) -> Self {
        let mut hosts: HashMap<_, _> =
            (0..count).map(|n| (format!("vendor-{n}.example"), "v")).collect();
        for host in
            ["www.google-analytics.com", "googletagmanager.com", "youtube.com", "facebook.net"]
        {
            hosts.insert(host.to_owned(), "g");
        }
        let marks = ["fbq(", "_paq.push", "gtag("].map(memchr::memmem::Finder::new);
        Self { hosts, marks: marks.into() }
    }

    fn find(&self, host: &str) -> Option<&'static str> {
        let mut rest = host;
        loop {
            if let Some(slug) = self.hosts.get(rest) {
                return Some(slug);
            }
            rest = rest.split_once('.')?.1;
        }
    }
}

/// The default ones.
const LIMITS: Limits = Limits { tag: 1024 * 1024, inline: 2 * 1024 * 1024 };

impl Rules for &Vendors {
    fn concerns(&self, host: &str) -> bool {
        self.find(host).is_some()
    }

    fn denied_host(&self, host: &str, _path: &str) -> Option<Denial<'_>> {
        self.find(host).map(Denial::from)
    }

    fn denied_inline(&self, text: &[u8]) -> Option<Denial<'_>> {
        self.marks.iter().any(|mark| mark.find(text).is_some()).then_some("g".into())
    }

    fn is_denied(&self, slug: &str) -> bool {
        slug == "analytics"
    }

    fn in_doubt(&self) -> &str {
        "g"
    }
}

fn main() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(200);
    let few = Vendors::new(1);
    println!(
        "{:28} {:>8} {:>8} {:>8} {:>8} {:>10} {:>6}",
        "MB/s", "at once", "1 frame", "8K fr.", "lol_html", "500 v. /1", "ratio"
    );
    for (kind, page) in [
        ("tag-dense", tag_dense as fn(usize, bool) -> String),
        ("image-heavy", image_heavy),
        ("text-heavy", text_heavy),
        ("script-heavy", script_heavy),
    ] {
        for (name, size) in SIZES {
            for mentions in [true, false] {
                let page = page(size, mentions);
                let title = format!("{kind} {name}{}", if mentions { "" } else { ", no vendor" });
                compare(&title, &page, &few, rounds * 750_000 / size / 10);
            }
        }
    }
    set_up(&few);
    grow(&few);
}

/// A page of 100 MB takes no longer per byte, and no memory.
fn grow(vendors: &Vendors) {
    let chunk = Bytes::from(tag_dense(64 * 1024, false));
    let mut held = 0;
    let mut run = || {
        let mut gate = Gate::new(vendors, "news.example", "/a/b", LIMITS);
        let mut out = VecDeque::new();
        let start = Instant::now();
        for _ in 0..1600 {
            gate.push(chunk.clone(), &mut out).expect("a page like others");
            held = held.max(gate.held());
            out.clear();
        }
        start.elapsed()
    };
    let best = (0..10).map(|_| run()).min().unwrap_or_default();
    let speed = 1600.0 * chunk.len() as f64 / best.as_secs_f64() / 1e6;
    println!("100 MB in frames of 64 KB: {speed:.0} MB/s, at most {held} bytes held");
}

fn compare(title: &str, page: &str, few: &Vendors, rounds: usize) {
    let many = Vendors::new(500);
    let bytes = Bytes::from(page.to_owned());
    let frames: Vec<Bytes> = (0..bytes.len())
        .step_by(8192)
        .map(|at| bytes.slice(at..bytes.len().min(at + 8192)))
        .collect();
    let whole = std::slice::from_ref(&bytes);
    let peer = lol(page, few);
    assert_eq!(
        gated(whole, few).matches("data-consent=").count(),
        peer.matches("data-consent=").count(),
        "{title}"
    );
    assert_eq!(gated(&frames, few), gated(whole, few));
    let mut times = [Duration::MAX; 6];
    for _ in 0..rounds.max(5) {
        let runs: [&dyn Fn() -> usize; 6] = [
            &|| at_once(&bytes, few),
            &|| run(whole, few),
            &|| run(&frames, few),
            &|| lol(page, few).len(),
            &|| run(whole, &many),
            &|| at_once(&bytes, &many),
        ];
        for (time, run) in times.iter_mut().zip(runs) {
            let start = Instant::now();
            black_box(run());
            *time = (*time).min(start.elapsed());
        }
    }
    let speed = times.map(|time| page.len() as f64 / time.as_secs_f64() / 1e6);
    println!(
        "{title:28} {:8.0} {:8.0} {:8.0} {:8.0} {:5.2} {:4.2} {:6.1}",
        speed[0],
        speed[1],
        speed[2],
        speed[3],
        speed[1] / speed[4],
        speed[0] / speed[5],
        speed[1] / speed[3],
    );
}

fn set_up(vendors: &Vendors) {
    let time = (0..1000).map(|_| {
        let start = Instant::now();
        black_box(Gate::new(vendors, "news.example", "/a/b", LIMITS));
        start.elapsed()
    });
    println!("set-up: {} ns", time.min().unwrap_or_default().as_nanos());
}

fn run(frames: &[Bytes], vendors: &Vendors) -> usize {
    feed(frames, vendors).iter().map(Bytes::len).sum()
}

fn at_once(page: &Bytes, vendors: &Vendors) -> usize {
    let mut out = VecDeque::new();
    let gate = Gate::new(vendors, "news.example", "/a/b", LIMITS);
    gate.whole(page.clone(), &mut out).expect("a page like others");
    out.iter().map(Bytes::len).sum()
}

fn gated(frames: &[Bytes], vendors: &Vendors) -> String {
    String::from_utf8(feed(frames, vendors).iter().flatten().copied().collect()).expect("UTF-8")
}

fn feed(frames: &[Bytes], vendors: &Vendors) -> VecDeque<Bytes> {
    let mut gate = Gate::new(vendors, "news.example", "/a/b", LIMITS);
    let mut out = VecDeque::new();
    for frame in frames {
        gate.push(frame.clone(), &mut out).expect("a page like others");
    }
    gate.finish(&mut out).expect("a page like others");
    out
}

/// The peer: the same elements and attributes, and inline scripts by their text (which comes too late to change the tag; it
/// changes the text instead).
fn lol(page: &str, vendors: &Vendors) -> String {
    let denied = |url: &str| {
        let rest =
            url.trim_start_matches("https:").trim_start_matches("http:").strip_prefix("//")?;
        vendors.find(rest.split(['/', '?', '#', ':']).next()?)
    };
    let gate = |element: &mut Element<'_, '_>, name: &str| {
        let Some(value) = element.get_attribute(name) else { return };
        if let Some(slug) = denied(&value) {
            let _ = element.set_attribute(&format!("data-consent-{name}"), &value);
            element.remove_attribute(name);
            let _ = element.set_attribute("data-consent", slug);
        }
    };
    let handlers = vec![
        element!(
            "script[src], iframe[src], img[src], source[src], video[src], audio[src], embed[src]",
            |e| {
                gate(e, "src");
                Ok(())
            }
        ),
        element!("img[srcset], source[srcset]", |e| {
            gate(e, "srcset");
            Ok(())
        }),
        element!("link[href]", |e| {
            gate(e, "href");
            Ok(())
        }),
        element!("[style], [data-consent], [background]", |_| Ok(())),
        element!("a[ping], meta[http-equiv], object[data], base[href]", |_| Ok(())),
        text!("script:not([src]), style, noscript", |text| {
            if vendors.marks.iter().any(|mark| mark.find(text.as_str().as_bytes()).is_some()) {
                text.before("/* data-consent= */", lol_html::html_content::ContentType::Html);
            }
            Ok(())
        }),
    ];
    let settings = handlers.into_iter().fold(RewriteStrSettings::new(), |settings, handler| {
        settings.append_element_content_handler(handler)
    });
    rewrite_str(page, settings).expect("a page like others")
}

/// Head, body of about this size made of `piece`s, end; with the snippets of four vendors or without.
fn page(size: usize, mentions: bool, piece: impl Fn(usize) -> String) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>A page</title>\n\
         <link rel=\"stylesheet\" href=\"/css/site.css\">\n<style>\nbody { margin: 0 }\n</style>\n<script src=\"/js/app.js\" defer></script>\n",
    );
    if mentions {
        page.push_str(
            "<script async src=\"https://www.googletagmanager.com/gtag/js?id=G-1\"></script>\n\
             <script>window.dataLayer = []; function gtag(){dataLayer.push(arguments)} gtag('js', 1);</script>\n",
        );
    }
    page.push_str("</head>\n<body>\n");
    let mut number = 0;
    while page.len() < size {
        page.push_str(&piece(number));
        number += 1;
        if mentions && number == 20 {
            page.push_str(
                "<iframe src=\"https://www.youtube.com/embed/x\" width=\"560\"></iframe>\n",
            );
        }
    }
    if mentions {
        page.push_str("<img src=\"https://www.google-analytics.com/collect?v=1\" alt=\"\">\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn tag_dense(size: usize, mentions: bool) -> String {
    page(size, mentions, |n| {
        format!(
            "<dt class=\"sig sig-object py\" id=\"m.f{n}\">\n<span class=\"sig-prename descclassname\"><span class=\"pre\">m.</span></span>\
             <span class=\"sig-name descname\"><span class=\"pre\">f{n}</span></span><span class=\"sig-paren\">(</span><em class=\"sig-param\">\
             <span class=\"n\"><span class=\"pre\">x</span></span></em><span class=\"sig-paren\">)</span><a class=\"headerlink\" href=\"#m.f{n}\" \
             title=\"Link\">&para;</a></dt>\n<dd><p>See <a class=\"reference internal\" href=\"f{n}.html#x\"><code class=\"docutils literal\">\
             <span class=\"pre\">f{n}()</span></code></a> for <em>more</em>.</p></dd>\n"
        )
    })
}

fn image_heavy(size: usize, mentions: bool) -> String {
    page(size, mentions, |n| {
        format!(
            "<a class=\"card\" href=\"/articles/{n}\"><img src=\"/img/{n}.jpg\" srcset=\"/img/{n}-2.jpg 2x, /img/{n}-3.jpg 3x\" alt=\"A picture\" \
             width=\"320\" height=\"200\" loading=\"lazy\"><h3 style=\"color: #333\">Article {n}</h3></a>\n"
        )
    })
}

fn text_heavy(size: usize, mentions: bool) -> String {
    page(size, mentions, |n| {
        format!(
            "<p class=\"text\">The lamp was lit for the first time in <a href=\"/history/{n}\">eleven years</a> on Tuesday, &amp; half of the village \
             had climbed the hill to see it. <em>Nobody spoke</em> for a while; then somebody began to clap, and the rest of us joined in, one \
             after the other, until the whole hillside was clapping at a lamp that could not hear us. It had been dark for so long that the \
             children had never seen it lit, and some of them were afraid of it at first.</p>\n"
        )
    })
}

fn script_heavy(size: usize, mentions: bool) -> String {
    page(size, mentions, |n| {
        let line = "if(a<b&&c>d){e.push({\"id\":1,\"title\":\"A title\\n\",\"url\":\"/articles/1\",\"tags\":[\"x\",\"y\"]});t.forEach(function(i){r(i)})}";
        format!(
            "<div class=\"card\" id=\"c{n}\"><h2>Card</h2></div>\n<script>\nvar t=[];{}\n</script>\n",
            line.repeat(40)
        )
    })
}
