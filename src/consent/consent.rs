use std::{error, fmt, sync::Arc};

use super::{Regime, Signals};
use crate::{
    choice::{Choice, How, Once, Recalled},
    policy::{Grants, Policy, Purpose, PurposeSet, Undeclared, Vendor},
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
    recalled: Recalled,
    signals: Signals,
    no_tracking: bool,
    /// What is allowed on other pages too, as settings say.
    settings: PurposeSet,
    allowed: Grants,
}

/// Set by the application, as an extension of the request (before the layer) or of its response:
/// every optional category is off, whatever the visitor chose. Meant for minors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTracking;

/// No category of the policy, and no vendor of the policy or the catalog, has this slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSlug(pub(crate) String);

impl Consent {
    pub(crate) fn new(
        policy: Arc<Policy>,
        recalled: Recalled,
        signals: Signals,
        no_tracking: bool,
    ) -> Self {
        let (settings, allowed) = (PurposeSet::EMPTY, Grants::EMPTY);
        let mut consent = Self { policy, recalled, signals, no_tracking, settings, allowed };
        let lasting = consent.resolve();
        consent.settings = lasting.purposes;
        let once = recalled.once.filter(|_| !no_tracking);
        consent.allowed = once.map_or(lasting, |Once(purpose)| lasting.with(purpose));
        consent
    }

    /// What is allowed on this page and others, by the rules in the order of their weight: what the
    /// application forbids, then the signal, then the choice, then the regime.
    fn resolve(&self) -> Grants {
        if self.no_tracking {
            return Grants::of(PurposeSet::NECESSARY);
        }
        let mut purposes = match self.policy.regime() {
            Regime::OptIn => PurposeSet::NECESSARY,
            Regime::OptOut | Regime::Notice => PurposeSet::NECESSARY.union(self.policy.asked()),
        };
        let mut granted = Grants::EMPTY;
        let mut overrides_signal = false;
        if let Some(choice) = &self.recalled.choice {
            // Under another revision a "yes" was said to something else; a "no" stays a "no".
            if self.is_current(choice) {
                granted = choice.granted;
                overrides_signal = choice.with_gpc;
            }
            purposes = purposes.minus(choice.denied()).union(granted.purposes);
        }
        let mut allowed = granted.with_purposes(purposes);
        if self.signals.gpc {
            let sold = self.policy.sold_or_shared();
            let excepted = if overrides_signal { granted.purposes } else { PurposeSet::EMPTY };
            allowed = allowed
                .with_purposes(purposes.minus(sold.minus(excepted)))
                .keep_vendors(|vendor| overrides_signal || !sold.contains(vendor));
        }
        allowed
    }

    /// The choice, if it answers the policy's own revision.
    fn current_choice(&self) -> Option<&Choice> {
        self.recalled.choice.as_ref().filter(|choice| self.is_current(choice))
    }

    fn is_current(&self, choice: &Choice) -> bool {
        choice.revision == self.policy.revision()
    }

    /// Whether this category, or this vendor of the policy or the [catalog](crate::catalog), is allowed.
    /// An unknown slug is not.
    pub fn allows(&self, slug: &str) -> bool {
        self.policy.gated_purpose(slug).is_some_and(|purpose| self.allows_purpose(purpose))
    }

    /// What the visitor decided, if a valid choice came with the request.
    pub fn choice(&self) -> Option<&Choice> {
        self.recalled.choice.as_ref()
    }

    /// Whether something is allowed for this page alone.
    pub(crate) fn is_for_once(&self) -> bool {
        self.recalled.once.is_some()
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
    /// (11 CCR 7025(c)(1)). Only who overrode the signal is asked about what is new; a vendor allowed by
    /// itself is an exception to it.
    fn is_answered_by_signal(&self) -> bool {
        let overrides = |choice: &Choice| choice.with_gpc && !choice.answered.is_empty();
        let has_overridden = self.current_choice().is_some_and(overrides);
        self.signals.gpc && !has_overridden && self.policy.regime() == Regime::OptOut
    }

    /// Whether the browser's signal holds here, so that the page can say so (C10).
    pub(crate) fn honors_gpc(&self) -> bool {
        self.signals.gpc
            && self.allowed.purposes.intersection(self.policy.sold_or_shared()).is_empty()
    }

    /// The choice that allows everything.
    ///
    /// Return it for what the visitor has just done, and for nothing else: it is the visitor's own
    /// choice from then on, and outweighs Global Privacy Control if the request carries the signal.
    #[must_use = "a choice takes effect when the response carries it"]
    pub fn accept_all(&self) -> Choice {
        self.choose(How::App, Grants::of(self.policy.asked()))
    }

    /// The choice that denies everything optional.
    #[must_use = "a choice takes effect when the response carries it"]
    pub fn reject_all(&self) -> Choice {
        self.choose(How::App, Grants::EMPTY)
    }

    /// The choice that allows these categories and vendors, and nothing else.
    ///
    /// # Errors
    /// [`UnknownSlug`] for what the policy doesn't have.
    pub fn allow_only<'a>(
        &self,
        slugs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Choice, UnknownSlug> {
        let granted = slugs.into_iter().map(|slug| self.find(slug));
        let granted = granted.collect::<Result<Vec<_>, _>>()?;
        Ok(self.choose(How::App, granted.into_iter().fold(Grants::EMPTY, Grants::with)))
    }

    /// The choice that allows this category or vendor, and leaves all else as it stands: what the
    /// visitor has not answered yet will still be asked. A vendor that isn't
    /// [asked separately](crate::Vendor::ask_separately) is allowed by itself, whatever holds for its
    /// category; of these the latest eight are kept.
    ///
    /// # Errors
    /// [`UnknownSlug`] for what the policy doesn't have.
    pub fn allow(&self, slug: &str) -> Result<Choice, UnknownSlug> {
        Ok(self.allow_purposes(How::App, [self.find(slug)?]))
    }

    /// The choice that denies this vendor, or this category with all its vendors, and leaves all
    /// else as it stands: what the visitor has not answered yet will still be asked. A vendor that
    /// isn't [asked separately](crate::Vendor::ask_separately) is denied with its category where that
    /// is allowed.
    ///
    /// # Errors
    /// [`UnknownSlug`] for what the policy doesn't have.
    pub fn deny(&self, slug: &str) -> Result<Choice, UnknownSlug> {
        let own = self.find(slug)?;
        let (answered, granted) = self.standing();
        // As the choice has it: a signal, or what the application forbids here, may not last.
        let is_unanswered = self.regime() != Regime::OptIn && !answered.contains(own);
        if own.follower().is_some() && !granted.purposes.contains(own) && !is_unanswered {
            let granted = granted.keep_vendors(|vendor| vendor != own);
            return Ok(self.answer(How::App, answered, granted));
        }
        let vendors = self.policy.vendors().iter().filter(|vendor| vendor.category == slug);
        let vendors = vendors.filter_map(|vendor| self.policy.purpose(vendor.slug()));
        let denied = vendors.fold(PurposeSet::EMPTY.with(own), PurposeSet::with);
        let granted = granted.with_purposes(granted.purposes.minus(denied));
        let granted = granted.keep_vendors(|vendor| !denied.contains(vendor));
        Ok(self.answer(How::App, answered.union(denied), granted))
    }

    /// The choice that allows these, and leaves all else as it stands.
    pub(crate) fn allow_purposes(
        &self,
        how: How,
        purposes: impl IntoIterator<Item = Purpose>,
    ) -> Choice {
        let (mut answered, mut granted) = self.standing();
        for purpose in purposes {
            granted = granted.with(purpose);
            if purpose.follower().is_none() {
                answered = answered.with(purpose);
            }
        }
        self.answer(how, answered, granted)
    }

    /// The vendors that the visitor has allowed by themselves.
    pub(crate) fn lone_vendors(&self) -> impl Iterator<Item = &Vendor> {
        self.standing().1.vendors().filter_map(|vendor| self.policy.follower(vendor))
    }

    /// The visitor's answers so far, as far as they hold: what was answered, and what granted.
    fn standing(&self) -> (PurposeSet, Grants) {
        let Some(choice) = &self.recalled.choice else { return Default::default() };
        if !self.is_current(choice) {
            return (choice.denied(), Grants::EMPTY);
        }
        // A "yes" from before the signal must not become one that was made with it (C10).
        if self.signals.gpc && !choice.with_gpc {
            let sold = self.policy.sold_or_shared();
            let granted = choice.granted.with_purposes(choice.granted.purposes.minus(sold));
            return (choice.answered, granted.keep_vendors(|vendor| !sold.contains(vendor)));
        }
        (choice.answered, choice.granted)
    }

    fn answer(&self, how: How, answered: PurposeSet, granted: Grants) -> Choice {
        let answered = answered.intersection(self.policy.asked());
        Choice { answered, ..self.choose(how, granted) }
    }

    fn find(&self, slug: &str) -> Result<Purpose, UnknownSlug> {
        self.policy.gated_purpose(slug).ok_or_else(|| UnknownSlug(slug.to_owned()))
    }

    /// The choice that allows these, and nothing else.
    pub(crate) fn choose(&self, how: How, granted: Grants) -> Choice {
        Choice::new(&self.policy, how, self.signals.gpc, granted)
    }

    /// What holds once this choice is made.
    #[must_use]
    pub(crate) fn after(&self, choice: Choice) -> Self {
        let recalled = Recalled { choice: Some(choice), once: None };
        Self::new(Arc::clone(&self.policy), recalled, self.signals, self.no_tracking)
    }

    /// What holds once the application forbids tracking.
    #[must_use]
    pub(crate) fn without_tracking(&self) -> Self {
        Self::new(Arc::clone(&self.policy), self.recalled, self.signals, true)
    }

    /// The policy that the site declares.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    pub(crate) fn allowed(&self) -> &Grants {
        &self.allowed
    }

    /// What holds while this is allowed too, for one page.
    #[must_use]
    pub(crate) fn with_once(&self, once: Once) -> Self {
        let recalled = Recalled { once: Some(once), ..self.recalled };
        Self::new(Arc::clone(&self.policy), recalled, self.signals, self.no_tracking)
    }

    pub(crate) fn allows_purpose(&self, purpose: Purpose) -> bool {
        self.allowed.contains(purpose)
    }

    /// Whether this is allowed on other pages too, as settings say: what is for one page is none.
    pub(crate) fn is_set(&self, purpose: Purpose) -> bool {
        self.settings.contains(purpose)
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

    /// Whether the visitor's word would be enough to allow this.
    pub(crate) fn can_allow(&self, purpose: Purpose) -> bool {
        !self.no_tracking && !purpose.is_never()
    }

    /// Whether all that is asked is allowed.
    pub(crate) fn allows_everything(&self) -> bool {
        self.policy.asked().minus(self.settings).is_empty() && !self.no_tracking
    }
}

impl fmt::Display for UnknownSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no category or vendor of the policy or the catalog is called {:?}: declare it first",
            self.0
        )
    }
}

impl error::Error for UnknownSlug {}
