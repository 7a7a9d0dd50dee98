//! `cacheNamespace` and `cacheKeyParameters` of an integration: what its answers are found by.

use tidegate_core::mapping::{Phase, Source};
use tidegate_core::span::Span;

use super::expression;
use super::parameters::Declared;
use super::path_item::Resource;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// What answers of a method are found by.
#[derive(Clone, Debug, Default)]
pub(crate) struct CacheKey {
    /// Where the integration is.
    pub(crate) span: Span,
    /// `None`: the resource's id.
    pub(crate) namespace: Option<String>,
    pub(crate) parameters: Vec<Source>,
    /// Where `cacheKeyParameters` stands, if it names any.
    pub(crate) parameters_span: Option<Span>,
}

/// Most that a method may name. AWS says nothing of it.
const PARAMETERS_MAX: usize = 64;

/// Reads them from an integration; what else it says is read elsewhere.
pub(super) fn read(
    integration: &Node,
    resource: &Resource<'_>,
    declared: &Declared,
    report: &mut Report,
) -> CacheKey {
    let mut key = CacheKey { span: integration.span, ..CacheKey::default() };
    let entry = |name: &str| integration.entries().iter().find(|entry| &*entry.key == name);
    key.namespace = entry("cacheNamespace")
        .filter(|entry| !entry.value.is_empty())
        .and_then(|entry| scalar::scalar(&entry.value, report))
        .map(str::to_owned);
    if let Some(entry) = entry("cacheKeyParameters").filter(|entry| !entry.value.is_empty()) {
        let list = scalar::list(&entry.value, report);
        if list.len() > PARAMETERS_MAX {
            report.error(entry.key_span, format!("a key has at most {PARAMETERS_MAX} parameters"));
        }
        key.parameters_span = Some(entry.key_span);
        key.parameters = list
            .iter()
            .filter_map(|item| read_parameter(item, integration, resource, declared, report))
            .collect();
    }
    key
}

/// A parameter of the method's request, or one of the integration's, which is that which is mapped to it.
fn read_parameter(
    item: &Node,
    integration: &Node,
    resource: &Resource<'_>,
    declared: &Declared,
    report: &mut Report,
) -> Option<Source> {
    let text = scalar::text(item, report)?;
    let source = if text.starts_with("integration.request.") {
        let mapped = integration.get("requestParameters").and_then(|mapped| mapped.get(text));
        let Some(mapped) = mapped.and_then(Node::scalar) else {
            report
                .error(item.span, format!("Invalid cache key parameter specified: {text}"))
                .help("nothing is mapped to it: add it to requestParameters");
            return None;
        };
        // What is wrong with it is reported where it stands.
        Source::parse(mapped, Phase::IntegrationRequest, &resource.parameters).ok()?
    } else {
        let source = expression::read(item, Phase::IntegrationRequest, &resource.parameters, report)?;
        declared.check(&source, item, resource, report);
        source
    };
    if source.reads_body() || !text.contains(".request.") {
        report
            .error(item.span, format!("Invalid cache key parameter specified: {text}"))
            .help("a key is made of method.request.path.N, querystring.N and header.N, and of integration.request.* that are mapped");
        return None;
    }
    Some(source)
}
