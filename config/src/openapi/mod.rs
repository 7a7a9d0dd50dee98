//! An OpenAPI 2.0 or 3.0 document with `x-amazon-apigateway-*` extensions, as AWS's REST API import reads it.
//!
//! In reading order: `document` owns the root, `path_item` and `operation` the methods, `parameters` what they
//! declare; `integration` with `service`, `lambda`, `request`, `responses`, `expression`, `template` and `uri` what answers;
//! `gateway_responses` the errors; `security` and `authorizers` who may call; `validators` and `models` what is validated. `reference` follows
//! `$ref`. Other schemas and documentation are not looked at.

mod authorizers;
mod document;
mod expression;
mod gateway_responses;
pub(crate) mod integration;
pub(crate) mod lambda;
mod models;
mod operation;
mod parameters;
mod path_item;
mod reference;
mod request;
pub(crate) mod responses;
mod security;
pub(crate) mod service;
mod template;
pub(crate) mod tls_config;
pub(crate) mod uri;
mod validators;

use tidegate_core::auth::authorise::Authorization;
use tidegate_core::auth::policy::Policy;
use tidegate_core::gateway_response::GatewayResponses;
use tidegate_core::media_types::BinaryMediaTypes;
use tidegate_core::method::RouteMethod;
use tidegate_core::plan::ApiKeySource;
use tidegate_core::span::Span;
use tidegate_core::validation::Validation;

pub(crate) use authorizers::{Authorizer, PoolArn, UserPools, report_uri as report_authorizer_uri};
pub(crate) use document::{Around, read};

/// What a document defines.
#[derive(Debug)]
pub(crate) struct Definition {
    /// In the order of the document.
    pub(crate) methods: Vec<Method>,
    pub(crate) gateway_responses: GatewayResponses,
    /// The resource policy, and where it stands.
    pub(crate) policy: Option<(Policy, Span)>,
    pub(crate) binary_media_types: BinaryMediaTypes,
    pub(crate) compression_bytes_min: Option<u64>,
    /// Methods name them by their position.
    pub(crate) authorizers: Vec<Authorizer>,
    /// Likewise.
    pub(crate) user_pools: Vec<UserPools>,
    pub(crate) api_key_source: ApiKeySource,
    /// `disableExecuteApiEndpoint`
    pub(crate) default_endpoint_disabled: bool,
}

/// One method of one resource.
#[derive(Debug)]
pub(crate) struct Method {
    /// The resource path without a slash at its end, `/` for the root.
    pub(crate) path: String,
    pub(crate) path_span: Span,
    pub(crate) method: RouteMethod,
    pub(crate) method_span: Span,
    pub(crate) operation_name: Option<String>,
    pub(crate) api_key_required: bool,
    pub(crate) authorization: Authorization,
    /// One of these has to be in the token of a caller.
    pub(crate) scopes: Box<[Box<str>]>,
    pub(crate) validation: Option<Box<Validation>>,
    pub(crate) integration: integration::Definition,
}
