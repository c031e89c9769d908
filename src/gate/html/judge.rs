//! Does a value lead to what is denied?

use super::{
    elements::Fetch,
    gate::{Denial, Rules},
    held::{Held, held},
    host::Host,
    mention::{find_mention, unescape_css},
    references,
    url::{Base, Location, find},
};
use memchr::memmem;

/// What decides, and what URLs are relative to. Values are taken as written, with character references.
pub(super) struct Judge<'a, R> {
    pub(super) rules: &'a R,
    pub(super) bases: &'a [Base],
}

impl<R> Clone for Judge<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Judge<'_, R> {}

impl<'a, R: Rules> Judge<'a, R> {
    /// What is denied and the attribute fetches from. (Pages in attributes are not for this.)
    pub(super) fn value(self, fetch: Fetch, value: &[u8]) -> Option<Denial<'a>> {
        let value = references::decode(value);
        match fetch {
            Fetch::Url | Fetch::Link => self.url(&value),
            Fetch::Urls => {
                let mut urls = value.split(u8::is_ascii_whitespace).filter(|url| !url.is_empty());
                urls.find_map(|url| self.url(url))
            }
            Fetch::Srcset => self.srcset(&value),
            Fetch::Refresh => self.refresh(&value),
            Fetch::Css => self.css(&value),
            Fetch::Text => self.text(&value),
            Fetch::Page => None,
        }
    }

    pub(super) fn url(self, url: &[u8]) -> Option<Denial<'a>> {
        let denied = find(url, self.bases, |location| {
            let denied = self.location(location);
            if let (None, Host::Named(host)) = (denied, location.host) {
                self.rules.passes(host);
            }
            denied
        });
        denied.or_else(|| self.held(url))
    }

    /// A style sheet or script in the URL itself. (Pages are not for this.)
    fn held(self, url: &[u8]) -> Option<Denial<'a>> {
        match held(url)? {
            Held::Script(text) => self.rules.denied_inline(&text),
            Held::Text(text) => self.text(&text),
            Held::Page(_) => None,
        }
    }

    /// Whether a value names a host, whatever for, on which something is denied, or that is to be told, or
    /// holds what must be read.
    pub(super) fn concerns(self, value: &[u8]) -> bool {
        let concerns = |host: &Host| match host {
            Host::Named(host) => self.rules.is_curious() || self.rules.concerns(host),
            Host::Doubtful => true,
        };
        let value = references::decode(value);
        find_mention(&value, |location| concerns(location.host).then_some(())).is_some()
            || held(&value).is_some()
    }

    pub(super) fn css_as_written(self, value: &[u8]) -> Option<Denial<'a>> {
        self.css(&references::decode(value))
    }

    /// Any URL in a style sheet, whatever it is for.
    pub(super) fn css(self, css: &[u8]) -> Option<Denial<'a>> {
        const SIGNS: [&[u8]; 4] = [b"url(", b"@import", b"image-set(", b"src("];
        if !may_have_url(css) {
            return None;
        }
        let plain = unescape_css(css);
        let has = |sign: &[u8]| plain.windows(sign.len()).any(|w| w.eq_ignore_ascii_case(sign));
        let relative = || self.denied_base().filter(|_| SIGNS.into_iter().any(has));
        self.mentioned(css, &plain).or_else(relative)
    }

    /// Any URL in what isn't read as its own parser would.
    fn text(self, text: &[u8]) -> Option<Denial<'a>> {
        let relative = || self.denied_base().filter(|_| !text.is_empty());
        self.mentioned(text, &unescape_css(text)).or_else(relative)
    }

    /// JSON with URLs to fetch.
    pub(super) fn json(self, json: &[u8]) -> Option<Denial<'a>> {
        // Any character may be written so.
        let is_escaped = memmem::find(json, b"\\u").is_some();
        self.text(json).or_else(|| is_escaped.then(|| self.rules.in_doubt().into()))
    }

    fn mentioned(self, written: &[u8], plain: &[u8]) -> Option<Denial<'a>> {
        let look = |location: &Location<'_>| match location.is_namespace() {
            true => None,
            false => self.location(location),
        };
        let find = |text: &[u8]| find_mention(text, look);
        // In a string that is no URL yet a backslash may stand for a slash.
        let raw = (plain.len() != written.len()).then(|| find(written)).flatten();
        raw.or_else(|| find(plain))
    }

    /// What is denied where relative URLs lead.
    fn denied_base(self) -> Option<Denial<'a>> {
        self.bases.iter().find_map(|base| {
            let is_relevant = match &base.host {
                Host::Named(host) => self.rules.concerns(host),
                Host::Doubtful => true,
            };
            is_relevant.then(|| self.location(&Location::on(&base.host, base.path.as_bytes())))?
        })
    }

    /// Each run between spaces, and what follows a comma in it: more than the standard finds, never less.
    fn srcset(self, srcset: &[u8]) -> Option<Denial<'a>> {
        srcset.split(u8::is_ascii_whitespace).find_map(|run| {
            let commas = run.iter().enumerate().filter(|(_, byte)| **byte == b',');
            let starts = std::iter::once(0).chain(commas.map(|(at, _)| at + 1));
            starts
                .filter_map(|start| run.get(start..))
                .filter(|url| !url.is_empty())
                .find_map(|url| self.url(url.trim_ascii_end().strip_suffix(b",").unwrap_or(url)))
        })
    }

    /// `5; url='https://…'`, with all that the standard lets people leave out.
    fn refresh(self, content: &[u8]) -> Option<Denial<'a>> {
        let is_before = |byte: &u8| {
            byte.is_ascii_whitespace()
                || byte.is_ascii_digit()
                || matches!(byte, b'.' | b';' | b',')
        };
        let start = content.iter().position(|byte| !is_before(byte))?;
        let rest = content.get(start..)?;
        let named = rest.split_at_checked(3).filter(|(name, _)| name.eq_ignore_ascii_case(b"url"));
        let url = named
            .and_then(|(_, rest)| rest.trim_ascii_start().strip_prefix(b"="))
            .map_or(rest, <[u8]>::trim_ascii_start);
        let unquoted = match url.split_first() {
            Some((quote @ (b'"' | b'\''), quoted)) => quoted.split(|byte| byte == quote).next(),
            _ => None,
        };
        self.url(unquoted.unwrap_or(url))
    }

    fn location(self, location: &Location<'_>) -> Option<Denial<'a>> {
        let Host::Named(host) = location.host else { return Some(self.rules.in_doubt().into()) };
        if !self.rules.concerns(host) {
            return None;
        }
        let (path, decoded) = location.paths();
        let denied = |path: &str| self.rules.denied_host(host, path);
        denied(&path).or_else(|| decoded.as_deref().and_then(denied))
    }
}

/// CSS has URLs in functions and strings alone.
fn may_have_url(css: &[u8]) -> bool {
    css.iter().any(|byte| matches!(byte, b'(' | b'"' | b'\'' | b'\\'))
}
