//! All Dockerfiles and ignore files of a folder, with what compose, bake and development
//! containers say of their builds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Build, bake, compose, devcontainer, tidy};

/// What was found, each list in the order of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFiles {
    pub dockerfiles: Vec<BuildFile>,
    pub ignore_files: Vec<PathBuf>,
    /// What was not understood, each a sentence without a full stop.
    pub notes: Vec<String>,
}

/// A Dockerfile and what its builds have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFile {
    pub path: PathBuf,
    /// `None`: nobody says; usually the file's own folder.
    pub context: Option<PathBuf>,
    /// Those that no two builds disagree about.
    pub arguments: Vec<(String, String)>,
}

/// Folders that hold no Dockerfile of the project's own.
const LEFT_OUT: [&str; 5] = [".git", "node_modules", ".venv", "target", ".careen"];

/// Endings of files that are made into Dockerfiles, or only speak of them.
const NO_DOCKERFILE: [&str; 13] = [
    "dockerignore",
    "md",
    "txt",
    "j2",
    "jinja",
    "jinja2",
    "tmpl",
    "tpl",
    "template",
    "erb",
    "bak",
    "orig",
    "swp",
];

const DEEPEST: usize = 24;
const MOST_ENTRIES: usize = 200_000;

/// Looks through a folder and everything below it; links to folders are not followed.
pub fn builds_in(root: &Path) -> BuildFiles {
    let mut search = Search::default();
    search.folder(root, 0);
    if search.entries > MOST_ENTRIES {
        search.found.notes.push(format!(
            "{}: only the first {MOST_ENTRIES} entries were looked at",
            root.display()
        ));
    }
    let descriptions = std::mem::take(&mut search.descriptions);
    for file in &descriptions {
        search.describe(file);
    }
    search.finish()
}

/// The builds of one compose file, bake file or development container.
pub fn builds_of(description: &Path) -> BuildFiles {
    let mut search = Search::default();
    search.describe(description);
    search.finish()
}

/// Whether a file of that name describes builds and is no Dockerfile itself.
pub fn is_build_description(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    description(name).is_some()
}

#[derive(Clone, Copy)]
enum Description {
    Compose,
    Bake,
    DevContainer,
}

fn description(name: &str) -> Option<Description> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_yaml = matches!(extension, "yml" | "yaml");
    let is = |start: &str| stem == start || stem.starts_with(&format!("{start}."));
    match name {
        "devcontainer.json" | ".devcontainer.json" => Some(Description::DevContainer),
        _ if is_yaml && (is("compose") || is("docker-compose")) => Some(Description::Compose),
        _ if matches!(extension, "hcl" | "json") && is("docker-bake") => Some(Description::Bake),
        _ => None,
    }
}

/// Whether a file of that name is a Dockerfile.
fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    match lower.rsplit_once('.') {
        None => lower == "dockerfile" || lower == "containerfile",
        Some((_, extension)) => {
            extension == "dockerfile"
                || extension == "containerfile"
                || ((lower.starts_with("dockerfile.") || lower.starts_with("containerfile."))
                    && !NO_DOCKERFILE.contains(&extension))
        }
    }
}

fn is_ignore_file(name: &str) -> bool {
    name.ends_with(".dockerignore") || name == ".containerignore"
}

#[derive(Default)]
struct Search {
    found: BuildFiles,
    dockerfiles: BTreeMap<PathBuf, Vec<Build>>,
    descriptions: Vec<PathBuf>,
    entries: usize,
}

impl Search {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(err) => {
                self.found.notes.push(format!("{} was not looked at: {err}", folder.display()));
                return;
            }
        };
        let mut names: Vec<_> = entries.flatten().collect();
        names.sort_by_key(std::fs::DirEntry::file_name);
        for entry in names {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return;
            }
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = if folder == Path::new(".") { name.into() } else { folder.join(name) };
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
                if !LEFT_OUT.contains(&name) && depth < DEEPEST {
                    self.folder(&path, depth + 1);
                }
            } else if is_ignore_file(name) {
                self.found.ignore_files.push(tidy(&path));
            } else if description(name).is_some() {
                self.descriptions.push(path);
            } else if is_dockerfile(name) && path.is_file() {
                self.dockerfiles.entry(tidy(&path)).or_default();
            }
        }
    }

    fn describe(&mut self, file: &Path) {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let builds = match description(name) {
            None => return,
            Some(Description::Compose) => compose::builds(file)
                .map(|builds| builds.into_iter().map(|(_, build)| build).collect()),
            Some(Description::DevContainer) => {
                devcontainer::read(file).map(|build| build.into_iter().collect())
            }
            Some(Description::Bake) => bake::read(file).map(|(builds, notes)| {
                self.found.notes.extend(notes);
                builds
            }),
        };
        match builds {
            Ok(builds) => {
                for build in builds {
                    self.add(file, build);
                }
            }
            Err(why) => self.found.notes.push(why.to_string()),
        }
    }

    fn add(&mut self, file: &Path, build: Build) {
        if build.dockerfile.is_file() {
            self.dockerfiles.entry(build.dockerfile.clone()).or_default().push(build);
        } else {
            let (file, path) = (file.display(), build.dockerfile.display());
            let note = format!("{file} builds from {path}, which is no file");
            if !self.found.notes.contains(&note) {
                self.found.notes.push(note);
            }
        }
    }

    fn finish(mut self) -> BuildFiles {
        for (path, builds) in self.dockerfiles {
            let context = builds.first().map(|build| build.context.clone());
            let mut arguments: Vec<(String, String)> = Vec::new();
            for (name, value) in builds.iter().flat_map(|build| &build.arguments) {
                let agree = builds.iter().all(|other| {
                    other.arguments.iter().all(|(known, set)| known != name || set == value)
                });
                let is_new = arguments.iter().all(|(known, _)| known != name);
                if agree && is_new {
                    arguments.push((name.clone(), value.clone()));
                }
            }
            self.found.dockerfiles.push(BuildFile { path, context, arguments });
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_file_is() {
        for name in [
            "Dockerfile",
            "dockerfile",
            "Dockerfile.dev",
            "app.Dockerfile",
            "a.dockerfile",
            "Containerfile",
            "Containerfile.prod",
        ] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in [
            "Dockerfile.dockerignore",
            "Dockerfile.j2",
            "Dockerfile.md",
            "dockerfiles",
            "x.txt",
            "",
        ] {
            assert!(!is_dockerfile(name), "{name}");
        }
        for name in [
            "compose.yaml",
            "docker-compose.dev.yml",
            "docker-bake.hcl",
            "docker-bake.override.json",
        ] {
            assert!(description(name).is_some(), "{name}");
        }
        for name in ["compose.txt", "docker-bake.yaml.bak", "composer.json", "recompose.yml"] {
            assert!(description(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_folder_gives_its_files_with_what_is_said_of_their_builds() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, text) in [
            ("Dockerfile", "FROM a"),
            (".dockerignore", "x"),
            ("api/Dockerfile.dev", "FROM a"),
            ("api/Dockerfile.dev.dockerignore", "x"),
            ("node_modules/x/Dockerfile", "FROM a"),
            (".devcontainer/Dockerfile", "FROM a"),
            (
                ".devcontainer/devcontainer.json",
                r#"{"build": {"dockerfile": "Dockerfile", "context": ".."}}"#,
            ),
            (
                "compose.yaml",
                "services:\n  a:\n    build: {context: ., dockerfile: api/Dockerfile.dev, args: {A: 1, B: 2}}\n  b:\n    build: {context: ., dockerfile: api/Dockerfile.dev, args: {A: 1, B: 3}}\n  c:\n    build: gone\n",
            ),
            ("docker-bake.hcl", "target \"x\" {"),
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = builds_in(root);
        let inside = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        let shown: Vec<String> = found
            .dockerfiles
            .iter()
            .map(|file| {
                let context = file.context.as_deref().map(inside);
                format!("{} {context:?} {:?}", inside(&file.path), file.arguments)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ".devcontainer/Dockerfile Some(\"\") []",
                "Dockerfile None []",
                "api/Dockerfile.dev Some(\"\") [(\"A\", \"1\")]",
            ]
        );
        let ignored: Vec<String> = found.ignore_files.iter().map(|path| inside(path)).collect();
        assert_eq!(ignored, [".dockerignore", "api/Dockerfile.dev.dockerignore"]);
        assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
        assert!(found.notes[0].contains("gone/Dockerfile, which is no file"), "{:?}", found.notes);
        assert!(found.notes[1].contains("docker-bake.hcl"), "{:?}", found.notes);
    }
}
