//! `.dockerbuild` files, which `docker buildx history export` and Docker Desktop write: an OCI
//! layout in a tar, with the messages of the build as one blob.

use std::collections::HashMap;

use bollard_buildkit_proto::moby::buildkit::v1::StatusResponse;
use careen_model::{BuildEvent, LogClock, LogFormat};
use prost::Message;
use serde::Deserialize;

use super::LogSummary;
use super::rawjson::Story;
use crate::EngineError;

const STATUS: &str = "application/vnd.buildkit.status.v0";
const BLOCK: usize = 512;

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    #[serde(rename = "mediaType", default)]
    media_type: String,
    digest: String,
}

/// The record of the build beside its messages.
#[derive(Deserialize)]
struct Record {
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(alias = "Message", default)]
    message: String,
}

/// Tells the events of the first build in a `.dockerbuild`, given as its unpacked tar.
pub fn read_dockerbuild(
    tar: &[u8],
    each: &mut dyn FnMut(&BuildEvent),
) -> Result<LogSummary, EngineError> {
    let broken = |reason: &str| EngineError::local("the exported build", reason);
    let files = files_of(tar);
    let blob = |digest: &str| {
        files.get(format!("blobs/{}", digest.replacen(':', "/", 1)).as_str()).copied()
    };
    let index = files.get("index.json").ok_or_else(|| broken("it has no index.json"))?;
    let index: Index =
        serde_json::from_slice(index).map_err(|err| broken(&format!("its index.json: {err}")))?;
    let manifests = index
        .manifests
        .iter()
        .filter_map(|found| serde_json::from_slice::<Manifest>(blob(&found.digest)?).ok());
    let mut builds = manifests.filter_map(|manifest| {
        let status = manifest.layers.iter().find(|layer| layer.media_type == STATUS)?;
        Some((blob(&status.digest)?, manifest.config))
    });
    let (messages, config) =
        builds.next().ok_or_else(|| broken("it holds no messages of a build"))?;
    let record =
        config.and_then(|config| serde_json::from_slice::<Record>(blob(&config.digest)?).ok());

    let mut story = Story::default();
    for message in frames(messages) {
        let message = message.map_err(|err| broken(&format!("a message of the build: {err}")))?;
        story.tell(message, each);
    }
    let error = record.and_then(|record| record.error).map(|error| error.message);
    story.finish(error.filter(|error| !error.is_empty()), each);
    Ok(LogSummary {
        format: Some(LogFormat::DockerBuild),
        clock: LogClock::Engine,
        began: story.began(),
    })
}

/// Each message follows its length, four bytes of it, the lowest first.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = Result<StatusResponse, prost::DecodeError>> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        // The last message of a file that was cut is left out.
        let (message, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(StatusResponse::decode(message))
    })
}

/// The regular files of a tar by their names.
fn files_of(tar: &[u8]) -> HashMap<&str, &[u8]> {
    let mut files = HashMap::new();
    let mut rest = tar;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        let Some(size) = octal(&header[124..136]) else { break };
        let Some(content) = after.get(..size) else { break };
        let name = header[..100].split(|byte| *byte == 0).next().unwrap_or(&[]);
        if let (Ok(name), b'0' | 0) = (std::str::from_utf8(name), header[156]) {
            files.insert(name.trim_start_matches("./"), content);
        }
        let padded = size.div_ceil(BLOCK).saturating_mul(BLOCK);
        rest = after.get(padded..).unwrap_or(&[]);
    }
    files
}

fn octal(field: &[u8]) -> Option<usize> {
    let digits = field.iter().copied().skip_while(|byte| *byte == b' ');
    let digits = digits.take_while(|byte| (b'0'..=b'7').contains(byte));
    digits.enumerate().try_fold(0_usize, |size, (n, digit)| {
        (n < 11).then(|| size * 8 + usize::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entry(name: &str, content: &[u8]) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        let size = format!("{:011o}", content.len());
        block[124..124 + size.len()].copy_from_slice(size.as_bytes());
        block[156] = b'0';
        block.extend_from_slice(content);
        block.resize(block.len().div_ceil(BLOCK) * BLOCK, 0);
        block
    }

    fn reason(tar: &[u8]) -> String {
        read_dockerbuild(tar, &mut |_| {}).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_export_is_told() {
        assert!(reason(b"").ends_with("it has no index.json"));
        assert!(reason(&entry("index.json", b"{")).contains("its index.json"));
        let empty = entry("index.json", br#"{"manifests":[{"digest":"sha256:1"}]}"#);
        assert!(reason(&empty).ends_with("it holds no messages of a build"));
        let mut cut = entry("index.json", b"{}");
        cut.truncate(BLOCK + 1);
        assert!(reason(&cut).ends_with("it has no index.json"));
    }

    #[test]
    fn messages_are_told_as_events() {
        use bollard_buildkit_proto::google::protobuf::Timestamp;
        use bollard_buildkit_proto::moby::buildkit::v1::Vertex;
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let vertex = Vertex {
            digest: "sha256:a".into(),
            name: "[1/1] RUN make".into(),
            started: at(1_700_000_000),
            completed: at(1_700_000_005),
            ..Vertex::default()
        };
        let message = StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() };
        let message = message.encode_to_vec();
        let mut status = u32::try_from(message.len()).unwrap().to_le_bytes().to_vec();
        status.extend(&message);
        status.extend([9, 0, 0, 0, 1]);
        let manifest = format!(r#"{{"layers":[{{"mediaType":"{STATUS}","digest":"sha256:s"}}]}}"#);
        let tar = [
            entry("./index.json", br#"{"manifests":[{"digest":"sha256:m"}]}"#),
            entry("blobs/sha256/m", manifest.as_bytes()),
            entry("blobs/sha256/s", &status),
        ];
        let mut record = careen_model::BuildRecord::default();
        let summary = read_dockerbuild(&tar.concat(), &mut |event| record.apply(event)).unwrap();
        assert_eq!(summary.began, Some(1_700_000_000));
        assert_eq!((record.total, record.steps.len()), (Duration::from_secs(5), 1));
        assert_eq!(record.outcome, Some(careen_model::Outcome::Built));
    }
}
