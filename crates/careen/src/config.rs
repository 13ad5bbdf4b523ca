//! The configuration: `careen.toml`, `.careen.toml` or `[tool.careen]`, nearest upwards.
//!
//! An unknown key is an error with a suggestion, so that a misspelt setting is never ignored.

mod lint;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use careen_check::nearest;

use self::lint::LintConfig;

/// What a project may set. Paths are relative to the file they stand in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// The file this came from; `None` when there is none.
    pub(crate) file: Option<PathBuf>,
    pub(crate) dockerfile: Option<PathBuf>,
    pub(crate) context: Option<PathBuf>,
    pub(crate) target: Option<String>,
    /// Name and tag of the image.
    pub(crate) image: Option<String>,
    /// Rules not to tell about, with the reason.
    pub(crate) ignore: Vec<(String, String)>,
    /// For `careen lint` alone.
    pub(crate) lint: LintConfig,
}

/// Keys with what they mean, for the docs and for suggestions.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("dockerfile", "Dockerfile to build, relative to this file"),
    ("context", "build context, relative to this file"),
    ("target", "stage to build"),
    ("image", "name and tag of the image"),
    ("ignore", "table: rule = \"reason\""),
    ("lint", "table: what `careen lint` looks for"),
];

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    pub(crate) file: PathBuf,
    pub(crate) message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.message)
    }
}

/// Reads the nearest configuration from `folder` upwards, stopping at the repository's root.
pub(crate) fn find(folder: &Path) -> Result<Config, ConfigError> {
    let start = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    for folder in start.ancestors() {
        for name in ["careen.toml", ".careen.toml", "pyproject.toml"] {
            let file = folder.join(name);
            let text = match fs::read_to_string(&file) {
                Ok(text) => text,
                Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
                // A broken pyproject.toml is not ours to judge here; discovery reports it.
                Err(_) if name == "pyproject.toml" => continue,
                Err(err) => return Err(ConfigError { file, message: err.to_string() }),
            };
            if let Some(config) = parse(&file, &text)? {
                return Ok(config);
            }
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    Ok(Config::default())
}

/// Reads this file and no other.
pub(crate) fn read(file: &Path) -> Result<Config, ConfigError> {
    let text = fs::read_to_string(file)
        .map_err(|err| ConfigError { file: file.to_owned(), message: err.to_string() })?;
    Ok(parse(file, &text)?.unwrap_or_default())
}

/// `None` when the file is a `pyproject.toml` without a `[tool.careen]` table.
fn parse(file: &Path, text: &str) -> Result<Option<Config>, ConfigError> {
    let is_pyproject = file.file_name().is_some_and(|name| name == "pyproject.toml");
    let fail = |message: String| ConfigError { file: file.to_owned(), message };
    let table = match text.parse::<toml::Table>() {
        Ok(table) => table,
        // A broken pyproject.toml is not ours to judge here; discovery reports it.
        Err(_) if is_pyproject => return Ok(None),
        Err(err) => return Err(fail(err.to_string().trim().replace('\n', " "))),
    };
    let section = || table.get("tool")?.get("careen")?.as_table();
    let own = if is_pyproject { section() } else { Some(&table) };
    let Some(table) = own else { return Ok(None) };
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut config = Config { file: Some(file.to_owned()), ..Config::default() };
    for (key, value) in table {
        let text = || {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| fail(format!("`{key}` must be a string")))
        };
        match key.as_str() {
            "dockerfile" => config.dockerfile = Some(folder.join(text()?)),
            "context" => config.context = Some(folder.join(text()?)),
            "target" => config.target = Some(text()?),
            "image" => config.image = Some(text()?),
            "ignore" => config.ignore = reasons("ignore", value).map_err(fail)?,
            "lint" => config.lint = lint::read(value, folder).map_err(fail)?,
            unknown => return Err(fail(unknown_key(unknown, KEYS))),
        }
    }
    Ok(Some(config))
}

fn reasons(key: &str, value: &toml::Value) -> Result<Vec<(String, String)>, String> {
    let table = value.as_table();
    let table = table.ok_or_else(|| format!("`{key}` must be a table: rule = \"reason\""))?;
    let mut out = Vec::new();
    for (rule, reason) in table {
        match reason.as_str().map(str::trim) {
            Some(reason) if !reason.is_empty() => out.push((rule.clone(), reason.to_owned())),
            _ => return Err(format!("`{key}.{rule}` needs a reason in words")),
        }
    }
    Ok(out)
}

fn unknown_key(key: &str, keys: &[(&str, &str)]) -> String {
    if let Some(known) = nearest(key, keys.iter().map(|(known, _)| *known)) {
        return format!("unknown key `{key}`; did you mean `{known}`?");
    }
    let known: Vec<&str> = keys.iter().map(|(known, _)| *known).collect();
    format!("unknown key `{key}`; known are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, expected: &Expect) {
        let shown = match parse(Path::new(name), text) {
            Ok(None) => "nothing".to_owned(),
            // The table of lint is tested beside its reader.
            Ok(Some(config)) => {
                let Config { image, ignore, file, .. } = config;
                format!("{} {image:?} {ignore:?}", file.unwrap().display())
            }
            Err(err) => err.to_string(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        check(
            "careen.toml",
            "dockerfil = 'x'",
            &expect!["careen.toml: unknown key `dockerfil`; did you mean `dockerfile`?"],
        );
        check(
            "careen.toml",
            "colour = 'x'",
            &expect![
                "careen.toml: unknown key `colour`; known are dockerfile, context, target, image, ignore, lint"
            ],
        );
    }

    #[test]
    fn an_ignored_rule_needs_a_reason() {
        check(
            "careen.toml",
            "[ignore]\nclock-skew = ''",
            &expect!["careen.toml: `ignore.clock-skew` needs a reason in words"],
        );
        check(
            "careen.toml",
            "[ignore]\nclock-skew = 'known'",
            &expect![[r#"careen.toml None [("clock-skew", "known")]"#]],
        );
    }

    #[test]
    fn pyproject_counts_only_with_its_table() {
        check("pyproject.toml", "[project]\nname = 'x'", &expect!["nothing"]);
        check(
            "pyproject.toml",
            "[tool.careen]\nimage = 'x:1'",
            &expect![[r#"pyproject.toml Some("x:1") []"#]],
        );
    }
}
