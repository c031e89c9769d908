use bytes::Bytes;

use super::{
    assets::{Asset, PLACEHOLDER_STYLE},
    markup::Markup,
    texts::{Texts, fill},
};

/// What stands in for a frame that is not loaded (H4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceholderView<'a> {
    /// Who would have been contacted, or what for.
    pub(crate) name: &'a str,
    pub(crate) slug: &'a str,
    pub(crate) offer: Offer,
    /// Where the layer's own routes are: `/_consent`.
    pub(crate) endpoint: &'a str,
    /// The address of the frame, as the page writes it.
    pub(crate) url: Option<&'a str>,
    /// In pixels, where the frame says so.
    pub(crate) size: (Option<u16>, Option<u16>),
    /// Where a choice returns to: the path of the page.
    pub(crate) return_to: &'a str,
    pub(crate) texts: &'a Texts,
}

/// What the visitor can allow here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Nothing,
    /// The category that the page's author named.
    Category,
    /// Just this vendor: for now, or always.
    Vendor,
}

/// What a frame has where it doesn't say (HTML, 15.4.1).
const USUAL_SIZE: (u16, u16) = (300, 150);

/// The style, for the page's CSP.
pub(crate) static STYLE: &Asset = &PLACEHOLDER_STYLE;

/// What ends it, behind the frame.
pub(crate) const END: &str = "</tower-consent>";

/// The start of it: the frame follows, and does not show, since nothing in the shadow tree has a place for it.
pub(crate) fn render(view: &PlaceholderView<'_>) -> Bytes {
    let texts = &view.texts.placeholder;
    let named = |text: &str| fill(text, &[("vendor", view.name)]);
    let width = view.size.0.unwrap_or(USUAL_SIZE.0).to_string();
    let height = view.size.1.unwrap_or(USUAL_SIZE.1).to_string();

    let mut html = Markup::default();
    html.raw("<tower-consent data-state=gated data-vendor=").value(view.slug);
    // A script of the page may clone what it stands in.
    html.raw("><template shadowrootmode=open shadowrootclonable><style>");
    html.raw(&PLACEHOLDER_STYLE.text);
    // It keeps the frame's place: a strut, since sizes can't be written into a style under CSP.
    html.raw("</style><svg aria-hidden=true width=").raw(&width).raw(" height=").raw(&height);
    html.raw("></svg><form method=post action=").value(&format!("{}/choice", view.endpoint));
    html.raw(" lang=").value(&view.texts.lang).raw(" dir=").raw(view.texts.dir.as_str());
    let message = match view.offer {
        Offer::Category => fill(&texts.message_category, &[("category", view.name)]),
        Offer::Vendor | Offer::Nothing => named(&texts.message),
    };
    html.raw("><p>").text(&message).raw("</p>");
    offer(&mut html, view, named);
    html.raw("<p>");
    if let Some(url) = view.url.filter(|url| is_web(url)) {
        html.raw("<a href=").value(url).raw(" target=_blank rel=\"noopener noreferrer\">");
        html.text(&named(&texts.open)).raw("</a> ");
    }
    html.raw("<a href=").value(view.endpoint).raw(">").text(&texts.settings).raw("</a></p>");
    html.raw("</form></template>");
    html.into_text().into()
}

/// The buttons that allow it, here and now.
fn offer(html: &mut Markup, view: &PlaceholderView<'_>, named: impl Fn(&str) -> String) {
    let texts = &view.texts.placeholder;
    let button = |html: &mut Markup, value: &str, text: &str| {
        html.raw("<button part=button name=choice value=").raw(value).raw(">").text(text);
        html.raw("</button>");
    };
    if view.offer == Offer::Nothing {
        return;
    }
    html.raw("<input type=hidden name=return_to value=").value(view.return_to);
    html.raw("><input type=hidden name=allow value=").value(view.slug).raw("><div>");
    match view.offer {
        Offer::Vendor => {
            button(html, "once", &named(&texts.allow));
            html.raw("<button part=button name=choice value=allow aria-label=\"");
            html.text(&named(&texts.always_allow)).raw("\">").text(&texts.always);
            html.raw("</button>");
        }
        Offer::Category | Offer::Nothing => button(html, "allow", &named(&texts.allow)),
    }
    html.raw("</div>");
}

fn is_web(url: &str) -> bool {
    let url = url.trim().to_ascii_lowercase();
    ["https://", "http://", "//"].iter().any(|start| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    fn placeholder(url: &str, size: (Option<u16>, Option<u16>)) -> String {
        let texts = samples::english();
        let view = PlaceholderView {
            name: "Example <Video>",
            slug: "example-video",
            offer: Offer::Vendor,
            return_to: "/article?page=2",
            endpoint: "/_consent",
            url: Some(url),
            size,
            texts: &texts,
        };
        String::from_utf8(render(&view).to_vec()).unwrap()
    }

    #[test]
    fn h4_names_the_vendor_and_leads_to_settings_and_content() {
        let html = placeholder("https://video.example/1?a=b&c", (Some(560), None));
        assert!(html.contains("Example &lt;Video&gt;"), "{html}");
        assert!(html.contains("href=/_consent>"), "{html}");
        assert!(html.contains("href=\"https://video.example/1?a=b&amp;c\""), "{html}");
        assert!(html.contains("width=560 height=150"), "{html}");
    }

    #[test]
    fn h4_links_to_pages_of_the_web_only() {
        for url in ["javascript:alert(1)", " data:text/html,x", "/here", ""] {
            assert_eq!(placeholder(url, (None, None)).matches("<a ").count(), 1, "{url}");
        }
    }
}
