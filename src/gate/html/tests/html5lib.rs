//! The tokenizer tests of html5lib, whole and cut at every byte.
//!
//! Character references are the tree's business here, not the tokenizer's: where one is in the input, the kinds and names of the
//! tokens are compared, and not their text.

use super::{Content, Escape, Kind, Tokenizer};
use crate::gate::html::tag::{Step, Tag, TagScanner};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Text(String),
    Comment(String),
    Doctype,
    Start { name: String, attributes: BTreeMap<String, String>, self_closing: bool },
    End(String),
}

#[test]
fn the_tokenizer_agrees_with_html5lib() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/html5lib-tokenizer");
    let Ok(files) = fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let (mut whole, mut cut, mut left_out) = (0, 0, Vec::new());
    for file in files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
    {
        let tests: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        // `xmlViolationTests` are about trees that must be XML.
        for test in tests["tests"].as_array().into_iter().flatten() {
            let states = test["initialStates"].as_array();
            let states = states
                .map_or(vec!["Data state"], |s| s.iter().map(|s| s.as_str().unwrap()).collect());
            for state in states {
                let description =
                    format!("{:?}: {} in {state}", file.file_name().unwrap(), test["description"]);
                let Some(cuts) = check(test, state, &description) else {
                    left_out.push(description);
                    continue;
                };
                whole += 1;
                cut += cuts;
            }
        }
    }
    println!(
        "html5lib: {whole} tests agree, {cut} cut ones too; {} left out:\n{left_out:#?}",
        left_out.len()
    );
    assert!(whole > 6500, "{whole}");
    assert!(cut > 50_000, "{cut}");
    assert!(left_out.len() <= 10);
}

/// How many cuts were tried.
fn check(test: &Value, state: &str, description: &str) -> Option<usize> {
    let is_escaped = test["doubleEscaped"] == true;
    let input = unescape(test["input"].as_str()?, is_escaped)?;
    let content = content(state, test["lastStartTag"].as_str())?;
    let has_references = input.contains('&');
    let mut expected = Vec::new();
    for token in test["output"].as_array()? {
        expected.push(expected_token(token, is_escaped)?);
    }
    let comparable = |seen: Vec<Seen>| match has_references {
        true => seen.into_iter().map(without_text).collect(),
        false => seen,
    };
    let expected = comparable(expected);
    let bytes = input.as_bytes();
    assert_eq!(comparable(tokenize(&[bytes], content)), expected, "{description}");
    for at in 1..bytes.len() {
        let (start, end) = bytes.split_at(at);
        assert_eq!(
            comparable(tokenize(&[start, end], content)),
            expected,
            "{description}, cut at {at}"
        );
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(comparable(tokenize(&single, content)), expected, "{description}, byte by byte");
    Some(bytes.len())
}

/// What the tokenizer sees, in the way html5lib writes it.
fn tokenize(chunks: &[&[u8]], content: Content) -> Vec<Seen> {
    let mut tokenizer = Tokenizer::starting_in(content);
    let mut rest = Vec::new();
    let mut sink = Sink::default();
    for chunk in chunks {
        rest.extend_from_slice(chunk);
        while let Some(token) = tokenizer.next(&rest) {
            let bytes: Vec<u8> = rest.drain(..token.len).collect();
            sink.token(token.kind, &bytes);
            if token.kind == Kind::StartTag {
                // These tests run without a tree that would choose the content.
                tokenizer.content = Content::Data;
            }
        }
    }
    if let Some(kind) = tokenizer.end(&rest) {
        sink.token(kind, &rest);
    }
    sink.end_text();
    sink.end_comment();
    sink.seen
}

#[derive(Default)]
struct Sink {
    seen: Vec<Seen>,
    text: Vec<u8>,
    comment: Option<Vec<u8>>,
    is_in_doctype: bool,
}

impl Sink {
    fn token(&mut self, kind: Kind, bytes: &[u8]) {
        match kind {
            Kind::Text | Kind::Cdata => return self.text.extend_from_slice(bytes),
            Kind::RawText => {
                let replaced = bytes.iter().flat_map(|byte| match byte {
                    0 => "\u{fffd}".as_bytes(),
                    byte => std::slice::from_ref(byte),
                });
                return self.text.extend(replaced);
            }
            Kind::Nothing => return,
            _ => self.end_text(),
        }
        match kind {
            Kind::Text | Kind::RawText | Kind::Cdata | Kind::Nothing => {}
            Kind::Comment { closed } => {
                self.comment.get_or_insert_default().extend_from_slice(bytes);
                if closed {
                    self.end_comment();
                }
            }
            Kind::Doctype { closed } => {
                if !self.is_in_doctype {
                    self.seen.push(Seen::Doctype);
                }
                self.is_in_doctype = !closed;
            }
            Kind::StartTag => {
                let tag = Tag::new(bytes);
                let mut attributes = BTreeMap::new();
                let mut scanner = TagScanner::new(bytes);
                while let Step::Attribute(attribute) = scanner.step(bytes) {
                    let name =
                        text(&bytes[attribute.name]).to_ascii_lowercase().replace('\0', "\u{fffd}");
                    let value = text(&bytes[attribute.value]).replace('\0', "\u{fffd}");
                    attributes.entry(name).or_insert(value);
                }
                self.seen.push(Seen::Start {
                    name: name(bytes),
                    attributes,
                    self_closing: tag.is_self_closing(),
                });
            }
            Kind::EndTag => self.seen.push(Seen::End(name(bytes))),
        }
    }

    fn end_text(&mut self) {
        let text = text(&std::mem::take(&mut self.text));
        if !text.is_empty() {
            self.seen.push(Seen::Text(text));
        }
    }

    /// The text of a comment, between the marks with which it begins and ends.
    fn end_comment(&mut self) {
        let Some(bytes) = self.comment.take() else {
            return;
        };
        let whole = text(&bytes).replace('\0', "\u{fffd}");
        let inner = if let Some(inner) = whole.strip_prefix("<!--") {
            match inner {
                ">" | "->" | "-" => "",
                _ => ["-->", "--!>", "--!", "--", "-"]
                    .iter()
                    .find_map(|e| inner.strip_suffix(e))
                    .unwrap_or(inner),
            }
        } else {
            let inner = whole
                .strip_prefix("<!")
                .or(whole.strip_prefix("</"))
                .or(whole.strip_prefix('<'))
                .unwrap();
            inner.strip_suffix('>').unwrap_or(inner)
        };
        self.seen.push(Seen::Comment(inner.to_owned()));
    }
}

fn name(tag: &[u8]) -> String {
    let start = if tag[1] == b'/' { 2 } else { 1 };
    let name = text(&tag[start..]);
    let end = name.find(['>', '/', ' ', '\t', '\n', '\x0c']).unwrap();
    name[..end].to_ascii_lowercase().replace('\0', "\u{fffd}")
}

/// Line ends as the standard's preprocessing leaves them.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).unwrap().replace("\r\n", "\n").replace('\r', "\n")
}

fn without_text(seen: Seen) -> Seen {
    match seen {
        Seen::Text(_) => Seen::Text(String::new()),
        Seen::Start { name, attributes, self_closing } => {
            let attributes = attributes.into_keys().map(|name| (name, String::new())).collect();
            Seen::Start { name, attributes, self_closing }
        }
        other => other,
    }
}

fn content(state: &str, last_start_tag: Option<&str>) -> Option<Content> {
    Some(match state {
        "Data state" => Content::Data,
        "PLAINTEXT state" => Content::Plaintext,
        // Scripts end with `script` only.
        "Script data state" if last_start_tag.is_some_and(|name| name != "script") => return None,
        "Script data state" => Content::Script(Escape::None),
        "CDATA section state" => Content::Cdata,
        "RCDATA state" | "RAWTEXT state" => match last_start_tag {
            Some(name) => Content::Raw(name.to_owned().into_bytes().leak()),
            // No end tag is the right one.
            None => Content::Raw(b"-"),
        },
        _ => panic!("{state}"),
    })
}

fn expected_token(token: &Value, is_escaped: bool) -> Option<Seen> {
    let string = |value: &Value| unescape(value.as_str()?, is_escaped);
    Some(match token[0].as_str()? {
        "Character" => Seen::Text(string(&token[1])?),
        "Comment" => Seen::Comment(string(&token[1])?),
        "DOCTYPE" => Seen::Doctype,
        "EndTag" => Seen::End(string(&token[1])?),
        "StartTag" => {
            let mut attributes = BTreeMap::new();
            for (name, value) in token[2].as_object()? {
                attributes.insert(unescape(name, is_escaped)?, string(value)?);
            }
            Seen::Start { name: string(&token[1])?, attributes, self_closing: token[3] == true }
        }
        other => panic!("{other}"),
    })
}

/// `None` for what no bytes in UTF-8 can be: lone surrogates.
fn unescape(text: &str, is_escaped: bool) -> Option<String> {
    if !is_escaped {
        return Some(text.to_owned());
    }
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        units.extend(rest[..at].encode_utf16());
        units.push(u16::from_str_radix(&rest[at + 2..at + 6], 16).ok()?);
        rest = &rest[at + 6..];
    }
    units.extend(rest.encode_utf16());
    String::from_utf16(&units).ok()
}
