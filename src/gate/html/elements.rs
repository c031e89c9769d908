//! Which attributes of which elements make a browser fetch?

/// How the value of an attribute leads to what is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fetch {
    Url,
    /// Several URLs between spaces.
    Urls,
    Srcset,
    /// A page in an attribute.
    Page,
    Css,
    /// What has URLs at places that its own parser knows.
    Text,
    /// `content` of `<meta http-equiv=refresh>`.
    Refresh,
    /// `href` of a `link` whose `rel` fetches.
    Link,
}

use Fetch::{Css, Link, Page, Refresh, Srcset, Text, Url, Urls};

type Row = &'static [(&'static str, Fetch)];

/// The attributes of this element by which it fetches. (`image` is `img` for the parser, or SVG's.)
pub(super) fn of(element: &[u8]) -> Row {
    match element {
        b"script" => &[("src", Url), ("href", Url), ("xlink:href", Url), ("attributionsrc", Urls)],
        b"iframe" => &[("src", Url), ("srcdoc", Page)],
        b"img" | b"image" => &[
            ("src", Url),
            ("srcset", Srcset),
            ("href", Url),
            ("xlink:href", Url),
            ("lowsrc", Url),
            ("dynsrc", Url),
            ("attributionsrc", Urls),
        ],
        b"source" => &[("src", Url), ("srcset", Srcset)],
        b"video" => &[("src", Url), ("poster", Url)],
        b"audio" | b"track" | b"embed" | b"input" | b"frame" | b"portal" | b"fencedframe"
        | b"bgsound" | b"model" => &[("src", Url)],
        b"link" => &[("href", Link), ("imagesrcset", Srcset)],
        b"object" => &[("data", Url), ("codebase", Url), ("classid", Url), ("archive", Urls)],
        b"applet" => &[("code", Url), ("codebase", Url), ("archive", Urls)],
        b"a" | b"area" => &[("ping", Urls), ("attributionsrc", Urls)],
        b"meta" => &[("content", Refresh)],
        b"use" | b"feimage" | b"mpath" | b"textpath" | b"tref" | b"lineargradient"
        | b"radialgradient" | b"pattern" | b"filter" | b"cursor" | b"font-face-uri" => {
            &[("href", Url), ("xlink:href", Url)]
        }
        b"animate" | b"set" => &[("from", Text), ("to", Text), ("by", Text), ("values", Text)],
        _ => &[],
    }
}

/// What fetches on any element: `background` of `body` and tables, style, SVG's presentation attributes.
pub(super) const ANYWHERE: Row = &[
    ("style", Css),
    ("background", Url),
    ("fill", Css),
    ("stroke", Css),
    ("filter", Css),
    ("mask", Css),
    ("clip-path", Css),
    ("cursor", Css),
    ("marker", Css),
    ("marker-start", Css),
    ("marker-mid", Css),
    ("marker-end", Css),
];

/// How `attribute` of an element with this row fetches.
pub(super) fn fetch(row: Row, attribute: &[u8]) -> Option<Fetch> {
    let is_it = |(name, _): &&(&str, Fetch)| name.as_bytes().eq_ignore_ascii_case(attribute);
    row.iter().chain(ANYWHERE).find(is_it).map(|(_, fetch)| *fetch)
}

/// Elements that show what they fetch in a place of its own: when gated they are hidden, and something may stand in.
pub(super) fn is_embed(element: &[u8]) -> bool {
    matches!(element, b"iframe" | b"embed" | b"object" | b"portal" | b"fencedframe")
}

/// Whether a `link` with this `rel` fetches. What isn't known may.
pub(super) fn rel_fetches(rel: &[u8]) -> bool {
    const HARMLESS: &[&str] = &[
        "alternate",
        "amphtml",
        "archives",
        "author",
        "bookmark",
        "canonical",
        "cite-as",
        "contents",
        "edit",
        "edituri",
        "enclosure",
        "external",
        "first",
        "glossary",
        "help",
        "hub",
        "https://api.w.org/",
        "image_src",
        "index",
        "last",
        "license",
        "me",
        "micropub",
        "next",
        "nofollow",
        "noopener",
        "noreferrer",
        "openid.delegate",
        "openid.server",
        "opener",
        "pingback",
        "prev",
        "previous",
        "privacy-policy",
        "profile",
        "publisher",
        "self",
        "shortlink",
        "start",
        "tag",
        "terms-of-service",
        "token_endpoint",
        "top",
        "up",
        "webmention",
        "wlwmanifest",
    ];
    let is_harmless =
        |token: &[u8]| HARMLESS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(token));
    rel.split(u8::is_ascii_whitespace).any(|token| !token.is_empty() && !is_harmless(token))
}

/// Whether a script of this type runs, or makes the browser fetch.
pub(super) fn runs(kind: &[u8]) -> bool {
    let kind = kind.trim_ascii().to_ascii_lowercase();
    let has = |part: &str| kind.windows(part.len()).any(|window| window == part.as_bytes());
    kind.is_empty()
        || ["javascript", "ecmascript", "jscript", "livescript"].into_iter().any(has)
        || &*kind == b"module"
        || is_json(&kind)
}

/// Whether a script of this type is JSON with URLs to fetch.
pub(super) fn is_json(kind: &[u8]) -> bool {
    let is = |json: &&[u8]| kind.trim_ascii().eq_ignore_ascii_case(json);
    [&b"importmap"[..], b"speculationrules"].iter().any(is)
}
