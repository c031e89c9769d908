/// One thing that the visitor can allow, as a small integer: a category, or a vendor that is asked
/// separately. Slugs outside, integers inside.
///
/// What belongs to a vendor that follows its category has the category's integer, and knows the vendor:
/// the visitor may allow it [by itself](super::Grants).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purpose {
    bit: u8,
    follower: Option<VendorId>,
}

/// The place of a vendor among the declared and then the catalog's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VendorId(u16);

impl VendorId {
    pub(super) fn place(self) -> usize {
        usize::from(self.0)
    }
}

impl Purpose {
    pub(crate) const NECESSARY: Self = Self { bit: 0, follower: None };
    /// Belongs to nothing that the policy has: no set ever holds it.
    pub(crate) const NEVER: Self = Self { bit: 63, follower: None };
    /// How many purposes a policy can have.
    pub(crate) const MOST: usize = 63;

    /// `index` is below [`Purpose::MOST`], which `build` checks.
    pub(crate) fn new(index: usize) -> Self {
        let bit = u8::try_from(index).map_or(Self::NEVER.bit, |index| index.min(Self::NEVER.bit));
        Self { bit, follower: None }
    }

    /// What belongs to a vendor that follows this category; a vendor of what is always allowed, or
    /// never, can't be told from it.
    pub(super) fn of_follower(self, place: usize) -> Self {
        let place = u16::try_from(place).ok().filter(|_| !self.is_necessary() && !self.is_never());
        Self { follower: place.map(VendorId), ..self }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.bit)
    }

    pub(crate) fn is_necessary(self) -> bool {
        self.bit == Self::NECESSARY.bit
    }

    pub(crate) fn is_never(self) -> bool {
        self.bit == Self::NEVER.bit
    }

    /// The vendor that follows the category that this is.
    pub(crate) fn follower(self) -> Option<VendorId> {
        self.follower
    }
}

/// A set of purposes: categories, and vendors that are asked separately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PurposeSet(u64);

impl PurposeSet {
    pub(crate) const EMPTY: Self = Self(0);
    pub(crate) const NECESSARY: Self = Self(1);

    /// Whether this, or the category that it follows, is in the set.
    pub(crate) fn contains(self, purpose: Purpose) -> bool {
        self.0 & (1 << purpose.bit) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// With this, or the category that it follows.
    #[must_use]
    pub(crate) fn with(self, purpose: Purpose) -> Self {
        if purpose.is_never() { self } else { Self(self.0 | 1 << purpose.bit) }
    }

    #[must_use]
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(crate) fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[must_use]
    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}
