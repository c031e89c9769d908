/// One thing the visitor can allow, as a small integer: a category, or a vendor that is asked
/// separately. Slugs outside, integers inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purpose(u8);

impl Purpose {
    pub(crate) const NECESSARY: Self = Self(0);
    /// Belongs to nothing that the policy has: no set ever holds it.
    pub(crate) const NEVER: Self = Self(63);
    /// How many purposes a policy can have.
    pub(crate) const MOST: usize = 63;

    /// `index` is below [`Purpose::MOST`], which `build` checks.
    pub(crate) fn new(index: usize) -> Self {
        u8::try_from(index).map_or(Self::NEVER, |index| Self(index.min(Self::NEVER.0)))
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of purposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PurposeSet(u64);

impl PurposeSet {
    pub(crate) const EMPTY: Self = Self(0);
    pub(crate) const NECESSARY: Self = Self(1);

    pub(crate) fn contains(self, purpose: Purpose) -> bool {
        self.0 & (1 << purpose.0) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub(crate) fn with(self, purpose: Purpose) -> Self {
        if purpose == Purpose::NEVER { self } else { Self(self.0 | 1 << purpose.0) }
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
