//! Every text that a visitor can read, by language.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::consent::Regime;

/// The built-in locales: language tag and TOML text.
const LOCALES: &[(&str, &str)] = &[("en", include_str!("locales/en.toml"))];

/// The texts of one language. A text that is missing or unknown is an error, never a silent fallback.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    /// BCP 47 tag for the `lang` attribute.
    pub(crate) lang: String,
    pub(crate) dir: Direction,
    /// What the prompt is called to those who can't see it.
    pub(crate) name: String,
    /// Said when a choice was made without leaving the page.
    pub(crate) saved: String,
    /// Said where the browser's opt-out signal is honored.
    pub(crate) gpc: String,
    pub(crate) prompt: Prompts,
    pub(crate) settings: Settings,
    pub(crate) category: Categories,
    pub(crate) placeholder: Placeholder,
    pub(crate) page: Page,
}

/// Which way the text runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Ltr,
    Rtl,
}

impl Direction {
    /// The value of the `dir` attribute.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Direction::Ltr => "ltr",
            Direction::Rtl => "rtl",
        }
    }
}

/// One prompt for each regime.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prompts {
    pub(crate) opt_in: Prompt,
    pub(crate) opt_out: Prompt,
    pub(crate) notice: Prompt,
}

/// What the first layer says, and the tab that it leaves behind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prompt {
    /// May be empty.
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) accept: String,
    pub(crate) reject: String,
    pub(crate) settings: String,
    pub(crate) read_more: String,
    pub(crate) tab: String,
}

/// The settings panel.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) title: String,
    pub(crate) close: String,
    /// Stands beside what can't be switched off.
    pub(crate) always_on: String,
    pub(crate) save: String,
    pub(crate) accept_all: String,
    pub(crate) reject_all: String,
    pub(crate) privacy: String,
}

/// The categories that the crate brings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Categories {
    pub(crate) necessary: Category,
    pub(crate) preferences: Category,
    pub(crate) analytics: Category,
    pub(crate) marketing: Category,
}

/// One category in words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Category {
    pub(crate) name: String,
    pub(crate) description: String,
}

/// What stands in for a frame that is not loaded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Placeholder {
    pub(crate) message: String,
    /// The same where a category is named, and no vendor.
    pub(crate) message_category: String,
    /// The button that loads it for now.
    pub(crate) allow: String,
    /// The button that loads it from now on, and what it is called to those who hear it alone.
    pub(crate) always: String,
    pub(crate) always_allow: String,
    pub(crate) settings: String,
    pub(crate) open: String,
    /// Stands for a vendor without a name.
    pub(crate) unknown: String,
}

/// The policy page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) intro: String,
    pub(crate) status: String,
    pub(crate) undecided_opt_in: String,
    /// Under `Notice` too.
    pub(crate) undecided_opt_out: String,
    pub(crate) decided: String,
    pub(crate) used: String,
    pub(crate) cookie: String,
    pub(crate) purpose: String,
    pub(crate) provider: String,
    pub(crate) lifetime: String,
    pub(crate) partners: String,
    pub(crate) none: String,
    /// What the choice cookie is for, in the table.
    pub(crate) choice_purpose: String,
    /// How long it stays, in the table.
    pub(crate) choice_lifetime: String,
    /// What the cookie is for that allows something for one page.
    pub(crate) once_purpose: String,
    pub(crate) once_lifetime: String,
    pub(crate) back: String,
}

/// A site's own texts: `prompt.opt_in.title` and the like, to the text.
pub(crate) type TextOverrides = BTreeMap<String, String>;

/// Why texts could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// There is no built-in locale of this tag.
    UnknownLocale {
        /// The tag as asked for.
        locale: String,
    },
    /// There is no text of this key; `near` are the closest ones.
    UnknownKey {
        /// The key as written.
        key: String,
        /// What it could have been.
        near: Vec<String>,
    },
    /// The text of this key says nothing: the visitor would meet a button without words.
    Empty {
        /// The key as written.
        key: String,
    },
    /// The TOML, or a value in it, is wrong.
    Invalid {
        /// What the parser says.
        reason: String,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::UnknownLocale { locale } => {
                write!(f, "there is no locale `{locale}`; there are: ")?;
                let tags: Vec<&str> = LOCALES.iter().map(|(tag, _)| *tag).collect();
                f.write_str(&tags.join(", "))
            }
            TextError::UnknownKey { key, near } => {
                write!(f, "there is no text `{key}`")?;
                if !near.is_empty() {
                    write!(f, "; did you mean `{}`?", near.join("` or `"))?;
                }
                Ok(())
            }
            TextError::Empty { key } => write!(f, "the text `{key}` must not be empty"),
            TextError::Invalid { reason } => write!(f, "invalid texts: {reason}"),
        }
    }
}

impl std::error::Error for TextError {}

impl Texts {
    /// A built-in locale with the site's own texts put over it.
    pub(crate) fn locale(tag: &str, overrides: &TextOverrides) -> Result<Texts, TextError> {
        let source = LOCALES.iter().find(|(known, _)| *known == tag);
        let (_, source) =
            source.ok_or_else(|| TextError::UnknownLocale { locale: tag.to_owned() })?;
        Texts::from_toml(source, overrides)
    }

    /// Texts from a whole TOML file, like those in `locales/`.
    pub(crate) fn from_toml(source: &str, overrides: &TextOverrides) -> Result<Texts, TextError> {
        let invalid = |error: toml::de::Error| TextError::Invalid { reason: error.to_string() };
        let mut table: toml::Table = source.parse().map_err(invalid)?;
        for (key, text) in overrides {
            let unknown = || unknown_key(key, &table);
            match text_at(&table, key) {
                Some(_) if text.trim().is_empty() && !may_be_empty(key) => {
                    return Err(TextError::Empty { key: key.clone() });
                }
                Some(_) => put(&mut table, key, text),
                None => return Err(unknown()),
            }
        }
        Texts::deserialize(table).map_err(invalid)
    }

    /// The prompt's texts under a regime.
    pub(crate) fn prompt(&self, regime: Regime) -> &Prompt {
        match regime {
            Regime::OptIn => &self.prompt.opt_in,
            Regime::OptOut => &self.prompt.opt_out,
            Regime::Notice => &self.prompt.notice,
        }
    }

    /// A built-in category in words.
    pub(crate) fn category(&self, slug: &str) -> Option<&Category> {
        match slug {
            "necessary" => Some(&self.category.necessary),
            "preferences" => Some(&self.category.preferences),
            "analytics" => Some(&self.category.analytics),
            "marketing" => Some(&self.category.marketing),
            _ => None,
        }
    }
}

/// A text with its `{placeholders}` filled in; what is not named stays as it is.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    'next: while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        for (name, value) in values {
            if let Some(after) = after.strip_prefix(name).and_then(|after| after.strip_prefix('}'))
            {
                out.push_str(value);
                rest = after;
                continue 'next;
            }
        }
        out.push('{');
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A prompt may go without a title.
fn may_be_empty(key: &str) -> bool {
    key.starts_with("prompt.") && key.ends_with(".title")
}

fn text_at<'a>(table: &'a toml::Table, key: &str) -> Option<&'a str> {
    match key.split_once('.') {
        Some((first, rest)) => text_at(table.get(first)?.as_table()?, rest),
        None => table.get(key)?.as_str(),
    }
}

fn put(table: &mut toml::Table, key: &str, text: &str) {
    if let Some((first, rest)) = key.split_once('.') {
        if let Some(toml::Value::Table(inner)) = table.get_mut(first) {
            put(inner, rest, text);
        }
    } else {
        table.insert(key.to_owned(), toml::Value::String(text.to_owned()));
    }
}

fn unknown_key(key: &str, table: &toml::Table) -> TextError {
    let mut known = Vec::new();
    list_keys(table, "", &mut known);
    let mut near: Vec<(usize, String)> =
        known.into_iter().map(|known| (distance(key, &known), known)).collect();
    near.sort();
    let limit = 2 + key.len() / 3;
    TextError::UnknownKey {
        key: key.to_owned(),
        near: near
            .into_iter()
            .take(3)
            .take_while(|(distance, _)| *distance <= limit)
            .map(|(_, known)| known)
            .collect(),
    }
}

fn list_keys(table: &toml::Table, prefix: &str, out: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => list_keys(inner, &format!("{prefix}{key}."), out),
            _ => out.push(format!("{prefix}{key}")),
        }
    }
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut last = i + 1;
        for (b, cell) in right.chars().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(a != b);
            diagonal = *cell;
            last = substituted.min(last + 1).min(diagonal + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> TextOverrides {
        pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn every_locale_is_complete_and_named_by_its_tag() {
        for (tag, source) in LOCALES {
            let texts =
                Texts::locale(tag, &TextOverrides::new()).unwrap_or_else(|e| panic!("{tag}: {e}"));
            assert_eq!(&texts.lang, tag);
            let table: toml::Table = source.parse().unwrap();
            let mut keys = Vec::new();
            list_keys(&table, "", &mut keys);
            for key in keys {
                let text = text_at(&table, &key).unwrap();
                assert!(may_be_empty(&key) || !text.trim().is_empty(), "{tag}: `{key}` is empty");
                assert_eq!(text.trim(), text, "{tag}: `{key}` has blanks around it");
            }
        }
    }

    #[test]
    fn a_missing_text_is_an_error() {
        let source = LOCALES[0].1.replace("close = \"Close\"\n", "");
        let error = Texts::from_toml(&source, &TextOverrides::new()).unwrap_err();
        assert!(error.to_string().contains("close"), "{error}");
    }

    #[test]
    fn opt_out_asks_in_the_words_agreed_on() {
        let texts = Texts::locale("en", &TextOverrides::new()).unwrap();
        let prompt = texts.prompt(Regime::OptOut);
        assert_eq!(
            prompt.message,
            "This website uses cookies to improve your experience. We'll assume you're ok with this, but you can \
             opt-out if you wish."
        );
        assert_eq!(
            [&prompt.accept, &prompt.reject, &prompt.read_more, &prompt.tab],
            ["Accept", "Opt out", "Read More", "Privacy & Cookies Policy"]
        );
    }

    #[test]
    fn any_text_can_be_overridden() {
        let table: toml::Table = LOCALES[0].1.parse().unwrap();
        let mut keys = Vec::new();
        list_keys(&table, "", &mut keys);
        for key in keys.iter().filter(|key| *key != "dir") {
            let changed = Texts::locale("en", &overrides(&[(key, "our own")])).unwrap();
            assert!(format!("{changed:?}").contains("our own"), "{key}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_near_ones() {
        let error = Texts::locale("en", &overrides(&[("prompt.optin.mesage", "x")])).unwrap_err();
        assert!(error.to_string().contains("`prompt.opt_in.message`"), "{error}");
        let error = Texts::locale("en", &overrides(&[("prompt.opt_in", "x")])).unwrap_err();
        assert!(matches!(error, TextError::UnknownKey { .. }), "{error}");
        assert!(matches!(
            Texts::locale("tlh", &TextOverrides::new()),
            Err(TextError::UnknownLocale { .. })
        ));
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(fill("{site}: {x} {", &[("site", "{site}")]), "{site}: {x} {");
        assert_eq!(fill("a {date} b", &[("site", "s"), ("date", "d")]), "a d b");
    }
}
