//! Reads markup and notes what is to be changed.

use super::{
    charset,
    edits::Edits,
    gate::{Denial, GateError, Limits, Reason, Rules},
    host::Host,
    judge::Judge,
    nesting::Nesting,
    references,
    skim::Skim,
    tag::{Name, Tag},
    tagged::{Outcome, element_of, gate_inline, gate_tag},
    tokenizer::{Kind, Tokenizer},
    url::{Base, find},
};
use std::borrow::Cow;

/// What a whole page has in common: `noscript` in it and pages in `srcdoc` included.
#[derive(Debug)]
pub(super) struct Context<R> {
    rules: R,
    /// What relative URLs may be relative to.
    bases: Vec<Base>,
    /// The first `<base href>` counts; later ones don't.
    has_base: bool,
    /// Whether relative URLs may lead to what is denied.
    is_base_denied: bool,
    limits: Limits,
    /// How deep pages are in pages.
    depth: usize,
}

impl<R: Rules> Context<R> {
    const DEEPEST: usize = 4;

    pub(super) fn new(rules: R, base: Base, limits: Limits) -> Self {
        let is_base_denied = is_denied(&rules, &base);
        Self { rules, bases: vec![base], has_base: false, is_base_denied, limits, depth: 0 }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn judge(&self) -> Judge<'_, R> {
        Judge { rules: &self.rules, bases: &self.bases }
    }

    pub(super) fn has_denied_base(&self) -> bool {
        self.is_base_denied
    }

    /// `is_sure`: it is in the page for every browser.
    fn base(&mut self, tag: &Tag<'_>, is_sure: bool) {
        let Some(href) = tag.attribute("href").filter(|_| !self.has_base) else { return };
        let href = references::decode(href);
        let mut bases = Vec::new();
        find(&href, self.bases.get(..1).unwrap_or_default(), |location| {
            bases.push(Base { host: location.host.clone(), path: location.paths().0 });
            None::<()>
        });
        if is_sure {
            self.has_base = true;
            // A base that leads nowhere is ignored, or everything relative to it is.
            if bases.is_empty() {
                return;
            }
            self.bases.clear();
        }
        self.bases.extend(bases);
        self.is_base_denied = self.bases.iter().any(|base| is_denied(&self.rules, base));
    }

    /// Reads markup in which nothing can be denied, where its hosts are asked for. What can't be read of it does no harm.
    pub(super) fn look_over(&mut self, markup: &[u8]) {
        if self.rules.is_curious() {
            let _ = Markup::page().read(self, &mut Edits::default(), markup, 0);
        }
    }

    /// The first thing denied in a page in an attribute.
    pub(super) fn nested_page(&mut self, page: &[u8]) -> Result<Option<String>, GateError> {
        if self.depth == Self::DEEPEST {
            return Ok(Some(self.rules.in_doubt().to_owned()));
        }
        let outside = (self.bases.clone(), self.has_base, self.is_base_denied);
        self.depth += 1;
        let mut edits = Edits::default();
        let mut markup = Markup { found: Some(None), ..Markup::page() };
        let read = markup.read(self, &mut edits, page, 0);
        let ended = read.and_then(|_| markup.end(self, &mut edits, page));
        self.depth -= 1;
        (self.bases, self.has_base, self.is_base_denied) = outside;
        ended?;
        let found = markup.found.flatten();
        Ok(found.or_else(|| (!edits.is_empty()).then(|| self.rules.in_doubt().to_owned())))
    }
}

/// Whether what is relative to it may be denied.
fn is_denied(rules: &impl Rules, base: &Base) -> bool {
    match &base.host {
        Host::Named(host) => rules.concerns(host),
        Host::Doubtful => true,
    }
}

/// The state between two tokens of one piece of markup.
#[derive(Debug)]
pub(super) struct Markup {
    tokenizer: Tokenizer,
    nesting: Nesting,
    open: Option<Open>,
    is_in_comment: bool,
    /// Whether it is inside `noscript`.
    is_noscript: bool,
    /// Whether the end tag to come is that of an element in a placeholder.
    is_wrapped: bool,
    /// Nothing behind this byte can be denied by itself.
    last: usize,
    /// The first slug that was denied, where it is asked for.
    found: Option<Option<String>>,
}

/// An element whose contents decide about it, or must be seen whole.
#[derive(Debug)]
struct Open {
    what: What,
    name: Name,
    /// Where its tag begins.
    start: usize,
    /// Where its contents begin.
    content: usize,
    /// Of a foreign element: what counts of its contents.
    foreign: Option<Vec<u8>>,
    /// Whether the contents may be markup.
    is_unsure: bool,
    /// It is read as raw text, and may stand in `svg`.
    may_be_foreign: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Script,
    /// JSON by which the browser fetches.
    Json,
    Style,
    Noscript,
    /// A `noscript` that its author marked.
    Withheld,
    /// Only of interest because it may be markup.
    Other,
}

impl Markup {
    pub(super) fn page() -> Self {
        Self {
            tokenizer: Tokenizer::new(),
            nesting: Nesting::default(),
            open: None,
            is_in_comment: false,
            is_noscript: false,
            is_wrapped: false,
            last: usize::MAX,
            found: None,
        }
    }

    fn noscript() -> Self {
        let tokenizer = Tokenizer::new().without_scripting();
        Self { tokenizer, is_noscript: true, ..Self::page() }
    }

    /// Nothing behind this byte can be denied, unless a base is.
    pub(super) fn stop_behind(&mut self, last: usize) {
        self.last = last;
    }

    pub(super) fn has_open(&self) -> bool {
        self.open.is_some()
    }

    /// All before `read` was read: how much of it may leave. What is open is counted from there from now on.
    pub(super) fn leave(&mut self, read: usize) -> usize {
        let Some(open) = &mut self.open else { return read };
        let leaving = open.start;
        open.content -= leaving;
        open.start = 0;
        leaving
    }

    /// Reads the tokens from `at` on that are whole; says where the first unfinished one begins.
    pub(super) fn read<R: Rules>(
        &mut self,
        context: &mut Context<R>,
        edits: &mut Edits,
        input: &[u8],
        mut at: usize,
    ) -> Result<usize, GateError> {
        loop {
            if self.is_calm() {
                let is_behind = |at: usize| at > self.last && !context.is_base_denied;
                if !is_behind(at) {
                    let skim = Skim {
                        judge: context.judge(),
                        is_base_denied: context.is_base_denied,
                        longest: context.limits.tag,
                    };
                    at = skim.pass(input, at);
                }
                if is_behind(at) {
                    context.look_over(input.get(at..).unwrap_or_default());
                    return Ok(input.len());
                }
            }
            let Some(token) = self.tokenizer.next(input.get(at..).unwrap_or_default()) else {
                return Ok(at);
            };
            let end = at + token.len;
            let bytes = input.get(at..end).unwrap_or_default();
            match token.kind {
                Kind::StartTag | Kind::EndTag => {
                    if token.len > context.limits.tag {
                        return Err(GateError::LongTag);
                    }
                    self.close(context, edits, input, at, token.kind, bytes)?;
                    match token.kind {
                        Kind::StartTag => self.start_tag(context, edits, bytes, at)?,
                        _ => {
                            self.end_tag(bytes);
                            if std::mem::take(&mut self.is_wrapped) {
                                edits.insert(end, [context.judge().rules.placeholder_end()]);
                            }
                        }
                    }
                }
                kind => self.text(kind, bytes)?,
            }
            at = end;
        }
    }

    /// Whether only tags count that fetch or change how the parser reads on.
    fn is_calm(&self) -> bool {
        self.tokenizer.is_at_rest() && self.open.is_none() && self.nesting.is_plain()
    }

    /// No more comes: what is unfinished is no tag.
    pub(super) fn end<R: Rules>(
        &mut self,
        context: &mut Context<R>,
        edits: &mut Edits,
        input: &[u8],
    ) -> Result<(), GateError> {
        match self.open.take() {
            Some(open) => self.decide(&open, context, edits, input, input.len()),
            None => Ok(()),
        }
    }

    /// Whether a browser would read on in the same way behind this markup and without it.
    fn is_at_rest(&self, rest: usize) -> bool {
        self.tokenizer.is_at_rest() && rest == 0 && !self.nesting.is_inside() && self.open.is_none()
    }

    fn text(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), GateError> {
        let was_in_comment = self.is_in_comment;
        self.is_in_comment = kind == Kind::Comment { closed: false };
        let is_comment = matches!(kind, Kind::Comment { .. }) && !was_in_comment;
        // A CDATA section or a comment, and they end differently.
        if is_comment && self.nesting.is_unsure() && bytes.starts_with(b"<![") {
            return Err(GateError::Ambiguous);
        }
        if let Some(Open { foreign: Some(text), .. }) = &mut self.open
            && matches!(kind, Kind::Text | Kind::Cdata)
        {
            text.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn start_tag<R: Rules>(
        &mut self,
        context: &mut Context<R>,
        edits: &mut Edits,
        bytes: &[u8],
        at: usize,
    ) -> Result<(), GateError> {
        let tag = Tag::new(bytes);
        let name = tag.name();
        let was_foreign = self.nesting.foreign().0;
        let was_unsure = self.nesting.is_unsure();
        self.nesting.start(&name, &tag);
        let (is_foreign, has_cdata) = self.nesting.foreign();
        self.tokenizer.set_place(is_foreign, has_cdata);
        match &*name {
            b"meta" if charset::hides_markup(&tag) => return Err(GateError::Charset),
            b"plaintext" if was_unsure => return Err(GateError::Ambiguous),
            b"base" => {
                let is_sure = !self.is_noscript
                    && !self.nesting.is_in_template()
                    && !self.nesting.is_inside();
                context.base(&tag, is_sure);
            }
            _ => {}
        }
        let outcome = gate_tag(context, edits, &name, bytes, at, is_foreign)?;
        // The contents of an `iframe` are raw text: the next tag ends it.
        self.is_wrapped = matches!(outcome, Outcome::Wrapped(_));
        if let (Some(found @ None), Outcome::Gated(slug) | Outcome::Wrapped(slug)) =
            (&mut self.found, &outcome)
        {
            *found = Some(slug.clone());
        }
        let is_raw = self.tokenizer.is_raw();
        let is_unsure = was_unsure && is_raw;
        let what = match (&*name, &outcome) {
            (b"noscript", Outcome::Gated(_)) if is_raw => What::Withheld,
            (_, Outcome::Gated(_) | Outcome::Wrapped(_)) => What::Other,
            (b"script", Outcome::Inline { is_json: true }) => What::Json,
            (b"script", Outcome::Inline { is_json: false }) => What::Script,
            (b"style", _) => What::Style,
            (b"noscript", _) if is_raw => What::Noscript,
            _ => What::Other,
        };
        let is_foreign_element = was_foreign && is_foreign;
        if (what != What::Other && (is_raw || is_foreign_element && !tag.is_self_closing()))
            || is_unsure
        {
            self.open = Some(Open {
                what,
                name,
                start: at,
                content: at + bytes.len(),
                foreign: (!is_raw).then(Vec::new),
                is_unsure,
                may_be_foreign: is_raw && self.nesting.may_be_foreign(),
            });
        }
        Ok(())
    }

    fn end_tag(&mut self, bytes: &[u8]) {
        let name = Tag::new(bytes).name();
        self.nesting.end(&name);
        let (is_foreign, has_cdata) = self.nesting.foreign();
        self.tokenizer.set_place(is_foreign, has_cdata);
    }

    /// A tag comes at `at`: it ends what is open, or stands in it.
    fn close<R: Rules>(
        &mut self,
        context: &mut Context<R>,
        edits: &mut Edits,
        input: &[u8],
        at: usize,
        kind: Kind,
        bytes: &[u8],
    ) -> Result<(), GateError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        // Elements in a foreign script or style: who writes that?
        if open.foreign.is_some() && (kind == Kind::StartTag || Tag::new(bytes).name() != open.name)
        {
            let rules = context.judge().rules;
            self.gate_open(&open, rules, rules.in_doubt().into(), edits, input);
            return Ok(());
        }
        self.decide(&open, context, edits, input, at)
    }

    fn decide<R: Rules>(
        &mut self,
        open: &Open,
        context: &mut Context<R>,
        edits: &mut Edits,
        input: &[u8],
        end: usize,
    ) -> Result<(), GateError> {
        let content = input.get(open.content..end).unwrap_or_default();
        if content.len() > context.limits.inline {
            return Err(GateError::LongInline);
        }
        if open.is_unsure && content.contains(&b'<') {
            let mut markup = Self { nesting: Nesting::in_svg(), ..Self::page() };
            markup.tokenizer.set_foreign(true);
            let mut unused = Edits::default();
            let read = markup.read(context, &mut unused, content, 0)?;
            let is_same = markup.tokenizer.is_at_rest() && read == content.len();
            // Inside `title` and the like of `svg` HTML's rules may hold again.
            let may_nest = open.what == What::Other;
            if may_nest || !is_same || !unused.is_empty() || markup.open.is_some() {
                return Err(GateError::Ambiguous);
            }
        }
        let text = match &open.foreign {
            Some(text) => references::decode(text),
            None => Cow::Borrowed(content),
        };
        let judge = context.judge();
        let judged = |text: &[u8]| match open.what {
            What::Script => judge.rules.denied_inline(text),
            What::Json => judge.json(text),
            What::Style => judge.css(text),
            _ => None,
        };
        let denied = match open.what {
            What::Noscript => return self.read_noscript(context, edits, content, open),
            What::Withheld => {
                edits.remove(open.content..end);
                None
            }
            // In `svg` its references are read, and elements are none of its text.
            What::Script | What::Json | What::Style if open.may_be_foreign => {
                let doubt = || may_have_elements(content).then(|| judge.rules.in_doubt().into());
                judged(&text).or_else(|| judged(&references::decode(content))).or_else(doubt)
            }
            _ => judged(&text),
        };
        if let Some(denial) = denied {
            self.gate_open(open, judge.rules, denial, edits, input);
        }
        Ok(())
    }

    fn gate_open(
        &mut self,
        open: &Open,
        rules: &impl Rules,
        denial: Denial<'_>,
        edits: &mut Edits,
        input: &[u8],
    ) {
        let tag = input.get(open.start..open.content).unwrap_or_default();
        let slug = denial.slug;
        rules.gated(&Reason { element: element_of(tag), attribute: Default::default(), denial });
        gate_inline(edits, tag, open.start, slug);
        if let Some(found @ None) = &mut self.found {
            *found = Some(slug.to_owned());
        }
    }

    /// The contents are markup for browsers that run no scripts.
    fn read_noscript<R: Rules>(
        &mut self,
        context: &mut Context<R>,
        edits: &mut Edits,
        content: &[u8],
        open: &Open,
    ) -> Result<(), GateError> {
        let at = open.content;
        let mark = edits.mark();
        let mut markup = Self::noscript();
        markup.found = self.found.clone();
        let outside = edits.set_offset(at);
        let read = markup.read(context, edits, content, 0);
        edits.set_offset(outside);
        let read = read?;
        if !markup.is_at_rest(content.len() - read) {
            if open.is_unsure {
                return Err(GateError::Ambiguous);
            }
            // Such browsers would read what follows in another way. Nobody else needs what is in here.
            edits.back_to(mark);
            edits.remove(at..at + content.len());
        }
        self.found = markup.found;
        Ok(())
    }
}

fn may_have_elements(text: &[u8]) -> bool {
    let begins = |at: usize| {
        text.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || *next == b'/')
    };
    memchr::memchr_iter(b'<', text).any(begins)
}
