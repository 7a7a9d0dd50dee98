//! The execution log of an exchange: what its stages do, in the words of AWS's logs.
//!
//! It looks at each event before it is dealt with, and at each step before it is taken, so that the stages know nothing of
//! it. Only bodies that would pass unread are read for it. Where nothing is logged, that is one look at an empty box.

mod ending;

use super::{Event, Exchange, More, Reading, Routed, Step, Validated, integration_of, stage_of};
use crate::auth::authorise::Authorization;
use crate::clock::Now;
use crate::execution_log::{Detail, Level, Lines, is_secret, shortened};
use crate::http1::BodyFraming;
use crate::integration::Integration;
use crate::lambda::result::error_message;
use crate::limit::KeyName;
use crate::mapping::Source;
use crate::plan::{LogDestination, Plan};
use crate::shard::SharedPlan;
use crate::transform::template::Around;
use crate::values::decoded;
use crate::velocity::{Place, Surroundings};

/// What is logged of one request.
#[derive(Debug)]
pub(super) struct Execution {
    detail: Detail,
    lines: Lines,
    progress: Progress,
    /// Whether an authorizer is being asked.
    asks: bool,
    answered: Answered,
    /// Why a template could not be run.
    fault: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Routed,
    Identified,
    Started,
}

/// What has been logged of the backend's answer.
#[derive(Debug, Default)]
enum Answered {
    #[default]
    Nothing,
    /// Its head.
    Head,
    /// Its content, or the beginning of it.
    Content(Vec<u8>),
}

impl Execution {
    fn is_verbose(&self) -> bool {
        self.detail.level == Level::Info
    }

    fn traces(&self) -> bool {
        self.is_verbose() && self.detail.data_trace
    }

    /// A line of the level INFO.
    fn info(&mut self, parts: &[&[u8]]) {
        if self.is_verbose() {
            self.lines.say(parts);
        }
    }
}

/// A number as text.
fn digits(number: impl itoa::Integer) -> Vec<u8> {
    itoa::Buffer::new().format(number).as_bytes().to_vec()
}

impl Exchange {
    /// Begins the log of a routed request, if its method has one.
    pub(super) fn begin_execution(&mut self, plan: &Plan, routed: Routed) {
        let Some(log) = &stage_of(plan, routed.place).1.execution_log else { return };
        let Some(detail) = log.methods.get(routed.route.0 as usize).copied().flatten() else { return };
        let mut execution = Box::new(Execution {
            detail,
            lines: Lines::new(*self.arrival.request_id()),
            progress: Progress::Routed,
            asks: false,
            answered: Answered::default(),
            fault: None,
        });
        self.hide_secrets(plan, routed, &mut execution.lines);
        execution.info(&[b"Extended Request Id: ", &self.arrival.extended_request_id]);
        self.execution = Some(execution);
    }

    fn hide_secrets(&self, plan: &Plan, routed: Routed, lines: &mut Lines) {
        for field in self.request.fields() {
            if is_secret(self.request.name(field)) {
                lines.hide(self.request.value(field));
            }
        }
        let values = self.values(plan, "");
        for (name, value) in values.query_pairs() {
            if is_secret(name) {
                lines.hide(value);
                lines.hide(&decoded(value).collect::<Vec<u8>>());
            }
        }
        let api = stage_of(plan, routed.place).0;
        let sources: &[Source] = match api.authorization[routed.route.0 as usize] {
            Authorization::Lambda(id) => api.authorizers[id.0 as usize].input.sources(),
            Authorization::Cognito(id, _) => std::slice::from_ref(&api.user_pools[id.0 as usize].source),
            Authorization::None | Authorization::Iam => &[],
        };
        for source in sources.iter().filter(|source| matches!(source, Source::Header(..) | Source::Query(..)))
        {
            let mut value = Vec::new();
            values.write(source, &mut value);
            lines.hide(&value);
        }
    }

    /// The client's body is read for the log, if nothing else has read it.
    pub(super) fn read_body_for_log(&mut self, validated: Validated) -> Option<Step> {
        let execution = self.execution.as_ref()?;
        let passes = self.body.is_none() && self.request.framing() != BodyFraming::None;
        if !execution.traces() || !passes || self.request.transfer_codings().next().is_some() {
            return None;
        }
        (self.reading, self.body_wanted) = (Some(Reading::Log(validated)), true);
        Some(Step::ReadBody { bytes_max: self.payload_bytes_max() })
    }

    /// The beginning of the backend's content is read for the log: what comes first. The rest passes as ever.
    pub(super) fn read_content_for_log(&self) -> Option<Step> {
        let execution = self.execution.as_ref()?;
        let reads = execution.traces()
            && matches!(execution.answered, Answered::Head)
            && self.response.framing() != BodyFraming::None;
        reads.then_some(Step::ReadResponse { bytes_max: 0, more: More::Follows })
    }

    /// A template could not be run, because of this.
    pub(super) fn note_fault(&mut self, fault: impl FnOnce() -> String) {
        if let Some(execution) = &mut self.execution {
            execution.fault = Some(fault());
        }
    }

    /// Takes the lines of an exchange that ends, and where they go.
    pub fn take_execution_log(&mut self) -> Option<(LogDestination, Vec<u8>)> {
        let mut execution = self.execution.take()?;
        let plan = self.plan.as_ref()?;
        let log = stage_of(plan, self.place?).1.execution_log.as_ref()?;
        (!execution.lines.is_empty()).then(|| (log.destination.clone(), execution.lines.take()))
    }

    /// Something has happened.
    #[cold]
    pub(super) fn note_event(&mut self, now: Now, event: &Event<'_>) {
        let Some(mut execution) = self.execution.take() else { return };
        if !self.is_asking() {
            self.note_answered(&mut execution, now, event);
        }
        self.execution = Some(execution);
    }

    fn note_answered(&self, execution: &mut Execution, now: Now, event: &Event<'_>) {
        match event {
            Event::Response => {
                self.note_received(execution, now, self.response.status());
                let fields = self.response.fields().iter();
                let fields: Vec<_> =
                    fields.map(|field| (self.response.name(field), self.response.value(field))).collect();
                if execution.traces() {
                    execution.lines.say_map("Endpoint response headers: ", &fields);
                }
                execution.answered = Answered::Head;
            }
            Event::ResponseBody(content) | Event::ResponseBegun(content) => note_content(execution, content),
            Event::Invoked(payload) | Event::InvokedBegun(payload) => {
                // The Lambda API's head has been told.
                if !matches!(execution.answered, Answered::Head) {
                    self.note_received(execution, now, 200);
                }
                note_content(execution, payload);
            }
            Event::FunctionFailed(document) => {
                self.note_received(execution, now, 200);
                note_content(execution, document);
                execution.lines.say(&[
                    b"Lambda execution failed with status 200 due to customer function error: ",
                    error_message(document).as_bytes(),
                    b". Lambda request id: ",
                    self.arrival.request_id(),
                ]);
            }
            _ => {}
        }
    }

    fn note_received(&self, execution: &mut Execution, now: Now, status: u16) {
        if execution.traces() {
            let latency_ms = self.called.map_or(0, |called| now.since_ms(called));
            let (status, latency) = (digits(status), digits(latency_ms));
            let parts: [&[u8]; 5] =
                [b"Received response. Status: ", &status, b", Integration latency: ", &latency, b" ms"];
            execution.lines.say(&parts);
        }
    }

    /// This is done next.
    #[cold]
    pub(super) fn note_step(&mut self, step: &Step) {
        let Some(mut execution) = self.execution.take() else { return };
        let plan = self.plan();
        self.note_authorizer(&mut execution, &plan);
        match step {
            Step::Invoke(_) | Step::Call(_) if self.is_asking() => {}
            Step::Call(call) => {
                let origin = &plan.origins[call.origin.0 as usize];
                let scheme = if origin.tls.is_some() { "https://" } else { "http://" };
                self.note_call(&mut execution, scheme);
            }
            Step::Invoke(_) => self.note_invocation(&mut execution, &plan),
            Step::Answer(answer) => {
                self.note_started(&mut execution, &plan);
                self.note_end(&mut execution, &plan, answer.download != BodyFraming::None);
            }
            _ => {}
        }
        self.execution = Some(execution);
    }

    /// The request is about to be integrated.
    pub(super) fn note_integration(&mut self) {
        let Some(mut execution) = self.execution.take() else { return };
        let plan = self.plan();
        self.note_authorizer(&mut execution, &plan);
        self.note_started(&mut execution, &plan);
        self.execution = Some(execution);
    }

    fn note_authorizer(&self, execution: &mut Execution, plan: &SharedPlan) {
        let id = self.arrival.request_id();
        if self.is_asking() && !execution.asks {
            let name = self.routed.map_or("", |routed| self.authorizer_name(plan, routed));
            execution.info(&[b"Starting authorizer: ", name.as_bytes(), b" for request: ", id]);
        }
        if execution.asks && !self.is_asking() && self.refused.is_none() {
            execution.info(&[b"Successfully completed authorizer execution"]);
        }
        execution.asks = self.is_asking();
    }

    /// The usage plan, and where the method's execution starts: as far as the request has come.
    fn note_started(&self, execution: &mut Execution, plan: &SharedPlan) {
        use crate::reject::Reject as R;
        let reached = match self.refused {
            Some(R::Signature(_) | R::Unauthorized(_) | R::Authorizer(_) | R::MethodArnTooLong) => {
                Progress::Routed
            }
            Some(R::Denied(_)) if self.identified.is_none() => Progress::Routed,
            Some(R::InvalidApiKey | R::Throttled | R::QuotaExceeded | R::LedgerSilent) => {
                Progress::Identified
            }
            _ => Progress::Started,
        };
        let Some(routed) = self.routed else { return };
        if execution.progress < Progress::Identified && reached >= Progress::Identified {
            self.note_usage_plan(execution, plan, routed, reached);
            execution.progress = Progress::Identified;
        }
        if execution.progress < Progress::Started && reached >= Progress::Started {
            self.note_request(execution, plan, routed);
            execution.progress = Progress::Started;
        }
    }

    fn note_usage_plan(
        &self,
        execution: &mut Execution,
        plan: &SharedPlan,
        routed: Routed,
        reached: Progress,
    ) {
        let (api, stage) = stage_of(plan, routed.place);
        let key = self.view(plan).api_key_value().map(shortened).unwrap_or_default();
        // AWS leaves two spaces around a key that is not there; its own log viewer shows one.
        let key: &[u8] = if key.is_empty() { b" " } else { &[b" ", &key[..], b" "].concat() };
        let at = [api.id.as_bytes(), b"/", stage.name.as_bytes()].concat();
        let id = self.arrival.request_id();
        execution.info(&[b"Verifying Usage Plan for request: ", id, b". API Key:", key, b"API Stage: ", &at]);
        if reached < Progress::Started {
            return;
        }
        if !api.api_key_required[routed.route.0 as usize] {
            let (method, path) = (routed.method.name(), api.route(routed.route).1.path.as_str());
            execution.info(&[
                b"API Key",
                key,
                b"authorized because method '",
                method.as_bytes(),
                b" ",
                path.as_bytes(),
                b"' does not require API Key. Request will not contribute to throttle or quota limits",
            ]);
        }
        execution.info(&[b"Usage Plan check succeeded for API Key", key, b"and API Stage ", &at]);
    }

    fn note_request(&self, execution: &mut Execution, plan: &SharedPlan, routed: Routed) {
        let path = &self.request.path()[routed.place.prefix_bytes..];
        execution.info(&[b"Starting execution for request: ", self.arrival.request_id()]);
        execution.info(&[b"HTTP Method: ", self.request.method(), b", Resource Path: ", path]);
        let view = self.view(plan);
        if let Some((name, value)) = view.api_key.map(KeyName::read).zip(view.api_key_value()) {
            execution.info(&[b"API Key: ", &shortened(value)]);
            execution.info(&[b"API Key ID: ", name]);
        }
        if !execution.traces() {
            return;
        }
        let around = Around { values: self.values(plan, ""), body: "" };
        for (label, place) in
            [("Method request path: ", Place::Path), ("Method request query string: ", Place::Query)]
        {
            let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            around.parameters(place, &mut |name, value| {
                pairs.push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
            });
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&name[..], &value[..])).collect();
            execution.lines.say_map(label, &pairs);
        }
        let fields = self.request.fields().iter();
        let fields: Vec<_> =
            fields.map(|field| (self.request.name(field), self.request.value(field))).collect();
        execution.lines.say_map("Method request headers: ", &fields);
        let body = self.body.as_deref().unwrap_or_default();
        execution.lines.say_payload("Method request body before transformations: ", body);
    }

    /// The head in `out`, and what stands behind it, are sent.
    fn note_call(&self, execution: &mut Execution, scheme: &str) {
        let Message { start, fields, content } = Message::of(&self.out);
        let target = start.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let host = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"host"));
        let uri = [scheme.as_bytes(), host.map_or(&b""[..], |(_, value)| value), target].concat();
        note_request_to(execution, &uri, &fields, content);
    }

    fn note_invocation(&self, execution: &mut Execution, plan: &SharedPlan) {
        let Some(Integration::Lambda(lambda)) = self.routed.map(|routed| integration_of(plan, routed)) else {
            return;
        };
        let region = plan.node.region.as_bytes();
        let function: &[u8] = lambda.invoked_arn.as_bytes();
        let uri: [&[u8]; 5] =
            [b"https://lambda.", region, b".amazonaws.com/2015-03-31/functions/", function, b"/invocations"];
        note_request_to(execution, &uri.concat(), &[], &self.out);
    }
}

fn note_content(execution: &mut Execution, content: &[u8]) {
    if execution.traces() {
        execution.lines.say_payload("Endpoint response body before transformations: ", content);
        execution.answered = Answered::Content(content[..content.len().min(SHOWN_BYTES_MAX)].to_vec());
    }
}

/// How much of a content is kept until it is known that it passes as it is.
const SHOWN_BYTES_MAX: usize = 4 * crate::limits::EXECUTION_LOG_LINE_BYTES_MAX;

fn note_request_to(execution: &mut Execution, uri: &[u8], fields: &[(&[u8], &[u8])], content: &[u8]) {
    if !execution.traces() {
        return;
    }
    execution.lines.say(&[b"Endpoint request URI: ", uri]);
    execution.lines.say_map("Endpoint request headers: ", fields);
    execution.lines.say_payload("Endpoint request body after transformations: ", content);
    execution.lines.say(&[b"Sending request to ", uri]);
}

/// A message as it is sent, taken apart again.
struct Message<'a> {
    start: &'a [u8],
    fields: Vec<(&'a [u8], &'a [u8])>,
    content: &'a [u8],
}

impl<'a> Message<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n").unwrap_or(bytes.len());
        let mut lines = bytes[..end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let start = lines.next().unwrap_or_default();
        let field = |line: &'a [u8]| {
            let colon = memchr::memchr(b':', line)?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        };
        let fields = lines.filter_map(field).collect();
        Self { start, fields, content: bytes.get(end + 4..).unwrap_or_default() }
    }
}
