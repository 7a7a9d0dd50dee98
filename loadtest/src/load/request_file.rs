//! `--request-file`: requests one after the other, in the format that vegeta reads.
//!
//! ```text
//! # a comment
//! GET http://127.0.0.1:8080/pets
//! Accept: application/json
//!
//! POST /pets
//! Content-Type: application/json
//! @pet.json
//! ```
//!
//! A path alone goes to the URL of the command line. `@` names a file with the body. A request written twice is sent
//! twice as often.

use std::fs;
use std::path::Path;

use super::requests::{Field, Wanted, is_token};
use super::url::Url;

/// Requests of one file.
const REQUESTS_MAX: usize = 100_000;

/// Reads the requests of a file; `base` is where paths go.
///
/// # Errors
/// In words, with file and line.
pub fn read(path: &Path, base: Option<&Url>) -> Result<Vec<Wanted>, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let requests =
        parse(&text, folder, base).map_err(|(line, why)| format!("{}:{line}: {why}", path.display()))?;
    if requests.is_empty() {
        return Err(format!("{} has no requests", path.display()));
    }
    Ok(requests)
}

fn parse(text: &str, folder: &Path, base: Option<&Url>) -> Result<Vec<Wanted>, (usize, String)> {
    let mut requests: Vec<Wanted> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let at = |why: String| (number + 1, why);
        if line.starts_with('#') {
            continue;
        }
        match (line.is_empty(), inside) {
            (true, _) => inside = false,
            (false, false) => {
                if requests.len() == REQUESTS_MAX {
                    return Err(at(format!("more than {REQUESTS_MAX} requests")));
                }
                requests.push(start(line, base).map_err(at)?);
                inside = true;
            }
            (false, true) => {
                let Some(request) = requests.last_mut() else { continue };
                detail(request, line, folder).map_err(at)?;
            }
        }
    }
    Ok(requests)
}

fn start(line: &str, base: Option<&Url>) -> Result<Wanted, String> {
    let (method, target) = line
        .split_once(' ')
        .filter(|(method, _)| is_token(method))
        .ok_or_else(|| format!("`{line}` is not a request; write it as `GET http://host/path`"))?;
    let target = target.trim();
    let url = match (target.starts_with('/'), base) {
        (true, Some(base)) => Url::parse(&format!("{}://{}{target}", base.scheme(), base.authority))?,
        (true, None) => {
            return Err(format!("`{target}` is only a path; give the URL on the command line too"));
        }
        (false, _) => Url::parse(target)?,
    };
    Ok(Wanted::plain(url, method, Vec::new(), None))
}

fn detail(request: &mut Wanted, line: &str, folder: &Path) -> Result<(), String> {
    let Some(name) = line.strip_prefix('@') else {
        request.fields.push(Field::parse(line)?);
        return Ok(());
    };
    let path = folder.join(name);
    let body = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    request.bodies = Some(std::sync::Arc::new(super::template::Values::one(body.into_boxed_slice())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_requests() {
        let text = "# all\nGET http://a/x\nAccept: b\n\n\nPOST /y\nC: d\n";
        let base = Url::parse("http://c:81/").unwrap();
        let requests = parse(text, Path::new(""), Some(&base)).unwrap();
        let got: Vec<_> = requests
            .iter()
            .map(|request| {
                (
                    request.method.as_str(),
                    request.url.authority.as_str(),
                    request.url.path.as_str(),
                    request.fields.len(),
                )
            })
            .collect();
        assert_eq!(got, [("GET", "a", "/x", 1), ("POST", "c:81", "/y", 1)]);
    }

    #[test]
    fn says_which_line() {
        for (text, line) in [
            ("GET /x", 1),
            ("\nGET", 2),
            ("GET http://a/\nno field", 2),
            ("GET http://a/\n@/does/not/exist", 2),
        ] {
            assert_eq!(parse(text, Path::new(""), None).unwrap_err().0, line, "{text:?}");
        }
    }
}
