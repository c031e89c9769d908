//! The policy page: the settings, and everything that is declared, in plain words. It has no script.

use bytes::Bytes;

use super::assets::{Asset, PAGE_STYLE};
use super::markup::Markup;
use super::render::{View, return_to, toggles};
use super::texts::fill;
use crate::consent::Regime;

/// What the page says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageView<'a> {
    pub(crate) banner: View<'a>,
    /// When the visitor decided, as it is to be read.
    pub(crate) decided_on: Option<&'a str>,
    /// How long a choice lives.
    pub(crate) lifetime_days: u16,
    /// What is declared, the strictly necessary first.
    pub(crate) sections: &'a [Section<'a>],
}

/// A category with what it uses.
#[derive(Clone, Debug)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) cookies: Vec<CookieRow<'a>>,
    pub(crate) partners: Vec<Partner<'a>>,
}

/// A declared cookie. What the site did not say is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CookieRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) purpose: Option<&'a str>,
    pub(crate) provider: Option<&'a str>,
    pub(crate) lifetime: Option<&'a str>,
}

/// A declared vendor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partner<'a> {
    pub(crate) name: &'a str,
    pub(crate) company: Option<&'a str>,
    pub(crate) privacy_url: Option<&'a str>,
}

/// The page's style, for its CSP.
pub(crate) static STYLE: &Asset = &PAGE_STYLE;

/// The whole page for one visitor.
pub(crate) fn render(
    view: &PageView<'_>,
    is_on: impl Fn(usize) -> bool,
    lone_vendors: impl Fn(usize) -> String,
) -> Bytes {
    let View { texts, site, endpoint, .. } = view.banner;
    let page = &texts.page;
    let with_site = |text: &str| fill(text, &[("site", site)]);

    let mut html = Markup::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"")
        .text(&texts.lang)
        .raw("\" dir=\"")
        .raw(texts.dir.as_str());
    html.raw("\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
        .text(&page.title)
        .raw(" | ")
        .text(site);
    html.raw("</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<style>").raw(&STYLE.text);
    html.raw("</style>\n</head>\n<body>\n<header>\n<a href=\"/\">")
        .text(&with_site(&page.back))
        .raw("</a>\n<h1>");
    html.text(&page.title).raw("</h1>\n<p>").text(&with_site(&page.intro)).raw("</p>\n");
    if let Some(url) = view.banner.privacy_url {
        html.raw("<p><a href=\"")
            .text(url)
            .raw("\">")
            .text(&texts.settings.privacy)
            .raw("</a></p>\n");
    }
    html.raw("</header>\n<main>\n");
    settings(&mut html, view);
    html.raw("<h2>").text(&page.used).raw("</h2>\n");
    for each in view.sections {
        section(&mut html, each, view);
    }
    html.raw("</main>\n</body>\n</html>\n");
    html.finish().fill(endpoint, is_on, lone_vendors)
}

/// What holds now, and the form that changes it.
fn settings(html: &mut Markup, view: &PageView<'_>) {
    let View { texts, endpoint, regime, gpc_honored, .. } = view.banner;
    let page = &texts.page;
    html.raw("<form method=\"post\" action=\"")
        .text(endpoint)
        .raw("/choice\" autocomplete=\"off\">\n<h2>");
    html.text(&page.status).raw("</h2>\n<p>");
    match (view.decided_on, regime) {
        (Some(date), _) => {
            let days = view.lifetime_days.to_string();
            html.text(&fill(&page.decided, &[("date", date), ("days", &days)]))
        }
        (None, Regime::OptIn) => html.text(&page.undecided_opt_in),
        (None, Regime::OptOut | Regime::Notice) => html.text(&page.undecided_opt_out),
    };
    html.raw("</p>\n");
    if gpc_honored {
        html.raw("<p>").text(&texts.gpc).raw("</p>\n");
    }
    return_to(html);
    toggles(html, view.banner.toggles, texts);
    html.raw("\n<div>");
    let buttons = [
        ("save", &texts.settings.save),
        ("reject", &texts.settings.reject_all),
        ("accept", &texts.settings.accept_all),
    ];
    for (value, text) in buttons {
        html.raw("<button name=\"choice\" value=\"")
            .raw(value)
            .raw("\">")
            .text(text)
            .raw("</button>");
    }
    html.raw("</div>\n</form>\n");
}

/// One category: its cookies as a table, its partners as a list.
fn section(html: &mut Markup, section: &Section<'_>, view: &PageView<'_>) {
    let page = &view.banner.texts.page;
    html.raw("<section>\n<h3>")
        .text(section.name)
        .raw("</h3>\n<p>")
        .text(section.description)
        .raw("</p>\n");
    if section.cookies.is_empty() && section.partners.is_empty() {
        html.raw("<p>").text(&page.none).raw("</p>\n");
    }
    if !section.cookies.is_empty() {
        html.raw("<table>\n<thead><tr>");
        for head in [&page.cookie, &page.purpose, &page.provider, &page.lifetime] {
            html.raw("<th scope=\"col\">").text(head).raw("</th>");
        }
        html.raw("</tr></thead>\n<tbody>\n");
        for cookie in &section.cookies {
            // A name keeps its order in a language written from right to left: `__Host-…`.
            html.raw("<tr><th scope=\"row\"><bdi>").text(cookie.name).raw("</bdi></th>");
            let cells = [
                (&page.purpose, cookie.purpose),
                (&page.provider, cookie.provider),
                (&page.lifetime, cookie.lifetime),
            ];
            for (head, cell) in cells {
                html.raw("<td data-head=\"")
                    .text(head)
                    .raw("\">")
                    .text(cell.unwrap_or("\u{2013}"))
                    .raw("</td>");
            }
            html.raw("</tr>\n");
        }
        html.raw("</tbody>\n</table>\n");
    }
    if !section.partners.is_empty() {
        html.raw("<p>").text(&page.partners).raw("</p>\n<ul>\n");
        for partner in &section.partners {
            html.raw("<li>").text(partner.name);
            if let Some(company) = partner.company {
                html.raw(" (").text(company).raw(")");
            }
            if let Some(url) = partner.privacy_url {
                html.raw(" &#183; <a href=\"")
                    .text(url)
                    .raw("\">")
                    .text(&view.banner.texts.settings.privacy)
                    .raw("</a>");
            }
            html.raw("</li>\n");
        }
        html.raw("</ul>\n");
    }
    html.raw("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn html(view: &PageView<'_>) -> String {
        String::from_utf8(render(view, |id| id == 2, |_| String::new()).to_vec()).unwrap()
    }

    #[test]
    fn b10_tells_name_purpose_provider_and_lifetime_by_category_necessary_first() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let sections = samples::sections(&texts);
        let html = html(&samples::page(samples::view(&texts, &toggles), &sections));
        let mut rest = html.as_str();
        for expected in [
            "<h3>Strictly necessary</h3>",
            "__Host-consent</bdi></th>",
            ">Remembers what you decide on this page.</td>",
            ">Example News</td>",
            ">180 days</td>",
            "<h3>Analytics</h3>",
            "_em_*</bdi></th>",
            "https://metrics.example/privacy",
        ] {
            rest = rest.split_once(expected).unwrap_or_else(|| panic!("{expected} in order")).1;
        }
    }

    #[test]
    fn b10_the_form_posts_what_the_banner_posts() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let sections = samples::sections(&texts);
        let html = html(&samples::page(samples::view(&texts, &toggles), &sections));
        assert!(html.contains("<form method=\"post\" action=\"/_consent/choice\""));
        assert!(html.contains("name=return_to value=\"/_consent\">"));
        assert!(html.contains("name=allow value=analytics checked>"));
        assert!(html.contains("name=allow value=marketing>"));
        for choice in ["save", "reject", "accept"] {
            assert!(html.contains(&format!("<button name=\"choice\" value=\"{choice}\">")));
        }
        assert!(!html.contains("<script"));
    }

    #[test]
    fn says_what_holds() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let sections = samples::sections(&texts);
        let page = samples::page(samples::view(&texts, &toggles), &sections);
        assert!(html(&page).contains("You have not decided yet. Until you do"));
        let decided = PageView { decided_on: Some("November 24, 2026"), ..page };
        assert!(
            html(&decided)
                .contains("You decided on November 24, 2026. We will ask again after 180 days")
        );
    }
}
