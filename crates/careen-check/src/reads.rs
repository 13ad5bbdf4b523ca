//! What commands of a RUN read of the project, as far as their programs tell.

use careen_syntax::dockerfile::Manager;

use crate::calls::Command;
use crate::packages::{install, is_python};

/// Files of the project that a command reads, those that need not be there included.
///
/// `None`: it may read anything.
pub(crate) fn reads(command: &Command) -> Option<Vec<String>> {
    let named = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    if let Some(install) = install(command) {
        if install.needs_sources {
            return None;
        }
        let mut files = install.reads;
        if install.manager == Manager::Npm {
            files.extend(["npm-shrinkwrap.json", ".npmrc"].map(str::to_owned));
        }
        return Some(files);
    }
    let package = command.package.as_ref().map(|one| (one.manager, one.verb.as_str()));
    let is_whole = command.package.as_ref().is_some_and(|one| one.packages.is_empty());
    match package {
        Some((Manager::Go, "mod download")) => named(&["go.mod", "go.sum", "go.work"]),
        Some((Manager::Yarn, "install" | "")) if is_whole => {
            named(&["package.json", "yarn.lock", ".yarnrc", ".yarnrc.yml", ".npmrc"])
        }
        Some((Manager::Pnpm, "install" | "i")) if is_whole => {
            named(&["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"])
        }
        Some(
            (Manager::Apk, "add" | "update")
            | (Manager::Dnf | Manager::Yum, "install" | "clean" | "makecache"),
        ) => Some(vec![]),
        _ => is_blind(command).then(Vec::new),
    }
}

/// Files that turn an install into one of many projects, whose files nobody can name from outside.
pub(crate) const OF_MANY_PROJECTS: [&str; 3] = ["go.work", "pnpm-workspace.yaml", ".yarnrc.yml"];

/// Commands that look at nothing of the project, apart from what an install is known to read.
pub(crate) fn is_blind(command: &Command) -> bool {
    let name = command.program();
    let module = |module: &str| command.has("-m") && command.has(module);
    let makes_environment = is_python(name) && (module("venv") || module("ipykernel"));
    let removes = name == "rm"
        && command
            .arguments()
            .iter()
            .all(|word| word.text.starts_with('-') || word.text.starts_with('/'));
    let is_uv = name == "uv"
        && command
            .arguments()
            .first()
            .is_some_and(|word| matches!(word.text.as_str(), "venv" | "cache" | "python"));
    install(command).is_some()
        || makes_environment
        || removes
        || is_uv
        || matches!(
            name,
            "apt-get" | "apt" | "mkdir" | "echo" | "true" | "set" | "groupadd" | "useradd"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::read;

    #[test]
    fn what_commands_read() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let script = read(text);
            let found = reads(&script.commands[0]);
            let found: Option<Vec<&str>> =
                found.as_ref().map(|files| files.iter().map(String::as_str).collect());
            assert_eq!(found, expected.map(<[&str]>::to_vec), "{text}");
        };
        check("apt-get install -y git", Some(&[]));
        check("apk add --no-cache git", Some(&[]));
        check("pip install -r a.txt", Some(&["a.txt"]));
        check("pip install .", None);
        check("go mod download", Some(&["go.mod", "go.sum", "go.work"]));
        check("go build ./...", None);
        check(
            "yarn install --frozen-lockfile",
            Some(&["package.json", "yarn.lock", ".yarnrc", ".yarnrc.yml", ".npmrc"]),
        );
        check("make", None);
        check("mkdir -p /x", Some(&[]));
    }
}
