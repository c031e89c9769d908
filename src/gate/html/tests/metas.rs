//! Which metas hold a policy that counts, and how they are written when it is merged.

use super::{Inserter, Policies, SNIPPET};
use ::html5ever::{ParseOpts, parse_document, tendril::TendrilSink, tree_builder::TreeBuilderOpts};
use bytes::Bytes;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::VecDeque;

/// Where `x` is admitted, `y` is to be, too.
#[derive(Debug)]
struct Doubled;

impl Policies for Doubled {
    fn merged(&self, policy: &str) -> Option<String> {
        policy.contains('x').then(|| policy.replace('x', "x y"))
    }
}

/// The page with its policies merged, fed in chunks that end at `cuts`.
fn merge(snippet: &str, page: &str, cuts: impl IntoIterator<Item = usize>) -> String {
    let snippet = (!snippet.is_empty()).then(|| Bytes::copy_from_slice(snippet.as_bytes()));
    let mut inserter = Inserter::new(snippet.into_iter().collect(), Doubled);
    let mut out = VecDeque::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([page.len()]) {
        inserter.push(Bytes::copy_from_slice(&page.as_bytes()[from..to]), &mut out);
        from = to;
        let left: usize = out.iter().map(Bytes::len).sum();
        assert!(left + inserter.held() >= to, "no page gets shorter");
    }
    inserter.finish(&mut out);
    assert_eq!(inserter.held(), 0);
    String::from_utf8(out.iter().flatten().copied().collect()).unwrap()
}

/// The same however it is cut, and with a banner.
fn merged(page: &str) -> String {
    let whole = merge("", page, []);
    for cut in 0..page.len() {
        assert_eq!(merge("", page, [cut]), whole, "{page:?} cut at {cut}");
        assert_eq!(merge(SNIPPET, page, [cut]).replacen(SNIPPET, "", 1), whole, "{page:?}");
    }
    assert_eq!(merge("", page, 1..page.len()), whole, "{page:?} byte by byte");
    whole
}

#[test]
fn g11_a_policy_is_written_as_the_tag_was() {
    const KIND: &str = "http-equiv=content-security-policy";
    for (content, expected) in [
        ("content='a x'", "content='a x y'"),
        ("content=\"a x\"", "content=\"a x y\""),
        ("content=x", "content=\"x y\""),
        ("content=x/", "content=\"x y/\""),
        ("content = x b", "content = \"x y\" b"),
        ("CONTENT='x'b", "CONTENT='x y'b"),
        ("content=\n\"x\" ", "content=\n\"x y\" "),
        ("content='x' content='x'", "content='x y' content='x'"),
        ("content=a content=x", "content=a content=x"),
        ("content='&#120;'", "content='x y   '"),
        ("content='a&#x20;x'", "content='a x y   '"),
        ("content=''", "content=''"),
        ("content", "content"),
        ("b=\"content='x'\"", "b=\"content='x'\""),
    ] {
        let page = |content: &str| format!("<title>x</title><meta {KIND} {content}><body>x");
        assert_eq!(merged(&page(content)), page(expected));
    }
}

#[test]
fn g11_only_policies_in_head_are_merged() {
    const META: &str = "<meta http-equiv='Content-Security-Policy' content='x'>";
    // At `^` the policy counts, at `@` it doesn't.
    for page in [
        "^",
        "^^<p>@",
        "<!doctype html><html><head>^<title>@</title>^</head>^ <body>@",
        "<head></head>^<body>@",
        "</p>^<br>@",
        "&#32;^&nbsp;@",
        "<!-- @ -->^<script>'@'</script><style>@</style><noscript>@</noscript>^<body>",
        "<template>@<template>@</template>@</template>^<p>",
        "<noframes>@</noframes>^<frameset>@</frameset>",
        "^<svg>@</svg>",
        "^<title>",
        "^<!-- @",
        "^</body>@",
    ] {
        let before = page.replace(['^', '@'], META);
        let after = page.replace('^', &META.replace("'x'", "'x y'")).replace('@', META);
        assert_eq!(merged(&before), after);
    }
    for meta in [
        "<meta http-equiv=content-security-policy-report-only content=x>",
        "<meta http-equiv=' content-security-policy' content=x>",
        "<meta name=content-security-policy content=x>",
        "<link http-equiv=content-security-policy content=x>",
        "<metax http-equiv=content-security-policy content=x>",
        "<meta http-equiv=x http-equiv=content-security-policy content=x>",
    ] {
        assert_eq!(merged(meta), meta);
    }
    let meta = "<META HTTP-EQUIV='Content&#45;SECURITY-Policy' content=x http-equiv=y>";
    assert_eq!(merged(meta), meta.replace("=x", "=\"x y\""));
}

#[test]
fn g11_nothing_is_held_for_a_banner_that_does_not_come() {
    let mut inserter = Inserter::new(Vec::new(), Doubled);
    let mut out = VecDeque::new();
    inserter.push("<title>x</title><p>y".into(), &mut out);
    assert!(inserter.is_settled());
    assert_eq!(out.iter().map(Bytes::len).sum::<usize>(), 20);
}

#[rustfmt::skip]
const FRAGMENTS: &[&str] = &[
    "<meta http-equiv=Content-Security-Policy content=x>", "<meta http-equiv=Content-Security-Policy content='x'>",
    "<META content=\"a x\" HTTP-EQUIV=content-security-policy />", "<meta content='&#120;' http-equiv='content&#x2d;security-policy'>",
    "<meta http-equiv=Content-Security-Policy content=x content=z>", "<meta http-equiv=z http-equiv=Content-Security-Policy content=x>",
    "<meta http-equiv=Content-Security-Policy>", "<meta name=x content=x>", "<meta charset=utf-8>", "<!DOCTYPE html>", "<html>", "<head>", "</head>", "<body>",
    "</body>", "</html>", "<title>", "</title>", "<style>", "</style>", "<script>", "</script>", "<script><!--<script>", "-->", "<!--", "<noscript>", "</noscript>",
    "<noframes>", "</noframes>", "<template>", "</template>", "<frameset>", "<p>", "<br>", "</br>", "<b>", "<link>", "<base>", " ", "\n", "a", "&#32;", "&", "<", ">", "'", "\"", "<svg>", "</svg>",
];

fn page() -> impl Strategy<Value = (String, Vec<usize>)> {
    let cuts = vec(any::<prop::sample::Index>(), 0..6);
    (vec(select(FRAGMENTS), 0..12), cuts).prop_map(|(fragments, cuts)| {
        let page = fragments.concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(page.len() + 1)).collect();
        cuts.sort_unstable();
        (page, cuts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn g11_what_a_parser_finds_in_head_is_merged_and_nothing_else((page, cuts) in page()) {
        let out = merge("", &page, cuts.iter().copied());
        prop_assert_eq!(&out, &merge("", &page, []), "cut at {:?}", cuts);
        prop_assert_eq!(&out, &merge("", &page, 1..page.len().max(1)), "byte by byte");
        let with_banner = merge(SNIPPET, &page, cuts.iter().copied()).replacen(SNIPPET, "", 1);
        prop_assert_eq!(&with_banner, &out);
        // Behind such a template the inserter may have given up.
        let may_give_up = page.contains("<template") && page.contains("<svg");
        let (before, after) = (Metas::of(&page), Metas::of(&out));
        prop_assert_eq!(before.0.len(), after.0.len(), "{}", out);
        for ((counts, content), (_, merged)) in before.0.iter().zip(&after.0) {
            let is_changed = merged.trim_end() != content.trim_end();
            prop_assert!(*counts == is_changed || may_give_up && *counts, "{}", out);
            if is_changed {
                prop_assert_eq!(merged.trim_end(), content.replace('x', "x y"));
            }
        }
    }
}

/// The metas of a page in order: whether it holds a policy that counts and changes, and its `content`.
#[derive(Default)]
struct Metas(Vec<(bool, String)>);

impl Metas {
    fn of(page: &str) -> Self {
        let options = ParseOpts {
            tree_builder: TreeBuilderOpts { scripting_enabled: true, ..Default::default() },
            ..Default::default()
        };
        let dom = parse_document(RcDom::default(), options).one(page);
        let mut metas = Self::default();
        metas.walk(&dom.document, false);
        metas
    }

    fn walk(&mut self, node: &Handle, is_head: bool) {
        let mut is_head_itself = false;
        if let NodeData::Element { name, attrs, template_contents, .. } = &node.data {
            is_head_itself = &*name.local == "head";
            let attrs = attrs.borrow();
            let value = |wanted: &str| {
                attrs.iter().find(|attr| &*attr.name.local == wanted).map(|attr| &*attr.value)
            };
            if &*name.local == "meta" {
                let is_policy = value("http-equiv")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("content-security-policy"));
                let content = value("content").unwrap_or_default();
                self.0.push((is_head && is_policy && content.contains('x'), content.to_owned()));
            }
            if let Some(contents) = &*template_contents.borrow() {
                self.walk(contents, false);
            }
        }
        for child in node.children.borrow().iter() {
            self.walk(child, is_head_itself);
        }
    }
}
