//! The functions that run beside the gateway, by the ARNs that integrations name.

use tidegate_core::plan::{Function, FunctionId, Node};
use tidegate_core::span::Span;

use crate::file::function::Declared;
use crate::openapi::lambda::FunctionArn;
use crate::report::Report;
use crate::suggest::suggest;

/// The declared functions, and which of them anything invokes.
pub(crate) struct Functions {
    declared: Vec<Declared>,
    invoked: Vec<bool>,
    region: String,
    account: String,
}

impl Functions {
    pub(crate) fn new(declared: Vec<Declared>, node: &Node) -> Self {
        let invoked = vec![false; declared.len()];
        Self { declared, invoked, region: node.region.clone(), account: node.account.clone() }
    }

    /// The function for an ARN, if it is one of those here.
    pub(crate) fn find_here(&mut self, arn: &FunctionArn) -> Option<FunctionId> {
        let found = self.position(arn)?;
        self.invoked[found] = true;
        Some(FunctionId(found as u32))
    }

    /// The function for an ARN: the one for its qualifier, else the one for all. Reports when there is none.
    /// `elsewhere` says why AWS is not called instead.
    pub(crate) fn find(
        &mut self,
        arn: &FunctionArn,
        elsewhere: &str,
        at: Span,
        report: &mut Report,
    ) -> Option<FunctionId> {
        let found = self.find_here(arn);
        if found.is_none() {
            self.report_missing(arn, elsewhere, at, report);
        }
        found
    }

    fn position(&self, arn: &FunctionArn) -> Option<usize> {
        if !self.is_here(arn) {
            return None;
        }
        let named = |name: &str| self.declared.iter().position(|declared| declared.function.name == name);
        let qualified = arn.qualifier.as_ref().map(|qualifier| format!("{}:{qualifier}", arn.name));
        qualified.and_then(|name| named(&name)).or_else(|| named(&arn.name))
    }

    fn is_here(&self, arn: &FunctionArn) -> bool {
        (&arn.region, &arn.account) == (&self.region, &self.account)
    }

    fn report_missing(&self, arn: &FunctionArn, elsewhere: &str, at: Span, report: &mut Report) {
        let (region, account) = (&self.region, &self.account);
        let help = if self.is_here(arn) {
            let names = self.declared.iter().map(|declared| declared.function.name.as_str());
            suggest(&arn.name, names)
                .unwrap_or_else(|| format!("add [[function]] with name = \"{}\"", arn.name))
        } else {
            format!("functions here are in region {region} and account {account}, as [node] says")
        };
        report.error(at, format!("no [[function]] is {}{elsewhere}", arn.text)).help(help);
    }

    /// Warns of functions that nothing invokes.
    pub(crate) fn warn_unused(&self, report: &mut Report) {
        for (declared, _) in self.declared.iter().zip(&self.invoked).filter(|(_, invoked)| !**invoked) {
            let name = &declared.function.name;
            report.warning(declared.span, format!("nothing invokes the function `{name}`; it runs anyway"));
        }
    }

    pub(crate) fn into_list(self) -> Vec<Function> {
        self.declared.into_iter().map(|declared| declared.function).collect()
    }
}
