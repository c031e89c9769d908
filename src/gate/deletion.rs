//! Whether a `Set-Cookie` line removes its cookie (G3), read as browsers read it: RFC 6265bis, 5.6,
//! and its dates by 5.1.1. A line that passes for a deletion and isn't one would be a way around
//! the gate.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// The longest value of an attribute that browsers read.
const MOST_VALUE_BYTES: usize = 1024;

/// Whether the line has a `Max-Age` of zero or less, or else an `Expires` in the past. Of several
/// the last counts; one that can't be read counts as absent.
pub(super) fn is_deletion(line: &[u8]) -> bool {
    let mut by_age = None;
    let mut by_date = None;
    for attribute in line.split(|&byte| byte == b';').skip(1) {
        let equals = memchr::memchr(b'=', attribute).unwrap_or(attribute.len());
        let (name, value) = attribute.split_at_checked(equals).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if value.len() > MOST_VALUE_BYTES {
            continue;
        }
        match name.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"max-age") => by_age = is_over(value).or(by_age),
            name if name.eq_ignore_ascii_case(b"expires") => by_date = date(value).or(by_date),
            _ => {}
        }
    }
    by_age.unwrap_or_else(|| by_date.is_some_and(|date| date <= OffsetDateTime::now_utc()))
}

/// Whether this `Max-Age` is zero or less. None for what is no number.
fn is_over(value: &[u8]) -> Option<bool> {
    let digits = value.strip_prefix(b"-");
    let is_negative = digits.is_some();
    let digits = digits.unwrap_or(value);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| is_negative || digits.iter().all(|&digit| digit == b'0'))
}

/// A date in any of the forms that browsers take (RFC 6265bis, 5.1.1).
fn date(value: &[u8]) -> Option<OffsetDateTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in value.split(|&byte| is_delimiter(byte)) {
        if time.is_none()
            && let Some(found) = time_of_day(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some((found, _)) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some((found, _)) = number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let year = match year? {
        short @ 70..=99 => short + 1900,
        short @ 0..=69 => short + 2000,
        year => year,
    };
    let (hour, minute, second) = time?;
    let day = u8::try_from(day?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month?, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    (year >= 1601).then(|| PrimitiveDateTime::new(date, time).assume_utc())
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// The number that a token begins with, if it has so many digits and no more, and what follows.
fn number(token: &[u8], least: usize, most: usize) -> Option<(u16, &[u8])> {
    let length = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = token.split_at_checked(length)?;
    let digits = std::str::from_utf8(digits).ok()?;
    if (least..=most).contains(&length) { Some((digits.parse().ok()?, rest)) } else { None }
}

fn time_of_day(token: &[u8]) -> Option<(u8, u8, u8)> {
    let (hour, rest) = number(token, 1, 2)?;
    let (minute, rest) = number(rest.strip_prefix(b":")?, 1, 2)?;
    let (second, _) = number(rest.strip_prefix(b":")?, 1, 2)?;
    let small = |number: u16| u8::try_from(number).ok();
    Some((small(hour)?, small(minute)?, small(second)?))
}

fn month_of(token: &[u8]) -> Option<Month> {
    const NAMES: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let name = token.get(..3)?.to_ascii_lowercase();
    let index = NAMES.chunks(3).position(|known| known == name)?;
    Month::try_from(u8::try_from(index).ok()? + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_only_what_a_browser_takes_for_a_deletion_is_one() {
        for (line, expected) in [
            ("a=; Max-Age=0", true),
            ("a=; max-age=-1", true),
            ("a=;Max-Age = 0 ;Path=/", true),
            ("a=; Max-Age=-99999999999999999999", true),
            ("a=; Max-Age=60; Max-Age=0", true),
            ("a=; Max-Age=0; Max-Age=x", true),
            ("a=1; Max-Age=0; Max-Age=60", false),
            ("a=1; Max-Age=60", false),
            ("a=1; Max-Age=99999999999999999999; Expires=Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("a=; Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", true),
            ("a=; Max-Age=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", true),
            ("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0", true),
            (
                "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=Fri, 01 Jan 2999 00:00:00 GMT",
                false,
            ),
            ("a=; Expires=Fri, 01 Jan 2999 00:00:00 GMT", false),
            ("a=; Max-Age=-", false),
            ("a=; Max-Age=+0", false),
            ("a=; Max-Age=0x0", false),
            ("a=; Max-Age=x", false),
            ("a=; Max-Age", false),
            ("a=Max-Age=0", false),
            ("a=", false),
            ("", false),
        ] {
            assert_eq!(is_deletion(line.as_bytes()), expected, "{line}");
        }
        let padded = format!("a=1; Max-Age={}", "0".repeat(MOST_VALUE_BYTES + 1));
        assert!(!is_deletion(padded.as_bytes()));
    }

    #[test]
    fn g3_dates_are_read_as_browsers_read_them() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-1970 00:00:00 GMT", Some(0)),
            ("Thursday, 01-Jan-70 00:00:00 GMT", Some(0)),
            ("Thu Jan  1 00:00:00 1970", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 UTC", Some(0)),
            ("1 january 1970 0:0:1", Some(1)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
            ("00:00:00 01 Jan 69", Some(3_124_224_000)),
            ("Mon, 01 Jan 1600 00:00:00 GMT", None),
            ("Sun, 30 Feb 2000 00:00:00 GMT", None),
            ("Thu, 01 Jan 1970 24:00:00 GMT", None),
            ("Thu, 01 Jan 1970 00:00 GMT", None),
            ("Thu, 01 Jan 19700 00:00:00 GMT", None),
            ("Thu, 001 Jan 1970 00:00:00 GMT", None),
            ("1970-01-01T00:00:00Z", None),
            ("0", None),
            ("-1", None),
            ("", None),
        ] {
            let read = date(text.as_bytes()).map(OffsetDateTime::unix_timestamp);
            assert_eq!(read, expected, "{text}");
        }
    }
}
