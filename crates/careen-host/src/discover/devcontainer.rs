//! The build of a development container: `devcontainer.json`, JSON with comments.

use std::path::{Path, PathBuf};

use careen_model::Why;
use serde_json::Value;

use super::{Build, compose, read_text, tidy, unreadable};

/// The file of the folder, in the order of the specification (containers.dev, "devcontainer.json").
pub(super) fn find(root: &Path) -> Option<PathBuf> {
    let folder = root.join(".devcontainer");
    let usual = [folder.join("devcontainer.json"), root.join(".devcontainer.json")];
    if let Some(path) = usual.into_iter().find(|path| path.is_file()) {
        return Some(path);
    }
    // One folder per configuration; the first by name.
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let files = entries.map(|entry| entry.path().join("devcontainer.json"));
    files.filter(|path| path.is_file()).min()
}

/// The build that it describes, itself or by a service of a compose file.
pub(super) fn read(file: &Path) -> Result<Option<Build>, Why> {
    let text = read_text(file)?;
    let json: Value = serde_json::from_str(&plain_json(&text))
        .map_err(|err| unreadable(file, err.to_string()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let build = &json["build"];
    let text_of = |value: &Value| value.as_str().map(str::to_owned);
    // `dockerFile` and `context` at the top are the old spelling.
    let dockerfile = text_of(&build["dockerfile"]).or_else(|| text_of(&json["dockerFile"]));
    if let Some(dockerfile) = dockerfile {
        let context = text_of(&build["context"]).or_else(|| text_of(&json["context"]));
        return Ok(Some(Build {
            dockerfile: tidy(&folder.join(dockerfile)),
            from: "devcontainer.json",
            context: tidy(&folder.join(context.unwrap_or_else(|| ".".into()))),
            target: text_of(&build["target"]),
            arguments: arguments(&build["args"]),
        }));
    }
    read_compose(&json, folder)
}

/// Values that are the same everywhere: `${localEnv:…}` and the like are not.
fn arguments(section: &Value) -> Vec<(String, String)> {
    let known =
        |value: &Value| value.as_str().filter(|text| !text.contains("${")).map(str::to_owned);
    let pairs = section.as_object().into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), known(value)?))).collect()
}

/// `dockerComposeFile` is one name or several, of which later ones override; `service` names ours.
fn read_compose(json: &Value, folder: &Path) -> Result<Option<Build>, Why> {
    let Some(service) = json["service"].as_str() else { return Ok(None) };
    let files = match &json["dockerComposeFile"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for name in files.into_iter().rev() {
        let found = compose::read_service(&tidy(&folder.join(name)), service)?;
        if let Some(build) = found {
            return Ok(Some(Build { from: "devcontainer.json", ..build }));
        }
    }
    Ok(None)
}

/// JSON without comments and without commas before a closing bracket; strings stay as they are.
fn plain_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_length(rest),
            '/' if rest.starts_with("//") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").map_or(rest.len(), |end| end + 4);
                // A blank keeps what stands on both sides apart.
                out.push(' ');
                rest = &rest[end..];
                continue;
            }
            ']' | '}' => {
                let kept = out.trim_end();
                if kept.ends_with(',') {
                    out.truncate(kept.len() - 1);
                }
                1
            }
            _ => c.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// Length of the string at the start, with both quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain_json(text), expected);
    }

    #[test]
    fn comments_and_last_commas_go_and_strings_stay() {
        check("{\"a\": 1, // x\n}", "{\"a\": 1}");
        check("[1, /* , ] */ 2,]", "[1,   2]");
        check(
            r#"{"url": "http://x//y", "s": "a,]\"// b",}"#,
            r#"{"url": "http://x//y", "s": "a,]\"// b"}"#,
        );
        check(r#"["\\", // x"#, r#"["\\", "#);
        check("[1, // a,\n // b\n]", "[1]");
        check("/* never closed", " ");
        check("\"never closed \\\"", "\"never closed \\\"");
        check("/", "/");
        check("é // ü", "é ");
    }
}
