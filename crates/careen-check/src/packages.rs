//! Package managers in RUN commands: who installs what, and where it keeps its cache.

use crate::shell::Command;
use crate::steps::Run;

/// A package manager that can keep what it downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Manager {
    Apt,
    Pip,
    Uv,
    Npm,
}

/// One installing command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Install {
    pub(crate) manager: Manager,
    /// Files of the project that it reads: lock files, requirement lists.
    pub(crate) reads: Vec<String>,
    /// It installs the project itself, so it needs the sources.
    pub(crate) needs_sources: bool,
}

/// Options of apt and apt-get that take a value in the next word.
const APT_VALUES: [&str; 6] = ["-o", "--option", "-c", "--config-file", "-t", "--target-release"];

/// Options of pip and uv that take a value in the next word and matter to a reading of operands.
const PYTHON_VALUES: [&str; 22] = [
    "-r",
    "--requirement",
    "--requirements",
    "-c",
    "--constraint",
    "--constraints",
    "-i",
    "--index-url",
    "--extra-index-url",
    "--index",
    "--default-index",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "-p",
    "--python",
    "--group",
    "--extra",
    "-e",
    "--editable",
];

impl Manager {
    /// The folder of its cache for root, and the variable that moves it.
    pub(crate) fn cache(self) -> (&'static str, &'static str) {
        match self {
            Manager::Apt => ("/var/cache/apt", ""),
            Manager::Pip => ("/root/.cache/pip", "PIP_CACHE_DIR"),
            Manager::Uv => ("/root/.cache/uv", "UV_CACHE_DIR"),
            Manager::Npm => ("/root/.npm", "npm_config_cache"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Manager::Apt => "apt",
            Manager::Pip => "pip",
            Manager::Uv => "uv",
            Manager::Npm => "npm",
        }
    }

    /// The cache folder in force for this step.
    pub(crate) fn folder(self, run: &Run<'_>) -> String {
        let (folder, variable) = self.cache();
        match run.env.get(variable) {
            Some(moved) if moved.starts_with('/') => moved.clone(),
            _ => folder.to_owned(),
        }
    }
}

/// `update`, `install`, … of an apt or apt-get command.
pub(crate) fn apt_action(command: &Command) -> Option<&str> {
    if !matches!(command.program(), "apt-get" | "apt") {
        return None;
    }
    command.operands(&APT_VALUES).first().map(|word| word.text.as_str())
}

pub(crate) fn is_apt_install(command: &Command) -> bool {
    matches!(
        apt_action(command),
        Some("install" | "upgrade" | "dist-upgrade" | "full-upgrade" | "build-dep")
    )
}

/// Reads an installing command; `None` for everything else.
pub(crate) fn install(command: &Command) -> Option<Install> {
    if is_apt_install(command) {
        return Some(Install { manager: Manager::Apt, reads: vec![], needs_sources: false });
    }
    let operands = command.operands(&PYTHON_VALUES);
    let words: Vec<&str> = operands.iter().map(|word| word.text.as_str()).collect();
    let program = command.program();
    match (program, words.as_slice()) {
        ("uv", ["sync", ..]) => Some(uv_sync(command)),
        ("uv", ["pip", "sync", files @ ..]) => {
            let reads = files.iter().map(|&file| file.to_owned()).collect();
            Some(Install { manager: Manager::Uv, reads, needs_sources: false })
        }
        ("uv", ["pip", "install", packages @ ..]) => Some(pip(Manager::Uv, command, packages)),
        ("uv", ["tool", "install", ..]) => {
            Some(Install { manager: Manager::Uv, reads: vec![], needs_sources: false })
        }
        (name, ["install", packages @ ..]) if is_pip(name) => {
            Some(pip(Manager::Pip, command, packages))
        }
        // `-m` is no operand.
        (name, ["pip", "install", packages @ ..]) if is_python(name) && command.has("-m") => {
            Some(pip(Manager::Pip, command, packages))
        }
        ("npm", ["ci" | "clean-install", ..] | ["install" | "i"]) => {
            Some(npm(&["package.json", "package-lock.json"]))
        }
        ("npm", ["install" | "i", ..]) => Some(npm(&[])),
        _ => None,
    }
}

pub(crate) fn is_python(name: &str) -> bool {
    name.strip_prefix("python").is_some_and(is_version)
}

fn is_pip(name: &str) -> bool {
    name.strip_prefix("pip").is_some_and(is_version)
}

fn is_version(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn npm(files: &[&str]) -> Install {
    let reads = files.iter().map(|&file| file.to_owned()).collect();
    Install { manager: Manager::Npm, reads, needs_sources: false }
}

/// `uv sync` reads the project and its lock; whether it installs the project is the project's
/// affair unless an option says no.
fn uv_sync(command: &Command) -> Install {
    let leaves_out = command.has("--no-install-project") || command.has("--only-group");
    let reads = vec!["pyproject.toml".to_owned(), "uv.lock".to_owned()];
    Install { manager: Manager::Uv, reads, needs_sources: !leaves_out }
}

fn pip(manager: Manager, command: &Command, packages: &[&str]) -> Install {
    let mut reads = Vec::new();
    let mut needs_sources = packages.iter().any(|package| is_path(package));
    let words = command.arguments();
    for (i, word) in words.iter().enumerate() {
        let (option, value) = match word.text.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value)),
            _ => (word.text.as_str(), words.get(i + 1).map(|next| next.text.as_str())),
        };
        match option {
            "-r" | "--requirement" | "--requirements" | "-c" | "--constraint" | "--constraints" => {
                reads.extend(value.map(str::to_owned));
            }
            "-e" | "--editable" => needs_sources = true,
            _ => (),
        }
    }
    Install { manager, reads, needs_sources }
}

fn is_path(package: &str) -> bool {
    package == "." || package.starts_with("./") || package.starts_with(".[")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn installs_and_what_they_read() {
        let check = |text: &str, expected: Option<(Manager, &[&str], bool)>| {
            let script = shell::read(text);
            let found = install(&script.commands[0]);
            let found = found.as_ref().map(|i| {
                (i.manager, i.reads.iter().map(String::as_str).collect(), i.needs_sources)
            });
            let expected: Option<(Manager, Vec<&str>, bool)> =
                expected.map(|(manager, reads, sources)| (manager, reads.to_vec(), sources));
            assert_eq!(found, expected, "{text}");
        };
        check("apt-get -o A=b install -y git", Some((Manager::Apt, &[], false)));
        check("apt-get update", None);
        check("uv sync --frozen", Some((Manager::Uv, &["pyproject.toml", "uv.lock"], true)));
        check(
            "uv sync --no-install-project",
            Some((Manager::Uv, &["pyproject.toml", "uv.lock"], false)),
        );
        check("uv pip install -r a.txt", Some((Manager::Uv, &["a.txt"], false)));
        check("pip3.11 install --requirement=b.txt -e .", Some((Manager::Pip, &["b.txt"], true)));
        check("/opt/uv/bin/pip install uv", Some((Manager::Pip, &[], false)));
        check("python3 -m pip install -U pip", Some((Manager::Pip, &[], false)));
        check("pip install .[dev]", Some((Manager::Pip, &[], true)));
        check("npm ci", Some((Manager::Npm, &["package.json", "package-lock.json"], false)));
        check("pipenv install", None);
        check("python -m ipykernel install", None);
    }
}
