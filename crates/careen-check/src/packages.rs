//! Install commands: what they read of the project, and where their package manager keeps its cache.

use careen_syntax::dockerfile::{Manager, PackageCommand};

use crate::calls::Command;
use crate::steps::Run;

/// One installing command of a manager whose downloads can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Install {
    pub(crate) manager: Manager,
    /// Files of the project that it reads: lock files, requirement lists.
    pub(crate) reads: Vec<String>,
    /// It installs the project itself, so it needs the sources.
    pub(crate) needs_sources: bool,
}

const REQUIREMENTS: [&str; 3] = ["-r", "--requirement", "--requirements"];
const CONSTRAINTS: [&str; 3] = ["-c", "--constraint", "--constraints"];

/// The cache folder in force for this step, and `None` for managers that we do not know.
pub(crate) fn cache_folder(manager: Manager, run: &Run<'_>) -> Option<String> {
    let set = |variable: &str| run.env.get(variable).filter(|folder| folder.starts_with('/'));
    let moved =
        |variable: &str, usual: &str| set(variable).map_or(usual, String::as_str).to_owned();
    Some(match manager {
        Manager::Apt => "/var/cache/apt".to_owned(),
        Manager::Pip => moved("PIP_CACHE_DIR", "/root/.cache/pip"),
        Manager::Uv => moved("UV_CACHE_DIR", "/root/.cache/uv"),
        Manager::Npm => moved("npm_config_cache", "/root/.npm"),
        Manager::Yarn => moved("YARN_CACHE_FOLDER", "/root/.cache/yarn"),
        Manager::Pnpm => "/root/.cache/pnpm-store".to_owned(),
        Manager::Composer => moved("COMPOSER_CACHE_DIR", "/root/.cache/composer"),
        Manager::Go => match (set("GOMODCACHE"), set("GOPATH")) {
            (Some(folder), _) => folder.clone(),
            (None, Some(path)) => format!("{path}/pkg/mod"),
            (None, None) if is_based_on(run, "golang") => "/go/pkg/mod".to_owned(),
            (None, None) => "/root/go/pkg/mod".to_owned(),
        },
        Manager::Cargo => match set("CARGO_HOME") {
            Some(home) => format!("{home}/registry"),
            None if is_based_on(run, "rust") => "/usr/local/cargo/registry".to_owned(),
            None => "/root/.cargo/registry".to_owned(),
        },
        _ => return None,
    })
}

/// The name of the image is, or holds, that of the official one, which sets its own folders.
fn is_based_on(run: &Run<'_>, name: &str) -> bool {
    run.image.as_ref().is_some_and(|image| image.rsplit('/').next().unwrap_or("").contains(name))
}

/// Switches of single commands that keep the cache from being used.
pub(crate) fn switch(manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Pip => &["--no-cache-dir"],
        Manager::Uv => &["--no-cache", "--no-cache-dir", "-n"],
        Manager::Apk => &["--no-cache"],
        _ => &[],
    }
}

/// `update`, `install`, … of an apt or apt-get command.
pub(crate) fn apt_action(command: &Command) -> Option<&str> {
    let package = command.package.as_ref()?;
    // aptitude has other options.
    let is_apt = matches!(command.program(), "apt-get" | "apt");
    (is_apt && !package.verb.is_empty()).then_some(package.verb.as_str())
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
    let package = command.package.as_ref()?;
    let names = || package.packages.iter().map(|package| package.text.clone());
    let manager = package.manager;
    let of = |reads: Vec<String>| Some(Install { manager, reads, needs_sources: false });
    match (manager, package.verb.as_str()) {
        // What it installs of the project itself is the project's affair, unless told.
        (Manager::Uv, "sync") => {
            let leaves_out = ["--no-install-project", "--only-group"];
            let needs_sources = package.option(&leaves_out).is_none();
            let reads = vec!["pyproject.toml".to_owned(), "uv.lock".to_owned()];
            Some(Install { manager, reads, needs_sources })
        }
        (Manager::Uv, "pip sync") => of(names().collect()),
        (Manager::Uv, "pip install") | (Manager::Pip, "install") => Some(pip(package)),
        (Manager::Npm, "ci" | "clean-install") => of(node_files()),
        (Manager::Npm, "install" | "i") if package.packages.is_empty() => of(node_files()),
        (Manager::Uv, "tool install") | (Manager::Npm, "install" | "i") => of(vec![]),
        _ => None,
    }
}

/// The manager of a command that downloads what a kept cache would have, [`install`] or not.
pub(crate) fn downloads(command: &Command) -> Option<Manager> {
    if let Some(install) = install(command) {
        return Some(install.manager);
    }
    let package = command.package.as_ref()?;
    let is_vendored = || {
        package
            .options
            .iter()
            .any(|option| option.name == "-mod" && option.value.as_deref() == Some("vendor"))
    };
    let does = match (package.manager, package.verb.as_str()) {
        (Manager::Yarn, "install" | "" | "global add") => !has_help(package),
        (Manager::Pnpm, "install" | "i")
        | (Manager::Composer, "install" | "update" | "require" | "create-project") => true,
        (Manager::Go, "mod download" | "build" | "install" | "get" | "test") => !is_vendored(),
        (Manager::Cargo, "build" | "install" | "fetch" | "test") => {
            package.option(&["--offline", "--frozen"]).is_none()
        }
        _ => false,
    };
    does.then_some(package.manager)
}

/// `yarn --version` installs nothing.
fn has_help(package: &PackageCommand) -> bool {
    package.option(&["--version", "-v", "--help", "-h"]).is_some()
}

fn node_files() -> Vec<String> {
    vec!["package.json".to_owned(), "package-lock.json".to_owned()]
}

fn pip(package: &PackageCommand) -> Install {
    let files = package.options.iter().filter(|option| {
        let name = option.name.as_str();
        REQUIREMENTS.contains(&name) || CONSTRAINTS.contains(&name)
    });
    let reads = files.filter_map(|option| option.value.clone()).collect();
    let is_path = |text: &str| text == "." || text.starts_with("./") || text.starts_with(".[");
    let needs_sources = package.option(&["-e", "--editable"]).is_some()
        || package.packages.iter().any(|package| is_path(&package.text));
    Install { manager: package.manager, reads, needs_sources }
}

pub(crate) fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python");
    version.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::read;

    #[test]
    fn installs_and_what_they_read() {
        let check = |text: &str, expected: Option<(Manager, &[&str], bool)>| {
            let script = read(text);
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
        check("npm install -g pnpm", Some((Manager::Npm, &[], false)));
        check("pipenv install", None);
        check("python -m ipykernel install", None);
    }
}
