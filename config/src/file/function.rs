//! `[[function]]`: the functions that run beside the gateway.

use std::path::{Path, PathBuf};

use tidegate_core::limits::{
    FUNCTION_CONCURRENCY, FUNCTION_CONCURRENCY_MAX, FUNCTION_FILES, FUNCTION_QUEUE, FUNCTION_QUEUE_MAX,
    FUNCTION_TIMEOUT_S, FUNCTION_TIMEOUT_S_MAX,
};
use tidegate_core::plan::{Function, User};
use tidegate_core::span::Span;

use crate::fields::Fields;
use crate::report::Report;
use crate::scalar;
use crate::tree::{Entry, Node, Value};

/// AWS: names of functions and of their qualifiers have at most 64 and 128 characters.
const NAME_BYTES_MAX: usize = 64;
const QUALIFIER_BYTES_MAX: usize = 128;

/// A function and where it is written.
pub(crate) struct Declared {
    pub(crate) function: Function,
    pub(crate) span: Span,
}

/// Where the values of environments are written: they may be secrets, so no finding shows them.
pub(crate) fn secrets(root: &Node) -> Vec<Span> {
    let functions = root.get("function").map_or(&[][..], |section| match &section.value {
        Value::List(functions) => functions,
        _ => std::slice::from_ref(section),
    });
    let environments = functions.iter().filter_map(|function| function.get("environment"));
    environments.flat_map(Node::entries).map(|entry| entry.value.span).collect()
}

pub(super) fn read(section: Option<&Node>, folder: &Path, report: &mut Report) -> Vec<Declared> {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut functions: Vec<Declared> = Vec::with_capacity(sections.len());
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`function`", report) else { continue };
        let name = fields.required("name", report).and_then(|value| read_name(value, &functions, report));
        let folder = read_folder(fields.value("folder"), folder, report);
        let command = fields.required("command", report);
        let command = command.and_then(|value| read_command(value, &folder, report));
        let timeout_s =
            number(&mut fields, "timeout", 1..=FUNCTION_TIMEOUT_S_MAX, FUNCTION_TIMEOUT_S, report);
        let function = Function {
            name: name.unwrap_or_default(),
            command: command.unwrap_or_default(),
            folder,
            environment: read_environment(fields.value("environment"), report),
            concurrency: number(
                &mut fields,
                "concurrency",
                1..=FUNCTION_CONCURRENCY_MAX,
                FUNCTION_CONCURRENCY,
                report,
            ),
            queue: number(&mut fields, "queue", 0..=FUNCTION_QUEUE_MAX, FUNCTION_QUEUE, report),
            timeout_ms: timeout_s * 1000,
            user: fields.value("user").and_then(|value| read_user(value, report)),
            memory_mib: fields.value("memory").and_then(|value| read_memory(value, report)),
            files: number(&mut fields, "files", 16..=1_048_576, FUNCTION_FILES, report),
        };
        fields.finish(report);
        functions.push(Declared { function, span: section.span });
    }
    functions
}

fn number<N>(
    fields: &mut Fields<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<N>,
    default: N,
    report: &mut Report,
) -> N
where
    N: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    fields.value(key).and_then(|value| scalar::integer(value, range, report)).unwrap_or(default)
}

/// `name`, or `name:qualifier` for a function that answers for that version or alias alone.
fn read_name(value: &Node, before: &[Declared], report: &mut Report) -> Option<String> {
    let name = scalar::text(value, report)?;
    let (bare, qualifier) = name.split_once(':').map_or((name, None), |(bare, rest)| (bare, Some(rest)));
    if !is_name(bare) || !qualifier.is_none_or(is_qualifier) {
        report
            .error(value.span, "a function's name has 1 to 64 of the characters A-Z a-z 0-9 - _")
            .help("behind it may stand a colon and a version or an alias, for which alone it answers");
    }
    if before.iter().any(|other| other.function.name == name) {
        report.error(value.span, format!("the function `{name}` stands twice"));
    }
    Some(name.to_owned())
}

pub(crate) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

pub(crate) fn is_qualifier(qualifier: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte);
    (1..=QUALIFIER_BYTES_MAX).contains(&qualifier.len()) && qualifier.bytes().all(fits)
}

/// The folder in which the function runs; by default that of the file.
fn read_folder(value: Option<&Node>, folder: &Path, report: &mut Report) -> String {
    let name = value.and_then(|value| scalar::text(value, report));
    let path = name.map_or_else(|| folder.to_owned(), |name| folder.join(name));
    let path = absolute(&path);
    if let Some(value) = value
        && !path.is_dir()
    {
        report.error(value.span, format!("there is no folder {}", path.display()));
    }
    path.display().to_string()
}

/// The folder of a file that is named without one is the empty path, which means the current folder.
fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The program and its arguments. A program with a slash is looked for in the function's folder, one without where
/// `PATH` says.
fn read_command(value: &Node, folder: &str, report: &mut Report) -> Option<Vec<String>> {
    let items = scalar::list(value, report);
    let mut command = Vec::with_capacity(items.len());
    for item in items {
        let word = scalar::text(item, report)?;
        if word.contains('\0') {
            report.error(item.span, "an argument cannot hold a NUL");
        }
        command.push(word.to_owned());
    }
    let Some(program) = command.first_mut().filter(|program| !program.is_empty()) else {
        report
            .error(value.span, "the command is empty")
            .help("for example [\"python3\", \"-m\", \"awslambdaric\", \"app.handler\"]");
        return None;
    };
    if program.contains('/') {
        let path = Path::new(folder).join(&*program);
        if !path.is_file() {
            report.error(items[0].span, format!("there is no program {}", path.display()));
        }
        *program = path.display().to_string();
    }
    Some(command)
}

fn read_environment(value: Option<&Node>, report: &mut Report) -> Vec<(String, String)> {
    let Some(value) = value else { return Vec::new() };
    if Fields::read(value, "`environment`", report).is_none() {
        return Vec::new();
    }
    value.entries().iter().filter_map(|entry| read_variable(entry, report)).collect()
}

fn read_variable(entry: &Entry, report: &mut Report) -> Option<(String, String)> {
    let name = &*entry.key;
    if name.is_empty() || name.contains(['=', '\0']) {
        report.error(entry.key_span, "not the name of an environment variable");
    }
    if name.starts_with("AWS_LAMBDA_") && name != "AWS_LAMBDA_LOG_FORMAT" && name != "AWS_LAMBDA_LOG_LEVEL" {
        report.error(entry.key_span, format!("`{name}` is set by the gateway"));
    }
    let text = scalar::text(&entry.value, report)?;
    if text.contains('\0') {
        report.error(entry.key_span, "an environment variable cannot hold a NUL");
    }
    Some((name.to_owned(), text.to_owned()))
}

/// A user by name, or `id:group` by numbers.
fn read_user(value: &Node, report: &mut Report) -> Option<User> {
    let text = scalar::scalar(value, report)?;
    let by_number = text
        .split_once(':')
        .and_then(|(id, group)| Some(User { id: id.parse().ok()?, group: group.parse().ok()? }));
    let user = by_number.or_else(|| user_named(text, &std::fs::read_to_string("/etc/passwd").ok()?));
    if user.is_none() {
        report
            .error(value.span, format!("there is no user `{text}`"))
            .help("a name of /etc/passwd, or numbers of user and group such as \"1000:1000\"");
    }
    user
}

/// passwd(5): `name:password:id:group:…`
fn user_named(name: &str, passwd: &str) -> Option<User> {
    let mut fields = passwd
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    fields.next();
    Some(User { id: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

/// At least what AWS gives at least, in whole MiB.
fn read_memory(value: &Node, report: &mut Report) -> Option<u64> {
    let bytes: u64 = scalar::bytes(value, 16 << 20..=1 << 40, report)?;
    Some(bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_absolute() {
        let here = std::env::current_dir().expect("a folder");
        assert_eq!(absolute(Path::new("")), here);
        assert_eq!(absolute(Path::new("a")), here.join("a"));
        assert_eq!(absolute(Path::new("/a")), Path::new("/a"));
    }

    #[test]
    fn users() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/x\nbroken:x\n";
        assert_eq!(user_named("nobody", passwd), Some(User { id: 65534, group: 65533 }));
        assert_eq!(user_named("root", passwd), Some(User { id: 0, group: 0 }));
        assert_eq!(user_named("broken", passwd), None);
        assert_eq!(user_named("no", passwd), None);
    }
}
