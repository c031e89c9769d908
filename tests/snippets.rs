//! Pages with the snippets that vendors publish, through the layer: nothing of theirs is fetched or runs before the visitor allows it (H1,
//! H2), and then the page is as the application made it (H3).

mod transport;

use std::{fs, path::PathBuf, sync::LazyLock};

use html5ever::{ParseOpts, parse_document, tendril::TendrilSink, tree_builder::TreeBuilderOpts};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use tower_consent::{ConsentLayer, Policy, category};
use transport::*;
use url::Url;

/// A file of `snippets`: what a vendor publishes, with numbers made up, behind a comment that says
///
/// - `vendor`: its slug in the catalog, where that isn't the name of the file;
/// - `calls`, `calls without script`: hosts that a browser calls that runs scripts, or doesn't;
/// - `connects`: hosts that it only connects to;
/// - `harmless`: how an inline script begins that calls nobody by itself, and may run;
/// - `placeholders`: for how many frames something stands in;
/// - `necessary`: why it is allowed without asking.
struct Snippet {
    slug: String,
    hosts: Vec<String>,
    harmless: Option<String>,
    placeholders: usize,
    is_necessary: bool,
    html: String,
}

impl Snippet {
    fn read(name: &str, file: &str) -> Self {
        let (head, html) = file.trim_start_matches("<!--\n").split_once("-->\n").expect(name);
        let says = |wanted: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(key, value)| (key == wanted).then(|| value.to_owned()))
        };
        let hosts = ["calls", "calls without script", "connects"].into_iter().filter_map(says);
        Self {
            slug: says("vendor").unwrap_or_else(|| name.to_owned()),
            hosts: hosts
                .flat_map(|all| all.split(' ').map(str::to_owned).collect::<Vec<_>>())
                .collect(),
            harmless: says("harmless"),
            placeholders: says("placeholders").map_or(0, |number| number.parse().unwrap()),
            is_necessary: says("necessary").is_some(),
            html: html.to_owned(),
        }
    }
}

static SNIPPETS: LazyLock<Vec<Snippet>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snippets");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 30);
    let read = |path: &PathBuf| {
        Snippet::read(
            path.file_stem().unwrap().to_str().unwrap(),
            &fs::read_to_string(path).unwrap(),
        )
    };
    files.iter().map(read).collect()
});

/// A script of the site's own stands before and behind: it runs in any case.
fn page(snippets: &[&Snippet]) -> String {
    let html: String = snippets.iter().map(|snippet| snippet.html.as_str()).collect();
    format!(
        "<!doctype html>\n<html lang=en>\n<head><title>News</title><script>own(1)</script></head>\n<body>\n<h1>News</h1>\n{html}<script src=/own.js async></script>\n</body>\n</html>\n"
    )
}

fn catalog() -> ConsentLayer {
    ConsentLayer::new(Policy::builder("Example News").catalog().build().unwrap())
}

async fn seen(layer: &ConsentLayer, cookie: &str, page: &str) -> String {
    let page = page.to_owned();
    let request = with(navigate("/"), "cookie", cookie);
    let answer = arrive(through(layer, request, move |_| html(full(page.clone()))).await).await;
    answer.text().to_owned()
}

/// What a browser would do with the page that is no business of the site's own.
#[derive(Debug, Default)]
struct Doings {
    fetches: Vec<String>,
    runs: Vec<String>,
    placeholders: Vec<String>,
}

fn doings(page: &str, scripting_enabled: bool) -> Doings {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts { scripting_enabled, ..TreeBuilderOpts::default() },
        ..ParseOpts::default()
    };
    let dom = parse_document(RcDom::default(), options).one(page);
    let mut doings = Doings::default();
    walk(&dom.document, scripting_enabled, &mut doings);
    doings
}

fn walk(node: &Handle, scripting: bool, doings: &mut Doings) {
    let NodeData::Element { name, attrs, .. } = &node.data else {
        return node.children.borrow().iter().for_each(|child| walk(child, scripting, doings));
    };
    let name = &*name.local;
    let attrs = attrs.borrow();
    let value = |wanted: &str| {
        attrs.iter().find(|attr| &*attr.name.local == wanted).map(|attr| attr.value.to_string())
    };
    if name == "tower-consent" {
        doings.placeholders.extend(value("data-vendor"));
    }
    let text: String = node.children.borrow().iter().map(text_of).collect();
    let kind = value("type").unwrap_or_default();
    let is_live = kind.is_empty() || kind == "text/javascript" || kind == "module";
    for (attribute, on) in [
        (
            "src",
            &["script", "iframe", "img", "embed", "source", "video", "audio", "track", "input"][..],
        ),
        ("srcset", &["img", "source"]),
        ("href", &["link"]),
        ("data", &["object"]),
        ("srcdoc", &["iframe"]),
        ("poster", &["video"]),
        ("ping", &["a", "area"]),
    ] {
        // One that has an address doesn't run what is in it, whatever it is.
        let is_off = name == "script" && (!scripting || !is_live);
        doings.fetches.extend(value(attribute).filter(|_| on.contains(&name) && !is_off));
    }
    let style = [value("style").unwrap_or_default(), text.clone()].concat();
    if name == "style" && !matches!(kind.as_str(), "" | "text/css") {
        // It doesn't apply.
    } else if name == "style" || !value("style").unwrap_or_default().is_empty() {
        doings
            .fetches
            .extend(style.split('\'').filter(|part| part.starts_with("http")).map(str::to_owned));
    }
    if name == "script" && scripting && is_live && value("src").is_none() {
        doings.runs.push(text);
    }
    node.children.borrow().iter().for_each(|child| walk(child, scripting, doings));
}

fn text_of(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => String::new(),
    }
}

/// The hosts that are contacted and aren't the site's.
fn hosts(doings: &Doings) -> Vec<String> {
    let base = Url::parse("https://news.example/").unwrap();
    let urls = doings.fetches.iter().filter_map(|url| base.join(url).ok());
    let hosts = urls.filter_map(|url| url.host_str().map(str::to_owned));
    hosts.filter(|host| host != "news.example").collect()
}

/// Scripts that aren't the site's or the banner's, nor harmless.
fn strange(doings: &Doings) -> Vec<&String> {
    let is_own = |text: &str| {
        ["own(1)", "tower-consent:change", "document.currentScript.parentNode.shadowRoot"]
            .iter()
            .any(|part| text.contains(part))
    };
    let is_harmless = |text: &str| {
        let mut known = SNIPPETS.iter().filter_map(|snippet| snippet.harmless.as_deref());
        known.any(|start| text.trim_start().starts_with(start))
    };
    doings.runs.iter().filter(|text| !is_own(text) && !is_harmless(text)).collect()
}

fn optional() -> Vec<&'static Snippet> {
    SNIPPETS.iter().filter(|snippet| !snippet.is_necessary).collect()
}

/// Each by itself, and all in one page.
fn pages() -> Vec<(String, String)> {
    let each = optional().into_iter().map(|one| (one.slug.clone(), page(&[one])));
    each.chain([("all".to_owned(), page(&optional()))]).collect()
}

#[test]
fn the_snippets_contact_their_vendors_where_nothing_gates_them() {
    for snippet in &*SNIPPETS {
        let vendor = tower_consent::catalog::vendor(&snippet.slug).expect(&snippet.slug);
        assert_eq!(vendor.category() == category::NECESSARY, snippet.is_necessary);
        let [with, without] = [true, false].map(|scripting| doings(&page(&[snippet]), scripting));
        let found: Vec<String> = [&with, &without].into_iter().flat_map(hosts).collect();
        let is_known = |host: &String| snippet.hosts.contains(host);
        assert!(found.iter().all(is_known), "{}: {found:?}", snippet.slug);
        assert!(!found.is_empty() || !strange(&with).is_empty(), "{}", snippet.slug);
    }
}

#[tokio::test]
async fn h1_h2_published_snippets_contact_nobody_before_the_choice_and_after_a_no() {
    for (policy, layer) in [("nothing declared", ConsentLayer::default()), ("catalog", catalog())] {
        for (name, page) in pages() {
            for cookie in [String::new(), choice("reject")] {
                let gated = seen(&layer, &cookie, &page).await;
                for scripting in [true, false] {
                    let doings = doings(&gated, scripting);
                    let what = format!("{name}, {policy}, {cookie:?}, scripting {scripting}");
                    assert_eq!(hosts(&doings), Vec::<String>::new(), "{what}");
                    assert_eq!(strange(&doings), Vec::<&String>::new(), "{what}");
                    let own = doings.runs.iter().any(|text| text == "own(1)");
                    assert_eq!(own, scripting, "{what}");
                    assert!(
                        doings.fetches.iter().any(|url| url == "/own.js") || !scripting,
                        "{what}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn h3_with_everything_allowed_pages_with_snippets_are_as_they_were() {
    for (name, page) in pages() {
        let whole = seen(&catalog(), &choice("accept"), &page).await;
        assert_eq!(without_banner(whole.as_bytes()), page.as_bytes(), "{name}");
    }
}

#[tokio::test]
async fn h4_what_was_seen_has_a_placeholder_and_what_was_not_has_none() {
    for snippet in &*SNIPPETS {
        let gated = seen(&catalog(), "", &page(&[snippet])).await;
        for scripting in [true, false] {
            let found = doings(&gated, scripting).placeholders;
            assert_eq!(found, vec![snippet.slug.as_str(); snippet.placeholders], "{gated}");
        }
    }
}

#[tokio::test]
async fn h5_what_is_necessary_by_the_catalog_stays_as_it_was() {
    let necessary: Vec<&Snippet> = SNIPPETS.iter().filter(|snippet| snippet.is_necessary).collect();
    assert!(!necessary.is_empty());
    for cookie in [String::new(), choice("reject")] {
        let whole = seen(&catalog(), &cookie, &page(&necessary)).await;
        assert_eq!(without_banner(whole.as_bytes()), page(&necessary).as_bytes());
    }
}
