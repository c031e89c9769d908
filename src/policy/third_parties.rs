//! Whose a host is, and what the visitor has to allow for it.

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
    /// All that a host may need.
    purposes: PurposeSet,
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
    /// `declared` are the purposes of `vendors`; `category` resolves the slug of one.
    pub(crate) fn new(
        vendors: &[Vendor],
        declared: &[Purpose],
        category: impl Fn(&str) -> Option<Purpose>,
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
            let purpose = purpose.or_else(|| category(vendor.category()));
            Known { purpose: purpose.unwrap_or(Purpose::NEVER), declared: place }
        });
        let known: Box<[Known]> = known.collect();
        let all = || declared.iter().copied().chain(known.iter().map(|known| known.purpose));
        Self {
            purposes: all().fold(PurposeSet::EMPTY, PurposeSet::with),
            has_homeless: all().any(|purpose| purpose == Purpose::NEVER),
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

    /// Whether whoever is allowed all of these may be sent to every vendor.
    pub(crate) fn are_all_in(&self, allowed: PurposeSet) -> bool {
        !self.has_homeless && self.purposes.minus(allowed).is_empty()
    }

    /// What the vendor of this place in the catalog belongs to.
    pub(crate) fn purpose_of_known(&self, slug: &str) -> Option<Purpose> {
        self.known.get(catalog::place(slug)?).map(|known| known.purpose)
    }
}
