//! Every limit of the request path, with its default, its unit and the answer it leads to.

use crate::http1::HeadLimits;

/// Most bytes of a request's field section; more is 431. AWS: 10,240 bytes for all header values together.
pub const HEADER_BYTES_MAX: usize = 10_240;
/// Most bytes of a request target; more is 414. AWS: 10,240 characters at a regional endpoint.
pub const TARGET_BYTES_MAX: usize = 10_240;
/// Most header fields of a request; more is 431. AWS names no number.
pub const FIELDS_MAX: usize = 128;
/// Most bytes of a request or response payload; a larger request is 413. AWS: 10 MB.
pub const PAYLOAD_BYTES_MAX: u64 = 10_485_760;
/// Most bytes of an origin's response head; more is 504.
pub const RESPONSE_HEADER_BYTES_MAX: usize = 65_536;
/// Time for a request head to arrive whole, from its first byte, in milliseconds; then 408 and close.
pub const HEAD_TIMEOUT_MS: u64 = 10_000;
/// Most bytes of a TLS client's first message; more closes the connection. Browsers send 0.5 to 2 KiB.
pub const CLIENT_HELLO_BYTES_MAX: usize = 16_384;
/// Longest pause between two pieces of a request body, or while the client takes in an answer, in milliseconds.
pub const BODY_TIMEOUT_MS: u64 = 30_000;
/// Longest idle time of a keep-alive client connection, in milliseconds. AWS: 350 s (network load balancer).
pub const IDLE_TIMEOUT_MS: u64 = 350_000;
/// Most client connections per shard; a further one is closed at once.
pub const CONNECTIONS_MAX: usize = 100_000;
/// Most idle upstream connections that a shard keeps per origin. Fewer than are in flight at once means connecting anew
/// all the time: with 512 clients, 256 cost 30 % more CPU per request than 1,024.
pub const UPSTREAM_IDLE_MAX: usize = 1_024;
/// How long an upstream connection may be idle before it is closed, in milliseconds.
pub const UPSTREAM_IDLE_TIMEOUT_MS: u64 = 60_000;
/// Time for one connection attempt to an origin's address, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 3_000;
/// Default integration timeout in milliseconds (AWS: 29,000).
pub const INTEGRATION_TIMEOUT_MS: u32 = 29_000;
/// Shortest integration timeout in milliseconds (AWS: 50).
pub const INTEGRATION_TIMEOUT_MS_MIN: u32 = 50;
/// Longest integration timeout in milliseconds. AWS allows 29,000 (more by quota); Tidegate 15 minutes.
pub const INTEGRATION_TIMEOUT_MS_MAX: u32 = 900_000;
/// Most bytes of a mapping template; more is refused when it is compiled. AWS: 300 KB.
pub const TEMPLATE_BYTES_MAX: usize = 300 * 1024;
/// Deepest nesting of a mapping template: blocks, expressions, references; deeper is refused when it is compiled.
pub const TEMPLATE_DEPTH_MAX: usize = 128;
/// Most tokens of an operand without value that are printed in its place.
pub const OPERAND_TOKENS_MAX: usize = 64;
/// Most passes of one `#foreach`; the rest of the list is left out. AWS: 1,000.
pub const FOREACH_PASSES_MAX: usize = 1_000;
/// Most steps of one rendering (nodes, expressions, items looked at); more is 500. A shard does nothing else meanwhile, so
/// it is what takes some 10 ms.
pub const RENDER_STEPS_MAX: u32 = 1_000_000;
/// Most bytes that the values of one rendering take; more is 500. A body of the size limit has to fit in, parsed.
pub const RENDER_MEMORY_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Most bytes that a connection keeps for the values of its next rendering.
pub const ARENA_KEPT_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a template's output, or of one text in it; more is 500. AWS: payloads have 10 MB at most.
pub const RENDER_OUTPUT_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Deepest nesting of a value that is printed or compared; deeper is 500.
pub const VALUE_DEPTH_MAX: usize = 512;
/// Deepest nesting of a JSON document; deeper is no JSON. The parser that API Gateway uses has this limit.
pub const JSON_DEPTH_MAX: usize = 400;
/// Most bytes of a line of an execution log; what is longer is cut and says so. AWS has this limit.
pub const EXECUTION_LOG_LINE_BYTES_MAX: usize = 1_024;
/// Most bytes of a JSONPath expression that is worked out while a template runs; more is 500.
pub const JSON_PATH_BYTES_MAX: usize = 1_024;
/// Most bytes of a regular expression as it is compiled; larger ones are refused, or 500 while a template runs.
pub const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Most bytes of `$context.error.validationErrorString`; the rest is left out.
pub const VALIDATION_ERROR_BYTES_MAX: usize = 4_096;
/// Most errors of a body that are told; the rest is left out.
pub const VALIDATION_ERRORS_MAX: usize = 64;
/// Largest body of which everything that is wrong is told; of a larger one only the first thing is, since all of it may
/// take many times the body's memory.
pub const VALIDATION_ERRORS_BODY_BYTES_MAX: usize = 8 * 1024;
/// The largest `minimumCompressionSize`, in bytes.
pub const COMPRESSION_BYTES_MIN_MAX: u64 = 10_485_760;
/// Most bytes of a function's event; more is 413. AWS: 6 MB for a synchronous invocation.
pub const EVENT_BYTES_MAX: usize = 6_291_456;
/// Most bytes of the event of an asynchronous invocation; more is 413. AWS: 1 MB.
pub const EVENT_ASYNCHRONOUS_BYTES_MAX: usize = 1_048_576;
/// Most bytes of a function's result; more is a function error. AWS: 6 MB and a little for its own.
pub const RESULT_BYTES_MAX: u64 = 6_291_556;
/// Most bytes of an answer that a function streams; then it is cut short. AWS: 200 MB.
pub const RESULT_STREAMED_BYTES_MAX: u64 = 209_715_200;
/// Most bytes of a streamed answer to the end of the delimiter behind its metadata; without one it is malformed, 502. AWS:
/// 16 KB.
pub const STREAM_METADATA_BYTES_MAX: usize = 16_384;
/// Most bytes of a frame in which the Lambda API streams; more is no event stream, 504. AWS: 16 MB of payload, 128 KB of
/// headers.
pub const EVENT_FRAME_BYTES_MAX: usize = 16 * 1024 * 1024 + 128 * 1024 + 16;
/// Longest pause in an answer that a function streams, in milliseconds; then it is cut short. AWS: 5 minutes.
pub const STREAM_PAUSE_MS: u32 = 300_000;
/// The same at an edge-optimised endpoint (AWS: 30 s).
pub const STREAM_PAUSE_EDGE_MS: u32 = 30_000;
/// Most header lines of a function's answer; more is malformed. AWS names no number.
pub const FUNCTION_HEADERS_MAX: usize = 512;
/// Processes of a function for each shard, by default.
pub const FUNCTION_CONCURRENCY: usize = 1;
/// Most processes of a function for each shard.
pub const FUNCTION_CONCURRENCY_MAX: usize = 256;
/// Invocations of a function on a shard that may wait for a process, by default; a further one is throttled, 500.
pub const FUNCTION_QUEUE: usize = 100;
/// Most that may be allowed to wait.
pub const FUNCTION_QUEUE_MAX: usize = 100_000;
/// Longest time of one invocation in seconds, by default (AWS: 3); then the process is killed, 502.
pub const FUNCTION_TIMEOUT_S: u64 = 3;
/// Longest that may be allowed (AWS: 15 minutes).
pub const FUNCTION_TIMEOUT_S_MAX: u64 = 900;
/// Most files that a function's process may have open, by default (AWS: 1,024).
pub const FUNCTION_FILES: u64 = 1_024;
/// Most bytes of content that a stage's cache keeps of one answer; a larger one is not kept. AWS: 1,048,576.
pub const CACHE_ENTRY_BYTES_MAX: u64 = 1_048_576;
/// From so many bytes on a cached answer, with its key and head, lies in pages of its own, from which it is sent without a
/// copy. `docs/performance.md` says why not from fewer.
pub const CACHE_PAGED_BYTES_MIN: usize = 256 * 1024;
/// Cached answers of the whole process that lie so; further ones are copied. A quarter of the kernel's default for
/// mappings of a process (`vm.max_map_count`, 65,530).
pub const CACHE_PAGED_MAX: usize = 16_384;
/// How long a cached answer is good, by default, in seconds (AWS: 300).
pub const CACHE_TTL_S: u64 = 300;
/// Longest that may be set (AWS: 3,600).
pub const CACHE_TTL_S_MAX: u64 = 3_600;
/// Least bytes of a stage's cache, on all shards together.
pub const CACHE_BYTES_MIN: u64 = 64 * 1024;
/// Misses of a shard that are filled at the same time; the answers of further ones are not kept. Each may hold an answer
/// that is read whole.
pub const CACHE_FILLS_MAX: usize = 1_024;
/// Requests that wait for the answer to one; a further one calls the integration itself.
pub const CACHE_WAITERS_MAX: u32 = 1_024;
/// How long nobody waits for answers to a key of which one could not be kept, in milliseconds.
pub const CACHE_PASS_MS: u64 = 10_000;
/// Longest time that answers which are too old may be set to be given when the integration fails, in seconds: a week.
pub const CACHE_STALE_S_MAX: u64 = 604_800;
/// How long the integration is not asked again for an answer that is given although it is too old, in milliseconds.
pub const CACHE_STALE_PAUSE_MS: u64 = 1_000;
/// Answers to one key that differ by `Vary`; the one that came first goes for a further one.
pub const CACHE_VARIANTS_MAX: usize = 16;
/// Fields by which answers to one key differ; those that name more are not kept.
pub const CACHE_VARY_FIELDS_MAX: usize = 8;
/// Most bytes of the values of those fields; answers to requests with more are not kept.
pub const CACHE_VARIANT_BYTES_MAX: usize = 2_048;
/// Paths of which a shard tells the others at once that something has changed; of more, all answers are put out there.
pub const CACHE_CHANGES_MAX: usize = 1_024;
/// Time for the answer of an authorizer's function, in milliseconds; then 500. AWS: that of an integration.
pub const AUTHORIZER_TIMEOUT_MS: u32 = 29_000;
/// Most bytes of that answer; more is 500. AWS names no number; a shard does nothing else while it compiles the policy.
pub const AUTHORIZER_RESULT_BYTES_MAX: usize = 262_144;
/// How long an authorizer's answer is good, in seconds, by default (AWS: 300).
pub const AUTHORIZER_TTL_S: u64 = 300;
/// Longest that may be allowed (AWS: 3,600).
pub const AUTHORIZER_TTL_S_MAX: u64 = 3_600;
/// Most identity sources of an authorizer. AWS names no number.
pub const IDENTITY_SOURCES_MAX: usize = 16;
/// Requests of one caller that wait for the question of another; a further one asks for itself.
pub const AUTHORIZER_FOLLOWERS_MAX: usize = 1_000;
/// Bytes that a shard keeps of authorizers' answers; then those that are used least are forgotten.
pub const GRANTS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How many answers that is, about: what the tables are made for.
pub const GRANTS_ITEMS: usize = 8_192;
/// Bytes that a shard keeps of tokens that were good; then those that are used least are forgotten.
pub const TOKENS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How many tokens that is, about: what the tables are made for.
pub const TOKENS_ITEMS: usize = 8_192;
/// Most bytes of an issuer's key set; a larger one is refused, and the keys that there were stay. AWS: 150,000 for HTTP APIs.
pub const KEY_SET_BYTES_MAX: usize = 150_000;
/// Most keys of an issuer, likewise.
pub const KEYS_MAX: usize = 100;
/// Least time between two questions of a shard for the newer keys of an issuer, in nanoseconds.
pub const KEYS_ASKED_NS_MIN: u64 = 10_000_000_000;
/// Longest time that a request waits for them, in nanoseconds; then 401, or 500 if there are none at all.
pub const KEYS_WAIT_NS_MAX: u64 = 6_000_000_000;
/// How long a stop waits for requests in flight, in milliseconds.
pub const DRAIN_TIMEOUT_MS: u64 = 60_000;
/// Most requests at once on a connection of HTTP/2; a further one is refused (REFUSED_STREAM). AWS names no number; its
/// load balancers have 128.
pub const HTTP2_STREAMS_MAX: u32 = 128;
/// Bytes of a request body that may be under way in HTTP/2 before they are passed on: what a client may send ahead.
pub const HTTP2_STREAM_WINDOW_BYTES: u32 = 65_536;
/// The same for all requests of a connection together.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1_048_576;
/// Bytes of an answer that are handed to HTTP/2 before the client takes them.
pub const HTTP2_SEND_BUFFER_BYTES_MAX: usize = 32_768;
/// Frames that ask for nothing (PING, SETTINGS, PRIORITY, empty DATA, unknown ones) that a connection may send at once; then it is
/// closed (ENHANCE_YOUR_CALM).
pub const HTTP2_CONTROL_FRAMES_MAX: u32 = 1_000;
/// How many more there may be each second.
pub const HTTP2_CONTROL_FRAMES_PER_S: u32 = 50;
/// How many more there may be for each request.
pub const HTTP2_CONTROL_FRAMES_PER_REQUEST: u32 = 4;
/// Requests that a connection may take back at once, beside those that it lets be answered; then it is closed
/// (ENHANCE_YOUR_CALM). A browser that leaves a page takes back all that are under way.
pub const HTTP2_RESETS_MAX: u32 = 256;
/// How many more there may be each second.
pub const HTTP2_RESETS_PER_S: u32 = 32;
/// Window updates that a connection may send at once; then it is closed (ENHANCE_YOUR_CALM).
pub const HTTP2_WINDOW_UPDATES_MAX: u32 = 4_000;
/// How many more there may be each second.
pub const HTTP2_WINDOW_UPDATES_PER_S: u32 = 100;
/// How many more there may be for each answer.
pub const HTTP2_WINDOW_UPDATES_PER_ANSWER: u32 = 4;
/// How many more there may be for each KiB sent.
pub const HTTP2_WINDOW_UPDATES_PER_KIB: u32 = 4;

/// The limits that `tidegate.toml` can set (`[limits]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`HEADER_BYTES_MAX`].
    pub header_bytes_max: usize,
    /// See [`TARGET_BYTES_MAX`].
    pub target_bytes_max: usize,
    /// See [`FIELDS_MAX`].
    pub fields_max: usize,
    /// See [`PAYLOAD_BYTES_MAX`].
    pub payload_bytes_max: u64,
    /// See [`HEAD_TIMEOUT_MS`].
    pub head_timeout_ms: u64,
    /// See [`BODY_TIMEOUT_MS`].
    pub body_timeout_ms: u64,
    /// See [`IDLE_TIMEOUT_MS`].
    pub idle_timeout_ms: u64,
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`UPSTREAM_IDLE_MAX`].
    pub upstream_idle_max: usize,
    /// See [`UPSTREAM_IDLE_TIMEOUT_MS`].
    pub upstream_idle_timeout_ms: u64,
    /// See [`CONNECT_TIMEOUT_MS`].
    pub connect_timeout_ms: u64,
    /// See [`DRAIN_TIMEOUT_MS`].
    pub drain_timeout_ms: u64,
    /// See [`HTTP2_STREAMS_MAX`].
    pub http2_streams_max: u32,
    /// Whether answers say where a caller stands with its throttle and its quota. AWS: no.
    pub rate_limit_fields: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes_max: HEADER_BYTES_MAX,
            target_bytes_max: TARGET_BYTES_MAX,
            fields_max: FIELDS_MAX,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            head_timeout_ms: HEAD_TIMEOUT_MS,
            body_timeout_ms: BODY_TIMEOUT_MS,
            idle_timeout_ms: IDLE_TIMEOUT_MS,
            connections_max: CONNECTIONS_MAX,
            upstream_idle_max: UPSTREAM_IDLE_MAX,
            upstream_idle_timeout_ms: UPSTREAM_IDLE_TIMEOUT_MS,
            connect_timeout_ms: CONNECT_TIMEOUT_MS,
            drain_timeout_ms: DRAIN_TIMEOUT_MS,
            http2_streams_max: HTTP2_STREAMS_MAX,
            rate_limit_fields: false,
        }
    }
}

impl Limits {
    /// What a request head may be.
    pub fn request_head(&self) -> HeadLimits {
        HeadLimits {
            fields_bytes_max: self.header_bytes_max,
            target_bytes_max: self.target_bytes_max,
            fields_max: self.fields_max,
        }
    }

    /// What an origin's response head may be.
    pub fn response_head(&self) -> HeadLimits {
        HeadLimits {
            fields_bytes_max: RESPONSE_HEADER_BYTES_MAX,
            target_bytes_max: self.target_bytes_max,
            fields_max: FIELDS_MAX,
        }
    }
}
