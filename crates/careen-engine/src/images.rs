//! Images in the engine's store: list, look, save, load, name, remove.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use hyper::Method;
use serde::{Deserialize, Deserializer};

use crate::rest::{PATIENT, empty, encoded};
use crate::{Connection, EngineError};

/// One row of the image list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImageRow {
    #[serde(rename = "Id")]
    pub id: String,
    /// `name:tag`; empty for an image without a name.
    #[serde(rename = "RepoTags", default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    #[serde(rename = "Size")]
    pub bytes: u64,
    /// Seconds since the Unix epoch.
    #[serde(rename = "Created")]
    pub created: i64,
}

/// What the store knows about one image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Image {
    #[serde(rename = "Id")]
    pub id: String,
    #[serde(rename = "RepoTags", default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    #[serde(rename = "Size", default)]
    pub bytes: u64,
    #[serde(rename = "Os", default)]
    pub os: String,
    #[serde(rename = "Architecture", default)]
    pub architecture: String,
    /// RFC 3339, as the engine writes it.
    #[serde(rename = "Created", default)]
    pub created: String,
    #[serde(rename = "RootFS", default)]
    pub root: Root,
    #[serde(rename = "Config", default, deserialize_with = "or_default")]
    pub config: ImageConfig,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Root {
    /// Digests of the uncompressed layers, lowest first: equal lists are equal file trees.
    #[serde(rename = "Layers", default, deserialize_with = "or_default")]
    pub layers: Vec<String>,
}

/// How a container of the image starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ImageConfig {
    /// `NAME=value`.
    #[serde(rename = "Env", default, deserialize_with = "or_default")]
    pub env: Vec<String>,
    #[serde(rename = "User", default)]
    pub user: String,
    #[serde(rename = "WorkingDir", default)]
    pub working_dir: String,
    #[serde(rename = "Entrypoint", default, deserialize_with = "or_default")]
    pub entrypoint: Vec<String>,
    #[serde(rename = "Cmd", default, deserialize_with = "or_default")]
    pub cmd: Vec<String>,
    #[serde(rename = "Labels", default, deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
}

/// One row of an image's history, newest first as the engine gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HistoryRow {
    #[serde(rename = "CreatedBy", default)]
    pub created_by: String,
    #[serde(rename = "Size", default)]
    pub bytes: u64,
    /// Seconds since the Unix epoch.
    #[serde(rename = "Created", default)]
    pub created: i64,
    #[serde(rename = "Comment", default)]
    pub comment: String,
}

#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    stream: String,
    #[serde(default)]
    status: String,
    error: Option<String>,
}

/// The engine writes `null` for empty lists.
fn or_default<'a, D: Deserializer<'a>, T: Default + Deserialize<'a>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl Connection {
    pub fn images(&self) -> Result<Vec<ImageRow>, EngineError> {
        self.block_on(self.ask(Method::GET, "/images/json", empty(), PATIENT))
    }

    /// An image by name or id; an unknown one is `Refused` with status 404.
    pub fn image(&self, name: &str) -> Result<Image, EngineError> {
        self.block_on(self.image_async(name))
    }

    pub(crate) async fn image_async(&self, name: &str) -> Result<Image, EngineError> {
        self.get(&format!("/images/{}/json", encoded(name))).await
    }

    pub fn image_history(&self, name: &str) -> Result<Vec<HistoryRow>, EngineError> {
        self.block_on(self.get(&format!("/images/{}/history", encoded(name))))
    }

    /// Writes the image as a `docker save` archive; gives the number of bytes.
    pub fn save_image(&self, name: &str, sink: &mut dyn Write) -> Result<u64, EngineError> {
        self.block_on(self.download(&format!("/images/{}/get", encoded(name)), sink))
    }

    /// Loads a `docker save` archive; gives what the engine says it loaded, line by line.
    pub fn load_images(&self, archive: Box<dyn Read + Send>) -> Result<Vec<String>, EngineError> {
        let answer = self.block_on(self.upload("/images/load?quiet=1", archive))?;
        progress_lines(&answer)
    }

    /// Makes an image of one layer from a tar archive of a file tree; gives its id.
    /// `changes` are Dockerfile instructions such as `CMD ["sh"]`.
    pub fn import_image(
        &self,
        tree: Box<dyn Read + Send>,
        name: &str,
        changes: &[&str],
    ) -> Result<String, EngineError> {
        let (repository, tag) = split_tag(name);
        let mut path =
            format!("/images/create?fromSrc=-&repo={}&tag={}", encoded(repository), encoded(tag));
        for change in changes {
            path.push_str("&changes=");
            path.push_str(&encoded(change));
        }
        let answer = self.block_on(self.upload(&path, tree))?;
        let mut lines = progress_lines(&answer)?;
        lines.pop().ok_or_else(|| EngineError::broken("the import gave no image id"))
    }

    /// Gives an image one more name, `repository:tag`.
    pub fn tag_image(&self, image: &str, name: &str) -> Result<(), EngineError> {
        let (repository, tag) = split_tag(name);
        let path = format!(
            "/images/{}/tag?repo={}&tag={}",
            encoded(image),
            encoded(repository),
            encoded(tag)
        );
        self.block_on(self.tell(Method::POST, &path, empty(), PATIENT))
    }

    /// Removes a name, and the image with its last name.
    pub fn remove_image(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/images/{}", encoded(name));
        self.block_on(self.tell(Method::DELETE, &path, empty(), PATIENT))
    }
}

/// `reg:5000/a/b:c` → (`reg:5000/a/b`, `c`); a name without a tag has `latest`.
fn split_tag(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}

/// The lines of a progress stream, or its error: the engine answers 200 and fails later.
fn progress_lines(answer: &[u8]) -> Result<Vec<String>, EngineError> {
    let mut lines = Vec::new();
    for message in serde_json::Deserializer::from_slice(answer).into_iter::<Progress>() {
        let message = message.map_err(EngineError::broken)?;
        if let Some(message) = message.error {
            return Err(EngineError::Refused { status: 200, message });
        }
        let text = if message.stream.is_empty() { message.status } else { message.stream };
        if !text.trim().is_empty() {
            lines.push(text.trim().to_owned());
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_behind_ports() {
        for (name, expected) in [
            ("a", ("a", "latest")),
            ("a:1", ("a", "1")),
            ("reg:5000/a", ("reg:5000/a", "latest")),
            ("reg:5000/a:2", ("reg:5000/a", "2")),
        ] {
            assert_eq!(split_tag(name), expected);
        }
    }

    #[test]
    fn a_failure_after_a_good_status_is_a_failure() {
        let good = br#"{"stream":"Loaded image: a:1\n"}{"status":"sha256:1"}"#;
        assert_eq!(progress_lines(good).unwrap(), ["Loaded image: a:1", "sha256:1"]);
        let bad = br#"{"stream":"x"}{"errorDetail":{"message":"no"},"error":"unexpected EOF"}"#;
        assert_eq!(
            progress_lines(bad).unwrap_err().to_string(),
            "the engine refused (200): unexpected EOF"
        );
    }

    #[test]
    fn null_lists_are_empty_lists() {
        let image: Image = serde_json::from_str(
            r#"{"Id":"sha256:1","RepoTags":null,"Config":{"Env":null,"Cmd":null,"User":"me"}}"#,
        )
        .unwrap();
        assert_eq!((image.tags.len(), image.config.user.as_str()), (0, "me"));
    }
}
