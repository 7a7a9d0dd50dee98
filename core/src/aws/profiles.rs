//! The shared configuration files, `~/.aws/config` and `~/.aws/credentials`, as the AWS SDKs read them.
//!
//! AWS: "Shared config and credentials files". Nothing here opens a file. What is not known is left alone, for other tools
//! keep their own settings there.

use std::collections::HashMap;

use crate::auth::sigv4::{Credentials, Secret};

/// Roles that lead from one to the next; more are a circle.
const ROLES_MAX: usize = 8;

/// The profiles of both files. A key of the credentials file wins over one of the other.
#[derive(Debug, Default)]
pub struct Profiles(HashMap<String, HashMap<String, String>>);

/// Where a profile says that credentials are.
#[derive(Debug, PartialEq, Eq)]
pub enum Chain {
    /// Here.
    Keys(Credentials),
    /// A role, assumed with others.
    Role {
        /// Its ARN.
        arn: String,
        /// What the role's owner asks for.
        external_id: Option<String>,
        /// How the session is called, if not by us.
        session_name: Option<String>,
        /// What assumes it.
        by: Box<Chain>,
    },
    /// The environment.
    Environment,
    /// The metadata of the container.
    Container,
    /// The metadata of the instance.
    Instance,
}

impl Profiles {
    /// Reads the texts of `config` and of `credentials`.
    pub fn read(config: &str, credentials: &str) -> Self {
        let mut profiles = Self::default();
        profiles.add(config, |section| {
            if section == "default" { Some(section) } else { section.strip_prefix("profile ").map(str::trim) }
        });
        profiles.add(credentials, Some);
        profiles
    }

    fn add<'t>(&mut self, text: &'t str, name_of: impl Fn(&'t str) -> Option<&'t str>) {
        let mut profile = None;
        for line in text.lines() {
            // An indented line belongs to the key before it (`s3 =`), which is none of ours.
            if line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            let line = line.trim_end();
            if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                profile = name_of(section.0.trim()).map(str::to_owned);
            } else if let (Some(profile), Some((key, value))) = (&profile, line.split_once('=')) {
                let keys = self.0.entry(profile.clone()).or_default();
                keys.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
    }

    /// Whether there is a profile of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Where the credentials of a profile are; `None` when it says nothing of them.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without its secrets.
    pub fn chain(&self, name: &str) -> Result<Option<Chain>, String> {
        self.follow(name, 0)
    }

    fn follow(&self, name: &str, depth: usize) -> Result<Option<Chain>, String> {
        let keys = self.0.get(name).ok_or_else(|| format!("there is no profile `{name}`"))?;
        if depth == ROLES_MAX {
            return Err(format!("the profile `{name}` leads through more than {ROLES_MAX} roles"));
        }
        let text = |key: &str| keys.get(key).filter(|text| !text.is_empty()).cloned();
        // A profile that is the source of its own role gives its keys (AWS: "source_profile").
        let Some(arn) = text("role_arn").filter(|_| depth == 0 || text("aws_access_key_id").is_none()) else {
            return keys_of(name, keys);
        };
        let by = match (text("source_profile"), text("credential_source")) {
            (Some(_), Some(_)) => {
                Err(format!("the profile `{name}` has both source_profile and credential_source"))
            }
            (Some(source), None) => {
                let chain = self.follow(&source, depth + 1)?;
                chain.ok_or_else(|| format!("the profile `{source}` has no credentials"))
            }
            (None, Some(source)) => match &*source {
                "Environment" => Ok(Chain::Environment),
                "EcsContainer" => Ok(Chain::Container),
                "Ec2InstanceMetadata" => Ok(Chain::Instance),
                other => Err(format!("the profile `{name}` has the unknown credential_source `{other}`")),
            },
            (None, None) => Err(format!("the profile `{name}` has a role and no source_profile")),
        }?;
        let (external_id, session_name) = (text("external_id"), text("role_session_name"));
        Ok(Some(Chain::Role { arn, external_id, session_name, by: Box::new(by) }))
    }
}

fn keys_of(name: &str, keys: &HashMap<String, String>) -> Result<Option<Chain>, String> {
    let text = |key: &str| keys.get(key).filter(|text| !text.is_empty());
    match (text("aws_access_key_id"), text("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some(Chain::Keys(Credentials {
            access_key_id: id.as_str().into(),
            secret_access_key: Secret::new(secret.as_str()),
            session_token: text("aws_session_token").map(|token| Secret::new(token.as_str())),
        }))),
        (None, None) => {
            let elsewhere = ["credential_process", "sso_session", "sso_start_url", "web_identity_token_file"];
            match elsewhere.iter().find(|key| text(key).is_some()) {
                Some(key) => Err(format!("`{key}` of the profile `{name}` is not supported yet")),
                None => Ok(None),
            }
        }
        _ => Err(format!("the profile `{name}` has only half of a pair of keys")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "# comment\n[default]\nregion = eu-west-1\ns3 =\n  aws_access_key_id = no\n\n[profile base]\naws_access_key_id=FROMCONFIG\naws_secret_access_key = x\n\
        [ profile  deep ]\nrole_arn = arn:aws:iam::1:role/deep\nsource_profile = middle\nexternal_id = e\nrole_session_name = s\n\
        [profile middle]\nrole_arn = arn:aws:iam::1:role/middle\nsource_profile = base\n\
        [profile self]\nrole_arn = r\nsource_profile = self\naws_access_key_id = SELF\naws_secret_access_key = x\n\
        [profile circle]\nrole_arn = r\nsource_profile = circle\n[profile instance]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n\
        [profile odd]\nrole_arn = r\ncredential_source = Moon\n[profile lonely]\nrole_arn = r\n\
        [profile both]\nrole_arn = r\nsource_profile = base\ncredential_source = Environment\n\
        [profile process]\ncredential_process = /bin/x\n[ignored]\naws_access_key_id = IGNORED\naws_secret_access_key = x\n";
    const CREDENTIALS: &str = "[base]\naws_access_key_id = FROMCREDENTIALS\naws_secret_access_key = x\naws_session_token = t\n[half]\naws_access_key_id = H\n";

    fn text(chain: &Chain) -> String {
        match chain {
            Chain::Keys(keys) => keys.access_key_id.to_string(),
            Chain::Role { arn, external_id, session_name, by } => {
                let more =
                    external_id.iter().chain(session_name).fold(String::new(), |all, text| all + "/" + text);
                format!("{arn}{more} by {}", text(by))
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn profiles() {
        let profiles = Profiles::read(CONFIG, CREDENTIALS);
        for (name, want) in [
            ("default", Ok(None)),
            ("base", Ok(Some("FROMCREDENTIALS"))),
            (
                "deep",
                Ok(Some("arn:aws:iam::1:role/deep/e/s by arn:aws:iam::1:role/middle by FROMCREDENTIALS")),
            ),
            ("self", Ok(Some("r by SELF"))),
            ("instance", Ok(Some("r by Instance"))),
            ("circle", Err("the profile `circle` leads through more than 8 roles")),
            ("odd", Err("the profile `odd` has the unknown credential_source `Moon`")),
            ("lonely", Err("the profile `lonely` has a role and no source_profile")),
            ("both", Err("the profile `both` has both source_profile and credential_source")),
            ("half", Err("the profile `half` has only half of a pair of keys")),
            ("process", Err("`credential_process` of the profile `process` is not supported yet")),
            ("ignored", Err("there is no profile `ignored`")),
            ("nobody", Err("there is no profile `nobody`")),
        ] {
            let read = profiles.chain(name).map(|chain| chain.as_ref().map(text));
            assert_eq!(read, want.map(|want| want.map(str::to_owned)).map_err(str::to_owned), "{name}");
        }
    }
}
