//! The client's side of a build: what the builder may ask of us while it works.
//!
//! A session is a gRPC server at our end of a connection that we opened. Over the engine's
//! `/session` upgrade the first transfer takes a third less time than over `Control.Session`, which
//! nests gRPC in gRPC (measured), so the upgrade is used wherever there is an engine.

mod auth;
mod receive;
mod sync;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::buildkit::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::FileSendServer;
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSyncServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::dial::{self, Pipe};
use crate::digest::new_id;
use crate::{Connection, EngineError};

pub(crate) use auth::Credentials;
pub(crate) use sync::Ledger;
pub use sync::{FileSource, SyncEntry, SyncRequest};

const LARGEST_MESSAGE: usize = 16 << 20;
const NAME: &str = "careen";

/// What this build lets the builder have.
pub(crate) struct Offer {
    pub(crate) files: Arc<dyn FileSource>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) secrets: Arc<BTreeMap<String, Vec<u8>>>,
    pub(crate) credentials: Arc<Credentials>,
    /// Where the archive goes that an exporter sends back.
    pub(crate) receive: Option<PathBuf>,
    /// Names the copy of the context that the builder keeps and updates.
    pub(crate) shared_key: String,
    /// What the builder says before the names of our folders.
    pub(crate) folder_mark: String,
}

/// An open session. Dropping it closes the connection.
pub(crate) struct Session {
    pub(crate) id: String,
    _stop: oneshot::Sender<()>,
}

impl Session {
    pub(crate) async fn open(
        connection: &Connection,
        offer: Offer,
    ) -> Result<Session, EngineError> {
        let id = new_id();
        let mut headers = vec![
            ("x-docker-expose-session-uuid", id.clone()),
            ("x-docker-expose-session-name", NAME.to_owned()),
            ("x-docker-expose-session-sharedkey", offer.shared_key.clone()),
        ];
        for method in methods(offer.receive.is_some()) {
            headers.push(("x-docker-expose-session-grpc-method", method.to_owned()));
        }
        let pipe = if connection.is_engine() {
            dial::upgrade(connection.route(), "/session", &headers).await?
        } else {
            nested(connection, &headers).await?
        };
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve(pipe, offer, stopped));
        Ok(Session { id, _stop: stop })
    }
}

fn methods(receives: bool) -> Vec<&'static str> {
    let mut methods = vec![
        "/grpc.health.v1.Health/Check",
        "/moby.filesync.v1.FileSync/DiffCopy",
        "/moby.filesync.v1.Auth/Credentials",
        "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    ];
    if receives {
        methods.push("/moby.filesync.v1.FileSend/DiffCopy");
    }
    methods
}

async fn serve(pipe: Pipe, offer: Offer, stopped: oneshot::Receiver<()>) {
    let files = sync::Files {
        source: offer.files,
        ledger: offer.ledger,
        mark: format!("{}-", offer.folder_mark),
    };
    let receive = offer.receive.map(|path| {
        FileSendServer::new(receive::Archive { path }).max_decoding_message_size(LARGEST_MESSAGE)
    });
    let router = tonic::transport::Server::builder()
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
        .add_service(HealthServer::new(Alive))
        .add_service(FileSyncServer::new(files).max_decoding_message_size(LARGEST_MESSAGE))
        .add_service(AuthServer::new(auth::Service(offer.credentials)))
        .add_service(SecretsServer::new(SecretStore(offer.secrets)))
        .add_optional_service(receive);
    // One connection, and no end of the list: the server must not stop accepting, which would
    // stop it serving.
    let one = tokio_stream::once(Ok::<_, std::io::Error>(pipe)).chain(tokio_stream::pending());
    let end = async {
        let _ = stopped.await;
    };
    // An error here is a broken connection; the build itself reports it better.
    let _ = router.serve_with_incoming_shutdown(one, end).await;
}

/// A session inside the BuildKit channel, for builders without an engine around them.
async fn nested(
    connection: &Connection,
    headers: &[(&'static str, String)],
) -> Result<Pipe, EngineError> {
    let (ours, theirs) = tokio::io::duplex(256 << 10);
    let (mut from_us, mut to_us) = tokio::io::split(theirs);
    let (sender, receiver) = tokio::sync::mpsc::channel(32);
    let mut request = Request::new(ReceiverStream::new(receiver));
    for (name, value) in headers {
        let value = value.parse().map_err(|_| {
            EngineError::local("the session", format!("{name} cannot be sent as a header"))
        })?;
        request.metadata_mut().append(*name, value);
    }
    let mut control = connection.control().await?;
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n) = from_us.read(&mut buffer).await {
            let message = BytesMessage { data: buffer[..n].to_vec() };
            if n == 0 || sender.send(message).await.is_err() {
                return;
            }
        }
    });
    // The builder answers only after it has spoken to the session, so nobody waits for it here.
    tokio::spawn(async move {
        let Ok(answer) = control.session(request).await else { return };
        let mut stream = answer.into_inner();
        while let Ok(Some(message)) = stream.message().await {
            if to_us.write_all(&message.data).await.is_err() {
                return;
            }
        }
    });
    Ok(Pipe::new(ours))
}

/// Every value of a metadata name. Newer builders mark names whose values they escaped because
/// of letters that a header cannot carry (buildkit `session/filesync/filesync.go`).
fn values(metadata: &MetadataMap, name: &str) -> Vec<String> {
    let is_escaped = metadata.contains_key(format!("{name}-encoded"));
    let texts = metadata.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.map(|text| if is_escaped { unescaped(text) } else { text.to_owned() }).collect()
}

/// The reverse of Go's `url.QueryEscape`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        match (first, after) {
            (b'%', [high, low, tail @ ..]) if hex(&[*high, *low]).is_some() => {
                bytes.extend(hex(&[*high, *low]));
                rest = tail;
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    type WatchStream = Answers<HealthCheckResponse>;

    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        const SERVING: i32 = 1;
        Ok(Response::new(HealthCheckResponse { status: SERVING }))
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("list"))
    }

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("watch"))
    }
}

struct SecretStore(Arc<BTreeMap<String, Vec<u8>>>);

#[tonic::async_trait]
impl Secrets for SecretStore {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        match self.0.get(id) {
            Some(data) => Ok(Response::new(GetSecretResponse { data: data.clone() })),
            None => Err(Status::not_found(format!("secret {id}: not found"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_values_are_read_and_others_are_left_alone() {
        let mut metadata = MetadataMap::new();
        metadata.append("include-patterns", "d%C3%A9+1".parse().unwrap());
        metadata.append("include-patterns-encoded", "1".parse().unwrap());
        metadata.append("followpaths", "a+b%20".parse().unwrap());
        assert_eq!(values(&metadata, "include-patterns"), ["dé 1"]);
        assert_eq!(values(&metadata, "followpaths"), ["a+b%20"]);
        assert_eq!(unescaped("%"), "%");
    }
}
