//! Registry credentials, as the Docker client keeps them. Never printed, never logged.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
    VerifyTokenAuthorityResponse,
};
use serde::Deserialize;
use tonic::{Request, Response, Status};

/// The key under which `docker login` stores Docker Hub.
const HUB: &str = "https://index.docker.io/v1/";

/// The part of `config.json` that speaks of registries.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Credentials {
    auths: BTreeMap<String, Entry>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FromHelper {
    username: String,
    secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials for {} registries", self.auths.len() + self.helpers.len())
    }
}

impl Credentials {
    /// Reads `config.json` of this folder; a missing or odd file means that there are none.
    pub(crate) fn read(folder: &Path) -> Credentials {
        std::fs::read_to_string(folder.join("config.json"))
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    /// Name and secret for a registry host; empty for an anonymous pull. An identity token
    /// comes without a name.
    fn of(&self, host: &str) -> Result<(String, String), String> {
        let key = if host == "registry-1.docker.io" || host == "docker.io" { HUB } else { host };
        let helper = self.helpers.get(key).or_else(|| self.helpers.get(host));
        let helper = helper.or(Some(&self.store)).filter(|name| !name.is_empty());
        if let Some(helper) = helper {
            return ask_helper(helper, key);
        }
        let with_scheme = format!("https://{host}");
        let entry = [key, host, &with_scheme].iter().find_map(|key| self.auths.get(*key));
        Ok(entry.map(Entry::open).unwrap_or_default())
    }
}

impl Entry {
    fn open(&self) -> (String, String) {
        if !self.identitytoken.is_empty() {
            return (String::new(), self.identitytoken.clone());
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(self.auth.trim());
        let text = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            Some((name, secret)) => (name.to_owned(), secret.trim_end_matches('\0').to_owned()),
            None => (self.username.clone(), self.password.clone()),
        }
    }
}

/// The protocol of credential helpers: the registry on standard input, JSON on standard output.
fn ask_helper(name: &str, registry: &str) -> Result<(String, String), String> {
    let program = format!("docker-credential-{name}");
    let failed = |err: std::io::Error| format!("credential helper {program}: {err}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut input = child.stdin.take().expect("piped above");
    input.write_all(registry.as_bytes()).map_err(failed)?;
    drop(input);
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        let answer: FromHelper = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("credential helper {program} gave an unreadable answer"))?;
        let is_token = answer.username == "<token>";
        return Ok((if is_token { String::new() } else { answer.username }, answer.secret));
    }
    if String::from_utf8_lossy(&output.stdout).contains("credentials not found") {
        return Ok(Default::default());
    }
    Err(format!("credential helper {program} failed for {registry}"))
}

pub(super) struct Service(pub(super) Arc<Credentials>);

#[tonic::async_trait]
impl Auth for Service {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let credentials = self.0.clone();
        let host = request.into_inner().host;
        let found = tokio::task::spawn_blocking(move || credentials.of(&host)).await;
        match found {
            Ok(Ok((username, secret))) => {
                Ok(Response::new(CredentialsResponse { username, secret }))
            }
            Ok(Err(reason)) => Err(Status::unavailable(reason)),
            Err(_) => Err(Status::internal("the credentials could not be read")),
        }
    }

    // Not offered in the session's list of methods: the builder fetches its own tokens then.
    async fn fetch_token(
        &self,
        _: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("tokens"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("tokens"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("tokens"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_as_the_docker_client_stores_them() {
        let text = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "bWU6aHVudGVyOjI="},
            "reg:5000": {"username": "a", "password": "b"},
            "ghcr.io": {"identitytoken": "tok"}}}"#;
        let credentials: Credentials = serde_json::from_str(text).unwrap();
        for (host, name, secret) in [
            ("registry-1.docker.io", "me", "hunter:2"),
            ("reg:5000", "a", "b"),
            ("ghcr.io", "", "tok"),
            ("quay.io", "", ""),
        ] {
            assert_eq!(credentials.of(host).unwrap(), (name.to_owned(), secret.to_owned()));
        }
        assert!(!format!("{credentials:?}").contains("hunter"));
    }

    #[test]
    fn a_helper_that_does_not_exist_is_named() {
        let text = r#"{"credHelpers": {"reg:5000": "careen-does-not-exist"}}"#;
        let credentials: Credentials = serde_json::from_str(text).unwrap();
        let reason = credentials.of("reg:5000").unwrap_err();
        assert!(reason.starts_with("credential helper docker-credential-careen-does-not-exist:"));
    }
}
