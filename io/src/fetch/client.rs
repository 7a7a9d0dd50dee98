//! One fetch. What it asks for is trusted to be asked for, what comes back is not: it has a limit of time and of size, no
//! redirect is followed, and no proxy is taken from the environment, as the shards take none.

use std::fmt;
use std::time::Duration;

use ureq::http;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Timeout};

/// Bytes of an answer's content.
const CONTENT_BYTES_MAX: u64 = 1_048_576;
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 32_768;
/// Time from the lookup of the name to the last byte of the answer, unless the request has one of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: http::Method,
    url: String,
    fields: Vec<(String, String)>,
    content: Vec<u8>,
    timeout: Duration,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Response {
    /// Its status.
    pub(crate) status: u16,
    /// Its content, whole.
    pub(crate) content: Vec<u8>,
    #[cfg_attr(not(test), allow(dead_code, reason = "key sets say how long they hold"))]
    fields: http::HeaderMap,
}

/// Why there is no answer. Shows nothing of the request but its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// It took too long.
    Timeout,
    /// The answer is longer than allowed.
    TooLarge,
    /// The host cannot be reached, is not who it says, or does not speak HTTP; or the URL is none.
    Failed(String),
    /// The answer came and is not what was asked for. Said by jobs, not by the client.
    Unexpected(String),
    /// Too many jobs wait already.
    Busy,
    /// The job has a bug.
    Panicked,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("it took too long"),
            Self::TooLarge => write!(f, "the answer has more than {CONTENT_BYTES_MAX} bytes"),
            Self::Failed(why) | Self::Unexpected(why) => f.write_str(why),
            Self::Busy => f.write_str("too many fetches wait already"),
            Self::Panicked => f.write_str("the job panicked"),
        }
    }
}

impl std::error::Error for FetchError {}

impl Request {
    /// GET of an absolute URL.
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self::new(http::Method::GET, url.into(), Vec::new())
    }

    /// POST of `content`.
    pub(crate) fn post(url: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self::new(http::Method::POST, url.into(), content.into())
    }

    /// PUT without content.
    pub(crate) fn put(url: impl Into<String>) -> Self {
        Self::new(http::Method::PUT, url.into(), Vec::new())
    }

    fn new(method: http::Method, url: String, content: Vec<u8>) -> Self {
        Self { method, url, fields: Vec::new(), content, timeout: TIMEOUT }
    }

    /// With a header field. `Host` and `Content-Length` are set by themselves.
    #[must_use]
    pub(crate) fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// With another timeout.
    #[must_use]
    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Response {
    /// The first field of this name, if it is text.
    #[cfg_attr(not(test), allow(dead_code, reason = "key sets say how long they hold"))]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }
}

/// What fetches. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Client(Agent);

impl Client {
    /// Trusts the certificates of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`; where there are none, those of
    /// Mozilla.
    pub(crate) fn new() -> Self {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "certificates of the system");
        }
        let trusted = found.certs.iter().map(|found| Certificate::from_der(found).to_owned());
        let trusted: Vec<Certificate<'static>> = trusted.collect();
        Self::trusting(if trusted.is_empty() { RootCerts::WebPki } else { trusted.into() })
    }

    /// Trusts these certificates.
    pub(crate) fn trusting(roots: RootCerts) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("tidegate")
            .max_response_header_size(HEAD_BYTES_MAX)
            // Fetches are rare: a kept connection would be a dead one as often as not.
            .max_idle_connections(0)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Self(config.into())
    }

    /// Fetches, and blocks for the time of the request at most.
    pub(crate) fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        let timeout = Some(request.timeout);
        let mut head = http::Request::builder().method(&request.method).uri(&request.url);
        for (name, value) in &request.fields {
            head = head.header(name, value);
        }
        let answer = if request.content.is_empty() && request.method == http::Method::GET {
            let request = head.body(()).map_err(|error| FetchError::Failed(error.to_string()))?;
            self.0.run(self.0.configure_request(request).timeout_global(timeout).build())
        } else {
            let request =
                head.body(&*request.content).map_err(|error| FetchError::Failed(error.to_string()))?;
            self.0.run(self.0.configure_request(request).timeout_global(timeout).build())
        };
        read(answer.map_err(|error| failure(&error))?)
    }
}

fn read(answer: http::Response<ureq::Body>) -> Result<Response, FetchError> {
    let (head, mut body) = answer.into_parts();
    let content = body.with_config().limit(CONTENT_BYTES_MAX).read_to_vec();
    let content = content.map_err(|error| failure(&error))?;
    Ok(Response { status: head.status.as_u16(), content, fields: head.headers })
}

/// The library's errors: those that mean something of their own, and the rest as its text.
fn failure(error: &ureq::Error) -> FetchError {
    match error {
        ureq::Error::Timeout(
            Timeout::Global
            | Timeout::PerCall
            | Timeout::Resolve
            | Timeout::Connect
            | Timeout::SendRequest
            | Timeout::Await100
            | Timeout::SendBody
            | Timeout::RecvResponse
            | Timeout::RecvBody,
        ) => FetchError::Timeout,
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLarge,
        error => FetchError::Failed(error.to_string()),
    }
}
