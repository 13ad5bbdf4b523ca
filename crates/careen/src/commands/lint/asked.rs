//! What a run of `careen lint` looks for: options and configuration put together.

use std::path::{Path, PathBuf};

use careen_check::{
    Check, Lint, LintFacts, Profile, Reach, Rule, Selection, Status, WantedPlatform, answers_to,
    find, nearest, platform_problem,
};
use careen_model::{Finding, Severity};
use careen_syntax::dockerfile::{Dockerfile, Given};

use super::builder::Builder;
use super::hadolint;
use crate::arguments::{FailOn, LintOptions, LintProfile};
use crate::commands::subject;
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::world::{World, env};

/// The same for all files of a run.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) lint: Lint,
    /// Build arguments, platform, registries, labels; without the ignore file.
    pub(super) facts: LintFacts,
    pub(super) target: Option<String>,
    pub(super) fail_on: FailOn,
    /// Somebody has said it to careen itself.
    pub(super) is_threshold_set: bool,
    pub(super) baseline: Option<PathBuf>,
    /// Names of another linter's rules; careen's own are in the selection of `lint`.
    pub(super) only: Vec<String>,
    pub(super) ignored: Vec<String>,
    /// What the configuration makes of a rule, by any of its names.
    severities: Vec<(String, Severity)>,
    /// What was said and does nothing.
    pub(super) notes: Vec<String>,
    builder: Option<Builder>,
    /// Why nobody can say anything about base images, where somebody wants to know.
    no_builder: Option<String>,
}

impl Asked {
    pub(super) fn of(options: &LintOptions) -> Result<Asked, Failure> {
        let config = match (&options.config, options.isolated) {
            (Some(file), _) => config::read(file),
            (None, true) => Ok(Config::default()),
            (None, false) => config::find(Path::new(".")),
        };
        let mut config = config.map_err(Failure::usage)?;
        let set = std::mem::take(&mut config.lint);
        let profile = match options.profile.or(set.profile) {
            None | Some(LintProfile::Careen) => Profile::Careen,
            Some(LintProfile::BuildKit) => Profile::BuildKit,
            Some(LintProfile::Hadolint) => Profile::Hadolint,
        };
        let statuses = [
            (options.preview || set.preview, Status::Preview),
            (options.pedantic || set.pedantic, Status::Pedantic),
        ];
        let also = statuses.into_iter().filter_map(|(on, status)| on.then_some(status)).collect();
        let asked_only = if options.only.is_empty() { &set.select } else { &options.only };
        config.ignore.extend(set.ignore.iter().cloned());
        let (mut only, mut ignored) = (vec![], vec![]);
        let selection = if profile == Profile::Careen {
            subject::selection(asked_only, &options.ignore, &config)?
        } else {
            only = names(profile, asked_only)?;
            let told = options.ignore.iter().map(|text| rule_of(text));
            let told: Vec<String> =
                told.chain(config.ignore.iter().map(|(rule, _)| rule.clone())).collect();
            ignored = names(profile, &told)?;
            Selection::default()
        };
        let rules: Vec<String> = set.severity.iter().map(|(rule, _)| rule.clone()).collect();
        names(profile, &rules)?;
        let mut given = Given::default();
        given.arguments.extend(options.arguments.iter().filter_map(|text| argument(text)));
        if let Some(platform) = &options.platform {
            if let Some(problem) = platform_problem(platform) {
                return Err(Failure::usage(format!("--platform {problem}")));
            }
            given.platform.clone_from(platform);
        }
        let threshold = options.fail_on.or(set.fail_on);
        let mut asked = Asked {
            lint: Lint { profile, selection, also, ..Lint::default() },
            facts: LintFacts {
                given,
                registries: set.registries,
                labels: set.labels,
                other_labels: set.other_labels,
                ..LintFacts::default()
            },
            target: options.target.clone(),
            fail_on: threshold.unwrap_or(FailOn::Warning),
            is_threshold_set: threshold.is_some(),
            baseline: options.baseline.clone().or(set.baseline),
            only,
            ignored,
            severities: set.severity,
            notes: vec![],
            builder: None,
            no_builder: None,
        };
        if !asked.only.is_empty() {
            // Who names a check wants it, also one that the other linter tells only when asked.
            asked.lint.also.push(Status::Pedantic);
        }
        match profile {
            Profile::Careen => (),
            Profile::BuildKit => {
                // As for a build, an empty name is the last stage.
                let named = asked.target.take_if(|target| target.is_empty());
                asked.lint.reach = match (&asked.target, named) {
                    (Some(target), _) => Reach::Target(Some(target.clone())),
                    (None, Some(_)) => Reach::Target(None),
                    (None, None) => Reach::All,
                };
            }
            Profile::Hadolint => hadolint::join(&mut asked, options)?,
        }
        Ok(asked)
    }

    /// Asks the builder what it builds for, when the options say so.
    pub(super) fn ask_builder(&mut self, options: &LintOptions, world: &World) {
        if !options.ask_builder {
            let is_about_bases = |rule: &&Rule| matches!(rule.check, Check::Bases(_));
            let named = self.only.iter().filter_map(|name| find(name).ok());
            let mut named = named.chain(self.lint.selection.only.iter().copied());
            self.no_builder = named.find(is_about_bases).map(|rule| {
                format!("{} is not checked: only --ask-builder makes it known", rule.id)
            });
            return;
        }
        let wanted = match options.platform {
            Some(_) => WantedPlatform::Said,
            None => WantedPlatform::Open,
        };
        match Builder::open(wanted, world) {
            Err(err) => self.no_builder = Some(format!("base images are not checked: {err}")),
            Ok(builder) => {
                if let Some(platform) = builder.platform() {
                    self.facts.given.build_platform.clone_from(platform);
                    if options.platform.is_none() {
                        self.facts.given.platform.clone_from(platform);
                    }
                }
                self.builder = Some(builder);
            }
        }
    }

    /// Adds what only the builder knows.
    pub(super) fn tell_bases(&self, told: &mut LintFacts, file: &Dockerfile) {
        if let Some(builder) = &self.builder {
            builder.tell(told, file);
        }
    }

    /// What was asked for and nobody could look at.
    pub(super) fn unchecked(&self) -> Vec<String> {
        let complaints = self.builder.as_ref().map(Builder::complaints).unwrap_or_default();
        self.no_builder.iter().cloned().chain(complaints).collect()
    }

    /// Gives findings the severity that the configuration has for their rule.
    pub(super) fn grade(&self, findings: &mut [Finding]) {
        if self.severities.is_empty() {
            return;
        }
        for finding in findings {
            let set = self.severities.iter().find(|(name, _)| answers_to(finding, name));
            if let Some((_, severity)) = set {
                finding.severity = *severity;
            }
        }
    }

    pub(super) fn profile_name(&self) -> &'static str {
        match self.lint.profile {
            Profile::Careen => "careen",
            Profile::BuildKit => "buildkit",
            Profile::Hadolint => "hadolint",
        }
    }
}

/// `DL3008=reason`; a profile of another linter needs no reason, as that linter does not.
fn rule_of(text: &str) -> String {
    text.split_once('=').map_or(text, |(rule, _)| rule).trim().to_owned()
}

/// Names of another linter's rules, each known to it or to careen.
fn names(profile: Profile, asked: &[String]) -> Result<Vec<String>, Failure> {
    for name in asked {
        let is_known = profile.names().any(|known| known.eq_ignore_ascii_case(name));
        if !is_known && find(name).is_err() {
            let near = nearest(name, profile.names());
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            return Err(Failure::usage(format!("no rule is called `{name}`")).hint(hint));
        }
    }
    Ok(asked.to_vec())
}

/// `NAME=VALUE`, or `NAME` with the value of the environment; nothing where that has none.
fn argument(text: &str) -> Option<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => Some((text.to_owned(), env(text)?)),
    }
}
