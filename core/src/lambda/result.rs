//! Reads what a function answers to AWS_PROXY, strictly as AWS does.
//!
//! AWS: "Output format of a Lambda function for proxy integration"; recorded facts 123 to 136. What a streamed answer begins
//! with is read likewise ("Lambda proxy integration format for response streaming").

use std::borrow::Cow;
use std::fmt;

use crate::limits::FUNCTION_HEADERS_MAX;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// A function's answer.
#[derive(Debug, PartialEq, Eq)]
pub struct ProxyResult<'a> {
    /// `statusCode`; 200 when there is none.
    pub status: u16,
    /// `multiValueHeaders`, then those of `headers` that these do not have; names and values fit a message.
    pub headers: Vec<Header<'a>>,
    /// `body`, as it stands there.
    pub body: Cow<'a, str>,
    /// `isBase64Encoded`
    pub is_base64_encoded: bool,
}

/// One header line.
#[derive(Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name; the spelling of `multiValueHeaders` wins.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Cow<'a, str>,
}

/// The answer is not what AWS takes: "Malformed Lambda proxy response", 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What a streamed answer begins with.
#[derive(Debug, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// `statusCode`; 200 when there is none.
    pub status: u16,
    /// As those of a [`ProxyResult`], and a `Set-Cookie` for each of `cookies`.
    pub headers: Vec<Header<'a>>,
}

impl<'a> ProxyResult<'a> {
    /// Reads a payload.
    pub fn read(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut members = Members::read(payload, Form::Whole)?;
        let (body, is_base64_encoded) = (std::mem::take(&mut members.body), members.is_base64_encoded);
        let Metadata { status, headers } = members.metadata()?;
        Ok(Self { status, headers, body, is_base64_encoded })
    }
}

impl<'a> Metadata<'a> {
    /// Reads the JSON before the delimiter.
    pub fn read(json: &'a [u8]) -> Result<Self, Malformed> {
        Members::read(json, Form::Streamed)?.metadata()
    }
}

/// A value that the name does not have yet comes behind those that it has (fact 130).
fn merge<'a>(header: Header<'a>, headers: &mut Vec<Header<'a>>) {
    let same = |other: &&Header<'_>| other.name.eq_ignore_ascii_case(&header.name);
    if headers.iter().filter(same).any(|other| other.value == header.value) {
        return;
    }
    match headers.iter().rposition(|other| same(&other)) {
        Some(last) => {
            let name = headers[last].name.clone();
            headers.insert(last + 1, Header { name, value: header.value });
        }
        None => headers.push(header),
    }
}

impl Header<'_> {
    /// Whether a message can hold it (RFC 9110 section 5): a line break in a value would make two of one.
    fn fits(&self) -> bool {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
        !self.name.is_empty() && self.name.bytes().all(is_token) && !self.value.bytes().any(is_control)
    }
}

/// Which members there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Those of a whole answer.
    Whole,
    /// Those before the content of a streamed one.
    Streamed,
}

/// The members as they stand there. Of one that stands twice the last counts.
#[derive(Default)]
struct Members<'a> {
    status: u16,
    headers: Vec<Header<'a>>,
    multi_value_headers: Vec<Header<'a>>,
    cookies: Vec<Cow<'a, str>>,
    body: Cow<'a, str>,
    is_base64_encoded: bool,
}

impl<'a> Members<'a> {
    fn read(text: &'a [u8], form: Form) -> Result<Self, Malformed> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let members = reader.deserialize_map(MembersVisitor { form }).map_err(|_| Malformed)?;
        reader.end().map_err(|_| Malformed)?;
        Ok(members)
    }

    fn metadata(self) -> Result<Metadata<'a>, Malformed> {
        if self.headers.len() + self.multi_value_headers.len() + self.cookies.len() > FUNCTION_HEADERS_MAX {
            return Err(Malformed);
        }
        let mut headers = self.multi_value_headers;
        if headers.is_empty() {
            headers = self.headers;
        } else {
            self.headers.into_iter().for_each(|header| merge(header, &mut headers));
        }
        let cookie = |value| Header { name: Cow::Borrowed("Set-Cookie"), value };
        headers.extend(self.cookies.into_iter().map(cookie));
        if !headers.iter().all(Header::fits) || !(200..=599).contains(&self.status) {
            return Err(Malformed);
        }
        Ok(Metadata { status: self.status, headers })
    }
}

struct MembersVisitor {
    form: Form,
}

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { status: 200, ..Members::default() };
        while let Some(Text(name)) = map.next_key()? {
            match (&*name, self.form) {
                ("statusCode", _) => {
                    members.status = map.next_value::<Option<Status>>()?.map_or(200, |it| it.0);
                }
                ("headers", Form::Whole) => {
                    members.headers = map.next_value::<Option<Single<'de>>>()?.unwrap_or_default().0;
                }
                ("headers", Form::Streamed) => {
                    members.headers = map.next_value::<Option<Mixed<'de>>>()?.unwrap_or_default().0;
                }
                ("multiValueHeaders", _) => {
                    members.multi_value_headers =
                        map.next_value::<Option<Multi<'de>>>()?.unwrap_or_default().0;
                }
                ("cookies", Form::Streamed) => {
                    members.cookies = map.next_value::<Option<List<'de>>>()?.unwrap_or_default().0;
                }
                ("body", Form::Whole) => {
                    members.body = map.next_value::<Option<Text<'de>>>()?.unwrap_or_default().0;
                }
                ("isBase64Encoded", Form::Whole) => {
                    members.is_base64_encoded = map.next_value::<Option<bool>>()?.unwrap_or_default();
                }
                _ => return Err(de::Error::custom("an unknown key")),
            }
        }
        Ok(members)
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_str(TextVisitor { scalars: false }).map(Self)
    }
}

/// A string, or a boolean or number as it is written.
struct Scalar<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(TextVisitor { scalars: true }).map(Self)
    }
}

struct TextVisitor {
    scalars: bool,
}

impl TextVisitor {
    fn scalar<E: de::Error>(&self, text: String) -> Result<Cow<'static, str>, E> {
        if self.scalars { Ok(Cow::Owned(text)) } else { Err(E::custom("not a string")) }
    }
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        self.scalar(value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        self.scalar(value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        self.scalar(value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        self.scalar(value.to_string())
    }
}

/// An integer, or one in quotes (fact 127).
struct Status(u16);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(StatusVisitor).map(Self)
    }
}

struct StatusVisitor;

impl Visitor<'_> for StatusVisitor {
    type Value = u16;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u16, E> {
        u16::try_from(value).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u16, E> {
        text.parse().map_err(E::custom)
    }
}

/// `headers`: name to value. A `null` adds nothing.
#[derive(Default)]
struct Single<'a>(Vec<Header<'a>>);

impl<'de> Deserialize<'de> for Single<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(HeadersVisitor(Values::One)).map(Self)
    }
}

/// `multiValueHeaders`: name to list of values.
#[derive(Default)]
struct Multi<'a>(Vec<Header<'a>>);

impl<'de> Deserialize<'de> for Multi<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(HeadersVisitor(Values::List)).map(Self)
    }
}

/// `headers` of a streamed answer: name to value, or to a list, as the crate `lambda_runtime` writes one that has several.
#[derive(Default)]
struct Mixed<'a>(Vec<Header<'a>>);

impl<'de> Deserialize<'de> for Mixed<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(HeadersVisitor(Values::Either)).map(Self)
    }
}

/// What a name of a header may have.
enum Values {
    One,
    List,
    Either,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either<'a> {
    #[serde(borrow)]
    One(Scalar<'a>),
    List(List<'a>),
}

impl<'a> Either<'a> {
    fn values(self) -> Vec<Cow<'a, str>> {
        match self {
            Self::One(Scalar(value)) => vec![value],
            Self::List(List(values)) => values,
        }
    }
}

struct HeadersVisitor(Values);

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Vec<Header<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut headers = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            let mut add = |value| headers.push(Header { name: name.clone(), value });
            match self.0 {
                Values::One => {
                    if let Some(Scalar(value)) = map.next_value()? {
                        add(value);
                    }
                }
                Values::List => map.next_value::<List<'de>>()?.0.into_iter().for_each(add),
                Values::Either => {
                    let values = map.next_value::<Option<Either<'de>>>()?.map(Either::values);
                    values.unwrap_or_default().into_iter().for_each(add);
                }
            }
        }
        Ok(headers)
    }
}

#[derive(Default)]
struct List<'a>(Vec<Cow<'a, str>>);

impl<'de> Deserialize<'de> for List<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_seq(ListVisitor).map(Self)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Scalar(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values)
    }
}

/// `errorMessage` of the document by which a function says that it has failed; empty when there is none.
pub fn error_message(document: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Document {
        #[serde(rename = "errorMessage")]
        message: String,
    }
    serde_json::from_slice::<Document>(document).map_or_else(|_| String::new(), |document| document.message)
}

#[cfg(test)]
mod tests;
