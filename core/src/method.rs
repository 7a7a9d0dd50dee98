//! The seven methods that an API Gateway resource can have.

/// A request method that a resource can have; everything else finds no route.
///
/// AWS: `ANY` stands for exactly these seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Method {
    /// DELETE
    Delete,
    /// GET
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// PATCH
    Patch,
    /// POST
    Post,
    /// PUT
    Put,
}

impl Method {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 7] =
        [Self::Delete, Self::Get, Self::Head, Self::Options, Self::Patch, Self::Post, Self::Put];

    /// Reads a method token; methods are case-sensitive (RFC 9110 section 9.1).
    pub fn parse(token: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name().as_bytes() == token)
    }

    /// The token.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// The path item key of an OpenAPI document.
    pub fn parse_lowercase(key: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.name().eq_ignore_ascii_case(key) && key == key.to_ascii_lowercase())
    }
}

/// Which methods a route answers: one, or `ANY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteMethod {
    /// Exactly this one; it beats `Any` on the same resource.
    Exactly(Method),
    /// `x-amazon-apigateway-any-method`.
    Any,
}

impl RouteMethod {
    /// The token, or `ANY`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exactly(method) => method.name(),
            Self::Any => "ANY",
        }
    }
}
