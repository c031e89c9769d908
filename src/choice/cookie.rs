//! The choice cookie: `1.<revision>.<unix seconds>.<how>[-gpc].<answers>`.
//!
//! Answers are `+slug` for what is allowed and `-slug` for what is denied, in which a slug's own
//! hyphens are written `_`: `1.2.1795489200.save.+analytics-marketing+example_video`. What was asked
//! comes first, then the vendors that are allowed by themselves. Every character is a cookie-octet (RFC 6265, 4.1.1), so nothing is quoted or percent-encoded.

use std::fmt::Write as _;

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use time::Duration;

use super::{Choice, How, Once, choice::now};
use crate::{
    gate::cookies,
    policy::{Grants, Policy, Purpose, PurposeSet},
};

/// The most that the choice cookie takes, name included, before it is signed.
pub(crate) const MOST_BYTES: usize = 512;
/// The longest value that is read: [`MOST_BYTES`] and a signature.
const MOST_READ_BYTES: usize = 600;
/// How far ahead another server's clock may be.
const CLOCK_SKEW_SECONDS: u64 = 300;

const HOW: [(How, &str); 5] = [
    (How::Accept, "accept"),
    (How::Reject, "reject"),
    (How::Save, "save"),
    (How::Allow, "allow"),
    (How::App, "app"),
];

/// How long the next page may take.
const ONCE_SECONDS: i64 = 60;

/// What the request's cookies say of the visitor's decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recalled {
    pub(crate) choice: Option<Choice>,
    /// What is allowed for one page.
    pub(crate) once: Option<Once>,
}

/// The key that choice cookies are signed with, if any.
#[derive(Clone, Default)]
pub(crate) struct Signing {
    #[cfg(feature = "signed")]
    pub(crate) key: Option<cookie::Key>,
}

/// The choice that the request's cookies carry. Whatever is not exactly one whole, current choice
/// cookie is no choice (C14, K5).
pub(crate) fn read(headers: &HeaderMap, policy: &Policy, signing: &Signing) -> Recalled {
    let choice_name = policy.choice_cookie_name();
    let once_name = policy.once_cookie_name();
    let (mut choice, mut once) = (Found::None, Found::None);
    for line in headers.get_all(header::COOKIE) {
        for pair in cookies::pairs(line.as_bytes()) {
            let name = cookies::name(pair);
            // The name of the one begins with the other's: most cookies are told apart at once.
            let Some(rest) = name.strip_prefix(choice_name.as_bytes()) else { continue };
            if rest.is_empty() {
                choice.add(cookies::value(pair));
            } else if name == once_name.as_bytes() {
                once.add(cookies::value(pair));
            }
        }
    }
    Recalled {
        choice: choice
            .only()
            .and_then(|value| signing.verify(choice_name, value, |v| parse(v, policy, now()))),
        once: once
            .only()
            .and_then(|value| signing.verify(once_name, value, |slug| policy.gated_purpose(slug)))
            .map(Once),
    }
}

/// The value of a cookie that may stand there once.
enum Found<'a> {
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> Found<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = if matches!(self, Self::None) { Self::One(value) } else { Self::Several };
    }

    fn only(self) -> Option<&'a str> {
        let Self::One(value) = self else { return None };
        std::str::from_utf8(value).ok().filter(|value| value.len() <= MOST_READ_BYTES)
    }
}

impl Signing {
    #[cfg(not(feature = "signed"))]
    fn verify<T>(&self, _: &str, value: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        parse(value)
    }

    #[cfg(feature = "signed")]
    fn verify<T>(&self, name: &str, value: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Some(key) = &self.key else { return parse(value) };
        let cookie = Cookie::new(name, value).into_owned();
        let cookie = cookie::CookieJar::new().signed(key).verify(cookie)?;
        parse(cookie.value())
    }

    #[cfg(not(feature = "signed"))]
    fn sign<'a>(&self, cookie: Cookie<'a>) -> Cookie<'a> {
        cookie
    }

    #[cfg(feature = "signed")]
    fn sign<'a>(&self, cookie: Cookie<'a>) -> Cookie<'a> {
        let Some(key) = &self.key else { return cookie };
        let mut jar = cookie::CookieJar::new();
        let name = cookie.name().to_owned();
        jar.signed_mut(key).add(cookie.clone().into_owned());
        jar.get(&name).cloned().unwrap_or(cookie)
    }
}

/// The `Set-Cookie` line that keeps the choice (K1).
pub(crate) fn set_cookie(
    choice: &Choice,
    policy: &Policy,
    signing: &Signing,
) -> Option<HeaderValue> {
    let lifetime = i64::try_from(policy.lifetime_seconds()).unwrap_or(0);
    line(policy.choice_cookie_name(), format(choice, policy), lifetime, policy, signing)
}

/// The `Set-Cookie` line that allows this for one page, or with `None` ends that.
pub(crate) fn set_once(
    once: Option<Once>,
    policy: &Policy,
    signing: &Signing,
) -> Option<HeaderValue> {
    let lifetime = once.map_or(0, |_| ONCE_SECONDS);
    let slug = once.and_then(|Once(purpose)| policy.slug(purpose)).unwrap_or_default().to_owned();
    line(policy.once_cookie_name(), slug, lifetime, policy, signing)
}

fn line(
    name: &str,
    value: String,
    lifetime_seconds: i64,
    policy: &Policy,
    signing: &Signing,
) -> Option<HeaderValue> {
    let settings = &policy.declared().choice_cookie;
    let mut cookie = Cookie::build((name, value))
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
        .secure(!settings.insecure_for_development)
        .max_age(Duration::seconds(lifetime_seconds));
    if let Some(domain) = &settings.domain {
        cookie = cookie.domain(domain);
    }
    HeaderValue::try_from(signing.sign(cookie.build()).to_string()).ok()
}

fn format(choice: &Choice, policy: &Policy) -> String {
    let how = HOW.iter().find(|(how, _)| *how == choice.how).map_or("app", |(_, word)| word);
    let gpc = if choice.with_gpc { "-gpc" } else { "" };
    let mut value = format!("1.{}.{}.{how}{gpc}.", choice.revision, choice.at);
    for (index, slug) in policy.purposes().iter().enumerate() {
        let purpose = Purpose::new(index);
        if choice.answered.contains(purpose) {
            let sign = if choice.granted.contains(purpose) { '+' } else { '-' };
            // Writing to a String can't fail.
            let _ = write!(value, "{sign}{}", written(slug));
        }
    }
    add_vendors(&mut value, choice, policy);
    value
}

/// Adds the vendors that are allowed by themselves: the latest for which there is room (K2).
fn add_vendors(value: &mut String, choice: &Choice, policy: &Policy) {
    let slugs = choice.granted.vendors().filter_map(|vendor| policy.follower(vendor));
    let answers: Vec<String> = slugs.map(|vendor| format!("+{}", written(vendor.slug()))).collect();
    let mut room =
        MOST_BYTES.saturating_sub(policy.choice_cookie_name().len() + "=".len() + value.len());
    let fits = |answer: &&String| {
        let left = room.checked_sub(answer.len());
        room = left.unwrap_or(0);
        left.is_some()
    };
    let kept = answers.iter().rev().take_while(fits).count();
    value.extend(answers.iter().skip(answers.len() - kept).map(String::as_str));
}

/// A slug as the cookie writes it.
fn written(slug: &str) -> String {
    slug.replace('-', "_")
}

/// The length of the longest choice cookie under this policy, name included.
pub(crate) fn longest(policy: &Policy) -> usize {
    let choice = Choice {
        revision: u32::MAX,
        at: 9_999_999_999,
        how: How::Accept,
        with_gpc: true,
        answered: policy.asked(),
        granted: Grants::EMPTY,
    };
    policy.choice_cookie_name().len() + 1 + format(&choice, policy).len()
}

fn parse(value: &str, policy: &Policy, now: u64) -> Option<Choice> {
    let mut fields = value.as_bytes().split(|&byte| byte == b'.');
    if fields.next()? != b"1" {
        return None;
    }
    let revision = number(fields.next()?)?;
    let at = number(fields.next()?)?;
    let how = fields.next()?;
    let answers = fields.next()?;
    if fields.next().is_some() || at > now.checked_add(CLOCK_SKEW_SECONDS)? {
        return None;
    }
    if now > at.checked_add(policy.lifetime_seconds())? {
        return None;
    }
    let (how, with_gpc) = match how.strip_suffix(b"-gpc") {
        Some(how) => (how, true),
        None => (how, false),
    };
    let (how, _) = HOW.iter().find(|(_, word)| word.as_bytes() == how)?;
    let (answered, granted) = parse_answers(answers, policy)?;
    let revision = u32::try_from(revision).ok()?;
    Some(Choice { revision, at, how: *how, with_gpc, answered, granted })
}

/// Digits without sign or leading zero, so that a choice is written in one way only.
fn number(digits: &[u8]) -> Option<u64> {
    let is_shortest = !digits.is_empty() && (digits == b"0" || !digits.starts_with(b"0"));
    let append = |number: u64, digit: &u8| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    };
    if is_shortest { digits.iter().try_fold(0, append) } else { None }
}

/// What was answered, and what of it granted. A slug that the policy no longer has is passed over.
fn parse_answers(mut answers: &[u8], policy: &Policy) -> Option<(PurposeSet, Grants)> {
    let mut answered = PurposeSet::EMPTY;
    let mut granted = Grants::EMPTY;
    while let Some((sign, rest)) = answers.split_first() {
        let is_granted = match sign {
            b'+' => true,
            b'-' => false,
            _ => return None,
        };
        let is_slug_byte =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
        let end = rest.iter().position(|byte| !is_slug_byte(byte)).unwrap_or(rest.len());
        let (slug, following) = rest.split_at_checked(end)?;
        if slug.is_empty() {
            return None;
        }
        let known = policy.purposes().iter().position(|known| is_written(known, slug));
        if let Some(purpose) = known.map(Purpose::new) {
            // No visitor is asked about what is necessary, and a sibling host that can set the
            // cookie (K1) must not be able to deny it.
            if purpose == Purpose::NECESSARY || answered.contains(purpose) {
                return None;
            }
            answered = answered.with(purpose);
            if is_granted {
                granted = granted.with(purpose);
            }
        } else if let (true, Some(vendor)) = (is_granted, find_follower(slug, policy)) {
            granted = granted.with(vendor);
        }
        answers = following;
    }
    let asked = granted.purposes.intersection(policy.asked());
    Some((answered.intersection(policy.asked()), granted.with_purposes(asked)))
}

/// The vendor that follows its category and is written so.
fn find_follower(written: &[u8], policy: &Policy) -> Option<Purpose> {
    // No slug has `_`.
    let slug = std::str::from_utf8(written).ok()?.replace('_', "-");
    policy.gated_purpose(&slug).filter(|purpose| purpose.follower().is_some())
}

/// Whether `written` is this slug as the cookie writes it.
fn is_written(slug: &str, written: &[u8]) -> bool {
    let as_written = |byte| if byte == b'-' { b'_' } else { byte };
    slug.len() == written.len() && slug.bytes().zip(written).all(|(a, b)| as_written(a) == *b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Vendor, category};

    const NOW: u64 = 1_795_489_200;

    fn policy() -> Policy {
        Policy::builder("Test")
            .vendor(Vendor::new("example-video", "Video", category::MARKETING).ask_separately())
            .build()
            .unwrap()
    }

    fn any_choice() -> impl Strategy<Value = Choice> {
        let fields = (1..=u32::MAX, 0..86_400_u64, 0..HOW.len(), any::<bool>(), 0..16_u8);
        fields.prop_map(|(revision, age, how, with_gpc, granted)| {
            let policy = policy();
            let granted = (0..4).filter(|bit| granted & (1 << bit) != 0);
            let granted = granted.fold(Grants::EMPTY, |set, bit| set.with(Purpose::new(bit + 1)));
            Choice {
                revision,
                at: NOW - age,
                how: HOW[how].0,
                with_gpc,
                answered: policy.asked(),
                granted,
            }
        })
    }

    proptest! {
        #[test]
        fn k2_what_is_written_is_read(choice in any_choice()) {
            let policy = policy();
            let value = format(&choice, &policy);
            prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\%".contains(&byte)));
            prop_assert_eq!(parse(&value, &policy, NOW), Some(choice));
        }

        #[test]
        fn c14_truncated_is_no_choice_or_a_smaller_answer(choice in any_choice(), cut in 0..60_usize) {
            let policy = policy();
            let value = format(&choice, &policy);
            let cut = cut.min(value.len() - 1);
            if let Some(read) = parse(&value[..cut], &policy, NOW) {
                prop_assert!(read.granted.purposes.minus(choice.granted.purposes).is_empty());
            }
        }

        #[test]
        fn c14_garbage_never_panics(value in "[ -~]{0,80}", tail in any::<String>()) {
            let policy = policy();
            let _ = parse(&value, &policy, NOW);
            let _ = parse(&format!("1.1.{NOW}.save.{tail}"), &policy, NOW);
        }
    }

    #[test]
    fn c14_only_the_one_form_is_read() {
        let policy = policy();
        assert!(parse(&format!("1.1.{NOW}.save.+analytics-marketing"), &policy, NOW).is_some());
        for value in [
            String::new(),
            "1".into(),
            format!("2.1.{NOW}.save.+analytics"),
            format!("1.01.{NOW}.save.+analytics"),
            format!("1.+1.{NOW}.save.+analytics"),
            format!("1.4294967296.{NOW}.save.+analytics"),
            format!("1.1.{NOW}.saved.+analytics"),
            format!("1.1.{NOW}.gpc.+analytics"),
            format!("1.1.{NOW}.save-gpc-gpc.+analytics"),
            format!("1.1.{NOW}.save.analytics"),
            format!("1.1.{NOW}.save.+analytics+analytics"),
            format!("1.1.{NOW}.save.+analytics-analytics"),
            format!("1.1.{NOW}.save.+"),
            format!("1.1.{NOW}.save.+Analytics"),
            format!("1.1.{NOW}.save.+analytics."),
            format!("1.1.{NOW}.save.+analytics.x"),
            format!("1.1.{NOW}.save"),
            format!("1.1.{}.save.+analytics", NOW + CLOCK_SKEW_SECONDS + 1),
            format!("1.1.{}.save.+analytics", NOW - policy.lifetime_seconds() - 1),
            format!("1.1.{}.save.+analytics", u64::MAX),
        ] {
            assert_eq!(parse(&value, &policy, NOW), None, "{value}");
        }
    }
}
