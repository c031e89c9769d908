//! `LintBody` finds each breach of the contract that it is for, and passes what keeps it.

#[path = "common/lint_body.rs"]
mod lint_body;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use lint_body::LintBody;

type Polled = Poll<Option<Result<Frame<Bytes>, &'static str>>>;

/// What a body says and does, step by step; the last words stand when all is done.
struct Script {
    steps: VecDeque<Polled>,
    says: VecDeque<(bool, SizeHint)>,
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Polled {
        if self.says.len() > 1 {
            self.says.pop_front();
        }
        self.steps.pop_front().unwrap_or(Poll::Ready(None))
    }

    fn is_end_stream(&self) -> bool {
        self.says[0].0
    }

    fn size_hint(&self) -> SizeHint {
        self.says[0].1
    }
}

fn data(text: &'static str) -> Polled {
    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
}

fn trailers() -> Polled {
    Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new()))))
}

fn error() -> Polled {
    Poll::Ready(Some(Err("broken")))
}

const END: Polled = Poll::Ready(None);
const WAIT: Polled = Poll::Pending;

fn hint(lower: u64, upper: impl Into<Option<u64>>) -> SizeHint {
    let mut hint = SizeHint::new();
    if let Some(upper) = upper.into() {
        hint.set_upper(upper);
    }
    hint.set_lower(lower);
    hint
}

fn anything() -> (bool, SizeHint) {
    (false, SizeHint::default())
}

/// Polls through all steps; gives what the checker said where it panicked.
fn lint(
    steps: impl IntoIterator<Item = Polled>,
    says: impl IntoIterator<Item = (bool, SizeHint)>,
) -> Result<(), String> {
    let script = Script { steps: steps.into_iter().collect(), says: says.into_iter().collect() };
    let polls = script.steps.len();
    let run = || {
        let mut body = Box::pin(LintBody::new(script));
        for _ in 0..polls {
            let _ = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        }
    };
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast_ref::<&str>().unwrap()).to_owned(),
    })
}

#[test]
fn bodies_that_keep_the_contract_pass() {
    for steps in [
        vec![END],
        vec![data("a"), WAIT, data("b"), END, END],
        vec![data("a"), trailers(), WAIT, END, END],
        vec![trailers(), END],
        vec![data("a"), error(), END, END],
        vec![error(), END],
    ] {
        assert_eq!(lint(steps, [anything()]), Ok(()));
    }
}

#[test]
fn hints_that_get_better_pass() {
    let says = [(false, hint(1, 9)), (false, hint(1, 4)), (false, hint(2, 2)), (true, hint(0, 0))];
    assert_eq!(lint([data("abc"), WAIT, data("de"), END], says), Ok(()));
    // Held back and given later: what an error cuts off is no breach.
    assert_eq!(lint([data("a"), error(), END], [(false, hint(0, 9))]), Ok(()));
}

#[test]
fn whatever_follows_the_last_frame_is_found() {
    for (steps, breach) in [
        (vec![trailers(), data("a")], "gives data after its Trailers"),
        (vec![trailers(), trailers()], "gives trailers after its Trailers"),
        (vec![trailers(), error()], "fails after its Trailers"),
        (vec![END, data("a")], "gives data after its End"),
        (vec![END, trailers()], "gives trailers after its End"),
        (vec![END, error()], "fails after its End"),
        (vec![END, WAIT], "waits after its End"),
        (vec![error(), data("a")], "gives data after its Error"),
        (vec![error(), END, trailers()], "gives trailers after its Error"),
        (vec![error(), error()], "fails after its Error"),
    ] {
        let found = lint(steps, [anything()]).unwrap_err();
        assert!(found.contains(breach), "{found}, not {breach}");
    }
}

#[test]
fn an_end_that_is_none_is_found() {
    for (step, breach) in [
        (data("a"), "gives data, and is_end_stream was true"),
        (trailers(), "gives trailers, and is_end_stream was true"),
        (error(), "fails, and is_end_stream was true"),
        (WAIT, "waits, and is_end_stream was true"),
    ] {
        let found = lint([step], [(true, SizeHint::default())]).unwrap_err();
        assert!(found.contains(breach), "{found}, not {breach}");
    }
    let says = [(true, SizeHint::default()), anything()];
    assert!(lint([END], says).unwrap_err().contains("is false again"));
}

#[test]
fn hints_that_are_wrong_are_found() {
    for (steps, says, breach) in [
        (vec![data("abc")], vec![hint(0, 2)], "allowed 2 bytes in all, and 3 came"),
        (
            vec![data("a"), END],
            vec![hint(2, None), hint(0, None)],
            "promised 2 bytes in all, and 1 came",
        ),
        (
            vec![data("a"), trailers()],
            vec![hint(2, None), hint(0, None)],
            "promised 2 bytes in all, and 1 came",
        ),
        (vec![data("a")], vec![hint(4, 4), hint(4, 4)], "changed its mind: at least 5, at most 4"),
        (vec![WAIT], vec![hint(4, None), hint(0, 3)], "changed its mind: at least 4, at most 3"),
    ] {
        let says = says.into_iter().map(|hint| (false, hint));
        let found = lint(steps, says).unwrap_err();
        assert!(found.contains(breach), "{found}, not {breach}");
    }
}

#[test]
fn empty_frames_are_found_unless_allowed() {
    let empty = || Script { steps: [data(""), END].into(), says: [anything()].into() };
    let poll = |body: LintBody<Script>| {
        let mut body = Box::pin(body);
        body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert!(lint([data("")], [anything()]).unwrap_err().contains("an empty frame of data"));
    assert!(poll(LintBody::new(empty()).allow_empty_frames()));
}
