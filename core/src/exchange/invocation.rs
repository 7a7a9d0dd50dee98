//! Stages of an exchange whose function is at AWS: the Lambda Invoke API, called as any backend.

use super::{Call, Exchange, More, Step};
use crate::aws::NoCredentials;
use crate::clock::Now;
use crate::http1::{BodyFraming, encode};
use crate::integration::{Lambda, LambdaKind, Remote};
use crate::reject::Reject;
use crate::shard::Shard;
use crate::transform::request;

/// Says that the function has failed; the content is the error's document (AWS: "Invoke", response elements).
const FUNCTION_ERROR: &[u8] = b"x-amz-function-error";

/// What the head of the API's answer says of an invocation.
pub(super) enum Invocation {
    /// The function has answered.
    Answered,
    /// The function has failed.
    Failed,
    /// The event is too large.
    TooLarge,
    /// Too many are under way, or Lambda itself has failed.
    Throttled,
    /// There is no such function, or no permission to invoke it.
    Refused,
}

impl Exchange {
    /// Calls with the event that stands in `out`.
    pub(super) fn invoke_remote(
        &mut self,
        shard: &mut Shard,
        now: Now,
        lambda: &Lambda,
        remote: &Remote,
        asynchronous: bool,
    ) -> Step {
        if self.write_invocation(shard, now, remote, asynchronous) == Err(NoCredentials) {
            return self.refuse(shard, now, Reject::NoCredentials);
        }
        self.called = Some(now);
        Step::Call(call(remote, lambda.timeout_ms))
    }

    /// Makes a request to the API of the event that stands in `out`.
    pub(super) fn write_invocation(
        &mut self,
        shard: &mut Shard,
        now: Now,
        remote: &Remote,
        asynchronous: bool,
    ) -> Result<(), NoCredentials> {
        let event = std::mem::take(&mut self.out);
        self.write_out("", |values, out| {
            out.extend_from_slice(b"POST ");
            out.extend_from_slice(remote.path.as_bytes());
            out.extend_from_slice(b" HTTP/1.1\r\n");
            encode::field(b"Host", remote.host.as_bytes(), out);
            encode::field(b"Content-Type", b"application/json", out);
            let kind: &[u8] = if asynchronous { b"Event" } else { b"RequestResponse" };
            encode::field(b"X-Amz-Invocation-Type", kind, out);
            request::write_own_fields(values, out);
            let caller = values.view.principal.map(|principal| &principal.credentials);
            let signed = shard.signers.sign_for(&remote.signing, caller, &event, now, out);
            encode::field(b"Content-Length", itoa::Buffer::new().format(event.len()).as_bytes(), out);
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&event);
            signed
        })
    }

    /// The head of the API's answer is there; a function's answer is needed whole.
    pub(super) fn respond_invoked(&mut self, shard: &mut Shard, now: Now, lambda: &Lambda) -> Step {
        if self.response.framing() == BodyFraming::None {
            return self.respond_invoked_body(shard, now, b"");
        }
        if matches!((&lambda.kind, self.invocation()), (LambdaKind::StreamedProxy, Invocation::Answered)) {
            let waited_ms = self.called.map_or(0, |called| now.since_ms(called));
            let timeout_ms = u64::from(lambda.timeout_ms).saturating_sub(waited_ms) as u32;
            return Step::ReadBegun { timeout_ms, pause_ms: self.stream_pause_ms() };
        }
        Step::ReadResponse { bytes_max: self.payload_bytes_max(), more: More::Fails }
    }

    /// AWS: "If the Lambda API rejects the invocation request, API Gateway returns a 500 error code. If the function runs
    /// but returns an error, … API Gateway returns a 502."
    pub(super) fn respond_invoked_body(&mut self, shard: &mut Shard, now: Now, payload: &[u8]) -> Step {
        match self.invocation() {
            Invocation::Failed => self.answer_failed(shard, now, payload),
            Invocation::Answered => self.answer_invoked(shard, now, payload),
            Invocation::TooLarge => self.refuse(shard, now, Reject::EventTooLarge),
            Invocation::Throttled => self.refuse(shard, now, Reject::FunctionThrottled),
            Invocation::Refused => self.refuse(shard, now, Reject::InvocationRefused),
        }
    }

    pub(super) fn invocation(&self) -> Invocation {
        match self.response.status() {
            200..=299 if self.response.find(FUNCTION_ERROR).next().is_some() => Invocation::Failed,
            200..=299 => Invocation::Answered,
            413 => Invocation::TooLarge,
            429 | 500.. => Invocation::Throttled,
            _ => Invocation::Refused,
        }
    }
}

/// A call of the API.
pub(super) fn call(remote: &Remote, timeout_ms: u32) -> Call {
    Call {
        origin: remote.origin,
        timeout_ms,
        upload: BodyFraming::None,
        // A function that is invoked twice may do its work twice.
        is_idempotent: false,
        is_head: false,
    }
}
