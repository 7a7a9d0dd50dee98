//! The events of Lambda authorizers.
//!
//! AWS: "Input to an API Gateway Lambda authorizer".

use super::event;
use super::json::escape_behind;
use super::parameters::Nothing;
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
    out.extend_from_slice(br#"","#);
    event::write_request(values, verb, Nothing::Object, out);
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
