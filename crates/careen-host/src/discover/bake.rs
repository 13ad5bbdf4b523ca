//! The builds of a bake file, `docker-bake.hcl` or `docker-bake.json`.
//!
//! Understood: targets, `inherits`, variables with a default. Not followed: functions, conditions,
//! `matrix`, several files at once, remote contexts; each is said.

use std::collections::BTreeMap;
use std::path::Path;

use careen_model::Why;
use serde_json::Value;

use super::hcl::{self, Block, Expression, Part};
use super::{Build, read_text, tidy, unreadable};

/// The builds, and what was not understood.
pub(super) fn read(file: &Path) -> Result<(Vec<Build>, Vec<String>), Why> {
    let text = read_text(file)?;
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let bake = if is_json {
        let json = serde_json::from_str(&text).map_err(|err| unreadable(file, err.to_string()))?;
        of_json(&json)
    } else {
        of_blocks(&hcl::parse(&text).map_err(|error| unreadable(file, error))?)
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(bake.builds(file, folder.unwrap_or(Path::new("."))))
}

type Members = BTreeMap<String, Expression>;

#[derive(Debug, Default)]
struct Bake {
    variables: BTreeMap<String, Expression>,
    /// In the order of the file.
    targets: Vec<(String, Members)>,
}

fn of_blocks(blocks: &[Block]) -> Bake {
    let mut bake = Bake::default();
    for block in blocks {
        let attributes = block.attributes.iter().cloned();
        match block.kind.as_str() {
            "variable" => {
                let default = attributes.clone().find(|(name, _)| name == "default");
                let default = default.map_or(Expression::Other, |(_, value)| value);
                bake.variables.insert(block.label.clone(), default);
            }
            "target" => {
                let members = attributes.chain(block.blocks.iter().map(section));
                bake.targets.push((block.label.clone(), members.collect()));
            }
            _ => (),
        }
    }
    bake
}

/// `args { A = "1" }` is the same as `args = { A = "1" }`.
fn section(block: &Block) -> (String, Expression) {
    (block.kind.clone(), Expression::Object(block.attributes.clone()))
}

fn of_json(json: &Value) -> Bake {
    let mut bake = Bake::default();
    for (name, variable) in json["variable"].as_object().into_iter().flatten() {
        bake.variables.insert(name.clone(), expression(&variable["default"]));
    }
    for (name, target) in json["target"].as_object().into_iter().flatten() {
        let members = target.as_object().into_iter().flatten();
        let members = members.map(|(name, value)| (name.clone(), expression(value)));
        bake.targets.push((name.clone(), members.collect()));
    }
    bake
}

fn expression(json: &Value) -> Expression {
    match json {
        Value::Null => Expression::Null,
        Value::String(text) => Expression::Text(template(text)),
        Value::Bool(_) | Value::Number(_) => Expression::Text(vec![Part::Plain(json.to_string())]),
        Value::Array(items) => Expression::List(items.iter().map(expression).collect()),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), expression(value)));
            Expression::Object(members.collect())
        }
    }
}

/// A JSON string is a template as well.
fn template(text: &str) -> Vec<Part> {
    let quoted = format!("a = \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match hcl::parse(&format!("x {{\n{quoted}\n}}")).map(|blocks| blocks[0].attributes.clone()) {
        Ok(attributes) => match attributes.into_iter().next() {
            Some((_, Expression::Text(parts))) => parts,
            _ => vec![Part::Other],
        },
        Err(_) => vec![Part::Other],
    }
}

impl Bake {
    fn builds(&self, file: &Path, folder: &Path) -> (Vec<Build>, Vec<String>) {
        let (mut builds, mut notes) = (Vec::new(), Vec::new());
        for (name, _) in &self.targets {
            let members = self.merged(name, 0);
            match self.build(&members, folder) {
                Ok(Some(build)) => builds.push(build),
                Ok(None) => (),
                Err(what) => notes.push(format!(
                    "{}: target `{name}` is left out: {what} is not understood",
                    file.display()
                )),
            }
        }
        (builds, notes)
    }

    /// What a target inherits, later ones over earlier ones, its own over all; arguments one by one.
    fn merged(&self, name: &str, depth: usize) -> Members {
        let mut all = Members::new();
        let Some((_, own)) = self.targets.iter().find(|(known, _)| known == name) else {
            return all;
        };
        if let Some(Expression::List(parents)) = own.get("inherits")
            && depth < 20
        {
            for parent in parents.iter().filter_map(|parent| self.text(parent)) {
                merge(&mut all, self.merged(&parent, depth + 1));
            }
        }
        merge(&mut all, own.clone());
        all
    }

    /// `None` for what is built from elsewhere; the error names what is not understood.
    fn build(&self, members: &Members, folder: &Path) -> Result<Option<Build>, &'static str> {
        if members.contains_key("dockerfile-inline") {
            return Ok(None);
        }
        let text = |name: &'static str| match members.get(name) {
            None | Some(Expression::Null) => Ok(None),
            Some(value) => self.text(value).map(Some).ok_or(name),
        };
        let context = text("context")?.unwrap_or_else(|| ".".to_owned());
        if context.contains("://") || context.starts_with("git@") || context.starts_with("target:")
        {
            return Ok(None);
        }
        let dockerfile = text("dockerfile")?.unwrap_or_else(|| "Dockerfile".to_owned());
        let target = text("target")?;
        let context = tidy(&folder.join(context));
        let arguments = match members.get("args") {
            Some(Expression::Object(members)) => {
                let known = |(name, value): &(String, _)| Some((name.clone(), self.text(value)?));
                members.iter().filter_map(known).collect()
            }
            _ => vec![],
        };
        let dockerfile = tidy(&context.join(dockerfile));
        Ok(Some(Build { dockerfile, from: "docker-bake", context, target, arguments }))
    }

    /// Text with the defaults of variables in it.
    fn text(&self, value: &Expression) -> Option<String> {
        self.text_within(value, 0)
    }

    fn text_within(&self, value: &Expression, depth: usize) -> Option<String> {
        let Expression::Text(parts) = value else { return None };
        let part = |part: &Part| match part {
            Part::Plain(text) => Some(text.clone()),
            Part::Variable(name) if depth < 20 => {
                self.text_within(self.variables.get(name)?, depth + 1)
            }
            Part::Variable(_) | Part::Other => None,
        };
        parts.iter().map(part).collect()
    }
}

fn merge(all: &mut Members, over: Members) {
    for (name, value) in over {
        match (all.get_mut(&name), value) {
            (Some(Expression::Object(known)), Expression::Object(more)) => {
                known.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
                known.extend(more);
            }
            (_, value) => {
                all.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bake: &Bake, expected: &[&str]) {
        let (builds, notes) = bake.builds(Path::new("/p/docker-bake.hcl"), Path::new("/p"));
        let shown = builds.iter().map(|build| {
            let arguments: Vec<String> =
                build.arguments.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            let target = build.target.as_ref().map_or(String::new(), |stage| format!(" {stage}"));
            format!(
                "{} in {}{target}{}",
                build.dockerfile.display(),
                build.context.display(),
                arguments.concat()
            )
        });
        let shown: Vec<String> = shown.chain(notes).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn targets_inherit_and_variables_have_defaults() {
        let text = r#"
variable "TAG" { default = "1.2" }
variable "OPEN" {}
group "default" { targets = ["app"] }
target "base" {
  context = "src"
  args = { A = "1", B = "${TAG}", C = OPEN }
}
target "app" {
  inherits = ["base"]
  dockerfile = "docker/app.Dockerfile"
  target = "run"
  args { A = "2" }
}
target "far" { context = "https://example.org/a.git" }
target "other" { dockerfile = f("x") }
"#;
        check(
            &of_blocks(&hcl::parse(text).unwrap()),
            &[
                "/p/src/Dockerfile in /p/src A=1 B=1.2",
                "/p/src/docker/app.Dockerfile in /p/src run B=1.2 A=2",
                "/p/docker-bake.hcl: target `other` is left out: dockerfile is not understood",
            ],
        );
    }

    #[test]
    fn json_says_the_same() {
        let json = serde_json::json!({
            "variable": {"V": {"default": "x"}},
            "target": {"a": {"context": ".", "dockerfile": "${V}.Dockerfile", "args": {"A": "\"$"}}}
        });
        check(&of_json(&json), &["/p/x.Dockerfile in /p A=\"$"]);
    }

    #[test]
    fn circles_end() {
        let text = "variable \"A\" { default = A }\ntarget \"x\" {\n inherits = [\"x\"]\n context = A\n}\n";
        check(
            &of_blocks(&hcl::parse(text).unwrap()),
            &["/p/docker-bake.hcl: target `x` is left out: context is not understood"],
        );
    }
}
