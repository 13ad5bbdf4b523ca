//! `[lint]` of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use careen_check::{LabelKind, OtherLabels};
use careen_model::Severity;
use clap::ValueEnum;
use toml::Value;

use super::{reasons, unknown_key};
use crate::arguments::{FailOn, LintProfile};

/// What `careen lint` looks for; options of the command line go before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LintConfig {
    pub(crate) profile: Option<LintProfile>,
    pub(crate) fail_on: Option<FailOn>,
    pub(crate) preview: bool,
    pub(crate) pedantic: bool,
    /// Only these rules; empty: all.
    pub(crate) select: Vec<String>,
    /// Rules not to tell about, with the reason.
    pub(crate) ignore: Vec<(String, String)>,
    pub(crate) severity: Vec<(String, Severity)>,
    pub(crate) registries: Vec<String>,
    pub(crate) labels: BTreeMap<String, LabelKind>,
    pub(crate) other_labels: OtherLabels,
    pub(crate) baseline: Option<PathBuf>,
}

/// Keys with what they mean, for suggestions.
const KEYS: &[(&str, &str)] = &[
    ("profile", "careen, buildkit or hadolint"),
    ("fail-on", "lowest severity that fails the run"),
    ("preview", "also rules that have not proven themselves yet"),
    ("pedantic", "also rules that are more than most people want to hear"),
    ("select", "list: only these rules"),
    ("ignore", "table: rule = \"reason\""),
    ("severity", "table: rule = \"style\", \"hint\", \"warning\" or \"error\""),
    ("registries", "list: where images may come from"),
    ("labels", "table: label = \"text\", \"url\", \"semver\", …"),
    ("strict-labels", "labels that are not in the table are superfluous"),
    ("baseline", "file of known findings, relative to this file"),
];

const KINDS: [(&str, LabelKind); 7] = [
    ("text", LabelKind::Text),
    ("url", LabelKind::Url),
    ("semver", LabelKind::SemVer),
    ("hash", LabelKind::Hash),
    ("rfc3339", LabelKind::Rfc3339),
    ("spdx", LabelKind::Spdx),
    ("email", LabelKind::Email),
];

const SEVERITIES: [(&str, Severity); 4] = [
    ("style", Severity::Style),
    ("hint", Severity::Hint),
    ("warning", Severity::Warning),
    ("error", Severity::Error),
];

/// Reads the table; paths start at `folder`.
pub(super) fn read(value: &Value, folder: &Path) -> Result<LintConfig, String> {
    let table = value.as_table().ok_or("`lint` must be a table")?;
    let mut config = LintConfig::default();
    for (key, value) in table {
        match key.as_str() {
            "profile" => config.profile = Some(one_of(key, value)?),
            "fail-on" => config.fail_on = Some(one_of(key, value)?),
            "preview" => config.preview = switch(key, value)?,
            "pedantic" => config.pedantic = switch(key, value)?,
            "select" => config.select = texts(key, value)?,
            "ignore" => config.ignore = reasons("lint.ignore", value)?,
            "severity" => config.severity = choices(key, value, &SEVERITIES)?,
            "registries" => config.registries = texts(key, value)?,
            "labels" => config.labels = choices(key, value, &KINDS)?.into_iter().collect(),
            "strict-labels" if switch(key, value)? => {
                config.other_labels = OtherLabels::Superfluous;
            }
            "strict-labels" => (),
            "baseline" => config.baseline = Some(folder.join(text(key, value)?)),
            unknown => return Err(format!("in `lint`: {}", unknown_key(unknown, KEYS))),
        }
    }
    Ok(config)
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("`lint.{key}` must be a string"))
}

fn switch(key: &str, value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("`lint.{key}` must be true or false"))
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>, String> {
    let list = value.as_array().and_then(|list| {
        list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    list.ok_or_else(|| format!("`lint.{key}` must be a list of strings"))
}

/// A value of an option of the command line, by the same names.
fn one_of<T: ValueEnum>(key: &str, value: &Value) -> Result<T, String> {
    let text = text(key, value)?;
    T::from_str(text, false).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
        format!("`lint.{key}` is `{text}`; it can be {}", names.join(", "))
    })
}

fn choices<T: Copy>(
    key: &str,
    value: &Value,
    known: &[(&str, T)],
) -> Result<Vec<(String, T)>, String> {
    let table = value.as_table().ok_or_else(|| format!("`lint.{key}` must be a table"))?;
    let read = |(name, value): (&String, &Value)| {
        let found = value.as_str().and_then(|text| {
            known.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)).map(|(_, one)| *one)
        });
        let names = || known.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        let found = found.ok_or_else(|| format!("`lint.{key}.{name}` can be {}", names()))?;
        Ok((name.clone(), found))
    };
    table.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Expect) {
        let table: toml::Table = text.parse().unwrap();
        let shown = match read(&Value::Table(table), Path::new("/p")) {
            Ok(config) => format!("{config:?}"),
            Err(message) => message,
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn every_key_is_read() {
        check(
            "profile = 'hadolint'\nfail-on = 'error'\npreview = true\npedantic = true\n\
             select = ['DL3008']\nignore = {DL3006 = 'why'}\nseverity = {DL3007 = 'error'}\n\
             registries = ['docker.io']\nlabels = {a = 'URL'}\nstrict-labels = true\n\
             baseline = 'b.json'\n",
            &expect![[
                r#"LintConfig { profile: Some(Hadolint), fail_on: Some(Error), preview: true, pedantic: true, select: ["DL3008"], ignore: [("DL3006", "why")], severity: [("DL3007", Error)], registries: ["docker.io"], labels: {"a": Url}, other_labels: Superfluous, baseline: Some("/p/b.json") }"#
            ]],
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("profil = 'x'", &expect!["in `lint`: unknown key `profil`; did you mean `profile`?"]);
        check(
            "profile = 'x'",
            &expect!["`lint.profile` is `x`; it can be careen, buildkit, hadolint"],
        );
        check(
            "fail-on = 'x'",
            &expect!["`lint.fail-on` is `x`; it can be never, style, hint, warning, error"],
        );
        check("preview = 1", &expect!["`lint.preview` must be true or false"]);
        check("select = 'x'", &expect!["`lint.select` must be a list of strings"]);
        check("ignore = {x = ''}", &expect!["`lint.ignore.x` needs a reason in words"]);
        check(
            "severity = {x = 'fatal'}",
            &expect!["`lint.severity.x` can be style, hint, warning, error"],
        );
        check(
            "labels = {x = 'colour'}",
            &expect!["`lint.labels.x` can be text, url, semver, hash, rfc3339, spdx, email"],
        );
    }
}
