//! Identity sources: what of a request names its caller.
//!
//! AWS: any that is missing, null or empty is 401, and the function is not called.

use regex::bytes::{Regex, RegexBuilder};

use super::Input;
use crate::limits;
use crate::values::Values;
use crate::velocity;

/// What a token has to look like (`identityValidationExpression`).
#[derive(Clone, Debug)]
pub struct IdentityPattern(Regex);

impl IdentityPattern {
    /// Compiles a regular expression of Java that the whole token has to match; an error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let whole = format!("\\A(?:{})\\z", velocity::from_java(text));
        let built = RegexBuilder::new(&whole).size_limit(limits::PATTERN_BYTES_MAX).build();
        built.map(Self).map_err(|error| velocity::regex_reason(&error))
    }

    /// Whether a text matches.
    pub fn fits(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

/// Why a request names no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoIdentity {
    /// The identity source at this position is missing or empty.
    Missing(u8),
    /// The token does not look as it has to.
    Pattern,
}

/// Whose answer it is: an authorizer of an API, in one stage of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of the plan: an answer is no longer good when the configuration is another.
    pub generation: u32,
    /// The API.
    pub api: u32,
    /// The stage.
    pub stage: u32,
    /// The authorizer.
    pub authorizer: u32,
}

impl Asked {
    /// Begins a key with it.
    pub fn write(self, key: &mut Vec<u8>) {
        key.clear();
        for number in [self.generation, self.api, self.stage, self.authorizer] {
            key.extend_from_slice(&number.to_ne_bytes());
        }
    }
}

/// Writes what names the caller into `key`, by which the answer is remembered: whose it is, and each identity with its
/// length, so that no two callers have the same.
pub fn read(input: &Input, asked: Asked, values: &Values<'_>, key: &mut Vec<u8>) -> Result<(), NoIdentity> {
    asked.write(key);
    for (position, source) in input.sources().iter().enumerate() {
        let length = key.len();
        key.extend_from_slice(&[0; 4]);
        let start = key.len();
        values.write(source, key);
        if key[start..].trim_ascii().is_empty() {
            return Err(NoIdentity::Missing(position as u8));
        }
        if let Input::Token { pattern: Some(pattern), .. } = input
            && !pattern.fits(&key[start..])
        {
            return Err(NoIdentity::Pattern);
        }
        let bytes = (key.len() - start) as u32;
        key[length..start].copy_from_slice(&bytes.to_ne_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_token_has_to_match() {
        let pattern = IdentityPattern::new("Bearer [a-z]+|x").expect("a pattern");
        for (text, want) in
            [("Bearer abc", true), ("x", true), ("Bearer abc1", false), ("xx", false), ("", false)]
        {
            assert_eq!(pattern.fits(text.as_bytes()), want, "{text}");
        }
        assert!(!pattern.fits(b"Bearer abc\n"));
        let digits = IdentityPattern::new(r"\d+").expect("a pattern");
        assert!(
            digits.fits(b"12") && !digits.fits("\u{661}\u{662}".as_bytes()),
            "Java's digits are of ASCII"
        );
        assert!(IdentityPattern::new("(").is_err());
        assert!(IdentityPattern::new("(a{1000}){1000}").is_err());
    }
}
