//! Takes the archive that an exporter sends back, and writes it to a file.
//!
//! The file appears under its name only when it is complete.

use std::io::Write;
use std::path::{Path, PathBuf};

use bollard_buildkit_proto::moby::filesync::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::FileSend;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::Answers;
use crate::WholeFile;

pub(super) struct Archive {
    pub(super) path: PathBuf,
}

#[tonic::async_trait]
impl FileSend for Archive {
    type DiffCopyStream = Answers<BytesMessage>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let path = self.path.clone();
        tokio::spawn(async move {
            if let Err(status) = write(request.into_inner(), &path).await {
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

async fn write(mut pieces: Streaming<BytesMessage>, path: &Path) -> Result<(), Status> {
    let mut file = WholeFile::create(path).map_err(|err| failed(path, &err))?;
    while let Some(piece) = pieces.message().await? {
        // Blocking: a piece is small, and the runtime has another thread for the session.
        file.write_all(&piece.data).map_err(|err| failed(path, &err))?;
    }
    file.finish().map_err(|err| failed(path, &err))
}

fn failed(path: &Path, err: &std::io::Error) -> Status {
    Status::internal(format!("{}: {err}", path.display()))
}
