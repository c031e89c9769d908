//! Where tags, text and comments begin and end: the tokenizer of the HTML standard.
//!
//! Only ASCII bytes that are markup are looked at, so it is right for every charset that keeps ASCII (UTF-8, windows-125x,
//! Shift_JIS, GBK, EUC-KR, Big5 ...).

use super::tag::{Step, Tag, TagScanner, ends_name};
use memchr::{memchr, memchr_iter, memchr2_iter, memmem};

/// Cuts a page into tokens. It never copies: a token is a kind and a length.
///
/// Tags come whole. Text, comments and the contents of `script` and the like come in pieces, as far as they are known.
#[derive(Debug)]
pub(super) struct Tokenizer {
    content: Content,
    scripting: bool,
    foreign: bool,
    cdata: bool,
    /// A tag that the input cut.
    unfinished: Option<TagScanner>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Text in which character references count.
    Text,
    /// Text inside `script`, `style`, `title` and the like, and after `plaintext`.
    RawText,
    /// Text inside a CDATA section, without its marks.
    Cdata,
    /// A comment or a piece of one, its marks included; bogus comments too.
    Comment {
        closed: bool,
    },
    Doctype {
        closed: bool,
    },
    StartTag,
    EndTag,
    /// Bytes that make no token: `</>`, and the marks of a CDATA section.
    Nothing,
}

/// What the bytes that come next are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Data,
    /// Text up to the end tag of this name.
    Raw(&'static [u8]),
    Script(Escape),
    Plaintext,
    Comment,
    BogusComment,
    Doctype,
    Cdata,
}

/// Inside a script `<!--` hides `<script>`, and that in turn hides `</script>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Escape {
    None,
    Escaped,
    DoubleEscaped,
}

impl Tokenizer {
    pub(super) fn new() -> Self {
        Self::starting_in(Content::Data)
    }

    pub(super) fn starting_in(content: Content) -> Self {
        Self { content, scripting: true, foreign: false, cdata: false, unfinished: None }
    }

    /// Reads `noscript` as browsers do that run no scripts.
    pub(super) fn without_scripting(mut self) -> Self {
        self.scripting = false;
        self
    }

    /// Tells whether the parser is inside `svg` or `math`, where elements with raw text are like any other and CDATA sections
    /// are read. Only the parser's tree knows; ask after each tag.
    pub(super) fn set_foreign(&mut self, foreign: bool) {
        self.set_place(foreign, foreign);
    }

    /// As [`set_foreign`](Self::set_foreign), where CDATA sections are read though raw text is raw: right inside `title` and the
    /// like of `svg`.
    pub(super) fn set_place(&mut self, foreign: bool, cdata: bool) {
        self.foreign = foreign;
        self.cdata = cdata;
    }

    /// Whether what comes is the text of `script`, `style`, `title` and the like.
    pub(super) fn is_raw(&self) -> bool {
        matches!(self.content, Content::Raw(_) | Content::Script(_) | Content::Plaintext)
    }

    /// Whether the page could end here without leaving anything open.
    pub(super) fn is_at_rest(&self) -> bool {
        self.content == Content::Data && self.unfinished.is_none()
    }

    /// The token at the start of `input`. `None`: more bytes are needed; call again with the same bytes and more after them.
    pub(super) fn next(&mut self, input: &[u8]) -> Option<Token> {
        if input.is_empty() {
            return None;
        }
        match self.content {
            Content::Data => self.data(input),
            Content::Raw(name) => self.raw(input, name),
            Content::Script(escape) => self.script(input, escape),
            Content::Plaintext => token(Kind::RawText, input.len()),
            Content::Comment => self.comment(input, 0),
            Content::BogusComment => self.up_to_close(input, Content::BogusComment),
            Content::Doctype => self.up_to_close(input, Content::Doctype),
            Content::Cdata => self.cdata(input),
        }
    }

    /// What `rest`, for which [`next`](Self::next) wanted more bytes, is when none come. `None`: nothing, an unfinished tag.
    pub(super) fn end(&self, rest: &[u8]) -> Option<Kind> {
        match self.content {
            _ if rest.is_empty() || self.unfinished.is_some() => None,
            Content::Data if matches!(rest, b"<" | b"</") => Some(Kind::Text),
            Content::Data | Content::Comment | Content::BogusComment => {
                Some(Kind::Comment { closed: false })
            }
            Content::Doctype => Some(Kind::Doctype { closed: false }),
            Content::Raw(_) | Content::Script(_) | Content::Plaintext => Some(Kind::RawText),
            Content::Cdata => Some(Kind::Cdata),
        }
    }

    fn data(&mut self, input: &[u8]) -> Option<Token> {
        match memchr(b'<', input) {
            Some(0) => self.markup(input),
            found => token(Kind::Text, found.unwrap_or(input.len())),
        }
    }

    fn markup(&mut self, input: &[u8]) -> Option<Token> {
        match input.get(1)? {
            b'!' => self.declaration(input),
            b'?' => self.up_to_close(input, Content::BogusComment),
            b'/' => match input.get(2)? {
                b'>' => token(Kind::Nothing, 3),
                letter if letter.is_ascii_alphabetic() => self.tag(input, Kind::EndTag),
                _ => self.up_to_close(input, Content::BogusComment),
            },
            letter if letter.is_ascii_alphabetic() => self.tag(input, Kind::StartTag),
            _ => token(Kind::Text, 1),
        }
    }

    fn declaration(&mut self, input: &[u8]) -> Option<Token> {
        const CDATA: &[u8] = b"<![CDATA[";
        match (begins(input, b"<!--"), begins(input, b"<!doctype")) {
            (Begins::Yes, _) => return self.open_comment(input),
            (_, Begins::Yes) => return self.up_to_close(input, Content::Doctype),
            (Begins::Perhaps, _) | (_, Begins::Perhaps) => return None,
            (Begins::No, Begins::No) => {}
        }
        if self.cdata {
            if input.starts_with(CDATA) {
                self.content = Content::Cdata;
                return token(Kind::Nothing, CDATA.len());
            }
            if CDATA.starts_with(input) {
                return None;
            }
        }
        self.up_to_close(input, Content::BogusComment)
    }

    /// `<!-->` and `<!--->` are whole comments; the opening dashes are no part of an end otherwise.
    fn open_comment(&mut self, input: &[u8]) -> Option<Token> {
        const OPEN: usize = 4;
        match (input.get(OPEN)?, input.get(OPEN + 1)) {
            (b'>', _) => token(Kind::Comment { closed: true }, OPEN + 1),
            (b'-', Some(b'>')) => token(Kind::Comment { closed: true }, OPEN + 2),
            (b'-', None) => None,
            _ => self.comment(input, OPEN),
        }
    }

    fn comment(&mut self, input: &[u8], from: usize) -> Option<Token> {
        let text = input.get(from..)?;
        for at in memchr_iter(b'>', text) {
            let before = text.get(..at)?;
            if before.ends_with(b"--") || before.ends_with(b"--!") {
                self.content = Content::Data;
                return token(Kind::Comment { closed: true }, from + at + 1);
            }
        }
        let known = input.len() - longest_end(text, &[b"--!", b"--", b"-"]);
        self.content = Content::Comment;
        token(Kind::Comment { closed: false }, known)
    }

    /// Bogus comments and doctypes end at the first `>`, quoted or not.
    fn up_to_close(&mut self, input: &[u8], content: Content) -> Option<Token> {
        let end = memchr(b'>', input);
        let closed = end.is_some();
        self.content = if closed { Content::Data } else { content };
        let kind = match content {
            Content::Doctype => Kind::Doctype { closed },
            _ => Kind::Comment { closed },
        };
        token(kind, end.map_or(input.len(), |at| at + 1))
    }

    fn cdata(&mut self, input: &[u8]) -> Option<Token> {
        match memmem::find(input, b"]]>") {
            Some(0) => {
                self.content = Content::Data;
                token(Kind::Nothing, 3)
            }
            Some(at) => token(Kind::Cdata, at),
            None => token(Kind::Cdata, input.len() - longest_end(input, &[b"]]", b"]"])),
        }
    }

    fn raw(&mut self, input: &[u8], name: &'static [u8]) -> Option<Token> {
        for at in memchr_iter(b'<', input) {
            match (begins_end_tag(input.get(at..)?, name), at) {
                (Begins::No, _) => {}
                (Begins::Yes, 0) => return self.tag(input, Kind::EndTag),
                (Begins::Perhaps, 0) => return None,
                _ => return token(Kind::RawText, at),
            }
        }
        token(Kind::RawText, input.len())
    }

    fn script(&mut self, input: &[u8], escape: Escape) -> Option<Token> {
        if escape == Escape::None {
            return self.plain_script(input);
        }
        for at in memchr2_iter(b'<', b'>', input) {
            let (before, from) = input.split_at_checked(at)?;
            if from.starts_with(b">") {
                if before.ends_with(b"--") {
                    self.content = Content::Script(Escape::None);
                    return token(Kind::RawText, at + 1);
                }
                continue;
            }
            let (end_tag, start_tag) =
                (begins_end_tag(from, b"script"), begins_start_tag(from, b"script"));
            match (end_tag, start_tag, escape) {
                (Begins::Yes, _, Escape::DoubleEscaped) => {
                    self.content = Content::Script(Escape::Escaped);
                    return token(Kind::RawText, at + b"</script>".len());
                }
                (Begins::Yes, _, _) if at == 0 => return self.tag(input, Kind::EndTag),
                (_, Begins::Yes, Escape::Escaped) => {
                    self.content = Content::Script(Escape::DoubleEscaped);
                    return token(Kind::RawText, at + b"<script>".len());
                }
                (Begins::Perhaps, ..)
                | (_, Begins::Perhaps, Escape::Escaped)
                | (Begins::Yes, ..) => {
                    return token(Kind::RawText, at);
                }
                _ => {}
            }
        }
        token(Kind::RawText, input.len() - longest_end(input, &[b"--", b"-"]))
    }

    fn plain_script(&mut self, input: &[u8]) -> Option<Token> {
        for at in memchr_iter(b'<', input) {
            let from = input.get(at..)?;
            match (begins(from, b"<!--"), begins_end_tag(from, b"script")) {
                (Begins::No, Begins::No) => {}
                (Begins::Yes, _) => {
                    self.content = Content::Script(Escape::Escaped);
                    // The dashes stay: those of `<!-->` end what they began.
                    return token(Kind::RawText, at + b"<!".len());
                }
                (_, Begins::Yes) if at == 0 => return self.tag(input, Kind::EndTag),
                _ => return token(Kind::RawText, at),
            }
        }
        token(Kind::RawText, input.len())
    }

    fn tag(&mut self, input: &[u8], kind: Kind) -> Option<Token> {
        let scanner = self.unfinished.get_or_insert_with(|| TagScanner::new(input));
        loop {
            match scanner.step(input) {
                Step::Attribute(_) => {}
                Step::More => return None,
                Step::End { .. } => break,
            }
        }
        let len = scanner.position();
        self.unfinished = None;
        self.content = match kind {
            Kind::StartTag if !self.foreign => content_of(&Tag::new(input).name(), self.scripting),
            _ => Content::Data,
        };
        token(kind, len)
    }
}

/// What the standard's tree construction makes the tokenizer read after a start tag.
fn content_of(element: &[u8], scripting: bool) -> Content {
    match element {
        b"script" => Content::Script(Escape::None),
        b"plaintext" => Content::Plaintext,
        b"title" => Content::Raw(b"title"),
        b"textarea" => Content::Raw(b"textarea"),
        b"style" => Content::Raw(b"style"),
        b"xmp" => Content::Raw(b"xmp"),
        b"iframe" => Content::Raw(b"iframe"),
        b"noembed" => Content::Raw(b"noembed"),
        b"noframes" => Content::Raw(b"noframes"),
        b"noscript" if scripting => Content::Raw(b"noscript"),
        _ => Content::Data,
    }
}

/// An empty token is none: more bytes are needed.
fn token(kind: Kind, len: usize) -> Option<Token> {
    (len > 0).then_some(Token { kind, len })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Yes,
    /// As far as the input goes.
    Perhaps,
    No,
}

fn begins(input: &[u8], with: &[u8]) -> Begins {
    let (input, missing) = match input.get(..with.len()) {
        Some(start) => (start, false),
        None => (input, true),
    };
    let same = with.get(..input.len()).is_some_and(|with| with.eq_ignore_ascii_case(input));
    match (same, missing) {
        (false, _) => Begins::No,
        (true, true) => Begins::Perhaps,
        (true, false) => Begins::Yes,
    }
}

fn begins_end_tag(input: &[u8], name: &[u8]) -> Begins {
    match begins(input, b"</") {
        Begins::Yes => begins_name(input.get(2..).unwrap_or_default(), name),
        other => other,
    }
}

fn begins_start_tag(input: &[u8], name: &[u8]) -> Begins {
    begins_name(input.get(1..).unwrap_or_default(), name)
}

fn begins_name(input: &[u8], name: &[u8]) -> Begins {
    match (begins(input, name), input.get(name.len())) {
        (Begins::Yes, Some(&after)) if ends_name(after) => Begins::Yes,
        (Begins::Yes, Some(_)) => Begins::No,
        (Begins::Yes, None) => Begins::Perhaps,
        (other, _) => other,
    }
}

/// The length of the first of `ends` that the input ends with.
fn longest_end(input: &[u8], ends: &[&[u8]]) -> usize {
    ends.iter().find(|end| input.ends_with(end)).map_or(0, |end| end.len())
}

#[cfg(test)]
#[path = "tests/html5lib.rs"]
mod html5lib;

#[cfg(test)]
#[path = "tests/tokens.rs"]
mod tokens;
