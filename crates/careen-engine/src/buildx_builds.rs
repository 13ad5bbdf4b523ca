//! What buildx has built: it keeps a small file for each build, with the folder of its context.
//!
//! The files are `refs/BUILDER/NODE/ID` in its store, and the time of a file is that of the build.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use careen_model::Why;
use serde::Deserialize;

/// Files that are read, the newest; nothing ever removes them but the end of their builder.
const MOST_READ: usize = 1000;

/// The context of builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltFolder {
    /// As buildx wrote it: absolute, links not resolved.
    pub folder: PathBuf,
    /// When it was built last, seconds since the Unix epoch.
    pub built_at: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Build {
    #[serde(default)]
    local_path: String,
}

/// The folders that buildx built on a builder, each once, the last first.
pub fn buildx_builds(store: &Path, builder: &str) -> Result<Vec<BuiltFolder>, Why> {
    let nodes = store.join("refs").join(builder);
    let mut files = Vec::new();
    for node in names(&nodes)? {
        for path in names(&node)? {
            let modified = fs::metadata(&path).and_then(|found| found.modified());
            // One that is gone since its folder was read tells nothing any more.
            let Ok(modified) = modified else { continue };
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            files.push((i64::try_from(since).unwrap_or(i64::MAX), path));
        }
    }
    files.sort_unstable_by(|a, b| b.cmp(a));
    let mut newest: HashMap<PathBuf, i64> = HashMap::new();
    for (built_at, path) in files.into_iter().take(MOST_READ) {
        let build =
            fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Build>(&text).ok());
        // Contexts from elsewhere have an address in place of a path.
        let folder = build.map(|build| PathBuf::from(build.local_path));
        if let Some(folder) = folder.filter(|folder| folder.is_absolute()) {
            newest.entry(folder).or_insert(built_at);
        }
    }
    let mut found: Vec<BuiltFolder> =
        newest.into_iter().map(|(folder, built_at)| BuiltFolder { folder, built_at }).collect();
    found.sort_unstable_by(|a, b| b.built_at.cmp(&a.built_at).then(a.folder.cmp(&b.folder)));
    Ok(found)
}

/// The paths of what is in a folder; none when it is not there.
fn names(folder: &Path) -> Result<Vec<PathBuf>, Why> {
    let what = || folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) => {
            return match err.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(vec![]),
                io::ErrorKind::PermissionDenied => Err(Why::Denied { what: what() }),
                _ => Err(Why::Unreadable { what: what(), error: err.to_string() }),
            };
        }
    };
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_folder_is_told_once_with_its_last_build() {
        let store = tempfile::tempdir().unwrap();
        assert_eq!(buildx_builds(store.path(), "default"), Ok(vec![]));
        let write = |path: &str, text: &str, age: u64| {
            let path = store.path().join("refs").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        let build = |folder: &str| format!(r#"{{"Target":"default","LocalPath":"{folder}"}}"#);
        write("default/default/aaa", &build("/one/app"), 500);
        write("default/default/bbb", &build("/two/app"), 400);
        write("default/default/ccc", &build("/one/app"), 300);
        write("default/default/ddd", &build("https://github.com/a/b.git"), 200);
        write("default/default/eee", "{", 100);
        write("default/default/fff", r#"{"Group":"no path"}"#, 100);
        write("big/big0/ggg", &build("/three/app"), 100);
        let told = |builder: &str| -> Vec<String> {
            let found = buildx_builds(store.path(), builder).unwrap().into_iter();
            found.map(|one| format!("{} {}", one.folder.display(), one.built_at)).collect()
        };
        assert_eq!(told("default"), ["/one/app 999700", "/two/app 999600"]);
        assert_eq!(told("big"), ["/three/app 999900"]);
        assert_eq!(told("none"), [""; 0]);
    }
}
