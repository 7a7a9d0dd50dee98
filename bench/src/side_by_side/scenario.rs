//! What is measured: one row each.

use super::callers::Proof;
use super::security::Sessions;

/// A load, and what is asked of a proxy under it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Client connections.
    pub connections: u32,
    /// Requests on each, if it is not kept.
    pub requests_per_connection: Option<u32>,
    /// Content of a request; a GET if there is none.
    pub upload_bytes: Option<usize>,
    /// Content of an answer.
    pub answer_bytes: usize,
    /// How long the origin takes.
    pub origin_delay_ms: u32,
    /// What is done.
    pub course: Course,
    /// Whether answers are kept and given again.
    pub cached: bool,
    /// How sessions begin, if clients come by https.
    pub tls: Option<Sessions>,
    /// With HTTP/2: requests at once on each connection.
    pub streams: Option<u32>,
    /// Whether a relay of bytes does the same work, so that it can be the bound.
    pub relay: bool,
}

/// What is done in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// As fast as it goes, then the latencies at a share of the reference's rate.
    Saturation,
    /// This rate alone: requests per second.
    FixedRate(u32),
    /// As fast as it goes with one route and with so many.
    Routes(usize),
    /// As fast as it goes with limits for so many API keys, and without.
    Limits(usize),
    /// As fast as it goes with callers who say who they are, and with some who need not.
    Callers(Proof),
    /// As fast as it goes with a function as backend, and with the origin.
    Functions,
    /// As fast as it goes with bodies that are validated and rewritten, and with the same that pass.
    Transform,
    /// So many connections that have served a request and wait.
    Idle(usize),
    /// This rate, without and with a reload each second.
    Reload(u32),
}

const KEEP_ALIVE: Scenario = Scenario {
    name: "keep-alive-64",
    summary: "64 connections that are kept, answers of 11 bytes",
    connections: 64,
    requests_per_connection: None,
    upload_bytes: None,
    answer_bytes: 11,
    origin_delay_ms: 0,
    course: Course::Saturation,
    cached: false,
    tls: None,
    streams: None,
    relay: true,
};

const CACHE_HITS: Scenario = Scenario {
    name: "cache-hits-1k",
    summary: "64 connections, answers of 1 KiB from the cache",
    answer_bytes: 1024,
    cached: true,
    relay: false,
    ..KEEP_ALIVE
};

const TLS: Scenario = Scenario { tls: Some(Sessions::Resumed), relay: false, ..KEEP_ALIVE };

/// All of them, in the order in which they run.
pub const SCENARIOS: [Scenario; 26] = [
    Scenario {
        name: "keep-alive-1",
        summary: "1 connection that is kept, answers of 11 bytes",
        connections: 1,
        ..KEEP_ALIVE
    },
    KEEP_ALIVE,
    Scenario {
        name: "keep-alive-512",
        summary: "512 connections that are kept, answers of 11 bytes",
        connections: 512,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "body-1k",
        summary: "64 connections, answers of 1 KiB",
        answer_bytes: 1024,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "body-64k",
        summary: "64 connections, answers of 64 KiB",
        answer_bytes: 64 * 1024,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "body-1m",
        summary: "8 connections, answers of 1 MiB",
        connections: 8,
        answer_bytes: 1024 * 1024,
        ..KEEP_ALIVE
    },
    CACHE_HITS,
    Scenario {
        name: "cache-hits-64k",
        summary: "64 connections, answers of 64 KiB from the cache",
        answer_bytes: 64 * 1024,
        ..CACHE_HITS
    },
    Scenario {
        name: "cache-hits-1m",
        summary: "8 connections, answers of 1 MiB from the cache",
        connections: 8,
        answer_bytes: 1024 * 1024,
        ..CACHE_HITS
    },
    Scenario {
        name: "upload-64k",
        summary: "64 connections, POST of 64 KiB, answers of 11 bytes",
        upload_bytes: Some(64 * 1024),
        ..KEEP_ALIVE
    },
    Scenario {
        name: "connection-per-request",
        summary: "16 at a time, a new client connection for each request; those to the origin are kept",
        connections: 16,
        requests_per_connection: Some(1),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "tls-keep-alive-64",
        summary: "64 connections by https that are kept, answers of 11 bytes",
        ..TLS
    },
    Scenario {
        name: "tls-handshake-full",
        summary: "16 at a time, a new TLS session (ECDSA P-256) for each request",
        connections: 16,
        requests_per_connection: Some(1),
        tls: Some(Sessions::Full),
        ..TLS
    },
    Scenario {
        name: "tls-handshake-resumed",
        summary: "16 at a time, a new connection with a resumed TLS session for each request",
        connections: 16,
        requests_per_connection: Some(1),
        ..TLS
    },
    Scenario {
        name: "tls-body-1m",
        summary: "8 connections by https, answers of 1 MiB",
        connections: 8,
        answer_bytes: 1024 * 1024,
        ..TLS
    },
    Scenario {
        name: "http2-streams-100",
        summary: "1 connection by https with HTTP/2, 100 requests at once, answers of 11 bytes",
        connections: 1,
        streams: Some(100),
        ..TLS
    },
    Scenario {
        name: "slow-origin",
        summary: "512 connections, an origin that takes 20 ms, 8,000 requests/s",
        connections: 512,
        origin_delay_ms: 20,
        course: Course::FixedRate(8_000),
        ..KEEP_ALIVE
    },
    Scenario {
        name: "routes-5000",
        summary: "requests spread over 5,000 routes, beside one route; time to load the definition",
        course: Course::Routes(5_000),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "limits-10000",
        summary: "10,000 API keys, by Zipf's law, with throttles and quotas that refuse nobody, beside none of it",
        course: Course::Limits(10_000),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "tokens",
        summary: "1,000 tokens of a Cognito user pool, known before, beside none; Envoy's jwt_authn",
        course: Course::Callers(Proof::Token),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "signatures",
        summary: "POST of 1 KiB, signed with Signature Version 4, beside the same unsigned",
        upload_bytes: Some(1024),
        course: Course::Callers(Proof::Signature),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "authorizer",
        summary: "1,000 callers whom a Lambda authorizer has let in before, beside none",
        course: Course::Callers(Proof::Authorizer),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "functions",
        summary: "a function that does nothing behind AWS_PROXY, beside the origin behind HTTP_PROXY; 16 connections",
        connections: 16,
        course: Course::Functions,
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "transform",
        summary: "POST of 1 KiB of JSON, validated and rewritten by templates both ways, beside HTTP_PROXY",
        upload_bytes: Some(1024),
        course: Course::Transform,
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "idle-10000",
        summary: "memory of 10,000 idle connections that served a request each",
        course: Course::Idle(10_000),
        relay: false,
        ..KEEP_ALIVE
    },
    Scenario {
        name: "reload",
        summary: "3,000 requests/s with a reload each second, beside the same without",
        course: Course::Reload(3_000),
        relay: false,
        ..KEEP_ALIVE
    },
];

impl Scenario {
    /// The one of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for scenario in &SCENARIOS {
            assert_eq!(SCENARIOS.iter().filter(|other| other.name == scenario.name).count(), 1);
            assert!(Scenario::named(scenario.name).is_some());
        }
        assert!(Scenario::named("luck").is_none());
    }
}
