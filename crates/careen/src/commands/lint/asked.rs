//! What a run of `careen lint` looks for: options and configuration put together.

use careen_check::{Lint, LintFacts, Profile, Selection, Status, nearest};
use careen_syntax::dockerfile::Given;

use crate::arguments::{LintOptions, LintProfile};
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::world::env;

/// The same for all files of a run.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) lint: Lint,
    /// Build arguments, platform, registries, labels; without the ignore file.
    pub(super) facts: LintFacts,
    pub(super) target: Option<String>,
    /// Names of another linter's rules; careen's own are in the selection of `lint`.
    pub(super) only: Vec<String>,
    pub(super) ignored: Vec<String>,
}

impl Asked {
    pub(super) fn of(options: &LintOptions) -> Result<Asked, Failure> {
        let config = match (&options.config, options.isolated) {
            (Some(file), _) => config::read(file),
            (None, true) => Ok(Config::default()),
            (None, false) => config::find(std::path::Path::new(".")),
        };
        let config = config.map_err(Failure::usage)?;
        let profile = match options.profile {
            None | Some(LintProfile::Careen) => Profile::Careen,
            Some(LintProfile::BuildKit) => Profile::BuildKit,
            Some(LintProfile::Hadolint) => Profile::Hadolint,
        };
        let statuses = [(options.preview, Status::Preview), (options.pedantic, Status::Pedantic)];
        let also = statuses.into_iter().filter_map(|(on, status)| on.then_some(status)).collect();
        let (mut only, mut ignored) = (vec![], vec![]);
        let selection = match profile {
            Profile::Careen => {
                super::super::subject::selection(&options.only, &options.ignore, &config)?
            }
            other => {
                only = names(other, &options.only)?;
                let named: Vec<String> = options.ignore.iter().map(|text| rule_of(text)).collect();
                ignored = names(other, &named)?;
                Selection::default()
            }
        };
        let mut given = Given::default();
        given.arguments.extend(options.arguments.iter().filter_map(|text| argument(text)));
        if let Some(platform) = &options.platform {
            given.platform.clone_from(platform);
        }
        Ok(Asked {
            lint: Lint { profile, selection, also },
            facts: LintFacts { given, ..LintFacts::default() },
            target: options.target.clone(),
            only,
            ignored,
        })
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
        if !is_known && careen_check::find(name).is_err() {
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
