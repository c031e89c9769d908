//! Random pages against `html5ever` and the `url` crate: what a walk through the tree finds is gated, and nothing else is.

use super::gates::{gate_bare, gate_whole};
use crate::gate::html::{
    GateError,
    elements::{self, Fetch},
};
use ::html5ever::{
    ParseOpts, ns, parse_document, tendril::TendrilSink, tree_builder::TreeBuilderOpts,
};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::{collection::vec, prelude::*, sample::select};
use std::sync::atomic::{AtomicU32, Ordering};
use url::Url;

/// `U` is a URL. None has what a browser reads in more than one way.
#[rustfmt::skip]
const FRAGMENTS: &[&str] = &[
    "<script src='U'></script>", "<script src=\"U\">", "</script>", "<script>x('U')</script>", "<script>fbq('x')</script>", "<script type=module>fbq(</script>",
    "<script type=text/x>fbq(</script>", "<script data-consent=analytics>x</script>", "<script><!-- <script> </script> fbq( --></script>", "<script>", "<script><!--",
    "<iframe src='U'></iframe>", "<iframe src='U'>", "</iframe>", "<iframe srcdoc='<img src=U>'></iframe>", "<img src='U'>", "<IMG SRC=\"U\" alt='>'>", "<image src='U'>",
    "<img src='U' src=x>", "<img src=x src='U'>", "<img srcset='U 1x, x 2x'>", "<img data-consent=analytics src=x>", "<picture><source srcset='U'><img src='U'></picture>",
    "<video poster='U'><source src='U'></video>", "<audio src='U'>", "<track src='U'>", "<embed src='U'>", "<object data='U'>", "</object>", "<input type=image src='U'>",
    "<a href='U' ping='U'>", "</a>", "<area ping='x U'>", "<link rel=stylesheet href='U'>", "<link rel=canonical href='U'>", "<link rel='x preload' imagesrcset='U 1x'>",
    "<meta http-equiv=refresh content='1;url=U'>", "<meta name=x content='U'>", "<style>@import 'U'</style>", "<style>a{}</style>", "<style>", "</style>", "<p style='a:url(U)'>", "</p>",
    "<table background='U'>", "<tr>", "<td background='U'>", "</table>", "<template><img src='U'>", "</template>", "<noscript><img src='U'></noscript>", "<noscript>", "</noscript>",
    "<noscript><!--</noscript>", "<noscript><style><img src='U'></noscript>", "<noscript><p title='</noscript>'>", "<svg>", "</svg>", "<svg/>", "<svg><image href='U'/>", "<image xlink:href='U'/>", "<use href='U#x'>", "<g>", "</g>", "<path/>", "<path d='x'>",
    "<svg><style>@import 'U'</style>", "<svg><script>fbq(</script>", "<svg><script href='U'/>", "<rect fill='url(U)'/>", "<svg><title>x</title>", "<title>", "</title>", "<title><img src='U'></title>",
    "<foreignObject>", "</foreignObject>", "<desc>", "</desc>", "<math>", "</math>", "<mi>", "</mi>", "<mi>x</mi>", "<annotation-xml encoding='text/html'>", "</annotation-xml>",
    "<![CDATA[", "]]>", "<![CDATA[ <img src='U'> ]]>", "<!-- <img src='U'> -->", "<!--", "-->", "<!-->", "<?x>", "<textarea>", "</textarea>", "<textarea><img src='U'></textarea>",
    "<xmp>", "</xmp>", "<noembed><img src='U'></noembed>", "<noframes>", "</noframes>", "<div>", "</div>", "<div style=\"a:url(U)\">", "<b>", "</b>", "<span>", "</span>", "<br>", "<li>",
    "<select>", "</select>", "<option>", "<button>", "<form action='U'>", "<h1>", "<body background='U'>", "<html>", "</body>", "<head>", "</head>", "<p", "<p a='", "'", "\"", ">", "<", " ", "x", "&", "\n",
    "<h1 x=U/>", "<div data-consent=analytics>", "<div data-consent=x>",
];

const URLS: &[&str] = &[
    "https://ads.example/x",
    "https://ads.example/x",
    "//ADS.example:80",
    "https&colon;&#x2F;/ok@ads.example.",
    "\\\\x.ads.example",
    "/x",
    "x",
    "https://cdn.example/x",
    "//ads.example@cdn.example/",
];

fn page() -> impl Strategy<Value = (String, Vec<usize>)> {
    let fragment = (select(FRAGMENTS), select(URLS)).prop_map(|(text, url)| match text {
        // Text in which references don't count, or nested ones do.
        _ if ["@import", "srcdoc"].iter().any(|part| text.contains(part)) => {
            text.replace('U', if url.contains("cdn") { "//cdn.example" } else { "//ads.example" })
        }
        _ => text.replace('U', url),
    });
    let start = prop_oneof![
        6 => Just("<!doctype html>"), 1 => Just(""), 1 => Just("<!doctype html><base href=//ads.example>"), 1 => Just("<!doctype html><base href=x><base href=//ads.example>"),
        1 => Just("<!doctype html><body><p><svg><g>")
    ];
    (start, vec(fragment, 0..14), vec(any::<prop::sample::Index>(), 0..5)).prop_map(
        |(start, fragments, cuts)| {
            let page = [start, &fragments.concat()].concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(page.len() + 1)).collect();
            cuts.sort_unstable();
            (page, cuts)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn what_a_tree_walk_finds_is_gated_and_nothing_else((page, cuts) in page()) {
        check(&page, &cuts)?;
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4000)
}

static ALL: AtomicU32 = AtomicU32::new(0);
static REFUSED: AtomicU32 = AtomicU32::new(0);

fn check(page: &str, cuts: &[usize]) -> Result<(), TestCaseError> {
    let gated = gate_bare(page.as_bytes(), []);
    prop_assert_eq!(&gate_bare(page.as_bytes(), cuts.iter().copied()), &gated, "cut at {:?}", cuts);
    prop_assert_eq!(&gate_bare(page.as_bytes(), 1..page.len()), &gated, "byte by byte");
    // Behind the last mention nothing is withheld, in doubt, or refused.
    let is_doubtful = ["<noscript", "<math"].iter().any(|part| page.contains(part));
    let at_once = gate_whole(page.as_bytes(), false);
    if !is_doubtful && gated.is_ok() {
        prop_assert_eq!(&at_once, &gated, "at once");
    }
    if let Ok(at_once) = &at_once {
        let at_once = std::str::from_utf8(at_once).unwrap();
        for element in elements_of(at_once, true).iter().chain(&elements_of(at_once, false)) {
            let denied = element.denied().filter(|reason| reason != "mark" && reason != "content");
            prop_assert!(
                denied.is_none() && !element.runs_denied(),
                "{:?} in {}",
                element,
                at_once
            );
        }
    }
    let all = ALL.fetch_add(1, Ordering::Relaxed);
    let gated = match gated {
        Ok(gated) => String::from_utf8(gated).unwrap(),
        Err(error) => {
            prop_assert_eq!(error, GateError::Ambiguous);
            let refused = REFUSED.fetch_add(1, Ordering::Relaxed);
            prop_assert!(refused < 100 + all / 20, "{} of {}: {}", refused, all, page);
            return Ok(());
        }
    };
    let undone = gated.replace("<style data-consent=\"ads\" type=\"text/plain\">-->", "<style>");
    let undone = [
        "data-consent-",
        " data-consent=\"ads\"",
        " data-consent=\"analytics\"",
        " type=\"text/plain\"",
        " hidden=\"\"",
        " name=\"tower-consent\" loading=\"lazy\"",
    ]
    .iter()
    .fold(undone, |page, insertion| page.replace(insertion, ""));
    let is_withheld = undone.len() < page.len() && page.contains("<noscript");
    if !is_withheld {
        prop_assert_eq!(undone, page, "{}", gated);
    }
    let (before, after) = (elements_of(page, true), elements_of(&gated, true));
    prop_assert_eq!(before.len(), after.len(), "{}", gated);
    for (element, gated_element) in before.iter().zip(&after) {
        prop_assert_eq!(&gated_element.name, &element.name, "{}", gated);
        let denied = element.denied();
        let is_changed = gated_element.attributes != element.attributes;
        // One with tags in it is gated in doubt, be it that foreign elements may be open.
        let may_be_foreign = element.is_foreign
            || element.text.contains('<')
                && ["<svg", "<math"].iter().any(|part| page.contains(part));
        let is_doubtful = may_be_foreign && matches!(&*element.name, "script" | "style")
            // Attributes of a second one are added to the first.
            || element.name == "body"
            // With a denied base, so is all CSS that has URLs.
            || element.base.is_some() && element.attributes.iter().any(|(_, value)| value.contains("url("))
            || element.name == "style" && element.base.is_some()
            || element.name == "style" && element.text.to_ascii_lowercase().contains("ads.example");
        prop_assert!(
            denied.is_some() == is_changed || is_doubtful && is_changed,
            "{:?} {:?} {}",
            denied,
            element,
            gated
        );
    }
    for element in after.iter().chain(&elements_of(&gated, false)) {
        let denied =
            element.denied().filter(|attribute| attribute != "mark" && attribute != "content");
        prop_assert_eq!(denied, None, "{:?} in {}", element, gated);
        prop_assert!(!element.runs_denied(), "{:?} in {}", element, gated);
    }
    Ok(())
}

#[derive(Debug)]
struct Element {
    name: String,
    is_svg: bool,
    is_foreign: bool,
    attributes: Vec<(String, String)>,
    text: String,
    base: Option<String>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
    }

    /// The attribute that fetches from what is denied, `mark` or `content`.
    fn denied(&self) -> Option<String> {
        if self.attribute("data-consent") == Some("analytics") && self.name != "noscript" {
            return Some("mark".to_owned());
        }
        let row = elements::of(self.name.to_ascii_lowercase().as_bytes());
        let attribute = self.attributes.iter().find(|(name, value)| {
            match elements::fetch(row, name.as_bytes()) {
                None => false,
                Some(Fetch::Url) => self.leads_to_ads(value),
                Some(Fetch::Link) => {
                    self.leads_to_ads(value)
                        && self
                            .attribute("rel")
                            .is_some_and(|rel| elements::rel_fetches(rel.as_bytes()))
                }
                Some(Fetch::Urls | Fetch::Srcset) => {
                    value.split_whitespace().any(|url| self.leads_to_ads(url))
                }
                Some(Fetch::Refresh) => {
                    self.attribute("http-equiv") == Some("refresh")
                        && value.split_once("url=").is_some_and(|(_, url)| self.leads_to_ads(url))
                }
                Some(Fetch::Css | Fetch::Text) => value
                    .split_once("url(")
                    .is_some_and(|(_, url)| self.leads_to_ads(url.trim_end_matches(')'))),
                Some(Fetch::Page) => value.contains("ads.example"),
            }
        });
        let is_denied = match &*self.name {
            "script" => self.runs_denied(),
            "style" => self.attribute("type").is_none() && self.text.contains("'//ads.example'"),
            _ => false,
        };
        attribute.map(|(name, _)| name.clone()).or_else(|| is_denied.then(|| "content".to_owned()))
    }

    fn runs_denied(&self) -> bool {
        let source = if self.is_svg { "href" } else { "src" };
        self.name == "script"
            && self.text.contains("fbq(")
            && self.attribute(source).is_none()
            && self.attribute("type").is_none_or(|kind| kind == "module")
    }

    fn leads_to_ads(&self, url: &str) -> bool {
        let page = Url::parse("https://page.example/a/b").unwrap();
        let base = self.base.as_deref().map_or(page.clone(), |base| page.join(base).unwrap());
        let host = base.join(url).ok().and_then(|url| url.domain().map(str::to_owned));
        host.is_some_and(|host| {
            let host = host.trim_end_matches('.');
            host == "ads.example" || host.ends_with(".ads.example")
        })
    }
}

/// The elements of a page in tree order, those in templates included.
fn elements_of(page: &str, scripting_enabled: bool) -> Vec<Element> {
    let tree_builder = TreeBuilderOpts { scripting_enabled, ..Default::default() };
    let dom = parse_document(RcDom::default(), ParseOpts { tree_builder, ..Default::default() })
        .one(page);
    let mut elements = Vec::new();
    walk(&dom.document, &mut None, &mut elements);
    elements
}

fn walk(node: &Handle, base: &mut Option<String>, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, template_contents, .. } = &node.data {
        let children = node.children.borrow();
        let text = children.iter().filter_map(|child| match &child.data {
            NodeData::Text { contents } => Some(contents.borrow().to_string()),
            _ => None,
        });
        let attributes: Vec<_> = attrs
            .borrow()
            .iter()
            .map(|a| {
                let prefix =
                    a.name.prefix.as_ref().map(|prefix| format!("{prefix}:")).unwrap_or_default();
                (format!("{prefix}{}", a.name.local), a.value.to_string())
            })
            .collect();
        let element = Element {
            name: name.local.to_string(),
            is_svg: name.ns == ns!(svg),
            is_foreign: name.ns != ns!(html),
            text: text.collect(),
            attributes,
            base: base.clone(),
        };
        if element.name == "base" && base.is_none() {
            *base = element.attribute("href").map(str::to_owned);
        }
        elements.push(element);
        if let Some(contents) = &*template_contents.borrow() {
            walk(contents, base, elements);
        }
    }
    for child in node.children.borrow().iter() {
        walk(child, base, elements);
    }
}
