//! What holds for a request, and how the application changes it.

mod common;

use common::{
    Body, Exchange, chosen, empty, exchange, exchange_with, get, layer, now, ok, post, state,
};
use http::{Request, Response, header};
use tower_consent::{
    Category, Choice, Consent, ConsentLayer, How, NoTracking, Policy, PolicyBuilder, Regime,
    Undeclared, Vendor, category,
};

const OPTIONAL: [&str; 3] = [category::PREFERENCES, category::ANALYTICS, category::MARKETING];
const ALL: [&str; 4] =
    [category::NECESSARY, category::PREFERENCES, category::ANALYTICS, category::MARKETING];

fn policy(regime: Regime) -> PolicyBuilder {
    Policy::builder("Example News")
        .regime(regime)
        .cookie("session", category::NECESSARY)
        .cookie("lang", category::PREFERENCES)
        .cookie("_ga", category::ANALYTICS)
        .cookie("_fbp", category::MARKETING)
}

fn site(regime: Regime) -> ConsentLayer {
    layer(policy(regime).build().unwrap())
}

fn request(headers: &[(&str, &str)]) -> Request<Body> {
    let request =
        headers.iter().fold(get("/"), |request, (name, value)| request.header(*name, *value));
    request.body(empty()).unwrap()
}

fn consent(layer: &ConsentLayer, headers: &[(&str, &str)]) -> Consent {
    consent_of(&exchange(layer, request(headers), ok()))
}

fn consent_of(exchange: &Exchange) -> Consent {
    exchange.app().extensions.get::<Consent>().expect("the layer's consent").clone()
}

fn allowed(consent: &Consent) -> Vec<&'static str> {
    ALL.into_iter().filter(|slug| consent.allows(slug)).collect()
}

fn cookie(value: &str) -> String {
    format!("__Host-consent={value}")
}

/// The choice cookie that comes with this response of a handler.
fn answers(
    layer: &ConsentLayer,
    headers: &[(&str, &str)],
    choose: impl Fn(&Consent) -> Choice,
) -> String {
    let answer = exchange_with(layer, request(headers), |parts| {
        let mut response = ok();
        response.extensions_mut().insert(choose(parts.extensions.get().unwrap()));
        response
    });
    let value = answer.choice().expect("a choice cookie");
    value.splitn(4, '.').nth(3).unwrap().to_owned()
}

#[test]
fn c8_each_regime_has_its_own_start() {
    for (regime, expected) in
        [(Regime::OptIn, &ALL[..1]), (Regime::OptOut, &ALL[..]), (Regime::Notice, &ALL[..])]
    {
        let consent = consent(&site(regime), &[]);
        assert_eq!(consent.regime(), regime);
        assert_eq!(allowed(&consent), expected, "{regime:?}");
        assert!(!consent.is_decided(), "{regime:?}: the visitor is still to be told");
    }
}

#[test]
fn c8_an_opt_out_holds() {
    for regime in [Regime::OptOut, Regime::Notice] {
        let value = cookie(&chosen("-preferences-analytics-marketing"));
        let consent = consent(&site(regime), &[("cookie", &value)]);
        assert_eq!(allowed(&consent), ["necessary"], "{regime:?}");
        assert!(consent.is_decided());
    }
}

#[test]
fn c9_gpc_is_exactly_1_on_any_line() {
    let layer = site(Regime::OptOut);
    for (lines, expected) in [
        (&["1"][..], true),
        (&["0", "1"], true),
        (&["1", "true"], true),
        (&["x", "", "1"], true),
        (&["0"], false),
        (&["true"], false),
        (&["1;x"], false),
        (&["1, 1"], false),
        (&["01"], false),
        (&["11"], false),
        (&["?1"], false),
        (&["\"1\""], false),
        (&[""], false),
        (&[" 1"], false),
        (&["1 "], false),
        (&["\u{ff11}"], false),
        (&[], false),
    ] {
        // Blanks around a value go when it is read off the wire; one that is left is no `1`.
        let headers: Vec<_> = lines.iter().map(|&line| ("sec-gpc", line)).collect();
        let consent = consent(&layer, &headers);
        assert_eq!(consent.has_gpc(), expected, "{lines:?}");
        let left = if expected { &ALL[..2] } else { &ALL[..] };
        assert_eq!(allowed(&consent), left, "{lines:?}");
    }
}

#[test]
fn c9_gpc_holds_from_the_first_response() {
    for (regime, passes) in [
        (Regime::OptIn, &["session=1"][..]),
        (Regime::OptOut, &["session=1", "lang=1"]),
        (Regime::Notice, &["session=1", "lang=1"]),
    ] {
        let mut response = ok();
        for line in ["session=1", "lang=1", "_ga=1", "_fbp=1", "undeclared=1"] {
            response.headers_mut().append(header::SET_COOKIE, line.parse().unwrap());
        }
        let answer = exchange(&site(regime), request(&[("sec-gpc", "1")]), response);
        assert_eq!(answer.set_cookies(), passes, "{regime:?}");
    }
}

#[test]
fn c9_gpc_grants_nothing_and_denies_what_sells_alone() {
    let with_gpc = consent(&site(Regime::OptIn), &[("sec-gpc", "1")]);
    assert_eq!(allowed(&with_gpc), ["necessary"]);
    assert!(!with_gpc.is_decided(), "the rest is still to be asked");
    let policy = policy(Regime::OptOut)
        .category(Category::new(category::ANALYTICS).sells_or_shares(false))
        .category(Category::new("partners").name("Partners").sells_or_shares(true))
        .vendor(Vendor::new("v", "V", category::MARKETING).ask_separately())
        .vendor(Vendor::new("w", "W", category::PREFERENCES).ask_separately());
    let with_gpc = consent(&layer(policy.build().unwrap()), &[("sec-gpc", "1")]);
    assert_eq!(allowed(&with_gpc), ["necessary", "preferences", "analytics"]);
    assert!(!with_gpc.allows("partners"));
    assert!(!with_gpc.allows("v"), "a vendor sells as its category does");
    assert!(with_gpc.allows("w"));
}

#[test]
fn c10_an_older_accept_does_not_override_gpc() {
    let yes = cookie(&chosen("+preferences+analytics+marketing"));
    for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
        let layer = site(regime);
        let consent = consent(&layer, &[("cookie", &yes), ("sec-gpc", "1")]);
        assert_eq!(allowed(&consent), ["necessary", "preferences"], "{regime:?}");
        let state = state(&layer, &[("cookie", &yes), ("sec-gpc", "1")]);
        assert_eq!(state["gpc"], true);
        assert_eq!(state["categories"]["marketing"], false);
    }
}

#[test]
fn c10_a_choice_made_with_gpc_does_and_is_recorded_so() {
    for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
        let layer = site(regime);
        let mut accept = post("choice=accept");
        accept.headers_mut().insert("sec-gpc", "1".parse().unwrap());
        let value = exchange(&layer, accept, ok()).choice().unwrap();
        assert!(value.ends_with(".accept-gpc.+preferences+analytics+marketing"), "{value}");
        let cookie = cookie(&value);
        for headers in [&[("cookie", &*cookie), ("sec-gpc", "1")][..], &[("cookie", &cookie)]] {
            let consent = consent(&layer, headers);
            assert_eq!(allowed(&consent), ALL, "{regime:?}");
            assert!(consent.choice().unwrap().was_made_with_gpc());
        }
    }
    let without = exchange(&site(Regime::OptIn), post("choice=accept"), ok()).choice().unwrap();
    assert!(!without.contains("gpc"), "{without}");
}

#[test]
fn c10_a_choice_made_with_gpc_overrides_it_for_what_it_granted_alone() {
    let old = format!("1.1.{}.accept-gpc.+preferences+analytics+marketing", now());
    let headers = [("cookie", &*cookie(&old)), ("sec-gpc", "1")];
    for regime in [Regime::OptOut, Regime::Notice] {
        // Another revision voids the "yes", and with it the exception from the signal.
        let bumped = layer(policy(regime).revision(2).build().unwrap());
        assert_eq!(
            allowed(&consent(&bumped, &headers)),
            ["necessary", "preferences"],
            "{regime:?}"
        );
        // What was added since was never said "yes" to.
        let added = Category::new("partners").name("Partners").sells_or_shares(true);
        let added = layer(policy(regime).category(added).build().unwrap());
        let consent = consent(&added, &headers);
        assert_eq!(allowed(&consent), ALL, "{regime:?}");
        assert!(!consent.allows("partners"), "{regime:?}");
        assert!(!consent.is_decided(), "{regime:?}");
    }
}

#[test]
fn c10_where_one_opts_out_the_signal_is_the_answer() {
    let asks = |regime| !consent(&site(regime), &[("sec-gpc", "1")]).is_decided();
    assert!(!asks(Regime::OptOut), "the signal has opted out");
    assert!(asks(Regime::OptIn) && asks(Regime::Notice));
    // The page says that the opt-out is honored.
    let page = || {
        let page = Response::builder().header(header::CONTENT_TYPE, "text/html");
        page.body(Body::from("<!doctype html><body>x")).unwrap()
    };
    let says = "Global Privacy Control signal is honored";
    let honored = exchange(&site(Regime::OptOut), request(&[("sec-gpc", "1")]), page()).body;
    assert!(honored.contains(says), "{honored}");
    assert!(!exchange(&site(Regime::OptOut), request(&[]), page()).body.contains(says));
}

#[test]
fn c10_where_one_opts_out_the_signal_answers_what_an_earlier_choice_left_open() {
    let chat = || Category::new("chat").name("Chat");
    let yes = cookie(&chosen("+preferences+analytics+marketing"));
    let [bumped, extended] = [
        policy(Regime::OptOut).revision(2).build().unwrap(),
        policy(Regime::OptOut).category(chat()).build().unwrap(),
    ]
    .map(layer);
    for site in [&bumped, &extended] {
        assert!(consent(site, &[("cookie", &yes), ("sec-gpc", "1")]).is_decided());
        assert!(
            !consent(site, &[("cookie", &yes)]).is_decided(),
            "without the signal one is asked"
        );
    }
}

#[test]
fn c10_a_handlers_change_does_not_renew_what_the_signal_overrides() {
    let yes = cookie(&chosen("+preferences+analytics+marketing"));
    for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
        let site = site(regime);
        let answers = |choose: &dyn Fn(&Consent) -> Choice| {
            answers(&site, &[("cookie", &yes), ("sec-gpc", "1")], choose)
        };
        assert_eq!(
            answers(&|it| it.allow("preferences").unwrap()),
            "app-gpc.+preferences-analytics-marketing"
        );
        assert_eq!(
            answers(&|it| it.allow("marketing").unwrap()),
            "app-gpc.+preferences-analytics+marketing"
        );
        assert_eq!(
            answers(&|it| it.deny("preferences").unwrap()),
            "app-gpc.-preferences-analytics-marketing"
        );
    }
}

#[test]
fn c6_a_handlers_change_keeps_an_old_no_under_another_revision() {
    let layer = layer(policy(Regime::OptOut).revision(2).build().unwrap());
    let old = cookie(&chosen("+preferences+analytics-marketing"));
    assert_eq!(
        answers(&layer, &[("cookie", &old)], |it| it.allow("preferences").unwrap()),
        "app.+preferences-marketing"
    );
}

#[test]
fn c12_no_tracking_of_the_request_forces_all_optional_off() {
    let yes = cookie(&format!("1.1.{}.accept-gpc.+preferences+analytics+marketing", now()));
    for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
        let policy = policy(regime).vendor(Vendor::new("v", "V", category::MARKETING));
        let mut request = request(&[("cookie", &format!("session=1; _ga=1; {yes}"))]);
        request.extensions_mut().insert(NoTracking);
        let answer = exchange_with(&layer(policy.build().unwrap()), request, |_| {
            let mut response = ok();
            for line in ["session=1", "lang=1", "_ga=1", "_fbp=1"] {
                response.headers_mut().append(header::SET_COOKIE, line.parse().unwrap());
            }
            response
        });
        let consent = consent_of(&answer);
        assert_eq!(allowed(&consent), ["necessary"], "{regime:?}");
        assert!(!consent.allows("v"));
        assert!(consent.is_decided(), "there is nothing to ask");
        assert_eq!(answer.cookies_seen(), [format!("session=1; {yes}")]);
        assert_eq!(answer.set_cookies(), ["session=1"]);
    }
}

#[test]
fn c12_no_tracking_of_the_response_forces_all_optional_off() {
    let yes = cookie(&chosen("+preferences+analytics+marketing"));
    for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
        for undeclared in [Undeclared::Block, Undeclared::Allow] {
            let layer = layer(policy(regime).undeclared(undeclared).build().unwrap());
            let answer = |no_tracking: bool| {
                exchange_with(&layer, request(&[("cookie", &yes)]), |_| {
                    let mut response = ok();
                    for line in ["session=1", "_ga=1", "_fbp=1"] {
                        response.headers_mut().append(header::SET_COOKIE, line.parse().unwrap());
                    }
                    response.headers_mut().insert("nel", "{}".parse().unwrap());
                    if no_tracking {
                        response.extensions_mut().insert(NoTracking);
                    }
                    response
                })
            };
            assert_eq!(answer(false).set_cookies().len(), 3);
            assert!(answer(false).headers.contains_key("nel"));
            assert_eq!(answer(true).set_cookies(), ["session=1"], "{regime:?}");
            assert!(!answer(true).headers.contains_key("nel"));
        }
    }
}

#[test]
fn c12_no_tracking_outweighs_a_choice_in_the_same_response() {
    let layer = site(Regime::OptIn);
    let answer = exchange_with(&layer, request(&[("cookie", "_ga=1")]), |parts| {
        let mut response = ok();
        let consent: &Consent = parts.extensions.get().unwrap();
        response.headers_mut().append(header::SET_COOKIE, "_fbp=1".parse().unwrap());
        response.extensions_mut().insert(consent.accept_all());
        response.extensions_mut().insert(NoTracking);
        response
    });
    let lines = answer.set_cookies();
    assert!(!lines.iter().any(|line| line.starts_with("_fbp=1")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("_ga=;")), "{lines:?}");
}

#[test]
fn c13_a_plain_response_carries_a_choice() {
    let layer = site(Regime::OptIn);
    let answer = exchange_with(&layer, request(&[]), |parts| {
        let consent: &Consent = parts.extensions.get().unwrap();
        let mut response = ok();
        response.headers_mut().append(header::SET_COOKIE, "_ga=1".parse().unwrap());
        response.extensions_mut().insert(consent.accept_all());
        response
    });
    let lines = answer.set_cookies();
    assert_eq!(lines[0], "_ga=1", "the same response may use what it grants");
    assert_eq!(lines.len(), 2);
    let value = answer.choice().unwrap();
    assert!(value.ends_with(".app.+preferences+analytics+marketing"), "{value}");
    let next = consent(&layer, &[("cookie", &cookie(&value))]);
    assert_eq!(allowed(&next), ALL);
    assert_eq!(next.choice().unwrap().how(), How::App);
}

#[test]
fn c13_a_handler_can_refuse() {
    let yes = cookie(&chosen("+preferences+analytics+marketing"));
    let headers = [("cookie", &*format!("{yes}; _ga=1; session=1"))];
    let answer = exchange_with(&site(Regime::OptIn), request(&headers), |parts| {
        let consent: &Consent = parts.extensions.get().unwrap();
        let mut response = ok();
        response.headers_mut().append(header::SET_COOKIE, "_ga=2".parse().unwrap());
        response.extensions_mut().insert(consent.reject_all());
        response
    });
    let lines = answer.set_cookies();
    assert!(!lines.contains(&"_ga=2".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("_ga=; Path=/; Max-Age=0")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("session")), "{lines:?}");
    assert!(answer.choice().unwrap().ends_with(".app.-preferences-analytics-marketing"));
}

#[test]
fn c13_allow_and_deny_change_one_and_leave_the_rest() {
    let some = cookie(&chosen("-preferences+analytics-marketing"));
    for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
        let layer = site(regime);
        let some = [("cookie", &*some)];
        let answers = |choose: &dyn Fn(&Consent) -> Choice| answers(&layer, &some, choose);
        assert_eq!(
            answers(&|it| it.allow("marketing").unwrap()),
            "app.-preferences+analytics+marketing"
        );
        assert_eq!(
            answers(&|it| it.allow("analytics").unwrap()),
            "app.-preferences+analytics-marketing"
        );
        assert_eq!(
            answers(&|it| it.deny("analytics").unwrap()),
            "app.-preferences-analytics-marketing"
        );
        assert_eq!(
            answers(&|it| it.deny("marketing").unwrap()),
            "app.-preferences+analytics-marketing"
        );
        assert_eq!(
            answers(&|it| it.allow_only(["marketing", "preferences"]).unwrap()),
            "app.+preferences-analytics+marketing"
        );
        assert_eq!(
            answers(&|it| it.allow_only([]).unwrap()),
            "app.-preferences-analytics-marketing"
        );
    }
    let opt_out = site(Regime::OptOut);
    assert_eq!(
        answers(&opt_out, &[], |it| it.deny("marketing").unwrap()),
        "app.-marketing",
        "what was not answered is still asked"
    );
}

#[test]
fn c13_necessary_is_nothing_to_choose() {
    let layer = site(Regime::OptIn);
    assert_eq!(
        answers(&layer, &[], |it| it.allow_only(["necessary", "analytics"]).unwrap()),
        "app.-preferences+analytics-marketing"
    );
    let denied = answers(&layer, &[], |it| it.deny("necessary").unwrap());
    assert_eq!(denied, "app.");
    let value = format!("1.1.{}.{denied}", now());
    assert!(consent(&layer, &[("cookie", &cookie(&value))]).allows("necessary"));
}

#[test]
fn c13_denying_a_category_denies_its_vendors() {
    let policy = policy(Regime::OptOut)
        .vendor(Vendor::new("v", "V", category::ANALYTICS).ask_separately())
        .vendor(Vendor::new("w", "W", category::MARKETING).ask_separately());
    let layer = layer(policy.build().unwrap());
    assert_eq!(answers(&layer, &[], |it| it.deny("analytics").unwrap()), "app.-analytics-v");
    // The other way round a vendor is asked for itself.
    assert_eq!(answers(&layer, &[], |it| it.deny("v").unwrap()), "app.-v");
    let none = cookie(&chosen("-preferences-analytics-marketing-v-w"));
    assert_eq!(
        answers(&layer, &[("cookie", &none)], |it| it.allow("v").unwrap()),
        "app.-preferences-analytics-marketing+v-w"
    );
}

#[test]
fn c13_an_unknown_slug_is_an_error_and_never_allowed() {
    let consent = consent(&site(Regime::OptOut), &[]);
    for slug in ["Analytics", "analytic", "", "_ga", "*"] {
        assert!(!consent.allows(slug), "{slug}");
        for error in [
            consent.allow(slug).unwrap_err(),
            consent.deny(slug).unwrap_err(),
            consent.allow_only(["marketing", slug]).unwrap_err(),
        ] {
            assert!(error.to_string().contains(&format!("{slug:?}")), "{error}");
        }
    }
}

#[test]
fn c13_state_tells_what_the_handler_is_told() {
    let policy = policy(Regime::OptOut).vendor(Vendor::new("v", "V", category::ANALYTICS));
    let layer = layer(policy.build().unwrap());
    for (cookie_line, gpc) in [
        (String::new(), "0"),
        (cookie(&chosen("-preferences+analytics-marketing")), "0"),
        (cookie(&chosen("-preferences+analytics-marketing")), "1"),
    ] {
        let headers = [("cookie", &*cookie_line), ("sec-gpc", gpc)];
        let consent = consent(&layer, &headers);
        let state = state(&layer, &headers);
        assert_eq!(state["decided"], consent.is_decided());
        assert_eq!(state["gpc"], consent.has_gpc());
        for slug in ALL {
            assert_eq!(state["categories"][slug], consent.allows(slug), "{slug}");
        }
        assert_eq!(state["vendors"]["v"], consent.allows("v"));
    }
}

#[test]
fn g7_withdrawal_counts_whichever_way_it_is_made() {
    for regime in [Regime::OptIn, Regime::OptOut] {
        for slug in OPTIONAL {
            let yes = cookie(&chosen("+preferences+analytics+marketing"));
            let headers = [("cookie", &*format!("lang=1; _ga=1; _fbp=1; {yes}"))];
            let answer = exchange_with(&site(regime), request(&headers), |parts| {
                let consent: &Consent = parts.extensions.get().unwrap();
                let mut response = ok();
                response.extensions_mut().insert(consent.deny(slug).unwrap());
                response
            });
            let lines = answer.set_cookies();
            for (name, of) in [("lang", "preferences"), ("_ga", "analytics"), ("_fbp", "marketing")]
            {
                let expired = lines
                    .iter()
                    .any(|line| line.starts_with(&format!("{name}=; Path=/; Max-Age=0")));
                assert_eq!(expired, of == slug, "{slug}: {lines:?}");
            }
        }
    }
}

#[cfg(feature = "axum")]
mod with_axum {
    use axum::{Router, response::Redirect, routing::get as on_get};
    use futures_util::FutureExt;
    use http::StatusCode;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use tower_consent::MissingConsentLayer;

    use super::*;

    fn ask(router: Router, path: &str, cookie: &str) -> Exchange {
        let request = get(path).header(header::COOKIE, cookie).body(axum::body::Body::empty());
        let response = router.oneshot(request.unwrap()).now_or_never().unwrap().unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Exchange { seen: None, status: parts.status, headers: parts.headers, body }
    }

    fn router() -> Router {
        let tell =
            |consent: Consent| async move { consent.allows(category::ANALYTICS).to_string() };
        let accept = |consent: Consent| async move { (consent.accept_all(), Redirect::to("/")) };
        let refuse = |consent: Consent| async move { (consent.reject_all(), "refused") };
        let minor = || async { (NoTracking, [(header::SET_COOKIE, "_ga=1")], "minor") };
        Router::new()
            .route("/", on_get(tell))
            .route("/accept", on_get(accept))
            .route("/refuse", on_get(refuse))
            .route("/minor", on_get(minor))
    }

    #[test]
    fn c13_the_extractor_tells_what_holds() {
        let app = router().layer(site(Regime::OptIn));
        assert_eq!(ask(app.clone(), "/", "").body, "false");
        let yes = cookie(&chosen("+preferences+analytics+marketing"));
        assert_eq!(ask(app, "/", &yes).body, "true");
    }

    #[test]
    fn c13_without_the_layer_the_failure_names_it() {
        let answer = ask(router(), "/", "");
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.body, MissingConsentLayer.to_string());
        assert!(answer.body.contains("ConsentLayer"), "{}", answer.body);
    }

    #[test]
    fn c13_a_choice_is_a_part_of_the_response() {
        let app = router().layer(site(Regime::OptIn));
        let answer = ask(app.clone(), "/accept", "");
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers[header::LOCATION], "/");
        let value = answer.choice().unwrap();
        assert!(value.ends_with(".app.+preferences+analytics+marketing"), "{value}");
        assert_eq!(ask(app.clone(), "/", &cookie(&value)).body, "true");

        let answer = ask(app.clone(), "/refuse", &format!("_ga=1; {}", cookie(&value)));
        assert_eq!(answer.body, "refused");
        assert!(answer.set_cookies().iter().any(|line| line.starts_with("_ga=;")));
        assert_eq!(ask(app, "/", &cookie(&answer.choice().unwrap())).body, "false");
    }

    #[test]
    fn c12_no_tracking_is_a_part_of_the_response() {
        let app = router().layer(site(Regime::OptOut));
        let answer = ask(app, "/minor", "");
        assert_eq!(answer.body, "minor");
        assert!(answer.set_cookies().is_empty(), "{:?}", answer.set_cookies());
    }

    #[test]
    fn c13_the_layers_own_routes_answer_in_a_router() {
        let app = router().layer(site(Regime::OptIn));
        let answer = ask(app, "/_consent/state", "");
        assert_eq!(answer.status, StatusCode::OK, "layers wrap the fallback too");
        assert_eq!(answer.json()["regime"], "opt_in");
    }
}

#[test]
fn c9_gpc_denies_what_no_rule_names_where_nothing_is_declared_to_sell() {
    let policy = Policy::builder("Example News")
        .regime(Regime::OptOut)
        .category(Category::new("analytics").sells_or_shares(false))
        .omit_category("marketing")
        .build();
    let layer = layer(policy.unwrap());
    let response = || {
        let mut response = ok();
        response.headers_mut().append(header::SET_COOKIE, "mystery=1".parse().unwrap());
        response
    };
    let passes = |headers: &[(&str, &str)]| {
        !exchange(&layer, request(headers), response()).set_cookies().is_empty()
    };
    assert!(passes(&[]));
    assert!(!passes(&[("sec-gpc", "1")]));
    let insisted = cookie(&format!("1.1.{}.accept-gpc.+preferences+analytics", now()));
    assert!(passes(&[("sec-gpc", "1"), ("cookie", &insisted)]));
}
