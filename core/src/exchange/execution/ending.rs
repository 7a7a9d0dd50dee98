//! How an execution log ends: what the client gets, and why, when it is not what the integration gave.

use super::{Answered, Execution, Message, digits};
use crate::exchange::{Exchange, stage_of};
use crate::http1::KnownField;
use crate::reject::Reject;
use crate::shard::SharedPlan;
use crate::transform::template::text;

impl Exchange {
    pub(super) fn note_end(&self, execution: &mut Execution, plan: &SharedPlan, streams: bool) {
        if execution.traces() && matches!(execution.answered, Answered::Head) {
            execution.lines.say(&[b"Endpoint response body before transformations: "]);
        }
        let status = digits(self.outcome.status);
        let Message { fields, content, .. } = Message::of(&self.out);
        let content = match (&self.content, &execution.answered) {
            (Some(kept), _) => &kept[..],
            (None, Answered::Content(begun)) if streams => &begun.clone(),
            (None, _) => content,
        };
        match (self.refused, &self.outcome.error) {
            (Some(reject), Some(error)) => {
                self.note_failure(execution, plan, reject);
                execution.lines.say(&[
                    b"Gateway response type: ",
                    error.response_type.as_bytes(),
                    b" with status code: ",
                    &status,
                ]);
                if execution.traces() {
                    execution.lines.say_payload("Gateway response body: ", content);
                    execution.lines.say_map("Gateway response headers: ", &fields);
                }
                execution.lines.say(&[b"Method completed with status: ", &status]);
            }
            _ => {
                if execution.traces() {
                    execution.lines.say_payload("Method response body after transformations: ", content);
                    execution.lines.say_map("Method response headers: ", &fields);
                }
                execution.info(&[b"Successfully completed execution"]);
                execution.info(&[b"Method completed with status: ", &status]);
            }
        }
        execution.info(&[b"X-ray Tracing ID : ", self.arrival.trace_root(&self.request)]);
    }

    /// Why the gateway answers by itself. AWS's words where they are known, ours elsewhere.
    fn note_failure(&self, execution: &mut Execution, plan: &SharedPlan, reject: Reject) {
        let error = self.outcome.error.as_ref();
        let message = error.and_then(|error| error.message.as_deref()).unwrap_or_default();
        let misconfigured = |why: &str| format!("Execution failed due to configuration error: {why}");
        let line = match reject {
            // The function's own words stand there already.
            Reject::FunctionError => return,
            Reject::InvalidBody => {
                let why = error.and_then(|error| error.validation.as_deref()).unwrap_or_default();
                let media_type = self.request.first(KnownField::ContentType).unwrap_or(b"application/json");
                let media_type = text(media_type.split(|byte| *byte == b';').next().unwrap_or_default());
                format!("Request body does not match model schema for content type {media_type}: {why}")
            }
            Reject::Unauthorized(_) => format!("Unauthorized request: {}", text(self.arrival.request_id())),
            Reject::Denied(_) => "The client is not authorized to perform this operation.".to_owned(),
            Reject::Authorizer(_) => misconfigured("Authorizer error"),
            Reject::Throttled => self.note_limit("Key throttle", plan),
            Reject::QuotaExceeded => self.note_limit("Key quota", plan),
            Reject::TemplateFailed => {
                let side = if self.outcome.integration_status.is_some() { "response" } else { "request" };
                let why = execution.fault.take().map(|why| format!(": {why}")).unwrap_or_default();
                misconfigured(&format!("Unable to transform {side}{why}"))
            }
            Reject::Misconfigured | Reject::UnresolvableHost => misconfigured("Invalid endpoint address"),
            Reject::NoCredentials => misconfigured("There are no credentials to sign the call with"),
            Reject::NoMockStatus => {
                misconfigured("statusCode should be an integer which defined in request template")
            }
            Reject::NoIntegrationResponse => misconfigured(&format!(
                "No match for output mapping and no default output mapping configured. Endpoint Response Status Code: {}",
                self.outcome.integration_status.unwrap_or_default()
            )),
            Reject::MalformedResult => misconfigured("Malformed Lambda proxy response"),
            Reject::NotBase64 => misconfigured("Unable to base64 decode the body."),
            Reject::InvocationRefused => misconfigured("Invalid permissions on Lambda function"),
            Reject::IntegrationTimeout => "Execution failed due to a timeout error".to_owned(),
            Reject::NetworkError => {
                "Execution failed due to a network error communicating with endpoint".to_owned()
            }
            _ => format!("Execution failed: {message}"),
        };
        execution.lines.say(&[line.as_bytes()]);
    }

    fn note_limit(&self, what: &str, plan: &SharedPlan) -> String {
        let Some(routed) = self.routed else { return String::new() };
        let (api, stage) = stage_of(plan, routed.place);
        let (resource, method) = (&api.route(routed.route).1.id, routed.method.name());
        format!(
            "{what} limit exceeded for RestApi {}, Stage {}, Resource {resource}, HttpMethod {method}.",
            api.id, stage.name
        )
    }
}
