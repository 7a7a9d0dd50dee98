//! What an integration sends: `requestParameters`, `requestTemplates`, `passthroughBehavior`.

use tidegate_core::http1::{KnownField, KnownFields};
use tidegate_core::integration::{Passthrough, RequestTemplates};
use tidegate_core::mapping::{Mapped, Phase, Source};
use tidegate_core::transform::pass;

use super::parameters::Declared;
use super::path_item::Resource;
use super::{expression, responses, template};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// Mapped parameters of the integration request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) headers: Vec<Mapped>,
    pub(crate) query: Vec<Mapped>,
    /// What fills `{name}` in the URI.
    pub(crate) path: Vec<Mapped>,
    /// A target that AWS accepts and that fails every call.
    pub(crate) fails: bool,
}

const PASSTHROUGH: [(&str, Passthrough); 3] = [
    ("when_no_match", Passthrough::WhenNoMatch),
    ("when_no_templates", Passthrough::WhenNoTemplates),
    ("never", Passthrough::Never),
];

impl Parameters {
    /// Reads `requestParameters`. The header fields `lost` are dropped by the integration's type, mapped or not.
    pub(super) fn read(
        node: Option<&Node>,
        resource: &Resource<'_>,
        declared: &Declared,
        lost: KnownFields,
        report: &mut Report,
    ) -> Self {
        let mut parameters = Self::default();
        let Some(node) = node.filter(|node| node.value != Value::Null) else { return parameters };
        if Fields::read(node, "`requestParameters`", report).is_none() {
            return parameters;
        }
        for entry in node.entries() {
            let source =
                expression::read(&entry.value, Phase::IntegrationRequest, &resource.parameters, report);
            if let Some(source) = &source {
                declared.check(source, &entry.value, resource, report);
            }
            parameters.add(entry, source, lost, report);
        }
        parameters
    }

    fn add(&mut self, entry: &Entry, source: Option<Source>, lost: KnownFields, report: &mut Report) {
        let target = entry.key.strip_prefix("integration.request.").and_then(|rest| rest.split_once('.'));
        let target = target.filter(|(place, name)| {
            ["header", "querystring", "path"].contains(place) && expression::is_parameter_name(name)
        });
        let Some((place, name)) = target else {
            report
                .error(entry.key_span, format!("Invalid mapping expression specified: {}", entry.key))
                .help("targets are integration.request.header.N, integration.request.querystring.N and integration.request.path.N");
            return;
        };
        if self.all().any(|mapped| &*mapped.name == name) {
            report
                .error(entry.key_span, "Parameter names must be unique across querystring, header and path");
        }
        if place == "header" {
            self.warn_header(entry, name, lost, report);
        }
        let Some(source) = source else { return };
        let mapped = Mapped { name: name.into(), source };
        match place {
            "header" => self.headers.push(mapped),
            "querystring" => self.query.push(mapped),
            _ => self.path.push(mapped),
        }
    }

    /// Target headers that fail every call, and those that are lost.
    fn warn_header(&mut self, entry: &Entry, name: &str, lost: KnownFields, report: &mut Report) {
        let field = KnownField::of(name.as_bytes());
        if pass::NEVER_MAPPED.contains(field) {
            report
                .warning(
                    entry.key_span,
                    format!("mapping to the header {name} answers 500 Internal server error"),
                )
                .help("API Gateway sets this header itself; remove the mapping");
            self.fails = true;
        } else if lost.contains(field) {
            report
                .warning(entry.key_span, format!("API Gateway drops the header {name}, mapped or not"))
                .help("remove the mapping");
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Mapped> {
        self.headers.iter().chain(&self.query).chain(&self.path)
    }
}

/// Reads templates, passthrough behaviour and content handling. `None`: a template is refused. An `http_proxy` never runs its templates, so
/// there they may be any.
pub(super) fn read_templates(
    fields: &mut Fields<'_>,
    runs: template::Use,
    report: &mut Report,
) -> Option<RequestTemplates> {
    let passthrough = fields.value("passthroughBehavior").filter(|value| value.value != Value::Null);
    let passthrough = passthrough.and_then(|value| scalar::variant(value, &PASSTHROUGH, report));
    let content_handling = match runs {
        template::Use::Run => responses::read_content_handling(fields, runs, report),
        template::Use::Never => None,
    };
    let templates = template::read(fields.value("requestTemplates"), "`requestTemplates`", report);
    Some(RequestTemplates {
        passthrough: passthrough.unwrap_or_default(),
        content_handling,
        templates: template::compile(&templates, runs, report)?,
    })
}
