//! `POST /_consent/choice`: the visitor decides.

use std::str;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;

use super::{
    Answer,
    form::{FormBody, FormError, MOST_BYTES},
    method_not_allowed, origin, refuse, respond, return_to, state,
};
use crate::{
    choice::{Choice, How, Once},
    consent::Consent,
    policy::Grants,
};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Takes the form in, unless its head alone tells that it can't be taken.
pub(super) fn answer<B: Body>(consent: &Consent, request: Request<B>) -> Answer<B> {
    let refusal = if request.method() != Method::POST {
        Some(method_not_allowed("POST"))
    } else if !origin::is_same(&request) {
        Some(refuse(
            StatusCode::FORBIDDEN,
            "A choice can only be made from this site's own pages.\n",
        ))
    } else if !is_form(request.headers()) {
        let reason = "Send the choice as application/x-www-form-urlencoded.\n";
        Some(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
    } else if request.body().size_hint().lower() > MOST_BYTES as u64 {
        Some(too_large())
    } else {
        None
    };
    match refusal {
        Some(response) => Answer::ready(response),
        None => Answer::Form {
            consent: consent.clone(),
            wants_json: wants_json(request.headers()),
            form: FormBody::new(request.into_body()),
        },
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| {
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

fn wants_json(headers: &HeaderMap) -> bool {
    let is_refusal = |field: &str| {
        let weight = field.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
        weight.is_some_and(|weight: f32| weight <= 0.0)
    };
    let accepts = |wanted: &str| {
        let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|range| {
            let mut fields = range.split(';');
            let essence = fields.next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case(wanted) && !fields.any(is_refusal)
        })
    };
    accepts("application/json") && !accepts("text/html")
}

fn too_large() -> Response<Bytes> {
    refuse(StatusCode::PAYLOAD_TOO_LARGE, format!("A choice takes at most {MOST_BYTES} bytes.\n"))
}

/// Answers the form that came in. The choice goes along as an extension of the response, as a
/// handler's would.
pub(super) fn take(
    form: Result<Vec<u8>, FormError>,
    consent: &Consent,
    wants_json: bool,
) -> Response<Bytes> {
    let form = match form {
        Ok(form) => form,
        Err(FormError::TooLarge) => return too_large(),
        Err(FormError::Broken) => {
            return refuse(StatusCode::BAD_REQUEST, "The choice did not arrive whole.\n");
        }
    };
    let decision = match parse(&form, consent) {
        Ok(decision) => decision,
        Err(reason) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}\n")),
    };
    let return_to = decision.return_to;
    match decision.answer {
        Answered::Choice(choice) => {
            let mut response = respond_to(&consent.after(choice), &return_to, wants_json);
            if consent.is_decided() && !wants_json {
                // What shows the earlier choice may be stored, and without script no page mends itself
                // when Back takes it out of the browser's back/forward cache, where `Vary` counts for
                // nothing (V3). Nothing but caches is cleared. <https://www.w3.org/TR/clear-site-data/>
                let cache = HeaderValue::from_static("\"cache\"");
                response.headers_mut().insert(CLEAR_SITE_DATA, cache);
            }
            response.extensions_mut().insert(choice);
            response
        }
        Answered::Once(once) => {
            let mut response = respond_to(&consent.with_once(once), &return_to, wants_json);
            response.extensions_mut().insert(once);
            response
        }
    }
}

fn respond_to(consent: &Consent, return_to: &str, wants_json: bool) -> Response<Bytes> {
    if wants_json { state::answer(consent) } else { see_other(return_to) }
}

fn see_other(path: &str) -> Response<Bytes> {
    let mut response = respond(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// What a form says.
struct Decision {
    answer: Answered,
    return_to: String,
}

enum Answered {
    Choice(Choice),
    Once(Once),
}

fn parse(form: &[u8], consent: &Consent) -> Result<Decision, String> {
    let policy = consent.policy();
    let mut named = None;
    let mut allowed = Vec::new();
    let mut return_to = None;
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "choice" => {
                if named.replace(value).is_some() {
                    return Err("`choice` stands twice.".to_owned());
                }
            }
            "allow" => {
                let unknown =
                    || format!("`allow` names no category or vendor: {:?}.", shorten(&value));
                allowed.push(policy.gated_purpose(&value).ok_or_else(unknown)?);
            }
            "return_to" => {
                let path = return_to::sanitize(&value, &policy.declared().endpoint).to_owned();
                if return_to.replace(path).is_some() {
                    return Err("`return_to` stands twice.".to_owned());
                }
            }
            _ => {
                return Err(format!(
                    "There is no field {:?}: send choice, allow, return_to.",
                    shorten(&name)
                ));
            }
        }
    }
    let named =
        named.ok_or("`choice` is missing: send one of accept, reject, save, allow, once.")?;
    let answer = match (&*named, &*allowed) {
        ("accept", _) => Answered::Choice(consent.choose(How::Accept, Grants::of(policy.asked()))),
        ("reject", _) => Answered::Choice(consent.choose(How::Reject, Grants::EMPTY)),
        ("save", _) => {
            let granted = allowed.into_iter().fold(Grants::EMPTY, Grants::with);
            Answered::Choice(consent.choose(How::Save, granted))
        }
        ("allow", [_, ..]) => Answered::Choice(consent.allow_purposes(How::Allow, allowed)),
        ("once", [one]) => Answered::Once(Once(*one)),
        ("allow" | "once", _) => {
            return Err("`allow` says what to allow: once, or for `choice=allow` more than once."
                .to_owned());
        }
        _ => return Err("`choice` is one of accept, reject, save, allow, once.".to_owned()),
    };
    Ok(Decision { answer, return_to: return_to.unwrap_or_else(|| "/".to_owned()) })
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
