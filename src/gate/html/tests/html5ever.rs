//! Random and hostile pages: `html5ever` must see the same tree with the banner as without it, but for the banner.

use super::{SNIPPET, insert, place};
use ::html5ever::{
    ParseOpts, parse_document, tendril::TendrilSink, tokenizer::TokenizerOpts,
    tree_builder::TreeBuilderOpts,
};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::{collection::vec, prelude::*, sample::select};

/// What may stand anywhere, mostly things that are fit for `head`.
#[rustfmt::skip]
const FRAGMENTS: &[&str] = &[
    "<!DOCTYPE html>", "<!doctype x \">", "<html>", "<HTML lang=en>", "</html>", "<head>",
    "</head>", "<hEAD/>", "<header>", "<title>x</title>", "<title><!--</title>",
    "<TITLE></titl></TITLE >", "<title>", "</title>", "<base href=/>", "<link rel=x>",
    "<basefont>", "<bgsound>", "<meta charset=utf-8>", "<meta charset=utf-16 />",
    "<style>p > a {}</style>", "<style></styl", "<script>1 < 2</script>",
    "<script><!-- <script> </script> --></script>", "<script><!-- <script> </script>",
    "</script>", "<script><!-->", "<script><!--", "<script>", "<noscript><img src=x></noscript>",
    "<noscript><!-- </noscript>", "<noscript>", "</noscript>", "<noframes><body></noframes>",
    "<noframes>", "</noframes>", "<template>", "</template>", "<template><p>x</template>",
    "<template><col>", "<template><svg>", "<template><b>", "<!-- x -->", "<!-->", "<!--->",
    "<!-- <body> --!>", "<!--", "-->", "<!", "<!x>", "<?x>", "</>", "</ x>", "<![CDATA[", "]]>",
    "<![CDATA[ ]]>", "<![CDATA[x]]>",
];

/// What opens or fills the body, and what throws it away.
#[rustfmt::skip]
const BODY: &[&str] = &[
    "<body>", "<body class='>'>", "<BODY/>", "</body>", "<bodyx>", "<frameset>",
    "<frameset><frame></frameset>", "</frameset>", "<frame>", "<p>", "</p>", "<div>", "</div>",
    "<b>", "</b>", "<br>", "</br>", "<img src=x>", "<image>", "<hr>", "<input>",
    "<input type=hidden>", "<input type=HIDDEN type=x>", "<input type=text>", "<table>", "<tr>",
    "<td>", "</table>", "<col>", "<caption>", "<select>", "<option>", "</select>", "<textarea>",
    "</textarea>", "<textarea></textarea>", "<pre>\n", "<li>", "<form>", "</form>", "<button>",
    "<iframe>", "</iframe>", "<iframe></iframe>", "<xmp>", "</xmp>", "<noembed>", "</noembed>",
    "<plaintext>", "<object>", "<svg>", "</svg>", "<svg/>", "<g>", "</g>", "<path/>",
    "<foreignObject>", "</foreignObject>", "<desc>", "<math>", "</math>", "<mi>",
    "<annotation-xml encoding=text/html>", "<font>", "<font color=x>", "<a>", "<h1>",
    "<ruby><rt>", "<main>", "</section>", "<wbr>", "<area>",
];

#[rustfmt::skip]
const TEXT: &[&str] = &[
    " ", "\n", "\t\r\n\x0c", "x", "\0", "\u{b}", "\u{a0}", "\u{feff}", "\u{e9}", "&#32;",
    "&#x20", "&#0;", "&#", "&", "&Tab;", "&NewLine;", "&Tab", "&nbsp;", "<", "</", ">", "\"",
    "'", "=", "/", "-", "< p>", "<1>", "<p", "<body ", "<p a='", "<p =\"", "<\0p>", "<p\0>",
];

/// A page as sites write them, in which something may be missing.
fn page() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![6 => select(FRAGMENTS), 4 => select(BODY), 3 => select(TEXT)];
    let usual = prop_oneof![
        Just(""),
        Just("<!DOCTYPE html>"),
        Just("<!DOCTYPE html><html><head>"),
        Just("\u{feff}<!doctype html>\n"),
        Just("<template>"),
        Just("<p>")
    ];
    let end = prop_oneof![2 => Just(""), 1 => Just("</head><body class=a>x"), 1 => Just("<frameset>"), 1 => Just("<p>x")];
    (usual, vec(fragment, 0..14), end)
        .prop_map(|(usual, fragments, end)| [usual, &fragments.concat(), end].concat().into_bytes())
}

/// The bytes that matter to a tokenizer, in any order, and some that matter to nothing.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => select(b"<>/!-?&#;='\" \n\0[]pbBtT32".to_vec()), 1 => any::<u8>()];
    let piece = prop_oneof![4 => vec(byte, 1..4), 1 => select(FRAGMENTS).prop_map(|f| f.as_bytes().to_vec())];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// HTML's elements, old ones included, some foreign ones, and one that is no element.
const ELEMENTS: &str = "a abbr acronym address annotation-xml applet area article aside audio b base basefont bdi bdo \
    bgsound big blink blockquote body br button canvas caption center cite code col colgroup command content data datalist \
    dd del desc details dfn dialog dir div dl dt element em embed fieldset figcaption figure font footer foreignObject \
    form frame frameset g h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen \
    label legend li link listing main map mark marquee math menu menuitem meta meter mi mo mn ms mtext multicol nav \
    nextid nobr noembed noframes noscript object ol optgroup option output p param path picture plaintext pre progress q \
    rb rbc rp rt rtc ruby s samp script search section select shadow slot small source spacer span strike strong style \
    sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul unknown-element var \
    video wbr xmp";

/// Bytes that can be read when a test fails.
struct Page(Vec<u8>);

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

fn hostile() -> impl Strategy<Value = (Page, Vec<usize>)> {
    (
        prop_oneof![4 => page(), 1 => soup()],
        any::<prop::sample::Index>(),
        0..8,
        vec(any::<prop::sample::Index>(), 0..5),
    )
        .prop_map(|(mut page, end, cut_short, cuts)| {
            if cut_short == 0 {
                page.truncate(end.index(page.len() + 1));
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(page.len() + 1)).collect();
            cuts.sort_unstable();
            (Page(page), cuts)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn the_page_is_the_same_but_for_the_banner((Page(page), cuts) in hostile()) {
        check(&page, &cuts)?;
    }
}

/// Every element in every place where it could matter.
#[test]
fn every_element_opens_body_as_html5ever_does() {
    let mut inserted = 0;
    let mut checked = 0;
    for name in ELEMENTS.split_ascii_whitespace() {
        for place_of in [
            "<@>",
            "<@></@>x",
            "</@>x",
            "<@></@><frameset>",
            "</@><frameset>",
            "<@/><body><frameset>",
            "<head></head><@></@><frameset>",
            "<head></head></@><frameset>",
            "<p><@></@><frameset>",
            "<p></@><frameset>",
            "<svg><@/></svg><frameset>",
            "<svg><@></svg><frameset>",
            "<svg></@><frameset>",
            "<svg><@><frameset>",
            "<math><a><@><frameset>",
            "<svg><@/><p><frameset>",
            "<template><@></@></template><p>x",
            "<template><@></template><p>x",
            "<template></@></template><p>x",
            "<template><@></template><frameset>",
            "<template><b><@></template></body>",
            "<template><svg><@></template><p>x",
        ] {
            let page = place_of.replace('@', name);
            check(page.as_bytes(), &[]).unwrap_or_else(|error| panic!("{page}: {error}"));
            inserted += usize::from(place(page.as_bytes(), []).is_some());
            checked += 1;
        }
    }
    println!("{checked} pages, {inserted} with a banner");
    assert!(inserted > checked / 2 && inserted < checked);
}

fn check(page: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    let at = place(page, []);
    prop_assert_eq!(place(page, cuts.iter().copied()), at, "cut at {:?}", cuts);
    prop_assert_eq!(place(page, 1..page.len().max(1)), at, "byte by byte");

    let before = Tree::parse(page, true);
    let Some(at) = at else {
        prop_assert!(!must_have_banner(page, &before), "no banner in\n{}", before.text);
        return Ok(());
    };
    let out = insert(page, []);
    let after = Tree::parse(&out, true);
    prop_assert_eq!(&after.banner_parents, &["html/body"]);
    if loses_frameset(page, &before) {
        return Ok(());
    }
    prop_assert_eq!(&after.text, &before.text, "at {}", at);
    // Without scripting `noscript` is markup, which the inserter must take for text.
    if !contains(page, "<noscript") {
        let (before, after) = (Tree::parse(page, false), Tree::parse(&out, false));
        prop_assert_eq!(&after.text, &before.text, "without scripting, at {}", at);
    }
    Ok(())
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500)
}

/// Whether a body was opened by something that was whole.
fn must_have_banner(page: &[u8], tree: &Tree) -> bool {
    // Inside a template the inserter gives up on what only the parser's tree could tell.
    let unsure = ["<svg", "<math", "<select", "<col", "<object", "<td", "<caption"];
    let may_be_unsure =
        contains(page, "<template") && unsure.iter().any(|name| contains(page, name));
    let is_utf_16 = page.starts_with(b"\xfe\xff") || page.starts_with(b"\xff\xfe");
    tree.has_body_content && !may_be_unsure && !is_utf_16
}

/// HTML inside `svg` and `math` is not followed, nor end tags there that may close HTML elements around them; a frameset behind
/// these is lost.
fn loses_frameset(page: &[u8], before: &Tree) -> bool {
    let holds_html = [
        "<foreignobject",
        "<desc",
        "<title",
        "<annotation-xml",
        "<mi",
        "<mo",
        "<mn",
        "<ms",
        "<mtext",
    ];
    let count = |what: &[u8]| page.windows(what.len()).filter(|window| *window == what).count();
    let other_ends = count(b"</") - count(b"</p>") - count(b"</br>");
    before.is_frameset
        && (contains(page, "<svg") || contains(page, "<math"))
        && (other_ends > 0 || holds_html.iter().any(|name| contains(page, name)))
}

fn contains(page: &[u8], what: &str) -> bool {
    page.windows(what.len()).any(|window| window.eq_ignore_ascii_case(what.as_bytes()))
}

/// A page's tree, written down without the banner.
#[derive(Default)]
struct Tree {
    text: String,
    banner_parents: Vec<String>,
    has_body_content: bool,
    is_frameset: bool,
}

impl Tree {
    fn parse(page: &[u8], scripting_enabled: bool) -> Self {
        // html5ever drops a byte order mark after every script, too; the standard drops the first only.
        let page = page.strip_prefix(b"\xef\xbb\xbf").unwrap_or(page);
        let options = ParseOpts {
            tokenizer: TokenizerOpts { discard_bom: false, ..Default::default() },
            tree_builder: TreeBuilderOpts { scripting_enabled, ..Default::default() },
        };
        let dom = parse_document(RcDom::default(), options).from_utf8().one(page);
        let mut tree = Self::default();
        tree.write(&dom.document, "", 0);
        tree
    }

    fn write(&mut self, node: &Handle, path: &str, depth: usize) {
        let mut text = String::new();
        for child in node.children.borrow().iter() {
            // Text that the banner parts is one again without it.
            if let NodeData::Text { contents } = &child.data {
                text.push_str(&contents.borrow());
                continue;
            }
            if let NodeData::Element { name, .. } = &child.data
                && &*name.local == "tower-consent"
            {
                self.banner_parents.push(path.to_owned());
                continue;
            }
            self.write_text(&mut text, depth);
            self.write_node(child, path, depth);
        }
        self.write_text(&mut text, depth);
        if let NodeData::Element { template_contents, .. } = &node.data
            && let Some(contents) = &*template_contents.borrow()
        {
            self.line(depth, "content");
            self.write(contents, &format!("{path}/content"), depth + 1);
        }
    }

    fn write_node(&mut self, node: &Handle, path: &str, depth: usize) {
        match &node.data {
            NodeData::Element { name, attrs, .. } => {
                let path = if path.is_empty() {
                    name.local.to_string()
                } else {
                    format!("{path}/{}", name.local)
                };
                let attributes: Vec<String> = attrs
                    .borrow()
                    .iter()
                    .map(|a| format!("{}={:?}", a.name.local, &*a.value))
                    .collect();
                self.line(depth, &format!("<{} {}> {}", name.local, attributes.join(" "), name.ns));
                self.has_body_content |= path.starts_with("html/body/")
                    || path == "html/body"
                        && (!attributes.is_empty() || !node.children.borrow().is_empty());
                self.is_frameset |= path == "html/frameset";
                self.write(node, &path, depth + 1);
            }
            NodeData::Comment { contents } => self.line(depth, &format!("<!-- {contents:?} -->")),
            NodeData::Doctype { name, .. } => self.line(depth, &format!("<!doctype {name}>")),
            _ => self.line(depth, "?"),
        }
    }

    fn write_text(&mut self, text: &mut String, depth: usize) {
        if !text.is_empty() {
            self.line(depth, &format!("{text:?}"));
            text.clear();
        }
    }

    fn line(&mut self, depth: usize, line: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(line);
        self.text.push('\n');
    }
}

#[test]
fn the_check_sees_a_banner_out_of_place() {
    let page = "<title>x</title>\n<p>x<frameset>";
    let before = Tree::parse(page.as_bytes(), true);
    for (at, parent) in [
        (7, None),
        (8, None),
        (16, Some("html/body")),
        (17, Some("html/body")),
        (20, Some("html/body/p")),
    ] {
        let (start, end) = page.split_at(at);
        let after = Tree::parse([start, SNIPPET, end].concat().as_bytes(), true);
        assert_eq!(after.banner_parents.first().map(String::as_str), parent, "{at}");
        assert_eq!(after.text == before.text, at == 17 || at == 20, "{at}:\n{}", after.text);
    }
}
