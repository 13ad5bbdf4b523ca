//! Fixes that act on the engine instead of on files. None of them can be undone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use careen_engine::{Connection, Target};
use careen_model::{Plan, Step};
use serde::Deserialize;

use crate::Error;

/// What was done in the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedied {
    /// Ids of build cache records that are gone.
    pub pruned: Vec<String>,
    pub freed_bytes: u64,
    /// Builders that were made anew.
    pub recreated: Vec<String>,
}

/// A builder as buildx stores it (buildx `store/nodegroup.go`).
#[derive(Debug, Deserialize)]
struct Instance {
    #[serde(rename = "Driver", default)]
    driver: String,
    #[serde(rename = "Nodes", default)]
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "Endpoint", default)]
    endpoint: String,
    #[serde(rename = "DriverOpts", default)]
    options: Option<std::collections::BTreeMap<String, String>>,
    #[serde(rename = "Flags", default)]
    flags: Option<Vec<String>>,
}

/// Runs the engine's part of a plan that somebody has agreed to. `buildx_store` is the folder
/// `buildx` in the Docker configuration.
pub fn run(plan: &Plan, target: &Target, buildx_store: &Path) -> Result<Remedied, Error> {
    let mut done = Remedied::default();
    for step in plan.chosen.iter().flat_map(|planned| &planned.fix.steps) {
        match step {
            Step::PruneCache { ids, .. } => {
                let pruned = Connection::open(target)?.prune(ids)?;
                done.pruned.extend(pruned.ids);
                done.freed_bytes += pruned.bytes;
            }
            Step::RecreateBuilder { name } => {
                for arguments in recreate(buildx_store, name)? {
                    docker(&arguments)?;
                }
                done.recreated.push(name.clone());
            }
            Step::Edit { .. } | Step::Write { .. } | Step::Show { .. } => {}
        }
    }
    Ok(done)
}

/// The commands that remove a builder and make it again with its settings; its cache is kept.
///
/// Read before anything is removed: buildx forgets the settings together with the builder.
pub fn recreate(buildx_store: &Path, name: &str) -> Result<Vec<Vec<String>>, Error> {
    let path: PathBuf = buildx_store.join("instances").join(name);
    let text = fs::read_to_string(&path).map_err(Error::io("reading", &path))?;
    let instance: Instance = serde_json::from_str(&text)
        .map_err(|err| Error::BuilderUnreadable { path: path.clone(), error: err.to_string() })?;
    let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let mut commands = vec![words(&["buildx", "rm", "--keep-state", name])];
    for (i, node) in instance.nodes.iter().enumerate() {
        let mut create = words(&["buildx", "create", "--name", name, "--driver", &instance.driver]);
        if i > 0 {
            create.push("--append".to_owned());
        }
        create.extend(words(&["--node", &node.name]));
        for (key, value) in node.options.iter().flatten() {
            create.extend(words(&["--driver-opt", &format!("{key}={value}")]));
        }
        let flags = node.flags.as_deref().unwrap_or_default();
        if !flags.is_empty() {
            create.extend(words(&["--buildkitd-flags", &flags.join(" ")]));
        }
        if !node.endpoint.is_empty() {
            create.push(node.endpoint.clone());
        }
        commands.push(create);
    }
    Ok(commands)
}

fn docker(arguments: &[String]) -> Result<(), Error> {
    let failed = |error: String| Error::CommandFailed {
        command: format!("docker {}", arguments.join(" ")),
        error,
    };
    let output = Command::new("docker").args(arguments).output();
    let output = output.map_err(|err| failed(err.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_builder_is_made_again_with_its_settings() {
        let store = tempfile::tempdir().unwrap();
        fs::create_dir(store.path().join("instances")).unwrap();
        let text = r#"{"Name":"b","Driver":"docker-container","Nodes":[
            {"Name":"b0","Endpoint":"unix:///s","DriverOpts":{"network":"host"},"Flags":["--debug"]},
            {"Name":"b1","Endpoint":"","DriverOpts":null,"Flags":null}]}"#;
        fs::write(store.path().join("instances/b"), text).unwrap();
        let commands = recreate(store.path(), "b").unwrap();
        let lines: Vec<String> = commands.iter().map(|words| words.join(" ")).collect();
        expect![[r"
            buildx rm --keep-state b
            buildx create --name b --driver docker-container --node b0 --driver-opt network=host --buildkitd-flags --debug unix:///s
            buildx create --name b --driver docker-container --append --node b1"]]
        .assert_eq(&lines.join("\n"));
    }
}
