//! The gateway: a build held open, in which a client asks, solves and runs commands.

use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    PingRequest, PongResponse, ReturnRequest, llb_bridge_client::LlbBridgeClient,
};
use bollard_buildkit_proto::moby::buildkit::v1::{SolveRequest, SolveResponse};
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::digest::new_id;
use crate::{Connection, EngineError};

/// A new job needs a moment until calls can name it; measured 1 to 20 ms.
const KNOCKS: u32 = 100;
const BETWEEN_KNOCKS: Duration = Duration::from_millis(5);
const LARGEST_MESSAGE: usize = 64 << 20;

/// Names the job in every call.
#[derive(Clone)]
pub(crate) struct JobName(MetadataValue<Ascii>);

impl Interceptor for JobName {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("buildkit-controlapi-buildid", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Bridge = LlbBridgeClient<InterceptedService<Channel, JobName>>;

/// An open job. Dropping it cancels the job in the builder.
pub(crate) struct Job {
    pub(crate) bridge: Bridge,
    pub(crate) id: String,
    pub(crate) pong: PongResponse,
    solve: JoinHandle<Result<tonic::Response<SolveResponse>, tonic::Status>>,
}

impl Job {
    /// Opens a job of the session (may be empty) and waits until it answers.
    pub(crate) async fn open(connection: &Connection, session: &str) -> Result<Job, EngineError> {
        let id = new_id();
        let channel = connection.channel().await?;
        let mut control = connection.control().await?;
        let request = SolveRequest {
            r#ref: id.clone(),
            session: session.to_owned(),
            // No record in the builder's history: nothing is built for anybody to find.
            internal: true,
            ..SolveRequest::default()
        };
        let solve = tokio::spawn(async move { control.solve(request).await });
        let name = id.parse().expect("an id is letters and digits");
        let mut bridge = LlbBridgeClient::with_interceptor(channel, JobName(name))
            .max_decoding_message_size(LARGEST_MESSAGE);
        for _ in 0..KNOCKS {
            match bridge.ping(PingRequest::default()).await {
                Ok(pong) => return Ok(Job { bridge, id, pong: pong.into_inner(), solve }),
                Err(err) if solve.is_finished() => return Err(EngineError::status(&err)),
                Err(_) => tokio::time::sleep(BETWEEN_KNOCKS).await,
            }
        }
        solve.abort();
        let limit = BETWEEN_KNOCKS * KNOCKS;
        Err(EngineError::Silent { what: "the builder's gateway".to_owned(), limit })
    }

    /// Ends the job in good order: the builder lets go of its results.
    pub(crate) async fn close(mut self) {
        let end = ReturnRequest {
            result: Some(bollard_buildkit_proto::moby::buildkit::v1::frontend::Result::default()),
            error: None,
        };
        let _ = self.bridge.r#return(end).await;
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut self.solve).await;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.solve.abort();
    }
}

/// Identifiers of everything that the gateway of this builder offers.
pub(crate) async fn capabilities(connection: &Connection) -> Result<Vec<String>, EngineError> {
    let job = Job::open(connection, "").await?;
    let offered = job.pong.frontend_api_caps.iter().chain(&job.pong.llb_caps);
    let ids = offered.filter(|cap| cap.enabled).map(|cap| cap.id.clone()).collect();
    job.close().await;
    Ok(ids)
}
