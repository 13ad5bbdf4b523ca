//! Builders that buildx keeps: making one again, and the key of its copy of a context.
//!
//! buildx owns its builders' life cycle, so its own program does the work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use careen_model::BuilderCache;
use serde::Deserialize;

use crate::EngineError;

/// Where buildx keeps its builders; `config` is the Docker configuration folder.
pub fn buildx_store(env: &dyn Fn(&str) -> Option<String>, config: &Path) -> PathBuf {
    match env("BUILDX_CONFIG").filter(|value| !value.is_empty()) {
        Some(folder) => folder.into(),
        None => config.join("buildx"),
    }
}

/// The commands that make a builder again with the driver, endpoints, options and flags it has.
///
/// The caller shows them, asks, and runs them in this order with [`run_steps`].
pub fn recreate_steps(
    store: &Path,
    name: &str,
    cache: BuilderCache,
) -> Result<Vec<Vec<String>>, EngineError> {
    let path = store.join("instances").join(name);
    let unusable =
        |reason: String| EngineError::Misconfigured { what: format!("builder `{name}`"), reason };
    let text = fs::read_to_string(&path).map_err(|err| unusable(err.to_string()))?;
    let instance: Instance =
        serde_json::from_str(&text).map_err(|err| unusable(format!("its file: {err}")))?;
    let nodes = instance.nodes.unwrap_or_default();
    if nodes.is_empty() {
        return Err(unusable("it has no node".to_owned()));
    }
    if nodes.iter().any(|node| !node.files.as_ref().is_none_or(serde_json::Map::is_empty)) {
        let what = format!("making builder `{name}` again: it was made with a configuration file");
        return Err(EngineError::Unsupported { what });
    }
    let docker = |words: &[&str]| {
        ["docker", "buildx"].iter().chain(words).map(|&word| word.to_owned()).collect::<Vec<_>>()
    };
    let mut remove = docker(&["rm"]);
    if cache == BuilderCache::Kept {
        remove.push("--keep-state".to_owned());
    }
    remove.push(name.to_owned());
    let mut steps = vec![remove];
    for (n, node) in nodes.iter().enumerate() {
        let mut create = docker(&["create", "--name", name, "--driver", &instance.driver]);
        if n > 0 {
            create.push("--append".to_owned());
        }
        create.extend(node.words());
        steps.push(create);
    }
    steps.push(docker(&["inspect", "--bootstrap", name]));
    Ok(steps)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    driver: String,
    nodes: Option<Vec<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    name: String,
    endpoint: String,
    #[serde(default)]
    driver_opts: Option<std::collections::BTreeMap<String, String>>,
    #[serde(default)]
    flags: Option<Vec<String>>,
    #[serde(default)]
    files: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    platforms: Option<Vec<Platform>>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
}

impl Node {
    fn words(&self) -> Vec<String> {
        let mut words = vec!["--node".to_owned(), self.name.clone()];
        for (name, value) in self.driver_opts.iter().flatten() {
            // buildx reads each option as a row of comma-separated values.
            let pair = format!("{name}={value}");
            let quoted = if pair.contains([',', '"']) {
                format!("\"{}\"", pair.replace('"', "\"\""))
            } else {
                pair
            };
            words.extend(["--driver-opt".to_owned(), quoted]);
        }
        if let Some(flags) = self.flags.as_ref().filter(|flags| !flags.is_empty()) {
            words.extend(["--buildkitd-flags".to_owned(), flags.join(" ")]);
        }
        let platforms = self.platforms.iter().flatten().map(Platform::name);
        let platforms = platforms.collect::<Vec<_>>().join(",");
        if !platforms.is_empty() {
            words.extend(["--platform".to_owned(), platforms]);
        }
        words.push(self.endpoint.clone());
        words
    }
}

impl Platform {
    fn name(&self) -> String {
        let Platform { os, architecture, variant } = self;
        let slash = if variant.is_empty() { "" } else { "/" };
        format!("{os}/{architecture}{slash}{variant}")
    }
}

/// Runs commands one after the other and stops at the first that fails.
pub fn run_steps(steps: &[Vec<String>]) -> Result<(), EngineError> {
    for step in steps {
        let Some((program, rest)) = step.split_first() else { continue };
        let output = Command::new(program).args(rest).stdin(Stdio::null()).output();
        let output = output.map_err(|err| match err.kind() {
            std::io::ErrorKind::NotFound => {
                EngineError::Unsupported { what: format!("builders without `{program}`") }
            }
            _ => EngineError::Local { what: program.clone(), reason: err.to_string() },
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let what = format!("`{}`", step.join(" "));
            return Err(EngineError::Local { what, reason: said });
        }
    }
    Ok(())
}

/// The key under which buildx has a builder keep its copy of a context folder: with the same key,
/// careen and buildx update one copy instead of keeping two. `None` when buildx has never built
/// here. `store` is `$BUILDX_CONFIG`, or `buildx` in the Docker configuration folder.
///
/// The key is the folder's own name and a random text that buildx keeps in `.buildNodeID` (seen
/// with buildx 0.29: with this key a build after buildx's sent 0 of 5,000,000 bytes). Folders of
/// the same name share one copy, so building them in turn sends their differences each time.
pub fn buildx_shared_key(store: &Path, folder: &Path) -> Option<String> {
    let node = fs::read_to_string(store.join(".buildNodeID")).ok()?;
    let name = folder.file_name()?.to_str()?;
    Some(format!("{name}:{}", node.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(instance: &str, cache: BuilderCache) -> Result<String, EngineError> {
        let store = tempfile::tempdir().unwrap();
        fs::create_dir(store.path().join("instances")).unwrap();
        fs::write(store.path().join("instances/big"), instance).unwrap();
        let steps = recreate_steps(store.path(), "big", cache)?;
        Ok(steps.iter().map(|step| step.join(" ")).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_builder_is_made_again_as_it_was() {
        let instance = r#"{"Name":"big","Driver":"docker-container","Nodes":[
            {"Name":"big0","Endpoint":"default","DriverOpts":{"network":"host","env.A":"1,2"},
             "Flags":["--debug","--x"],"Files":null,
             "Platforms":[{"architecture":"arm","os":"linux","variant":"v7"}]},
            {"Name":"big1","Endpoint":"tcp://h:1","Platforms":null}],"Dynamic":false}"#;
        expect_test::expect![[r#"
            docker buildx rm --keep-state big
            docker buildx create --name big --driver docker-container --node big0 --driver-opt "env.A=1,2" --driver-opt network=host --buildkitd-flags --debug --x --platform linux/arm/v7 default
            docker buildx create --name big --driver docker-container --append --node big1 tcp://h:1
            docker buildx inspect --bootstrap big"#]]
        .assert_eq(&steps(instance, BuilderCache::Kept).unwrap());
    }

    #[test]
    fn a_builder_that_cannot_be_made_again_is_left_alone() {
        for (instance, expected) in [
            ("{", "builder `big` cannot be used: its file: EOF"),
            (r#"{"Driver":"remote","Nodes":[]}"#, "builder `big` cannot be used: it has no node"),
            (
                r#"{"Driver":"docker-container","Nodes":[{"Name":"a","Endpoint":"d","Files":{"buildkitd.toml":"eA=="}}]}"#,
                "not supported: making builder `big` again: it was made with a configuration file",
            ),
        ] {
            let err = steps(instance, BuilderCache::Lost).unwrap_err().to_string();
            assert!(err.starts_with(expected), "{err}");
        }
    }

    #[test]
    fn the_key_is_that_of_buildx() {
        let store = tempfile::tempdir().unwrap();
        assert_eq!(buildx_shared_key(store.path(), Path::new("/home/me/hoops")), None);
        fs::write(store.path().join(".buildNodeID"), "00417246332ea016").unwrap();
        let key = buildx_shared_key(store.path(), Path::new("/home/me/hoops"));
        assert_eq!(key.as_deref(), Some("hoops:00417246332ea016"));
    }

    #[test]
    fn commands_stop_at_the_first_failure() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(run_steps(&[words("true")]), Ok(()));
        let err = run_steps(&[words("ls /nowhere-at-all"), words("true")]).unwrap_err();
        assert!(err.to_string().starts_with("`ls /nowhere-at-all`: "), "{err}");
        let err = run_steps(&[words("careen-no-such-program x")]).unwrap_err();
        assert!(matches!(err, EngineError::Unsupported { .. }), "{err:?}");
    }
}
