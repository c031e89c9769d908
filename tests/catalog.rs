//! Vendors from the built-in catalog, and names of cookies that are well known to be necessary.

mod common;

use common::{chosen, exchange, get, layer, ok};
use http::header;
use tower_consent::{
    ConsentLayer, CookieRule, Fault, Policy, PolicyBuilder, PolicyError, Vendor, catalog, category,
};

const NONE: &str = "-preferences-analytics-marketing";
const ANALYTICS: &str = "-preferences+analytics-marketing";
const ALL: &str = "+preferences+analytics+marketing";

fn policy() -> PolicyBuilder {
    Policy::builder("Example News")
}

fn with(slug: &str) -> PolicyBuilder {
    policy().vendor_from_catalog(slug).unwrap()
}

/// The names among these that the application sees after these answers.
fn seen(layer: &ConsentLayer, answers: &str, names: &[&str]) -> Vec<String> {
    let cookies: String = names.iter().map(|name| format!("; {name}=1")).collect();
    let line = format!("__Host-consent={}{cookies}", chosen(answers));
    let request = get("/").header(header::COOKIE, line).body(common::empty()).unwrap();
    let exchange = exchange(layer, request, ok());
    let pairs = exchange.cookies_seen().join("; ");
    let names = pairs.split("; ").filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
    names.filter(|name| name != "__Host-consent").collect()
}

fn policy_page(layer: &ConsentLayer) -> String {
    let request = get("/_consent").body(common::empty()).unwrap();
    exchange(layer, request, ok()).body
}

#[test]
fn g2_a_vendors_cookies_follow_its_category() {
    let layer = layer(with("google-analytics").build().unwrap());
    let names = ["_ga", "_ga_X1", "_gid", "__utma", "_fbp", "gallery"];
    assert_eq!(seen(&layer, NONE, &names), Vec::<String>::new());
    assert_eq!(seen(&layer, ANALYTICS, &names), ["_ga", "_ga_X1", "_gid", "__utma"]);
}

#[test]
fn g5_a_rule_of_the_sites_own_wins_over_a_vendors() {
    let policy = with("google-analytics")
        .cookie_rule(CookieRule::new("_ga", category::NECESSARY).purpose("Mine"))
        .build()
        .unwrap();
    assert_eq!(policy.cookies().iter().filter(|rule| rule.name() == "_ga").count(), 1);
    assert_eq!(seen(&layer(policy), NONE, &["_ga", "_ga_1"]), ["_ga"]);
}

#[test]
fn g5_a_third_partys_cookie_is_not_the_sites() {
    // Criteo sets `uid` on its own host; the site's `uid` has nothing to do with it.
    let layer = layer(with("criteo").build().unwrap());
    assert_eq!(seen(&layer, ALL, &["uid", "cto_bundle"]), ["cto_bundle"]);
    assert!(policy_page(&layer).contains("uid</"));
}

#[test]
fn g7_a_vendors_cookies_are_expired_on_refusal() {
    let layer = layer(with("meta").build().unwrap());
    let line = format!("__Host-consent={}; _fbp=1; fr=1", chosen(ALL));
    let request = common::post_to("/_consent/choice").header(header::COOKIE, line);
    let exchange = exchange(&layer, request.body("choice=reject".into()).unwrap(), ok());
    let expired = exchange.set_cookies();
    assert!(expired.iter().any(|line| line.starts_with("_fbp=;")), "{expired:?}");
    assert!(!expired.iter().any(|line| line.starts_with("fr=")), "{expired:?}");
}

#[test]
fn b10_the_policy_page_tells_of_declared_vendors_and_no_others() {
    let layer = layer(with("hotjar").catalog().build().unwrap());
    let page = policy_page(&layer);
    for text in ["Hotjar Limited", "_hjSessionUser_*", "Tells visitors apart"] {
        assert!(page.contains(text), "{text}");
    }
    for text in ["Meta Platforms", "PHPSESSID", "Criteo"] {
        assert!(!page.contains(text), "{text}");
    }
}

#[test]
fn the_whole_catalog_follows_its_categories() {
    let names = ["_ga", "_fbp", "my_own"];
    let known = layer(policy().catalog().build().unwrap());
    assert_eq!(seen(&known, NONE, &names), Vec::<String>::new());
    assert_eq!(seen(&known, ANALYTICS, &names), ["_ga"]);
    assert_eq!(seen(&known, ALL, &names), ["_ga", "_fbp"]);
    let unknown = layer(policy().build().unwrap());
    assert_eq!(seen(&unknown, ALL, &names), Vec::<String>::new());
    assert_eq!(seen(&ConsentLayer::default(), ALL, &names), ["_ga", "_fbp"]);
}

#[test]
fn known_vendors_are_those_that_are_not_declared() {
    let policy = with("youtube").catalog().build().unwrap();
    assert_eq!(policy.vendors().len(), 1);
    assert_eq!(policy.known_vendors().count(), catalog::all().len() - 1);
    assert!(policy.known_vendors().all(|vendor| vendor.slug() != "youtube"));
    assert_eq!(with("youtube").build().unwrap().known_vendors().count(), 0);
}

#[test]
fn a_changed_vendor_of_the_catalog_holds_instead() {
    let changed = catalog::vendor("google-analytics").cloned().unwrap();
    let changed = changed.in_category(category::PREFERENCES).ask_separately();
    let policy = policy().catalog().vendor(changed).build().unwrap();
    let layer = layer(policy);
    let answers = "-preferences+analytics+marketing-google_analytics";
    assert_eq!(seen(&layer, answers, &["_ga", "_hjid"]), ["_hjid"]);
    let answers = "-preferences-analytics-marketing+google_analytics";
    assert_eq!(seen(&layer, answers, &["_ga", "_hjid"]), ["_ga"]);
}

#[test]
fn a_category_that_is_left_out_takes_its_known_vendors_along() {
    let policy = policy().omit_category(category::MARKETING).catalog().build().unwrap();
    assert_eq!(seen(&layer(policy), "+preferences+analytics", &["_fbp", "_ga"]), ["_ga"]);
}

#[test]
fn well_known_necessary_cookies_pass() {
    let names = [
        "PHPSESSID",
        "csrftoken",
        "AWSALB",
        "axum.sid",
        ".AspNetCore.Antiforgery.x",
        "id",
        "AWSALB2",
        "phpsessid",
    ];
    let passed = &names[..5];
    assert_eq!(seen(&layer(policy().build().unwrap()), NONE, &names), passed);
    let off = policy().without_well_known_cookies().build().unwrap();
    assert_eq!(seen(&layer(off), NONE, &names), Vec::<String>::new());
    let otherwise = policy().cookie("AWS*", category::ANALYTICS).build().unwrap();
    let layer = layer(otherwise);
    assert!(!seen(&layer, NONE, &names).contains(&"AWSALB".to_owned()));
    assert!(seen(&layer, ANALYTICS, &names).contains(&"AWSALB".to_owned()));
}

const TOML: &str = r#"
site = "Example News"
catalog = ["google-analytics", "youtube"]
whole_catalog = true
well_known_cookies = false

[[vendor]]
slug = "example-metrics"
name = "Example Metrics"
category = "analytics"
hosts = ["metrics.example", "www.example.org/metrics"]
cookies = [{ name = "_em_*", purpose = "Counts visits", lifetime = "1 year" }, { name = "uid", third_party = true }]
marks = ["emq.push("]
csp = { script-src = ["https://metrics.example"] }
note = "Ours"
"#;

fn built() -> PolicyBuilder {
    policy()
        .vendor_from_catalog("google-analytics")
        .and_then(|policy| policy.vendor_from_catalog("youtube"))
        .unwrap()
        .catalog()
        .without_well_known_cookies()
        .vendor(
            Vendor::new("example-metrics", "Example Metrics", category::ANALYTICS)
                .host("metrics.example")
                .host("www.example.org/metrics")
                .cookie_rule(
                    CookieRule::new("_em_*", "example-metrics")
                        .purpose("Counts visits")
                        .lifetime("1 year"),
                )
                .cookie_rule(CookieRule::new("uid", "example-metrics").third_party())
                .mark("emq.push(")
                .csp("script-src", "https://metrics.example")
                .note("Ours"),
        )
}

#[test]
fn toml_and_builder_say_the_same_and_come_back() {
    let policy = Policy::from_toml(TOML).unwrap();
    assert_eq!(policy, built().build().unwrap());
    let slugs: Vec<&str> = policy.vendors().iter().map(Vendor::slug).collect();
    assert_eq!(slugs, ["example-metrics", "google-analytics", "youtube"]);
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::from_json(&json).unwrap(), policy);
    let text = toml::to_string(&policy).unwrap();
    assert_eq!(Policy::from_toml(&text).unwrap(), policy, "{text}");
    let toml = json.contains("doubleclick") || json.contains("_gid");
    assert!(!toml, "what the catalog says isn't repeated: {json}");
}

#[test]
fn an_unknown_slug_is_told_with_near_ones() {
    let error = policy().vendor_from_catalog("google-analitics").unwrap_err();
    assert!(
        matches!(error.fault(), Fault::NotInCatalog { near, .. } if near[0] == "google-analytics")
    );
    let error =
        Policy::from_toml("site = \"A\"\ncatalog = [\n  \"youtube\",\n  \"facebook\",\n]\n");
    let error = error.unwrap_err();
    assert_eq!(error.line(), Some(4));
    assert_eq!(
        error.to_string(),
        "line 4: catalog[1]: no vendor of the catalog is called \"facebook\": use one of meta, or declare it as a vendor of your own"
    );
}

#[test]
fn what_is_wrong_with_a_vendor_is_an_error() {
    let vendor = || Vendor::new("example", "Example", category::ANALYTICS);
    let fault = |result: Result<Policy, PolicyError>| result.unwrap_err().to_string();
    let of = |vendor: Vendor| fault(policy().vendor(vendor).build());
    for (vendor, expected) in [
        (
            vendor().host("https://example.com"),
            "vendor[0].hosts: \"https://example.com\" is not a host",
        ),
        (vendor().host("*.example.com"), "vendor[0].hosts: "),
        (vendor().host("com"), "vendor[0].hosts: "),
        (vendor().mark("abc"), "vendor[0].marks: \"abc\" is too short"),
        (vendor().mark("     "), "vendor[0].marks: "),
        (
            vendor().csp("scriptsrc", "https://a.example"),
            "vendor[0].csp: \"scriptsrc\" is not a dir",
        ),
        (vendor().csp("default-src", "https://a.example"), "vendor[0].csp: "),
        (vendor().csp("img-src", "a.example; script-src *"), "vendor[0].csp: "),
        (vendor().csp("img-src", "a.example,b.example"), "vendor[0].csp: "),
        (vendor().csp("img-src", "*"), "vendor[0].csp: \"*\" is not a source"),
        (vendor().csp("img-src", "'NONE'"), "vendor[0].csp: "),
        (vendor().csp("img-src", ""), "vendor[0].csp: "),
        (vendor().cookie("a b"), "vendor[0].cookies: \"a b\" is not a cookie name"),
        (vendor().cookie("*"), "vendor[0].cookies: "),
        (vendor().cookie("__Host-consent"), "vendor[0].cookies: \"__Host-consent\" is the choice"),
        (vendor().privacy_url("ftp://a.example"), "vendor[0].privacy_url: "),
    ] {
        let error = of(vendor);
        assert!(error.starts_with(expected), "{error}");
    }
    for (builder, expected) in [
        (
            with("youtube").vendor(vendor().host("youtube.com")),
            "vendor[0].hosts: \"youtube.com\" is",
        ),
        (with("meta").vendor(vendor().cookie("_fbp")), "vendor[0].cookies: \"_fbp\" is declared"),
        (
            policy()
                .vendor(vendor().host("a.example").host("b.example"))
                .vendor(Vendor::new("other", "Other", category::ANALYTICS).host("b.example")),
            "vendor[1].hosts: ",
        ),
        (
            with("youtube").vendor_from_catalog("youtube").unwrap(),
            "catalog[1]: \"youtube\" is decl",
        ),
        (with("youtube").vendor(Vendor::new("youtube", "Y", "analytics")), "catalog[0]: "),
        (with("youtube").omit_category("marketing"), "catalog[0]: no category or vendor is called"),
    ] {
        let error = fault(builder.build());
        assert!(error.starts_with(expected), "{error}");
    }
    let toml = "site = \"A\"\n[[vendor]]\nslug = \"a\"\nname = \"A\"\ncategory = \"analytics\"\ncookies = [{ name = \"x\", belongs_to = \"b\" }]\n";
    let error = Policy::from_toml(toml).unwrap_err();
    assert_eq!(error.fault(), &Fault::CookieOfAnother("b".to_owned()));
    assert_eq!(error.line(), Some(6));
    let error = Policy::from_toml("site = \"A\"\n[[cookie]]\nname = \"x\"\n").unwrap_err();
    assert_eq!(error.fault(), &Fault::Empty);
}

#[test]
fn rules_may_belong_to_vendors_of_the_catalog() {
    let policy = with("hotjar").cookie("mine", "hotjar").header("x-hotjar", "hotjar").build();
    assert_eq!(seen(&layer(policy.unwrap()), ANALYTICS, &["mine"]), ["mine"]);
    let policy = policy_with_known("hotjar").build().unwrap();
    assert_eq!(seen(&layer(policy), ANALYTICS, &["mine"]), ["mine"]);
    assert!(Policy::builder("A").cookie("mine", "hotjar").build().is_err());
}

fn policy_with_known(slug: &str) -> PolicyBuilder {
    policy().catalog().cookie("mine", slug)
}
