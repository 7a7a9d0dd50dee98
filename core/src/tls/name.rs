//! Distinguished names as text (RFC 4514): the last part first, as AWS writes them.

use std::fmt::Write as _;

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::certificate::NotACertificate;

/// The short names that RFC 4514 section 3 has, by object identifier.
const SHORT: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

pub(super) fn distinguished_name(name: &X509Name<'_>) -> Result<String, NotACertificate> {
    let parts: Vec<_> = name.iter_rdn().collect();
    let mut text = String::new();
    for part in parts.into_iter().rev() {
        for (position, attribute) in part.iter().enumerate() {
            if position > 0 {
                text.push('+');
            } else if !text.is_empty() {
                text.push(',');
            }
            write_attribute(attribute, &mut text)?;
        }
    }
    Ok(text)
}

fn write_attribute(attribute: &AttributeTypeAndValue<'_>, out: &mut String) -> Result<(), NotACertificate> {
    let id = attribute.attr_type().to_id_string();
    let short = SHORT.iter().find(|(known, _)| *known == id);
    match (short, attribute.as_str()) {
        (Some((_, short)), Ok(value)) => {
            out.push_str(short);
            out.push('=');
            escape(value, out);
        }
        // Whose syntax is not known here: the bytes (section 2.4).
        _ => {
            let value = attribute.attr_value();
            let mut der = vec![value.tag().0 as u8];
            push_length(value.data.len(), &mut der)?;
            der.extend_from_slice(value.data);
            write!(out, "{id}=#").map_err(|_| NotACertificate)?;
            der.iter().try_for_each(|byte| write!(out, "{byte:02x}")).map_err(|_| NotACertificate)?;
        }
    }
    Ok(())
}

/// The length of a value in DER (X.690 section 8.1.3).
fn push_length(bytes: usize, out: &mut Vec<u8>) -> Result<(), NotACertificate> {
    match bytes {
        0..128 => out.push(bytes as u8),
        128..256 => out.extend([0x81, bytes as u8]),
        256..65_536 => out.extend([0x82, (bytes >> 8) as u8, bytes as u8]),
        _ => return Err(NotACertificate),
    }
    Ok(())
}

/// RFC 4514 section 2.4.
fn escape(value: &str, out: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        let at_end = character == ' ' && (position == 0 || position == last);
        let special = ",+\"\\<>;".contains(character) || (character == '#' && position == 0);
        match character {
            '\0' => out.push_str("\\00"),
            _ if at_end || special => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn escapes() {
        let rows = [
            ("a, b", "a\\, b"),
            (" a ", "\\ a\\ "),
            ("#a#", "\\#a#"),
            ("a=b", "a=b"),
            ("\0", "\\00"),
            ("", ""),
        ];
        for (value, want) in rows {
            let mut out = String::new();
            escape(value, &mut out);
            assert_eq!(out, want);
        }
    }
}
