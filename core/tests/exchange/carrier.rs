//! Carries exchanges between texts: no sockets, no clock, no random numbers.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use tidegate_core::arrival::{AddressText, Entropy, Peer, PeerTls};
use tidegate_core::auth::cognito::Table;
use tidegate_core::clock::Now;
use tidegate_core::exchange::{
    Answer, Call, CallFailure, Event, Exchange, Invoke, InvokeFailure, More, Step,
};
use tidegate_core::http1::{BodyDecoder, BodyFraming, encode};
use tidegate_core::limit::{Account, Day, Ledger, MeterId, Meters, Order, Record, ToShard};
use tidegate_core::limits::Limits;
use tidegate_core::reject::Reject;
use tidegate_core::shard::Shard;

use crate::plan::{Settings, plan};

const ENTROPY: Entropy = [1, 2, 3, 4];

/// The `X-Amzn-Trace-Id` of every exchange whose client sends none.
pub(crate) const TRACE: &str = "Root=1-2ebc98a1-000000000000000200000003;Parent=0000000000000004;Sampled=0";
/// The date of every answer.
pub(crate) const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT";
/// The request id of every exchange.
pub(crate) const ID: &str = "00000000-0000-4001-8000-000000000002";
/// The extended request id of every exchange.
pub(crate) const EXTENDED_ID: &str = "AwAAAAAAAAAEAAA=";

/// What the backend does.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// It must not be called.
    Uncalled,
    /// It answers so, lines ending with a bare LF.
    Answers(&'a str),
    /// It answers with this head, lines ending with a bare LF, and these bytes.
    Gives(&'a str, &'a [u8]),
    /// The call has no answer.
    Fails(CallFailure),
    /// It is a function that answers with this payload, or not.
    Function(Result<&'a str, InvokeFailure>),
    /// It is a function that fails with this document.
    FunctionFails(&'a str),
    /// It is a function that streams: the beginning of its answer, and nothing behind it.
    Begins(&'a [u8]),
}

impl<'a> Origin<'a> {
    /// What comes of an invocation.
    fn invoked(self) -> Event<'a> {
        match self {
            Self::Function(Ok(payload)) => Event::Invoked(payload.as_bytes()),
            Self::Function(Err(failure)) => Event::InvokeFailed(failure),
            Self::FunctionFails(document) => Event::FunctionFailed(document.as_bytes()),
            Self::Begins(begun) => Event::InvokedBegun(begun),
            _ => panic!("a function is invoked"),
        }
    }
}

/// What the function of an authorizer does.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    Answers(String),
    Fails(String),
    Silent(InvokeFailure),
    /// It is at AWS, whose API answers so, lines ending with a bare LF.
    Called(String),
    /// It is at AWS, whose API has no answer.
    Uncalled(CallFailure),
}

/// One exchange as it went.
pub(crate) struct Exchanged {
    /// How the backend was called.
    pub(crate) call: Option<Call>,
    /// How the function was invoked.
    pub(crate) invoke: Option<Invoke>,
    /// What it was sent, the head or the event; empty without call.
    pub(crate) sent: String,
    /// The same as bytes.
    pub(crate) sent_bytes: Vec<u8>,
    /// What the client was sent, content and all.
    pub(crate) answered: String,
    /// The same as bytes, of an answer that is not streamed.
    pub(crate) answered_bytes: Vec<u8>,
    pub(crate) answer: Answer,
    /// The access log line.
    pub(crate) logged: String,
    /// The line about a denial.
    pub(crate) denial: String,
    /// The execution log.
    pub(crate) execution: String,
}

pub(crate) struct Gateway {
    pub(crate) shard: Shard,
    pub(crate) ledger: InstantLedger,
    /// What authorizers' functions do when they are asked next; one that is not listed here is an integration.
    pub(crate) authorizers: VecDeque<Function>,
    /// What comes of keys that are waited for; nothing: the fetch fails.
    pub(crate) keys_to_come: VecDeque<Option<Arc<Table>>>,
    /// Where keys were asked for.
    pub(crate) keys_asked: Vec<String>,
    /// How authorizers' functions were asked: the invocation, the event and the header fields.
    pub(crate) asked: Vec<(Invoke, String, String)>,
    /// How the Lambda API was called for them, and what it was sent.
    pub(crate) called: Vec<(Call, String)>,
    /// The random bits of each request.
    pub(crate) entropy: Entropy,
    exchange: Exchange,
    now: Now,
    peer: Peer,
}

impl Gateway {
    /// Serves an OpenAPI document, given from `paths:` on, as API `api` in the stage `prod`.
    #[track_caller]
    pub(crate) fn new(document: &str) -> Self {
        Self::logging(document, "$context.requestId")
    }

    /// The same with an access log.
    #[track_caller]
    pub(crate) fn logging(document: &str, format: &str) -> Self {
        Self::with(document, format, Settings::default())
    }

    /// The same with more settings.
    #[track_caller]
    pub(crate) fn with(document: &str, format: &str, settings: Settings<'_>) -> Self {
        Self {
            shard: Shard::new(Arc::new(plan(document, format, settings)), 1),
            ledger: InstantLedger::default(),
            authorizers: VecDeque::new(),
            keys_to_come: VecDeque::new(),
            keys_asked: Vec::new(),
            asked: Vec::new(),
            called: Vec::new(),
            entropy: ENTROPY,
            exchange: Exchange::default(),
            now: Now { unix_ms: 784_111_777_000, monotonic_ns: 0 },
            peer: Peer {
                source_ip: AddressText::new("192.0.2.7".parse().expect("an address")),
                listener_port: 8080,
                listener: 0,
                tls: None,
            },
        }
    }

    /// Serves a request, whose lines end with a bare LF; a text without empty line is a head that lacks only that.
    #[track_caller]
    pub(crate) fn exchange(&mut self, request: &str, origin: Origin<'_>) -> Exchanged {
        self.exchange_bytes(request, b"", origin)
    }

    /// The same with bytes behind it.
    #[track_caller]
    pub(crate) fn exchange_bytes(&mut self, request: &str, body: &[u8], origin: Origin<'_>) -> Exchanged {
        let head = &mut self.exchange.request;
        head.clear();
        head.buffer_mut().extend_from_slice(wire(request).as_bytes());
        head.buffer_mut().extend_from_slice(body);
        let parsed = head.parse(&Limits::default().request_head());
        let peer = self.peer.clone();
        match parsed {
            Ok(Some(_)) => self.carry(Event::Request(&peer, self.entropy), origin),
            Ok(None) => panic!("a whole head: {request}"),
            Err(error) => self.carry(Event::Refused(&peer, ENTROPY, Reject::Head(error)), origin),
        }
    }

    fn take_authorizer(&mut self) -> Option<Function> {
        self.authorizers.pop_front()
    }

    fn take_authorizer_at_aws(&mut self) -> Option<Function> {
        self.authorizers.pop_front_if(|next| matches!(next, Function::Called(_) | Function::Uncalled(_)))
    }

    /// These key sets come, which nobody has asked for.
    pub(crate) fn hear_keys(&mut self, table: Arc<Table>) {
        self.shard.hear_keys(table, "");
    }

    /// So many milliseconds pass.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now.monotonic_ns += ms * 1_000_000;
        self.now.unix_ms += ms;
    }

    /// Requests come from this address from now on.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.peer.source_ip = AddressText::new(address.parse().expect("an address"));
        self
    }

    /// Requests come by this TLS session from now on.
    pub(crate) fn by_tls(mut self, session: Rc<PeerTls>) -> Self {
        self.peer.tls = Some(session);
        self
    }

    /// Refuses a request that cannot be read.
    pub(crate) fn refuse(&mut self, reject: Reject) -> Exchanged {
        self.exchange.request.clear();
        let peer = self.peer.clone();
        self.carry(Event::Refused(&peer, ENTROPY, reject), Origin::Uncalled)
    }

    fn carry(&mut self, event: Event<'_>, origin: Origin<'_>) -> Exchanged {
        let (mut call, mut invoke, mut sent) = (None, None, Vec::new());
        let mut step = self.advance(event);
        let answer = loop {
            step = match step {
                Step::AskLedger(meter) => {
                    self.ledger.answer(&mut self.shard.meters, meter, self.now);
                    self.advance(Event::LedgerAnswered)
                }
                Step::AwaitKeys(url) => {
                    let outbox = std::mem::take(self.shard.key_sets.outbox());
                    self.keys_asked.extend(outbox.iter().map(ToString::to_string));
                    let news = self.keys_to_come.pop_front().expect("somebody waits for keys");
                    if let Some(table) = news {
                        self.shard.hear_keys(table, &url);
                    }
                    self.advance(Event::KeysEnded)
                }
                Step::AwaitAuthorizer(_) => panic!("only one exchange runs"),
                Step::ReadBody { .. } => {
                    let request = &self.exchange.request;
                    let body = content(request.framing(), request.surplus());
                    self.advance(Event::Body(&body))
                }
                Step::Call(called) if let Some(answer) = self.take_authorizer_at_aws() => {
                    self.called.push((called, text(&self.exchange.out)));
                    match &answer {
                        Function::Called(answer) => self.call(called, Origin::Answers(answer)),
                        Function::Uncalled(failure) => self.call(called, Origin::Fails(*failure)),
                        other => panic!("the function is at AWS: {other:?}"),
                    }
                }
                Step::Call(called) => {
                    call = Some(called);
                    sent.clone_from(&self.exchange.out);
                    self.call(called, origin)
                }
                Step::ReadResponse { bytes_max, more } => {
                    let response = &self.exchange.response;
                    let body = content(response.framing(), response.surplus());
                    self.advance(match more {
                        _ if body.len() as u64 <= bytes_max => Event::ResponseBody(&body),
                        More::Follows => Event::ResponseBegun(&body),
                        More::Fails => Event::CallFailed(CallFailure::TooLarge),
                    })
                }
                Step::ReadBegun { .. } => {
                    let begun = self.exchange.response.surplus().to_vec();
                    self.advance(Event::InvokedBegun(&begun))
                }
                Step::AwaitFill { .. } => panic!("exchanges come one after the other"),
                Step::Invoke(invoked) if let Some(answer) = self.take_authorizer() => {
                    let event = text(&self.exchange.out);
                    let mut fields = Vec::new();
                    self.exchange.write_invocation_fields(&mut fields);
                    self.asked.push((invoked, event, text(&fields)));
                    self.advance(match &answer {
                        Function::Answers(payload) => Event::Invoked(payload.as_bytes()),
                        Function::Fails(document) => Event::FunctionFailed(document.as_bytes()),
                        Function::Silent(failure) => Event::InvokeFailed(*failure),
                        other => panic!("the function is here: {other:?}"),
                    })
                }
                Step::Invoke(invoked) => {
                    invoke = Some(invoked);
                    sent.clone_from(&self.exchange.out);
                    self.advance(origin.invoked())
                }
                Step::Answer(answer) => break answer,
            };
        };
        let mut answered_bytes = self.exchange.out.clone();
        answered_bytes.extend_from_slice(self.exchange.content.as_deref().unwrap_or_default());
        let inline = text(&answered_bytes);
        // What was too large to be kept has been taken whole.
        let is_begun = matches!(origin, Origin::Begins(_))
            || answer.download != BodyFraming::None && answer.inline_bytes > 0;
        let framing = if is_begun { BodyFraming::None } else { answer.download };
        let download = self.download(framing);
        let sent_bytes = answer.inline_bytes + download.1;
        let denial = text(self.exchange.denial());
        let mut log = Vec::new();
        let now = self.tick();
        self.exchange.leave_cache(&mut self.shard.caches);
        let execution = self.exchange.take_execution_log().map(|(_, lines)| text(&lines));
        self.exchange.finish(&mut self.shard.meters, now, sent_bytes, |_| &mut log);
        Exchanged {
            call,
            invoke,
            sent: text(&sent),
            sent_bytes: sent,
            answered: inline + &download.0,
            answered_bytes,
            answer,
            logged: text(&log),
            denial,
            execution: execution.unwrap_or_default(),
        }
    }

    fn call(&mut self, call: Call, origin: Origin<'_>) -> Step {
        match origin {
            Origin::Uncalled | Origin::Function(_) | Origin::FunctionFails(_) | Origin::Begins(_) => {
                panic!("the backend is called")
            }
            Origin::Fails(failure) => self.advance(Event::CallFailed(failure)),
            Origin::Answers(answer) | Origin::Gives(answer, _) => {
                let head = &mut self.exchange.response;
                head.clear();
                head.buffer_mut().extend_from_slice(wire(answer).as_bytes());
                if let Origin::Gives(_, content) = origin {
                    head.buffer_mut().extend_from_slice(content);
                }
                let parsed = head.parse(&Limits::default().response_head(), call.is_head);
                assert!(matches!(parsed, Ok(Some(_))), "{parsed:?}: {answer}");
                self.advance(Event::Response)
            }
        }
    }

    /// The backend's content in the client's framing, and its length.
    fn download(&self, framing: BodyFraming) -> (String, u64) {
        if framing == BodyFraming::None {
            return (String::new(), 0);
        }
        let response = &self.exchange.response;
        let content = content(response.framing(), response.surplus());
        let mut framed = Vec::new();
        if framing == BodyFraming::Chunked {
            encode::chunk_head(content.len(), &mut framed);
            framed.extend_from_slice(&content);
            framed.extend_from_slice(encode::CHUNK_END);
            framed.extend_from_slice(encode::LAST_CHUNK);
        } else {
            framed.extend_from_slice(&content);
        }
        (text(&framed), content.len() as u64)
    }

    /// Every event comes 5 ms after the one before.
    fn advance(&mut self, event: Event<'_>) -> Step {
        let now = self.tick();
        self.exchange.advance(&mut self.shard, now, event)
    }

    fn tick(&mut self) -> Now {
        self.now.monotonic_ns += 5_000_000;
        self.now
    }
}

/// A ledger whose store answers at once and forgets nothing.
#[derive(Default)]
pub(crate) struct InstantLedger {
    ledger: Option<Ledger>,
    records: BTreeMap<(Account, Day), Record>,
}

impl InstantLedger {
    /// Lets the ledger say all that it has to say about what stands in the outbox.
    #[track_caller]
    fn answer(&mut self, meters: &mut Meters, meter: MeterId, now: Now) {
        let ledger = self.ledger.get_or_insert_with(|| Ledger::new(1, now));
        let mut answered = false;
        while !answered && !meters.outbox().is_empty() {
            for message in std::mem::take(meters.outbox()) {
                ledger.hear(0, message, now);
            }
            while !ledger.orders().is_empty() {
                for order in std::mem::take(ledger.orders()) {
                    for message in obey(order, ledger, &mut self.records, now) {
                        answered |= meters.hear(&message, now.monotonic_ns) == Some(meter);
                    }
                }
            }
            meters.give_back(now.monotonic_ns);
        }
        assert!(answered, "the ledger answers about {meter:?}");
    }
}

/// Does what the ledger wants done; returns what is to be told to the shard.
fn obey(
    order: Order,
    ledger: &mut Ledger,
    records: &mut BTreeMap<(Account, Day), Record>,
    now: Now,
) -> Vec<ToShard> {
    match order {
        Order::Tell(_, message) => vec![message],
        Order::Load { meter, account, period } => {
            let known = records.get(&((*account).clone(), period));
            ledger.loaded(meter, period, known.copied().unwrap_or_default(), now);
            Vec::new()
        }
        Order::Save { meter, account, period, record, then, .. } => {
            records.insert(((*account).clone(), period), record);
            ledger.saved(meter, now);
            then.into_iter().map(|(_, message)| message).collect()
        }
        Order::Refund { .. } | Order::Count { .. } | Order::Settled => Vec::new(),
    }
}

/// Lines as they stand in a message; a head without empty line gets it.
pub(crate) fn wire(lines: &str) -> String {
    let text = lines.replace('\n', "\r\n");
    if text.contains("\r\n\r\n") { text } else { text + "\r\n\r\n" }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn content(framing: BodyFraming, mut bytes: &[u8]) -> Vec<u8> {
    let (mut decoder, mut content) = (BodyDecoder::new(framing), Vec::new());
    while !bytes.is_empty() && !decoder.is_done() {
        let decoded = decoder.decode(bytes).expect("a body");
        content.extend_from_slice(&bytes[decoded.content]);
        bytes = &bytes[decoded.consumed..];
    }
    content
}
