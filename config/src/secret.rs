//! Secrets: written in the file itself, in a file of their own, or in the environment. No finding shows one.

use std::env::VarError;
use std::path::Path;

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::source::Source;
use crate::tree::Entry;

/// The keys that say where a secret is.
pub(crate) struct Keys {
    /// It stands here.
    pub(crate) inline: &'static str,
    /// It is the content of this file, without line breaks at its end.
    pub(crate) file: &'static str,
    /// It is the value of this environment variable.
    pub(crate) environment: &'static str,
}

/// Reads a secret; the entry is the one that says where it is, for what is wrong with it. Reports when none or several
/// say so, or when it is not there.
pub(crate) fn read<'n>(
    fields: &mut Fields<'n>,
    keys: &Keys,
    folder: &Path,
    report: &mut Report,
) -> Option<(String, &'n Entry)> {
    let [inline, file, environment] = [keys.inline, keys.file, keys.environment].map(|key| fields.take(key));
    let entry = match (inline, file, environment) {
        (Some(entry), None, None) | (None, Some(entry), None) | (None, None, Some(entry)) => entry,
        (None, None, None) => {
            let Keys { inline, file, environment } = keys;
            report
                .error(fields.span(), format!("`{inline}` is missing"))
                .help(format!("or `{file}`, or `{environment}`"));
            return None;
        }
        _ => {
            let second = environment.or(file).or(inline)?;
            let Keys { inline, file, environment } = keys;
            let message = format!("only one of `{inline}`, `{file}` and `{environment}` may stand");
            report.error(second.key_span, message);
            return None;
        }
    };
    let text = scalar::text(&entry.value, report)?;
    let secret = if inline.is_some() {
        Ok(text.to_owned())
    } else if file.is_some() {
        from_file(&folder.join(text))
    } else {
        from_environment(text)
    };
    match secret {
        Ok(secret) => Some((secret, entry)),
        Err(why) => {
            report.error(entry.value.span, why);
            None
        }
    }
}

/// The error of `std::env::var` shows what is not Unicode, so it is worded here.
fn from_environment(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| match error {
        VarError::NotPresent => format!("the environment variable `{name}`: {error}"),
        VarError::NotUnicode(_) => format!("the environment variable `{name}` is not Unicode"),
    })
}

fn from_file(path: &Path) -> Result<String, String> {
    let source = Source::read(path).map_err(|why| format!("cannot read {}: {why}", path.display()))?;
    Ok(source.text.trim_end_matches(['\r', '\n']).to_owned())
}
