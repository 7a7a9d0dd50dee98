//! Credentials as AWS gives them over HTTP. What is wrong is said without showing any of it.

use serde::Deserialize;

use super::signers::Issued;
use crate::auth::policy::parse_date;
use crate::auth::sigv4::{Credentials, Secret};

/// The answer of the metadata of containers and instances. Fields of other names do not count.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// Reads what the metadata of a container or an instance answers.
///
/// # Errors
///
/// What is missing, or the `Code` that says why there are none.
pub fn metadata(json: &[u8]) -> Result<Issued, String> {
    let read: Metadata = serde_json::from_slice(json).map_err(|_| "the answer is not JSON".to_owned())?;
    if let Some(code) = read.code.filter(|code| code != "Success") {
        return Err(format!("the answer has the code {}", plain(&code)));
    }
    issued(read.access_key_id, read.secret_access_key, read.token, read.expiration)
}

/// Reads the answer of `AssumeRole` and `AssumeRoleWithWebIdentity` of STS, which is XML.
///
/// # Errors
///
/// What is missing.
pub fn assumed_role(xml: &str) -> Result<Issued, String> {
    let credentials = element(xml, "Credentials").ok_or("the answer has no Credentials")?;
    let text = |name| element(credentials, name).map(unescaped);
    let token = text("SessionToken").ok_or("the answer has no SessionToken")?;
    issued(text("AccessKeyId"), text("SecretAccessKey"), Some(token), text("Expiration"))
}

/// The error of a Query API: its code and its message.
pub fn error_message(xml: &str) -> Option<String> {
    let code = element(xml, "Code").map(unescaped)?;
    let message = element(xml, "Message").map(unescaped).unwrap_or_default();
    Some(format!("{}: {}", plain(&code), plain(&message)))
}

fn issued(
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
) -> Result<Issued, String> {
    let is_id =
        |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let id = id.filter(is_id).ok_or("the answer has no AccessKeyId")?;
    let secret = secret.filter(|secret| !secret.is_empty()).ok_or("the answer has no SecretAccessKey")?;
    // A token goes into a header field.
    let fits = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
    if !token.as_ref().is_none_or(fits) {
        return Err("the session token holds what no header field can".to_owned());
    }
    let expires_s = match expiration {
        Some(text) => Some(parse_date(&text).ok_or("the Expiration is not a date")?),
        None => None,
    };
    let session_token = token.filter(|token| !token.is_empty()).map(Secret::new);
    let credentials =
        Credentials { access_key_id: id.into(), secret_access_key: Secret::new(secret), session_token };
    Ok(Issued { credentials, expires_s })
}

/// What stands in the first element of this name. Answers of STS have no attributes, comments or CDATA.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, behind) = xml.split_once(&format!("<{name}>"))?;
    let (content, _) = behind.split_once(&format!("</{name}>"))?;
    Some(content.trim())
}

fn unescaped(text: &str) -> String {
    // `&amp;` last, so that nothing is read twice.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// Part of an answer, fit for a line of the log.
fn plain(text: &str) -> String {
    text.chars().take(200).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<AssumeRoleResponse xmlns=\"x\"><AssumeRoleResult><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser>\
        <Credentials>\n<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>a/b+c&amp;lt;</SecretAccessKey>\
        <SessionToken>t0k/en==</SessionToken><Expiration>2026-11-25T23:30:00.500Z</Expiration>\
        </Credentials></AssumeRoleResult></AssumeRoleResponse>";
    const JSON: &str = r#"{"Code":"Success","LastUpdated":"x","Type":"AWS-HMAC","AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-25T23:30:00Z"}"#;

    #[track_caller]
    fn check(read: Result<Issued, String>, want: Result<(&str, Option<&str>, Option<u64>), &str>) {
        let token = |issued: &Issued| {
            issued
                .credentials
                .session_token
                .as_ref()
                .map(|token| String::from_utf8_lossy(token.reveal()).into_owned())
        };
        match (&read, want) {
            (Ok(issued), Ok((secret, want_token, expires_s))) => {
                assert_eq!(&*issued.credentials.access_key_id, "ASIA1");
                assert_eq!(issued.credentials.secret_access_key.reveal(), secret.as_bytes());
                assert_eq!((token(issued).as_deref(), issued.expires_s), (want_token, expires_s));
            }
            (Err(error), Err(want)) => assert_eq!(error, want),
            _ => panic!("{read:?} is not {want:?}"),
        }
    }

    #[test]
    fn answers_of_sts() {
        let end = Some(1_795_649_400);
        check(assumed_role(XML), Ok(("a/b+c&lt;", Some("t0k/en=="), end)));
        check(assumed_role(""), Err("the answer has no Credentials"));
        check(assumed_role(&XML.replace("SessionToken", "Token")), Err("the answer has no SessionToken"));
        check(assumed_role(&XML.replace("ASIA1", "A\nB")), Err("the answer has no AccessKeyId"));
        check(
            assumed_role(&XML.replace("t0k", "t\r\n0k")),
            Err("the session token holds what no header field can"),
        );
        check(assumed_role(&XML.replace("2026-", "soon")), Err("the Expiration is not a date"));
        let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a\nb &amp; c</Message></Error></ErrorResponse>";
        assert_eq!(error_message(error).as_deref(), Some("AccessDenied: a b & c"));
        assert_eq!(error_message("no"), None);
    }

    #[test]
    fn answers_of_metadata() {
        check(metadata(JSON.as_bytes()), Ok(("s", Some("t"), Some(1_795_649_400))));
        check(metadata(br#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s"}"#), Ok(("s", None, None)));
        check(
            metadata(JSON.replace("Success", "AssumeRoleUnauthorizedAccess").as_bytes()),
            Err("the answer has the code AssumeRoleUnauthorizedAccess"),
        );
        check(metadata(b"<html>"), Err("the answer is not JSON"));
        check(metadata(b"{}"), Err("the answer has no AccessKeyId"));
        check(metadata(br#"{"AccessKeyId":"ASIA1"}"#), Err("the answer has no SecretAccessKey"));
    }
}
