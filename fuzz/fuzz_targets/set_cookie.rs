//! `Set-Cookie`: a denied line passes only if a browser takes it for a deletion, and what passes is untouched and in order.
#![no_main]

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Response, header};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use tower_consent_fuzz::{get, may_pass, send, set_cookies, state};

// The first byte chooses the state; then lines of `Set-Cookie`, one a line.
fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let (layer, choice) = state(first);
    let mut answer = Response::new(Full::default());
    for line in
        data.split(|&byte| byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok())
    {
        answer.headers_mut().append(header::SET_COOKIE, line);
    }
    let sent = set_cookies(&answer);
    let (response, seen) = send(layer, get(choice.as_deref()), answer);
    let consent = seen.unwrap().consent;

    let mut passed = set_cookies(&response).into_iter().peekable();
    for line in sent {
        let is_kept = passed.next_if_eq(&line).is_some();
        let cookie = Cookie::parse(&line);
        if may_pass(cookie.name, &consent) {
            assert!(is_kept, "an allowed line is lost");
        } else if is_kept {
            let line = String::from_utf8_lossy(&line);
            assert!(cookie.is_deletion(), "a denied line passes: {line:?}");
        }
    }
    assert!(passed.next().is_none(), "a line is added, changed or moved");
});

/// A `Set-Cookie` line as a browser reads it (RFC 6265bis, 5.6 and 5.7).
struct Cookie<'a> {
    name: &'a [u8],
    max_age: Option<bool>,
    expires: Option<i64>,
}

impl<'a> Cookie<'a> {
    fn parse(line: &'a [u8]) -> Self {
        let mut parts = line.split(|&byte| byte == b';');
        let (name, value) = split(parts.next().unwrap());
        // Without `=` all is value.
        let name = if value.is_some() { name } else { &b""[..] };
        let mut cookie = Self { name, max_age: None, expires: None };
        for part in parts {
            let (key, value) = split(part);
            let value = value.unwrap_or_default();
            if value.len() > 1024 {
                continue;
            }
            if key.eq_ignore_ascii_case(b"max-age") {
                let digits = value.strip_prefix(b"-").unwrap_or(value);
                if !value.is_empty() && digits.iter().all(u8::is_ascii_digit) {
                    let is_zero = digits.iter().all(|&digit| digit == b'0');
                    cookie.max_age = Some(is_zero || value.starts_with(b"-"));
                }
            } else if key.eq_ignore_ascii_case(b"expires") {
                cookie.expires = parse_date(value).or(cookie.expires);
            }
        }
        cookie
    }

    fn is_deletion(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        self.max_age.unwrap_or(self.expires.is_some_and(|expires| expires <= now))
    }
}

fn split(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    match part.iter().position(|&byte| byte == b'=') {
        Some(at) => (trim(&part[..at]), Some(trim(&part[at + 1..]))),
        None => (trim(part), None),
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().take_while(is_space).count();
    let end = bytes[start..].iter().rev().take_while(is_space).count();
    &bytes[start..bytes.len() - end]
}

/// A cookie date (RFC 6265bis, 5.1.1), as seconds since 1970.
fn parse_date(value: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let is_delimiter =
        |byte: &u8| matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e);
    let (mut clock, mut day, mut month, mut year) = (None, None, None, None);
    for token in value.split(is_delimiter).filter(|token| !token.is_empty()) {
        if clock.is_none()
            && let Some(found) = parse_clock(token)
        {
            clock = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = token
                .get(..3)
                .and_then(|head| MONTHS.iter().position(|month| head.eq_ignore_ascii_case(month)))
        {
            month = Some(found as i64);
        } else if year.is_none()
            && let Some(found) = number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let ((hour, minute, second), day, month, year) = (clock?, day?, month?, year?);
    let year = match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        year => year,
    };
    if !(1..=31).contains(&day) || year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days from the civil calendar (H. Hinnant); a 31st of February is the 3rd of March, near enough.
    let (y, m) = if month < 2 { (year - 1, month + 9) } else { (year, month - 3 + 1) };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn parse_clock(token: &[u8]) -> Option<(i64, i64, i64)> {
    let mut fields = token.splitn(3, |&byte| byte == b':');
    let hour = whole(fields.next()?)?;
    let minute = whole(fields.next()?)?;
    let second = number(fields.next()?, 1, 2)?;
    Some((hour, minute, second))
}

fn whole(digits: &[u8]) -> Option<i64> {
    let is_short = matches!(digits.len(), 1 | 2) && digits.iter().all(u8::is_ascii_digit);
    if is_short { number(digits, 1, 2) } else { None }
}

/// A number of so many digits at the token's start, with no digit after them.
fn number(token: &[u8], least: usize, most: usize) -> Option<i64> {
    let count = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = std::str::from_utf8(&token[..count]).ok()?;
    if (least..=most).contains(&count) { digits.parse().ok() } else { None }
}
