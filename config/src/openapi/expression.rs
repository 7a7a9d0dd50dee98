//! Parameter mappings: `target: expression`.

use tidegate_core::mapping::{Mapped, MappingError, Phase, Source};

use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// Reads an expression of a phase.
pub(super) fn read(
    node: &Node,
    phase: Phase,
    path_parameters: &[String],
    report: &mut Report,
) -> Option<Source> {
    let text = scalar::text(node, report)?;
    match Source::parse(text, phase, path_parameters) {
        Ok(source) => Some(source),
        Err(error) => {
            let finding = report.error(node.span, format!("Invalid mapping expression specified: {text}"));
            match error {
                MappingError::Invalid => finding.help(examples(phase)),
                other => finding.help(other.to_string()),
            };
            None
        }
    }
}

fn examples(phase: Phase) -> &'static str {
    match phase {
        Phase::IntegrationRequest => {
            "for example method.request.path.id, method.request.header.Accept, stageVariables.x, context.requestId or 'text'"
        }
        Phase::IntegrationResponse => {
            "for example integration.response.header.Location, stageVariables.x, context.requestId or 'text'"
        }
        Phase::GatewayResponse => {
            "for example 'text', method.request.header.Origin, context.requestId or stageVariables.x"
        }
    }
}

/// Reads one entry of `responseParameters`, whose targets all begin with `prefix`.
pub(super) fn read_header(entry: &Entry, prefix: &str, phase: Phase, report: &mut Report) -> Option<Mapped> {
    let name = entry.key.strip_prefix(prefix).filter(|name| is_parameter_name(name));
    if name.is_none() {
        report
            .error(entry.key_span, format!("Invalid mapping expression specified: {}", entry.key))
            .help(format!("targets here are of the form {prefix}Name"));
    }
    let source = read(&entry.value, phase, &[], report)?;
    Some(Mapped { name: name?.into(), source })
}

/// AWS: names match `^[a-zA-Z0-9._$-]+$`.
pub(super) fn is_parameter_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._$-".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}
