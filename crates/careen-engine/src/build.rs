//! A build: one request to the builder, its events while it runs, and how it ended.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bollard_buildkit_proto::moby::buildkit::v1::{
    CacheOptions, CacheOptionsEntry, SolveRequest, StatusRequest, StatusResponse,
};
use careen_model::redact::names_a_secret;
use careen_model::{BuildEvent, Outcome, What};
use tokio::sync::mpsc;

use crate::digest::new_id;
use crate::events::Mapper;
use crate::rest::epoch;
use crate::session::{Credentials, FileSource, Ledger, Offer, Session};
use crate::{CancelToken, Connection, EngineError, failure};
use careen_model::SecretValues;

/// How often transfers are reported and the watchdog looks.
const BEAT: Duration = Duration::from_millis(100);
/// After the answer, or after a cancel, the last events are waited for this long.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Output {
    /// Into the engine's image store.
    #[default]
    Store,
    /// A `docker load` archive at this path. Engines without containerd store cannot give it:
    /// build into the store and use [`Connection::save_image`] there.
    DockerTar(PathBuf),
    /// An OCI layout as a tar archive at this path; same limits.
    OciTar(PathBuf),
    /// All files of the result as one tar archive at this path; every engine can give it.
    FilesTar(PathBuf),
    /// Nowhere: the steps run and the cache is filled.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pull {
    /// Use the engine's copy of a base image if there is one.
    #[default]
    IfMissing,
    /// Ask the registry for a newer one.
    Always,
}

/// Who reads the Dockerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Frontend {
    /// The image of the `# syntax=` line, if there is one. Needs a registry.
    #[default]
    AsWritten,
    /// The engine's own, whatever the `# syntax=` line says. Works without a registry.
    BuiltIn,
}

/// Whether the engine keeps a record of the build in its own history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineHistory {
    #[default]
    Keep,
    /// Saves the time for writing it. Old engines have no history anyway.
    Skip,
}

/// What to build. `Default` is `docker build` without options.
#[derive(Clone, Default)]
pub struct BuildRequest {
    /// Name of the file in the folder `dockerfile`; empty means `Dockerfile`.
    pub dockerfile: String,
    pub target: Option<String>,
    /// Names and values. Values are never shown by `Debug`.
    pub build_args: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
    /// Such as `linux/amd64`.
    pub platform: Option<String>,
    pub no_cache: bool,
    /// Content by id, for `RUN --mount=type=secret,id=…`. At most 500 KB each.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// As for `--cache-from`: `type=registry,ref=…`, or just an image name.
    pub cache_from: Vec<String>,
    /// As for `--cache-to`; `type=local` is not supported.
    pub cache_to: Vec<String>,
    /// Network of RUN steps, such as `none` or `host`.
    pub network: Option<String>,
    /// `name:tag` of the result.
    pub tags: Vec<String>,
    pub output: Output,
    pub pull: Pull,
    pub frontend: Frontend,
    pub history: EngineHistory,
    /// Names the builder's copy of the context: the same key sends only what changed.
    pub shared_key: String,
    /// What the builder calls the folders that it is sent, before `-context` and `-dockerfile`: its
    /// cache describes its copies of them so. Empty means `context` and `dockerfile`.
    pub folder_mark: String,
    /// Privileges granted to the build, such as `network.host`.
    pub allow: Vec<String>,
    /// Further attributes of the Dockerfile frontend, such as `add-hosts`.
    pub attributes: Vec<(String, String)>,
    /// Folder with `config.json`, for registry credentials; `None` for anonymous pulls.
    pub docker_config: Option<PathBuf>,
    /// After this long without any change, warn once. BuildKit waits for ever on a registry that
    /// stopped sending.
    pub silence: Option<Duration>,
}

impl fmt::Debug for BuildRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| {
            pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        f.debug_struct("BuildRequest")
            .field("dockerfile", &self.dockerfile)
            .field("target", &self.target)
            .field("build_args", &names(&self.build_args))
            .field("labels", &names(&self.labels))
            .field("platform", &self.platform)
            .field("no_cache", &self.no_cache)
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .field("tags", &self.tags)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// Id of the image in the engine's store, `sha256:…`.
    pub image_id: Option<String>,
    /// Digest of the manifest; of the configuration, where images have no manifest.
    pub digest: Option<String>,
    /// Everything the exporter told.
    pub response: BTreeMap<String, String>,
}

impl BuildRequest {
    pub(crate) fn redactor(&self) -> SecretValues {
        let secret = |(name, _): &&(String, String)| names_a_secret(name);
        let arguments = self.build_args.iter().filter(secret).map(|(_, value)| value.as_bytes());
        SecretValues::new(self.secrets.values().map(Vec::as_slice).chain(arguments))
    }

    /// Attributes of the Dockerfile frontend (buildkit `frontend/dockerui/config.go`).
    pub(crate) fn frontend_attributes(&self, is_engine: bool) -> HashMap<String, String> {
        let name = if self.dockerfile.is_empty() { "Dockerfile" } else { &self.dockerfile };
        let mut attributes = HashMap::from([("filename".to_owned(), name.to_owned())]);
        let mut set = |name: &str, value: &str| {
            attributes.insert(name.to_owned(), value.to_owned());
        };
        if let Some(target) = &self.target {
            set("target", target);
        }
        if let Some(platform) = &self.platform {
            set("platform", platform);
        }
        if let Some(network) = &self.network {
            set("force-network-mode", network);
        }
        if self.no_cache {
            set("no-cache", "");
        }
        if !self.folder_mark.is_empty() {
            set("contextkey", &format!("{}-context", self.folder_mark));
            set("dockerfilekey", &format!("{}-dockerfile", self.folder_mark));
        }
        match self.pull {
            Pull::Always => set("image-resolve-mode", "pull"),
            // What buildx asks of an engine's own builder: the store first, no registry.
            Pull::IfMissing if is_engine => set("image-resolve-mode", "local"),
            Pull::IfMissing => {}
        }
        match self.frontend {
            Frontend::AsWritten => {}
            // The frontend takes the presence of this attribute as "already forwarded" and does
            // not look at the `# syntax=` line (buildkit `frontend/dockerfile/builder/build.go`).
            Frontend::BuiltIn => set("cmdline", "built-in"),
        }
        for (name, value) in &self.build_args {
            set(&format!("build-arg:{name}"), value);
        }
        for (name, value) in &self.labels {
            set(&format!("label:{name}"), value);
        }
        for (name, value) in &self.attributes {
            set(name, value);
        }
        attributes
    }

    fn exporter(
        &self,
        connection: &Connection,
    ) -> Result<(String, HashMap<String, String>), EngineError> {
        let kind = match &self.output {
            Output::Store if connection.is_engine() => "moby",
            Output::Store => {
                let what = "an image in a store: this is a builder without an engine".to_owned();
                return Err(EngineError::Unsupported { what });
            }
            Output::DockerTar(_) => "docker",
            Output::OciTar(_) => "oci",
            Output::FilesTar(_) => "tar",
            Output::None => return Ok(Default::default()),
        };
        let mut attributes = HashMap::new();
        if !self.tags.is_empty() {
            attributes.insert("name".to_owned(), self.tags.join(","));
        }
        Ok((kind.to_owned(), attributes))
    }

    fn cache(&self) -> Result<CacheOptions, EngineError> {
        let imports = self.cache_from.iter().map(|text| cache_entry(text));
        let exports = self.cache_to.iter().map(|text| cache_entry(text));
        let (imports, exports) = (imports.collect::<Vec<_>>(), exports.collect::<Vec<_>>());
        if imports.iter().chain(&exports).any(|entry| entry.r#type == "local") {
            let what = "a build cache in a local folder".to_owned();
            return Err(EngineError::Unsupported { what });
        }
        Ok(CacheOptions { imports, exports, ..CacheOptions::default() })
    }

    fn receive(&self) -> Option<PathBuf> {
        match &self.output {
            Output::DockerTar(path) | Output::OciTar(path) | Output::FilesTar(path) => {
                Some(path.clone())
            }
            Output::Store | Output::None => None,
        }
    }

    pub(crate) fn offer(&self, files: Arc<dyn FileSource>, ledger: Arc<Ledger>) -> Offer {
        let credentials = self.docker_config.as_deref().map(Credentials::read).unwrap_or_default();
        Offer {
            files,
            ledger,
            secrets: Arc::new(self.secrets.clone()),
            credentials: Arc::new(credentials),
            receive: self.receive(),
            shared_key: self.shared_key.clone(),
            folder_mark: self.folder_mark.clone(),
        }
    }
}

/// `type=registry,ref=a` or just `a`.
fn cache_entry(text: &str) -> CacheOptionsEntry {
    if !text.contains('=') {
        let attrs = HashMap::from([("ref".to_owned(), text.to_owned())]);
        return CacheOptionsEntry { r#type: "registry".to_owned(), attrs };
    }
    let pairs = text.split(',').map(|part| part.split_once('=').unwrap_or((part, "")));
    let mut attrs: HashMap<String, String> =
        pairs.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect();
    let kind = attrs.remove("type").unwrap_or_else(|| "registry".to_owned());
    CacheOptionsEntry { r#type: kind, attrs }
}

/// Builds, telling every event from the calling thread as it comes.
///
/// Returns when the builder is done, the connection broke, or `cancel` was used; a cancelled
/// build is stopped in the builder before this returns. The last event is always `Ended`.
pub fn build(
    connection: &Connection,
    request: &BuildRequest,
    files: Arc<dyn FileSource>,
    on_event: &mut dyn FnMut(&BuildEvent),
    cancel: &CancelToken,
) -> Result<Built, EngineError> {
    let started = Started::now();
    let ledger = Arc::new(Ledger::default());
    let result = connection.block_on(async {
        let prepared = prepare(connection, request, files, &ledger);
        let (session, solve) = tokio::select! {
            prepared = prepared => prepared?,
            () = cancel.cancelled() => return Err(EngineError::Cancelled),
        };
        let mut watch = Watch::new(started, request, ledger.clone(), on_event);
        let result = run(connection, solve, &mut watch, cancel).await;
        drop(session);
        result
    });
    let outcome = match &result {
        Ok(_) => Outcome::Built,
        Err(EngineError::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    };
    on_event(&BuildEvent { at: started.instant.elapsed(), what: What::Ended { outcome } });
    result.map(|response| built(response, &request.output))
}

/// The engine names an image by the digest of its configuration, or of its manifest where images
/// live in the containerd store; either is what it tells as the image's digest.
fn built(response: HashMap<String, String>, output: &Output) -> Built {
    let response: BTreeMap<_, _> = response.into_iter().collect();
    let digest = response.get("containerimage.digest").cloned();
    let image_id = digest.clone().filter(|_| *output == Output::Store);
    Built { image_id, digest, response }
}

#[derive(Clone, Copy)]
pub(crate) struct Started {
    instant: Instant,
    epoch: f64,
}

impl Started {
    pub(crate) fn now() -> Started {
        Started { instant: Instant::now(), epoch: epoch(SystemTime::now()) }
    }

    fn now_epoch(self) -> f64 {
        self.epoch + self.instant.elapsed().as_secs_f64()
    }
}

async fn prepare(
    connection: &Connection,
    request: &BuildRequest,
    files: Arc<dyn FileSource>,
    ledger: &Arc<Ledger>,
) -> Result<(Session, SolveRequest), EngineError> {
    let (exporter, exporter_attributes) = request.exporter(connection)?;
    let cache = request.cache()?;
    // Both take a round trip, so they take it together.
    let (session, channel) = tokio::join!(
        Session::open(connection, request.offer(files, ledger.clone())),
        connection.channel(),
    );
    let (session, _) = (session?, channel?);
    let solve = SolveRequest {
        r#ref: new_id(),
        session: session.id.clone(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: request.frontend_attributes(connection.is_engine()),
        // The old fields are the ones that every generation understands.
        exporter_deprecated: exporter,
        exporter_attrs_deprecated: exporter_attributes,
        cache: Some(cache),
        entitlements: request.allow.clone(),
        internal: request.history == EngineHistory::Skip,
        ..SolveRequest::default()
    };
    Ok((session, solve))
}

/// Everything that looks at a build while it runs.
pub(crate) struct Watch<'a> {
    started: Started,
    mapper: Mapper,
    ledger: Arc<Ledger>,
    on_event: &'a mut dyn FnMut(&BuildEvent),
    silence: Option<Duration>,
    changed: Instant,
    warned: bool,
    /// The first step that ended with an error of its own.
    failed: Option<String>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        started: Started,
        request: &BuildRequest,
        ledger: Arc<Ledger>,
        on_event: &'a mut dyn FnMut(&BuildEvent),
    ) -> Watch<'a> {
        Watch {
            started,
            mapper: Mapper::new(started.epoch, request.redactor(), &request.folder_mark),
            ledger,
            on_event,
            silence: request.silence,
            changed: Instant::now(),
            warned: false,
            failed: None,
        }
    }

    fn message(&mut self, message: &StatusResponse) {
        self.changed = Instant::now();
        for event in self.mapper.map(message, self.started.now_epoch()) {
            if let What::StepEnded { step, error: Some(error) } = &event.what
                && !error.contains("context canceled")
            {
                self.failed.get_or_insert_with(|| step.clone());
            }
            (self.on_event)(&event);
        }
    }

    fn beat(&mut self) {
        for transfer in self.ledger.news() {
            self.changed = Instant::now();
            let at = self.started.instant.elapsed();
            (self.on_event)(&BuildEvent { at, what: What::Sent(transfer) });
        }
        let Some(silence) = self.silence else { return };
        if !self.warned && self.changed.elapsed() >= silence {
            self.warned = true;
            let seconds = silence.as_secs();
            let message = format!(
                "nothing has changed for {seconds} s: the builder may be waiting for a registry or a lock"
            );
            let at = self.started.instant.elapsed();
            (self.on_event)(&BuildEvent { at, what: What::Warned { message } });
        }
    }

    /// The situation behind a failed answer.
    pub(crate) fn judge(&self, status: &tonic::Status) -> EngineError {
        if let Some(message) = self.ledger.refused() {
            return EngineError::Context { message };
        }
        failure::judge(status, self.mapper.redactor(), self.failed.clone())
    }

    /// Runs `answer` to its end while telling the events of the build `id`.
    pub(crate) async fn during<T: Send + 'static>(
        &mut self,
        connection: &Connection,
        id: String,
        answer: impl Future<Output = Result<T, tonic::Status>> + Send + 'static,
        cancel: &CancelToken,
        last_words: Duration,
    ) -> Result<T, EngineError> {
        let mut messages = follow(connection, id).await?;
        let mut answer = tokio::spawn(answer);
        let mut beat = tokio::time::interval(BEAT);
        let answer = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    answer.abort();
                    let _ = tokio::time::timeout(last_words, self.drain(&mut messages)).await;
                    return Err(EngineError::Cancelled);
                }
                Some(message) = messages.recv() => self.message(&message),
                answer = &mut answer => break answer,
                _ = beat.tick() => self.beat(),
            }
        };
        let _ = tokio::time::timeout(last_words, self.drain(&mut messages)).await;
        self.beat();
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(status)) => Err(self.judge(&status)),
            Err(err) => Err(EngineError::broken(err)),
        }
    }

    async fn drain(&mut self, messages: &mut mpsc::Receiver<StatusResponse>) {
        while let Some(message) = messages.recv().await {
            self.message(&message);
        }
        self.beat();
    }
}

/// The status messages of a build, from before it exists to its end.
async fn follow(
    connection: &Connection,
    id: String,
) -> Result<mpsc::Receiver<StatusResponse>, EngineError> {
    let (sender, receiver) = mpsc::channel(64);
    let mut control = connection.control().await?;
    tokio::spawn(async move {
        // An error here is also the answer's error, which is reported.
        let Ok(stream) = control.status(StatusRequest { r#ref: id }).await else { return };
        let mut stream = stream.into_inner();
        while let Ok(Some(message)) = stream.message().await {
            if sender.send(message).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

async fn run(
    connection: &Connection,
    solve: SolveRequest,
    watch: &mut Watch<'_>,
    cancel: &CancelToken,
) -> Result<HashMap<String, String>, EngineError> {
    let id = solve.r#ref.clone();
    let mut control = connection.control().await?;
    let answer = async move { control.solve(solve).await };
    let answer = watch.during(connection, id, answer, cancel, LAST_WORDS).await?;
    Ok(answer.into_inner().exporter_response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_named_as_on_the_command_line() {
        let entry = cache_entry("type=registry,ref=reg:5000/a,mode=max");
        assert_eq!((entry.r#type.as_str(), entry.attrs["mode"].as_str()), ("registry", "max"));
        assert_eq!(cache_entry("reg:5000/a:b").attrs["ref"], "reg:5000/a:b");
    }

    #[test]
    fn values_of_arguments_and_secrets_are_not_shown() {
        let request = BuildRequest {
            build_args: vec![("TOKEN".into(), "hunter2".into())],
            secrets: BTreeMap::from([("key".into(), b"hunter3".to_vec())]),
            ..BuildRequest::default()
        };
        let text = format!("{request:?}");
        assert!(
            text.contains("TOKEN") && text.contains("key") && !text.contains("hunter"),
            "{text}"
        );
    }
}
