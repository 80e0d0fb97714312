//! The refusal of a `HEAD`, whose response has no body, and so no code.
//!
//! S3 refuses a call whose signature has a time more than 15 minutes from its own. For a `HEAD`, only two times tell
//! this from the lack of a permission: that of the signature, and that of the response (`Date`). If they differ, the
//! response gets the body that it would have if it could have one. So the refusal is read, and the call is signed
//! again, as that of every other call.

use crate::clock::timestamp;
use crate::signed::TOLERATED_SKEW;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use std::time::Duration;

/// What S3 writes into the response to any other call.
const TIME_REFUSED: &str = "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request \
                            time and the current time is too large.</Message></Error>";

/// The time of the signature of a `HEAD`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedHead(Duration);

impl SignedHead {
    /// Reads the time of a request's signature, if the request is a signed `HEAD`.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        if request.method() != "HEAD" {
            return None;
        }
        let text = request.headers().get("x-amz-date")?;
        signed_at(text).map(Self)
    }

    /// Gives the response, which was made at `made`, a code if it refuses the time of the signature.
    pub(crate) fn explain(self, response: &mut HttpResponse, made: Duration) {
        let is_bare = response.body().bytes().is_none_or(<[u8]>::is_empty);
        let is_refused = response.status().as_u16() == 403 && is_bare;
        if is_refused && made.abs_diff(self.0) > TOLERATED_SKEW {
            *response.body_mut() = SdkBody::from(TIME_REFUSED);
        }
    }
}

/// Reads the time of a signature, such as `20261129T120000Z`, as the time since 1970-01-01T00:00:00Z.
fn signed_at(text: &str) -> Option<Duration> {
    let (date, time) = text.split_once('T')?;
    let date = [date.get(..4)?, date.get(4..6)?, date.get(6..)?].join("-");
    let time = [time.get(..2)?, time.get(2..4)?, time.get(4..)?].join(":");
    timestamp(&format!("{date}T{time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "20261129T120000Z";

    fn head_signed_at(time: &'static str) -> Option<SignedHead> {
        let mut request = HttpRequest::empty();
        request.set_method("HEAD").unwrap();
        request.headers_mut().insert("x-amz-date", time);
        SignedHead::of(&request)
    }

    /// A lack of permission stays one: the times of its signature and of its response are the same.
    #[test]
    fn only_a_refusal_at_another_time_than_that_of_the_signature_gets_a_code() {
        let is_explained = |status: u16, made: &str| {
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            let made = timestamp(made).unwrap();
            head_signed_at(NOON).unwrap().explain(&mut response, made);
            !response.body().bytes().unwrap().is_empty()
        };
        assert!(is_explained(403, "2026-11-29T12:16:00Z"));
        assert!(is_explained(403, "2026-11-29T03:00:00Z"));
        assert!(!is_explained(403, "2026-11-29T12:00:09Z"));
        assert!(!is_explained(404, "2026-11-29T12:16:00Z"));
    }

    #[test]
    fn only_a_signed_head_has_a_time() {
        assert!(head_signed_at("2026").is_none());
        assert!(head_signed_at("20261329T990000Z").is_none());
        assert!(SignedHead::of(&HttpRequest::empty()).is_none());
    }
}
