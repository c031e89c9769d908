//! Headers that send the browser to other hosts (G9), item by item: `Link`
//! ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)), `Refresh`, and `Speculation-Rules`.
//!
//! An item goes where it would make the browser fetch from a vendor that isn't allowed. Items that
//! stay keep their bytes, and so does a line of which all stays.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{destination, explanation::Explanation, report::Report, vendors::VendorGate};

/// Relations for which some browser fetches, connects, or looks a name up by itself.
const FETCHING: [&str; 16] = [
    "apple-touch-icon",
    "apple-touch-icon-precomposed",
    "compression-dictionary",
    "dns-prefetch",
    "icon",
    "import",
    "manifest",
    "mask-icon",
    "modulepreload",
    "next",
    "preconnect",
    "prefetch",
    "preload",
    "prerender",
    "stylesheet",
    "subresource",
];

/// A header whose items lead elsewhere.
struct Kind {
    name: HeaderName,
    told_as: &'static str,
    /// What ends an item. No header contains NUL.
    separator: u8,
    urls: Urls,
}

/// Hands over each URL of an item that the browser would go to.
type Urls = fn(&[u8], &mut dyn FnMut(&[u8]));

static KINDS: [Kind; 3] = [
    Kind { name: header::LINK, told_as: "link", separator: b',', urls: link_urls },
    Kind { name: header::REFRESH, told_as: "refresh", separator: b'\0', urls: refresh_url },
    Kind {
        name: HeaderName::from_static("speculation-rules"),
        told_as: "speculation-rules",
        separator: b',',
        urls: rule_set_url,
    },
];

/// Drops the items that lead to what isn't allowed. Says whether the response depends on consent by
/// them.
pub(super) fn filter(
    headers: &mut HeaderMap,
    gate: VendorGate<'_>,
    explanation: &mut Explanation<'_>,
    report: &Report,
) -> bool {
    let mut depends = false;
    // Most responses have none of them, and comparing names costs less than looking up three.
    let is_ours = |name: &HeaderName| KINDS.iter().any(|kind| kind.name == *name);
    if !headers.keys().any(is_ours) {
        return false;
    }
    for kind in &KINDS {
        if !headers.contains_key(&kind.name) {
            continue;
        }
        let mut passes = true;
        for line in headers.get_all(&kind.name) {
            for item in split(line.as_bytes(), kind.separator) {
                (kind.urls)(item, &mut |url| {
                    let (verdict, unnamed) = destination::judge(gate, url);
                    passes &= verdict.allowed;
                    depends |= gate.depends(verdict);
                    explanation.tell(kind.told_as, url, verdict);
                    if let Some(host) = unnamed {
                        report.undeclared_host(&host, verdict.allowed);
                    }
                });
            }
        }
        if !passes {
            drop_items(headers, kind, gate);
        }
    }
    depends
}

fn drop_items(headers: &mut HeaderMap, kind: &Kind, gate: VendorGate<'_>) {
    let passes = |item: &&[u8]| {
        let mut passes = true;
        (kind.urls)(item, &mut |url| passes &= destination::judge(gate, url).0.allowed);
        passes
    };
    let header::Entry::Occupied(entry) = headers.entry(&kind.name) else { return };
    let (_, lines) = entry.remove_entry_mult();
    for line in lines.collect::<Vec<_>>() {
        let items = || split(line.as_bytes(), kind.separator);
        if items().all(|item| passes(&item)) {
            headers.append(&kind.name, line);
            continue;
        }
        let kept: Vec<&[u8]> = items().filter(passes).collect();
        if let (false, Ok(line)) =
            (kept.is_empty(), HeaderValue::from_bytes(&kept.join(&b", "[..])))
        {
            headers.append(&kind.name, line);
        }
    }
}

/// The parts of a line, trimmed, without empty ones. What separates them may stand in `<…>` and in
/// quoted strings.
fn split(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut state = State::default();
    line.split(move |&byte| {
        state = state.after(byte);
        byte == separator && state == State::Plain
    })
    .map(<[u8]>::trim_ascii)
    .filter(|item| !item.is_empty())
}

/// Where in a line a byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    /// Between `<` and `>`.
    Target,
    Quoted,
    Escaped,
}

impl State {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Plain, b'<') => Self::Target,
            (Self::Target, b'>') | (Self::Quoted, b'"') => Self::Plain,
            (Self::Plain, b'"') | (Self::Escaped, _) => Self::Quoted,
            (Self::Quoted, b'\\') => Self::Escaped,
            (state, _) => state,
        }
    }
}

/// `<url>; rel="preload"; imagesrcset="url 2x"`: what it leads to, if its relation makes browsers
/// fetch. Where browsers may read an item in several ways, all that looks like a target counts.
fn link_urls(item: &[u8], look: &mut dyn FnMut(&[u8])) {
    let Some((target, params)) = read_link(item) else {
        let targets = item.split(|&byte| byte == b'<').skip(1);
        targets.filter_map(|target| target.split(|&byte| byte == b'>').next()).for_each(look);
        return;
    };
    let params = || split(params, b';').map(read_param);
    let values = |wanted: &'static str| {
        params().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    let is_fetching = |relations: &[u8]| {
        let mut words = relations.split(|&byte| byte.is_ascii_whitespace() || byte == b'\'');
        words.any(|word| FETCHING.iter().any(|rel| rel.as_bytes().eq_ignore_ascii_case(word)))
    };
    if !values("rel").any(|(_, relations)| is_fetching(&relations)) {
        return;
    }
    look(target);
    for (_, candidates) in values("imagesrcset") {
        // More than what the standard finds, and never less: a comma may be a part of a URL.
        for run in candidates.split(u8::is_ascii_whitespace) {
            let commas = run.iter().zip(1..).filter(|(byte, _)| **byte == b',');
            let starts = std::iter::once(0).chain(commas.map(|(_, after)| after));
            starts.filter_map(|start| run.get(start..)).for_each(&mut *look);
        }
    }
}

/// The target of an item and its parameters, where all browsers read the same.
fn read_link(item: &[u8]) -> Option<(&[u8], &[u8])> {
    let item = item.strip_prefix(b"<")?;
    let (target, params) = item.split_at_checked(item.iter().position(|&byte| byte == b'>')?)?;
    let params = params.get(1..).unwrap_or_default();
    let is_plain = params.iter().fold(State::Plain, |state, &byte| state.after(byte));
    let begins_well = matches!(params.trim_ascii_start().first(), None | Some(b';'));
    let is_clear = begins_well && is_plain == State::Plain && !params.contains(&b'<');
    is_clear.then_some((target, params))
}

/// The name of a parameter and its value, unquoted.
fn read_param(param: &[u8]) -> (&[u8], Vec<u8>) {
    let equals = param.iter().position(|&byte| byte == b'=').unwrap_or(param.len());
    let (name, value) = param.split_at_checked(equals).unwrap_or_default();
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    (name.trim_ascii(), unquote(value).unwrap_or_else(|| value.to_vec()))
}

/// What a quoted string at the start of a text says.
fn unquote(text: &[u8]) -> Option<Vec<u8>> {
    let mut state = State::Quoted;
    let mut said = Vec::new();
    for &byte in text.strip_prefix(b"\"")? {
        let before = state;
        state = state.after(byte);
        match (before, state) {
            (_, State::Plain) => break,
            (State::Quoted, State::Escaped) => {}
            _ => said.push(byte),
        }
    }
    Some(said)
}

/// `5; url='https://…'`, with all that the standard lets people leave out.
/// <https://html.spec.whatwg.org/#shared-declarative-refresh-steps>
fn refresh_url(line: &[u8], look: &mut dyn FnMut(&[u8])) {
    let is_before =
        |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_digit() || b".;,".contains(byte);
    let start = line.iter().position(|byte| !is_before(byte)).unwrap_or(line.len());
    let rest = line.get(start..).unwrap_or_default();
    let named = rest.split_at_checked(3).filter(|(name, _)| name.eq_ignore_ascii_case(b"url"));
    let url = named.and_then(|(_, rest)| rest.trim_ascii_start().strip_prefix(b"="));
    let url = url.map_or(rest, <[u8]>::trim_ascii_start);
    let unquoted = match url.split_first() {
        Some((quote @ (b'"' | b'\''), quoted)) => quoted.split(|byte| byte == quote).next(),
        _ => None,
    };
    look(unquoted.unwrap_or(url));
}

/// A string of a structured list (RFC 9651): the address of a rule set.
/// <https://html.spec.whatwg.org/#the-speculation-rules-header>
fn rule_set_url(item: &[u8], look: &mut dyn FnMut(&[u8])) {
    if let Some(url) = unquote(item) {
        look(&url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(urls: Urls, item: &str) -> Vec<String> {
        let mut found = Vec::new();
        urls(item.as_bytes(), &mut |url| found.push(String::from_utf8(url.to_vec()).unwrap()));
        found
    }

    #[test]
    fn g9_items_split_outside_targets_and_quotes() {
        let items = |line: &'static str| {
            split(line.as_bytes(), b',')
                .map(|i| std::str::from_utf8(i).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(items("<a>, <b> ,, <c,d>;x"), ["<a>", "<b>", "<c,d>;x"]);
        assert_eq!(items(r#"<a>;t="x,\",<b>", <c"d>"#), [r#"<a>;t="x,\",<b>""#, r#"<c"d>"#]);
        assert_eq!(items("<a, <b>"), ["<a, <b>"]);
        assert!(items(" , ").is_empty());
    }

    #[test]
    fn g9_links_that_make_a_browser_fetch() {
        for (item, expected) in [
            ("<a>; rel=preload", &["a"][..]),
            ("<a>;REL=\"x PreLoad\"", &["a"]),
            ("<a> ; as=image; rel = preload", &["a"]),
            ("<a>; rel='stylesheet'", &["a"]),
            ("<a>; rel=next; rel=x", &["a"]),
            ("<a>; rel=\"shortcut\\ icon\"", &["a"]),
            (
                "<a>; rel=preload; imagesrcset=\"b 1x, c,d 2x\"",
                &["a", "b", "1x,", "", "c,d", "d", "2x"],
            ),
            ("<a>; rel=canonical; imagesrcset=b", &[]),
            ("<a>; rel=\"alternate author\"", &[]),
            ("<a>; title=\"rel=preload\"", &[]),
            ("<a>; title=\"; rel=preload\"", &[]),
            ("<a>", &[]),
            ("a; rel=preload", &[]),
            // What browsers may read otherwise.
            ("<a; rel=preload", &["a; rel=preload"]),
            ("<a>x; rel=author", &["a"]),
            ("x <a>; rel=author", &["a"]),
            ("<a>; rel=author; title=\"<b>\"", &["a", "b"]),
            ("<a>; rel=\"author", &["a"]),
        ] {
            assert_eq!(found(link_urls, item), expected, "{item}");
        }
    }

    #[test]
    fn g9_refreshes_and_rule_sets() {
        for (line, expected) in [
            ("5; url=https://a/", "https://a/"),
            ("0;URL = 'https://a/'x", "https://a/"),
            ("0,\"https://a/\"", "https://a/"),
            (".5 //a", "//a"),
            ("5", ""),
            ("5;url", "url"),
        ] {
            assert_eq!(found(refresh_url, line), [expected], "{line}");
        }
        assert_eq!(found(rule_set_url, r#""https://a/\"";x=1"#), ["https://a/\""]);
        assert_eq!(found(rule_set_url, "\"https://a"), ["https://a"]);
        assert!(found(rule_set_url, "token").is_empty());
    }
}
