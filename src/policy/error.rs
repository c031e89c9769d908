use std::{error, fmt};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::banner::TextError;

/// Why a policy can't be built: what is wrong, where, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    fault: Fault,
    place: Box<Place>,
    line: Option<usize>,
}

/// Where in the declaration: a key of the policy, of an item in one of its lists, or of one of its
/// tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    list: Option<(&'static str, usize)>,
    key: &'static str,
    entry: Option<String>,
}

impl Place {
    pub(crate) fn key(key: &'static str) -> Self {
        Self { key, ..Self::default() }
    }

    pub(crate) fn entry(key: &'static str, entry: String) -> Self {
        Self { key, entry: Some(entry), list: None }
    }

    pub(crate) fn item(list: &'static str, index: usize, key: &'static str) -> Self {
        Self { list: Some((list, index)), key, entry: None }
    }
}

impl PolicyError {
    pub(crate) fn new(place: Place, fault: Fault) -> Self {
        Self { fault, place: Box::new(place), line: None }
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The line of the TOML or JSON text that is at fault, counted from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The error of a parser, which says the line in its own message too.
    pub(crate) fn syntax(message: String, line: Option<usize>) -> Self {
        Self { fault: Fault::Syntax(message), place: Box::default(), line }
    }

    /// The same error with the line of its place in this TOML text.
    pub(crate) fn located_in(mut self, toml: &str) -> Self {
        let offset = DeTable::parse(toml).ok().and_then(|document| {
            let document = document.into_inner();
            let Some((list, index)) = self.place.list else {
                let value = document.get(self.place.key)?;
                let entries = value.get_ref().as_table();
                let entry = self.place.entry.as_deref().and_then(|entry| find(entries?, entry));
                return Some(entry.unwrap_or(value).span().start);
            };
            let item = document.get(list)?.get_ref().as_array()?.get(index)?;
            let key = item.get_ref().as_table().and_then(|table| table.get(self.place.key));
            Some(key.unwrap_or(item).span().start)
        });
        self.line = offset
            .and_then(|offset| toml.get(..offset))
            .map(|before| before.matches('\n').count() + 1);
        self
    }
}

/// The entry of this key, which may be written as one or as tables in tables.
fn find<'a, 'b>(table: &'a DeTable<'b>, key: &str) -> Option<&'a Spanned<DeValue<'b>>> {
    let inner = || {
        let (first, rest) = key.split_once('.')?;
        find(table.get(first)?.get_ref().as_table()?, rest)
    };
    table.get(key).or_else(inner)
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), false) = (self.line, matches!(self.fault, Fault::Syntax(_))) {
            write!(f, "line {line}: ")?;
        }
        let Place { list, key, entry } = &*self.place;
        match (list, *key, entry) {
            (Some((list, index)), "", _) => write!(f, "{list}[{index}]: ")?,
            (Some((list, index)), key, _) => write!(f, "{list}[{index}].{key}: ")?,
            (None, "", _) => {}
            (None, key, None) => write!(f, "{key}: ")?,
            (None, key, Some(entry)) => write!(f, "{key}.{entry:?}: ")?,
        }
        write!(f, "{}", self.fault)
    }
}

impl error::Error for PolicyError {}

/// What can be wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The text is not TOML or JSON of the policy's form: a typo in a key, a wrong type.
    Syntax(String),
    /// The value is left out or empty.
    Empty,
    /// A slug that is not up to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
    BadSlug(String),
    /// The name stands twice.
    Duplicate(String),
    /// No category and no vendor has this slug.
    UnknownSlug {
        /// The slug as written.
        slug: String,
        /// What it could have been.
        known: Vec<String>,
    },
    /// A category that isn't built in needs a name that the visitor can read.
    CategoryWithoutName(String),
    /// A category that is left out, and declared all the same.
    OmittedAndDeclared(String),
    /// `necessary` is always allowed: it can't be left out or asked about.
    NecessaryIsFixed,
    /// Not the name of a cookie (RFC 6265, 4.1.1), with `*` for any run of characters.
    BadCookieName(String),
    /// A pattern of nothing but `*`.
    MatchesEveryCookie,
    /// The choice cookie is the layer's own and needs no rule.
    RuleForChoiceCookie(String),
    /// The layer adds `__Host-` or `__Secure-` itself.
    PrefixIsAdded(String),
    /// Not a cookie path: it begins with `/` and has no control characters, spaces or `;`.
    BadPath(String),
    /// In a path `*` stands for all below, so it comes last.
    StarInside(String),
    /// Not the name of a header (RFC 9110, 5.1).
    BadHeaderName(String),
    /// A header that HTTP, security or this layer needs: it can't have a rule.
    ProtectedHeader(String),
    /// No default rule is about this header, so there is none to switch off.
    NoDefaultRule(String),
    /// A number outside its range.
    OutOfRange {
        /// The number as written.
        value: u64,
        /// The smallest that is allowed.
        least: u64,
        /// The largest that is allowed.
        most: u64,
    },
    /// Not a path for the layer's endpoints.
    BadEndpoint(String),
    /// Not a URL that a link may lead to: a path of the site, or `https:` or `http:`.
    BadUrl(String),
    /// Not a domain name that a cookie can be set for.
    BadDomain(String),
    /// An insecure cookie can't be set for a whole domain.
    InsecureDomain,
    /// More categories and separately asked vendors than a choice can answer.
    TooManyPurposes(usize),
    /// The choice cookie could grow past 512 bytes.
    ChoiceTooLong(usize),
    /// The catalog has no vendor of this slug.
    NotInCatalog {
        /// The slug as written.
        slug: String,
        /// What it could have been, the likeliest first.
        near: Vec<String>,
    },
    /// Not a host name of at least two labels, with or without a path prefix.
    BadHost(String),
    /// A text that marks inline scripts and is too short to be specific.
    ShortMark(String),
    /// Not a directive of Content Security Policy that a vendor can need sources in.
    BadDirective(String),
    /// Not a source of Content Security Policy, or one that opens everything or nothing.
    BadSource(String),
    /// A cookie of a vendor that is said to belong to something else.
    CookieOfAnother(String),
    /// A text of the site's own that can't be one: no text has its key, or it is no value for it.
    BadText(TextError),
}

impl From<TextError> for Fault {
    fn from(error: TextError) -> Self {
        Self::BadText(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => f.write_str(message),
            Self::Empty => f.write_str("must not be empty"),
            Self::BadSlug(slug) => write!(
                f,
                "{slug:?} is not a slug: use 1 to 32 of a-z, 0-9 and `-`, beginning with a letter"
            ),
            Self::Duplicate(name) => write!(f, "{name:?} is declared twice: remove one"),
            Self::UnknownSlug { slug, known } => write!(
                f,
                "no category or vendor is called {slug:?}: declare it, or use one of {}",
                known.join(", ")
            ),
            Self::CategoryWithoutName(slug) => {
                write!(f, "the category {slug:?} needs a `name` that the visitor can read")
            }
            Self::OmittedAndDeclared(slug) => {
                write!(f, "the category {slug:?} is in `omit_categories` too: remove one")
            }
            Self::NecessaryIsFixed => f.write_str(
                "`necessary` is always allowed: it can't be omitted, sold, or asked about",
            ),
            Self::BadCookieName(name) => write!(
                f,
                "{name:?} is not a cookie name: use letters, digits and !#$%&'+-.^_`|~, and `*` for any run of characters"
            ),
            Self::MatchesEveryCookie => f.write_str(
                "matches every cookie: name the cookies, or set `undeclared = \"allow\"`",
            ),
            Self::RuleForChoiceCookie(name) => {
                write!(f, "{name:?} is the choice cookie itself: remove the rule")
            }
            Self::PrefixIsAdded(name) => write!(
                f,
                "{name:?} begins with `__`: leave the prefix out, the layer adds the right one"
            ),
            Self::BadPath(path) => write!(
                f,
                "{path:?} is not a path: begin with `/`, without spaces, `;` and control characters"
            ),
            Self::StarInside(path) => {
                write!(f, "{path:?} has `*` inside: it can only come last, for all below")
            }
            Self::BadHeaderName(name) => write!(f, "{name:?} is not a header name"),
            Self::ProtectedHeader(name) => write!(
                f,
                "{name:?} is needed by HTTP, security or this layer: it can't have a rule"
            ),
            Self::NoDefaultRule(name) => {
                write!(f, "no default rule is about {name:?}, so it passes already: remove it")
            }
            Self::OutOfRange { value, least, most } => {
                write!(f, "{value} is out of range: use {least} to {most}")
            }
            Self::BadEndpoint(path) => write!(
                f,
                "{path:?} can't hold the layer's endpoints: use a path such as `/_consent`, of letters, digits, `-` and `_`"
            ),
            Self::BadUrl(url) => write!(
                f,
                "{url:?} is not a link target: use a path that begins with one `/`, or an https: or http: URL"
            ),
            Self::BadDomain(domain) => write!(
                f,
                "{domain:?} is not a cookie domain: use a name of at least two labels, such as `example.com`"
            ),
            Self::InsecureDomain => f.write_str(
                "an insecure cookie can't have a domain: drop `domain` while developing without TLS",
            ),
            Self::TooManyPurposes(count) => write!(
                f,
                "{count} categories and separately asked vendors are more than a choice can answer: ask for at most 62, by category"
            ),
            Self::ChoiceTooLong(bytes) => write!(
                f,
                "the choice cookie could take {bytes} bytes, more than 512: shorten slugs, or ask for fewer vendors separately"
            ),
            Self::NotInCatalog { slug, near } if near.is_empty() => write!(
                f,
                "no vendor of the catalog is called {slug:?}: declare it as a vendor of your own, with its hosts and cookies"
            ),
            Self::NotInCatalog { slug, near } => write!(
                f,
                "no vendor of the catalog is called {slug:?}: use one of {}, or declare it as a vendor of your own",
                near.join(", ")
            ),
            Self::BadHost(host) => write!(
                f,
                "{host:?} is not a host: use a name of at least two labels, such as `example.com` or `example.com/maps`, without scheme, port and `*`; subdomains are covered"
            ),
            Self::ShortMark(mark) => write!(
                f,
                "{mark:?} is too short to mark a script: use at least 4 characters that nothing else contains"
            ),
            Self::BadDirective(name) => write!(
                f,
                "{name:?} is not a directive that a vendor can need sources in: use `script-src`, `connect-src`, `img-src`, `frame-src` and the like"
            ),
            Self::BadSource(source) => write!(
                f,
                "{source:?} is not a source: use one such as `https://cdn.example.com`, without spaces, `;` and `,`"
            ),
            Self::CookieOfAnother(slug) => write!(
                f,
                "a vendor's cookie belongs to the vendor, not to {slug:?}: leave `belongs_to` out"
            ),
            Self::BadText(error) => error.fmt(f),
        }
    }
}
