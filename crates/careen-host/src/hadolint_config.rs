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

/// What the environment says; values that hadolint does not understand say nothing, as there.
pub fn from_environment(system: &dyn System) -> HadolintConfig {
    let list = |name: &str| -> Vec<String> {
        let text = system.variable(name).unwrap_or_default();
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let switch = |name: &str| {
        let text = system.variable(name)?.to_ascii_lowercase();
        Some(["1", "y", "on", "true", "yes"].contains(&text.as_str()))
    };
    let severities = SEVERITIES.iter().flat_map(|(name, severity)| {
        let rules = list(&format!("HADOLINT_OVERRIDE_{}", name.to_ascii_uppercase()));
        rules.into_iter().map(|rule| (rule, *severity))
    });
    let label = |item: &String| {
        let (name, kind) = item.split_once(':')?;
        let kind = LABEL_KINDS.iter().find(|known| **known == kind)?;
        Some((name.to_owned(), *kind))
    };
    HadolintConfig {
        ignored: list("HADOLINT_IGNORE"),
        severities: severities.collect(),
        failure_threshold: system
            .variable("HADOLINT_FAILURE_THRESHOLD")
            .and_then(|name| threshold_of(&name)),
        no_fail: switch("HADOLINT_NOFAIL"),
        trusted_registries: list("HADOLINT_TRUSTED_REGISTRIES"),
        label_schema: list("HADOLINT_REQUIRE_LABELS").iter().filter_map(label).collect(),
        strict_labels: switch("HADOLINT_STRICT_LABELS"),
        disable_ignore_pragma: switch("HADOLINT_DISABLE_IGNORE_PRAGMA"),
        ..HadolintConfig::default()
    }
}

impl HadolintConfig {
    /// Lists grow, everything else is replaced where `later` says something.
    #[must_use]
    pub fn then(mut self, later: HadolintConfig) -> HadolintConfig {
        self.ignored.extend(later.ignored);
        self.severities.extend(later.severities);
        self.trusted_registries.extend(later.trusted_registries);
        self.label_schema.extend(later.label_schema);
        self.unknown.extend(later.unknown);
        HadolintConfig {
            failure_threshold: later.failure_threshold.or(self.failure_threshold),
            no_fail: later.no_fail.or(self.no_fail),
            strict_labels: later.strict_labels.or(self.strict_labels),
            disable_ignore_pragma: later.disable_ignore_pragma.or(self.disable_ignore_pragma),
            format: later.format.or(self.format),
            no_color: later.no_color.or(self.no_color),
            verbose: later.verbose.or(self.verbose),
            ..self
        }
    }
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
    Ok(known(tree, "failure-threshold", &names)?.and_then(threshold_of))
}

fn threshold_of(name: &str) -> Option<FailureThreshold> {
    if matches!(name, "ignore" | "none") {
        return Some(FailureThreshold::Any);
    }
    let (_, severity) = SEVERITIES.iter().find(|(known, _)| *known == name)?;
    Some(FailureThreshold::At(*severity))
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
    fn the_environment_goes_over_the_file() {
        let system = FakeSystem::default()
            .variable("HADOLINT_NOFAIL", "Yes")
            .variable("HADOLINT_STRICT_LABELS", "no")
            .variable("HADOLINT_IGNORE", "DL3008, SC2086")
            .variable("HADOLINT_OVERRIDE_STYLE", "DL3015")
            .variable("HADOLINT_FAILURE_THRESHOLD", "ignore")
            .variable("HADOLINT_TRUSTED_REGISTRIES", "docker.io")
            .variable("HADOLINT_REQUIRE_LABELS", "author:text,home:colour,when:rfc3339");
        let file = read("ignored: [DL3006]\nstrict-labels: true\nfailure-threshold: error\n");
        let told = file.map(|file| file.then(from_environment(&system)));
        let expected = HadolintConfig {
            ignored: vec!["DL3006".into(), "DL3008".into(), "SC2086".into()],
            severities: vec![("DL3015".into(), Severity::Style)],
            failure_threshold: Some(FailureThreshold::Any),
            no_fail: Some(true),
            trusted_registries: vec!["docker.io".into()],
            label_schema: vec![("author".into(), "text"), ("when".into(), "rfc3339")],
            strict_labels: Some(false),
            ..HadolintConfig::default()
        };
        assert_eq!(told, Ok(expected));
        assert_eq!(from_environment(&FakeSystem::default()), HadolintConfig::default());
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
        let found = |system: &FakeSystem| find(system, Path::new("/hoops"));
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
        let here = config.file("/hoops/.hadolint.yml", "").file("/hoops/.hadolint.yaml", "");
        assert_eq!(found(&here), Some("/hoops/.hadolint.yaml".into()));
    }
}
