//! What the visitor decided, and the cookie that keeps it.

mod common;

use common::{
    chosen, empty, exchange, exchange_with, get, layer, lines, now, ok, post, state, visit,
};
use http::header;
use proptest::prelude::*;
use tower_consent::{
    Category, Choice, Consent, ConsentLayer, How, Policy, PolicyBuilder, Regime, Vendor, category,
};

fn policy() -> PolicyBuilder {
    Policy::builder("Example News")
        .cookie("session", category::NECESSARY)
        .cookie("_ga", category::ANALYTICS)
        .cookie("_fbp", category::MARKETING)
}

fn opt_in() -> ConsentLayer {
    layer(policy().build().unwrap())
}

fn opt_out() -> ConsentLayer {
    layer(policy().regime(Regime::OptOut).build().unwrap())
}

/// What the application is told of a visitor who sends this choice cookie.
fn consent(layer: &ConsentLayer, choice: &str) -> Consent {
    exchange(layer, visit(choice), ok()).app().extensions.get::<Consent>().unwrap().clone()
}

/// How a visitor who sends this choice cookie stands: decided, and which of these are allowed.
fn stands(layer: &ConsentLayer, choice: &str) -> (bool, Vec<&'static str>) {
    let consent = consent(layer, choice);
    let slugs = ["necessary", "preferences", "analytics", "marketing", "chat", "v"];
    (consent.is_decided(), slugs.into_iter().filter(|slug| consent.allows(slug)).collect())
}

#[test]
fn c1_nothing_optional_is_allowed_however_often_one_comes() {
    let layer = opt_in();
    for _ in 0..10 {
        let seen = exchange(&layer, get("/").body(empty()).unwrap(), ok());
        let consent = seen.app().extensions.get::<Consent>().unwrap();
        assert!(!consent.is_decided());
        assert!(consent.choice().is_none());
        for slug in [category::PREFERENCES, category::ANALYTICS, category::MARKETING] {
            assert!(!consent.allows(slug), "{slug}");
        }
        assert!(consent.allows(category::NECESSARY));
        assert!(seen.set_cookies().is_empty(), "coming is not choosing");
    }
}

#[test]
fn k1_the_choice_cookie_has_exactly_these_attributes() {
    for (form, how, answers) in [
        ("choice=accept", "accept", "+preferences+analytics+marketing"),
        ("choice=reject", "reject", "-preferences-analytics-marketing"),
        ("choice=save&allow=analytics", "save", "-preferences+analytics-marketing"),
    ] {
        let before = now();
        let answer = exchange(&opt_in(), post(form), ok());
        let made = (before..=now()).map(|at| {
            format!(
                "__Host-consent=1.1.{at}.{how}.{answers}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=15552000"
            )
        });
        let [line] = &answer.set_cookies()[..] else { panic!("{:?}", answer.set_cookies()) };
        assert!(made.into_iter().any(|made| made == *line), "{line}");
    }
}

#[test]
fn k1_with_a_domain_the_prefix_is_secure() {
    let layer = layer(policy().choice_cookie_domain("example.com").build().unwrap());
    let answer = exchange(&layer, post("choice=reject"), ok());
    let [line] = &answer.set_cookies()[..] else { panic!("{:?}", answer.set_cookies()) };
    assert!(line.starts_with("__Secure-consent=1.1."), "{line}");
    assert!(
        line.ends_with(
            "; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=15552000"
        ),
        "{line}"
    );
}

#[test]
fn k1_for_development_it_is_plain_and_says_so_nowhere_else() {
    let layer = layer(policy().insecure_cookie_for_development().build().unwrap());
    let answer = exchange(&layer, post("choice=reject"), ok());
    let [line] = &answer.set_cookies()[..] else { panic!("{:?}", answer.set_cookies()) };
    assert!(line.starts_with("consent=1.1."), "{line}");
    assert!(line.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=15552000"), "{line}");
}

#[test]
fn c5_a_choice_lives_as_long_as_declared_accept_and_refuse_alike() {
    for (days, seconds) in [(1, 86_400), (400, 34_560_000)] {
        let layer = layer(policy().lifetime_days(days).build().unwrap());
        for form in ["choice=accept", "choice=reject"] {
            let [line] = &exchange(&layer, post(form), ok()).set_cookies()[..] else { panic!() };
            assert!(line.ends_with(&format!("; Max-Age={seconds}")), "{line}");
        }
    }
}

#[test]
fn c4_a_choice_is_per_category_and_per_vendor_that_is_asked() {
    let asked = Vendor::new("v", "V", category::ANALYTICS).ask_separately();
    let follows = Vendor::new("w", "W", category::ANALYTICS);
    let layer = layer(policy().vendor(asked).vendor(follows).build().unwrap());
    for (answers, v, w) in [
        ("-preferences+analytics-marketing-v", false, true),
        ("-preferences-analytics-marketing+v", true, false),
    ] {
        let consent = consent(&layer, &chosen(answers));
        assert!(consent.is_decided());
        assert_eq!((consent.allows("v"), consent.allows("w")), (v, w), "{answers}");
    }
}

#[test]
fn c6_what_was_chosen_holds_and_is_not_asked_again() {
    for layer in [opt_in(), opt_out()] {
        assert_eq!(
            stands(&layer, &chosen("-preferences+analytics-marketing")),
            (true, vec!["necessary", "analytics"])
        );
    }
    let old = format!("1.1.{}.save.+preferences+analytics-marketing", now() - 179 * 86_400);
    assert_eq!(stands(&opt_in(), &old), (true, vec!["necessary", "preferences", "analytics"]));
}

#[test]
fn c6_under_another_revision_an_old_yes_is_void_and_an_old_no_still_holds() {
    let answers = "+preferences+analytics-marketing";
    for revision in [1, 3] {
        let old = format!("1.{revision}.{}.save.{answers}", now());
        let strict = layer(policy().revision(2).build().unwrap());
        assert_eq!(stands(&strict, &old), (false, vec!["necessary"]));
        let loose = layer(policy().revision(2).regime(Regime::OptOut).build().unwrap());
        assert_eq!(stands(&loose, &old), (false, vec!["necessary", "preferences", "analytics"]));
    }
}

#[test]
fn c6_what_was_added_is_asked_and_the_rest_still_holds() {
    let old = chosen("-preferences+analytics-marketing");
    let chat = Category::new("chat").name("Live chat");
    let vendor = Vendor::new("v", "V", category::ANALYTICS).ask_separately();
    for added in [policy().category(chat), policy().vendor(vendor)] {
        let strict = layer(added.clone().build().unwrap());
        assert_eq!(stands(&strict, &old), (false, vec!["necessary", "analytics"]));
        let loose = layer(added.clone().regime(Regime::OptOut).build().unwrap());
        let (decided, allowed) = stands(&loose, &old);
        assert!(!decided);
        assert!(allowed.contains(&"analytics") && !allowed.contains(&"marketing"), "{allowed:?}");
    }
    // A vendor that follows its category needs no answer of its own.
    let follows = policy().vendor(Vendor::new("v", "V", category::ANALYTICS)).build().unwrap();
    assert_eq!(stands(&layer(follows), &old), (true, vec!["necessary", "analytics", "v"]));
}

#[test]
fn c6_what_the_policy_dropped_does_not_void_the_rest() {
    let old = chosen("+chat-preferences+analytics-marketing-old_vendor");
    assert_eq!(stands(&opt_in(), &old), (true, vec!["necessary", "analytics"]));
}

#[test]
fn c14_what_is_not_one_whole_current_choice_is_none() {
    let at = now();
    let all = "+preferences+analytics+marketing";
    let long = format!("1.1.{at}.save.{all}{}", "+x".repeat(400));
    let cases = [
        ("empty", String::new()),
        ("truncated", format!("1.1.{at}.sav")),
        ("truncated at a slug", format!("1.1.{at}.save.+")),
        ("oversized", long),
        ("unknown version", format!("2.1.{at}.save.{all}")),
        ("no version", format!("1.{at}.save.{all}")),
        ("more fields", format!("1.1.{at}.save.{all}.receipt.x")),
        ("unknown way", format!("1.1.{at}.guess.{all}")),
        ("future", format!("1.1.{}.save.{all}", at + 3600)),
        ("far future", format!("1.1.{}.save.{all}", u64::MAX)),
        ("past all numbers", format!("1.1.99999999999999999999999.save.{all}")),
        ("expired", format!("1.1.{}.save.{all}", at - 180 * 86_400 - 2)),
        ("1970", format!("1.1.0.save.{all}")),
        ("negative", format!("1.1.-1.save.{all}")),
        ("revision past all numbers", format!("1.4294967296.{at}.save.{all}")),
        ("a slug twice", format!("1.1.{at}.save.+analytics+analytics")),
        ("a slug both ways", format!("1.1.{at}.save.+analytics-analytics")),
        ("no sign", format!("1.1.{at}.save.analytics")),
        ("upper case", format!("1.1.{at}.save.+Analytics")),
        ("quoted", format!("\"1.1.{at}.save.{all}\"")),
        ("percent-encoded", format!("1.1.{at}.save.%2Banalytics")),
        ("what is never asked", format!("1.1.{at}.save.{all}-necessary")),
        ("what is never asked", format!("1.1.{at}.save.{all}+necessary")),
        ("UTF-8", format!("1.1.{at}.save.{all}\u{e9}")),
    ];
    for layer in [opt_in(), opt_out()] {
        let without = exchange(&layer, get("/").body(empty()).unwrap(), ok());
        let without = without.app().extensions.get::<Consent>().unwrap().clone();
        for (what, value) in &cases {
            let consent = consent(&layer, value);
            assert!(consent.choice().is_none(), "{what}: {value}");
            assert!(!consent.is_decided(), "{what}: {value}");
            assert!(consent.allows(category::NECESSARY), "{what}: {value}");
            for slug in [category::PREFERENCES, category::ANALYTICS, category::MARKETING] {
                assert_eq!(consent.allows(slug), without.allows(slug), "{what}: {value}");
            }
        }
    }
}

#[test]
fn c14_the_last_second_counts_and_a_clock_may_be_a_little_ahead() {
    let last = format!("1.1.{}.accept.+preferences+analytics+marketing", now() - 180 * 86_400 + 5);
    assert!(stands(&opt_in(), &last).0);
    let ahead = format!("1.1.{}.accept.+preferences+analytics+marketing", now() + 60);
    assert!(stands(&opt_in(), &ahead).0);
}

#[test]
fn c14_a_cookie_of_bytes_that_are_no_text_is_no_choice() {
    let value =
        [b"__Host-consent=1.1.1.save.+analytics\xff\xfe".as_slice(), b"__Host-consent=\x80"];
    for value in value {
        let value = http::HeaderValue::from_bytes(value).unwrap();
        let request = get("/").header(header::COOKIE, value).body(empty()).unwrap();
        let exchange = exchange(&opt_in(), request, ok());
        assert!(exchange.app().extensions.get::<Consent>().unwrap().choice().is_none());
    }
}

#[test]
fn c14_names_match_exactly() {
    for name in
        ["consent", "__host-consent", "__Host-Consent", "__Secure-consent", "x__Host-consent"]
    {
        let cookie = format!("{name}={}", chosen("+preferences+analytics+marketing"));
        let state = state(&opt_in(), &[("cookie", &cookie)]);
        assert_eq!(state["decided"], false, "{name}");
    }
}

#[test]
fn k5_several_choice_cookies_are_no_choice() {
    let yes = format!("__Host-consent={}", chosen("+preferences+analytics+marketing"));
    let no = format!("__Host-consent={}", chosen("-preferences-analytics-marketing"));
    let layer = opt_in();
    for lines in [
        vec![format!("{yes}; {yes}")],
        vec![format!("{yes}; session=1; {no}")],
        vec![format!("{no}; {yes}")],
        vec![yes.clone(), no],
        vec![yes.clone(), "__Host-consent=".to_owned()],
        vec![format!("__Host-consent = x; {yes}")],
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("cookie", line.as_str())).collect();
        let state = state(&layer, &headers);
        assert_eq!(state["decided"], false, "{lines:?}");
        assert_eq!(state["categories"]["analytics"], false, "{lines:?}");
    }
    assert_eq!(state(&layer, &[("cookie", &yes)])["decided"], true);
}

#[test]
fn k5_the_next_choice_cleans_up() {
    let shared = layer(policy().choice_cookie_domain("example.com").build().unwrap());
    let mut request = post("choice=reject");
    let value = chosen("+preferences+analytics+marketing");
    let cookie = format!("__Secure-consent={value}; __Secure-consent=x");
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    let lines = exchange(&shared, request, ok()).set_cookies();
    let (choice, expiries) = lines.split_last().unwrap();
    assert!(choice.starts_with("__Secure-consent=1.1."), "{choice}");
    let past = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure";
    assert_eq!(
        expiries,
        [
            format!("__Secure-consent=; Path=/; {past}"),
            format!("__Secure-consent=; Path=/; Domain=www.example.com; {past}"),
            format!("__Secure-consent=; Path=/; {past}; SameSite=None; Partitioned"),
            format!(
                "__Secure-consent=; Path=/; Domain=www.example.com; {past}; SameSite=None; Partitioned"
            ),
            format!(
                "__Secure-consent=; Path=/; Domain=example.com; {past}; SameSite=None; Partitioned"
            ),
        ],
        "every place but the one where the next goes"
    );

    // A second `__Host-` cookie can only lie in a partition.
    let mut request = post("choice=reject");
    let cookie = format!("__Host-consent={value}; __Host-consent=x");
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    let lines = exchange(&layer(policy().build().unwrap()), request, ok()).set_cookies();
    let expiry = format!("__Host-consent=; Path=/; {past}; SameSite=None; Partitioned");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines.first(), Some(&expiry));
}

#[test]
fn k5_one_choice_cookie_is_not_expired_even_where_a_glob_takes_it_in() {
    let layer = layer(policy().cookie("*consent", category::MARKETING).build().unwrap());
    let mut request = post("choice=reject");
    let cookie = format!("__Host-consent={}", chosen("+preferences+analytics+marketing"));
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    let answer = exchange(&layer, request, ok());
    assert_eq!(answer.set_cookies().len(), 1, "{:?}", answer.set_cookies());
    assert!(answer.choice().is_some());
}

#[test]
fn k2_the_value_is_plain_and_says_what_it_means() {
    let chat = Category::new("live-chat").name("Live chat");
    let vendor = Vendor::new("example-video", "Example Video", "live-chat").ask_separately();
    let layer = layer(policy().category(chat).vendor(vendor).build().unwrap());
    let form = "choice=save&allow=example-video&allow=analytics";
    let value = exchange(&layer, post(form), ok()).choice().unwrap();
    assert!(
        value.ends_with(".save.-preferences+analytics-marketing-live_chat+example_video"),
        "{value}"
    );
    let is_cookie_octet = |byte: u8| {
        byte == 0x21
            || (0x23..=0x2b).contains(&byte)
            || (0x2d..=0x3a).contains(&byte)
            || (0x3c..=0x5b).contains(&byte)
            || (0x5d..=0x7e).contains(&byte)
    };
    assert!(value.bytes().all(|byte| is_cookie_octet(byte) && byte != b'%'), "{value}");
    let consent = consent(&layer, &value);
    assert!(
        consent.is_decided() && consent.allows("example-video") && !consent.allows("live-chat")
    );
}

#[test]
fn k2_twenty_categories_and_vendors_take_at_most_512_bytes() {
    let policy = (0..10).fold(policy(), |policy, index| {
        policy.category(Category::new(format!("our-category-no-{index}")).name("Ours"))
    });
    let policy = (0..7).fold(policy, |policy, index| {
        policy.vendor(
            Vendor::new(format!("an-example-vendor-{index}"), "V", "analytics").ask_separately(),
        )
    });
    let layer = layer(policy.revision(u32::MAX).build().unwrap());
    let mut request = post("choice=accept");
    request.headers_mut().insert("sec-gpc", "1".parse().unwrap());
    let value = exchange(&layer, request, ok()).choice().unwrap();
    assert_eq!(value.matches('+').count(), 20, "{value}");
    assert!("__Host-consent=".len() + value.len() <= 512, "{}", value.len());
    assert!(consent(&layer, &value).is_decided());
}

#[test]
fn k3_two_visitors_who_refuse_in_one_second_get_the_same_bytes() {
    let layer = opt_in();
    let refuse = |agent: &str, language: &str| {
        let mut request = post("choice=reject");
        request.headers_mut().insert(header::USER_AGENT, agent.parse().unwrap());
        request.headers_mut().insert(header::ACCEPT_LANGUAGE, language.parse().unwrap());
        exchange(&layer, request, ok()).set_cookies()
    };
    // The clock may tick between the two, once.
    let same = (0..3).any(|_| refuse("A/1", "de") == refuse("B/2 (iPhone)", "pt-BR"));
    assert!(same);
}

#[test]
fn c13_a_choice_says_when_how_and_under_which_revision() {
    let at = now() - 1000;
    let layer = layer(policy().revision(7).build().unwrap());
    for (word, how, with_gpc) in [
        ("accept", How::Accept, false),
        ("reject", How::Reject, false),
        ("save-gpc", How::Save, true),
        ("app", How::App, false),
    ] {
        let consent = consent(&layer, &format!("1.6.{at}.{word}.-analytics"));
        let choice: &Choice = consent.choice().unwrap();
        assert_eq!(choice.how(), how);
        assert_eq!(choice.was_made_with_gpc(), with_gpc);
        assert_eq!(choice.revision(), 6);
        assert_eq!(choice.at().unix_timestamp().unsigned_abs(), at);
    }
}

#[cfg(feature = "tracing")]
#[test]
fn c14_bad_choice_cookies_are_not_logged() {
    let log = common::log(|| {
        let layer = opt_in();
        for index in 0..100 {
            consent(&layer, &format!("1.1.{index}.forged"));
        }
    });
    assert_eq!(log, "");
}

#[cfg(feature = "signed")]
mod signed {
    use tower_consent::Key;

    use super::*;

    fn with(key: &Key) -> ConsentLayer {
        opt_in().signing_key(key.clone())
    }

    fn signed(layer: &ConsentLayer) -> String {
        exchange(layer, post("choice=accept"), ok()).choice().unwrap()
    }

    #[test]
    fn k4_a_signed_choice_holds() {
        let layer = with(&Key::generate());
        let value = signed(&layer);
        assert!(value.contains("accept"), "signed, not hidden: {value}");
        assert!(stands(&layer, &value).0);
        assert_eq!(stands(&layer, &value).1.len(), 4);
    }

    #[test]
    fn k4_unsigned_wrongly_signed_or_changed_is_no_choice() {
        let layer = with(&Key::generate());
        let value = signed(&layer);
        let unsigned = chosen("+preferences+analytics+marketing");
        let other = signed(&with(&Key::generate()));
        let mac_of_other = format!("{}{}", &other[..44], &value[44..]);
        let more = value.replace("+marketing", "+marketing+chat");
        let later = value.replace(".accept.", ".save.");
        let swapped_case = format!("{}{}", value[..44].to_lowercase(), &value[44..]);
        for (what, forged) in [
            ("unsigned", unsigned),
            ("key of another site", other),
            ("another's signature", mac_of_other),
            ("an answer more", more),
            ("another way", later),
            ("signature only", value[..44].to_owned()),
            ("cut signature", value[1..].to_owned()),
            ("cut value", value[..value.len() - 1].to_owned()),
            ("changed signature", swapped_case),
            ("twice signed", format!("{}{value}", &value[..44])),
        ] {
            assert_ne!(forged, value, "{what}");
            assert_eq!(stands(&layer, &forged), (false, vec!["necessary"]), "{what}: {forged}");
        }
    }

    #[test]
    fn k4_the_longest_choice_is_read_back_with_its_signature() {
        let slug = |index: usize| format!("v{index:031}");
        let policy = (0..12).fold(policy(), |policy, index| {
            policy.vendor(Vendor::new(slug(index), "V", "analytics").ask_separately())
        });
        let layer = layer(policy.revision(u32::MAX).build().unwrap()).signing_key(Key::generate());
        let value = signed(&layer);
        assert!(value.len() > 470, "{}", value.len());
        assert!(consent(&layer, &value).is_decided());
    }

    proptest! {
        #[test]
        fn k4_any_changed_byte_voids_the_choice(at in 0..150_usize, byte in "[a-zA-Z0-9+/=.-]") {
            let layer = with(&Key::from(&[7; 64]));
            let value = signed(&layer);
            let at = at % value.len();
            let changed = format!("{}{byte}{}", &value[..at], &value[at + 1..]);
            prop_assume!(changed != value);
            prop_assert!(consent(&layer, &changed).choice().is_none(), "{}", changed);
        }
    }
}

proptest! {
    /// Whatever the cookie says, `necessary` is allowed, the layer writes what it reads, and a
    /// choice that is read was written in the one form.
    #[test]
    fn c14_any_cookie_is_a_choice_in_its_one_form_or_none(
        head in prop_oneof![Just("1.1.{now}.save.".to_owned()), "[ -:<-~]{0,20}"],
        tail in prop_oneof!["([+-](necessary|preferences|analytics|marketing|x)){0,5}", "[ -:<-~]{0,60}"],
    ) {
        let value = format!("{}{tail}", head.replace("{now}", &now().to_string()));
        for layer in [opt_in(), opt_out()] {
            let consent = consent(&layer, &value);
            prop_assert!(consent.allows(category::NECESSARY));
            if consent.choice().is_some() {
                prop_assert!(value.trim().starts_with("1.1."), "{}", value);
                prop_assert!(!value.contains("necessary"), "{}", value);
            }
        }
    }

    #[test]
    fn c14_any_bytes_in_the_cookie_never_panic_and_grant_nothing(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let bytes = [b"__Host-consent=", bytes.as_slice()].concat();
        let Ok(value) = http::HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let request = get("/").header(header::COOKIE, value).body(empty()).unwrap();
        let answer = exchange_with(&opt_in(), request, |parts| {
            assert!(!parts.extensions.get::<Consent>().unwrap().allows(category::ANALYTICS));
            ok()
        });
        prop_assert!(lines(&answer.headers, "set-cookie").is_empty());
    }
}
