//! The two states of a project that are compared, each in a private copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use careen_host::walk::in_force;

use super::copy::copy;
use super::rewrite::private_caches;
use crate::Error;
use crate::apply::{Earlier, Journal, Which};

/// A state of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As it is.
    Now,
    /// As it was before a fix; the last one that is not undone without an id.
    BeforeFix(Option<String>),
    /// As a git revision has it. Files that git does not know are not in it.
    Revision(String),
    /// As it is, with another Dockerfile.
    Dockerfile(PathBuf),
    /// As it is, with these files as they once were, under a name for people.
    Files { name: String, files: Vec<Earlier> },
}

/// Where the project lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub root: PathBuf,
    pub context: PathBuf,
    pub dockerfile: PathBuf,
}

/// The private copy of one state.
#[derive(Debug, Clone)]
pub(super) struct Private {
    pub(super) context: PathBuf,
    /// The Dockerfile as the state has it, beside its own ignore file.
    dockerfile: PathBuf,
    /// Files that builds change and that come back afterwards.
    pub(super) kept: PathBuf,
    folder: PathBuf,
}

impl State {
    /// How a person calls it.
    pub fn name(&self, place: &Place) -> Result<String, Error> {
        Ok(match self {
            State::Now => "now".to_owned(),
            State::BeforeFix(id) => {
                let journal = Journal::of(&place.root)?;
                let (id, _) = journal.before(which(id.as_deref()))?;
                format!("before fix {id}")
            }
            State::Revision(revision) => format!("git {revision}"),
            State::Dockerfile(path) => path.display().to_string(),
            State::Files { name, .. } => name.clone(),
        })
    }
}

fn which(id: Option<&str>) -> Which<'_> {
    id.map_or(Which::Last, Which::Id)
}

/// Copies the state into `folder`, which must be empty or absent; gives what could not be copied.
pub(super) fn copy_state(
    state: &State,
    place: &Place,
    folder: &Path,
) -> Result<(Private, Vec<PathBuf>), Error> {
    let private = Private {
        context: folder.join("context"),
        dockerfile: folder.join("dockerfile").join(file_name(&place.dockerfile)),
        kept: folder.join("kept"),
        folder: folder.to_owned(),
    };
    for made in [&private.context, &folder.join("dockerfile")] {
        fs::create_dir_all(made).map_err(Error::io("writing", made))?;
    }
    let left = match state {
        State::Now => {
            private.take_dockerfile(&place.dockerfile)?;
            private.fill(&place.context, &[])?
        }
        State::Dockerfile(path) => {
            private.take_dockerfile(path)?;
            private.fill(&place.context, &[])?
        }
        State::BeforeFix(id) => {
            let (_, files) = Journal::of(&place.root)?.before(which(id.as_deref()))?;
            private.take_earlier(&files, place)?
        }
        State::Files { files, .. } => private.take_earlier(files, place)?,
        State::Revision(revision) => {
            let checkout = folder.join("checkout");
            check_out(&place.root, revision, &checkout)?;
            let inside =
                |path: &Path| path.strip_prefix(&place.root).map(|rest| checkout.join(rest));
            let outside = |path: &Path| Error::Prove {
                doing: format!("use git {revision}"),
                error: format!("{} lies outside of the project", path.display()),
            };
            let dockerfile = inside(&place.dockerfile).map_err(|_| outside(&place.dockerfile))?;
            let context = inside(&place.context).map_err(|_| outside(&place.context))?;
            private.take_dockerfile(&dockerfile)?;
            let left = private.fill(&context, &[])?;
            fs::remove_dir_all(&checkout).map_err(Error::io("removing", &checkout))?;
            left
        }
    };
    Ok((private, left))
}

impl Private {
    /// The copy in a folder that [`copy_state`] filled earlier.
    pub(super) fn again(place: &Place, folder: &Path) -> Private {
        Private {
            context: folder.join("context"),
            dockerfile: folder.join("dockerfile").join(file_name(&place.dockerfile)),
            kept: folder.join("kept"),
            folder: folder.to_owned(),
        }
    }

    /// The Dockerfile with cache mounts whose ids begin with `prefix`, in a folder of its own.
    pub(super) fn dockerfile_for(&self, prefix: &str) -> Result<PathBuf, Error> {
        let source = fs::read(&self.dockerfile).map_err(Error::io("reading", &self.dockerfile))?;
        let folder = self.folder.join("private").join(prefix);
        fs::create_dir_all(&folder).map_err(Error::io("writing", &folder))?;
        let path = folder.join(file_name(&self.dockerfile));
        let ignore = beside(&self.dockerfile);
        if ignore.exists() {
            let to = beside(&path);
            fs::copy(&ignore, &to).map_err(Error::io("writing", &to))?;
        }
        fs::write(&path, private_caches(&source, prefix)).map_err(Error::io("writing", &path))?;
        Ok(path)
    }

    /// The Dockerfile of the state, as it is.
    pub(super) fn dockerfile(&self) -> &Path {
        &self.dockerfile
    }

    /// The project as it is, but these files as they were.
    fn take_earlier(&self, files: &[Earlier], place: &Place) -> Result<Vec<PathBuf>, Error> {
        self.take_dockerfile(&place.dockerfile)?;
        for (path, content) in files {
            self.overlay(path, content.as_deref(), place)?;
        }
        self.fill(&place.context, files)
    }

    fn take_dockerfile(&self, from: &Path) -> Result<(), Error> {
        fs::copy(from, &self.dockerfile).map_err(Error::io("copying", from))?;
        let ignore = beside(from);
        if ignore.exists() {
            fs::copy(&ignore, beside(&self.dockerfile)).map_err(Error::io("copying", &ignore))?;
        }
        Ok(())
    }

    /// Puts an earlier file where builds of this state look for it.
    fn overlay(&self, path: &Path, content: Option<&[u8]>, place: &Place) -> Result<(), Error> {
        let whole = place.root.join(path);
        let put = |to: &Path| match content {
            Some(bytes) => fs::write(to, bytes).map_err(Error::io("writing", to)),
            None => match fs::remove_file(to) {
                Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io("removing", to)(err))
                }
                _ => Ok(()),
            },
        };
        if same(&whole, &place.dockerfile) {
            put(&self.dockerfile)?;
        }
        if same(&whole, &beside(&place.dockerfile)) {
            put(&beside(&self.dockerfile))?;
        }
        Ok(())
    }

    /// Copies what the ignore file of this state leaves of `context`; `files` are as they were.
    fn fill(
        &self,
        context: &Path,
        files: &[(PathBuf, Option<Vec<u8>>)],
    ) -> Result<Vec<PathBuf>, Error> {
        let root = fs::canonicalize(context).map_err(Error::io("reading", context))?;
        let ignore = self.context.join(".dockerignore");
        let own = root.join(".dockerignore");
        if own.exists() {
            fs::copy(&own, &ignore).map_err(Error::io("copying", &own))?;
        }
        let inside = |path: &PathBuf| {
            let real = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
            let real = real.map(|folder| folder.join(path.file_name().unwrap_or_default()));
            Some(self.context.join(real?.strip_prefix(&root).ok()?))
        };
        let earlier: Vec<(PathBuf, Option<&[u8]>)> = files
            .iter()
            .filter_map(|(path, content)| Some((inside(path)?, content.as_deref())))
            .collect();
        for (path, content) in earlier.iter().filter(|(path, _)| *path == ignore) {
            put(path, *content)?;
        }
        let force = in_force(&self.dockerfile, &self.context);
        let patterns = force.working_patterns();
        let left = copy(context, &self.context, &patterns)?;
        for (path, content) in &earlier {
            put(path, *content)?;
        }
        Ok(left)
    }
}

fn put(path: &Path, content: Option<&[u8]>) -> Result<(), Error> {
    match content {
        Some(bytes) => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::io("writing", folder))?;
            }
            fs::write(path, bytes).map_err(Error::io("writing", path))
        }
        None => match fs::remove_file(path) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("removing", path)(err))
            }
            _ => Ok(()),
        },
    }
}

/// The files of a revision, without touching the index or the work tree of the repository.
fn check_out(root: &Path, revision: &str, into: &Path) -> Result<(), Error> {
    fs::create_dir_all(into).map_err(Error::io("writing", into))?;
    let index = into.with_extension("index");
    let git = |arguments: &[&str]| -> Result<String, Error> {
        let doing = || format!("use git {revision}");
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .env("GIT_INDEX_FILE", &index)
            .stdin(Stdio::null())
            .output()
            .map_err(|err| Error::Prove { doing: doing(), error: err.to_string() })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Prove { doing: doing(), error })
    };
    let commit =
        git(&["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")])?;
    // The project may be a folder of the repository.
    let within = git(&["rev-parse", "--show-prefix"])?;
    let tree = if within.is_empty() { commit } else { format!("{commit}:{within}") };
    git(&["read-tree", &tree])?;
    let prefix = format!("--prefix={}/", into.display());
    git(&["checkout-index", "--all", "--force", &prefix])?;
    let _ = fs::remove_file(&index);
    Ok(())
}

fn file_name(path: &Path) -> &std::ffi::OsStr {
    path.file_name().unwrap_or_else(|| "Dockerfile".as_ref())
}

/// The ignore file that belongs to one Dockerfile.
fn beside(dockerfile: &Path) -> PathBuf {
    let mut name = dockerfile.as_os_str().to_owned();
    name.push(".dockerignore");
    PathBuf::from(name)
}

fn same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(a) == real(b)
}
