//! What this process was started with, as far as credentials may be in it.

use std::collections::HashMap;
use std::path::PathBuf;

/// Environment variables, read once: nobody changes them in a running process.
#[derive(Default)]
pub(super) struct Environment(HashMap<String, String>);

impl Environment {
    /// Those of this process that are Unicode.
    pub(super) fn of_process() -> Self {
        let unicode = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(unicode.collect())
    }

    /// A variable that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A shared configuration file: where the variable says, or in the home folder. Empty when it is not there.
    ///
    /// # Errors
    ///
    /// Why it is there and cannot be read.
    pub(super) fn shared_file(&self, variable: &str, name: &str) -> Result<String, String> {
        let path = match (self.get(variable), self.get("HOME")) {
            (Some(path), _) => PathBuf::from(path),
            (None, Some(home)) => PathBuf::from(home).join(".aws").join(name),
            (None, None) => return Ok(String::new()),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}
