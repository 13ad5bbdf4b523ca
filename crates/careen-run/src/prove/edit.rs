//! What happens to a project between two builds: one small edit, and its way back.

use std::collections::HashMap;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::Error;

/// How a line that means nothing is written, by extension.
const COMMENTS: &[(&[&str], &str)] = &[
    (&["py", "pyi", "sh", "rb", "pl", "r", "jl", "ex", "exs"], "# "),
    (
        &[
            "rs", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "java", "kt", "scala", "swift",
            "c", "h", "cc", "cpp", "hpp", "cs", "php", "dart", "proto",
        ],
        "// ",
    ),
    (&["sql", "lua", "hs"], "-- "),
];

/// Lock files in which a line that means nothing can stand, and how it begins.
const LOCKS: &[(&str, &str)] = &[
    ("uv.lock", "# "),
    ("poetry.lock", "# "),
    ("pdm.lock", "# "),
    ("Cargo.lock", "# "),
    ("yarn.lock", "# "),
    ("pnpm-lock.yaml", "# "),
    ("package-lock.json", ""),
    ("composer.lock", ""),
];

/// Small packages of pure Python; the first that the project does not have is added.
const SMALL: [(&str, &str); 6] = [
    ("six", "1.17.0"),
    ("iniconfig", "2.0.0"),
    ("colorama", "0.4.6"),
    ("toolz", "1.0.0"),
    ("itsdangerous", "2.2.0"),
    ("xmltodict", "0.14.2"),
];

/// How many commits are asked for what changes most.
const COMMITS: &str = "300";

/// One file to edit, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipe {
    /// A line at the end; `mark` begins it.
    Line { path: PathBuf, mark: &'static str },
    /// A package at the end of a requirements file.
    Requirement { path: PathBuf, package: String },
    /// `uv add` of a package, which changes the lock file too.
    UvAdd { folder: PathBuf, package: String },
}

impl Recipe {
    /// What the table says of it.
    pub(super) fn note(&self) -> String {
        match self {
            Recipe::Line { path, mark: "" } => format!("{}: white space", path.display()),
            Recipe::Line { path, .. } => format!("{}: a comment", path.display()),
            Recipe::Requirement { path, package } => format!("{}: {package}", path.display()),
            Recipe::UvAdd { package, .. } => format!("uv add {package}"),
        }
    }

    /// The files that it changes.
    fn paths(&self) -> Vec<PathBuf> {
        match self {
            Recipe::Line { path, .. } | Recipe::Requirement { path, .. } => vec![path.clone()],
            Recipe::UvAdd { folder, .. } => {
                vec![folder.join("pyproject.toml"), folder.join("uv.lock")]
            }
        }
    }
}

/// The source file that changes most among those that both builds take.
///
/// `original` is the context as the user has it, where its git history can be asked.
pub(super) fn source(sent: &[PathBuf], original: &Path) -> Option<Recipe> {
    let changes = changes(original);
    let candidates = sent.iter().filter_map(|path| Some((path, comment(path)?)));
    let (path, mark) = candidates.min_by_key(|(path, _)| {
        let times = changes.get(*path).copied().unwrap_or(0);
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        (std::cmp::Reverse(times), is_test, path.components().count(), (*path).clone())
    })?;
    Some(Recipe::Line { path: path.clone(), mark })
}

fn comment(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?;
    COMMENTS.iter().find(|(known, _)| known.contains(&extension)).map(|(_, mark)| *mark)
}

/// How often each file was changed in the last commits; empty without git.
fn changes(context: &Path) -> HashMap<PathBuf, usize> {
    let output = Command::new("git")
        .arg("-C")
        .arg(context)
        .args(["log", "--format=", "--name-only", "--relative", "-z", "-n", COMMITS, "--", "."])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return HashMap::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut counts = HashMap::new();
    for name in text.split(['\0', '\n']).filter(|name| !name.is_empty()) {
        *counts.entry(PathBuf::from(name)).or_default() += 1;
    }
    counts
}

/// The lock file nearest to the root among those that both builds take.
pub(super) fn lock(sent: &[PathBuf]) -> Option<Recipe> {
    let known = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let lock = LOCKS.iter().find(|(known, _)| *known == name).map(|(_, mark)| *mark);
        let mark = lock.or_else(|| is_requirements(name).then_some("# "))?;
        Some((
            path.components().count(),
            LOCKS.iter().position(|(known, _)| *known == name).unwrap_or(LOCKS.len()),
            path.clone(),
            mark,
        ))
    };
    let (.., path, mark) = sent.iter().filter_map(known).min()?;
    Some(Recipe::Line { path, mark })
}

/// How a package can be added, or why it cannot.
pub(super) fn dependency(sent: &[PathBuf], context: &Path) -> Result<Recipe, String> {
    let named = |name: &str| {
        let mut found: Vec<&PathBuf> =
            sent.iter().filter(|path| path.file_name().is_some_and(|file| file == name)).collect();
        found.sort_by_key(|path| path.components().count());
        found.first().map(|path| (*path).clone())
    };
    if let Some(lock) = named("uv.lock") {
        let folder = lock.parent().unwrap_or(Path::new("")).to_owned();
        let text = fs::read_to_string(context.join(&lock)).unwrap_or_default();
        let package = unused(&text, |name| format!("name = \"{name}\""))?;
        let works = Command::new("uv").arg("--version").stdout(Stdio::null()).status();
        return match works {
            Ok(status) if status.success() => Ok(Recipe::UvAdd { folder, package }),
            _ => Err("the lock file is uv's, and uv is not on this machine".to_owned()),
        };
    }
    let mut requirements: Vec<&PathBuf> = sent
        .iter()
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_requirements))
        .collect();
    requirements.sort_by_key(|path| (path.components().count(), (*path).clone()));
    if let Some(path) = requirements.first() {
        let text = fs::read_to_string(context.join(path)).unwrap_or_default();
        if text.contains("--hash=") {
            return Err(format!("{} pins hashes", path.display()));
        }
        let package = unused(&text, str::to_owned)?;
        return Ok(Recipe::Requirement { path: (*path).clone(), package });
    }
    Err("neither uv.lock nor requirements*.txt is taken by both builds".to_owned())
}

fn unused(text: &str, written: impl Fn(&str) -> String) -> Result<String, String> {
    let free = SMALL.iter().find(|(name, _)| !text.contains(&written(name)));
    let (name, version) = free.ok_or("the project has every small package we would add")?;
    Ok(format!("{name}=={version}"))
}

fn is_requirements(name: &str) -> bool {
    let extension = Path::new(name).extension();
    name.starts_with("requirements") && extension.is_some_and(|found| found == "txt")
}

/// The files of an edited context as they were. Kept on the disk, so that a killed careen's
/// successor finds them.
#[derive(Debug)]
pub(super) struct Originals {
    context: PathBuf,
    kept: PathBuf,
}

impl Originals {
    /// `kept` is a folder beside the context.
    pub(super) fn of(context: &Path, kept: &Path) -> Originals {
        Originals { context: context.to_owned(), kept: kept.to_owned() }
    }

    /// Edits the context. `nonce` makes the edit unlike every other one.
    pub(super) fn edit(&self, recipe: &Recipe, nonce: &str) -> Result<(), Error> {
        for path in recipe.paths() {
            self.keep(&path)?;
        }
        match recipe {
            Recipe::Line { path, mark: "" } => {
                // White space is all that means nothing here; its length is the nonce.
                let blanks = " ".repeat(1 + nonce.bytes().map(usize::from).sum::<usize>());
                self.append(path, &blanks)
            }
            Recipe::Line { path, mark } => self.append(path, &format!("\n{mark}{nonce}\n")),
            Recipe::Requirement { path, package } => {
                self.append(path, &format!("\n{package}\n# {nonce}\n"))
            }
            Recipe::UvAdd { folder, package } => {
                let status = Command::new("uv")
                    .args(["add", "--no-sync", "--quiet", package])
                    .current_dir(self.context.join(folder))
                    .stdin(Stdio::null())
                    .output();
                match status {
                    Ok(output) if output.status.success() => {
                        self.append(&folder.join("pyproject.toml"), &format!("\n# {nonce}\n"))
                    }
                    Ok(output) => Err(Error::Prove {
                        doing: format!("uv add {package}"),
                        error: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                    }),
                    Err(err) => Err(Error::io("running", Path::new("uv"))(err)),
                }
            }
        }
    }

    /// Brings every edited file back, with its time, so that builds see what they saw before.
    pub(super) fn restore(&self) -> Result<(), Error> {
        let mut waiting = vec![self.kept.clone()];
        while let Some(folder) = waiting.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(err) if err.kind() == std::io::ErrorKind::NotFound => continue,
                Err(err) => return Err(Error::io("reading", &folder)(err)),
            };
            for entry in entries {
                let kept = entry.map_err(Error::io("reading", &folder))?.path();
                if kept.is_dir() {
                    waiting.push(kept);
                    continue;
                }
                let relative = kept.strip_prefix(&self.kept).expect("it lies in the folder");
                replace(&kept, &self.context.join(relative))?;
            }
        }
        match fs::remove_dir_all(&self.kept) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("removing", &self.kept)(err))
            }
            _ => Ok(()),
        }
    }

    fn keep(&self, path: &Path) -> Result<(), Error> {
        let kept = self.kept.join(path);
        if let Some(parent) = kept.parent() {
            fs::create_dir_all(parent).map_err(Error::io("writing", parent))?;
        }
        replace(&self.context.join(path), &kept)
    }

    fn append(&self, path: &Path, text: &str) -> Result<(), Error> {
        let whole = self.context.join(path);
        let mut bytes = fs::read(&whole).map_err(Error::io("reading", &whole))?;
        bytes.extend_from_slice(text.as_bytes());
        fs::write(&whole, bytes).map_err(Error::io("writing", &whole))
    }
}

/// Copies content, permissions and time; the target appears whole or not at all.
fn replace(from: &Path, to: &Path) -> Result<(), Error> {
    let mut draft = to.as_os_str().to_owned();
    draft.push(".careen-draft");
    let draft = PathBuf::from(draft);
    let time: Result<SystemTime, _> = fs::metadata(from).and_then(|meta| meta.modified());
    fs::copy(from, &draft).map_err(Error::io("copying", from))?;
    if let Ok(time) = time {
        let set =
            File::open(&draft).and_then(|file| file.set_times(FileTimes::new().set_modified(time)));
        set.map_err(Error::io("writing", &draft))?;
    }
    fs::rename(&draft, to).map_err(Error::io("writing", to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn what_is_edited() {
        let nowhere = Path::new("/nonexistent");
        let sent = paths(&["README.md", "src/a/deep.py", "src/cli.py", "tests/a.py"]);
        let note = |recipe: Option<Recipe>| recipe.map(|recipe| recipe.note());
        assert_eq!(note(source(&sent, nowhere)).as_deref(), Some("src/cli.py: a comment"));
        assert_eq!(note(source(&paths(&["a.txt"]), nowhere)), None);
        let sent = paths(&["docs/requirements.txt", "sub/uv.lock", "requirements-dev.txt"]);
        assert_eq!(note(lock(&sent)).as_deref(), Some("requirements-dev.txt: a comment"));
        let sent = paths(&["package-lock.json"]);
        assert_eq!(note(lock(&sent)).as_deref(), Some("package-lock.json: white space"));
        let sent = paths(&["requirements.txt"]);
        assert_eq!(
            dependency(&sent, nowhere).map(|recipe| recipe.note()),
            Ok("requirements.txt: six==1.17.0".to_owned())
        );
        assert!(dependency(&paths(&["go.mod"]), nowhere).is_err());
    }

    #[test]
    fn edits_go_and_come_back_with_their_times() {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        fs::create_dir_all(context.join("src")).unwrap();
        fs::write(context.join("src/a.py"), "x = 1\n").unwrap();
        let before = fs::metadata(context.join("src/a.py")).unwrap().modified().unwrap();
        let originals = Originals::of(&context, &folder.path().join("kept"));
        let recipe = Recipe::Line { path: "src/a.py".into(), mark: "# " };
        originals.edit(&recipe, "n1").unwrap();
        assert_eq!(fs::read_to_string(context.join("src/a.py")).unwrap(), "x = 1\n\n# n1\n");
        // Another process restores after a kill.
        Originals::of(&context, &folder.path().join("kept")).restore().unwrap();
        assert_eq!(fs::read_to_string(context.join("src/a.py")).unwrap(), "x = 1\n");
        assert_eq!(fs::metadata(context.join("src/a.py")).unwrap().modified().unwrap(), before);
        assert!(!folder.path().join("kept").exists());
        originals.restore().unwrap();
    }
}
