//! hadolint's configuration file, read as it is: where it lies, and what it says as plain values.
//!
//! [`find`] looks where hadolint looks, [`read`] understands the text. The places and the keys are
//! those of hadolint 2.15 (`src/Hadolint/Config`).

use std::path::{Path, PathBuf};

use careen_model::{Severity, Why};

use crate::System;
use crate::discover::yaml::{self, Node};

/// What the file says; what it does not say is empty or `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HadolintConfig {
    /// Rules that are silent.
    pub ignored: Vec<String>,
    /// Rules with another severity; of a rule that is named twice the last row counts.
    pub severities: Vec<(String, Severity)>,
    pub failure_threshold: Option<FailureThreshold>,
    /// Findings never make the run fail.
    pub no_fail: Option<bool>,
    pub trusted_registries: Vec<String>,
    /// Labels, each with a kind out of [`LABEL_KINDS`].
    pub label_schema: Vec<(String, &'static str)>,
    pub strict_labels: Option<bool>,
    pub disable_ignore_pragma: Option<bool>,
    /// A name out of [`FORMATS`].
    pub format: Option<&'static str>,
    pub no_color: Option<bool>,
    pub verbose: Option<bool>,
    /// Keys that hadolint passes over, so somebody may think that they do something.
    pub unknown: Vec<String>,
}

/// From which severity on a finding makes the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureThreshold {
    At(Severity),
    /// `ignore` and `none`: any finding that is told, down to style.
    Any,
}

/// What the value of a label can be.
pub const LABEL_KINDS: [&str; 7] = ["text", "url", "semver", "hash", "rfc3339", "spdx", "email"];

/// How hadolint can write its findings.
pub const FORMATS: [&str; 10] = [
    "tty",
    "json",
    "checkstyle",
    "codeclimate",
    "gitlab_codeclimate",
    "gnu",
    "codacy",
    "sonarqube",
    "sarif",
    "junit",
];

const SEVERITIES: [(&str, Severity); 4] = [
    ("error", Severity::Error),
    ("warning", Severity::Warning),
    ("info", Severity::Hint),
    ("style", Severity::Style),
];

/// Why the file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HadolintConfigError {
    #[error("it is not YAML: {0}")]
    NotYaml(String),
    #[error("`{key}` is not {wanted}")]
    WrongType { key: String, wanted: &'static str },
    #[error("`{key}` cannot be `{value}`")]
    UnknownValue { key: String, value: String, known: Vec<&'static str> },
}

impl HadolintConfigError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            HadolintConfigError::NotYaml(_) => "correct the file; hadolint refuses it too".into(),
            HadolintConfigError::WrongType { key, wanted } => format!("make `{key}` {wanted}"),
            HadolintConfigError::UnknownValue { known, .. } => {
                format!("use one of {}", known.join(", "))
            }
        }
    }
}

/// The first file of the places that hadolint looks at, which it then uses alone: the folder it is
/// started in, the user's configuration folder, and the user's home.
pub fn find(system: &dyn System, folder: &Path) -> Option<PathBuf> {
    let home = system.variable("HOME").map(PathBuf::from);
    let config = system.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let own = home.as_ref().map(|home| home.join(".hadolint"));
    let places: [(Option<&Path>, &[&str]); 4] = [
        (Some(folder), &[".hadolint"]),
        (config.as_deref(), &["hadolint"]),
        (own.as_deref(), &["hadolint", "config"]),
        (home.as_deref(), &[".hadolint"]),
    ];
    let files = places.into_iter().flat_map(|(folder, names)| {
        let names = names.iter().flat_map(|name| [format!("{name}.yaml"), format!("{name}.yml")]);
        names.filter_map(move |name| Some(folder?.join(name)))
    });
    // One that cannot be read is there: the caller then says so.
    files.into_iter().find(|file| !matches!(system.read(file), Err(Why::Absent { .. })))
}

/// Understands the text of a configuration file.
pub fn read(text: &str) -> Result<HadolintConfig, HadolintConfigError> {
    let tree = yaml::parse(text).map_err(HadolintConfigError::NotYaml)?;
    if is_empty(&tree) {
        return Ok(HadolintConfig::default());
    }
    let Node::Mapping(_) = &*tree else {
        return Err(HadolintConfigError::WrongType {
            key: "the file".into(),
            wanted: "a mapping of keys",
        });
    };
    let mut config = HadolintConfig {
        ignored: texts(&tree, "ignored")?,
        severities: vec![],
        failure_threshold: threshold(&tree)?,
        no_fail: switch(&tree, "no-fail")?,
        trusted_registries: texts(&tree, "trustedRegistries")?,
        label_schema: labels(&tree)?,
        strict_labels: switch(&tree, "strict-labels")?,
        disable_ignore_pragma: switch(&tree, "disable-ignore-pragma")?,
        format: known(&tree, "format", &FORMATS)?,
        no_color: switch(&tree, "no-color")?,
        verbose: switch(&tree, "verbose")?,
        unknown: vec![],
    };
    if let Some(overrides) = value(&tree, "override") {
        mapping(overrides, "override")?;
        for (name, severity) in SEVERITIES {
            let rules = texts(overrides, name)?;
            config.severities.extend(rules.into_iter().map(|rule| (rule, severity)));
        }
    }
    let unknown = tree.entries().iter().filter(|(key, _)| !KEYS.contains(&key.as_str()));
    config.unknown = unknown.map(|(key, _)| key.clone()).collect();
    Ok(config)
}

const KEYS: [&str; 11] = [
    "ignored",
    "override",
    "failure-threshold",
    "no-fail",
    "trustedRegistries",
    "label-schema",
    "strict-labels",
    "disable-ignore-pragma",
    "format",
    "no-color",
    "verbose",
];

/// Nothing, or what YAML calls null.
fn is_empty(node: &Node) -> bool {
    matches!(node.text(), Some("" | "~" | "null" | "Null" | "NULL"))
}

fn value<'a>(tree: &'a Node, key: &str) -> Option<&'a Node> {
    tree.get(key).filter(|node| !is_empty(node))
}

fn mapping(node: &Node, key: &str) -> Result<(), HadolintConfigError> {
    match node {
        Node::Mapping(_) => Ok(()),
        _ => Err(wrong(key, "a mapping")),
    }
}

fn wrong(key: &str, wanted: &'static str) -> HadolintConfigError {
    HadolintConfigError::WrongType { key: key.to_owned(), wanted }
}

fn texts(tree: &Node, key: &str) -> Result<Vec<String>, HadolintConfigError> {
    let wanted = "a list of names";
    let items = match value(tree, key) {
        None => return Ok(vec![]),
        Some(Node::Sequence(items)) => items,
        Some(_) => return Err(wrong(key, wanted)),
    };
    let texts = items.iter().map(|item| item.text().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| wrong(key, wanted))
}

fn switch(tree: &Node, key: &str) -> Result<Option<bool>, HadolintConfigError> {
    match value(tree, key).map(Node::text) {
        None => Ok(None),
        Some(Some("true" | "True" | "TRUE")) => Ok(Some(true)),
        Some(Some("false" | "False" | "FALSE")) => Ok(Some(false)),
        Some(_) => Err(wrong(key, "true or false")),
    }
}

fn known(
    tree: &Node,
    key: &str,
    known: &[&'static str],
) -> Result<Option<&'static str>, HadolintConfigError> {
    let Some(node) = value(tree, key) else { return Ok(None) };
    let text = node.text().ok_or_else(|| wrong(key, "a name"))?;
    match known.iter().find(|name| **name == text) {
        Some(name) => Ok(Some(name)),
        None => Err(HadolintConfigError::UnknownValue {
            key: key.to_owned(),
            value: text.to_owned(),
            known: known.to_vec(),
        }),
    }
}

fn threshold(tree: &Node) -> Result<Option<FailureThreshold>, HadolintConfigError> {
    let names = ["error", "warning", "info", "style", "ignore", "none"];
    let name = known(tree, "failure-threshold", &names)?;
    let severity = |name| SEVERITIES.iter().find(|(known, _)| *known == name);
    Ok(name.map(|name| match severity(name) {
        Some((_, severity)) => FailureThreshold::At(*severity),
        None => FailureThreshold::Any,
    }))
}

fn labels(tree: &Node) -> Result<Vec<(String, &'static str)>, HadolintConfigError> {
    let Some(schema) = value(tree, "label-schema") else { return Ok(vec![]) };
    mapping(schema, "label-schema")?;
    let label = |(name, _): &(String, _)| {
        let kind = known(schema, name, &LABEL_KINDS)?;
        Ok((name.clone(), kind.unwrap_or("text")))
    };
    schema.entries().iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSystem;

    #[test]
    fn a_whole_file() {
        let config = read(
            "failure-threshold: warning\nformat: json\nignored: [DL3008, SC2086]\n\
             no-fail: false\nno-color: true\nverbose:\n\
             override:\n  error:\n    - DL3015\n  info: [DL3003]\n  style:\n    - DL3015\n\
             trustedRegistries:\n  - docker.io\n  - \"*.example.org\"\n\
             label-schema:\n  author: text\n  home: url\n  note: \"\"\n\
             strict-labels: true\ndisable-ignore-pragma: True\ntrusted-registries: [x]\n",
        );
        let row = |rule: &str, severity| (rule.to_owned(), severity);
        let expected = HadolintConfig {
            ignored: vec!["DL3008".into(), "SC2086".into()],
            severities: vec![
                row("DL3015", Severity::Error),
                row("DL3003", Severity::Hint),
                row("DL3015", Severity::Style),
            ],
            failure_threshold: Some(FailureThreshold::At(Severity::Warning)),
            no_fail: Some(false),
            trusted_registries: vec!["docker.io".into(), "*.example.org".into()],
            label_schema: vec![
                ("author".into(), "text"),
                ("home".into(), "url"),
                ("note".into(), "text"),
            ],
            strict_labels: Some(true),
            disable_ignore_pragma: Some(true),
            format: Some("json"),
            no_color: Some(true),
            verbose: None,
            unknown: vec!["trusted-registries".into()],
        };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn what_is_not_said_is_not_there() {
        for text in ["", "# nothing\n", "---\n", "ignored:\noverride: ~\n"] {
            assert_eq!(read(text), Ok(HadolintConfig::default()), "{text:?}");
        }
        let any = read("failure-threshold: none\n").map(|config| config.failure_threshold);
        assert_eq!(any, Ok(Some(FailureThreshold::Any)));
    }

    #[test]
    fn mistakes_are_told() {
        let check = |text: &str, message: &str, hint: &str| {
            let error = read(text).unwrap_err();
            assert_eq!(
                (error.to_string().as_str(), error.hint().as_str()),
                (message, hint),
                "{text}"
            );
        };
        check(
            "- DL3008\n",
            "`the file` is not a mapping of keys",
            "make `the file` a mapping of keys",
        );
        check(
            "ignored: DL3008\n",
            "`ignored` is not a list of names",
            "make `ignored` a list of names",
        );
        check("override: [DL1]\n", "`override` is not a mapping", "make `override` a mapping");
        check("no-fail: maybe\n", "`no-fail` is not true or false", "make `no-fail` true or false");
        check(
            "label-schema:\n  a: colour\n",
            "`a` cannot be `colour`",
            "use one of text, url, semver, hash, rfc3339, spdx, email",
        );
        check(
            "failure-threshold: fatal\n",
            "`failure-threshold` cannot be `fatal`",
            "use one of error, warning, info, style, ignore, none",
        );
        let error = read("ignored: [DL3008\n").unwrap_err();
        assert!(matches!(error, HadolintConfigError::NotYaml(_)), "{error}");
    }

    #[test]
    fn the_first_place_counts() {
        let home = FakeSystem::default().variable("HOME", "/home/a");
        let found = |system: &FakeSystem| find(system, Path::new("/work"));
        assert_eq!(found(&home), None);
        let home = home.file("/home/a/.hadolint.yml", "");
        assert_eq!(found(&home), Some("/home/a/.hadolint.yml".into()));
        let own = home.file("/home/a/.hadolint/config.yaml", "");
        assert_eq!(found(&own), Some("/home/a/.hadolint/config.yaml".into()));
        let config = own.file("/home/a/.config/hadolint.yml", "");
        assert_eq!(found(&config), Some("/home/a/.config/hadolint.yml".into()));
        let moved =
            config.clone().variable("XDG_CONFIG_HOME", "/etc/x").file("/etc/x/hadolint.yaml", "");
        assert_eq!(found(&moved), Some("/etc/x/hadolint.yaml".into()));
        let here = config.file("/work/.hadolint.yml", "").file("/work/.hadolint.yaml", "");
        assert_eq!(found(&here), Some("/work/.hadolint.yaml".into()));
    }
}
