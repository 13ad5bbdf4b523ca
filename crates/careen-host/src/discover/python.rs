//! What `pyproject.toml`, `uv.lock` and `requirements*.txt` say of a Python project.

use std::path::Path;

use careen_model::project::Python;
use careen_model::{Fact, Why};
use toml::{Table, Value};

use super::{read_text, unreadable};

const PYPROJECT: &str = "pyproject.toml";

pub(super) fn read(root: &Path, names: &[String]) -> Fact<Python> {
    let has = |name: &str| names.iter().any(|other| other == name);
    if has(PYPROJECT) {
        let has_lock = has("uv.lock");
        return read_pyproject(&root.join(PYPROJECT))
            .map(|python| Python { has_lock, ..python })
            .into();
    }
    let is_requirements = |name: &&String| {
        name.starts_with("requirements") && Path::new(name).extension().is_some_and(|e| e == "txt")
    };
    let files: Vec<&String> = names.iter().filter(is_requirements).collect();
    if files.is_empty() {
        return Fact::Unknown(Why::Absent { what: PYPROJECT.into() });
    }
    let mut dependencies = Vec::new();
    for name in files {
        match read_text(&root.join(name)) {
            Ok(text) => dependencies.extend(text.lines().filter_map(requirement)),
            Err(why) => return Fact::Unknown(why),
        }
    }
    Fact::Known(Python { dependencies: sorted(dependencies), ..Python::default() })
}

fn read_pyproject(path: &Path) -> Result<Python, Why> {
    let text = read_text(path)?;
    let table: Table =
        text.parse().map_err(|err: toml::de::Error| unreadable(path, err.message().to_owned()))?;
    Ok(understand(&table))
}

fn understand(table: &Table) -> Python {
    let project = at(table, &["project"]);
    let poetry = at(table, &["tool", "poetry"]);
    let text = |table: Option<&Table>, key: &str| {
        table.and_then(|table| table.get(key)).and_then(Value::as_str).map(str::to_owned)
    };
    let groups = at(table, &["dependency-groups"]);
    let poetry_groups = at(table, &["tool", "poetry", "group"]);

    let mut dependencies = Vec::new();
    dependencies.extend(requirements(project.and_then(|project| project.get("dependencies"))));
    for extra in
        at(table, &["project", "optional-dependencies"]).into_iter().flat_map(Table::values)
    {
        dependencies.extend(requirements(Some(extra)));
    }
    for group in groups.into_iter().flat_map(Table::values) {
        dependencies.extend(requirements(Some(group)));
    }
    let uv = at(table, &["tool", "uv"]);
    dependencies.extend(requirements(uv.and_then(|uv| uv.get("dev-dependencies"))));
    dependencies.extend(poetry_names(poetry));
    for group in poetry_groups.into_iter().flat_map(Table::values) {
        dependencies.extend(poetry_names(group.as_table()));
    }

    let flag = |table: Option<&Table>, key: &str| table?.get(key)?.as_bool();
    // uv: a build system makes a package, `package` overrides (docs.astral.sh/uv, "Projects").
    let is_package = flag(uv, "package")
        .or_else(|| flag(poetry, "package-mode"))
        .unwrap_or_else(|| table.contains_key("build-system"));
    let mut group_names: Vec<String> =
        groups.into_iter().chain(poetry_groups).flat_map(Table::keys).cloned().collect();
    group_names.sort();
    Python {
        name: text(project, "name").or_else(|| text(poetry, "name")),
        requires: text(project, "requires-python")
            .or_else(|| text(at(table, &["tool", "poetry", "dependencies"]), "python")),
        dependencies: sorted(dependencies),
        groups: group_names,
        is_package,
        has_lock: false,
    }
}

/// The table at a path of keys.
fn at<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Table> {
    keys.iter().try_fold(table, |table, key| table.get(*key)?.as_table())
}

/// Names in a list of requirements; other things in it, such as `{include-group = …}`, are none.
fn requirements(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).filter_map(requirement).collect()
}

/// Poetry writes dependencies as a table; `python` in it is the interpreter.
fn poetry_names(table: Option<&Table>) -> Vec<String> {
    let table = table.and_then(|table| table.get("dependencies")).and_then(Value::as_table);
    let names = table.into_iter().flat_map(Table::keys).filter(|name| *name != "python");
    names.map(|name| normalise(name)).collect()
}

/// The normalised name of one requirement (PEP 508); `None` for options, comments, paths, URLs.
fn requirement(line: &str) -> Option<String> {
    let line = line.trim();
    let end = line
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_place = rest.starts_with([':', '/', '\\', '+']);
    (starts_well && !is_place).then(|| normalise(name))
}

/// PEP 503: lower case, runs of `-`, `_` and `.` as one `-`.
fn normalise(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Expect) {
        let python = understand(&text.parse().unwrap());
        let Python { name, requires, dependencies, groups, is_package, .. } = python;
        expected.assert_eq(&format!(
            "{} {} {dependencies:?} {groups:?} {is_package}",
            name.unwrap_or_default(),
            requires.unwrap_or_default()
        ));
    }

    #[test]
    fn dependencies_of_all_groups_count() {
        check(
            r#"
[project]
name = "hoops"
requires-python = ">=3.11,<3.12"
dependencies = ["numpy>=1.26", "Typing_Extensions ; python_version < '3.12'", "a[b,c]==1"]
[project.optional-dependencies]
gpu = ["torch==2.5.1"]
[dependency-groups]
vision = ["opencv-python-headless", {include-group = "jax"}]
jax = ["jax[cuda12]"]
[tool.uv]
package = false
dev-dependencies = ["ruff"]
[build-system]
requires = ["hatchling"]
"#,
            &expect![[
                r#"hoops >=3.11,<3.12 ["a", "jax", "numpy", "opencv-python-headless", "ruff", "torch", "typing-extensions"] ["jax", "vision"] false"#
            ]],
        );
    }

    #[test]
    fn a_build_system_makes_a_package() {
        check("[build-system]\n", &expect!["  [] [] true"]);
        check("[project]\nname = 'x'\n", &expect!["x  [] [] false"]);
        check("[tool.uv]\npackage = true\n", &expect!["  [] [] true"]);
        check("", &expect!["  [] [] false"]);
    }

    #[test]
    fn poetry_is_understood() {
        check(
            "[tool.poetry]\nname = 'p'\n[tool.poetry.dependencies]\npython = '^3.11'\nTorch = '*'\n\
             [tool.poetry.group.dev.dependencies]\npytest = {version = '8'}\n",
            &expect![[r#"p ^3.11 ["pytest", "torch"] ["dev"] false"#]],
        );
    }

    #[test]
    fn other_types_than_expected_are_nothing() {
        check(
            "project = 7\ndependency-groups = ['x']\n[tool]\nuv = true\npoetry = {group = 1}\n",
            &expect!["  [] [] false"],
        );
        check(
            "[project]\nname = 1\ndependencies = {a = 1}\noptional-dependencies = [1]\n",
            &expect!["  [] [] false"],
        );
    }

    #[test]
    fn a_requirement_begins_with_its_name() {
        for (line, expected) in [
            ("torch==2.5.1 --hash=sha256:x", Some("torch")),
            ("ruamel.yaml >= 1", Some("ruamel-yaml")),
            ("a__b.-c", Some("a-b-c")),
            ("pkg @ https://h/x.whl", Some("pkg")),
            ("numpy # fast", Some("numpy")),
            ("# comment", None),
            ("-r other.txt", None),
            ("--index-url https://u:p@h/", None),
            ("./local", None),
            ("git+https://h/x", None),
            ("https://h/x.whl", None),
            ("", None),
        ] {
            assert_eq!(requirement(line).as_deref(), expected, "{line}");
        }
    }
}
