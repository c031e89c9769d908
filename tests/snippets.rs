//! Pages with the snippets that vendors publish, through the layer: nothing of theirs is fetched or runs before the visitor allows it (H1,
//! H2), and then the page is as the application made it (H3).

mod transport;

use html5ever::{ParseOpts, parse_document, tendril::TendrilSink, tree_builder::TreeBuilderOpts};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use tower_consent::{ConsentLayer, Policy};
use transport::*;
use url::Url;

/// Who publishes it, the slug of the catalog, hosts of the vendor's, and the snippet as published, with numbers made up.
struct Snippet {
    slug: &'static str,
    hosts: &'static [&'static str],
    html: &'static str,
}

const fn snippet(
    slug: &'static str,
    hosts: &'static [&'static str],
    html: &'static str,
) -> Snippet {
    Snippet { slug, hosts, html }
}

#[rustfmt::skip]
const SNIPPETS: &[Snippet] = &[
    snippet("google-analytics", &["googletagmanager.com", "google-analytics.com"], r#"<!-- Google tag (gtag.js) -->
<script async src="https://www.googletagmanager.com/gtag/js?id=G-ABCDE12345"></script>
<script>
  window.dataLayer = window.dataLayer || [];
  function gtag(){dataLayer.push(arguments);}
  gtag('js', new Date());

  gtag('config', 'G-ABCDE12345');
</script>"#),
    snippet("google-tag-manager", &["googletagmanager.com"], r#"<!-- Google Tag Manager -->
<script>(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':
new Date().getTime(),event:'gtm.js'});var f=d.getElementsByTagName(s)[0],
j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;j.src=
'https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);
})(window,document,'script','dataLayer','GTM-ABC1234');</script>
<!-- End Google Tag Manager -->
<!-- Google Tag Manager (noscript) -->
<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-ABC1234"
height="0" width="0" style="display:none;visibility:hidden"></iframe></noscript>
<!-- End Google Tag Manager (noscript) -->"#),
    snippet("meta", &["facebook.com", "facebook.net"], r#"<!-- Meta Pixel Code -->
<script>
!function(f,b,e,v,n,t,s)
{if(f.fbq)return;n=f.fbq=function(){n.callMethod?
n.callMethod.apply(n,arguments):n.queue.push(arguments)};
if(!f._fbq)f._fbq=n;n.push=n;n.loaded=!0;n.version='2.0';
n.queue=[];t=b.createElement(e);t.async=!0;
t.src=v;s=b.getElementsByTagName(e)[0];
s.parentNode.insertBefore(t,s)}(window, document,'script',
'https://connect.facebook.net/en_US/fbevents.js');
fbq('init', '123456789012345');
fbq('track', 'PageView');
</script>
<noscript><img height="1" width="1" style="display:none"
src="https://www.facebook.com/tr?id=123456789012345&ev=PageView&noscript=1"
/></noscript>
<!-- End Meta Pixel Code -->"#),
    snippet("hotjar", &["hotjar.com"], r#"<!-- Hotjar Tracking Code for https://news.example -->
<script>
    (function(h,o,t,j,a,r){
        h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};
        h._hjSettings={hjid:1234567,hjsv:6};
        a=o.getElementsByTagName('head')[0];
        r=o.createElement('script');r.async=1;
        r.src=t+h._hjSettings.hjid+j+h._hjSettings.hjsv;
        a.appendChild(r);
    })(window,document,'https://static.hotjar.com/c/hotjar-','.js?sv=');
</script>"#),
    snippet("linkedin", &["linkedin.com", "licdn.com"], r#"<script type="text/javascript">
_linkedin_partner_id = "1234567";
window._linkedin_data_partner_ids = window._linkedin_data_partner_ids || [];
window._linkedin_data_partner_ids.push(_linkedin_partner_id);
</script><script type="text/javascript">
(function(l) {
if (!l){window.lintrk = function(a,b){window.lintrk.q.push([a,b])};
window.lintrk.q=[]}
var s = document.getElementsByTagName("script")[0];
var b = document.createElement("script");
b.type = "text/javascript";b.async = true;
b.src = "https://snap.licdn.com/li.lms-analytics/insight.min.js";
s.parentNode.insertBefore(b, s);})(window.lintrk);
</script>
<noscript>
<img height="1" width="1" style="display:none;" alt="" src="https://px.ads.linkedin.com/collect/?pid=1234567&fmt=gif" />
</noscript>"#),
    snippet("tiktok-pixel", &["tiktok.com"], r#"<!-- TikTok Pixel Code Start -->
<script>
!function (w, d, t) {
  w.TiktokAnalyticsObject=t;var ttq=w[t]=w[t]||[];ttq.methods=["page","track","identify","instances","debug","on","off","once","ready","alias","group","enableCookie","disableCookie","holdConsent","revokeConsent","grantConsent"],ttq.setAndDefer=function(t,e){t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}};for(var i=0;i<ttq.methods.length;i++)ttq.setAndDefer(ttq,ttq.methods[i]);
  ttq.load=function(e,n){var r="https://analytics.tiktok.com/i18n/pixel/events.js",o=n&&n.partner;ttq._i=ttq._i||{},ttq._i[e]=[],ttq._i[e]._u=r,ttq._t=ttq._t||{},ttq._t[e]=+new Date,ttq._o=ttq._o||{},ttq._o[e]=n||{};n=document.createElement("script");n.type="text/javascript",n.async=!0,n.src=r+"?sdkid="+e+"&lib="+t;e=document.getElementsByTagName("script")[0];e.parentNode.insertBefore(n,e)};

  ttq.load('C1ABCDEFGHIJKLMNOPQR');
  ttq.page();
}(window, document, 'ttq');
</script>
<!-- TikTok Pixel Code End -->"#),
    snippet("youtube", &["youtube.com", "youtube-nocookie.com", "ytimg.com"], r#"<iframe width="560" height="315" src="https://www.youtube.com/embed/abcDEF12345?si=xYz_0123456789" title="YouTube video player" frameborder="0" allow="accelerometer; autoplay; clipboard-write; encrypted-media; gyroscope; picture-in-picture; web-share" referrerpolicy="strict-origin-when-cross-origin" allowfullscreen></iframe>
<iframe width="560" height="315" src="https://www.youtube-nocookie.com/embed/abcDEF12345" allowfullscreen></iframe>
<img src="https://i.ytimg.com/vi/abcDEF12345/hqdefault.jpg" alt="">
<link rel="preconnect" href="https://www.youtube.com">"#),
    snippet("vimeo", &["vimeo.com"], r#"<div style="padding:56.25% 0 0 0;position:relative;"><iframe src="https://player.vimeo.com/video/123456789?badge=0&amp;autopause=0&amp;player_id=0&amp;app_id=58479" frameborder="0" allow="autoplay; fullscreen; picture-in-picture; clipboard-write; encrypted-media; web-share" style="position:absolute;top:0;left:0;width:100%;height:100%;" title="A video"></iframe></div><script src="https://player.vimeo.com/api/player.js"></script>"#),
    snippet("google-maps", &["google.com", "googleapis.com"], r#"<iframe src="https://www.google.com/maps/embed?pb=!1m18!1m12!1m3!1d2482.9!2d-0.12!3d51.5!2m3!1f0!2f0!3f0" width="600" height="450" style="border:0;" allowfullscreen="" loading="lazy" referrerpolicy="no-referrer-when-downgrade"></iframe>
<script async defer src="https://maps.googleapis.com/maps/api/js?key=AIzaSyABC&amp;callback=initMap&amp;loading=async"></script>"#),
    snippet("recaptcha", &["google.com", "gstatic.com", "recaptcha.net"], r#"<script src="https://www.google.com/recaptcha/api.js" async defer></script>
<form action="/sign-up" method="POST"><div class="g-recaptcha" data-sitekey="6Labc"></div><input type="submit" value="Submit"></form>
<script src="https://www.google.com/recaptcha/api.js?render=6Labc"></script>"#),
    snippet("disqus", &["disqus.com"], r#"<div id="disqus_thread"></div>
<script>
    (function() { // DON'T EDIT BELOW THIS LINE
    var d = document, s = d.createElement('script');
    s.src = 'https://example-news.disqus.com/embed.js';
    s.setAttribute('data-timestamp', +new Date());
    (d.head || d.body).appendChild(s);
    })();
</script>
<noscript>Please enable JavaScript to view the <a href="https://disqus.com/?ref_noscript">comments powered by Disqus.</a></noscript>
<script id="dsq-count-scr" src="//example-news.disqus.com/count.js" async></script>"#),
    snippet("hubspot", &["hs-scripts.com", "hsforms.net"], r#"<!-- Start of HubSpot Embed Code -->
<script type="text/javascript" id="hs-script-loader" async defer src="//js.hs-scripts.com/1234567.js"></script>
<!-- End of HubSpot Embed Code -->
<script charset="utf-8" type="text/javascript" src="//js.hsforms.net/forms/embed/v2.js"></script>
<script>
  hbspt.forms.create({ region: "na1", portalId: "1234567", formId: "01234567-89ab-cdef-0123-456789abcdef" });
</script>"#),
    snippet("clarity", &["clarity.ms"], r#"<script type="text/javascript">
    (function(c,l,a,r,i,t,y){
        c[a]=c[a]||function(){(c[a].q=c[a].q||[]).push(arguments)};
        t=l.createElement(r);t.async=1;t.src="https://www.clarity.ms/tag/"+i;
        y=l.getElementsByTagName(r)[0];y.parentNode.insertBefore(t,y);
    })(window, document, "clarity", "script", "abcdefghij");
</script>"#),
    snippet("matomo", &["matomo.cloud"], r#"<!-- Matomo -->
<script>
  var _paq = window._paq = window._paq || [];
  /* tracker methods like "setCustomDimension" should be called before "trackPageView" */
  _paq.push(['trackPageView']);
  _paq.push(['enableLinkTracking']);
  (function() {
    var u="https://news.matomo.cloud/";
    _paq.push(['setTrackerUrl', u+'matomo.php']);
    _paq.push(['setSiteId', '1']);
    var d=document, g=d.createElement('script'), s=d.getElementsByTagName('script')[0];
    g.async=true; g.src='https://cdn.matomo.cloud/news.matomo.cloud/matomo.js'; s.parentNode.insertBefore(g,s);
  })();
</script>
<noscript><p><img referrerpolicy="no-referrer-when-downgrade" src="https://news.matomo.cloud/matomo.php?idsite=1&amp;rec=1" style="border:0;" alt="" /></p></noscript>
<!-- End Matomo Code -->"#),
    snippet("x", &["twitter.com", "twimg.com"], r#"<blockquote class="twitter-tweet"><p lang="en" dir="ltr">The lamp is lit again. <a href="https://t.co/abc">pic.twitter.com/abc</a></p>&mdash; Example News (@news) <a href="https://twitter.com/news/status/1234567890?ref_src=twsrc%5Etfw">November 22, 2026</a></blockquote> <script async src="https://platform.twitter.com/widgets.js" charset="utf-8"></script>
<a class="twitter-timeline" href="https://twitter.com/news?ref_src=twsrc%5Etfw">Tweets by news</a>"#),
    snippet("microsoft-ads", &["bing.com"], r#"<script>(function(w,d,t,r,u){var f,n,i;w[u]=w[u]||[],f=function(){var o={ti:"12345678", enableAutoSpaTracking: true};o.q=w[u],w[u]=new UET(o),w[u].push("pageLoad")},n=d.createElement(t),n.src=r,n.async=1,n.onload=n.onreadystatechange=function(){var s=this.readyState;s&&s!=="loaded"&&s!=="complete"||(f(),n.onload=n.onreadystatechange=null)},i=d.getElementsByTagName(t)[0],i.parentNode.insertBefore(n,i)})(window,document,"script","//bat.bing.com/bat.js","uetq");</script>"#),
    snippet("pinterest", &["pinimg.com", "pinterest.com"], r#"<script>
!function(e){if(!window.pintrk){window.pintrk = function () {
window.pintrk.queue.push(Array.prototype.slice.call(arguments))};var
  n=window.pintrk;n.queue=[],n.version="3.0";var
  t=document.createElement("script");t.async=!0,t.src=e;var
  r=document.getElementsByTagName("script")[0];
  r.parentNode.insertBefore(t,r)}}("https://s.pinimg.com/ct/core.js");
pintrk('load', '2612345678901');
pintrk('page');
</script>
<noscript>
<img height="1" width="1" style="display:none;" alt=""
  src="https://ct.pinterest.com/v3/?event=init&tid=2612345678901&noscript=1" />
</noscript>"#),
    snippet("spotify", &["spotify.com"], r#"<iframe data-testid="embed-iframe" style="border-radius:12px" src="https://open.spotify.com/embed/track/abc?utm_source=generator" width="100%" height="352" frameBorder="0" allowfullscreen="" allow="autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture" loading="lazy"></iframe>"#),
    snippet("google-fonts", &["googleapis.com", "gstatic.com"], r#"<link rel="preconnect" href="https://fonts.googleapis.com">
<link rel="preconnect" href="https://fonts.gstatic.com" crossorigin>
<link href="https://fonts.googleapis.com/css2?family=Roboto:wght@400;700&display=swap" rel="stylesheet">
<style>@import url('https://fonts.googleapis.com/css2?family=Lora&display=swap');</style>"#),
    snippet("intercom", &["intercom.io", "intercomcdn.com"], r#"<script>
  window.intercomSettings = { api_base: "https://api-iam.intercom.io", app_id: "abcd1234" };
</script>
<script>
(function(){var w=window;var ic=w.Intercom;if(typeof ic==="function"){ic('update',w.intercomSettings);}else{var d=document;var i=function(){i.c(arguments);};i.q=[];i.c=function(args){i.q.push(args);};w.Intercom=i;var l=function(){var s=d.createElement('script');s.type='text/javascript';s.async=true;s.src='https://widget.intercom.io/widget/abcd1234';var x=d.getElementsByTagName('script')[0];x.parentNode.insertBefore(s,x);};if(document.readyState==='complete'){l();}else{w.addEventListener('load',l,false);}}})();
</script>"#),
];

/// A script of the site's own stands before and behind: it runs in any case.
fn page(snippets: &[&Snippet]) -> String {
    let html: String = snippets.iter().map(|snippet| [snippet.html, "\n"].concat()).collect();
    format!(
        "<!doctype html>\n<html lang=en>\n<head><title>News</title><script>own(1)</script></head>\n<body>\n<h1>News</h1>\n{html}<script src=/own.js async></script>\n</body>\n</html>\n"
    )
}

fn catalog() -> ConsentLayer {
    ConsentLayer::new(Policy::builder("Example News").catalog().build().unwrap())
}

async fn seen(layer: &ConsentLayer, cookie: &str, page: &str) -> String {
    let page = page.to_owned();
    let request = with(navigate("/"), "cookie", cookie);
    let answer = arrive(through(layer, request, move |_| html(full(page.clone()))).await).await;
    answer.text().to_owned()
}

/// What a browser would do with the page that is no business of the site's own.
#[derive(Debug, Default)]
struct Doings {
    fetches: Vec<String>,
    runs: Vec<String>,
    placeholders: Vec<String>,
}

fn doings(page: &str, scripting_enabled: bool) -> Doings {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts { scripting_enabled, ..TreeBuilderOpts::default() },
        ..ParseOpts::default()
    };
    let dom = parse_document(RcDom::default(), options).one(page);
    let mut doings = Doings::default();
    walk(&dom.document, scripting_enabled, &mut doings);
    doings
}

fn walk(node: &Handle, scripting: bool, doings: &mut Doings) {
    let NodeData::Element { name, attrs, .. } = &node.data else {
        return node.children.borrow().iter().for_each(|child| walk(child, scripting, doings));
    };
    let name = &*name.local;
    let attrs = attrs.borrow();
    let value = |wanted: &str| {
        attrs.iter().find(|attr| &*attr.name.local == wanted).map(|attr| attr.value.to_string())
    };
    if name == "tower-consent" {
        doings.placeholders.extend(value("data-vendor"));
    }
    let text: String = node.children.borrow().iter().map(text_of).collect();
    let kind = value("type").unwrap_or_default();
    let is_live = kind.is_empty() || kind == "text/javascript" || kind == "module";
    for (attribute, on) in [
        (
            "src",
            &["script", "iframe", "img", "embed", "source", "video", "audio", "track", "input"][..],
        ),
        ("srcset", &["img", "source"]),
        ("href", &["link"]),
        ("data", &["object"]),
        ("srcdoc", &["iframe"]),
        ("poster", &["video"]),
        ("ping", &["a", "area"]),
    ] {
        // One that has an address doesn't run what is in it, whatever it is.
        let is_off = name == "script" && (!scripting || !is_live);
        doings.fetches.extend(value(attribute).filter(|_| on.contains(&name) && !is_off));
    }
    let style = [value("style").unwrap_or_default(), text.clone()].concat();
    if name == "style" && !matches!(kind.as_str(), "" | "text/css") {
        // It doesn't apply.
    } else if name == "style" || !value("style").unwrap_or_default().is_empty() {
        doings
            .fetches
            .extend(style.split('\'').filter(|part| part.starts_with("http")).map(str::to_owned));
    }
    if name == "script" && scripting && is_live && value("src").is_none() {
        doings.runs.push(text);
    }
    node.children.borrow().iter().for_each(|child| walk(child, scripting, doings));
}

fn text_of(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => String::new(),
    }
}

/// The hosts that are contacted and aren't the site's.
fn hosts(doings: &Doings) -> Vec<String> {
    let base = Url::parse("https://news.example/").unwrap();
    let urls = doings.fetches.iter().filter_map(|url| base.join(url).ok());
    let hosts = urls.filter_map(|url| url.host_str().map(str::to_owned));
    hosts.filter(|host| host != "news.example").collect()
}

/// Scripts that aren't the site's or the banner's.
fn strange(doings: &Doings) -> Vec<&String> {
    // Intercom's first one sets a variable, which nobody reads while the second is inert.
    let is_own = |text: &str| {
        ["own(1)", "tower-consent:change", "document.currentScript.parentNode.shadowRoot"]
            .iter()
            .any(|part| text.contains(part))
            || text.trim_start().starts_with("window.intercomSettings = {")
    };
    doings.runs.iter().filter(|text| !is_own(text)).collect()
}

fn all_snippets() -> Vec<&'static Snippet> {
    SNIPPETS.iter().collect()
}

/// Each by itself, and all in one page.
fn pages() -> Vec<(String, String)> {
    let each = SNIPPETS.iter().map(|one| (one.slug.to_owned(), page(&[one])));
    each.chain([("all".to_owned(), page(&all_snippets()))]).collect()
}

#[test]
fn the_snippets_contact_their_vendors_where_nothing_gates_them() {
    for snippet in SNIPPETS {
        assert!(tower_consent::catalog::vendor(snippet.slug).is_some(), "{}", snippet.slug);
        let [with, without] = [true, false].map(|scripting| doings(&page(&[snippet]), scripting));
        let found: Vec<String> = [&with, &without].into_iter().flat_map(hosts).collect();
        let is_known = |host: &String| {
            snippet.hosts.iter().any(|known| host == known || host.ends_with(&format!(".{known}")))
        };
        assert!(found.iter().all(is_known), "{}: {found:?}", snippet.slug);
        assert!(!found.is_empty() || !strange(&with).is_empty(), "{}", snippet.slug);
    }
}

#[tokio::test]
async fn h1_h2_published_snippets_contact_nobody_before_the_choice_and_after_a_no() {
    for (policy, layer) in [("nothing declared", ConsentLayer::default()), ("catalog", catalog())] {
        for (name, page) in pages() {
            for cookie in [String::new(), choice("reject")] {
                let gated = seen(&layer, &cookie, &page).await;
                for scripting in [true, false] {
                    let doings = doings(&gated, scripting);
                    let what = format!("{name}, {policy}, {cookie:?}, scripting {scripting}");
                    assert_eq!(hosts(&doings), Vec::<String>::new(), "{what}");
                    assert_eq!(strange(&doings), Vec::<&String>::new(), "{what}");
                    let own = doings.runs.iter().any(|text| text == "own(1)");
                    assert_eq!(own, scripting, "{what}");
                    assert!(
                        doings.fetches.iter().any(|url| url == "/own.js") || !scripting,
                        "{what}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn h3_with_everything_allowed_pages_with_snippets_are_as_they_were() {
    for (name, page) in pages() {
        let whole = seen(&catalog(), &choice("accept"), &page).await;
        assert_eq!(without_banner(whole.as_bytes()), page.as_bytes(), "{name}");
    }
}

#[tokio::test]
async fn h4_what_was_seen_has_a_placeholder_and_what_was_not_has_none() {
    for snippet in SNIPPETS {
        let gated = seen(&catalog(), "", &page(&[snippet])).await;
        let expected = match snippet.slug {
            "youtube" => 2,
            "vimeo" | "google-maps" | "spotify" => 1,
            _ => 0,
        };
        for scripting in [true, false] {
            let found = doings(&gated, scripting).placeholders;
            assert_eq!(found, vec![snippet.slug; expected], "{gated}");
        }
    }
}
