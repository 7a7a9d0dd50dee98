//! The resource tree and the lookup in it.

use super::compile;
use super::literals::Literals;
use super::{PART_BYTES_MAX, PathParameters, RouteError, RouteSpec};
use crate::method::Method;
use crate::span::Span;

/// Index of a route in the specs that the router was compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteId(pub u32);

/// The resource tree of one API, compiled for lookups.
///
/// A request goes to the first resource that fits its path and has its method, in this order: at each segment a
/// literal child before `{parameter}`, either before `{greedy+}`, and on failure back to the last choice. AWS
/// recorded both the way back (`/part1/random` goes to `/{param+}` though there is a `/part1`) and that the method
/// counts (`OPTIONS /test` goes to `/{proxy+}` when `/test` has only POST).
///
/// **Cost.** The lookup is a walk of the tree in preorder that leaves a node only for good: it visits a node at
/// most once, whatever the path, because a node is reached only from its parent and at its own depth. So an attacker
/// who picks paths gets at most the resources the definition has, not two to the power of segments.
#[derive(Clone, Debug)]
pub struct Router {
    nodes: Box<[Node]>,
    /// Those of each node behind one another.
    routes: Box<[RouteId]>,
    literals: Literals,
}

/// Index of a node; the root is [`NodeId::ROOT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u32);

impl NodeId {
    pub(super) const ROOT: Self = Self(0);
}

/// A resource. 16 bytes, so that those of thousands stay in a cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    variable: Variable,
    /// Where its routes begin among the router's, and which methods they are, in order, a bit for each `Method`.
    routes_start: u32,
    methods: u8,
}

/// Routes of a resource by `Method as usize`; `ANY` has been filled into the gaps.
pub(super) type Routes = [Option<RouteId>; Method::ALL.len()];

/// The child of a resource that is not a literal; AWS allows one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variable {
    None,
    Parameter(NodeId),
    Greedy(NodeId),
}

impl Router {
    /// Compiles the routes of an API.
    pub fn compile(specs: &[RouteSpec<'_>]) -> Result<Self, RouteError> {
        compile::compile(specs)
    }

    /// The tree of these resources; what `Variable` and `literals` name is among them.
    pub(super) fn new(resources: impl Iterator<Item = (Routes, Variable)>, literals: Literals) -> Self {
        let mut routes = Vec::new();
        let node = |(its, variable): (Routes, Variable)| {
            let routes_start = routes.len() as u32;
            routes.extend(its.into_iter().flatten());
            let bits = its.iter().enumerate().map(|(method, route)| u8::from(route.is_some()) << method);
            Node { variable, routes_start, methods: bits.sum() }
        };
        let nodes = resources.map(node).collect();
        Self { nodes, routes: routes.into(), literals }
    }

    /// The route of a request, and the values of its path parameters.
    ///
    /// `path` is the path as sent, behind the stage or the base path and before the query: empty, `/`, `/pets/1/`.
    /// Slashes at its start and its end do not count; a double slash inside makes an empty segment, which only a
    /// greedy parameter takes. Without a route `parameters` is empty. Allocates nothing.
    pub fn find(&self, method: Method, path: &[u8], parameters: &mut PathParameters) -> Option<RouteId> {
        parameters.clear();
        let Some(start) = path.iter().position(|&byte| byte != b'/') else {
            return self.route(NodeId::ROOT, method);
        };
        let slashes_behind = path.iter().rev().take_while(|&&byte| byte == b'/').count();
        let path = &path[..path.len() - slashes_behind];
        Search { router: self, method, path }.below(NodeId::ROOT, start, parameters)
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    fn route(&self, node: NodeId, method: Method) -> Option<RouteId> {
        let node = self.node(node);
        let bit = 1 << method as u8;
        let before = (node.methods & (bit - 1)).count_ones();
        (node.methods & bit != 0).then(|| self.routes[(node.routes_start + before) as usize])
    }

    /// The literal child of `parent` that `segment` names.
    ///
    /// No literal has a `%` ([`super::resource::Part`]), so the segment as sent and the segment decoded cannot name
    /// two different children.
    fn literal(&self, parent: NodeId, segment: &[u8]) -> Option<NodeId> {
        self.literals
            .find(parent, segment)
            .or_else(|| if segment.contains(&b'%') { self.literal_decoded(parent, segment) } else { None })
    }

    /// `%70ets` and `pets` are the same segment (RFC 3986 section 6.2.2.2). Only unreserved characters are equal to
    /// their encoding, so `%2F` is never a slash and a segment with any other escape is no literal.
    #[cold]
    fn literal_decoded(&self, parent: NodeId, segment: &[u8]) -> Option<NodeId> {
        let mut decoded = [0; PART_BYTES_MAX];
        let mut length = 0;
        let mut rest = segment;
        while let Some((&first, behind)) = rest.split_first() {
            let (byte, behind) = if first == b'%' { unreserved(behind)? } else { (first, behind) };
            *decoded.get_mut(length)? = byte;
            length += 1;
            rest = behind;
        }
        self.literals.find(parent, &decoded[..length])
    }
}

/// The unreserved character (RFC 3986 section 2.3) whose two hexadecimal digits `digits` starts with, and what is
/// behind them.
fn unreserved(digits: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], behind) = digits.split_first_chunk()?;
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let byte = (nibble(high)? << 4 | nibble(low)?) as u8;
    (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)).then_some((byte, behind))
}

/// One lookup: what stays the same on the way down. `path` does not end in a slash.
struct Search<'a> {
    router: &'a Router,
    method: Method,
    path: &'a [u8],
}

impl Search<'_> {
    /// The best route below `node` for `path[start..]`, which is not empty. Calls itself no deeper than
    /// [`super::PARTS_MAX`].
    fn below(&self, node: NodeId, start: usize, parameters: &mut PathParameters) -> Option<RouteId> {
        #[cfg(test)]
        VISITS.set(VISITS.get() + 1);
        let rest = &self.path[start..];
        let end = start + rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
        let segment = &self.path[start..end];
        if let Some(child) = self.router.literal(node, segment)
            && let Some(route) = self.behind(child, end, parameters)
        {
            return Some(route);
        }
        match self.router.node(node).variable {
            Variable::Parameter(child) if !segment.is_empty() => {
                parameters.push(Span::new(start, end));
                let route = self.behind(child, end, parameters);
                if route.is_none() {
                    parameters.pop();
                }
                route
            }
            // The path does not end in a slash: its last segment, so also `rest`, has a byte to take.
            Variable::Greedy(child) => {
                let route = self.router.route(child, self.method)?;
                parameters.push(Span::new(start, self.path.len()));
                Some(route)
            }
            Variable::Parameter(_) | Variable::None => None,
        }
    }

    /// The best route of `node` or below it, when the segments before `end` have led to it.
    fn behind(&self, node: NodeId, end: usize, parameters: &mut PathParameters) -> Option<RouteId> {
        if end == self.path.len() {
            self.router.route(node, self.method)
        } else {
            self.below(node, end + 1, parameters)
        }
    }
}

#[cfg(test)]
thread_local! {
    /// Calls of [`Search::below`] on this thread.
    static VISITS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::RouteMethod;
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, proptest};

    /// The router of POST on all of `paths`, and how many nodes a GET, which never finds a route, visits.
    fn visits(paths: &[String], request: &str) -> (Router, usize) {
        let method = RouteMethod::Exactly(Method::Post);
        let specs: Vec<_> = paths.iter().map(|path| RouteSpec { path, method }).collect();
        let router = Router::compile(&specs).expect("compiles");
        VISITS.set(0);
        assert_eq!(router.find(Method::Get, request.as_bytes(), &mut PathParameters::new()), None);
        (router, VISITS.get())
    }

    /// `/a` or a parameter on each level, as the bits of `choices` say.
    fn path(choices: usize, depth: usize) -> String {
        let part =
            |level: usize| if choices >> level & 1 == 0 { "/a".into() } else { format!("/{{p{level}}}") };
        (0..depth).map(part).collect()
    }

    #[test]
    fn a_definition_that_branches_once_costs_two_branches() {
        let depth = 16;
        let paths = [path(0, depth), path(usize::MAX, depth)];
        assert_eq!(visits(&paths, &"/a".repeat(depth)).1, 2 * depth - 1);
    }

    #[test]
    fn a_definition_that_branches_everywhere_costs_its_nodes_and_no_more() {
        let depth = 10;
        let paths: Vec<String> = (0..1 << depth).map(|choices| path(choices, depth)).collect();
        for request in
            ["/a".repeat(depth), "/a".repeat(depth) + "/b", "/a".repeat(1000), "/%61".repeat(depth)]
        {
            let (router, visits) = visits(&paths, &request);
            assert!(visits <= router.nodes.len(), "{visits} of {}: {request}", router.nodes.len());
        }
    }

    #[test]
    fn four_nodes_are_a_cache_line() {
        assert_eq!(size_of::<Node>(), 16);
    }

    proptest! {
        #[test]
        fn visits_a_node_at_most_once(
            mut choices in vec(0usize..256, 1..64),
            depth in 1usize..8,
            request in "(/[ab%61]{0,3}){0,12}",
        ) {
            choices.iter_mut().for_each(|choice| *choice %= 1 << depth);
            choices.sort_unstable();
            choices.dedup();
            let paths: Vec<String> = choices.iter().map(|&choices| path(choices, depth)).collect();
            let (router, visits) = visits(&paths, &request);
            prop_assert!(visits <= router.nodes.len());
        }
    }
}
