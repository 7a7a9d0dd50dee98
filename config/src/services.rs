//! From integrations with AWS services to signed calls: endpoints, and the credentials that are needed.

use std::collections::HashSet;

use tidegate_core::aws::{CredentialsSource, Service, Signatory, Signing};
use tidegate_core::mapping::Mapped;
use tidegate_core::plan::{self, Node};

use crate::file::aws::Aws;
use crate::openapi::service::ServiceUri;
use crate::openapi::uri::{Endpoint, Template, UriError};
use crate::report::Report;

/// The endpoints of services, and what is used of them.
pub(crate) struct Services {
    aws: Aws,
    node: Node,
    used: HashSet<String>,
    sources: Vec<CredentialsSource>,
}

impl Services {
    pub(crate) fn new(aws: Aws, node: &Node) -> Self {
        // Roles are assumed at STS.
        Self { aws, node: node.clone(), used: HashSet::from(["sts".to_owned()]), sources: Vec::new() }
    }

    /// Whether functions that are not here are AWS's.
    pub(crate) fn has_functions(&self) -> bool {
        self.aws.is_there
    }

    /// Where a call goes, and the URL without path.
    pub(crate) fn endpoint(
        &mut self,
        uri: &ServiceUri<'_>,
        mapped: &[Mapped],
    ) -> (String, Result<Endpoint, UriError>) {
        self.used.insert(uri.service.to_owned());
        let host = uri.subdomain.map_or(uri.service.to_owned(), |label| format!("{label}.{}", uri.service));
        let is_moved = self.aws.is_moved(uri.service);
        let name = if is_moved { uri.service } else { &host };
        let url = self.aws.url(uri.partition, uri.region, name);
        let whole = format!("{url}{}", uri.target());
        let endpoint =
            Template::parse(&whole, &self.node).and_then(|template| template.endpoint(|_| None, mapped));
        // Another endpoint than AWS's is called where it is, and told the subdomain by the name that it is called by.
        let endpoint = endpoint.map(|mut endpoint| {
            if let Some(label) = uri.subdomain.filter(|_| is_moved) {
                endpoint.host = format!("{label}.{}", endpoint.host).into();
            }
            endpoint
        });
        (url, endpoint)
    }

    /// What the call is signed for, by whom.
    pub(crate) fn service(&mut self, uri: &ServiceUri<'_>, by: impl Into<Signatory>) -> Service {
        let by = by.into();
        if let Signatory::Gateway(source) = &by
            && !self.sources.contains(source)
        {
            self.sources.push(source.clone());
        }
        let (target, content_type) = uri.json().unzip();
        let (region, service) = (uri.region.into(), uri.signing_name().into());
        Service { signing: Signing { region, service, by }, target: target.map(Into::into), content_type }
    }

    /// Where the keys of a Cognito user pool are.
    pub(crate) fn keys_url(&mut self, partition: &str, region: &str, pool: &str) -> String {
        const SERVICE: &str = "cognito-idp";
        self.used.insert(SERVICE.to_owned());
        format!("{}/{pool}/.well-known/jwks.json", self.aws.url(partition, region, SERVICE))
    }

    /// Warns of endpoints that nothing calls.
    pub(crate) fn warn_unused(&self, report: &mut Report) {
        for (name, span) in self.aws.named().filter(|(name, _)| !self.used.contains(*name)) {
            report.warning(span, format!("no integration calls the service `{name}`"));
        }
    }

    pub(crate) fn into_plan(self) -> plan::Aws {
        let region = self.node.region;
        let sts = self.aws.url("aws", &region, "sts");
        plan::Aws { sources: self.sources, sts: sts.into(), region: region.into() }
    }
}
