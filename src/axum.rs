//! The extractor and the response parts for axum.

use std::{convert::Infallible, error, fmt};

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};
use http::{StatusCode, request::Parts};

use crate::{Choice, Consent, NoTracking};

/// The handler asks for [`Consent`], but no [`ConsentLayer`](crate::ConsentLayer) is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingConsentLayer;

impl fmt::Display for MissingConsentLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no `Consent` in the request: add `tower_consent::ConsentLayer` to the router, after this route",
        )
    }
}

impl error::Error for MissingConsentLayer {}

impl IntoResponse for MissingConsentLayer {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Consent {
    type Rejection = MissingConsentLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingConsentLayer> {
        parts.extensions.get::<Self>().cloned().ok_or(MissingConsentLayer)
    }
}

impl IntoResponseParts for Choice {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

impl IntoResponseParts for NoTracking {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}
