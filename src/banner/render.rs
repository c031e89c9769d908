//! The banner: prompt, settings panel, and reopen tab in one custom element.
//!
//! All of it lives in the declarative shadow tree of `<tower-consent>`: it works without script, the site's CSS can't reach
//! it, and text extractors pass it by. One form makes every choice; the settings panel is a native popover.

use bytes::Bytes;

use super::assets::{
    ASK_SCRIPT, ASK_STYLE, Asset, PART_TAB_SCRIPT, PART_TAB_STYLE, TAB_SCRIPT, TAB_STYLE,
};
use super::markup::{Markup, Slot, Template};
use super::texts::{Prompt, Texts, fill};
use crate::consent::Regime;

/// What a banner is made of: one for each locale, regime and state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) regime: Regime,
    /// Whether the visitor decided: the tab shows instead of the prompt.
    pub(crate) decided: bool,
    /// Whether all that is asked is allowed, so that nothing can be given back to the page.
    pub(crate) allows_everything: bool,
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

/// One switch in the settings: a category, or a vendor.
#[derive(Clone, Debug)]
pub(crate) struct Toggle<'a> {
    pub(crate) slug: &'a str,
    pub(crate) name: &'a str,
    /// May be empty.
    pub(crate) description: &'a str,
    pub(crate) state: ToggleState,
    pub(crate) vendors: Vec<Toggle<'a>>,
}

/// How a switch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToggleState {
    /// Strictly necessary: always on.
    Locked,
    /// The visitor was asked: the caller's number is asked back by [`Banner::fill`].
    Asked(usize),
    /// On, because the visitor came and allowed it.
    On,
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
    /// The vendors that were allowed by themselves come as markup, for the category of a toggle's id.
    pub(crate) fn fill(
        &self,
        return_to: &str,
        is_on: impl Fn(usize) -> bool,
        lone_vendors: impl Fn(usize) -> String,
    ) -> Bytes {
        self.template.fill(return_to, is_on, lone_vendors)
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
    let (style, script) = match (view.decided, view.allows_everything) {
        (false, _) => (&ASK_STYLE, &ASK_SCRIPT),
        (true, false) => (&PART_TAB_STYLE, &PART_TAB_SCRIPT),
        (true, true) => (&TAB_STYLE, &TAB_SCRIPT),
    };
    let texts = view.texts;
    let prompt = texts.prompt(view.regime);
    let state = if view.decided { "decided" } else { "ask" };

    let mut html = Markup::default();
    html.raw("<tower-consent data-nosnippet data-state=").raw(state);
    html.raw("><template shadowrootmode=open><style>").raw(&style.text).raw("</style>");
    html.raw("<form method=post action=").value(&format!("{}/choice", view.endpoint));
    html.raw(" autocomplete=off lang=")
        .value(&texts.lang)
        .raw(" dir=")
        .raw(texts.dir.as_str())
        .raw(">");
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
    }
    // Where the page stays after a choice.
    if !(view.decided && view.allows_everything) {
        html.raw("<p role=status data-saved=\"").text(&texts.saved).raw("\"></p>");
    }
    html.raw("</form></template>");
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
        self::toggle(html, toggle, texts);
        vendors(html, toggle.name, &toggle.vendors, texts);
        if let ToggleState::Asked(id) = toggle.state {
            html.slot(Slot::LoneVendors(id));
        }
    }
}

fn toggle(html: &mut Markup, toggle: &Toggle<'_>, texts: &Texts) {
    html.raw("<label>").text(toggle.name);
    if toggle.state != ToggleState::Locked {
        html.raw("<input type=checkbox name=allow value=").value(toggle.slug);
    }
    match toggle.state {
        ToggleState::Locked => html.raw("<input type=checkbox checked disabled>"),
        ToggleState::Asked(id) => html.slot(Slot::Checked(id)).raw(">"),
        ToggleState::On => html.raw(" checked>"),
    };
    html.raw("</label>");
    if toggle.state == ToggleState::Locked {
        html.raw("<p>").text(&texts.settings.always_on).raw(". ");
        html.text(toggle.description).raw("</p>");
    } else if !toggle.description.is_empty() {
        html.raw("<p>").text(toggle.description).raw("</p>");
    }
}

/// The vendors of this category.
fn vendors(html: &mut Markup, category: &str, toggles: &[Toggle<'_>], texts: &Texts) {
    if toggles.is_empty() {
        return;
    }
    html.raw("<fieldset aria-label=\"").text(category).raw("\">");
    for toggle in toggles {
        self::toggle(html, toggle, texts);
    }
    html.raw("</fieldset>");
}

/// The vendors of this category that the visitor has allowed by themselves, all of them on.
pub(crate) fn lone_vendors(category: &str, toggles: &[Toggle<'_>], texts: &Texts) -> String {
    let mut html = Markup::default();
    vendors(&mut html, category, toggles, texts);
    html.into_text()
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
    html.raw("<a href=").value(url).raw(">").text(text).raw("</a>");
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
        String::from_utf8(
            render(view).fill("/article?page=2", |_| false, |_| String::new()).to_vec(),
        )
        .unwrap()
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
            // Of the second, 0.9 KB bring back what was taken out, and 0.6 KB send and show a choice without a load.
            for (decided, allows_everything, budget) in
                [(false, false, 4096), (true, false, 2900), (true, true, 1200)]
            {
                // Who allows everything that is sold is not who the signal spoke for.
                let gpc = if allows_everything { &[false][..] } else { &[false, true] };
                for &gpc_honored in gpc {
                    let view = samples::view(&texts, &toggles);
                    let html =
                        html(&View { regime, decided, allows_everything, gpc_honored, ..view });
                    let weight = brotli(&html);
                    println!(
                        "{regime:?}, decided {decided}, everything {allows_everything}: {} bytes, \
                         brotli {weight}",
                        html.len()
                    );
                    assert!(weight <= budget, "{weight}");
                }
            }
        }
    }

    #[test]
    fn c2_accept_and_reject_are_the_same_but_for_value_and_text() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        for (regime, accept, reject) in
            [(Regime::OptIn, "Accept", "Reject"), (Regime::OptOut, "Accept", "Opt out")]
        {
            let html = html(&View { regime, ..samples::view(&texts, &toggles) });
            let button = |value: &str, text: &str| {
                format!("<button part=button name=choice value={value}>{text}</button>")
            };
            let both = button("reject", reject) + &button("accept", accept);
            let prompt = html.split_once(" role=region").unwrap().1;
            assert!(prompt.contains(&both), "{regime:?}: {prompt}");
            assert!(
                html.contains(&(button("reject", "Reject all") + &button("accept", "Accept all")))
            );
        }
    }

    #[test]
    fn c3_optional_toggles_start_off_and_only_the_necessary_is_locked() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let html = html(&samples::view(&texts, &toggles));
        assert_eq!(html.matches(" checked").count(), 1);
        assert_eq!(
            html.matches("<input type=checkbox checked disabled></label><p>Always on").count(),
            1
        );
        for slug in ["preferences", "analytics", "marketing"] {
            assert!(
                html.contains(&format!("<input type=checkbox name=allow value={slug}>")),
                "{slug}"
            );
        }
    }

    #[test]
    fn c3_enter_on_a_toggle_saves() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let html = html(&samples::view(&texts, &toggles));
        let first = html.split_once("name=choice").unwrap().1;
        assert!(first.starts_with(" value=save>"), "the form's default button");
    }

    #[test]
    fn c8_a_notice_is_told_and_settings_still_refuse() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let html = html(&View { regime: Regime::Notice, ..samples::view(&texts, &toggles) });
        let (form, _) = html.split_once("</form>").unwrap();
        let (panel, prompt) = form.split_once(" role=region").unwrap();
        assert!(prompt.contains("value=accept>OK<") && !prompt.contains("value=reject"));
        assert!(panel.contains("value=reject>Reject all<"));
    }

    #[test]
    fn c10_says_that_the_opt_out_signal_is_honored() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        for (decided, times) in [(false, 2), (true, 1)] {
            let view = View { decided, gpc_honored: true, ..samples::view(&texts, &toggles) };
            assert_eq!(html(&view).matches("Global Privacy Control").count(), times);
        }
    }

    #[test]
    fn c7_the_tab_opens_the_settings_without_script() {
        let texts = samples::english();
        let toggles = samples::categories(&texts);
        let html = html(&View { decided: true, ..samples::view(&texts, &toggles) });
        assert!(html.contains("<button type=button part=tab popovertarget=s>"));
        assert!(html.contains("<div popover id=s part=settings "));
        assert!(!html.contains("role=region"));
    }

    #[test]
    fn what_a_policy_says_can_not_break_out() {
        let evil =
            "</template></script><img src=x onerror=alert(1)>\" onclick='x' {site} \u{e9}\u{1f36a}";
        let mut texts = samples::english();
        texts.prompt.opt_in.message = evil.to_owned();
        texts.name = evil.to_owned();
        texts.saved = evil.to_owned();
        texts.lang = evil.to_owned();
        let vendor = Toggle {
            slug: evil,
            name: evil,
            description: evil,
            state: ToggleState::Asked(9),
            vendors: Vec::new(),
        };
        let toggles = [Toggle { vendors: vec![vendor.clone()], ..vendor }];
        let view = View {
            site: evil,
            endpoint: evil,
            privacy_url: Some(evil),
            ..samples::view(&texts, &toggles)
        };
        let html =
            String::from_utf8(render(&view).fill(evil, |_| true, |_| String::new()).to_vec())
                .unwrap();
        assert!(html.is_ascii());
        assert!(
            !html.contains("<img") && !html.contains("\" onclick") && !html.contains("onclick='")
        );
        assert_eq!(html.matches("</template>").count(), 1);
        assert_eq!(html.matches("</script>").count(), 1);
    }
}
