use std::{
    collections::HashSet,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Explanation, html::GateError};
use crate::policy::Policy;

/// How many different things are warned of before the log is left alone.
const MOST_WARNINGS: usize = 256;

/// Pages are looked over for hosts that nobody names: so many at first, then each one after so many.
const SAMPLE: usize = 256;

/// How much of a name is logged, and tells it from others.
const MOST_NAME_BYTES: usize = 64;

/// Tells the operator what was taken out and how to declare it: once for each name, and never
/// without limit.
#[derive(Default)]
pub(crate) struct Report {
    seen: Mutex<HashSet<Box<[u8]>>>,
    /// Apart, so that hosts without end don't keep cookies from being told.
    hosts: Mutex<HashSet<Box<[u8]>>>,
    /// The gated pages so far.
    pages: AtomicUsize,
    /// Whether responses tell what was decided in them.
    pub(crate) explains: bool,
}

impl Report {
    /// One of a site whose responses tell what was decided in them.
    pub(crate) fn explaining() -> Self {
        Self { explains: true, ..Self::default() }
    }

    /// For one response.
    pub(crate) fn explanation<'a>(&self, policy: &'a Policy) -> Explanation<'a> {
        Explanation::new(policy, self.explains)
    }

    pub(crate) fn undeclared_cookie(&self, name: &[u8]) {
        let name = shorten(name);
        if is_new(&self.seen, name) {
            warn(format_args!(
                "the cookie {:?} was removed: no rule says what it is for. Declare it with \
                 `.cookie({0:?}, category::…)`, or set `Undeclared::Allow`",
                String::from_utf8_lossy(name)
            ));
        }
    }

    /// Counts a page, and says whether it is one of those in which all hosts are looked for that no
    /// vendor names.
    pub(super) fn samples_page(&self) -> bool {
        if !is_info_logged() {
            return false;
        }
        let before = self.pages.fetch_add(1, Ordering::Relaxed);
        before < SAMPLE || before.is_multiple_of(SAMPLE)
    }

    /// A page fetches from a host that no vendor names.
    pub(crate) fn undeclared_host(&self, host: &str, passed: bool) {
        let host = shorten(host.as_bytes());
        if !is_new(&self.hosts, host) {
            return;
        }
        let host = String::from_utf8_lossy(host);
        let remedy = "Declare a vendor with it: `Vendor::new(…).host(…)`";
        if passed {
            info(format_args!("pages fetch from {host:?}, which no vendor names. {remedy}"));
        } else {
            warn(format_args!(
                "what leads to {host:?} was removed: no vendor names it. {remedy}, or leave \
                 `undeclared_hosts` at `Undeclared::Allow`"
            ));
        }
    }

    /// The application set the choice cookie.
    pub(crate) fn foreign_choice(&self, name: &[u8]) {
        let name = shorten(name);
        if is_new(&self.seen, name) {
            warn(format_args!(
                "the application set the choice cookie {:?} itself, and it was removed: let a \
                 handler return a `Choice` instead",
                String::from_utf8_lossy(name)
            ));
        }
    }

    /// A page went to nobody, since what is denied in it could not be found.
    pub(crate) fn refused_page(&self) {
        if is_new(&self.seen, b"a refused page") {
            warn(format_args!(
                "a page was refused: it may fetch from a vendor that the visitor has not allowed, and \
                 it comes compressed, in parts, or in UTF-16. Send it plain, whole, and in UTF-8, or \
                 enable the feature `compression`"
            ));
        }
    }

    /// A page broke off, since what is denied in its rest could not be found.
    pub(super) fn broken_page(&self, error: GateError) {
        let error = error.to_string();
        if is_new(&self.seen, shorten(error.as_bytes())) {
            warn(format_args!(
                "a page was broken off: it may fetch from a vendor that the visitor has not allowed, \
                 and can't be read: {error}"
            ));
        }
    }

    /// A page came in a content coding that can't be taken off.
    pub(crate) fn compressed_page(&self, coding: &(impl ToString + ?Sized)) {
        let coding = coding.to_string();
        let coding = shorten(coding.as_bytes());
        if is_new(&self.seen, coding) {
            let coding = String::from_utf8_lossy(coding);
            warn(format_args!(
                "a page came in a content coding ({coding}) and went without banner: put \
                 `CompressionLayer` outside of `ConsentLayer`, or enable the feature `compression`"
            ));
        }
    }
}

fn is_new(seen: &Mutex<HashSet<Box<[u8]>>>, name: &[u8]) -> bool {
    let Ok(mut seen) = seen.lock() else { return false };
    if seen.contains(name) || seen.len() >= MOST_WARNINGS {
        return false;
    }
    seen.insert(name.into())
}

fn shorten(name: &[u8]) -> &[u8] {
    name.get(..MOST_NAME_BYTES).unwrap_or(name)
}

#[cfg(feature = "tracing")]
fn warn(message: fmt::Arguments<'_>) {
    tracing::warn!("{message}");
}

#[cfg(feature = "tracing")]
fn info(message: fmt::Arguments<'_>) {
    tracing::info!("{message}");
}

#[cfg(feature = "tracing")]
fn is_info_logged() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

#[cfg(not(feature = "tracing"))]
fn is_info_logged() -> bool {
    false
}

#[cfg(not(feature = "tracing"))]
fn warn(_: fmt::Arguments<'_>) {}

#[cfg(not(feature = "tracing"))]
fn info(_: fmt::Arguments<'_>) {}
