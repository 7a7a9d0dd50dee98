//! Authorities whose certificates are believed.

use std::path::Path;

use tidegate_core::tls::certificate::Certificate;

use super::{findings, pem};
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// Reads the certificates of a file, or of the files of a folder.
pub(crate) fn read_authorities(value: &Node, folder: &Path, report: &mut Report) -> Vec<Vec<u8>> {
    let Some(path) = scalar::text(value, report) else { return Vec::new() };
    let files = match pem::read(&folder.join(path)) {
        Ok(files) => files,
        Err(why) => {
            report.error(value.span, why);
            return Vec::new();
        }
    };
    let mut authorities = Vec::new();
    for file in &files {
        let name = file.path.display().to_string();
        for der in &file.certificates {
            match Certificate::parse(der) {
                Ok(certificate) => findings::warn_of_time(&certificate, &name, value.span, report),
                Err(_) => {
                    report.error(value.span, format!("there is a certificate in {name} that cannot be read"));
                }
            }
            authorities.push(der.clone());
        }
    }
    if authorities.is_empty() {
        report
            .error(value.span, "there is no certificate in it")
            .help("it must be PEM: -----BEGIN CERTIFICATE-----");
    }
    authorities
}
