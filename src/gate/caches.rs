//! What caches are told, so that no visitor gets another's page, or an old one of their own (V1, V2).

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::headers::split_list;

/// Joins a page's own tag and the variant's in `ETag`.
const SEPARATOR: &str = "-consent-";

/// What caches in front of the site obey instead of `Cache-Control`.
const CDN_HEADERS: [HeaderName; 7] = [
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("cloudflare-cdn-cache-control"),
    HeaderName::from_static("edge-control"),
    HeaderName::from_static("netlify-cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("vercel-cdn-cache-control"),
    HeaderName::from_static("x-accel-expires"),
];

/// Digests of bytes that are no longer the ones sent (H10).
pub(crate) const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// Names the variant of a page that a visitor gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageTag(pub(crate) u64);

impl fmt::Display for PageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Gives the application the validators that it knows. Those of another variant of the page would
/// bring a stale banner back, or what is denied by now, and are dropped: `changes_page` says that this
/// visitor gets no page as the application made it. Says whether one of this variant was there.
pub(crate) fn translate_conditions(
    headers: &mut HeaderMap,
    changes_page: bool,
    tag: PageTag,
) -> bool {
    let mut is_ours = false;
    if headers.contains_key(header::IF_NONE_MATCH) {
        is_ours = translate_tags(headers, changes_page, tag);
    }
    if headers.contains_key(header::IF_MATCH) {
        name_own_tags(headers);
    }
    if changes_page {
        headers.remove(header::IF_MODIFIED_SINCE);
    }
    let names_changed_page = headers.get(header::IF_RANGE).is_some_and(|value| {
        changes_page || memchr::memmem::find(value.as_bytes(), SEPARATOR.as_bytes()).is_some()
    });
    if names_changed_page {
        headers.remove(header::IF_RANGE);
        headers.remove(header::RANGE);
    }
    is_ours
}

fn translate_tags(headers: &mut HeaderMap, changes_page: bool, tag: PageTag) -> bool {
    let ours = format!("{SEPARATOR}{tag}\"");
    let mut is_ours = false;
    let header::Entry::Occupied(entry) = headers.entry(header::IF_NONE_MATCH) else { return false };
    let (_, lines) = entry.remove_entry_mult();
    for line in lines.collect::<Vec<_>>() {
        let Ok(text) = line.to_str() else { continue };
        let mut kept = Vec::new();
        let mut changed = false;
        for item in split_list(text) {
            if let Some(own) = item.strip_suffix(&ours) {
                kept.push(format!("{own}\""));
                is_ours = true;
                changed = true;
            } else if item != "*" && (changes_page || item.contains(SEPARATOR)) {
                changed = true;
            } else {
                kept.push(item.to_owned());
            }
        }
        if !changed {
            headers.append(header::IF_NONE_MATCH, line);
        } else if let (false, Ok(line)) = (kept.is_empty(), HeaderValue::try_from(kept.join(", ")))
        {
            headers.append(header::IF_NONE_MATCH, line);
        }
    }
    is_ours
}

/// A change may be made to what any variant of the page showed: it is the same underneath.
fn name_own_tags(headers: &mut HeaderMap) {
    let header::Entry::Occupied(mut entry) = headers.entry(header::IF_MATCH) else { return };
    for line in entry.iter_mut() {
        let text = line.to_str().ok().filter(|text| text.contains(SEPARATOR));
        let own = text.map(|text| split_list(text).map(without_variant).collect::<Vec<_>>());
        if let Some(Ok(own)) = own.map(|own| HeaderValue::try_from(own.join(", "))) {
            *line = own;
        }
    }
}

/// The application's own tag, if this is one of a variant; else the same.
fn without_variant(tag: &str) -> String {
    let is_variant = |variant: &str| {
        let digits = variant.strip_suffix('"').unwrap_or_default();
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match tag.rsplit_once(SEPARATOR) {
        Some((own, variant)) if is_variant(variant) => format!("{own}\""),
        _ => tag.to_owned(),
    }
}

/// Hides validators that would identify the visitor.
pub(crate) fn drop_conditions(headers: &mut HeaderMap) {
    headers.remove(header::IF_NONE_MATCH);
    headers.remove(header::IF_MODIFIED_SINCE);
    if headers.remove(header::IF_RANGE).is_some() {
        headers.remove(header::RANGE);
    }
}

/// Takes the validators off an answer.
pub(crate) fn drop_validators(headers: &mut HeaderMap) {
    headers.remove(header::ETAG);
    headers.remove(header::LAST_MODIFIED);
}

/// Says that the page, or what a 304 says of it, is this variant: its `ETag` is its own, and nothing
/// that describes the application's bytes is left.
pub(crate) fn mark_changed_page(headers: &mut HeaderMap, tag: PageTag) {
    headers.remove(header::LAST_MODIFIED);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    for name in &DIGESTS {
        headers.remove(name);
    }
    mark_etag(headers, tag);
}

/// Makes the application's `ETag` the variant's. One that is malformed names nothing, and goes.
fn mark_etag(headers: &mut HeaderMap, tag: PageTag) {
    let Some(etag) = headers.get(header::ETAG) else { return };
    let own = etag.to_str().ok().and_then(|etag| etag.strip_suffix('"'));
    let is_tag = |own: &&str| {
        let quoted = own.strip_prefix("W/").unwrap_or(own).strip_prefix('"');
        quoted.is_some_and(|opaque| !opaque.contains('"'))
    };
    let own = own.filter(is_tag);
    let marked = own.and_then(|own| HeaderValue::try_from(format!("{own}{SEPARATOR}{tag}\"")).ok());
    match marked {
        Some(marked) => headers.insert(header::ETAG, marked),
        None => headers.remove(header::ETAG),
    };
}

/// What an answer depends on where it depends on consent: the choice and the signal.
const CONSENT: [&str; 2] = ["Cookie", "Sec-GPC"];
/// What a page depends on besides: one address has no banner when it is shown in a frame, or fetched
/// by a script, and a browser may have kept it from there.
const PAGE: [&str; 4] = ["Cookie", "Sec-GPC", "Sec-Fetch-Dest", "Sec-Fetch-Mode"];

/// Says that the answer depends on consent, and a page on what it is for.
pub(crate) fn vary_by_consent(headers: &mut HeaderMap, is_page: bool) {
    let lines = || headers.get_all(header::VARY).iter().filter_map(|line| line.to_str().ok());
    let said: Vec<&str> = lines().flat_map(split_list).collect();
    let is_said =
        |name: &&str| said.iter().any(|said| *said == "*" || said.eq_ignore_ascii_case(name));
    let names = if is_page { &PAGE[..] } else { &CONSENT[..] };
    let missing: Vec<&str> = names.iter().filter(|name| !is_said(name)).copied().collect();
    if missing.is_empty() {
        return;
    }
    // One line, since some caches read no second one.
    let merged = HeaderValue::try_from([said, missing].concat().join(", "));
    headers.insert(header::VARY, merged.unwrap_or(HeaderValue::from_static("*")));
}

/// Keeps an answer that sets a choice out of every cache: there are shared ones that would give it,
/// `Set-Cookie` and all, to others.
pub(crate) fn forbid_storing(headers: &mut HeaderMap) {
    for name in &CDN_HEADERS {
        headers.remove(name);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Keeps a page that shows one visitor's state out of shared caches. What still asks isn't stored
/// at all, so that Back doesn't ask again after the choice (V3).
pub(crate) fn make_private(headers: &mut HeaderMap, asks: bool) {
    for name in &CDN_HEADERS {
        headers.remove(name);
    }
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let is_kept = |directive: &&str| {
        let name = directive.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        !matches!(
            name.as_str(),
            "public" | "private" | "s-maxage" | "proxy-revalidate" | "no-store"
        ) || (name == "no-store" && !asks)
    };
    let mut directives = vec!["private"];
    directives.extend(lines.flat_map(split_list).filter(is_kept));
    if asks {
        directives.push("no-store");
    }
    let joined = HeaderValue::try_from(directives.join(", "));
    headers.insert(header::CACHE_CONTROL, joined.unwrap_or(HeaderValue::from_static("no-store")));
}
