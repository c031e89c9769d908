//! Whose a host is, and what the visitor has to allow for it.

use aho_corasick::AhoCorasick;

use super::{Purpose, PurposeSet, Vendor, catalog, hosts::HostTable};

/// The vendors by their hosts: what the site says of its own vendors holds first, for the whole of
/// what they claim. Then comes the catalog, all of it, for known trackers are gated whether or not
/// the site has heard of them. There the most specific claim holds.
#[derive(Clone, Debug)]
pub(crate) struct ThirdParties {
    /// What the site's own vendors claim and the catalog doesn't say of them, by their place among
    /// the declared.
    own: HostTable,
    declared: Box<[Purpose]>,
    /// By place in the catalog.
    known: Box<[Known]>,
    marks: Marks,
    /// All that a host may need.
    purposes: PurposeSet,
    /// What the site's own vendors need that pages fetch from.
    declared_purposes: PurposeSet,
    /// Whether a vendor of the catalog belongs to a category that the policy doesn't have.
    has_homeless: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    purpose: Purpose,
    /// Its place among the declared.
    declared: Option<usize>,
}

/// The vendor that a host belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner<'a> {
    pub(crate) vendor: &'a Vendor,
    pub(crate) purpose: Purpose,
    /// The host and the path of the claim.
    pub(crate) pattern: (&'a str, &'a str),
}

impl ThirdParties {
    /// `declared` are the purposes of `vendors`; `undeclared` tells that of a vendor of the catalog.
    pub(crate) fn new(
        vendors: &[Vendor],
        declared: &[Purpose],
        undeclared: impl Fn(&Vendor) -> Option<Purpose>,
    ) -> Self {
        let own = vendors.iter().zip(0..).flat_map(|(vendor, index)| {
            let known = catalog::vendor(vendor.slug()).map_or(&[][..], Vendor::hosts);
            let own = vendor.hosts.iter().filter(move |host| !known.contains(host));
            own.map(move |host| (host.as_str(), index))
        });
        let own = HostTable::new(own);
        let known = catalog::all().iter().map(|vendor| {
            let place = vendors.iter().position(|other| other.slug() == vendor.slug());
            let purpose = place.and_then(|place| declared.get(place)).copied();
            let purpose = purpose.or_else(|| undeclared(vendor));
            Known { purpose: purpose.unwrap_or(Purpose::NEVER), declared: place }
        });
        let known: Box<[Known]> = known.collect();
        let unknown = |vendor: &&Vendor| catalog::vendor(vendor.slug()).is_none();
        let own_marks = vendors.iter().zip(declared).filter(|(vendor, _)| unknown(vendor));
        let known_marks = catalog::all().iter().zip(&known).map(|(vendor, known)| {
            let declared = known.declared.and_then(|place| vendors.get(place));
            (declared.unwrap_or(vendor), &known.purpose)
        });
        let all = || declared.iter().copied().chain(known.iter().map(|known| known.purpose));
        let is_fetched =
            |vendor: &Vendor| !(vendor.hosts().is_empty() && vendor.marks().is_empty());
        let fetched = vendors.iter().zip(declared).filter(|(vendor, _)| is_fetched(vendor));
        Self {
            declared_purposes: fetched
                .fold(PurposeSet::EMPTY, |purposes, (_, purpose)| purposes.with(*purpose)),
            purposes: all().fold(PurposeSet::EMPTY, PurposeSet::with),
            has_homeless: all().any(Purpose::is_never),
            marks: Marks::new(own_marks.chain(known_marks)),
            declared: declared.into(),
            own,
            known,
        }
    }

    /// Whose this place is by the site's own words. Hosts are in lower case, without port and
    /// trailing dot; paths go with their query.
    pub(crate) fn own<'a>(
        &'a self,
        vendors: &'a [Vendor],
        host: &str,
        path: &str,
    ) -> Option<Owner<'a>> {
        let claim = self.own.find_at(host, path)?;
        let purpose = *self.declared.get(claim.owner)?;
        let vendor = vendors.get(claim.owner)?;
        Some(Owner { vendor, purpose, pattern: (claim.host, claim.path) })
    }

    /// Whose this place is by the catalog.
    pub(crate) fn known<'a>(
        &'a self,
        vendors: &'a [Vendor],
        host: &str,
        path: &str,
    ) -> Option<Owner<'a>> {
        let claim = catalog::hosts().find_at(host, path)?;
        let known = self.known.get(claim.owner)?;
        let declared = known.declared.and_then(|place| vendors.get(place));
        let vendor = declared.or_else(|| catalog::all().get(claim.owner))?;
        Some(Owner { vendor, purpose: known.purpose, pattern: (claim.host, claim.path) })
    }

    /// What the vendors that have anything on this host belong to.
    pub(crate) fn purposes_on(&self, host: &str) -> impl Iterator<Item = Purpose> {
        let own = self.own.owners_on(host).filter_map(|owner| self.declared.get(owner).copied());
        let known = catalog::hosts().owners_on(host);
        own.chain(known.filter_map(|owner| Some(self.known.get(owner)?.purpose)))
    }

    /// The first vendor that is denied and whose mark stands in the text of an inline script, and the
    /// mark.
    pub(crate) fn marked(
        &self,
        text: &[u8],
        is_denied: impl Fn(Purpose) -> bool,
    ) -> Option<(&str, &str)> {
        self.marks.find(text, is_denied)
    }

    /// Whether whoever is allowed all of these may be sent to every vendor.
    pub(crate) fn are_all_in(&self, allowed: PurposeSet) -> bool {
        !self.has_homeless && self.purposes.minus(allowed).is_empty()
    }

    /// Whether whoever is allowed all of these may be sent to every vendor that the site declares.
    pub(crate) fn are_declared_in(&self, allowed: PurposeSet) -> bool {
        self.declared_purposes.minus(allowed).is_empty()
    }

    /// What the vendor of this place in the catalog belongs to.
    pub(crate) fn purpose_of_known(&self, slug: &str) -> Option<Purpose> {
        self.known.get(catalog::place(slug)?).map(|known| known.purpose)
    }
}

/// The texts by which inline scripts are known, all looked for at once.
#[derive(Clone, Debug)]
struct Marks {
    /// None where they could not be compiled, which their number makes impossible.
    automaton: Option<AhoCorasick>,
    all: Box<[Mark]>,
}

#[derive(Clone, Debug)]
struct Mark {
    text: Box<str>,
    vendor: Box<str>,
    purpose: Purpose,
}

impl Marks {
    fn new<'a>(vendors: impl Iterator<Item = (&'a Vendor, &'a Purpose)>) -> Self {
        let all = vendors.flat_map(|(vendor, &purpose)| {
            let mark = move |text: &String| Mark {
                text: text.as_str().into(),
                vendor: vendor.slug().into(),
                purpose,
            };
            vendor.marks().iter().map(mark)
        });
        let all: Box<[Mark]> = all.collect();
        Self { automaton: AhoCorasick::new(all.iter().map(|mark| &*mark.text)).ok(), all }
    }

    fn find(&self, text: &[u8], is_denied: impl Fn(Purpose) -> bool) -> Option<(&str, &str)> {
        let mut found = self.automaton.as_ref()?.find_overlapping_iter(text);
        found.find_map(|found| {
            let mark = self.all.get(found.pattern().as_usize())?;
            is_denied(mark.purpose).then_some((&*mark.vendor, &*mark.text))
        })
    }
}
