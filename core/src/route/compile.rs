//! Builds the resource tree, and refuses what AWS refuses.

use super::literals::Literals;
use super::resource::{Part, PartError, parts};
use super::router::{NodeId, RouteId, Router, Routes, Variable};
use super::{PARAMETERS_MAX, PARTS_MAX, ROUTES_MAX, RouteError, RouteSpec};
use crate::method::{Method, RouteMethod};
use std::collections::BTreeMap;

/// The tree of these routes, or the first error in their order.
pub(super) fn compile(specs: &[RouteSpec<'_>]) -> Result<Router, RouteError> {
    if specs.len() > ROUTES_MAX {
        return Err(RouteError::TooManyRoutes);
    }
    let mut builder = Builder { resources: vec![Resource::default()] };
    for (spec, route) in specs.iter().enumerate() {
        let resource = builder.resource(spec, route.path)?;
        builder.resources[resource].add(spec, route.method)?;
    }
    Ok(builder.finish())
}

/// The tree while it grows; `resources[0]` is the root.
struct Builder<'a> {
    resources: Vec<Resource<'a>>,
}

#[derive(Default)]
struct Resource<'a> {
    literals: BTreeMap<&'a str, usize>,
    variable: Option<VariableChild<'a>>,
    /// By `Method as usize`, the spec.
    exactly: [Option<usize>; Method::ALL.len()],
    any: Option<usize>,
}

struct VariableChild<'a> {
    part: Part<'a>,
    child: usize,
    /// The spec that named it first.
    spec: usize,
}

impl<'a> Builder<'a> {
    /// The resource at `path`, made with its parents when it is new.
    fn resource(&mut self, spec: usize, path: &'a str) -> Result<usize, RouteError> {
        let parts = read(spec, path)?;
        check_parameters(spec, &parts)?;
        parts.into_iter().try_fold(0, |parent, part| match part {
            Part::Literal(text) => Ok(self.literal_child(parent, text)),
            Part::Parameter(_) | Part::Greedy(_) => self.variable_child(parent, part, spec),
        })
    }

    fn literal_child(&mut self, parent: usize, text: &'a str) -> usize {
        let new = self.resources.len();
        let child = *self.resources[parent].literals.entry(text).or_insert(new);
        if child == new {
            self.resources.push(Resource::default());
        }
        child
    }

    fn variable_child(&mut self, parent: usize, part: Part<'a>, spec: usize) -> Result<usize, RouteError> {
        let child = self.resources.len();
        match &self.resources[parent].variable {
            Some(sibling) if sibling.part == part => return Ok(sibling.child),
            Some(sibling) => {
                let other = sibling.spec;
                return Err(RouteError::VariableSibling {
                    spec,
                    other,
                    sibling: sibling.part.to_string().into(),
                });
            }
            None => self.resources[parent].variable = Some(VariableChild { part, child, spec }),
        }
        self.resources.push(Resource::default());
        Ok(child)
    }

    fn finish(self) -> Router {
        let node_id = |resource: usize| NodeId(resource as u32);
        let mut children = Vec::with_capacity(self.resources.len());
        for (parent, resource) in self.resources.iter().enumerate() {
            children.extend(
                resource.literals.iter().map(|(text, &child)| (node_id(parent), *text, node_id(child))),
            );
        }
        let resources = self.resources.iter().map(|resource| (resource.routes(), resource.variable()));
        Router::new(resources, Literals::new(&children))
    }
}

impl Resource<'_> {
    fn add(&mut self, spec: usize, method: RouteMethod) -> Result<(), RouteError> {
        let slot = match method {
            RouteMethod::Exactly(method) => &mut self.exactly[method as usize],
            RouteMethod::Any => &mut self.any,
        };
        match slot.replace(spec) {
            Some(other) => Err(RouteError::DuplicateMethod { spec, other }),
            None => Ok(()),
        }
    }

    fn routes(&self) -> Routes {
        self.exactly.map(|exactly| exactly.or(self.any).map(|spec| RouteId(spec as u32)))
    }

    fn variable(&self) -> Variable {
        match self.variable {
            None => Variable::None,
            Some(VariableChild { part: Part::Greedy(_), child, .. }) => {
                Variable::Greedy(NodeId(child as u32))
            }
            Some(VariableChild { child, .. }) => Variable::Parameter(NodeId(child as u32)),
        }
    }
}

/// The parts of a path, each of them well formed and a greedy one the last.
fn read(spec: usize, path: &str) -> Result<Vec<Part<'_>>, RouteError> {
    let path = path.strip_prefix('/').ok_or(RouteError::NoLeadingSlash { spec })?;
    let mut read = Vec::new();
    for part in parts(path) {
        if read.len() == PARTS_MAX {
            return Err(RouteError::TooManyParts { spec });
        }
        if let Some(&Part::Greedy(name)) = read.last() {
            return Err(RouteError::ChildOfGreedy { spec, name: name.into() });
        }
        read.push(Part::parse(part).map_err(|error| part_error(spec, part, error))?);
    }
    Ok(read)
}

fn part_error(spec: usize, part: &str, error: PartError) -> RouteError {
    match error {
        PartError::Empty => RouteError::EmptyPart { spec },
        PartError::Unnamed => RouteError::UnnamedParameter { spec },
        PartError::TooLong => RouteError::PartTooLong { spec },
        PartError::Characters => RouteError::Characters { spec, part: part.into() },
    }
}

fn check_parameters(spec: usize, parts: &[Part<'_>]) -> Result<(), RouteError> {
    let names: Vec<&str> = parts.iter().filter_map(|part| part.parameter()).collect();
    if names.len() > PARAMETERS_MAX {
        return Err(RouteError::TooManyParameters { spec });
    }
    let repeated = names.iter().enumerate().find(|&(index, name)| names[..index].contains(name));
    repeated.map_or(Ok(()), |(_, &name)| Err(RouteError::DuplicateParameter { spec, name: name.into() }))
}
