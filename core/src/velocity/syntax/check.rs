//! What is refused when a template is compiled because it could only fail when it runs, and what is worked out then.

use super::SyntaxError;
use crate::velocity::java::Pattern;
use crate::velocity::path::Path;
use crate::velocity::program::{Call, Expression, Reference, Step};
use crate::velocity::render::INPUT;

/// Methods of Java's strings, lists, maps and numbers that are not built. One that Java has and we had not would print
/// nothing where API Gateway prints something.
const UNSUPPORTED: [&str; 43] = [
    "chars",
    "codePointAt",
    "codePointBefore",
    "codePointCount",
    "codePoints",
    "compute",
    "computeIfAbsent",
    "computeIfPresent",
    "descendingIterator",
    "ensureCapacity",
    "forEach",
    "format",
    "getBytes",
    "getChars",
    "getClass",
    "hashCode",
    "intern",
    "iterator",
    "join",
    "lines",
    "listIterator",
    "merge",
    "notify",
    "notifyAll",
    "offsetByCodePoints",
    "parallelStream",
    "read",
    "regionMatches",
    "removeIf",
    "removeRange",
    "sort",
    "spliterator",
    "stream",
    "subSequence",
    "toArray",
    "toCharArray",
    "toCompressedString",
    "toHexString",
    "toJSONString",
    "translateEscapes",
    "trimToSize",
    "wait",
    "writeJSONString",
];

pub(super) fn method(mut call: Call) -> Result<Call, SyntaxError> {
    if UNSUPPORTED.binary_search(&&*call.name).is_ok() {
        return Err(SyntaxError::new(
            call.at as usize,
            format!("the method {}() is not supported yet", call.name),
        ));
    }
    if let ("matches" | "replaceAll" | "replaceFirst" | "split", Some(Expression::Text(text))) =
        (&*call.name, call.arguments.first())
    {
        let pattern = Pattern::new(text);
        call.pattern = Some(pattern.map_err(|why| SyntaxError::new(call.at as usize, why))?);
    }
    Ok(call)
}

/// Compiles the paths of `$input.path('…')` and `$input.json('…')`.
pub(super) fn reference(mut reference: Reference) -> Result<Reference, SyntaxError> {
    if reference.slot != INPUT {
        return Ok(reference);
    }
    if let Some(Step::Method(call)) = reference.steps.first_mut()
        && let "path" | "json" = &*call.name
        && let [Expression::Text(text)] = &*call.arguments
    {
        let path = Path::parse(text)
            .map_err(|why| SyntaxError::new(call.at as usize, format!("not a JSONPath expression: {why}")))?;
        call.path = Some(path);
    }
    Ok(reference)
}
