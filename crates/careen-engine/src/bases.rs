//! Which platform a base image has, as the builder itself would take it.
//!
//! The answer is the builder's, because the image store's is another question: an engine with the
//! classic store asks the registry when its own image is for another platform, one with the
//! containerd store takes it (both seen).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::ListWorkersRequest;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::ResolveImageConfigRequest;
use bollard_buildkit_proto::pb;
use careen_model::Why;
use serde::Deserialize;

use crate::connection::within;
use crate::facts::why;
use crate::gateway::Job;
use crate::rest::PATIENT;
use crate::session::{Credentials, Offer, Session, SyncEntry, SyncRequest};
use crate::{Connection, EngineError, FileSource};

/// A registry that does not answer holds a builder up for 20 s (seen).
const LIMIT: Duration = Duration::from_secs(30);

/// An image to be looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskedBase {
    /// With registry and tag: `docker.io/library/debian:12`.
    pub reference: String,
    /// `os/arch[/variant]` that is wanted.
    pub platform: String,
}

/// What the builder would start a stage from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBase {
    /// `os/arch[/variant]`.
    pub platform: String,
    /// Without a layer it is as good as `scratch`, and its platform means nothing.
    pub is_empty: bool,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: String,
    #[serde(default)]
    rootfs: Layers,
    #[serde(default)]
    history: Vec<Step>,
}

#[derive(Default, Deserialize)]
struct Layers {
    #[serde(default)]
    diff_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    empty_layer: bool,
}

impl Connection {
    /// The platforms whose programs the builder can run, its own first.
    pub fn builder_platforms(&self) -> Result<Vec<String>, EngineError> {
        self.block_on(within(PATIENT, "the BuildKit worker", async {
            let answer = self.control().await?.list_workers(ListWorkersRequest::default()).await;
            let workers = answer.map_err(|err| EngineError::status(&err))?.into_inner().record;
            Ok(workers.first().map(|first| first.platforms.iter().map(name).collect()))
        }))
        .map(Option::unwrap_or_default)
    }

    /// Looks images up in the builder, which may ask their registries; nothing is pulled. Each
    /// answer is in the place of its question.
    pub fn base_images(
        &self,
        asked: &[AskedBase],
        docker_config: &Path,
    ) -> Result<Vec<Result<FoundBase, Why>>, EngineError> {
        self.block_on(async {
            let session = Session::open(self, nothing_but_credentials(docker_config)).await?;
            let job = Job::open(self, &session.id).await?;
            let mut questions = Vec::new();
            for base in asked {
                let mut bridge = job.bridge.clone();
                let request = ResolveImageConfigRequest {
                    r#ref: base.reference.clone(),
                    platform: Some(platform(&base.platform)),
                    log_name: format!("load metadata for {}", base.reference),
                    ..ResolveImageConfigRequest::default()
                };
                let what = base.reference.clone();
                questions.push(tokio::spawn(async move {
                    let answer = within(LIMIT, &what, async {
                        let answer = bridge.resolve_image_config(request).await;
                        Ok(answer.map_err(|err| EngineError::status(&err))?.into_inner().config)
                    });
                    let config = answer.await.map_err(|err| why(&what, &err))?;
                    read(&config).map_err(|error| Why::Unreadable { what, error })
                }));
            }
            let mut answers = Vec::new();
            for question in questions {
                answers.push(question.await.map_err(EngineError::broken)?);
            }
            job.close().await;
            drop(session);
            Ok(answers)
        })
    }
}

fn read(config: &[u8]) -> Result<FoundBase, String> {
    let read: Configuration = serde_json::from_slice(config).map_err(|err| err.to_string())?;
    if read.os.is_empty() || read.architecture.is_empty() {
        return Err("it names no platform".to_owned());
    }
    // Images of the first format tell of their layers in the history alone.
    let is_empty =
        read.rootfs.diff_ids.is_empty() && read.history.iter().all(|step| step.empty_layer);
    let platform = pb::Platform {
        os: read.os,
        architecture: read.architecture,
        variant: read.variant,
        ..pb::Platform::default()
    };
    Ok(FoundBase { platform: name(&platform), is_empty })
}

fn name(platform: &pb::Platform) -> String {
    let pb::Platform { os, architecture, variant, .. } = platform;
    match variant.as_str() {
        "" => format!("{os}/{architecture}"),
        variant => format!("{os}/{architecture}/{variant}"),
    }
}

fn platform(name: &str) -> pb::Platform {
    let mut parts = name.splitn(3, '/').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    pb::Platform { os: next(), architecture: next(), variant: next(), ..pb::Platform::default() }
}

fn nothing_but_credentials(docker_config: &Path) -> Offer {
    Offer {
        files: Arc::new(NoFiles),
        ledger: Arc::default(),
        secrets: Arc::default(),
        credentials: Arc::new(Credentials::read(docker_config)),
        receive: None,
        shared_key: String::new(),
        folder_mark: String::new(),
    }
}

/// Nobody asks for files to look an image up.
struct NoFiles;

impl FileSource for NoFiles {
    fn list(&self, _: &SyncRequest) -> Result<Vec<SyncEntry>, String> {
        Err("no files are sent to look up an image".to_owned())
    }

    fn open(&self, _: &str, _: &[u8]) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_tells_the_platform() {
        let check = |config: &str, expected: &str| {
            let read = read(config.as_bytes());
            let shown = match read {
                Ok(FoundBase { platform, is_empty: true }) => format!("{platform}, no layers"),
                Ok(FoundBase { platform, .. }) => platform,
                Err(error) => error,
            };
            assert_eq!(shown, expected, "{config}");
        };
        let layers = r#""rootfs":{"type":"layers","diff_ids":["sha256:1"]}"#;
        check(&format!(r#"{{"os":"linux","architecture":"amd64",{layers}}}"#), "linux/amd64");
        check(
            &format!(r#"{{"os":"linux","architecture":"arm","variant":"v7",{layers}}}"#),
            "linux/arm/v7",
        );
        check(r#"{"os":"linux","architecture":"arm64"}"#, "linux/arm64, no layers");
        check(
            r#"{"os":"linux","architecture":"arm64","history":[{"created_by":"x"}]}"#,
            "linux/arm64",
        );
        check(
            r#"{"os":"linux","architecture":"s390x","history":[{"empty_layer":true}]}"#,
            "linux/s390x, no layers",
        );
        check(r#"{"architecture":"amd64"}"#, "it names no platform");
        check("[", "EOF while parsing a list at line 1 column 1");
    }

    #[test]
    fn names_of_platforms_go_both_ways() {
        for text in ["linux/amd64", "linux/arm/v6", "windows/amd64"] {
            assert_eq!(name(&platform(text)), text);
        }
    }
}
