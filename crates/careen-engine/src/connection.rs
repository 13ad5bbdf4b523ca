//! One engine or builder, with the runtime that talks to it hidden inside.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, Notify};
use tonic::transport::{Channel, Endpoint as GrpcEndpoint};

use careen_model::engine::Endpoint;

use crate::endpoint::{Route, Target};
use crate::{EngineError, dial, error};

/// Status and cache listings of big builders exceed tonic's 4 MiB; buildx allows 16 MiB.
const LARGEST_MESSAGE: usize = 64 << 20;

/// Talks to one engine or builder. Cheap to clone; every call blocks its own thread only, so
/// several threads may use one connection.
#[derive(Clone)]
pub struct Connection {
    threads: Arc<Threads>,
    pub(crate) target: Target,
    channel: Arc<Mutex<Option<Channel>>>,
}

/// The runtime. Dropping it does not wait: a walk of a slow mount that a cancelled build began
/// must not keep the program from ending.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Connection {
    /// Prepares to talk to the target; nothing is opened before the first question.
    pub fn new(target: &Target) -> Result<Connection, EngineError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("engine")
            .enable_all()
            .build()
            .map_err(|err| EngineError::local("a thread for the engine", err))?;
        Ok(Connection {
            threads: Arc::new(Threads(Some(runtime))),
            target: target.clone(),
            channel: Arc::default(),
        })
    }

    /// Prepares to talk to the target and makes sure that somebody answers, in at most 2 s
    /// (10 s for builders behind a program).
    pub fn open(target: &Target) -> Result<Connection, EngineError> {
        let connection = Connection::new(target)?;
        if target.is_engine() {
            connection.ping()?;
        } else {
            // Opening a channel asks nothing of the other side; a question does.
            connection.block_on(connection.worker(dial::patience(&target.route)))?;
        }
        Ok(connection)
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.target.endpoint
    }

    /// Whether there is a REST interface and an image store, as against a bare builder.
    pub fn is_engine(&self) -> bool {
        self.target.is_engine()
    }

    pub(crate) fn route(&self) -> &Route {
        &self.target.route
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let runtime = self.threads.0.as_ref().expect("taken only when dropped");
        runtime.block_on(future)
    }

    /// The gRPC channel, opened once.
    pub(crate) async fn channel(&self) -> Result<Channel, EngineError> {
        let mut slot = self.channel.lock().await;
        if let Some(channel) = &*slot {
            return Ok(channel.clone());
        }
        let channel = open_channel(self.route().clone()).await?;
        *slot = Some(channel.clone());
        Ok(channel)
    }

    pub(crate) async fn control(&self) -> Result<ControlClient<Channel>, EngineError> {
        let channel = self.channel().await?;
        Ok(ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE))
    }
}

async fn open_channel(route: Route) -> Result<Channel, EngineError> {
    let limit = dial::patience(&route);
    let what = match &route {
        Route::Program(argv) => format!("`{}`", argv.join(" ")),
        _ => "BuildKit".to_owned(),
    };
    let connector = tower::service_fn(move |_| {
        let route = route.clone();
        async move { dial::buildkit(&route).await.map(hyper_util::rt::TokioIo::new) }
    });
    let endpoint = GrpcEndpoint::from_static("http://buildkit")
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20);
    match tokio::time::timeout(limit, endpoint.connect_with_connector(connector)).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(err)) => Err(error::transport(&err)),
        Err(_) => Err(EngineError::Silent { what, limit }),
    }
}

/// Stops a running build, from any thread. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    cancelled: AtomicBool,
    changed: Notify,
}

impl CancelToken {
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Asks to stop. Further calls do nothing.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) async fn cancelled(&self) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // Registering before looking: a cancel in between is not lost.
            changed.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            changed.await;
        }
    }
}

/// Waits for an answer no longer than `limit`; `what` names the question in the error.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    future: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(limit, future).await {
        Ok(result) => result,
        Err(_) => Err(EngineError::Silent { what: what.to_owned(), limit }),
    }
}
