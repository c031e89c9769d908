//! The stylesheets and scripts as they are sent, and the hashes by which a page's CSP lets them run.
//!
//! They depend on nothing, so that the hashes are constants.

use std::sync::LazyLock;

/// An inline `<style>` or `<script>`.
#[derive(Debug)]
pub(crate) struct Asset {
    /// What stands between the tags, byte for byte.
    pub(crate) text: LazyLock<String>,
    /// The CSP source that allows it.
    pub(crate) csp: &'static str,
}

/// Of the banner while it asks.
pub(crate) static ASK_STYLE: Asset = Asset {
    text: LazyLock::new(|| {
        squeeze_style(concat!(
            include_str!("tab.css"),
            include_str!("status.css"),
            include_str!("banner.css")
        ))
    }),
    csp: "'sha256-VGHKiXmp46htzTQ3YiFWreGl1s3x/XJg7JsTFRLRE24='",
};

/// Of the banner while it asks.
pub(crate) static ASK_SCRIPT: Asset = Asset {
    text: LazyLock::new(|| {
        squeeze(concat!(
            "{\n",
            include_str!("host.js"),
            include_str!("bring_back.js"),
            include_str!("choose.js"),
            include_str!("prompt.js"),
            "}"
        ))
    }),
    csp: "'sha256-UVJ3TBWuBMsWX+dd1nC71Y0+wsl8f+vIUovsJRn4IfQ='",
};

/// Of the banner after the choice.
pub(crate) static TAB_STYLE: Asset = Asset {
    text: LazyLock::new(|| squeeze_style(include_str!("tab.css"))),
    csp: "'sha256-TMtQXC5YmtJjHkHO7MXZuSx6bVhW7l6w36rhmyjNwEE='",
};

/// Of the banner after a choice that denies something, which the page may get back.
pub(crate) static PART_TAB_STYLE: Asset = Asset {
    text: LazyLock::new(|| {
        squeeze_style(concat!(include_str!("tab.css"), include_str!("status.css")))
    }),
    csp: "'sha256-5lXKSJ2RrLruFuR4WQbVbxwiss/znaw2PqCQqxxMDXs='",
};

/// Of the banner after a choice that denies something, which the page may get back.
pub(crate) static PART_TAB_SCRIPT: Asset = Asset {
    text: LazyLock::new(|| {
        squeeze(concat!(
            "{\n",
            include_str!("host.js"),
            include_str!("bring_back.js"),
            include_str!("choose.js"),
            "}"
        ))
    }),
    csp: "'sha256-uxja1q1fc2T1+7FcjHuV+UO7fHdjSJrfX6zomSr6uB0='",
};

/// Of the banner after a choice that allows everything: what would only be taken away takes a load anyway.
pub(crate) static TAB_SCRIPT: Asset = Asset {
    text: LazyLock::new(|| squeeze(include_str!("tab.js"))),
    csp: "'sha256-hDyrSIGhBCfPtNcmH49DBVzBAR7ZDjWafy39KpgfXSA='",
};

/// Of the policy page, which has no script.
pub(crate) static PAGE_STYLE: Asset = Asset {
    text: LazyLock::new(|| squeeze_style(include_str!("policy_page.css"))),
    csp: "'sha256-zjpJNunUzc/2dete0hO7g3WCWvGGEEkHm77KQwtLG28='",
};

/// Of what stands in for a frame.
pub(crate) static PLACEHOLDER_STYLE: Asset = Asset {
    text: LazyLock::new(|| squeeze(include_str!("placeholder.css"))),
    csp: "'sha256-Ko3cBqD3OemQ9zKMoAqgGU6x7oXARxCUkiVxxq/6tfk='",
};

/// Takes out indentation, empty lines, and comments that fill a line.
///
/// Other line ends stay, so that no two words grow together and scripts keep their meaning. Sources may hold no text,
/// template or comment that spans lines.
fn squeeze(source: &str) -> String {
    let is_comment =
        |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    let lines: Vec<&str> = source
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_comment(line))
        .collect();
    lines.join("\n")
}

/// Squeezes a stylesheet: line ends go too, where a `;`, brace, or comma is on either side.
fn squeeze_style(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    for line in squeeze(source).lines() {
        if !out.is_empty() && !out.ends_with([';', '{', '}', ',']) && !line.starts_with('}') {
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha256};

    const ALL: [(&str, &Asset); 8] = [
        ("ASK_STYLE", &ASK_STYLE),
        ("ASK_SCRIPT", &ASK_SCRIPT),
        ("TAB_STYLE", &TAB_STYLE),
        ("PART_TAB_STYLE", &PART_TAB_STYLE),
        ("PART_TAB_SCRIPT", &PART_TAB_SCRIPT),
        ("TAB_SCRIPT", &TAB_SCRIPT),
        ("PAGE_STYLE", &PAGE_STYLE),
        ("PLACEHOLDER_STYLE", &PLACEHOLDER_STYLE),
    ];

    #[test]
    fn b4_hashes_are_those_of_what_is_sent() {
        let mut wrong = String::new();
        for (name, asset) in ALL {
            let right = format!(
                "'sha256-{}'",
                BASE64_STANDARD.encode(Sha256::digest(asset.text.as_bytes()))
            );
            if asset.csp != right {
                wrong.push_str(&format!("\n{name}: {right}"));
            }
        }
        assert!(wrong.is_empty(), "put these into src/banner/assets.rs:{wrong}");
    }

    #[test]
    fn assets_are_ascii_and_stay_inside_their_tags() {
        for (name, asset) in ALL {
            assert!(asset.text.is_ascii(), "{name}");
            assert!(!asset.text.contains("</") && !asset.text.contains("<!--"), "{name}");
        }
    }

    #[test]
    fn squeezing_keeps_lines() {
        assert_eq!(squeeze("/* a */\n  b {\n\n    c: d;\n  }\n// e\n"), "b {\nc: d;\n}");
        assert_eq!(
            squeeze_style("a\nb {\n  c: d;\n  e: f\n}\ng,\nh {}\n"),
            "a\nb {c: d;e: f}g,h {}"
        );
    }
}
