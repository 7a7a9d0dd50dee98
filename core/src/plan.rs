//! The plan: everything that configuration decides, compiled and immutable.
//!
//! `config` builds it; shards share it by `Arc` and replace it whole on reload. Nothing in it changes, reads a
//! file or knows a socket.

use std::net::IpAddr;

use crate::auth::authorise::Authorization;
use crate::auth::authorizer::{Authorizer, AuthorizerFunction};
use crate::auth::cidr::Cidr;
use crate::auth::cognito::Cognito;
use crate::auth::policy::Policy;
use crate::auth::principal::Principals;
use crate::aws::CredentialsSource;
use crate::cache::{CacheId, StageCache};
use crate::execution_log::ExecutionLog;
use crate::gateway_response::GatewayResponses;
use crate::hosts::Hosts;
use crate::integration::Integration;
use crate::limit::{MeterId, Rate, UsagePlans};
use crate::limits::Limits;
use crate::media_types::BinaryMediaTypes;
use crate::method::RouteMethod;
use crate::record::LogFormat;
use crate::release::Release;
use crate::route::{RouteId, Router};
use crate::tls::{OriginTls, ServerTls, Trust};
use crate::validation::Validation;

/// One compiled configuration.
#[derive(Debug)]
pub struct Plan {
    /// Who this gateway is.
    pub node: Node,
    /// Limits of the request path.
    pub limits: Limits,
    /// The APIs, in the order of the configuration; behind them the deployments that are only canaries.
    pub apis: Vec<Api>,
    /// Which API and stage a request is for.
    pub hosts: Hosts,
    /// Every distinct backend address that an integration names.
    pub origins: Vec<Origin>,
    /// The functions that run beside the gateway.
    pub functions: Vec<Function>,
    /// Whose credentials calls to AWS services are signed with, and where roles are assumed.
    pub aws: Aws,
    /// Who may call methods that need an API key.
    pub usage_plans: UsagePlans,
    /// Who may sign requests.
    pub principals: Principals,
    /// From where clients call.
    pub networks: Networks,
    /// Whether clients may speak HTTP/2 without TLS, by the position of the listener.
    pub h2c_listeners: Vec<bool>,
    /// What listeners for https present.
    pub tls: ServerTls,
    /// Whose certificates are believed of backends.
    pub trust: Trust,
    /// The port of https that clients of a plain listener are sent to, by the position of the listener; empty when none
    /// does that.
    pub https_redirects: Vec<Option<u16>>,
    /// How many requests a second all APIs together take, and which throttle that is (AWS: the account's limit).
    pub throttle: Option<(MeterId, Rate)>,
    /// Counts the plans that the process has served: with a higher one come newer limits.
    pub generation: u32,
}

/// What calls to AWS services need from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aws {
    /// Every distinct source of credentials that an integration names.
    pub sources: Vec<CredentialsSource>,
    /// The URL of STS, without path.
    pub sts: Box<str>,
    /// The region of STS.
    pub region: Box<str>,
}

/// Who this gateway is, as it appears in `$context` and ARNs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The node's name.
    pub name: String,
    /// AWS region, for example `us-east-1`.
    pub region: String,
    /// AWS account number, twelve digits.
    pub account: String,
}

/// From where clients call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Private networks by the clients' addresses; the first that fits counts.
    pub by_address: Vec<(Cidr, Network)>,
    /// Private networks by the position of the listener.
    pub by_listener: Vec<Option<Network>>,
}

impl Networks {
    /// The private network of a client: that of the listener, or else that of its address.
    pub fn of(&self, listener: u16, client: IpAddr) -> Option<&Network> {
        let by_listener = self.by_listener.get(usize::from(listener)).and_then(Option::as_ref);
        by_listener.or_else(|| {
            self.by_address.iter().find(|(range, _)| range.contains(client)).map(|(_, network)| network)
        })
    }
}

/// A private network that clients call from: what stands here for an AWS VPC and its endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// `aws:SourceVpc`, `$context.identity.vpcId`
    pub vpc: Option<Box<str>>,
    /// `aws:SourceVpce`, `$context.identity.vpceId`
    pub vpce: Option<Box<str>>,
}

/// A backend address: what an upstream pool is kept for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Host name, or address literal without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What it must prove, if it is called by https.
    pub tls: Option<OriginTls>,
}

/// Index into [`Plan::origins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OriginId(pub u32);

/// A function that runs beside the gateway: a program that speaks the Lambda Runtime API.
#[derive(Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name, with a qualifier if it answers for that one alone (`name:alias`).
    pub name: String,
    /// The program and its arguments; a program with a slash is an absolute path.
    pub command: Vec<String>,
    /// Where it runs, an absolute path.
    pub folder: String,
    /// Its environment beside what the Lambda Runtime API asks for.
    pub environment: Vec<(String, String)>,
    /// Processes for each shard; each has one invocation at a time.
    pub concurrency: usize,
    /// Invocations of each shard that may wait for a process; a further one is throttled.
    pub queue: usize,
    /// Longest time of one invocation in milliseconds; then the process is killed.
    pub timeout_ms: u64,
    /// Who it runs as, if not the gateway's user.
    pub user: Option<User>,
    /// Most MiB of memory that a process may allocate; none: no limit but the machine's.
    pub memory_mib: Option<u64>,
    /// Most files that a process may have open.
    pub files: u64,
}

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub id: u32,
    /// The group.
    pub group: u32,
}

/// Without the environment, which may hold secrets.
impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

/// Index into [`Plan::functions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionId(pub u32);

/// One API.
#[derive(Debug)]
pub struct Api {
    /// The API id, as in ARNs and in the host name.
    pub id: String,
    /// The deployment: the same for the same definition (`$context.deploymentId`).
    pub deployment_id: String,
    /// How clients reach it.
    pub endpoint: EndpointType,
    /// Whether it can be called by its domains only (`disableExecuteApiEndpoint`).
    pub default_endpoint_disabled: bool,
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Its methods; [`RouteId`] is an index into this.
    pub routes: Vec<Route>,
    /// Whether callers of a method need an API key (`apiKeyRequired`), by [`RouteId`]. Not in [`Route`], which requests
    /// seldom look at: with thousands of methods each look is a cache miss.
    pub api_key_required: Vec<bool>,
    /// Where the value of an API key comes from.
    pub api_key_source: ApiKeySource,
    /// How callers of a method are known, by [`RouteId`]; apart from [`Route`] for the same reason.
    pub authorization: Vec<Authorization>,
    /// The Cognito authorizers that methods name.
    pub user_pools: Vec<Cognito>,
    /// Scopes that methods ask for one of.
    pub scopes: Vec<Box<[Box<str>]>>,
    /// The Lambda authorizers that methods name.
    pub authorizers: Vec<Authorizer>,
    /// What a method validates, by [`RouteId`]; empty when none does.
    pub validations: Vec<Option<Box<Validation>>>,
    /// Who may call at all. A private API has one, if only an empty one.
    pub policy: Option<Policy>,
    /// Finds a route by method and path.
    pub router: Router,
    /// Which payloads are binary: a function gets and gives them as base64.
    pub binary_media_types: BinaryMediaTypes,
    /// Answers of at least so many bytes are compressed, for clients that ask for it (`minimumCompressionSize`).
    pub compression_bytes_min: Option<u64>,
    /// How its errors are answered.
    pub gateway_responses: GatewayResponses,
    /// Its stages.
    pub stages: Vec<Stage>,
}

/// Where the value of an API key comes from (`x-amazon-apigateway-api-key-source`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiKeySource {
    /// The header field `x-api-key`.
    #[default]
    Header,
    /// `usageIdentifierKey` of a Lambda authorizer.
    Authorizer,
}

/// How clients reach an API (AWS endpoint types).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointType {
    /// Through CloudFront.
    Edge,
    /// Straight.
    Regional,
    /// From inside a VPC only.
    Private,
}

/// One resource of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The resource id (`$context.resourceId`).
    pub id: String,
    /// The resource path, for example `/pets/{petId}`.
    pub path: String,
    /// Names of the path parameters, in the order in which they stand in the path, without `+`.
    pub parameters: Vec<String>,
}

/// One method of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Index into [`Api::resources`].
    pub resource: usize,
    /// The method.
    pub method: RouteMethod,
    /// `operationId` of the definition.
    pub operation_name: Option<String>,
}

/// One stage of an API.
#[derive(Debug)]
pub struct Stage {
    /// The stage name.
    pub name: String,
    /// Which of the stage's deployments this is.
    pub release: Release,
    /// Stage variables, sorted by name.
    pub variables: Vec<(String, String)>,
    /// What answers, by [`RouteId`]; stage variables in URIs are already filled in.
    pub integrations: Vec<Integration>,
    /// The functions of the API's authorizers; `None` for one that cannot be called in this stage, as
    /// [`Integration::Misconfigured`].
    pub authorizers: Vec<Option<AuthorizerFunction>>,
    /// How many requests a second each method takes, and which throttle that is, by [`RouteId`]. Empty when no method has
    /// a throttle.
    pub throttles: Vec<Option<(MeterId, Rate)>>,
    /// Its cache, if it has one.
    pub cache: Option<Box<StageCache>>,
    /// The caches whose answers are put out by what changes (RFC 9111 section 4.4): its own, and that of the stage's other
    /// deployment.
    pub changed: [Option<CacheId>; 2],
    /// How each request is logged.
    pub access_log: Option<AccessLog>,
    /// What is logged of each step of a request.
    pub execution_log: Option<Box<ExecutionLog>>,
}

/// A stage's access log.
#[derive(Clone, Debug)]
pub struct AccessLog {
    /// What one line says.
    pub format: LogFormat,
    /// Where lines go.
    pub destination: LogDestination,
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogDestination {
    /// The gateway's own log.
    Gateway,
    /// Standard output.
    Stdout,
    /// Appended to this file (an absolute path).
    File(String),
    /// Appended to both files: a canary's lines stand in those of its stage, too.
    Files([String; 2]),
}

impl Api {
    /// Whether it is only a deployment that canaries use: no host or path names it.
    pub fn is_canary(&self) -> bool {
        self.stages.iter().all(|stage| stage.release == Release::Canary)
    }

    /// The route and its resource.
    pub fn route(&self, id: RouteId) -> (&Route, &Resource) {
        let route = &self.routes[id.0 as usize];
        (route, &self.resources[route.resource])
    }

    /// What the method validates.
    pub fn validation(&self, id: RouteId) -> Option<&Validation> {
        self.validations.get(id.0 as usize)?.as_deref()
    }
}

impl Stage {
    /// The value of a stage variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(&self.variables[found].1)
    }
}
