use super::{Purpose, PurposeSet, purpose::VendorId};

/// What is allowed: purposes, and vendors by themselves, whatever holds for the category that they
/// follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) purposes: PurposeSet,
    /// The earliest first; `None` only at the end.
    vendors: [Option<Purpose>; Self::MOST_VENDORS],
}

impl Grants {
    pub(crate) const EMPTY: Self = Self::of(PurposeSet::EMPTY);

    /// How many vendors can be allowed by themselves: one more, and the earliest is forgotten. Whoever
    /// allows more of them finds the category's switch sooner.
    pub(crate) const MOST_VENDORS: usize = 8;

    pub(crate) const fn of(purposes: PurposeSet) -> Self {
        Self { purposes, vendors: [None; Self::MOST_VENDORS] }
    }

    #[inline]
    pub(crate) fn contains(&self, purpose: Purpose) -> bool {
        self.purposes.contains(purpose) || self.contains_vendor(purpose)
    }

    /// With this purpose, or with this vendor by itself.
    #[must_use]
    pub(crate) fn with(mut self, purpose: Purpose) -> Self {
        if purpose.follower().is_none() {
            self.purposes = self.purposes.with(purpose);
            return self;
        }
        if self.contains_vendor(purpose) {
            return self;
        }
        let free = self.vendors.iter().position(Option::is_none);
        if free.is_none() {
            self.vendors.rotate_left(1);
        }
        if let Some(place) = self.vendors.get_mut(free.unwrap_or(Self::MOST_VENDORS - 1)) {
            *place = Some(purpose);
        }
        self
    }

    /// With the vendors of these for which `is_kept` holds, and no others.
    #[must_use]
    pub(crate) fn keep_vendors(self, is_kept: impl Fn(Purpose) -> bool) -> Self {
        let kept = self.vendors().filter(|vendor| is_kept(*vendor));
        kept.fold(Self::of(self.purposes), Self::with)
    }

    #[must_use]
    pub(crate) fn with_purposes(self, purposes: PurposeSet) -> Self {
        Self { purposes, ..self }
    }

    /// The vendors that are allowed by themselves, the earliest first.
    pub(crate) fn vendors(&self) -> impl Iterator<Item = Purpose> + use<> {
        self.vendors.into_iter().flatten()
    }

    /// A number by which these are told from others.
    pub(crate) fn key(&self) -> u64 {
        let places = self.vendors().filter_map(Purpose::follower).map(VendorId::place);
        // An odd factor keeps them apart.
        let mix = |key: u64, part: u64| (key ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        places.fold(mix(0, self.purposes.bits()), |key, place| mix(key, place as u64 + 1))
    }

    fn contains_vendor(&self, purpose: Purpose) -> bool {
        purpose.follower().is_some() && self.vendors().any(|vendor| vendor == purpose)
    }
}
