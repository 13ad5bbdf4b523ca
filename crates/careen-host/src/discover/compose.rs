//! The `build` section of a compose file.
//!
//! Understood: short and long form, aliases, merge keys, variables with a default. Not followed:
//! `include`, `extends`, several files at once, values of variables without a default.

use std::path::{Path, PathBuf};

use careen_model::Why;

use super::yaml::{self, Node};
use super::{Build, read_text, tidy, unreadable};

/// The names that `docker compose` looks for, in its order (compose-spec/compose-go cli/options.go).
const NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The compose file of the folder; `docker-compose.dev.yml` and the like only when alone.
pub(super) fn find(root: &Path, names: &[String]) -> Option<PathBuf> {
    let is_named = |wanted: &&str| names.iter().any(|name| name == wanted);
    let other = || {
        names.iter().map(String::as_str).find(|name| {
            let has_stem = name.starts_with("docker-compose.") || name.starts_with("compose.");
            let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
            has_stem && matches!(extension, Some("yml" | "yaml"))
        })
    };
    NAMES.into_iter().find(is_named).or_else(other).map(|name| root.join(name))
}

/// The first service that is built from a Dockerfile of this machine; one whose file exists first.
pub(super) fn read(file: &Path) -> Result<Option<Build>, Why> {
    let builds = builds(file)?;
    let exists = builds.iter().position(|(_, build)| build.dockerfile.is_file());
    Ok(builds.into_iter().nth(exists.unwrap_or(0)).map(|(_, build)| build))
}

/// The build of one service.
pub(super) fn read_service(file: &Path, service: &str) -> Result<Option<Build>, Why> {
    Ok(builds(file)?.into_iter().find(|(name, _)| name == service).map(|(_, build)| build))
}

/// The builds of all services that are built from a Dockerfile of this machine.
pub(super) fn builds(file: &Path) -> Result<Vec<(String, Build)>, Why> {
    let text = read_text(file)?;
    let tree = yaml::parse(&text).map_err(|error| unreadable(file, error))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let services = tree.get("services").map(Node::entries).unwrap_or_default();
    let builds = services.iter().filter_map(|(name, service)| {
        Some((name.clone(), build_of(service.get("build")?, folder)?))
    });
    Ok(builds.collect())
}

fn build_of(section: &Node, folder: &Path) -> Option<Build> {
    let value = |key: &str| section.get(key).and_then(Node::text).map(interpolate);
    // Lines in the compose file itself are no file that could be fixed.
    if section.get("dockerfile_inline").is_some() {
        return None;
    }
    // The short form is the context alone.
    let context = section.text().map(interpolate).or_else(|| value("context"));
    let context = context.unwrap_or_else(|| Some(".".into()))?;
    let dockerfile = value("dockerfile").unwrap_or_else(|| Some("Dockerfile".into()))?;
    let target = match value("target") {
        Some(target) => Some(target?),
        None => None,
    };
    if is_remote(&context) {
        return None;
    }
    let context = tidy(&folder.join(context));
    let dockerfile = tidy(&context.join(dockerfile));
    let arguments = section.get("args").map(arguments).unwrap_or_default();
    Some(Build { dockerfile, from: "compose.yaml", context, target, arguments })
}

/// `args` as a mapping or as a list of `NAME=VALUE`; without a value it is the environment's.
fn arguments(section: &Node) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| Some((name.to_owned(), interpolate(value)?));
    let listed = section.items().iter().filter_map(|item| {
        let (name, value) = item.text()?.split_once('=')?;
        pair(name, value)
    });
    let mapped = section.entries().iter().filter_map(|(name, value)| {
        let value = value.text().filter(|text| !matches!(*text, "" | "~" | "null"))?;
        pair(name, value)
    });
    listed.chain(mapped).collect()
}

fn is_remote(context: &str) -> bool {
    context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
}

/// The text with `${NAME:-default}` and `${NAME-default}` replaced and `$$` as `$`; `None` when a
/// variable has no default, since its value belongs to whoever runs compose.
fn interpolate(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        let (variable, tail) = rest.strip_prefix('{')?.split_once('}')?;
        let (_, default) = variable.split_once(":-").or_else(|| variable.split_once('-'))?;
        out.push_str(default);
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_a_default_are_known() {
        for (text, expected) in [
            ("./app", Some("./app")),
            ("${DIR:-app}/x", Some("app/x")),
            ("${DIR-app}", Some("app")),
            ("a$$b", Some("a$b")),
            ("$DIR", None),
            ("${DIR}", None),
            ("${DIR", None),
            ("x$", None),
        ] {
            assert_eq!(interpolate(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_usual_names_go_first() {
        let find = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            find(Path::new(""), &names).map(|path| path.display().to_string())
        };
        assert_eq!(
            find(&["compose.dev.yml", "docker-compose.yml"]),
            Some("docker-compose.yml".into())
        );
        assert_eq!(find(&["docker-compose.dev.yml"]), Some("docker-compose.dev.yml".into()));
        assert_eq!(find(&["compose.txt", "docker-compose.yml.bak"]), None);
    }

    #[track_caller]
    fn check(section: &str, expected: Option<(&str, &str, Option<&str>)>) {
        let tree = yaml::parse(section).unwrap();
        let found = build_of(tree.get("build").unwrap(), Path::new("/p"));
        let found = found.map(|build| {
            let path = |path: PathBuf| path.display().to_string();
            (path(build.context), path(build.dockerfile), build.target)
        });
        let expected = expected.map(|(context, dockerfile, target)| {
            (context.to_owned(), dockerfile.to_owned(), target.map(str::to_owned))
        });
        assert_eq!(found, expected, "{section}");
    }

    #[test]
    fn both_forms_of_the_section_are_read() {
        check("build: ./app", Some(("/p/app", "/p/app/Dockerfile", None)));
        check("build: .", Some(("/p", "/p/Dockerfile", None)));
        check(
            "build: {context: .., dockerfile: docker/a.Dockerfile, target: dev}",
            Some(("/", "/docker/a.Dockerfile", Some("dev"))),
        );
        check("build: {dockerfile: /abs/Dockerfile}", Some(("/p", "/abs/Dockerfile", None)));
        check("build: {}", Some(("/p", "/p/Dockerfile", None)));
    }

    #[test]
    fn arguments_are_read_in_both_forms() {
        for (section, expected) in [
            ("args: {A: 1, B: '${X:-y}', C: $D, E: }", "A=1 B=y"),
            ("args: [A=1, 'B=a=b', C]", "A=1 B=a=b"),
        ] {
            let tree = yaml::parse(section).unwrap();
            let found = arguments(tree.get("args").unwrap());
            let shown: Vec<String> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
            assert_eq!(shown.join(" "), expected, "{section}");
        }
    }

    #[test]
    fn what_is_not_on_this_machine_is_left_out() {
        for section in [
            "build: https://github.com/a/b.git",
            "build: {context: $DIR}",
            "build: {target: $T}",
            "build: {dockerfile_inline: FROM scratch}",
        ] {
            check(section, None);
        }
    }
}
