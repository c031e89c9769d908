//! What vendors need in a Content Security Policy, made ready for pages.

use super::{Grants, Purpose, PurposeSet, Vendor};

/// Where a source has to stand for it to count: in this directive, or, where the policy lacks it, in a
/// copy of the first of these that the policy has. Without fallbacks it is added only where it is.
type Places = &'static [(&'static str, &'static [&'static str])];

/// What a vendor may need (CSP3, 6.1), less `default-src`, which is every other one's business; and
/// what the standard looks at for it, in its order (CSP3, 6.8.3). Where a policy has a narrower
/// directive too, that one decides.
const DIRECTIVES: &[(&str, Places)] = &[
    (
        "child-src",
        // Written out, it would take over from `script-src` for workers: so its parts are.
        &[
            ("child-src", &[]),
            ("frame-src", &["child-src", "default-src"]),
            ("worker-src", &["child-src", "script-src", "default-src"]),
        ],
    ),
    ("connect-src", &[("connect-src", &["default-src"])]),
    ("font-src", &[("font-src", &["default-src"])]),
    ("form-action", &[("form-action", &[])]),
    ("frame-src", &[("frame-src", &["child-src", "default-src"])]),
    ("img-src", &[("img-src", &["default-src"])]),
    ("manifest-src", &[("manifest-src", &["default-src"])]),
    ("media-src", &[("media-src", &["default-src"])]),
    ("object-src", &[("object-src", &["default-src"])]),
    ("script-src", &[("script-src", &["default-src"]), ("script-src-elem", &[])]),
    ("script-src-attr", &[("script-src-attr", &["script-src", "default-src"])]),
    ("script-src-elem", &[("script-src-elem", &["script-src", "default-src"])]),
    ("style-src", &[("style-src", &["default-src"]), ("style-src-elem", &[])]),
    ("style-src-attr", &[("style-src-attr", &["style-src", "default-src"])]),
    ("style-src-elem", &[("style-src-elem", &["style-src", "default-src"])]),
    ("worker-src", &[("worker-src", &["child-src", "script-src", "default-src"])]),
];

/// Whether a vendor may need something in this directive.
pub(super) fn is_directive(name: &str) -> bool {
    DIRECTIVES.iter().any(|(known, _)| *known == name)
}

/// What the declared vendors need.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    needs: Box<[Need]>,
    purposes: PurposeSet,
}

/// What one vendor needs in one directive.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(crate) vendor: Box<str>,
    pub(crate) purpose: Purpose,
    pub(crate) directive: &'static str,
    /// What is copied where the policy lacks the directive, the first that it has.
    pub(crate) fallbacks: &'static [&'static str],
    pub(crate) sources: Box<[String]>,
}

impl Sources {
    pub(crate) fn new(vendors: &[Vendor], purposes: &[Purpose]) -> Self {
        let needs = vendors.iter().zip(purposes).flat_map(|(vendor, &purpose)| {
            vendor.csp.iter().flat_map(move |(name, sources)| {
                let places = DIRECTIVES.iter().find(|(known, _)| known == name);
                let places = places.map_or(&[][..], |(_, places)| places);
                places.iter().map(move |&(directive, fallbacks)| Need {
                    vendor: vendor.slug().into(),
                    purpose,
                    directive,
                    fallbacks,
                    sources: sources.as_slice().into(),
                })
            })
        });
        let needs: Box<[Need]> = needs.collect();
        let purposes = needs.iter().map(|need| need.purpose);
        Self { purposes: purposes.fold(PurposeSet::EMPTY, PurposeSet::with), needs }
    }

    /// What the vendors need that are allowed.
    pub(crate) fn of<'a>(&'a self, allowed: &'a Grants) -> impl Iterator<Item = &'a Need> + Clone {
        let has_any = !self.purposes.intersection(allowed.purposes).is_empty();
        let may_have_any = has_any || allowed.vendors().next().is_some();
        let needs = if may_have_any { &*self.needs } else { &[] };
        needs.iter().filter(move |need| allowed.contains(need.purpose))
    }
}
