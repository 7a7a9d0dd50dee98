//! Java's regular expressions, written as the crate `regex` has them.
//!
//! Java's `\w`, `\d`, `\s` and POSIX classes are of ASCII, its `.` ends at more line ends, `\Q…\E` quotes, and two signs that
//! mean something to the crate mean themselves. What the crate cannot do (look-around, back-references) it refuses itself. Left
//! different: `$` before the last line end of a text, and letters beyond ASCII with `(?i)`.

/// What `.` stands for in Java.
const ANY: &str = "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]";

/// Java's POSIX classes, by their names in both.
const POSIX: [(&str, &str); 13] = [
    ("Lower", "lower"),
    ("Upper", "upper"),
    ("ASCII", "ascii"),
    ("Alpha", "alpha"),
    ("Digit", "digit"),
    ("Alnum", "alnum"),
    ("Punct", "punct"),
    ("Graph", "graph"),
    ("Print", "print"),
    ("Blank", "blank"),
    ("Cntrl", "cntrl"),
    ("XDigit", "xdigit"),
    ("Space", "space"),
];

/// Rewrites an expression of Java.
pub(crate) fn from_java(text: &str) -> String {
    let mut translator = Translator { rest: text, out: String::with_capacity(text.len() + 16), classes: 0 };
    let dot_is_any = sets_dot_all(text);
    while let Some(character) = translator.next() {
        match character {
            '\\' => translator.escape(),
            '[' => translator.open_class(),
            ']' if translator.classes > 0 => {
                translator.classes -= 1;
                translator.out.push(']');
            }
            '.' if translator.classes == 0 && !dot_is_any => translator.out.push_str(ANY),
            '-' | '~' if translator.classes > 0 && translator.rest.starts_with(character) => {
                // Twice it would be an operation on sets.
                translator.next();
                translator.out.extend([character, '\\', character]);
            }
            other => translator.out.push(other),
        }
    }
    translator.out
}

/// Whether a group of flags has `s` in it: then `.` is left alone.
fn sets_dot_all(text: &str) -> bool {
    text.match_indices("(?").any(|(at, _)| {
        let flags = text[at + 2..].chars().take_while(char::is_ascii_lowercase);
        flags.into_iter().any(|flag| flag == 's')
    })
}

struct Translator<'t> {
    rest: &'t str,
    out: String,
    /// Brackets that are open.
    classes: usize,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    /// `[`, and a `^` or `]` that belongs to it.
    fn open_class(&mut self) {
        self.classes += 1;
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.next();
            self.out.push('^');
        }
        if self.rest.starts_with(']') {
            self.next();
            self.out.push_str("\\]");
        }
    }

    fn escape(&mut self) {
        match self.next() {
            Some('w') => self.class("word", false),
            Some('W') => self.class("word", true),
            Some('d') => self.class("digit", false),
            Some('D') => self.class("digit", true),
            Some('s') => self.class("space", false),
            Some('S') => self.class("space", true),
            Some(sign @ ('p' | 'P')) => self.property(sign),
            Some('Q') => {
                let end = self.rest.find("\\E");
                self.out.push_str(&regex::escape(&self.rest[..end.unwrap_or(self.rest.len())]));
                self.rest = end.map_or("", |end| &self.rest[end + 2..]);
            }
            Some(sign @ ('<' | '>')) => self.out.push(sign),
            Some(other) => self.out.extend(['\\', other]),
            None => self.out.push('\\'),
        }
    }

    /// A class of ASCII; negated it is what is not in it.
    fn class(&mut self, name: &str, negated: bool) {
        let sign = if negated { "^" } else { "" };
        self.out.push_str(&format!("[[:{sign}{name}:]]"));
    }

    /// `\p{Alpha}` is of ASCII; other properties are the same in both.
    fn property(&mut self, sign: char) {
        let posix = POSIX.iter().find(|(java, _)| {
            self.rest
                .strip_prefix('{')
                .and_then(|rest| rest.strip_prefix(java))
                .is_some_and(|rest| rest.starts_with('}'))
        });
        match posix {
            Some((java, name)) => {
                self.rest = &self.rest[java.len() + 2..];
                self.class(name, sign == 'P');
            }
            None => self.out.extend(['\\', sign]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_is_rewritten() {
        for (java, want) in [
            (r"a+\.b", r"a+\.b"),
            (r"\w-\D", "[[:word:]]-[[:^digit:]]"),
            (r"[\w.-]+", "[[[:word:]].-]+"),
            (r"[^\s]", "[^[[:space:]]]"),
            (r"\p{Alpha}\P{Punct}\p{L}\pL", r"[[:alpha:]][[:^punct:]]\p{L}\pL"),
            (r"\Qa.b\E.", "a\\.b[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"),
            (r"(?s).", "(?s)."),
            (r"(?is:.)", "(?is:.)"),
            (r"\<b\>", "<b>"),
            ("[+--]", r"[+-\-]"),
            ("[]a]", r"[\]a]"),
            (r"\\w", r"\\w"),
            (r"\Qx", "x"),
            (r"a\", r"a\"),
        ] {
            assert_eq!(from_java(java), want, "{java}");
        }
    }
}
