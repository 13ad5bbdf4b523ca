//! Takes the archive that an exporter sends back, and writes it to a file.
//!
//! The file appears under its name only when it is complete.

use std::path::{Path, PathBuf};

use bollard_buildkit_proto::moby::filesync::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::FileSend;
use tokio::io::AsyncWriteExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::Answers;

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
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let result = async {
        let file = tokio::fs::File::create(&part).await.map_err(|err| failed(&part, &err))?;
        let mut file = tokio::io::BufWriter::with_capacity(1 << 20, file);
        while let Some(piece) = pieces.message().await? {
            file.write_all(&piece.data).await.map_err(|err| failed(&part, &err))?;
        }
        file.flush().await.map_err(|err| failed(&part, &err))?;
        tokio::fs::rename(&part, path).await.map_err(|err| failed(path, &err))
    }
    .await;
    if result.is_err() {
        let _ = tokio::fs::remove_file(&part).await;
    }
    result
}

fn failed(path: &Path, err: &std::io::Error) -> Status {
    Status::internal(format!("{}: {err}", path.display()))
}
