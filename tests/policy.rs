//! What a site can declare, and what it is told when the declaration is wrong.

use tower_consent::{
    Category, CookieRule, Fault, Policy, PolicyBuilder, Regime, Undeclared, Vendor, category,
};

const TOML: &str = r#"
site = "Example News"
regime = "opt_out"
revision = 3
lifetime_days = 90
undeclared = "allow"
privacy_url = "/privacy"
endpoint = "/privacy/choice"
omit_categories = ["preferences"]
pass_headers = ["nel"]
deny_ad_apis = true
truncate_client_address = "analytics"
per_user_paths = ["/me", "/me/*"]

[choice_cookie]
name = "choice"
domain = "example.com"

[limits]
tag_bytes = 65536
inline_bytes = 4194304

[[category]]
slug = "analytics"
sells_or_shares = false

[[category]]
slug = "chat"
name = "Live chat"
description = "Talk to the desk."

[[vendor]]
slug = "example-chat"
name = "Example Chat"
category = "chat"
company = "Example Chat Ltd"
privacy_url = "https://chat.example/privacy"
ask_separately = true

[[cookie]]
name = "session"
belongs_to = "necessary"

[[cookie]]
name = "_ga_*"
belongs_to = "analytics"
purpose = "Counts visits"
provider = "Google"
lifetime = "2 years"
path = "/news"
partitioned = true

[[header]]
name = "x-visitor-id"
belongs_to = "example-chat"

[texts]
"prompt.opt_out.accept" = "Fine"
"#;

fn builder() -> PolicyBuilder {
    Policy::builder("Example News")
        .regime(Regime::OptOut)
        .revision(3)
        .lifetime_days(90)
        .undeclared(Undeclared::Allow)
        .privacy_url("/privacy")
        .endpoint("/privacy/choice")
        .omit_category(category::PREFERENCES)
        .pass_header("nel")
        .deny_ad_apis()
        .truncate_client_address(category::ANALYTICS)
        .per_user_path("/me")
        .per_user_path("/me/*")
        .tag_limit(65_536)
        .inline_limit(4_194_304)
        .choice_cookie("choice")
        .choice_cookie_domain("example.com")
        .category(Category::new(category::ANALYTICS).sells_or_shares(false))
        .category(Category::new("chat").name("Live chat").description("Talk to the desk."))
        .vendor(
            Vendor::new("example-chat", "Example Chat", "chat")
                .company("Example Chat Ltd")
                .privacy_url("https://chat.example/privacy")
                .ask_separately(),
        )
        .cookie("session", category::NECESSARY)
        .cookie_rule(
            CookieRule::new("_ga_*", category::ANALYTICS)
                .purpose("Counts visits")
                .provider("Google")
                .lifetime("2 years")
                .path("/news")
                .partitioned(),
        )
        .header("x-visitor-id", "example-chat")
        .text("prompt.opt_out.accept", "Fine")
}

#[test]
fn build2_builder_toml_and_json_say_the_same() {
    let built = builder().build().unwrap();
    assert_eq!(Policy::from_toml(TOML).unwrap(), built);
    let json = serde_json::to_string(&built).unwrap();
    assert_eq!(Policy::from_json(&json).unwrap(), built);
    assert_ne!(builder().revision(4).build().unwrap(), built);
}

#[test]
fn build2_a_policy_goes_through_serde_and_back() {
    for policy in [builder().build().unwrap(), Policy::default()] {
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        let toml = toml::to_string(&policy).unwrap();
        assert_eq!(toml::from_str::<Policy>(&toml).unwrap(), policy, "{toml}");
        let same: PolicyBuilder = policy.clone().into();
        assert_eq!(same.build().unwrap(), policy);
    }
}

#[test]
fn build2_what_serde_reads_is_checked_too() {
    let error = serde_json::from_str::<Policy>(r#"{"site": "x", "lifetime_days": 401}"#);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("lifetime_days: 401 is out of range: use 1 to 400"), "{error}");
}

#[test]
fn c1_a_policy_that_says_nothing_is_strict() {
    let policy = Policy::default();
    assert_eq!(policy.regime(), Regime::OptIn);
    assert_eq!(policy.revision(), 1);
    let slugs: Vec<_> = policy.categories().iter().map(Category::slug).collect();
    assert_eq!(slugs, ["necessary", "preferences", "analytics", "marketing"]);
    assert!(policy.vendors().is_empty() && policy.cookies().is_empty());
    let built = Policy::builder(policy.site()).catalog().build().unwrap();
    assert_eq!(built, policy);
}

#[test]
fn build2_what_was_declared_can_be_read() {
    let policy = builder().build().unwrap();
    assert_eq!(policy.site(), "Example News");
    assert_eq!((policy.regime(), policy.revision()), (Regime::OptOut, 3));
    let slugs: Vec<_> = policy.categories().iter().map(Category::slug).collect();
    assert_eq!(slugs, ["necessary", "analytics", "marketing", "chat"]);
    assert_eq!(policy.vendors()[0].slug(), "example-chat");
    assert_eq!(policy.cookies().len(), 2);
}

#[test]
fn build2_regimes_are_written_with_underscore_or_hyphen() {
    for (text, regime) in [
        ("opt_in", Regime::OptIn),
        ("opt-in", Regime::OptIn),
        ("opt_out", Regime::OptOut),
        ("opt-out", Regime::OptOut),
        ("notice", Regime::Notice),
    ] {
        let policy = Policy::from_toml(&format!("site = 'x'\nregime = '{text}'")).unwrap();
        assert_eq!(policy.regime(), regime, "{text}");
    }
}

fn unknown(slug: &str, known: &[&str]) -> Fault {
    let known = known.iter().map(|&slug| slug.to_owned()).collect();
    Fault::UnknownSlug { slug: slug.to_owned(), known }
}

fn limits(value: u64) -> Fault {
    Fault::OutOfRange { value, least: 1024, most: 1024 * 1024 * 1024 }
}

fn out_of_range(value: u64, most: u64) -> Fault {
    Fault::OutOfRange { value, least: 1, most }
}

const BUILT_IN: [&str; 4] = ["necessary", "preferences", "analytics", "marketing"];

/// Declarations that are wrong in the line that ends with `# <-`.
fn wrong() -> Vec<(String, Fault)> {
    let mut wrong: Vec<(String, Fault)> = Vec::new();
    let mut add = |toml: &str, fault: Fault| wrong.push((toml.to_owned(), fault));

    add("revision = 0 # <-", out_of_range(0, u32::MAX.into()));
    add("lifetime_days = 0 # <-", out_of_range(0, 400));
    add("lifetime_days = 401 # <-", out_of_range(401, 400));
    add("limits.tag_bytes = 1023 # <-", limits(1023));
    add("[limits]\ntag_bytes = 1024\ninline_bytes = 1073741825 # <-", limits(1_073_741_825));
    for path in [
        "",
        "/",
        "_consent",
        "/_consent/",
        "//x",
        "/a//b",
        "/.well-known/consent",
        "/a/../b",
        "/a/.",
        "/a?b",
        "/a#b",
        "/a%20b",
        "/a b",
        "/caf\u{e9}",
        "https://example.com/_consent",
    ] {
        add(&format!("endpoint = '{path}' # <-"), Fault::BadEndpoint(path.into()));
    }
    for url in [
        "",
        "privacy",
        "//evil.example",
        r"/\evil.example",
        "javascript:alert(1)",
        "JavaScript:x",
        "data:text/html,x",
        "https://",
        "https:///x",
        "ftp://x",
        " https://x.example",
        "mailto:a@b",
    ] {
        add(&format!("privacy_url = '{url}' # <-"), Fault::BadUrl(url.into()));
        add(
            &format!(
                "[[vendor]]\nslug = 'v'\nname = 'V'\ncategory = 'analytics'\nprivacy_url = '{url}' # <-"
            ),
            Fault::BadUrl(url.into()),
        );
    }
    for name in ["", "a=b", "a;b", "a b", "caf\u{e9}", "a\"b"] {
        add(
            &format!("choice_cookie = {{ name = '{name}' }} # <-"),
            Fault::BadCookieName(name.into()),
        );
        add(
            &format!("[[cookie]]\nbelongs_to = 'analytics'\nname = '{name}' # <-"),
            Fault::BadCookieName(name.into()),
        );
    }
    add(
        "choice_cookie = { name = '__Host-consent' } # <-",
        Fault::PrefixIsAdded("__Host-consent".into()),
    );
    for domain in [
        "",
        "localhost",
        ".example.com",
        "example.com.",
        "example..com",
        "example.com:3000",
        "https://example.com",
        "exam ple.com",
        "example.com;x.com",
        "127.0.0.1",
        "[::1]",
        "-example.com",
        "example-.com",
        "*.example.com",
    ] {
        add(&format!("choice_cookie.domain = '{domain}' # <-"), Fault::BadDomain(domain.into()));
    }
    add(
        "choice_cookie = { domain = 'example.com', insecure_for_development = true } # <-",
        Fault::InsecureDomain,
    );
    for path in ["", "me", "/me;x", "/a b"] {
        add(&format!("per_user_paths = ['/', '{path}'] # <-"), Fault::BadPath(path.into()));
        add(
            &format!("[[cookie]]\nname = 'a'\nbelongs_to = 'analytics'\npath = '{path}' # <-"),
            Fault::BadPath(path.into()),
        );
    }

    add("omit_categories = ['necessary'] # <-", Fault::NecessaryIsFixed);
    add("omit_categories = ['sales'] # <-", unknown("sales", &BUILT_IN));
    for slug in
        ["", "Chat", "1chat", "-chat", "live chat", "live_chat", "caf\u{e9}", &"x".repeat(33)]
    {
        add(
            &format!("[[category]]\nname = 'x'\nslug = '{slug}' # <-"),
            Fault::BadSlug(slug.into()),
        );
        add(
            &format!("[[vendor]]\nname = 'x'\ncategory = 'analytics'\nslug = '{slug}' # <-"),
            Fault::BadSlug(slug.into()),
        );
    }
    let twice = |slug: &str| {
        format!(
            "[[category]]\nslug = '{slug}'\nname = 'A'\n[[category]]\nname = 'B'\nslug = '{slug}' # <-"
        )
    };
    add(&twice("chat"), Fault::Duplicate("chat".into()));
    add(&twice("analytics"), Fault::Duplicate("analytics".into()));
    add(
        "omit_categories = ['marketing']\n[[category]]\nname = 'Ads'\nslug = 'marketing' # <-",
        Fault::OmittedAndDeclared("marketing".into()),
    );
    add("[[category]] # <-\nslug = 'chat'", Fault::CategoryWithoutName("chat".into()));
    for name in ["", "  "] {
        add(
            &format!("[[category]]\nslug = 'chat'\nname = '{name}' # <-"),
            Fault::CategoryWithoutName("chat".into()),
        );
        add(&format!("[[category]]\nslug = 'analytics'\nname = '{name}' # <-"), Fault::Empty);
        add(
            &format!("[[vendor]]\nslug = 'v'\ncategory = 'analytics'\nname = '{name}' # <-"),
            Fault::Empty,
        );
    }
    add("[[category]]\nslug = 'necessary'\nsells_or_shares = true # <-", Fault::NecessaryIsFixed);
    let vendor = |slug: &str, rest: &str| format!("[[vendor]]\nname = 'V'\nslug = '{slug}'{rest}");
    add(
        "[[category]]\nslug = 'chat'\nname = 'C'\n[[vendor]]\nname = 'V'\ncategory = 'chat'\nslug = 'chat' # <-",
        Fault::Duplicate("chat".into()),
    );
    add(
        &vendor("marketing", " # <-\ncategory = 'analytics'"),
        Fault::Duplicate("marketing".into()),
    );
    add(&vendor("v", "\ncategory = 'analytic' # <-"), unknown("analytic", &BUILT_IN));
    add(
        &format!(
            "omit_categories = ['preferences', 'analytics']\n{}",
            vendor("v", "\ncategory = 'analytics' # <-")
        ),
        unknown("analytics", &["necessary", "marketing"]),
    );
    add(
        &vendor("v", "\ncategory = 'necessary'\nask_separately = true # <-"),
        Fault::NecessaryIsFixed,
    );

    for glob in ["*", "**", "***"] {
        add(
            &format!("[[cookie]]\nbelongs_to = 'necessary'\nname = '{glob}' # <-"),
            Fault::MatchesEveryCookie,
        );
    }
    let cookie =
        |name: &str, mark| format!("[[cookie]]\nbelongs_to = 'analytics'\nname = '{name}'{mark}\n");
    add(&cookie("__Host-consent", " # <-"), Fault::RuleForChoiceCookie("__Host-consent".into()));
    add(
        &format!(
            "choice_cookie = {{ name = 'x', domain = 'example.com' }}\n{}",
            cookie("__Secure-x", " # <-")
        ),
        Fault::RuleForChoiceCookie("__Secure-x".into()),
    );
    add(
        &format!("{}{}", cookie("_ga_*", ""), cookie("_ga_*", " # <-")),
        Fault::Duplicate("_ga_*".into()),
    );
    add(
        &format!(
            "{}[[cookie]]\nname = 'x'\nbelongs_to = 'u' # <-",
            vendor("v", "\ncategory = 'analytics'\n")
        ),
        unknown("u", &["necessary", "preferences", "analytics", "marketing", "v"]),
    );

    let header = |name: &str| format!("[[header]]\nbelongs_to = 'analytics'\nname = '{name}' # <-");
    for name in ["", "x y", "x:y", "caf\u{e9}"] {
        add(&header(name), Fault::BadHeaderName(name.into()));
        add(&format!("pass_headers = ['nel', '{name}'] # <-"), Fault::BadHeaderName(name.into()));
    }
    for name in ["nell", "x-frame-options", "x-visitor-id"] {
        add(&format!("pass_headers = ['nel', '{name}'] # <-"), Fault::NoDefaultRule(name.into()));
    }
    for name in [
        "Set-Cookie",
        "cookie",
        "Sec-GPC",
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Frame-Options",
        "Cross-Origin-Opener-Policy",
        "set-login",
        "vary",
        "Location",
        "Origin",
        "Sec-Fetch-Site",
    ] {
        add(&header(name), Fault::ProtectedHeader(name.into()));
    }
    add(
        &format!("[[header]]\nname = 'x-id'\nbelongs_to = 'marketing'\n{}", header("X-ID")),
        Fault::Duplicate("X-ID".into()),
    );
    add(&format!("pass_headers = ['NEL']\n{}", header("nel")), Fault::Duplicate("nel".into()));
    add(
        "[[header]]\nname = 'x-id'\nbelongs_to = 'Analytics' # <-",
        unknown("Analytics", &BUILT_IN),
    );
    add("truncate_client_address = 'ads' # <-", unknown("ads", &BUILT_IN));
    wrong
}

#[test]
fn bad_every_fault_is_told_with_its_line() {
    for (toml, fault) in wrong() {
        let toml = format!("# What Example News asks.\n\nsite = \"Example News\"\n{toml}\n");
        let line = toml.lines().position(|line| line.ends_with("# <-")).unwrap() + 1;
        let Err(error) = Policy::from_toml(&toml) else { panic!("should be wrong:\n{toml}") };
        assert_eq!(error.fault(), &fault, "{toml}");
        assert_eq!(error.line(), Some(line), "{error}\n{toml}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("line {line}: ")), "{text}");
        assert!(text.ends_with(&fault.to_string()), "{text}");
        // Editors on Windows end lines otherwise; the count stays.
        let error = Policy::from_toml(&toml.replace('\n', "\r\n")).unwrap_err();
        assert_eq!(error.line(), Some(line), "{toml}");
    }
}

#[test]
fn bad_an_empty_site_is_told() {
    for site in ["", " "] {
        let error = Policy::from_toml(&format!("\nsite = '{site}'")).unwrap_err();
        assert_eq!((error.fault(), error.line()), (&Fault::Empty, Some(2)));
        assert_eq!(Policy::builder(site).build().unwrap_err().line(), None);
    }
}

#[test]
fn bad_unknown_keys_and_wrong_types_are_errors_with_their_line() {
    for toml in [
        "regmie = 'opt_in' # <-",
        "Regime = 'opt_in' # <-",
        "cookies = [] # <-",
        "regime = 'optin' # <-",
        "revision = -1 # <-",
        "revision = '1' # <-",
        "lifetime_days = 70000 # <-",
        "undeclared = true # <-",
        "site = 'twice' # <-",
        "privacy_url = /privacy # <-",
        "[choice_cookie]\nnmae = 'x' # <-",
        "[limits]\ntag = 2000 # <-",
        "limits.tag_bytes = -1 # <-",
        "[[category]]\nslug = 'chat'\ntitle = 'x' # <-",
        "[[vendor]]\nslug = 'v'\nname = 'V'\ncategory = 'analytics'\nhost = 'x' # <-",
        "[[cookie]]\nname = 'a'\nbelongs_to = 'analytics'\n[[cookie]]\nname = 'b'\nbelongs = 'analytics' # <-",
        "[[header]]\nname = 'a'\nbelongs_to = 'analytics'\nside = 'request' # <-",
        "[texts]\n'prompt.opt_in.accept' = 1 # <-",
    ] {
        let toml = format!("site = 'Example News'\n\n{toml}\n");
        let line = toml.lines().position(|line| line.ends_with("# <-")).unwrap() + 1;
        let Err(error) = Policy::from_toml(&toml) else { panic!("should be wrong:\n{toml}") };
        assert!(matches!(error.fault(), Fault::Syntax(_)), "{error}");
        assert_eq!(error.line(), Some(line), "{error}\n{toml}");
        assert!(error.to_string().contains(&format!("line {line}")), "{error}");
    }
    let error = Policy::from_toml("revision = 1").unwrap_err();
    assert!(error.to_string().contains("site"), "{error}");
}

#[test]
fn bad_unknown_keys_in_json_are_errors_with_their_line() {
    for json in [
        "\"regmie\": \"opt_in\"",
        "\"site\": \"twice\"",
        "\"revision\": -1",
        "\"cookie\": [{\"name\": \"a\", \"belongs\": \"analytics\"}]",
    ] {
        let json = format!("{{\n\"site\": \"x\",\n{json}\n}}");
        let error = Policy::from_json(&json).unwrap_err();
        assert!(matches!(error.fault(), Fault::Syntax(_)), "{error}");
        assert_eq!(error.line(), Some(3), "{error}\n{json}");
    }
    let error = Policy::from_json(
        "{\"site\": \"x\", \"header\": [{\"name\": \"cookie\", \"belongs_to\": \"analytics\"}]}",
    );
    let error = error.unwrap_err();
    assert_eq!(error.fault(), &Fault::ProtectedHeader("cookie".into()));
    assert!(error.to_string().starts_with("header[0].name: "), "{error}");
}

#[test]
fn b6_texts_that_do_not_exist_or_say_nothing_are_errors() {
    for (key, text) in [
        ("prompt.opt_in.mesage", "x"),
        ("prompt", "x"),
        ("", "x"),
        ("dir", "sideways"),
        ("prompt.opt_in.reject", ""),
        ("prompt.opt_in.reject", " "),
        ("category.analytics.name", ""),
    ] {
        let toml = format!("site = 'x'\n[texts]\n'saved' = 'Kept.'\n'{key}' = '{text}'\n");
        let error = Policy::from_toml(&toml).expect_err(&toml);
        assert!(matches!(error.fault(), Fault::BadText(_)), "{error}");
        assert_eq!(error.line(), Some(4), "{error}");
    }
    let error = Policy::builder("x").text("prompt.opt_in.mesage", "x").build().unwrap_err();
    assert!(error.to_string().contains("did you mean `prompt.opt_in.message`"), "{error}");
    // A prompt may go without a title.
    assert!(Policy::builder("x").text("prompt.opt_in.title", "").build().is_ok());
}

fn vendors(count: usize, slug: impl Fn(usize) -> String) -> PolicyBuilder {
    (0..count).fold(Policy::builder("x"), |policy, index| {
        policy.vendor(Vendor::new(slug(index), "V", category::ANALYTICS).ask_separately())
    })
}

#[test]
fn bad_more_than_a_choice_can_answer_is_told() {
    // 62 beside `necessary`: three built-in categories, and 59 vendors.
    assert!(vendors(59, |index| format!("v{index}")).build().is_ok());
    let error = vendors(60, |index| format!("v{index}")).build().unwrap_err();
    assert_eq!(error.fault(), &Fault::TooManyPurposes(64));
    let toml = (0..60).fold("site = 'x'\n".to_owned(), |toml, index| {
        format!("{toml}[[category]]\nslug = 'c{index}'\nname = 'C'\n")
    });
    let error = Policy::from_toml(&toml).unwrap_err();
    assert_eq!(error.fault(), &Fault::TooManyPurposes(64));
    assert_eq!(error.line(), Some(2), "{error}");
}

#[test]
fn k2_a_choice_cookie_that_could_pass_512_bytes_is_told() {
    let slug = |index: usize| format!("v{index:031}");
    let longest = (1..20).take_while(|&count| vendors(count, slug).build().is_ok()).count();
    assert!((10..20).contains(&longest), "{longest}");
    let error = vendors(longest + 1, slug).build().unwrap_err();
    let Fault::ChoiceTooLong(bytes) = error.fault() else { panic!("{error}") };
    assert!((513..513 + 33).contains(bytes), "{bytes}");
}

#[test]
fn bad_messages_say_what_to_change() {
    let error = Policy::builder("x").cookie("_ga", "analytic").build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cookie[0].belongs_to: no category or vendor is called \"analytic\": declare it, or use one of \
         necessary, preferences, analytics, marketing"
    );
    let error = Policy::builder("x").cookie("*", category::NECESSARY).build().unwrap_err();
    assert!(error.to_string().contains("undeclared = \"allow\""), "{error}");
}

#[test]
fn b6_texts_may_be_written_as_tables_in_tables() {
    let tables = Policy::from_toml(
        "site = 'x'\n[texts.prompt.opt_in]\ntitle = 'Cookies?'\naccept = 'Fine'\n",
    );
    let dotted = Policy::builder("x")
        .text("prompt.opt_in.title", "Cookies?")
        .text("prompt.opt_in.accept", "Fine")
        .build();
    assert_eq!(tables.unwrap(), dotted.unwrap());
    let error = Policy::from_toml("site = 'x'\n\n[texts.prompt.opt_in]\ntitel = 'Cookies?'\n");
    let error = error.unwrap_err();
    assert_eq!(error.line(), Some(4), "{error}");
    assert!(error.to_string().contains("prompt.opt_in.title"), "{error}");
    assert!(Policy::from_toml("site = 'x'\n[texts]\nname = 3\n").is_err());
}

#[test]
fn g8_a_star_comes_last_in_a_per_user_path() {
    let build = |path: &str| Policy::builder("x").per_user_path(path).build();
    assert!(build("/account/*").is_ok() && build("/account").is_ok());
    let error = build("/*/account").unwrap_err();
    assert_eq!(error.fault(), &Fault::StarInside("/*/account".into()));
}
