//! `[[principal]]`: who may sign requests, and with which policy.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use tidegate_core::auth::policy::{OwnArn, Policy};
use tidegate_core::auth::principal::{CallerArn, Principal, Session};
use tidegate_core::auth::sigv4::{Credentials, Secret};
use tidegate_core::plan::Node as PlanNode;
use tidegate_core::span::Span;

use super::credentials_file;
use crate::diagnostics::Diagnostics;
use crate::fields::Fields;
use crate::policy::{self, Kind};
use crate::report::Report;
use crate::source::Source;
use crate::tree::{self, Node, Value};
use crate::{scalar, secret};

const SECRET: secret::Keys = secret::Keys {
    inline: "secret_access_key",
    file: "secret_access_key_file",
    environment: "secret_access_key_env",
};
const TOKEN: secret::Keys = secret::Keys { inline: "token", file: "token_file", environment: "token_env" };

/// What stands for the name of a profile in the ARN of a group.
const PROFILE: &str = "{profile}";

/// AWS: 16 to 128 characters.
const ACCESS_KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// Keys whose values may be shown.
const SHOWN: [&str; 9] = [
    "access_key_id",
    "arn",
    "user_id",
    "policy",
    "organization",
    "tags",
    "credentials_file",
    SECRET.file,
    SECRET.environment,
];
const SHOWN_OF_SESSION: [&str; 5] = ["issued", "expires", "mfa", TOKEN.file, TOKEN.environment];

/// Where secrets are written, so that no finding shows them; a misspelt key has one, too.
pub(crate) fn secrets(root: &Node) -> Vec<Span> {
    let sections = root.get("principal").map_or(&[][..], |section| match &section.value {
        Value::List(sections) => sections,
        _ => std::slice::from_ref(section),
    });
    let hidden = |node: &Node, shown: &[&str]| -> Vec<Span> {
        let hidden = node.entries().iter().filter(|entry| !shown.contains(&&*entry.key));
        hidden.map(|entry| entry.value.span).collect()
    };
    let mut spans = Vec::new();
    for section in sections {
        let session = section.get("session").filter(|session| matches!(session.value, Value::Map(_)));
        let shown: Vec<&str> = SHOWN.into_iter().chain(session.map(|_| "session")).collect();
        spans.extend(hidden(section, &shown));
        spans.extend(session.map(|session| hidden(session, &SHOWN_OF_SESSION)).into_iter().flatten());
    }
    spans
}

/// What the readers need beside the section.
pub(super) struct Around<'a> {
    pub(super) folder: &'a Path,
    pub(super) node: &'a PlanNode,
}

/// Reads all of them. What is wrong in their policies, which are files of their own, is added to `policies`.
pub(super) fn read(
    section: Option<&Node>,
    around: &Around<'_>,
    policies: &mut Diagnostics,
    report: &mut Report,
) -> Vec<Principal> {
    let sections = section.map_or(&[][..], |section| scalar::list(section, report));
    let mut by_key: HashMap<String, Span> = HashMap::new();
    let mut principals: Vec<Principal> = Vec::new();
    for section in sections {
        let Some(mut fields) = Fields::read(section, "`principal`", report) else { continue };
        match fields.value("credentials_file") {
            Some(file) => {
                let before = principals.iter().map(|principal| &*principal.credentials.access_key_id);
                let taken: HashSet<String> = before.map(str::to_owned).collect();
                principals.extend(read_group(fields, file, around, taken, policies, report));
            }
            None => principals.extend(read_one(fields, around, &mut by_key, policies, report)),
        }
    }
    principals
}

fn read_one(
    mut fields: Fields<'_>,
    around: &Around<'_>,
    by_key: &mut HashMap<String, Span>,
    policies: &mut Diagnostics,
    report: &mut Report,
) -> Option<Principal> {
    let key = fields.required("access_key_id", report).and_then(|value| read_key(value, by_key, report));
    let secret = secret::read(&mut fields, &SECRET, around.folder, report);
    let arn = fields.required("arn", report).and_then(|value| read_arn(value, report));
    let user_id = fields.value("user_id").and_then(|value| scalar::text(value, report));
    let policy = fields.value("policy").map(|value| read_policy(value, around, policies, report));
    let session = fields.value("session").map(|value| read_session(value, around.folder, report));
    let (organization_id, organization_paths) =
        fields.value("organization").map_or_else(Default::default, |value| read_organization(value, report));
    let tags = fields.value("tags").map_or_else(Vec::new, |value| read_tags(value, report));
    fields.finish(report);
    let (key, (secret, entry)) = (key?, secret?);
    if secret.is_empty() {
        report.error(entry.key_span, "the secret is empty");
    }
    let (session, token) = session.map_or(Some((None, None)), |session| {
        let (session, token) = session?;
        Some((Some(session), Some(token)))
    })?;
    Some(Principal {
        user_id: user_id.unwrap_or(&key).into(),
        credentials: Credentials {
            access_key_id: key.into(),
            secret_access_key: Secret::new(secret),
            session_token: token,
        },
        arn: arn?,
        policy: policy.unwrap_or(Some(Policy::default()))?,
        session,
        organization_id,
        organization_paths,
        tags,
    })
}

/// A group: a principal for each profile of a file of credentials, all with the same policy.
fn read_group(
    mut fields: Fields<'_>,
    file: &Node,
    around: &Around<'_>,
    mut taken: HashSet<String>,
    findings: &mut Diagnostics,
    report: &mut Report,
) -> Vec<Principal> {
    let arn =
        fields.required("arn", report).and_then(|value| Some((scalar::text(value, report)?, value.span)));
    let policy = fields.value("policy").map(|value| read_policy(value, around, findings, report));
    let (organization_id, organization_paths) =
        fields.value("organization").map_or_else(Default::default, |value| read_organization(value, report));
    let tags = fields.value("tags").map_or_else(Vec::new, |value| read_tags(value, report));
    fields.finish(report);
    let path = scalar::text(file, report).map(|name| around.folder.join(name));
    let (Some((arn, at)), Some(path), Some(policy)) = (arn, path, policy.unwrap_or(Some(Policy::default())))
    else {
        return Vec::new();
    };
    if !arn.contains(PROFILE) || CallerArn::parse(&arn.replace(PROFILE, "name")).is_none() {
        report
            .error(at, format!("`{arn}` is not the ARN of a group of callers"))
            .help("arn:aws:iam::{account}:user/{profile}: the name of each profile stands for {profile}");
        return Vec::new();
    }
    let source = match Source::read(&path) {
        Ok(source) => source,
        Err(why) => {
            report.error(file.span, format!("cannot read {}: {why}", path.display()));
            return Vec::new();
        }
    };
    let mut profiles = Report::new(source);
    let mut principals = Vec::new();
    for profile in credentials_file::read(&mut profiles) {
        if !is_access_key(&profile.access_key_id) {
            profiles.error(profile.span, access_key_rule());
        } else if !taken.insert(profile.access_key_id.clone()) {
            profiles.error(profile.span, "the access key of this profile stands twice");
        }
        let Some(arn) = CallerArn::parse(&arn.replace(PROFILE, &profile.name)) else { continue };
        principals.push(Principal {
            user_id: profile.access_key_id.as_str().into(),
            session: profile.session_token.as_ref().map(|_| Session::default()),
            credentials: Credentials {
                access_key_id: profile.access_key_id.into(),
                secret_access_key: Secret::new(profile.secret_access_key),
                session_token: profile.session_token.map(Secret::new),
            },
            arn,
            policy: policy.clone(),
            organization_id: organization_id.clone(),
            organization_paths: organization_paths.clone(),
            tags: tags.clone(),
        });
    }
    findings.append(profiles.into_findings());
    principals
}

fn is_access_key(key: &str) -> bool {
    ACCESS_KEY_BYTES.contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn access_key_rule() -> String {
    let (least, most) = (ACCESS_KEY_BYTES.start(), ACCESS_KEY_BYTES.end());
    format!("an access key id has {least} to {most} of the characters A-Z a-z 0-9 _")
}

fn read_key(value: &Node, by_key: &mut HashMap<String, Span>, report: &mut Report) -> Option<String> {
    let key = scalar::text(value, report)?;
    if !is_access_key(key) {
        report.error(value.span, access_key_rule());
        return None;
    }
    if let Some(first) = by_key.insert(key.to_owned(), value.span) {
        report.error(value.span, format!("the access key `{key}` stands twice")).related(first, "first here");
    }
    Some(key.to_owned())
}

fn read_arn(value: &Node, report: &mut Report) -> Option<CallerArn> {
    let text = scalar::text(value, report)?;
    let arn = CallerArn::parse(text);
    if arn.is_none() {
        report.error(value.span, format!("`{text}` is not the ARN of a caller")).help(
            "arn:aws:iam::{account}:user/{name} or arn:aws:sts::{account}:assumed-role/{role}/{session}",
        );
    }
    arn
}

fn read_policy(
    value: &Node,
    around: &Around<'_>,
    policies: &mut Diagnostics,
    report: &mut Report,
) -> Option<Policy> {
    let path = around.folder.join(scalar::text(value, report)?);
    let source = match Source::read(&path) {
        Ok(source) => source,
        Err(why) => {
            report.error(value.span, format!("cannot read {}: {why}", path.display()));
            return None;
        }
    };
    let own = OwnArn { region: &around.node.region, account: &around.node.account };
    let mut file = Report::new(source);
    let policy = tree::yaml::read_as("policy", &mut file)
        .and_then(|node| policy::read(&node, own, Kind::Identity, &mut file));
    policies.append(file.into_findings());
    policy
}

/// `session`: of temporary credentials.
fn read_session(value: &Node, folder: &Path, report: &mut Report) -> Option<(Session, Secret)> {
    let mut fields = Fields::read(value, "`session`", report)?;
    let token = secret::read(&mut fields, &TOKEN, folder, report);
    let mut time = |key| fields.value(key).map(|value| read_time(value, report));
    let (issued, expires, mfa) = (time("issued"), time("expires"), time("mfa"));
    fields.finish(report);
    let (token, entry) = token?;
    if token.is_empty() {
        report.error(entry.key_span, "the token is empty");
    }
    let session = Session {
        issued_s: issued.map_or(Some(None), |time| time.map(Some))?,
        expires_s: expires.map_or(Some(None), |time| time.map(Some))?,
        mfa_s: mfa.map_or(Some(None), |time| time.map(Some))?,
    };
    Some((session, Secret::new(token)))
}

/// Seconds since 1970.
fn read_time(value: &Node, report: &mut Report) -> Option<u64> {
    let text = scalar::text(value, report)?;
    let time = tidegate_core::auth::policy::parse_date(text);
    if time.is_none() {
        report
            .error(value.span, format!("`{text}` is not a time"))
            .help("for example \"2026-01-31T12:00:00Z\"");
    }
    time
}

type Organization = (Option<Box<str>>, Vec<Box<str>>);

fn read_organization(value: &Node, report: &mut Report) -> Organization {
    let Some(mut fields) = Fields::read(value, "`organization`", report) else {
        return Organization::default();
    };
    let id = fields.required("id", report).and_then(|value| scalar::text(value, report));
    let paths = fields.value("paths").map_or(&[][..], |value| scalar::list(value, report));
    fields.finish(report);
    let paths = paths.iter().filter_map(|path| scalar::text(path, report)).map(Into::into).collect();
    (id.map(Into::into), paths)
}

fn read_tags(value: &Node, report: &mut Report) -> Vec<(Box<str>, Box<str>)> {
    if Fields::read(value, "`tags`", report).is_none() {
        return Vec::new();
    }
    let tag = |entry: &tree::Entry, report: &mut Report| {
        Some((entry.key.clone(), scalar::text(&entry.value, report)?.into()))
    };
    value.entries().iter().filter_map(|entry| tag(entry, report)).collect()
}
