//! What a template sees of its request: `$input`, `$util`, `$context`, `$stageVariables`.

use super::fault::{Halt, Why};
use super::map::MapKind;
use super::overrides::Maps;
use super::render::Renderer;
use super::value::Value;

/// Where a parameter of a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In the header.
    Header,
}

/// Everything of a request that a template may read.
pub trait Surroundings {
    /// The body; the empty body is `{}` to templates.
    fn body(&self) -> &str;
    /// Calls with each parameter of a place: its name, and its last value.
    fn parameters(&self, place: Place, each: &mut dyn FnMut(&str, &str));
    /// Calls with the value of a parameter, if there is one.
    fn parameter(&self, place: Place, name: &str, found: &mut dyn FnMut(&str));
    /// Calls with each stage variable.
    fn stage_variables(&self, each: &mut dyn FnMut(&str, &str));
    /// Calls with the value of a stage variable, if there is one.
    fn stage_variable(&self, name: &str, found: &mut dyn FnMut(&str));
    /// Calls with each name and value of `$context.authorizer`, or of the claims in it.
    fn authorizer(&self, _claims: bool, _each: &mut dyn FnMut(&str, &str)) {}
    /// Calls with the value of a `$context` variable, named without `$context.`, if it has one.
    fn context(&self, name: &str, found: &mut dyn FnMut(&str));
}

/// An object that is not of the template's making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    Input,
    Util,
    StageVariables,
    Context,
    /// `$context.identity`
    Identity,
    /// `$context.identity.clientCert`
    ClientCert,
    /// `$context.identity.clientCert.validity`
    Validity,
    /// `$context.authorizer`
    Authorizer,
    /// `$context.authorizer.claims`
    Claims,
}

/// The keys of `$context` as AWS has them for a plain REST method (recorded fact 73).
const CONTEXT: [&str; 18] = [
    "accountId",
    "apiId",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity",
    "path",
    "protocol",
    "requestId",
    "requestOverride",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "responseOverride",
    "stage",
];

/// Those of `$context.identity` (recorded fact 75).
const IDENTITY: [&str; 12] = [
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "sourceIp",
    "user",
    "userAgent",
    "userArn",
];

impl Host {
    /// Names that can be asked for, for those that are maps.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Context => &CONTEXT,
            Self::Identity => &IDENTITY,
            Self::ClientCert => &["clientCertPem", "issuerDN", "serialNumber", "subjectDN", "validity"],
            Self::Validity => &["notAfter", "notBefore"],
            Self::Input | Self::Util | Self::StageVariables | Self::Authorizer | Self::Claims => &[],
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Identity => "identity.",
            Self::ClientCert => "identity.clientCert.",
            Self::Validity => "identity.clientCert.validity.",
            Self::Authorizer => "authorizer.",
            Self::Claims => "authorizer.claims.",
            Self::Input | Self::Util | Self::StageVariables | Self::Context => "",
        }
    }
}

impl<'a> Renderer<'a> {
    /// A property of a host object; null when it has none of this name.
    pub(super) fn host_property(&mut self, host: Host, name: &str) -> Result<Value<'a>, Halt<'a>> {
        match (host, name) {
            (Host::Input, "body") => Ok(Value::Text(self.body())),
            (Host::Input | Host::Util, _) => Ok(Value::Null),
            (Host::StageVariables, name) => self.found(|around, found| around.stage_variable(name, found)),
            (Host::Context, "identity") => Ok(Value::Host(Host::Identity)),
            (Host::Context, "authorizer") => Ok(Value::Host(Host::Authorizer)),
            (Host::Identity, "clientCert") => {
                let subject =
                    self.found(|around, found| around.context("identity.clientCert.subjectDN", found))?;
                Ok(if subject.is_null() { Value::Null } else { Value::Host(Host::ClientCert) })
            }
            (Host::ClientCert, "validity") => Ok(Value::Host(Host::Validity)),
            (Host::Authorizer, "claims") => {
                let own = self.found(|around, found| around.context("authorizer.claims", found))?;
                Ok(if own.is_null() { Value::Host(Host::Claims) } else { own })
            }
            (Host::Context, "requestOverride") => Ok(Value::Map(self.override_maps()?.request)),
            (Host::Context, "responseOverride") => Ok(Value::Map(self.override_maps()?.response)),
            (Host::Context, "requestTimeEpoch") => {
                let epoch = self.found(|around, found| around.context(name, found))?;
                Ok(epoch.as_text().and_then(|text| text.parse().ok()).map_or(epoch, Value::Long))
            }
            (Host::Context, name) => self.found(|around, found| around.context(name, found)),
            (Host::Identity | Host::ClientCert | Host::Validity | Host::Authorizer | Host::Claims, name) => {
                let full = [host.prefix(), name].concat();
                self.found(|around, found| around.context(&full, found))
            }
        }
    }

    /// `$input.body`
    pub(super) fn body(&self) -> &'a str {
        match self.around.body() {
            "" => "{}",
            body => body,
        }
    }

    /// The overrides, once a template asks for them.
    fn override_maps(&mut self) -> Result<Maps<'a>, Halt<'a>> {
        if let Some(maps) = self.overridden {
            return Ok(maps);
        }
        let maps = Maps::load(self.heap, self.overrides)?;
        self.overridden = Some(maps);
        Ok(maps)
    }

    /// A value that the surroundings have, or null.
    pub(super) fn found(
        &self,
        ask: impl FnOnce(&'a (dyn Surroundings + 'a), &mut dyn FnMut(&str)),
    ) -> Result<Value<'a>, Halt<'a>> {
        let mut kept = Ok(Value::Null);
        ask(self.around, &mut |text| kept = self.heap.text(text));
        Ok(kept?)
    }

    /// `$input.params()`: parameters by place.
    pub(super) fn parameter_map(&mut self) -> Result<Value<'a>, Halt<'a>> {
        let all = self.heap.map()?;
        for (name, place) in [("path", Place::Path), ("querystring", Place::Query), ("header", Place::Header)]
        {
            let map = self.heap.map()?;
            let mut done = Ok(());
            self.around.parameters(place, &mut |name, value| {
                done = done.and_then(|()| {
                    map.put(self.heap, self.heap.text(name)?, self.heap.text(value)?).map(|_| ())
                });
            });
            done?;
            all.put(self.heap, Value::Text(name), Value::Map(map))?;
        }
        Ok(Value::Map(all))
    }

    /// `$input.params('x')`: from the path, else the query string, else the header.
    pub(super) fn any_parameter(&mut self, name: &str) -> Result<Value<'a>, Halt<'a>> {
        for place in [Place::Path, Place::Query, Place::Header] {
            let value = self.found(|around, found| around.parameter(place, name, found))?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Text(""))
    }

    /// `$stageVariables` as a map.
    pub(super) fn stage_variable_map(&mut self) -> Result<Value<'a>, Halt<'a>> {
        let map = self.heap.map()?;
        let mut done = Ok(());
        self.around.stage_variables(&mut |name, value| {
            done = done
                .and_then(|()| map.put(self.heap, self.heap.text(name)?, self.heap.text(value)?).map(|_| ()));
        });
        done?;
        Ok(Value::Map(map))
    }

    fn authorizer_map(&mut self, claims: bool) -> Result<Value<'a>, Halt<'a>> {
        let map = self.heap.map_of(MapKind::Silent)?;
        let mut done = Ok(());
        self.around.authorizer(claims, &mut |name, value| {
            done = done
                .and_then(|()| map.put(self.heap, self.heap.text(name)?, self.heap.text(value)?).map(|_| ()));
        });
        done?;
        Ok(Value::Map(map))
    }

    /// A host object that is a map, as one.
    pub(super) fn host_map(&mut self, host: Host) -> Result<Value<'a>, Halt<'a>> {
        match host {
            Host::StageVariables => return self.stage_variable_map(),
            Host::Authorizer | Host::Claims => return self.authorizer_map(host == Host::Claims),
            Host::Input | Host::Util | Host::Context | Host::Identity | Host::ClientCert | Host::Validity => {
            }
        }
        let map = self.heap.map_of(MapKind::Silent)?;
        for key in host.keys() {
            let value = match self.host_property(host, key)? {
                Value::Null => Value::Text(""),
                value => value,
            };
            map.put(self.heap, Value::Text(key), value)?;
        }
        Ok(Value::Map(map))
    }

    /// The body as JSON, read once.
    pub(super) fn document(&mut self) -> Result<Value<'a>, Halt<'a>> {
        if let Some(document) = self.document {
            return Ok(document);
        }
        let document = self.parse_json(self.body())?;
        self.document = Some(document);
        Ok(document)
    }

    pub(super) fn parse_json(&mut self, text: &'a str) -> Result<Value<'a>, Halt<'a>> {
        self.charge(text.len() / 64)?;
        super::json::parse(self.heap, text).map_err(|error| match error {
            super::json::JsonError::Invalid => self.fault(Why::Json),
            super::json::JsonError::Memory => self.fault(Why::Memory),
        })
    }
}
