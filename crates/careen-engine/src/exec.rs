//! Commands in the result of a build, in the builder: nothing is exported, no image is made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard_buildkit_proto::moby::buildkit::v1::frontend as gateway_api;
use bollard_buildkit_proto::pb;
use careen_model::BuildEvent;
use gateway_api::exec_message::Input;
use gateway_api::{
    ExecMessage, InitMessage, NewContainerRequest, ReleaseContainerRequest, SolveRequest,
};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::build::{Started, Watch};
use crate::command::{Channel, Exec, ExecOutput, RootFs};
use crate::digest::new_id;
use crate::gateway::{Bridge, Job};
use crate::session::{FileSource, Ledger, Session};
use crate::{BuildRequest, CancelToken, Connection, EngineError, ImageConfig};

/// Where programs are looked for when the image does not say (Docker's own default).
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Releasing a container kills what runs in it.
const RELEASE: Duration = Duration::from_secs(10);

/// The job stays open, so its events have no end; what is under way comes within this.
const STRAGGLERS: Duration = Duration::from_millis(20);

/// A finished build that is held open in the builder. Dropping it lets the builder forget it.
pub struct BuildResult {
    connection: Connection,
    job: Option<Job>,
    _session: Session,
    reference: String,
    config: ImageConfig,
}

impl std::fmt::Debug for BuildResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuildResult").field("reference", &self.reference).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct ImageFile {
    #[serde(default)]
    config: ImageConfig,
}

/// Builds (from the cache, where it can) and keeps the result for [`BuildResult::exec`].
/// Output, tags and cache exports of the request are not used; `Ended` is not told, because the
/// build is held open.
pub fn open_result(
    connection: &Connection,
    request: &BuildRequest,
    files: Arc<dyn FileSource>,
    on_event: &mut dyn FnMut(&BuildEvent),
    cancel: &CancelToken,
) -> Result<BuildResult, EngineError> {
    let asked = Asked { request, files, depth: Depth::Run };
    let held = connection.block_on(hold(connection, asked, on_event, cancel))?;
    let reference = reference(&held.result)
        .ok_or_else(|| EngineError::Unsupported { what: "a result without files".to_owned() })?;
    let config = held.result.metadata.get("containerimage.config");
    let config = config.and_then(|bytes| serde_json::from_slice::<ImageFile>(bytes).ok());
    Ok(BuildResult {
        connection: connection.clone(),
        job: Some(held.job),
        _session: held.session,
        reference: reference.id,
        config: config.map(|file| file.config).unwrap_or_default(),
    })
}

/// How far a held build goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The Dockerfile is read and nothing runs.
    Plan,
    Run,
}

pub(crate) struct Asked<'a> {
    pub(crate) request: &'a BuildRequest,
    pub(crate) files: Arc<dyn FileSource>,
    pub(crate) depth: Depth,
}

/// A build whose job is still open.
pub(crate) struct Held {
    pub(crate) session: Session,
    pub(crate) job: Job,
    pub(crate) result: gateway_api::Result,
}

pub(crate) async fn hold(
    connection: &Connection,
    asked: Asked<'_>,
    on_event: &mut dyn FnMut(&BuildEvent),
    cancel: &CancelToken,
) -> Result<Held, EngineError> {
    let Asked { request, files, depth } = asked;
    let started = Started::now();
    let ledger = Arc::new(Ledger::default());
    let session = Session::open(connection, request.offer(files, ledger.clone())).await?;
    let job = Job::open(connection, &session.id).await?;
    let solve = SolveRequest {
        frontend: "dockerfile.v0".to_owned(),
        frontend_opt: request.frontend_attributes(connection.is_engine()),
        allow_result_return: true,
        allow_result_array_ref: true,
        evaluate: depth == Depth::Run,
        ..SolveRequest::default()
    };
    let mut bridge = job.bridge.clone();
    let answer = async move { bridge.solve(solve).await };
    let mut watch = Watch::new(started, request, ledger, on_event);
    let answer = watch.during(connection, job.id.clone(), answer, cancel, STRAGGLERS).await?;
    Ok(Held { session, job, result: answer.into_inner().result.unwrap_or_default() })
}

/// The one result, in any of the shapes that generations of BuildKit give it.
pub(crate) fn reference(result: &gateway_api::Result) -> Option<gateway_api::Ref> {
    use gateway_api::result::Result as Shape;
    let bare = |id: &String| gateway_api::Ref { id: id.clone(), def: None };
    let found = match result.result.as_ref()? {
        Shape::Ref(one) => Some(one.clone()),
        Shape::RefDeprecated(id) => Some(bare(id)),
        Shape::Refs(map) => map.refs.values().next().cloned(),
        Shape::RefsDeprecated(map) => map.refs.values().next().map(bare),
    };
    found.filter(|reference| !reference.id.is_empty())
}

impl BuildResult {
    /// How containers of the result start.
    pub fn config(&self) -> &ImageConfig {
        &self.config
    }

    /// Runs a command in the result: no network, no entry point, killed at its limit. Several
    /// threads may do so at once; each command has its own copy of the file tree.
    ///
    /// [`RootFs::ReadOnly`] is not supported: both test engines take the mount's flag and let
    /// the command write (measured on 20.10 and 28.5).
    pub fn exec(&self, exec: &Exec, cancel: &CancelToken) -> Result<ExecOutput, EngineError> {
        if exec.root == RootFs::ReadOnly {
            let what = "a read-only file tree in the result of a build".to_owned();
            return Err(EngineError::Unsupported { what });
        }
        self.connection.block_on(async {
            let job = self.job.as_ref().expect("taken only when dropped");
            let mut bridge = job.bridge.clone();
            let container = new_id();
            let started = Instant::now();
            let mut output = ExecOutput::default();
            let running = self.run(&mut bridge, &container, exec, &mut output);
            let result = tokio::select! {
                result = tokio::time::timeout(exec.limit, running) => result,
                () = cancel.cancelled() => Ok(Err(EngineError::Cancelled)),
            };
            let mut bridge = job.bridge.clone();
            let release =
                bridge.release_container(ReleaseContainerRequest { container_id: container });
            let _ = tokio::time::timeout(RELEASE, release).await;
            output.took = started.elapsed();
            match result {
                Ok(result) => result?,
                Err(_) => output.timed_out = true,
            }
            match never_started(&output) {
                Some(message) => Err(EngineError::Refused { status: 2, message }),
                None => Ok(output),
            }
        })
    }

    async fn run(
        &self,
        bridge: &mut Bridge,
        container: &str,
        exec: &Exec,
        output: &mut ExecOutput,
    ) -> Result<(), EngineError> {
        let root = pb::Mount {
            dest: "/".to_owned(),
            result_id: self.reference.clone(),
            mount_type: pb::MountType::Bind as i32,
            ..pb::Mount::default()
        };
        let request = NewContainerRequest {
            container_id: container.to_owned(),
            mounts: vec![root],
            network: pb::NetMode::None as i32,
            ..NewContainerRequest::default()
        };
        bridge.new_container(request).await.map_err(|err| EngineError::status(&err))?;
        let (sender, receiver) = mpsc::channel(4);
        let process = new_id();
        let init = InitMessage {
            container_id: container.to_owned(),
            meta: Some(self.meta(exec)),
            fds: vec![1, 2],
            ..InitMessage::default()
        };
        let message = ExecMessage { process_id: process, input: Some(Input::Init(init)) };
        let gone = || EngineError::broken("the builder closed the process");
        sender.send(message).await.map_err(|_| gone())?;
        let answers = bridge.exec_process(ReceiverStream::new(receiver)).await;
        let mut answers = answers.map_err(|err| EngineError::status(&err))?.into_inner();
        while let Some(message) =
            answers.message().await.map_err(|err| EngineError::status(&err))?
        {
            match message.input {
                Some(Input::File(file)) => {
                    let channel = if file.fd == 2 { Channel::Err } else { Channel::Out };
                    output.take(channel, &file.data);
                }
                Some(Input::Exit(exit)) => exited(&exit, output)?,
                Some(Input::Done(_)) => return Ok(()),
                _ => {}
            }
        }
        if output.code.is_some() { Ok(()) } else { Err(gone()) }
    }

    fn meta(&self, exec: &Exec) -> pb::Meta {
        let config = &self.config;
        let mut env = config.env.clone();
        if !env.iter().any(|pair| pair.starts_with("PATH=")) {
            env.push(PATH.to_owned());
        }
        for pair in &exec.env {
            let name = pair.split_once('=').map_or(pair.as_str(), |(name, _)| name);
            env.retain(|known| known.split_once('=').map(|(known, _)| known) != Some(name));
            env.push(pair.clone());
        }
        let folder = exec.working_dir.as_ref().unwrap_or(&config.working_dir);
        pb::Meta {
            args: exec.argv.clone(),
            env,
            cwd: if folder.is_empty() { "/".to_owned() } else { folder.clone() },
            user: exec.user.as_ref().unwrap_or(&config.user).clone(),
            ..pb::Meta::default()
        }
    }
}

/// The exit message, which also tells when the command could not be started.
fn exited(exit: &gateway_api::ExitMessage, output: &mut ExecOutput) -> Result<(), EngineError> {
    // BuildKit's word for "it never ran" (`UnknownExitStatus`).
    const NEVER_RAN: u32 = 255;
    match &exit.error {
        Some(error) if exit.code == NEVER_RAN || exit.code == 0 => {
            Err(EngineError::Refused { status: 2, message: error.message.clone() })
        }
        _ => {
            output.code = i32::try_from(exit.code).ok();
            Ok(())
        }
    }
}

/// The builder does not tell a command that failed from one that could not be started; the
/// runtime's own words on the command's stderr do (runc 1.1, and runc before 1.1).
fn never_started(output: &ExecOutput) -> Option<String> {
    const WORDS: [&str; 2] =
        ["runc run failed: unable to start container process", "starting container process caused"];
    let text = String::from_utf8_lossy(&output.stderr);
    let is_runtime = output.code == Some(1) && output.stdout.is_empty();
    (is_runtime && WORDS.iter().any(|words| text.contains(words))).then(|| text.trim().to_owned())
}

impl Drop for BuildResult {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.connection.block_on(job.close());
        }
    }
}
