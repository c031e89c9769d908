//! The banner: prompt, settings panel, and reopen tab in one custom element.
//!
//! All of it lives in the declarative shadow tree of `<tower-consent>`: it works without script, the site's CSS can't reach
//! it, and text extractors pass it by. One form makes every choice; the settings panel is a native popover.

use bytes::Bytes;

use super::assets::{ASK_SCRIPT, ASK_STYLE, Asset, TAB_SCRIPT, TAB_STYLE};
use super::markup::{Markup, Slot, Template};
use super::texts::{Prompt, Texts, fill};
use crate::consent::Regime;

/// What a banner is made of: one for each locale, regime and state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) regime: Regime,
    /// Whether the visitor decided: the tab shows instead of the prompt.
    pub(crate) decided: bool,
    /// Whether the browser's opt-out signal holds, so that the banner says so.
    pub(crate) gpc_honored: bool,
    /// The site's name.
    pub(crate) site: &'a str,
    /// Where the layer's own routes are: `/_consent`.
    pub(crate) endpoint: &'a str,
    /// The site's privacy policy.
    pub(crate) privacy_url: Option<&'a str>,
    pub(crate) toggles: &'a [Toggle<'a>],
    pub(crate) texts: &'a Texts,
}

/// One switch in the settings: a category, or a vendor that is asked separately.
#[derive(Clone, Debug)]
pub(crate) struct Toggle<'a> {
    /// The caller's number, asked back by [`Banner::fill`].
    pub(crate) id: usize,
    pub(crate) slug: &'a str,
    pub(crate) name: &'a str,
    /// May be empty.
    pub(crate) description: &'a str,
    /// Strictly necessary: always on.
    pub(crate) locked: bool,
    pub(crate) vendors: Vec<Toggle<'a>>,
}

/// A banner made once, and what a page's CSP must allow for it.
#[derive(Clone, Debug)]
pub(crate) struct Banner {
    template: Template,
    style: &'static Asset,
    script: &'static Asset,
}

impl Banner {
    /// The banner's bytes for one visitor: where the choice returns to (a path), and which toggles are on.
    pub(crate) fn fill(&self, return_to: &str, is_on: impl Fn(usize) -> bool) -> Vec<Bytes> {
        self.template.fill(return_to, is_on)
    }

    /// The source for `style-src`: `'sha256-…'`.
    pub(crate) fn style_source(&self) -> &'static str {
        self.style.csp
    }

    /// The source for `script-src`: `'sha256-…'`.
    pub(crate) fn script_source(&self) -> &'static str {
        self.script.csp
    }
}

/// Makes the banner.
pub(crate) fn render(view: &View<'_>) -> Banner {
    let (style, script) =
        if view.decided { (&TAB_STYLE, &TAB_SCRIPT) } else { (&ASK_STYLE, &ASK_SCRIPT) };
    let texts = view.texts;
    let prompt = texts.prompt(view.regime);
    let state = if view.decided { "decided" } else { "ask" };

    let mut html = Markup::default();
    html.raw("<tower-consent data-nosnippet data-state=").raw(state);
    html.raw("><template shadowrootmode=open><style>").raw(&style.text).raw("</style>");
    html.raw("<form method=post action=\"")
        .text(view.endpoint)
        .raw("/choice\" autocomplete=off lang=\"");
    html.text(&texts.lang).raw("\" dir=").raw(texts.dir.as_str()).raw(">");
    return_to(&mut html);
    html.raw("<button type=button part=tab popovertarget=s").raw(if view.decided {
        ">"
    } else {
        " hidden>"
    });
    html.text(&prompt.tab).raw("</button>");
    // Before the prompt, so that Enter on a toggle means Save.
    settings(&mut html, view);
    if !view.decided {
        first_layer(&mut html, view, prompt);
        html.raw("<p role=status data-saved=\"").text(&texts.saved).raw("\"></p>");
    }
    html.raw("</form></template>");
    // Not in the shadow tree, so never seen: the link is for browsers without declarative shadow DOM and scripts.
    link(&mut html, view.endpoint, &prompt.tab);
    html.raw("<script>").raw(&script.text).raw("</script></tower-consent>");
    Banner { template: html.finish(), style, script }
}

/// The prompt: message, and the buttons that answer it in one action each.
fn first_layer(html: &mut Markup, view: &View<'_>, prompt: &Prompt) {
    html.raw("<div part=prompt role=region aria-label=\"")
        .text(&view.texts.name)
        .raw("\"><div class=text>");
    if !prompt.title.is_empty() {
        html.raw("<b>").text(&with_site(&prompt.title, view)).raw("</b>");
    }
    html.raw("<p>").text(&with_site(&prompt.message, view));
    link(html.raw(" "), view.endpoint, &prompt.read_more);
    html.raw("</p>");
    gpc(html, view);
    html.raw("</div><div class=row>");
    if view.regime != Regime::Notice {
        choice(html, "reject", &prompt.reject);
    }
    choice(html, "accept", &prompt.accept);
    html.raw("<button type=button part=more popovertarget=s>").text(&prompt.settings);
    html.raw("</button></div></div>");
}

/// The settings panel: a popover that opens and closes without script and without changing anything.
fn settings(html: &mut Markup, view: &View<'_>) {
    let texts = &view.texts.settings;
    html.raw("<div popover id=s part=settings role=dialog aria-labelledby=h>");
    html.raw("<button type=button part=close popovertarget=s popovertargetaction=hide autofocus>");
    html.text(&texts.close).raw("</button><h2 id=h>").text(&texts.title).raw("</h2>");
    gpc(html, view);
    toggles(html, view.toggles, view.texts);
    html.raw("<div class=row>");
    choice(html, "save", &texts.save);
    choice(html, "reject", &texts.reject_all);
    choice(html, "accept", &texts.accept_all);
    html.raw("</div><p>");
    link(html, view.endpoint, &view.texts.prompt(view.regime).read_more);
    if let Some(url) = view.privacy_url {
        link(html.raw(" | "), url, &texts.privacy);
    }
    html.raw("</p></div>");
}

/// The fields of the settings, here and on the policy page: a switch for each category, vendors below theirs.
pub(super) fn toggles(html: &mut Markup, toggles: &[Toggle<'_>], texts: &Texts) {
    for toggle in toggles {
        html.raw("<label>").text(toggle.name);
        if toggle.locked {
            html.raw(" (")
                .text(&texts.settings.always_on)
                .raw(")<input type=checkbox checked disabled>");
        } else {
            html.raw("<input type=checkbox name=allow value=\"").text(toggle.slug).raw("\"");
            html.slot(Slot::Checked(toggle.id)).raw(">");
        }
        html.raw("</label>");
        if !toggle.description.is_empty() {
            html.raw("<p>").text(toggle.description).raw("</p>");
        }
        if !toggle.vendors.is_empty() {
            html.raw("<fieldset aria-label=\"").text(toggle.name).raw("\">");
            self::toggles(html, &toggle.vendors, texts);
            html.raw("</fieldset>");
        }
    }
}

/// A button that makes a choice. All of them are the same but for value and text.
fn choice(html: &mut Markup, value: &str, text: &str) {
    html.raw("<button part=button name=choice value=")
        .raw(value)
        .raw(">")
        .text(text)
        .raw("</button>");
}

pub(super) fn return_to(html: &mut Markup) {
    html.raw("<input type=hidden name=return_to value=\"").slot(Slot::ReturnTo).raw("\">");
}

fn link(html: &mut Markup, url: &str, text: &str) {
    html.raw("<a href=\"").text(url).raw("\">").text(text).raw("</a>");
}

fn gpc(html: &mut Markup, view: &View<'_>) {
    if view.gpc_honored {
        html.raw("<p>").text(&view.texts.gpc).raw("</p>");
    }
}

fn with_site(text: &str, view: &View<'_>) -> String {
    fill(text, &[("site", view.site)])
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn html(view: &View<'_>) -> String {
        String::from_utf8(render(view).fill("/article?page=2", |_| false).concat()).unwrap()
    }

    fn brotli(text: &str) -> usize {
        let mut out = Vec::new();
        let params = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
        brotli::BrotliCompress(&mut text.as_bytes(), &mut out, &params).unwrap();
        out.len()
    }

    #[test]
    fn b2_weighs_at_most_4096_bytes_with_prompt_and_1200_with_tab() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
            for (decided, budget) in [(false, 4096), (true, 1200)] {
                let html = html(&View { regime, decided, ..samples::view(&texts, &toggles) });
                let weight = brotli(&html);
                println!("{regime:?}, decided {decided}: {} bytes, brotli {weight}", html.len());
                assert!(weight <= budget, "{weight}");
            }
        }
    }

    // TRIAL
    #[test]
    fn dump() {
        use super::super::policy_page;
        let dir = "/tmp/bannerw/out";
        std::fs::create_dir_all(dir).unwrap();
        let mut texts = samples::english();
        for dir_ in ["ltr", "rtl"] {
            if dir_ == "rtl" {
                texts.dir = super::super::texts::Direction::Rtl;
            }
            let mut toggles = samples::categories(&texts);
            for vendors in [false, true] {
                if vendors {
                    toggles[2].vendors = vec![
                        Toggle {
                            id: 4,
                            slug: "example-metrics",
                            name: "Example Metrics",
                            description: "",
                            locked: false,
                            vendors: vec![],
                        },
                        Toggle {
                            id: 5,
                            slug: "other-metrics",
                            name: "Caf\u{e9} \u{1f36a} Count",
                            description: "Counts.",
                            locked: false,
                            vendors: vec![],
                        },
                    ];
                }
                for regime in [Regime::OptIn, Regime::OptOut, Regime::Notice] {
                    for decided in [false, true] {
                        for gpc_honored in [false, true] {
                            let view = View {
                                regime,
                                decided,
                                gpc_honored,
                                ..samples::view(&texts, &toggles)
                            };
                            let b = render(&view);
                            let name = format!(
                                "{dir_}-{regime:?}-{}{}{}",
                                if decided { "decided" } else { "ask" },
                                if gpc_honored { "-gpc" } else { "" },
                                if vendors { "-vendors" } else { "" }
                            );
                            std::fs::write(
                                format!("{dir}/{name}.html"),
                                b.fill("/RETURN", |id| {
                                    regime != Regime::OptIn && id != 3 || decided && id == 2
                                })
                                .concat(),
                            )
                            .unwrap();
                            let sections = samples::sections(&texts);
                            let page = policy_page::PageView {
                                decided_on: decided.then_some("November 24, 2026"),
                                ..samples::page(view, &sections)
                            };
                            std::fs::write(
                                format!("{dir}/page-{name}.html"),
                                policy_page::render(&page, |id| decided && id == 2),
                            )
                            .unwrap();
                        }
                    }
                }
            }
        }
        std::fs::write(
            format!("{dir}/csp.json"),
            format!(
                "{{\"ask\":[{:?},{:?}],\"decided\":[{:?},{:?}],\"page\":[{:?},{:?}]}}",
                ASK_STYLE.csp,
                ASK_SCRIPT.csp,
                TAB_STYLE.csp,
                TAB_SCRIPT.csp,
                super::super::assets::PAGE_STYLE.csp,
                "'none'"
            ),
        )
        .unwrap();
    }
}
