//! The events of Lambda authorizers.
//!
//! AWS: "Input to an API Gateway Lambda authorizer".

use super::event::path;
use super::json::{escape_behind, write_string};
use super::parameters::Nothing;
use super::{context, fields, parameters};
use crate::mapping::Source;
use crate::method::Method;
use crate::plan::Node;
use crate::values::Values;

/// Appends the event of `TOKEN`. `method` is `{api}/{stage}/{VERB}/{path}`.
pub fn write_token(values: &Values<'_>, source: &Source, method: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"TOKEN","methodArn":""#);
    write_arn(values.view.node, method, out);
    out.extend_from_slice(br#"","authorizationToken":""#);
    let start = out.len();
    values.write(source, out);
    escape_behind(start, out);
    out.extend_from_slice(br#""}"#);
}

/// Appends the event of `REQUEST`, which has all of a request but its body.
pub fn write_request(values: &Values<'_>, verb: Method, method: &[u8], out: &mut Vec<u8>) {
    out.reserve(2048);
    out.extend_from_slice(br#"{"type":"REQUEST","methodArn":""#);
    write_arn(values.view.node, method, out);
    out.extend_from_slice(br#"","resource":"#);
    write_string(values.view.resource().map_or("", |resource| &resource.path).as_bytes(), out);
    out.extend_from_slice(br#","path":"#);
    write_string(path(values), out);
    out.extend_from_slice(br#","httpMethod":"#);
    write_string(verb.name().as_bytes(), out);
    fields::write(values, out);
    parameters::write_query(values, Nothing::Object, out);
    out.extend_from_slice(br#","pathParameters":"#);
    parameters::write_path(values, Nothing::Object, out);
    out.extend_from_slice(br#","stageVariables":"#);
    parameters::write_stage(values, Nothing::Object, out);
    context::write(values, verb, out);
    out.push(b'}');
}

/// Appends the ARN of a method, within a JSON string.
fn write_arn(node: &Node, method: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for part in ["arn:aws:execute-api:", &node.region, ":", &node.account, ":"] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(method);
    escape_behind(start, out);
}
