//! Which programs that matter to a build are on `PATH`, found without running them.

use std::path::{Path, PathBuf};

use careen_model::host::Tool;

use crate::System;

/// Looked for on `PATH`.
const PROGRAMS: [&str; 24] = [
    "docker",
    "podman",
    "buildah",
    "nerdctl",
    "buildctl",
    "git",
    "git-lfs",
    "uv",
    "python3",
    "pip",
    "poetry",
    "conda",
    "node",
    "npm",
    "pnpm",
    "cargo",
    "go",
    "java",
    "nvidia-smi",
    "nvidia-container-cli",
    "hadolint",
    "shellcheck",
    "sudo",
    "wslinfo",
];

/// Plugins of the docker client: (name of the tool, name of the file).
const PLUGINS: [(&str, &str); 2] = [("buildx", "docker-buildx"), ("compose", "docker-compose")];

/// Where the client looks for plugins after the user's own folder (docker/cli
/// cli-plugins/manager/manager_unix.go).
const PLUGIN_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// Every tool, found or not. `slow`: mount points not to search, since under WSL `PATH` holds
/// dozens of folders of Windows at a millisecond and more for each question.
pub(crate) fn probe(system: &dyn System, slow: &[PathBuf]) -> Vec<Tool> {
    let path = system.variable("PATH").unwrap_or_default();
    let folders = search_folders(&path, slow);
    let find = |folders: &[PathBuf], file: &str| {
        let mut candidates = folders.iter().map(|folder| folder.join(file));
        candidates.find(|file| system.status(file).is_ok_and(crate::Status::is_program))
    };
    let programs = PROGRAMS.map(|name| Tool { name, path: find(&folders, name) });
    let plugin_folders = plugin_folders(system);
    let plugins = PLUGINS.map(|(name, file)| Tool { name, path: find(&plugin_folders, file) });
    programs.into_iter().chain(plugins).collect()
}

/// The absolute folders of `PATH`, in order, once each.
fn search_folders(path: &str, slow: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in path.split(':').map(PathBuf::from) {
        let is_slow = slow.iter().any(|point| folder.starts_with(point));
        if folder.is_absolute() && !is_slow && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

fn plugin_folders(system: &dyn System) -> Vec<PathBuf> {
    let home = system.variable("HOME").map(|home| Path::new(&home).join(".docker"));
    let config = system.variable("DOCKER_CONFIG").map(PathBuf::from).or(home);
    let mut folders = Vec::new();
    if let Some(config) = config {
        let text = system.read(&config.join("config.json")).unwrap_or_default();
        folders.extend(extra_folders(&text));
        folders.push(config.join("cli-plugins"));
    }
    folders.extend(PLUGIN_FOLDERS.map(PathBuf::from));
    folders
}

/// `cliPluginsExtraDirs` of the client's configuration; nothing when it is broken.
fn extra_folders(config: &[u8]) -> Vec<PathBuf> {
    let config: serde_json::Value = serde_json::from_slice(config).unwrap_or_default();
    let extra = config["cliPluginsExtraDirs"].as_array();
    let names = extra.into_iter().flatten().filter_map(serde_json::Value::as_str);
    names.map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSystem;

    #[track_caller]
    fn check(system: &FakeSystem, name: &str, expected: Option<&str>) {
        let tools = probe(system, &["/mnt/c".into()]);
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        assert_eq!(tool.path.as_deref(), expected.map(Path::new));
    }

    #[test]
    fn the_first_program_on_the_path_counts() {
        let system = FakeSystem::default()
            .variable("PATH", "bin::/mnt/c/Docker:/opt/bin:/usr/bin:/opt/bin")
            .file("/opt/bin/git", "not executable")
            .program("/usr/bin/git")
            .program("/mnt/c/Docker/docker")
            .program("bin/uv");
        check(&system, "git", Some("/usr/bin/git"));
        // On a Windows drive, relative, or nowhere.
        for name in ["docker", "uv", "podman"] {
            check(&system, name, None);
        }
    }

    #[test]
    fn plugins_are_looked_for_where_the_client_does() {
        let system = FakeSystem::default().variable("HOME", "/home/me");
        let everywhere = system.clone().program("/usr/libexec/docker/cli-plugins/docker-buildx");
        check(&everywhere, "buildx", Some("/usr/libexec/docker/cli-plugins/docker-buildx"));
        let own = everywhere.program("/home/me/.docker/cli-plugins/docker-buildx");
        check(&own, "buildx", Some("/home/me/.docker/cli-plugins/docker-buildx"));
        let extra = own
            .file("/home/me/.docker/config.json", r#"{"cliPluginsExtraDirs": ["/x", 7]}"#)
            .program("/x/docker-buildx");
        check(&extra, "buildx", Some("/x/docker-buildx"));
        let broken = extra.file("/home/me/.docker/config.json", "{");
        check(&broken, "buildx", Some("/home/me/.docker/cli-plugins/docker-buildx"));
        // DOCKER_CONFIG replaces the folder in home.
        let other = broken.variable("DOCKER_CONFIG", "/etc/d");
        check(&other, "buildx", Some("/usr/libexec/docker/cli-plugins/docker-buildx"));
        check(&FakeSystem::default(), "compose", None);
    }
}
