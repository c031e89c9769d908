use std::{error, fmt, sync::Arc};

use super::{Regime, Signals};
use crate::{
    choice::{Choice, How},
    policy::{Policy, Purpose, PurposeSet, Undeclared},
};

/// What holds for this request. Cheap to clone.
///
/// The layer puts it in the request's extensions; with the feature `axum` it is an extractor too.
///
/// ```
/// use tower_consent::{Consent, category};
///
/// fn home<B>(request: &http::Request<B>) -> &'static str {
///     let consent = request.extensions().get::<Consent>();
///     if consent.is_some_and(|consent| consent.allows(category::ANALYTICS)) {
///         "measured"
///     } else {
///         "not measured"
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Consent {
    policy: Arc<Policy>,
    choice: Option<Choice>,
    signals: Signals,
    no_tracking: bool,
    allowed: PurposeSet,
}

/// Set by the application, as an extension of the request (before the layer) or of its response:
/// every optional category is off, whatever the visitor chose. Meant for minors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTracking;

/// No category and no vendor of the policy has this slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSlug(pub(crate) String);

impl Consent {
    pub(crate) fn new(
        policy: Arc<Policy>,
        choice: Option<Choice>,
        signals: Signals,
        no_tracking: bool,
    ) -> Self {
        let mut consent = Self { policy, choice, signals, no_tracking, allowed: PurposeSet::EMPTY };
        consent.allowed = consent.resolve();
        consent
    }

    /// The rules in the order of their weight: what the application forbids, then the signal, then
    /// the choice, then the regime.
    fn resolve(&self) -> PurposeSet {
        if self.no_tracking {
            return PurposeSet::NECESSARY;
        }
        let mut allowed = match self.policy.regime() {
            Regime::OptIn => PurposeSet::NECESSARY,
            Regime::OptOut | Regime::Notice => PurposeSet::NECESSARY.union(self.policy.asked()),
        };
        let mut excepted_from_signal = PurposeSet::EMPTY;
        if let Some(choice) = self.choice {
            // Under another revision a "yes" was said to something else; a "no" stays a "no".
            let granted = if self.is_current(choice) { choice.granted } else { PurposeSet::EMPTY };
            allowed = allowed.minus(choice.denied()).union(granted);
            if choice.with_gpc {
                excepted_from_signal = granted;
            }
        }
        if self.signals.gpc {
            allowed = allowed.minus(self.policy.sold_or_shared().minus(excepted_from_signal));
        }
        allowed
    }

    /// The choice, if it answers the policy's own revision.
    fn current_choice(&self) -> Option<Choice> {
        self.choice.filter(|choice| self.is_current(*choice))
    }

    fn is_current(&self, choice: Choice) -> bool {
        choice.revision == self.policy.revision()
    }

    /// Whether this category or vendor is allowed. An unknown slug is not.
    pub fn allows(&self, slug: &str) -> bool {
        self.policy.purpose(slug).is_some_and(|purpose| self.allows_purpose(purpose))
    }

    /// What the visitor decided, if a valid choice came with the request.
    pub fn choice(&self) -> Option<&Choice> {
        self.choice.as_ref()
    }

    /// The rule of the visitor's place.
    pub fn regime(&self) -> Regime {
        self.policy.regime()
    }

    /// Whether the browser sends Global Privacy Control (`Sec-GPC: 1`).
    pub fn has_gpc(&self) -> bool {
        self.signals.gpc
    }

    /// Whether nothing is left to ask: all is answered, or a signal answered for the visitor.
    pub fn is_decided(&self) -> bool {
        if self.no_tracking || self.is_answered_by_signal() {
            return true;
        }
        let answered = self.current_choice().map_or(PurposeSet::EMPTY, |choice| choice.answered);
        self.policy.asked().minus(answered).is_empty()
    }

    /// Where one may opt out, the signal is the opt-out: asking again would be a second step
    /// (11 CCR 7025(c)(1)). Only who overrode the signal is asked about what is new.
    fn is_answered_by_signal(&self) -> bool {
        let has_overridden = self.current_choice().is_some_and(|choice| choice.with_gpc);
        self.signals.gpc && !has_overridden && self.policy.regime() == Regime::OptOut
    }

    /// Whether the browser's signal holds here, so that the page can say so (C10).
    pub(crate) fn honors_gpc(&self) -> bool {
        self.signals.gpc && self.allowed.intersection(self.policy.sold_or_shared()).is_empty()
    }

    /// The choice that allows everything.
    ///
    /// Return it for what the visitor has just done, and for nothing else: it is the visitor's own
    /// choice from then on, and outweighs Global Privacy Control if the request carries the signal.
    #[must_use = "a choice takes effect when the response carries it"]
    pub fn accept_all(&self) -> Choice {
        self.choose_purposes(How::App, self.policy.asked())
    }

    /// The choice that denies everything optional.
    #[must_use = "a choice takes effect when the response carries it"]
    pub fn reject_all(&self) -> Choice {
        self.choose_purposes(How::App, PurposeSet::EMPTY)
    }

    /// The choice that allows these categories and vendors, and nothing else.
    ///
    /// # Errors
    /// [`UnknownSlug`] for what the policy doesn't have.
    pub fn allow_only<'a>(
        &self,
        slugs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Choice, UnknownSlug> {
        let mut granted = PurposeSet::EMPTY;
        for slug in slugs {
            granted = granted.with(self.find(slug)?);
        }
        Ok(self.choose_purposes(How::App, granted))
    }

    /// The choice that allows this category or vendor, and leaves all else as it stands: what the
    /// visitor has not answered yet will still be asked.
    ///
    /// # Errors
    /// [`UnknownSlug`] for what the policy doesn't have.
    pub fn allow(&self, slug: &str) -> Result<Choice, UnknownSlug> {
        let one = PurposeSet::EMPTY.with(self.find(slug)?);
        Ok(self.answer(one, one))
    }

    /// The choice that denies this vendor, or this category with all its vendors, and leaves all
    /// else as it stands: what the visitor has not answered yet will still be asked.
    ///
    /// # Errors
    /// [`UnknownSlug`] for what the policy doesn't have.
    pub fn deny(&self, slug: &str) -> Result<Choice, UnknownSlug> {
        let own = PurposeSet::EMPTY.with(self.find(slug)?);
        let vendors = self.policy.vendors().iter().filter(|vendor| vendor.category == slug);
        let denied = vendors.filter_map(|vendor| self.policy.purpose(vendor.slug()));
        Ok(self.answer(denied.fold(own, PurposeSet::with), PurposeSet::EMPTY))
    }

    /// The visitor's answers so far, as far as they hold, with these put over them.
    fn answer(&self, answered: PurposeSet, granted: PurposeSet) -> Choice {
        let (was_answered, was_granted) = match self.choice {
            // A "yes" from before the signal must not become one that was made with it (C10).
            Some(choice) if self.is_current(choice) && self.signals.gpc && !choice.with_gpc => {
                (choice.answered, choice.granted.minus(self.policy.sold_or_shared()))
            }
            Some(choice) if self.is_current(choice) => (choice.answered, choice.granted),
            Some(choice) => (choice.denied(), PurposeSet::EMPTY),
            None => Default::default(),
        };
        let granted = was_granted.minus(answered).union(granted);
        let mut choice = self.choose_purposes(How::App, granted);
        choice.answered = was_answered.union(answered).intersection(self.policy.asked());
        choice
    }

    fn find(&self, slug: &str) -> Result<Purpose, UnknownSlug> {
        self.policy.purpose(slug).ok_or_else(|| UnknownSlug(slug.to_owned()))
    }

    pub(crate) fn choose_purposes(&self, how: How, granted: PurposeSet) -> Choice {
        Choice::new(&self.policy, how, self.signals.gpc, granted)
    }

    /// What holds once this choice is made.
    #[must_use]
    pub(crate) fn after(&self, choice: Choice) -> Self {
        Self::new(Arc::clone(&self.policy), Some(choice), self.signals, self.no_tracking)
    }

    /// What holds once the application forbids tracking.
    #[must_use]
    pub(crate) fn without_tracking(&self) -> Self {
        Self::new(Arc::clone(&self.policy), self.choice, self.signals, true)
    }

    /// The policy that the site declares.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    pub(crate) fn allowed(&self) -> PurposeSet {
        self.allowed
    }

    pub(crate) fn allows_purpose(&self, purpose: Purpose) -> bool {
        self.allowed.contains(purpose)
    }

    /// Whether a cookie that no rule names is allowed.
    pub(crate) fn allows_undeclared(&self) -> bool {
        self.allows_unnamed(self.policy.undeclared())
    }

    /// Whether a third party that no vendor names is allowed.
    pub(crate) fn allows_undeclared_hosts(&self) -> bool {
        self.allows_unnamed(self.policy.undeclared_hosts())
    }

    /// What no rule names may be for anything, selling included, so it needs everything.
    fn allows_unnamed(&self, undeclared: Undeclared) -> bool {
        let overrules_gpc = || self.current_choice().is_some_and(|choice| choice.with_gpc);
        match undeclared {
            Undeclared::Allow => true,
            Undeclared::Block => {
                self.regime() != Regime::OptIn
                    && self.allows_everything()
                    && (!self.signals.gpc || overrules_gpc())
            }
        }
    }

    /// Whether all that is asked is allowed.
    pub(crate) fn allows_everything(&self) -> bool {
        self.policy.asked().minus(self.allowed).is_empty() && !self.no_tracking
    }
}

impl fmt::Display for UnknownSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no category or vendor of the policy is called {:?}: declare it first", self.0)
    }
}

impl error::Error for UnknownSlug {}
