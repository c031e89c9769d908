//! A vendor that the visitor allows by itself, in the place where it is missed: for one page, or
//! always (H4).

mod common;

use common::{Body, Exchange, chosen, empty, exchange, exchange_with, get, layer, ok, post, state};
use http::{Request, Response, header};
use proptest::prelude::*;
use tower_consent::{
    Choice, Consent, ConsentLayer, NoTracking, Policy, Regime, Undeclared, Vendor, category,
};

const VIDEO: &str = "<iframe src=https://www.youtube.com/embed/1></iframe>";
const MAP: &str = "<iframe src=https://www.google.com/maps/embed?pb=1></iframe>";
const PIXEL: &str = "<script src=https://connect.facebook.net/en_US/fbevents.js></script>";

/// Nothing is declared: all three are known to the catalog, as marketing.
fn site() -> ConsentLayer {
    layer(Policy::builder("Example News").build().unwrap())
}

fn page() -> Response<Body> {
    let html = format!("<!doctype html><title>News</title><body>{VIDEO}{MAP}{PIXEL}");
    let mut response = Response::new(Body::from(html));
    response.headers_mut().insert(header::CONTENT_TYPE, "text/html".parse().unwrap());
    response.headers_mut().insert(header::ETAG, "\"1\"".parse().unwrap());
    response
}

fn navigate(cookie: &str) -> Request<Body> {
    let request = get("/story?part=2").header(header::ACCEPT, "text/html");
    request.header(header::COOKIE, cookie).body(empty()).unwrap()
}

/// The page that a visitor with these cookies gets.
fn visit(layer: &ConsentLayer, cookie: &str) -> Exchange {
    exchange(layer, navigate(cookie), page())
}

fn with_choice(answers: &str) -> String {
    format!("__Host-consent={}", chosen(answers))
}

/// Sends a form as a visitor with these cookies.
fn send(layer: &ConsentLayer, cookie: &str, form: &str) -> Exchange {
    let mut request = post(form);
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    exchange(layer, request, ok())
}

/// The answers in the choice cookie that this sets: `+analytics-marketing`.
fn answers(exchange: &Exchange) -> String {
    let choice = exchange.choice().expect("a choice");
    choice.splitn(5, '.').last().unwrap().to_owned()
}

/// Which of the three load.
fn loads(exchange: &Exchange) -> [bool; 3] {
    [VIDEO, MAP, PIXEL].map(|element| exchange.body.contains(element))
}

/// The placeholder of this vendor.
fn placeholder<'a>(exchange: &'a Exchange, slug: &str) -> &'a str {
    let start = format!("<tower-consent data-state=gated data-vendor={slug}>");
    let (_, rest) = exchange.body.split_once(&start).expect("a placeholder");
    rest.split_once("</template>").unwrap().0
}

#[test]
fn h4_a_placeholder_offers_to_allow_just_this_vendor() {
    let arrived = visit(&site(), "");
    let youtube = placeholder(&arrived, "youtube");
    for part in [
        "<form method=post action=/_consent/choice ",
        "<input type=hidden name=return_to value=\"/story?part=2\">",
        "<input type=hidden name=allow value=youtube>",
        "name=choice value=once>Allow YouTube</button>",
        "name=choice value=allow aria-label=\"Always allow YouTube\">Always</button>",
        "<a href=\"https://www.youtube.com/embed/1\" target=_blank",
        "<a href=/_consent>",
    ] {
        assert!(youtube.contains(part), "{part}: {youtube}");
    }
}

#[test]
fn h4_always_allows_this_vendor_and_leaves_all_else_as_it_is() {
    let site = site();
    for (cookie, expected) in [
        (String::new(), "+youtube"),
        (
            with_choice("-preferences-analytics-marketing"),
            "-preferences-analytics-marketing+youtube",
        ),
        (
            with_choice("+preferences-analytics-marketing"),
            "+preferences-analytics-marketing+youtube",
        ),
        (with_choice("-marketing+google_maps"), "-marketing+google_maps+youtube"),
        (with_choice("-marketing+youtube"), "-marketing+youtube"),
    ] {
        let answer = send(&site, &cookie, "choice=allow&allow=youtube&return_to=/story");
        assert_eq!(
            (answer.status.as_u16(), &answer.headers[header::LOCATION]),
            (303, &"/story".parse().unwrap())
        );
        assert_eq!(answers(&answer), expected);
        assert!(answer.choice().unwrap().contains(".allow."), "how it was made");
    }
    let allowed = visit(&site, &with_choice("+youtube"));
    assert_eq!(loads(&allowed), [true, false, false]);
    // What was not answered is still asked.
    assert!(allowed.body.contains("data-state=ask"));
    assert_eq!(state(&site, &[("cookie", &with_choice("+youtube"))])["decided"], false);
    let refused = visit(&site, &with_choice("-preferences-analytics-marketing+youtube"));
    assert_eq!(loads(&refused), [true, false, false]);
    assert!(refused.body.contains("data-state=decided"));
    assert_ne!(allowed.headers[header::ETAG], visit(&site, "").headers[header::ETAG]);
}

#[test]
fn h4_once_is_for_the_next_page_only() {
    let site = site();
    let answer = send(&site, "", "choice=once&allow=youtube&return_to=/story");
    assert_eq!(answer.status, 303);
    let [cookie] = &answer.set_cookies()[..] else { panic!("{:?}", answer.set_cookies()) };
    for part in [
        "__Host-consent-once=youtube",
        "HttpOnly",
        "SameSite=Lax",
        "Secure",
        "Path=/",
        "Max-Age=60",
    ] {
        assert!(cookie.split("; ").any(|found| found == part), "{part}: {cookie}");
    }

    let next = visit(&site, "__Host-consent-once=youtube");
    assert_eq!(loads(&next), [true, false, false]);
    let [ended] = &next.set_cookies()[..] else { panic!("{:?}", next.set_cookies()) };
    assert!(ended.starts_with("__Host-consent-once=;") && ended.contains("Max-Age=0"), "{ended}");
    assert!(next.headers[header::CACHE_CONTROL].to_str().unwrap().contains("no-store"));
    assert!(!next.body.contains("value=youtube checked"), "it is no setting");
    assert_eq!(loads(&visit(&site, "")), [false; 3]);

    // Only a page that the visitor looks at uses it up.
    let image = get("/a.png").header(header::COOKIE, "__Host-consent-once=youtube");
    let image =
        exchange(&site, image.header(header::ACCEPT, "image/*").body(empty()).unwrap(), ok());
    assert!(image.set_cookies().is_empty());
}

/// Whether this ends what is for once.
fn ends_once(exchange: &Exchange) -> bool {
    let ended =
        |line: &String| line.starts_with("__Host-consent-once=;") && line.contains("Max-Age=0");
    exchange.set_cookies().iter().any(ended)
}

#[test]
fn h4_once_is_used_up_in_a_frame_too() {
    let mut request = navigate("__Host-consent-once=youtube");
    request.headers_mut().insert("sec-fetch-dest", "iframe".parse().unwrap());
    let frame = exchange(&site(), request, page());
    assert_eq!(loads(&frame), [true, false, false]);
    assert!(ends_once(&frame), "{:?}", frame.headers);
    assert_eq!(frame.headers[header::CACHE_CONTROL], "no-store");
}

#[test]
fn h4_a_choice_is_the_last_word_after_once() {
    let cookie = "__Host-consent-once=youtube";
    assert!(ends_once(&send(&site(), cookie, "choice=reject")));
    let by_handler = exchange_with(&site(), navigate(cookie), |parts| {
        let mut response = page();
        let consent = parts.extensions.get::<Consent>().unwrap();
        response.extensions_mut().insert(consent.reject_all());
        response
    });
    assert_eq!(loads(&by_handler), [false; 3]);
    assert!(ends_once(&by_handler));
}

#[test]
fn h4_c3_once_turns_no_switch_on() {
    let youtube = Vendor::new("youtube", "YouTube", category::MARKETING).ask_separately();
    let policy = Policy::builder("Example News").vendor(youtube.host("youtube.com"));
    let site = layer(policy.build().unwrap());
    for slug in ["youtube", "marketing"] {
        let arrived = visit(&site, &format!("__Host-consent-once={slug}"));
        assert!(arrived.body.contains(VIDEO) || slug != "youtube");
        assert!(arrived.body.contains(&format!("value={slug}>")));
        assert!(!arrived.body.contains(" checked>"), "{slug}");
    }
}

#[test]
fn h4_once_does_not_make_up_everything_for_what_nobody_names() {
    let youtube = Vendor::new("youtube", "YouTube", category::MARKETING).ask_separately();
    let policy = Policy::builder("Example News").vendor(youtube.host("youtube.com"));
    let policy = policy.regime(Regime::OptOut).undeclared_hosts(Undeclared::Block);
    let site = layer(policy.build().unwrap());
    let unknown = "<script src=https://unknown.example/x.js></script>";
    let response = || {
        let mut response = page();
        *response.body_mut() = Body::from(format!("<!doctype html><body>{unknown}"));
        response
    };
    let cookies = with_choice("+preferences+analytics+marketing-youtube");
    let once = cookies + "; __Host-consent-once=youtube";
    assert!(!exchange(&site, navigate(&once), response()).body.contains(unknown));
    assert!(exchange(&site, navigate(""), response()).body.contains(unknown));
}

#[test]
fn v1_what_is_allowed_once_is_another_page_than_what_is_always() {
    let no = with_choice("-preferences-analytics-marketing");
    let once = visit(&site(), &(no + "; __Host-consent-once=youtube"));
    let always = visit(&site(), &with_choice("-preferences-analytics-marketing+youtube"));
    assert_ne!(once.headers[header::ETAG], always.headers[header::ETAG]);
}

#[test]
fn c13_a_vendor_is_denied_whatever_holds_the_category_back_for_now() {
    let change = |regime, mut request: Request<Body>, no_tracking: bool, gpc: bool| {
        let policy = Policy::builder("Example News").regime(regime);
        let site = layer(policy.vendor_from_catalog("youtube").unwrap().build().unwrap());
        if no_tracking {
            request.extensions_mut().insert(NoTracking);
        }
        if gpc {
            request.headers_mut().insert("sec-gpc", "1".parse().unwrap());
        }
        answers(&exchange_with(&site, request, |parts| {
            let mut response = page();
            let consent = parts.extensions.get::<Consent>().unwrap();
            response.extensions_mut().insert(consent.deny("youtube").unwrap());
            response
        }))
    };
    let yes = with_choice("+marketing");
    assert_eq!(change(Regime::OptIn, navigate(&yes), true, false), "-marketing");
    assert_eq!(change(Regime::OptOut, navigate(""), true, false), "-marketing");
    assert_eq!(change(Regime::OptOut, navigate(""), false, true), "-marketing");
}

#[test]
fn c10_where_one_opts_out_a_vendor_allowed_by_itself_brings_no_question_back() {
    let site = layer(Policy::builder("Example News").regime(Regime::OptOut).build().unwrap());
    let mut form = post("choice=allow&allow=youtube");
    form.headers_mut().insert("sec-gpc", "1".parse().unwrap());
    let cookie = format!("__Host-consent={}", exchange(&site, form, ok()).choice().unwrap());
    let state = state(&site, &[("cookie", &cookie), ("sec-gpc", "1")]);
    assert_eq!((&state["decided"], &state["vendors"]["youtube"]), (&true.into(), &true.into()));
    assert_eq!(state["vendors"]["meta"], false);
}

#[test]
fn h4_once_goes_beside_an_earlier_choice() {
    let cookies = with_choice("-preferences-analytics-marketing+google_maps")
        + "; __Host-consent-once=youtube";
    let arrived = visit(&site(), &cookies);
    assert_eq!(loads(&arrived), [true, true, false]);
    assert!(arrived.choice().is_none(), "the choice stays as it is");
    // A choice made then is about what was chosen, not about what was there once.
    assert_eq!(
        answers(&send(&site(), &cookies, "choice=allow&allow=meta")),
        "-preferences-analytics-marketing+google_maps+meta"
    );
}

#[test]
fn c14_an_odd_once_cookie_allows_nothing() {
    let long = "a".repeat(700);
    for value in ["", "no-such", "YouTube", "youtube meta", "+youtube", "necessary", &long] {
        let arrived = visit(&site(), &format!("__Host-consent-once={value}"));
        assert_eq!(loads(&arrived), [false; 3], "{value}");
    }
    let twice = "__Host-consent-once=youtube; __Host-consent-once=youtube";
    assert_eq!(loads(&visit(&site(), twice)), [false; 3]);
}

#[test]
fn e3_allow_and_once_say_what_they_take() {
    for form in [
        "choice=allow",
        "choice=once",
        "choice=once&allow=youtube&allow=meta",
        "choice=allow&allow=no-such",
    ] {
        let answer = exchange(&site(), post(form), ok());
        assert_eq!(answer.status, 422, "{form}");
        assert!(answer.body.contains("`allow`"), "{}", answer.body);
        assert!(answer.set_cookies().is_empty());
    }
}

#[test]
fn c7_the_settings_list_what_was_allowed_by_itself_and_take_it_back() {
    let site = site();
    let cookie = with_choice("-preferences-analytics-marketing+youtube");
    let toggle = "<label>YouTube<input type=checkbox name=allow value=youtube checked></label>";
    assert!(visit(&site, &cookie).body.contains(toggle));
    let own_page = get("/_consent").header(header::COOKIE, &cookie).body(empty()).unwrap();
    assert!(exchange(&site, own_page, ok()).body.contains(toggle), "the policy page");
    assert!(!visit(&site, "").body.contains("value=youtube checked"));

    let kept = send(&site, &cookie, "choice=save&allow=analytics&allow=youtube");
    assert_eq!(answers(&kept), "-preferences+analytics-marketing+youtube");
    for form in ["choice=save&allow=analytics", "choice=reject", "choice=accept"] {
        let answer = send(&site, &cookie, form);
        assert!(!answers(&answer).contains("youtube"), "{form}");
    }
}

#[test]
fn k2_the_latest_eight_vendors_are_kept_and_the_cookie_stays_short() {
    let video = |n: usize| {
        let slug = format!("video-number-{n}-of-a-long-name-{n}");
        Vendor::new(slug, "Video", category::MARKETING).host(format!("video{n}.example"))
    };
    let site = (1..=9).fold(Policy::builder("Example News"), |site, n| site.vendor(video(n)));
    let site = layer(site.build().unwrap());
    let mut cookie = with_choice("-preferences-analytics-marketing");
    for n in 1..=9 {
        let form = format!("choice=allow&allow={}", video(n).slug());
        let choice = send(&site, &cookie, &form).choice().unwrap();
        cookie = format!("__Host-consent={choice}");
        assert!(cookie.len() <= 512, "{cookie}");
        assert_eq!(state(&site, &[("cookie", &cookie)])["vendors"][video(n).slug()], true);
    }
    assert_eq!(cookie.matches("+video").count(), 8);
    assert!(!cookie.contains("+video_number_1_"), "the earliest is forgotten");
}

#[test]
fn c9_c10_the_signal_outweighs_an_older_yes_and_not_a_newer_one() {
    let site = site();
    let with_gpc = |cookie: &str| {
        let mut request = navigate(cookie);
        request.headers_mut().insert("sec-gpc", "1".parse().unwrap());
        exchange(&site, request, page())
    };
    assert_eq!(loads(&with_gpc(&with_choice("+youtube"))), [false; 3]);

    let mut form = post("choice=allow&allow=google-maps");
    form.headers_mut().insert("sec-gpc", "1".parse().unwrap());
    form.headers_mut().insert(header::COOKIE, with_choice("+youtube").parse().unwrap());
    let answer = exchange(&site, form, ok());
    assert_eq!(answers(&answer), "+google_maps", "the older yes doesn't become a newer one");
    let cookie = format!("__Host-consent={}", answer.choice().unwrap());
    assert_eq!(loads(&with_gpc(&cookie)), [false, true, false]);
    // Asked for on this very page, whatever the browser says for all pages.
    assert_eq!(loads(&with_gpc("__Host-consent-once=youtube")), [true, false, false]);
}

#[test]
fn c6_under_another_revision_it_was_allowed_for_something_else() {
    let site = layer(Policy::builder("Example News").revision(2).build().unwrap());
    assert_eq!(loads(&visit(&site, &with_choice("-marketing+youtube"))), [false; 3]);
}

#[test]
fn c12_nothing_is_offered_and_nothing_holds_where_the_application_forbids_tracking() {
    let mut request = navigate(&(with_choice("+youtube") + "; __Host-consent-once=google-maps"));
    request.extensions_mut().insert(NoTracking);
    let arrived = exchange(&site(), request, page());
    assert_eq!(loads(&arrived), [false; 3]);
    assert!(!placeholder(&arrived, "youtube").contains("<button"));
}

#[test]
fn h4_what_can_not_be_allowed_is_not_offered() {
    let policy = Policy::builder("Example News").omit_category(category::MARKETING);
    let site = layer(policy.build().unwrap());
    assert!(!placeholder(&visit(&site, ""), "youtube").contains("<button"));
    assert_eq!(loads(&visit(&site, "__Host-consent-once=youtube")), [false; 3]);
    assert_eq!(loads(&visit(&site, &with_choice("+youtube"))), [false; 3]);
}

#[test]
fn h4_a_frame_that_its_author_marked_offers_the_category() {
    let html = "<!doctype html><body><iframe data-consent=marketing src=/own></iframe>";
    let mut response = page();
    *response.body_mut() = Body::from(html);
    let arrived = exchange(&site(), navigate(""), response);
    let placeholder = placeholder(&arrived, "marketing");
    assert!(placeholder.contains("value=allow>Allow Marketing</button>"), "{placeholder}");
    assert!(!placeholder.contains("value=once"), "{placeholder}");
    assert!(placeholder.contains("you have not allowed Marketing."), "{placeholder}");
}

#[test]
fn c13_a_handler_allows_and_denies_one_vendor() {
    let policy = Policy::builder("Example News").vendor_from_catalog("youtube").unwrap();
    let site = layer(policy.build().unwrap());
    let change = |cookie: &str, to: fn(&Consent) -> Choice| {
        let exchange = exchange_with(&site, navigate(cookie), |parts| {
            let mut response = page();
            response.extensions_mut().insert(to(parts.extensions.get().unwrap()));
            response
        });
        (answers(&exchange), loads(&exchange))
    };
    let all = [true; 3];
    let video = [true, false, false];
    for (cookie, to, expected) in [
        ("", (|c| c.allow("youtube").unwrap()) as fn(&Consent) -> Choice, ("+youtube", video)),
        (
            "+analytics",
            |c| c.allow_only(["youtube"]).unwrap(),
            ("-preferences-analytics-marketing+youtube", video),
        ),
        ("+youtube", |c| c.deny("youtube").unwrap(), ("", [false; 3])),
        ("-marketing+youtube", |c| c.deny("youtube").unwrap(), ("-marketing", [false; 3])),
        ("+marketing", |c| c.deny("youtube").unwrap(), ("-marketing", [false; 3])),
        ("+youtube", |c| c.deny("marketing").unwrap(), ("-marketing", [false; 3])),
        ("+analytics+youtube", |c| c.deny("analytics").unwrap(), ("-analytics+youtube", video)),
        ("-marketing+youtube", |c| c.allow("marketing").unwrap(), ("+marketing+youtube", all)),
    ] {
        let cookie = if cookie.is_empty() { String::new() } else { with_choice(cookie) };
        let (answers, loads) = change(&cookie, to);
        assert_eq!((answers.as_str(), loads), expected, "{cookie}");
    }
}

#[test]
fn v1_a_frame_from_when_all_was_allowed_is_not_shown_again() {
    let framed = |answers: &str| {
        let mut request = navigate(&with_choice(answers));
        let headers = request.headers_mut();
        headers.insert("sec-fetch-dest", "iframe".parse().unwrap());
        headers.insert(header::IF_NONE_MATCH, "\"1\"".parse().unwrap());
        headers.insert(header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        exchange(&site(), request, page())
    };
    let before = framed("+preferences+analytics+marketing");
    assert_eq!(before.headers[header::ETAG], "\"1\"", "as the application made it");
    assert_eq!(before.app().headers[header::IF_NONE_MATCH], "\"1\"");
    let after = framed("-preferences-analytics-marketing");
    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
        assert!(!after.app().headers.contains_key(&name), "{name}");
    }
}

proptest! {
    #[test]
    fn k2_any_sequence_of_answers_leaves_a_cookie_that_reads_as_what_was_said_last(
        forms in prop::collection::vec((0..4_usize, 0..3_usize), 1..12),
    ) {
        let site = site();
        let slugs = ["youtube", "google-maps", "meta"];
        let mut cookie = String::new();
        let mut expected = [false; 3];
        for (kind, which) in forms {
            let form = match kind {
                0 => {
                    expected = [false; 3];
                    "choice=reject".to_owned()
                }
                1 => {
                    expected = [false; 3];
                    expected[which] = true;
                    format!("choice=save&allow={}", slugs[which])
                }
                _ => {
                    expected[which] = true;
                    format!("choice=allow&allow={}", slugs[which])
                }
            };
            let choice = send(&site, &cookie, &form).choice().unwrap();
            cookie = format!("__Host-consent={choice}");
            prop_assert_eq!(loads(&visit(&site, &cookie)), expected, "{}", cookie);
        }
    }
}

#[cfg(feature = "signed")]
#[test]
fn k4_where_choices_are_signed_once_is_too() {
    let site = site().signing_key(cookie::Key::from(&[7; 64]));
    assert_eq!(loads(&visit(&site, "__Host-consent-once=youtube")), [false; 3]);
    let line = send(&site, "", "choice=once&allow=youtube").set_cookies().remove(0);
    let cookie = line.split(';').next().unwrap();
    assert_eq!(loads(&visit(&site, cookie)), [true, false, false]);
    // A signature for the one name doesn't count for the other.
    let swapped = cookie.replace("consent-once=", "consent=");
    assert_eq!(loads(&visit(&site, &swapped)), [false; 3]);
}
