//! Third parties that sites really use, described once: hosts, cookies, inline-script marks, sources
//! for a Content Security Policy, and the category that a careful lawyer in the EU would pick.
//!
//! A site [names the ones that it uses](crate::PolicyBuilder::vendor_from_catalog), or takes
//! [all of them as known](crate::PolicyBuilder::catalog). To change one, take it from here:
//!
//! ```
//! use tower_consent::{Policy, catalog, category};
//!
//! let maps = catalog::vendor("google-maps").cloned().ok_or("not in the catalog")?;
//! let policy = Policy::builder("Example News")
//!     .vendor(maps.in_category(category::PREFERENCES).ask_separately())
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With it comes a list of cookie names that are well known to be necessary: sessions, protection of
//! forms, load balancers. They pass unless the site [declares them otherwise](crate::PolicyBuilder::cookie)
//! or [switches the list off](crate::PolicyBuilder::without_well_known_cookies).
//!
//! The data lies in `catalog.toml`, with the source of each entry. It is no legal advice, and vendors
//! change: compare with what the vendor says today.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use super::{CookieRule, Vendor, category, hosts::HostTable, rules::CookieRules};

/// Whose this host is. Subdomains count, letter case, port and a trailing dot don't. Of a host that
/// serves several purposes, such as `www.google.com`, the path decides, so give it along.
///
/// ```
/// use tower_consent::catalog;
///
/// let slug = |address| catalog::find(address).map(|vendor| vendor.slug());
/// assert_eq!(slug("static.hotjar.com"), Some("hotjar"));
/// assert_eq!(slug("www.google.com"), None);
/// assert_eq!(slug("www.google.com/recaptcha/api.js"), Some("recaptcha"));
/// ```
pub fn find(host: &str) -> Option<&'static Vendor> {
    CATALOG.vendors.get(CATALOG.hosts.find(host)?)
}

/// The vendor of this slug.
pub fn vendor(slug: &str) -> Option<&'static Vendor> {
    CATALOG.vendors.get(*CATALOG.slugs.get(slug)?)
}

/// The place of the vendor of this slug in [`all`].
pub(super) fn place(slug: &str) -> Option<usize> {
    CATALOG.slugs.get(slug).copied()
}

/// All vendors, by subject.
pub fn all() -> &'static [Vendor] {
    &CATALOG.vendors
}

/// The hosts of all vendors, by their place in [`all`].
pub(crate) fn hosts() -> &'static HostTable {
    &CATALOG.hosts
}

/// The rule of the vendor that sets a cookie of this name on the site's host.
pub(crate) fn cookie(name: &[u8]) -> Option<&'static CookieRule> {
    CATALOG.cookies.get(CATALOG.cookie_rules.find(name)?)
}

/// The rule for a name that is well known to be necessary.
pub(crate) fn necessary(name: &[u8]) -> Option<&'static CookieRule> {
    CATALOG.necessary.get(CATALOG.necessary_rules.find(name)?)
}

/// The most slugs that are offered for an unknown one.
const MOST_NEAR: usize = 5;

/// The slugs that an unknown one could mean, the likeliest first.
pub(super) fn near(wanted: &str) -> Vec<String> {
    let wanted = wanted.to_ascii_lowercase();
    let words = || wanted.split(['-', '_', ' ', '.']).filter(|word| word.len() >= 3);
    let rank = |vendor: &Vendor| {
        let typos = distance(vendor.slug(), &wanted);
        if typos < wanted.len() && typos <= (wanted.len() / 4).max(1) {
            return Some(typos);
        }
        let name = vendor.name().to_ascii_lowercase();
        let is_told = |word: &&str| {
            let has = |text: &str| text.contains(word);
            has(vendor.slug()) || has(&name) || vendor.hosts().iter().any(|host| has(host))
        };
        let told = words().filter(is_told).count();
        (told > 0).then(|| 100 + words().count() - told)
    };
    let mut ranked: Vec<_> =
        all().iter().filter_map(|vendor| Some((rank(vendor)?, vendor.slug()))).collect();
    ranked.sort_by_key(|&(rank, slug)| (rank, slug.len()));
    ranked.into_iter().take(MOST_NEAR).map(|(_, slug)| slug.to_owned()).collect()
}

/// How many bytes have to be put in, left out or changed to make one of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, x) in from.bytes().enumerate() {
        let (mut diagonal, mut left) = (above, above + 1);
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = left;
        }
        for (cell, y) in cells.zip(to.bytes()) {
            let changed = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = changed.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

struct Catalog {
    vendors: Vec<Vendor>,
    slugs: HashMap<String, usize>,
    hosts: HostTable,
    cookies: Vec<CookieRule>,
    cookie_rules: CookieRules,
    necessary: Vec<CookieRule>,
    necessary_rules: CookieRules,
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| match read(TEXT) {
    Ok(catalog) => catalog,
    Err(error) => unreachable!("the built-in catalog is right: {error}"),
});

const TEXT: &str = include_str!("catalog.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    vendor: Vec<toml::Table>,
    necessary: Vec<Necessary>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Necessary {
    name: String,
    purpose: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for who reads the data"))]
    source: String,
}

fn read(text: &str) -> Result<Catalog, toml::de::Error> {
    let entries: Entries = toml::from_str(text)?;
    let vendors = entries.vendor.into_iter().map(|mut entry| {
        entry.remove("source");
        entry.try_into::<Vendor>()
    });
    let vendors = vendors.collect::<Result<Vec<_>, _>>()?;
    let slugs = vendors.iter().zip(0..).map(|(vendor, index)| (vendor.slug.clone(), index));
    let hosts = vendors
        .iter()
        .zip(0..)
        .flat_map(|(vendor, index)| vendor.hosts.iter().map(move |host| (host.as_str(), index)));
    let cookies: Vec<_> = vendors.iter().flat_map(Vendor::cookie_rules).collect();
    let necessary: Vec<_> = entries
        .necessary
        .into_iter()
        .map(|entry| CookieRule::new(entry.name, category::NECESSARY).purpose(entry.purpose))
        .collect();
    Ok(Catalog {
        slugs: slugs.collect(),
        hosts: HostTable::new(hosts),
        cookie_rules: CookieRules::new(&cookies),
        cookies,
        necessary_rules: CookieRules::new(&necessary),
        necessary,
        vendors,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::builder::{PolicyBuilder, is_cookie_name},
        *,
    };
    use crate::Policy;

    fn entries() -> Entries {
        toml::from_str(TEXT).unwrap()
    }

    fn text<'a>(entry: &'a toml::Table, key: &str) -> &'a str {
        entry.get(key).and_then(toml::Value::as_str).unwrap_or_default()
    }

    #[test]
    fn there_are_enough_vendors_and_each_can_be_declared() {
        assert!(all().len() >= 80, "{}", all().len());
        let names: BTreeSet<&str> = all().iter().map(Vendor::name).collect();
        assert_eq!(names.len(), all().len());
        for vendor in all() {
            let policy = Policy::builder("Example").vendor_from_catalog(vendor.slug()).unwrap();
            let policy =
                policy.build().unwrap_or_else(|error| panic!("{}: {error}", vendor.slug()));
            assert_eq!(policy.vendors(), std::slice::from_ref(vendor));
        }
    }

    #[test]
    fn all_together_can_be_declared() {
        let builder = all().iter().fold(Policy::builder("Example"), |builder, vendor| {
            builder.vendor_from_catalog(vendor.slug()).unwrap()
        });
        let policy = builder.build().unwrap();
        assert_eq!(policy.purposes().len(), 4);
        let as_own = all().iter().cloned().fold(Policy::builder("Example"), PolicyBuilder::vendor);
        as_own.build().expect("no two claim the same host or cookie");
    }

    #[test]
    fn every_entry_is_complete_and_has_sources() {
        for entry in &entries().vendor {
            let slug = text(entry, "slug");
            for key in ["name", "company", "category", "privacy_url", "source"] {
                assert!(!text(entry, key).trim().is_empty(), "{slug} has no {key}");
            }
            assert!(text(entry, "privacy_url").starts_with("https://"), "{slug}");
            let known = ["third-party-web", "tarteaucitronjs", "open-cookie-database", "snippet"];
            assert!(text(entry, "source").split("; ").all(|one| known.contains(&one)), "{slug}");
            assert!(category::BUILT_IN.contains(&text(entry, "category")), "{slug}");
            assert!(!entry.contains_key("ask_separately"), "{slug}: that is the site's to say");
        }
        for entry in entries().necessary {
            assert!(!entry.source.trim().is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn every_cookie_says_what_for_and_how_long() {
        for vendor in all() {
            for rule in &vendor.cookies {
                let place = format!("{} {}", vendor.slug(), rule.name);
                let purpose = rule.purpose.as_deref().unwrap_or_default();
                assert!((10..=120).contains(&purpose.len()), "{place}: {purpose}");
                assert!(!purpose.ends_with('.') && purpose.is_ascii(), "{place}: {purpose}");
                assert!(rule.lifetime.as_deref().is_some_and(|text| !text.is_empty()), "{place}");
                let literals = rule.name.trim_matches('*').len();
                assert!(rule.third_party || literals >= 2, "{place}: too wide for the site's host");
            }
            let is_necessary = vendor.category() == category::NECESSARY;
            assert!(!is_necessary || vendor.note.is_some(), "{}: say when", vendor.slug());
        }
    }

    #[test]
    fn shared_hosts_are_not_claimed_whole() {
        let shared = [
            "google.com",
            "gstatic.com",
            "googleapis.com",
            "ajax.googleapis.com",
            "facebook.com",
            "linkedin.com",
            "bing.com",
            "microsoft.com",
            "twitter.com",
            "x.com",
            "t.co",
            "amazon.com",
            "amazonaws.com",
            "cloudfront.net",
            "akamaihd.net",
            "cloudflare.com",
            "jsdelivr.net",
            "unpkg.com",
            "github.com",
            "wp.com",
            "wordpress.com",
            "yandex.ru",
            "mail.ru",
            "baidu.com",
            "azure.com",
            "visualstudio.com",
            "dynatrace.com",
        ];
        for host in shared {
            assert_eq!(find(host).map(Vendor::slug), None, "{host}");
            let www = format!("www.{host}/logo.png");
            assert_eq!(find(&www).map(Vendor::slug), None, "{www}");
        }
    }

    #[test]
    fn marks_tell_vendors_apart() {
        let marks =
            || all().iter().flat_map(|v| v.marks.iter().map(|mark| (v.slug(), mark.as_str())));
        for (slug, mark) in marks() {
            assert!(mark.is_ascii() && mark.trim() == mark, "{slug}: {mark:?}");
            for (other, text) in marks().filter(|other| *other != (slug, mark)) {
                assert!(!text.contains(mark), "{slug}'s {mark:?} stands in {other}'s {text:?}");
            }
        }
        assert!(marks().count() > all().len());
    }

    #[test]
    fn sources_are_whole_origins() {
        for vendor in all() {
            for (directive, sources) in vendor.csp_sources() {
                assert!(!sources.is_empty(), "{} {directive}", vendor.slug());
                for source in sources {
                    let is_web = source.starts_with("https://") || source.starts_with("wss://");
                    let is_scheme = ["data:", "blob:"].contains(&source.as_str());
                    assert!(is_web || is_scheme, "{} {directive} {source}", vendor.slug());
                    let is_script = directive.starts_with("script-src");
                    assert!(is_web || !is_script, "{} opens scripts to {source}", vendor.slug());
                    let host = source.split("://").last().unwrap_or_default();
                    assert!(!host.starts_with('*') || host.starts_with("*."), "{source}");
                }
            }
        }
    }

    #[test]
    fn necessary_names_are_specific_and_nobody_elses() {
        let entries = entries().necessary;
        let names: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names.len(), entries.len());
        for entry in &entries {
            let name = &entry.name;
            assert!(is_cookie_name(name), "{name}");
            assert!(entry.purpose.len() <= 120 && !entry.purpose.is_empty(), "{name}");
            let literals = name.bytes().filter(|&byte| byte != b'*').count();
            assert!(literals >= 4 && name.matches('*').count() <= 1, "{name} is too wide");
            assert!(!name.starts_with('*'), "{name} is too wide");
            let probe = name.replace('*', "x");
            assert!(cookie(probe.as_bytes()).is_none(), "{name} is a vendor's too");
        }
        for rule in all().iter().flat_map(|vendor| &vendor.cookies).filter(|r| !r.third_party) {
            let probe = rule.name.replace('*', "x");
            assert!(necessary(probe.as_bytes()).is_none(), "{} passes as necessary", rule.name);
        }
        for tracker in ["id", "sid", "session", "uid", "token", "user", "__session", "AWSALB_x"] {
            assert!(necessary(tracker.as_bytes()).is_none(), "{tracker}");
        }
    }

    #[test]
    fn hosts_lead_to_vendors() {
        for (address, slug) in [
            ("www.google-analytics.com", Some("google-analytics")),
            ("region1.google-analytics.com", Some("google-analytics")),
            ("www.googletagmanager.com/gtag/js?id=G-1", Some("google-analytics")),
            ("www.googletagmanager.com/gtag/js?id=AW-1", Some("google-ads")),
            ("www.googletagmanager.com/gtm.js?id=GTM-1", Some("google-tag-manager")),
            ("www.googletagmanager.com/ns.html?id=GTM-1", Some("google-tag-manager")),
            ("WWW.GoogleTagManager.COM", Some("google-tag-manager")),
            ("connect.facebook.net/en_US/fbevents.js", Some("meta")),
            ("www.facebook.com/tr?id=1&ev=PageView&noscript=1", Some("meta")),
            ("www.facebook.com/tr/", Some("meta")),
            ("www.facebook.com/trending", None),
            ("www.facebook.com", None),
            ("securepubads.g.doubleclick.net", Some("google-adsense")),
            ("googleads.g.doubleclick.net", Some("google-ads")),
            ("12345.fls.doubleclick.net", Some("doubleclick")),
            ("www.youtube-nocookie.com/embed/x", Some("youtube")),
            ("player.vimeo.com/video/1", Some("vimeo")),
            ("www.google.com/maps/embed?pb=1", Some("google-maps")),
            ("google.com/maps", Some("google-maps")),
            ("www.google.com/mapsx", None),
            ("www.google.com/recaptcha/api.js", Some("recaptcha")),
            ("www.gstatic.com/recaptcha/releases/x", Some("recaptcha")),
            ("www.gstatic.com/charts/loader.js", None),
            ("fonts.googleapis.com/css?family=A", Some("google-fonts")),
            ("ajax.googleapis.com/ajax/libs/jquery/3/jquery.js", None),
            ("cdn.jsdelivr.net/npm/x", None),
            ("analytics.tiktok.com", Some("tiktok-pixel")),
            ("www.tiktok.com/embed.js", Some("tiktok")),
            ("static.hotjar.com:443", Some("hotjar")),
            ("static.hotjar.com.", Some("hotjar")),
            ("js.stripe.com/v3/", Some("stripe")),
            ("example.disqus.com/embed.js", Some("disqus")),
            ("akismet.com", Some("akismet")),
            ("example.com", None),
        ] {
            assert_eq!(find(address).map(Vendor::slug), slug, "{address}");
        }
    }

    #[test]
    fn hostile_hosts_find_nothing() {
        let dots = ".".repeat(100_000);
        let labels = "hotjar.".repeat(50_000);
        let long = format!("{}.hotjar.com", "a".repeat(300));
        for host in [
            "",
            ".",
            "..",
            ":",
            "/",
            "?",
            "#",
            "//",
            "[::1]",
            "[::1]:80",
            "1.2.3.4",
            "com",
            "*",
            "hotjar",
            "hotjar.com.evil.test",
            "xhotjar.com",
            "hotjar.com..",
            "hotjar.com\0",
            "hotjar.com ",
            " hotjar.com@evil.test",
            "hotjar\u{3002}com",
            "h\u{f6}tjar.com",
            "hotjar.com:80:80",
            "hotjar.com:x",
            &dots,
            &labels,
            &long,
        ] {
            let slug = find(host).map(Vendor::slug);
            assert_eq!(slug, None, "{}", host.chars().take(40).collect::<String>());
        }
    }

    #[test]
    fn near_slugs_are_offered() {
        for (wanted, offered) in [
            ("google-analitics", "google-analytics"),
            ("ga-google", "google-ads"),
            ("meta-pixel", "meta"),
            ("facebook", "meta"),
            ("Youtube", "youtube"),
            ("twitter", "x"),
            ("hotjarr", "hotjar"),
            ("tag-manager", "google-tag-manager"),
            ("stripe.com", "stripe"),
        ] {
            let near = near(wanted);
            assert!(near.iter().any(|slug| slug == offered), "{wanted}: {near:?}");
            assert!(near.len() <= MOST_NEAR);
        }
        for nothing in ["", "--", "zzzzzzzzzz", &"x".repeat(10_000)] {
            assert_eq!(near(nothing), Vec::<String>::new(), "{nothing}");
        }
    }

    #[test]
    fn distances() {
        let pairs = [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3)];
        for (from, to, expected) in pairs {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }
}
