use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

use crate::policy::{Grants, Policy, Purpose, PurposeSet};

/// What the visitor decided: an answer for every category and vendor that was asked, when, how, and
/// under which revision of the policy.
///
/// A handler makes one with [`Consent::accept_all`](crate::Consent::accept_all) and its kin, and
/// returns it: as a part of an axum response, or as an extension of any `http::Response`. The layer
/// then sets the choice cookie and expires the cookies of what was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub(crate) revision: u32,
    /// Seconds since 1970.
    pub(crate) at: u64,
    pub(crate) how: How,
    pub(crate) with_gpc: bool,
    pub(crate) answered: PurposeSet,
    pub(crate) granted: Grants,
}

/// What the visitor allows for the next page, and no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Once(pub(crate) Purpose);

/// How a choice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum How {
    /// By the button that allows all.
    Accept,
    /// By the button that denies all.
    Reject,
    /// By saving settings.
    Save,
    /// By allowing a vendor where it is missed, in the place of what it would show.
    Allow,
    /// By the application's own response.
    App,
}

impl Choice {
    /// An answer to all that the policy asks, made now.
    pub(crate) fn new(policy: &Policy, how: How, with_gpc: bool, granted: Grants) -> Self {
        Self {
            revision: policy.revision(),
            at: now(),
            how,
            with_gpc,
            answered: policy.asked(),
            granted: granted.with_purposes(granted.purposes.intersection(policy.asked())),
        }
    }

    /// When it was made, to the second, by the server's clock.
    pub fn at(&self) -> OffsetDateTime {
        let seconds = i64::try_from(self.at).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// How it was made.
    pub fn how(&self) -> How {
        self.how
    }

    /// The revision of the policy that it answers.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Whether it was made while the browser sent Global Privacy Control, which it then overrides.
    pub fn was_made_with_gpc(&self) -> bool {
        self.with_gpc
    }

    /// What was denied.
    pub(crate) fn denied(&self) -> PurposeSet {
        self.answered.minus(self.granted.purposes)
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
