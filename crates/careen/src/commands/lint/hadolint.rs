//! hadolint's own configuration, for its profile: its file and its environment variables.

use std::path::Path;

use careen_check::{Comments, LabelKind, OtherLabels};
use careen_host::hadolint_config::{
    FailureThreshold, HadolintConfig, find, from_environment, read,
};
use careen_host::{RealSystem, read_small};
use careen_model::Severity;

use super::asked::Asked;
use crate::arguments::{FailOn, LintOptions};
use crate::failure::Failure;

/// Puts what hadolint would heed below what was said to careen itself.
pub(super) fn join(asked: &mut Asked, options: &LintOptions) -> Result<(), Failure> {
    let said = said(options)?;
    let lint = &mut asked.lint.overrides;
    lint.ignored.extend(said.ignored);
    lint.severities.extend(said.severities);
    if said.disable_ignore_pragma == Some(true) {
        lint.comments = Comments::Disregarded;
    }
    let facts = &mut asked.facts;
    facts.registries.extend(said.trusted_registries);
    for (label, kind) in said.label_schema {
        let kind = LabelKind::named(kind).expect("the reader knows the kinds");
        facts.labels.entry(label).or_insert(kind);
    }
    if said.strict_labels == Some(true) {
        facts.other_labels = OtherLabels::Superfluous;
    }
    if !asked.is_threshold_set {
        // Without a word hadolint fails from `info` on.
        asked.fail_on = match said.failure_threshold {
            _ if said.no_fail == Some(true) => FailOn::Never,
            Some(FailureThreshold::Any | FailureThreshold::At(Severity::Style)) => FailOn::Style,
            None | Some(FailureThreshold::At(Severity::Hint)) => FailOn::Hint,
            Some(FailureThreshold::At(Severity::Warning)) => FailOn::Warning,
            Some(FailureThreshold::At(Severity::Error)) => FailOn::Error,
        };
    }
    asked
        .notes
        .extend(said.unknown.iter().map(|key| format!("hadolint passes over its key `{key}`")));
    Ok(())
}

fn said(options: &LintOptions) -> Result<HadolintConfig, Failure> {
    let system = RealSystem::new();
    if options.isolated && options.hadolint_config.is_none() {
        return Ok(HadolintConfig::default());
    }
    let file = options.hadolint_config.clone().or_else(|| find(&system, Path::new(".")));
    let mut said = HadolintConfig::default();
    if let Some(file) = file {
        let doing = || format!("read {}", file.display());
        let bytes = read_small(&file)
            .map_err(|why| Failure::usage(format!("could not {}: {why}", doing())))?;
        let text = String::from_utf8_lossy(&bytes);
        said = read(&text).map_err(|error| {
            Failure::usage(format!("{}: {error}", file.display())).hint(Some(error.hint()))
        })?;
    }
    Ok(said.then(from_environment(&system)))
}
