//! Asks a source of credentials, as the AWS SDKs do and in their order. Blocks. Errors show nothing secret.

use std::net::IpAddr;
use std::time::Duration;

use tidegate_core::auth::sigv4::{
    Credentials, Headers, PathStyle, PayloadHash, Scope, Secret, Signable, Signer,
};
use tidegate_core::aws::profiles::{Chain, Profiles};
use tidegate_core::aws::{CredentialsSource, Issued, documents};
use tidegate_core::plan::Aws;

use super::environment::Environment;
use super::now_s;
use crate::fetch::{Client, Request, Response};

/// Time for an answer of the metadata, which is on this machine or next to it (AWS SDKs: 1 s).
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
/// How the sessions of roles are called, for those who read AWS's logs.
const SESSION_NAME: &str = "tidegate";
/// Where the metadata of a container (AWS: ECS) and of an instance (EC2) is.
const CONTAINER_URL: &str = "http://169.254.170.2";
const INSTANCE_URL: &str = "http://169.254.169.254";
/// Hosts that a container's metadata may be on without TLS (AWS SDKs: "container credential provider"), beside loopback.
const CONTAINER_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
/// How long a token for the instance's metadata holds, in seconds.
const TOKEN_TTL_S: &str = "60";

/// Where to look, and with what.
struct Asking<'a> {
    client: &'a Client,
    environment: &'a Environment,
    aws: &'a Aws,
}

/// The credentials of a source, or why there are none.
pub(super) fn ask(
    source: &CredentialsSource,
    client: &Client,
    environment: &Environment,
    aws: &Aws,
) -> Result<Issued, String> {
    let asking = Asking { client, environment, aws };
    match source {
        CredentialsSource::Default => asking.default(),
        CredentialsSource::Role(arn) => asking.assume(arn, None, None, &asking.default()?.credentials),
    }
}

impl Asking<'_> {
    /// AWS SDKs: environment, web identity, shared files, container, instance.
    fn default(&self) -> Result<Issued, String> {
        if let Some(keys) = self.keys()? {
            return Ok(keys);
        }
        if let (Some(file), Some(arn)) =
            (self.environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"), self.environment.get("AWS_ROLE_ARN"))
        {
            return self.assume_with_token(arn, file);
        }
        if let Some(chain) = self.profile()? {
            return self.follow(&chain);
        }
        if self.container_url()?.is_some() {
            return self.container();
        }
        self.instance().map_err(|error| {
            format!("neither environment, shared files nor container have credentials; the instance: {error}")
        })
    }

    fn keys(&self) -> Result<Option<Issued>, String> {
        let pair = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| self.environment.get(name));
        let (id, secret) = match pair {
            [Some(id), Some(secret)] => (id, secret),
            [None, None] => return Ok(None),
            _ => return Err("only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set".to_owned()),
        };
        let credentials = Credentials {
            access_key_id: id.into(),
            secret_access_key: Secret::new(secret),
            session_token: self.environment.get("AWS_SESSION_TOKEN").map(Secret::new),
        };
        Ok(Some(Issued { credentials, expires_s: None }))
    }

    fn profile(&self) -> Result<Option<Chain>, String> {
        let config = self.environment.shared_file("AWS_CONFIG_FILE", "config")?;
        let keys = self.environment.shared_file("AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
        let profiles = Profiles::read(&config, &keys);
        match self.environment.get("AWS_PROFILE").or(self.environment.get("AWS_DEFAULT_PROFILE")) {
            Some(name) => profiles.chain(name),
            None if profiles.has("default") => profiles.chain("default"),
            None => Ok(None),
        }
    }

    fn follow(&self, chain: &Chain) -> Result<Issued, String> {
        match chain {
            Chain::Keys(credentials) => Ok(Issued { credentials: credentials.clone(), expires_s: None }),
            Chain::Role { arn, external_id, session_name, by } => {
                let by = self.follow(by)?;
                self.assume(arn, external_id.as_deref(), session_name.as_deref(), &by.credentials)
            }
            Chain::Environment => self.keys()?.ok_or_else(|| "the environment has no credentials".to_owned()),
            Chain::Container => self.container(),
            Chain::Instance => self.instance(),
        }
    }

    /// STS: `AssumeRole`.
    fn assume(
        &self,
        arn: &str,
        external_id: Option<&str>,
        session_name: Option<&str>,
        by: &Credentials,
    ) -> Result<Issued, String> {
        let mut form = form("AssumeRole", arn, session_name.unwrap_or(SESSION_NAME));
        if let Some(id) = external_id {
            form.push_str("&ExternalId=");
            form.push_str(&encoded(id));
        }
        let mut request = self.to_sts(&form);
        for (name, value) in self.signature(&form, by) {
            request = request.field(name, value);
        }
        self.assumed(arn, &request)
    }

    /// STS: `AssumeRoleWithWebIdentity`; the token is what proves us.
    fn assume_with_token(&self, arn: &str, file: &str) -> Result<Issued, String> {
        let token = std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
        let name = self.environment.get("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION_NAME);
        let form = form("AssumeRoleWithWebIdentity", arn, name);
        self.assumed(arn, &self.to_sts(&format!("{form}&WebIdentityToken={}", encoded(token.trim()))))
    }

    fn to_sts(&self, form: &str) -> Request {
        Request::post(format!("{}/", self.aws.sts), form).field("Content-Type", FORM)
    }

    fn assumed(&self, arn: &str, request: &Request) -> Result<Issued, String> {
        let error = |why: String| format!("cannot assume {arn} at {}: {why}", self.aws.sts);
        let answer = self.client.fetch(request).map_err(|failure| error(failure.to_string()))?;
        let text = String::from_utf8_lossy(&answer.content);
        if answer.status != 200 {
            let why = documents::error_message(&text);
            return Err(error(why.unwrap_or_else(|| format!("the answer has status {}", answer.status))));
        }
        documents::assumed_role(&text).map_err(error)
    }

    /// The fields that sign a form for STS.
    fn signature(&self, form: &str, by: &Credentials) -> Vec<(String, String)> {
        let host = self.aws.sts.split_once("://").map_or(&*self.aws.sts, |(_, host)| host);
        let fields: [(&[u8], &[u8]); 2] = [(b"host", host.as_bytes()), (b"content-type", FORM.as_bytes())];
        let request = Signable { method: b"POST", path: b"/", query: b"", headers: Headers::List(&fields) };
        let scope = Scope { region: &self.aws.region, service: "sts" };
        let mut lines = Vec::new();
        let mut signer = Signer::new(by.clone(), scope, PathStyle::Normalized);
        signer.sign(&request, &PayloadHash::of(form.as_bytes()), now_s(), &mut lines);
        let lines = String::from_utf8_lossy(&lines);
        let pairs = lines.lines().filter_map(|line| line.split_once(": "));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Where a container's metadata is, if this is one.
    fn container_url(&self) -> Result<Option<String>, String> {
        if let Some(path) = self.environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            return Ok(Some(format!("{CONTAINER_URL}{path}")));
        }
        let Some(url) = self.environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return Ok(None) };
        if may_have_token(url) {
            Ok(Some(url.to_owned()))
        } else {
            Err("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine".to_owned())
        }
    }

    fn container(&self) -> Result<Issued, String> {
        let url = self.container_url()?.ok_or_else(|| "this is no container of AWS".to_owned())?;
        let mut request = Request::get(url).within(METADATA_TIMEOUT);
        let token = match self.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => {
                let read = std::fs::read_to_string(file);
                Some(read.map_err(|error| format!("cannot read {file}: {error}"))?.trim().to_owned())
            }
            None => self.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
        };
        if let Some(token) = token {
            request = request.field("Authorization", token);
        }
        let answer = self.metadata(&request)?;
        documents::metadata(&answer.content)
    }

    /// The instance's role, by version 2 of its metadata alone: version 1 answers to whoever can make us fetch a URL.
    fn instance(&self) -> Result<Issued, String> {
        if self
            .environment
            .get("AWS_EC2_METADATA_DISABLED")
            .is_some_and(|word| word.eq_ignore_ascii_case("true"))
        {
            return Err("its metadata is switched off".to_owned());
        }
        let base = self.environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(INSTANCE_URL);
        let base = base.trim_end_matches('/');
        let token = Request::put(format!("{base}/latest/api/token"))
            .field("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_S)
            .within(METADATA_TIMEOUT);
        let token = text(self.metadata(&token)?);
        let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
        let get = |url: String| {
            Request::get(url).field("X-aws-ec2-metadata-token", token.as_str()).within(METADATA_TIMEOUT)
        };
        let role = text(self.metadata(&get(roles.clone()))?);
        let role = role.lines().next().filter(|role| !role.is_empty());
        let role = role.ok_or_else(|| "it has no role".to_owned())?;
        let answer = self.metadata(&get(format!("{roles}{}", encoded(role))))?;
        documents::metadata(&answer.content)
    }

    fn metadata(&self, request: &Request) -> Result<Response, String> {
        let answer = self.client.fetch(request).map_err(|error| format!("its metadata: {error}"))?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(format!("its metadata has status {}", answer.status))
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn form(action: &str, arn: &str, session_name: &str) -> String {
    let (arn, name) = (encoded(arn), encoded(session_name));
    format!("Action={action}&Version=2011-06-15&RoleArn={arn}&RoleSessionName={name}&DurationSeconds=3600")
}

fn text(answer: Response) -> String {
    String::from_utf8_lossy(&answer.content).trim().to_owned()
}

/// As a form and a path want it.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Whether the container's token may be sent there.
fn may_have_token(url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost"
        || CONTAINER_HOSTS.contains(&host)
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_on_this_machine() {
        for (url, want) in [
            ("https://a.test/x", true),
            ("http://127.0.0.1:80/x", true),
            ("http://localhost/x", true),
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("http://[::1]:80/x", true),
            ("http://a.test/x", false),
            ("http://127.0.0.1.a.test/x", false),
            ("http://127.0.0.1@a.test/x", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(may_have_token(url), want, "{url}");
        }
    }
}
