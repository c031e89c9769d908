use bytes::Bytes;

use super::{
    assets::{Asset, PLACEHOLDER_STYLE},
    markup::Markup,
    texts::{Texts, fill},
};

/// What stands in for a frame that is not loaded (H4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceholderView<'a> {
    /// Who would have been contacted.
    pub(crate) vendor: &'a str,
    pub(crate) slug: &'a str,
    /// Where the layer's own routes are: `/_consent`.
    pub(crate) endpoint: &'a str,
    /// The address of the frame, as the page writes it.
    pub(crate) url: Option<&'a str>,
    /// In pixels, where the frame says so.
    pub(crate) size: (Option<u16>, Option<u16>),
    pub(crate) texts: &'a Texts,
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
    let named = |text: &str| fill(text, &[("vendor", view.vendor)]);
    let width = view.size.0.unwrap_or(USUAL_SIZE.0).to_string();
    let height = view.size.1.unwrap_or(USUAL_SIZE.1).to_string();

    let mut html = Markup::default();
    html.raw("<tower-consent data-state=gated data-vendor=").value(view.slug);
    html.raw("><template shadowrootmode=open><style>").raw(&PLACEHOLDER_STYLE.text);
    // It keeps the frame's place: a strut, since sizes can't be written into a style under CSP.
    html.raw("</style><svg aria-hidden=true width=").raw(&width).raw(" height=").raw(&height);
    html.raw("></svg><div lang=").value(&view.texts.lang);
    html.raw(" dir=").raw(view.texts.dir.as_str()).raw("><p>").text(&named(&texts.message));
    html.raw("</p><a href=").value(view.endpoint).raw(">").text(&texts.settings).raw("</a>");
    if let Some(url) = view.url.filter(|url| is_web(url)) {
        html.raw(" <a href=").value(url).raw(" target=_blank rel=\"noopener noreferrer\">");
        html.text(&named(&texts.open)).raw("</a>");
    }
    html.raw("</div></template>");
    html.finish().fill("", |_| false)
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
            vendor: "Example <Video>",
            slug: "example-video",
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
