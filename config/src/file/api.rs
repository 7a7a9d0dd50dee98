//! `[[api]]`: an API, the document that defines it, and its stages.

use std::path::{Path, PathBuf};

use tidegate_core::plan::EndpointType;
use tidegate_core::span::Span;

use super::stage::{self, Stage};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node};

/// An API as `tidegate.toml` has it.
pub(crate) struct Api {
    pub(crate) id: String,
    /// The OpenAPI document, and where its name stands.
    pub(crate) definition: Option<(PathBuf, Span)>,
    pub(crate) endpoint: EndpointType,
    pub(crate) stages: Vec<Stage>,
}

pub(super) fn read(section: Option<&Entry>, folder: &Path, report: &mut Report) -> Vec<Api> {
    let sections = section.map_or(&[][..], |section| scalar::list(&section.value, report));
    if sections.is_empty() {
        let at = section.map_or(Span::new(0, 0), |section| section.key_span);
        report.error(at, "there is no API: nothing could be served").help(
            "add [[api]] with id = \"…\" and definition = \"….yaml\", and [[api.stage]] with name = \"…\"",
        );
    }
    let mut apis: Vec<Api> = Vec::with_capacity(sections.len());
    for section in sections {
        let Some(fields) = Fields::read(section, "`api`", report) else { continue };
        let api = read_api(fields, section.span, folder, &apis, report);
        apis.push(api);
    }
    apis
}

fn read_api(mut fields: Fields<'_>, at: Span, folder: &Path, before: &[Api], report: &mut Report) -> Api {
    let id =
        fields.required("id", report).and_then(|value| read_id(value, before, report)).unwrap_or_default();
    if let Some(kind) = fields.value("type") {
        read_type(kind, report);
    }
    let definition = fields
        .required("definition", report)
        .and_then(|value| Some((folder.join(scalar::text(value, report)?), value.span)));
    let endpoint =
        fields.value("endpoint").map_or(EndpointType::Regional, |value| read_endpoint(value, report));
    let stages = stage::read(fields.take("stage"), at, folder, report);
    fields.finish(report);
    Api { id, definition, endpoint, stages }
}

fn read_id(value: &Node, before: &[Api], report: &mut Report) -> Option<String> {
    let id = scalar::text(value, report)?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=63).contains(&id.len()) || !id.bytes().all(fits) {
        report
            .error(value.span, "an API id has 1 to 63 of the characters a-z 0-9 -")
            .help("it is the first label of the host name {id}.execute-api.…");
    }
    if before.iter().any(|api| api.id == id) {
        report.error(value.span, format!("the API id `{id}` is taken already"));
    }
    Some(id.to_owned())
}

fn read_type(value: &Node, report: &mut Report) {
    let supported = scalar::variant(value, &[("REST", true), ("HTTP", false), ("WEBSOCKET", false)], report);
    if supported == Some(false) {
        report.unsupported(value.span, "this API type").help("REST is");
    }
}

fn read_endpoint(value: &Node, report: &mut Report) -> EndpointType {
    let variants = [
        ("EDGE", EndpointType::Edge),
        ("REGIONAL", EndpointType::Regional),
        ("PRIVATE", EndpointType::Private),
    ];
    scalar::variant(value, &variants, report).unwrap_or(EndpointType::Regional)
}

/// The position of the API that a value names.
pub(super) fn find_api(value: &Node, apis: &[Api], report: &mut Report) -> Option<usize> {
    let id = scalar::text(value, report)?;
    let found = apis.iter().position(|api| api.id == id);
    if found.is_none() {
        report.unknown(value.span, "API", id, apis.iter().map(|api| api.id.as_str()));
    }
    found
}

/// The position of the stage that a value names.
pub(super) fn find_stage(value: &Node, api: &Api, report: &mut Report) -> Option<usize> {
    let name = scalar::text(value, report)?;
    let found = api.stages.iter().position(|stage| stage.name == name);
    if found.is_none() {
        report.unknown(value.span, "stage", name, api.stages.iter().map(|stage| stage.name.as_str()));
    }
    found
}
