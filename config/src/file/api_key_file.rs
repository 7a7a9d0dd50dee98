//! `[[api_key_file]]`: keys from a file in AWS's format ("API Gateway API key file format"): CSV with the columns `name`,
//! `key`, `description`, `enabled` and `usageplanIds`, whatever their case and order.

use std::collections::HashMap;
use std::path::Path;

use tidegate_core::limit::ApiKeySpec;
use tidegate_core::span::Span;

use super::api_key::{self, ApiKeys};
use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::Node;

/// Errors reported of one file; the next one shows after these are mended.
const ERRORS_MAX: usize = 20;

/// Which column has what.
struct Columns {
    name: usize,
    key: usize,
    enabled: Option<usize>,
    plans: Option<usize>,
}

/// Adds the keys of all files.
pub(super) fn read(section: Option<&Node>, folder: &Path, keys: &mut ApiKeys, report: &mut Report) {
    for section in section.map_or(&[][..], |section| scalar::list(section, report)) {
        let Some(mut fields) = Fields::read(section, "`api_key_file`", report) else { continue };
        let path = fields.required("path", report);
        fields.finish(report);
        let Some((text, at)) = path.and_then(|path| Some((scalar::text(path, report)?, path.span))) else {
            continue;
        };
        let path = folder.join(text);
        let errors = read_file(&path, at, keys).unwrap_or_else(|why| vec![why]);
        for why in errors {
            report.error(at, format!("{}: {why}", path.display()));
        }
    }
}

/// Reads a file; what is wrong with its rows, or with all of it. No error shows a key's value.
fn read_file(path: &Path, at: Span, keys: &mut ApiKeys) -> Result<Vec<String>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(&*text);
    let columns = columns(csv.headers().map_err(|error| unreadable(&error))?)?;
    let mut errors = Vec::new();
    let mut row = csv::StringRecord::new();
    loop {
        match csv.read_record(&mut row) {
            Ok(false) => return Ok(errors),
            Ok(true) => {
                let line = row.position().map_or(0, csv::Position::line);
                if let Err(why) = read_row(&row, &columns, at, keys) {
                    errors.push(format!("line {line}: {why}"));
                }
            }
            Err(error) => errors.push(unreadable(&error)),
        }
        if errors.len() >= ERRORS_MAX {
            return Ok(errors);
        }
    }
}

/// The library's own words may show a row.
fn unreadable(error: &csv::Error) -> String {
    match error.position() {
        Some(position) => format!("line {}: cannot be read as CSV in UTF-8", position.line()),
        None => "cannot be read as CSV in UTF-8".to_owned(),
    }
}

fn columns(header: &csv::StringRecord) -> Result<Columns, String> {
    let column = |name: &str| {
        header.iter().position(|cell| cell.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
    };
    let required = |name: &str| column(name).ok_or_else(|| format!("line 1: there is no column `{name}`"));
    Ok(Columns {
        name: required("name")?,
        key: required("key")?,
        enabled: column("enabled"),
        plans: column("usageplanIds"),
    })
}

fn read_row(row: &csv::StringRecord, columns: &Columns, at: Span, keys: &mut ApiKeys) -> Result<(), String> {
    let cell = |column: usize| row.get(column).unwrap_or_default();
    let (name, value) = (cell(columns.name), cell(columns.key));
    api_key::check_name(name)?;
    api_key::check_value(value)?;
    let enabled = match columns.enabled.map(cell).unwrap_or_default() {
        text if text.is_empty() || text.eq_ignore_ascii_case("true") => true,
        text if text.eq_ignore_ascii_case("false") => false,
        _ => return Err("`enabled` is TRUE or FALSE".to_owned()),
    };
    let spec = ApiKeySpec { name: name.to_owned(), value: value.to_owned(), enabled };
    let position = keys.add(spec)?;
    let plans = columns.plans.map(cell).unwrap_or_default();
    for plan in plans.split(',').map(str::trim).filter(|plan| !plan.is_empty()) {
        keys.in_plans.entry(plan.to_owned()).or_insert_with(|| (at, Vec::new())).1.push(position);
    }
    Ok(())
}

/// Keys that files put into plans, by the name of the plan: where the file is named, and the keys.
pub(crate) type InPlans = HashMap<String, (Span, Vec<usize>)>;
