//! `[upstream]`: whose certificates are believed of backends that are called by https.

use std::path::Path;

use tidegate_core::tls::{Roots, Trust};

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tls::read_authorities;
use crate::tree::Node;

const ROOTS: [(&str, Roots); 3] =
    [("mozilla", Roots::Mozilla), ("system", Roots::System), ("none", Roots::None)];

pub(super) fn read(section: Option<&Node>, folder: &Path, report: &mut Report) -> Trust {
    let mut trust = Trust::default();
    let fields = section.and_then(|section| Fields::read(section, "`upstream`", report));
    let Some(mut fields) = fields else { return trust };
    if let Some(value) = fields.value("roots") {
        trust.roots = scalar::variant(value, &ROOTS, report).unwrap_or_default();
    }
    if let Some(value) = fields.value("ca_file") {
        trust.extra = read_authorities(value, folder, report);
    }
    fields.finish(report);
    trust
}
