//! `parameters`: which `method.request.*` names a method declares. Mappings may read no others.

use tidegate_core::mapping::Source;
use tidegate_core::span::Span;
use tidegate_core::validation;

use super::document::Document;
use super::path_item::Resource;
use super::reference::resolve;
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Query,
    Path,
    /// A body, form field or cookie: declares nothing that can be mapped.
    Unmapped,
}

const PLACES: [(&str, Place); 6] = [
    ("header", Place::Header),
    ("query", Place::Query),
    ("path", Place::Path),
    ("body", Place::Unmapped),
    ("formData", Place::Unmapped),
    ("cookie", Place::Unmapped),
];

/// The declared names of a method. Names are compared with case, as AWS does.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    names: Vec<(Place, String)>,
    /// Whether a declared name is required, and where it is declared.
    required: Vec<(validation::Place, String, Option<Span>)>,
}

impl Declared {
    /// Adds the parameters of a path item or operation.
    pub(super) fn read(
        &mut self,
        list: &Node,
        resource: &Resource<'_>,
        document: &Document<'_>,
        report: &mut Report,
    ) {
        for item in scalar::list(list, report) {
            let Some(parameter) = resolve(document.root, item, report) else { continue };
            let Some((place, name)) = self.read_parameter(parameter, report) else { continue };
            if place == Place::Path && !resource.parameters.iter().any(|known| known == name) {
                report
                    .warning(item.span, format!("the path `{}` has no parameter {{{name}}}", resource.path))
                    .help("the declaration has no effect; where it is required and validated, every request lacks it");
            }
            self.names.push((place, name.to_owned()));
        }
    }

    fn read_parameter<'n>(&mut self, parameter: &'n Node, report: &mut Report) -> Option<(Place, &'n str)> {
        let mut fields = Fields::read(parameter, "a parameter", report)?;
        let name_node = fields.required("name", report);
        let place = fields.required("in", report);
        let required = fields.value("required").and_then(|value| scalar::boolean(value, report));
        let (place, name) = (scalar::variant(place?, &PLACES, report)?, scalar::scalar(name_node?, report)?);
        let validated = match place {
            Place::Header => Some(validation::Place::Header),
            Place::Path => Some(validation::Place::Path),
            Place::Query => Some(validation::Place::Query),
            Place::Unmapped => None,
        };
        if let Some(validated) = validated {
            // An operation's declaration takes the place of the path item's.
            self.required.retain(|(known, other, _)| (*known, other.as_str()) != (validated, name));
            let at = name_node.filter(|_| required == Some(true)).map(|node| node.span);
            self.required.push((validated, name.to_owned(), at));
        }
        Some((place, name))
    }

    /// The required parameters, for a method that validates them.
    pub(super) fn required(&self, report: &mut Report) -> Vec<(validation::Place, String)> {
        let mut required = Vec::new();
        for (place, name, at) in &self.required {
            let Some(at) = at else { continue };
            if name.chars().any(char::is_control) {
                report.error(*at, "a parameter's name has no control characters");
            }
            required.push((*place, name.clone()));
        }
        required
    }

    /// Refuses a mapping from a parameter that the method does not declare.
    pub(super) fn check(
        &self,
        source: &Source,
        expression: &Node,
        resource: &Resource<'_>,
        report: &mut Report,
    ) {
        let (place, name) = match source {
            Source::Header(name, _) => (Place::Header, &**name),
            Source::Query(name, _) => (Place::Query, &**name),
            Source::Path(index) => (Place::Path, resource.parameters[*index].as_str()),
            Source::Static(_)
            | Source::NamedPath(_)
            | Source::StageVariable(_)
            | Source::Context(_)
            | Source::Body(_)
            | Source::IntegrationHeader(..) => return,
        };
        if self.names.iter().any(|(known_place, known)| *known_place == place && known == name) {
            return;
        }
        let text = expression.scalar().unwrap_or_default();
        let finding =
            report.error(expression.span, format!("Invalid mapping expression parameter specified: {text}"));
        let near =
            self.names.iter().find(|(known, other)| *known == place && other.eq_ignore_ascii_case(name));
        finding.help(match near {
            Some((_, near)) => format!("names are compared with case: the method declares `{near}`"),
            None => format!("declare it: parameters: [{{ name: {name}, in: {} }}]", word(place)),
        });
    }
}

fn word(place: Place) -> &'static str {
    PLACES.iter().find(|(_, known)| *known == place).map_or("", |(word, _)| *word)
}
