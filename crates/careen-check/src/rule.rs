//! What a rule is, and the few words it starts a finding with.

use careen_model::{Category, Finding, Findings, Place, Severity, Span, Why};

use crate::steps::Reading;
use crate::{Facts, ParsedDockerfile};

/// A rule: what it is called, what it needs, and the function that judges.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, names the bad thing: `slow-context`, not `use-fast-context`.
    pub id: &'static str,
    /// What is checked, in the words of the doctor's list.
    pub title: &'static str,
    pub category: Category,
    pub topic: Topic,
    pub status: Status,
    /// Of most of its findings; a finding may be graver or milder.
    pub severity: Severity,
    pub fixable: Fixable,
    /// The version of careen that first had it.
    pub since: &'static str,
    /// Names other linters give the same thing; accepted wherever the id is.
    pub aliases: &'static [&'static str],
    /// The rule's page, which is also its test.
    pub page: &'static str,
    pub check: Check,
}

/// What suffers from what a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The build, or what it makes, does not do what the file seems to say.
    Correctness,
    Security,
    /// Builds take longer.
    Performance,
    /// Images or stores are larger.
    Size,
    /// The same file makes another image on another day.
    Reproducibility,
    /// People who read the file.
    Style,
}

/// Whether a rule is asked without being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Always.
    Stable,
    /// With `--preview`: it has not proven itself on enough real files.
    Preview,
    /// With `--pedantic`: right, and more than most people want to hear.
    Pedantic,
}

impl Topic {
    /// Lower case, as in machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Correctness => "correctness",
            Topic::Security => "security",
            Topic::Performance => "performance",
            Topic::Size => "size",
            Topic::Reproducibility => "reproducibility",
            Topic::Style => "style",
        }
    }
}

impl Status {
    /// Lower case, as in machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Status::Stable => "stable",
            Status::Preview => "preview",
            Status::Pedantic => "pedantic",
        }
    }
}

/// Whether a finding of a rule comes with a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixable {
    Never,
    Sometimes,
    Always,
}

/// What a rule looks at. A rule that cannot look says why, and that is never "passed".
#[derive(Debug)]
pub enum Check {
    Facts(fn(&Rule, &Facts, &mut Findings) -> Result<(), Why>),
    /// Called with a Dockerfile only; all that a rule needs is in it.
    Dockerfile(DockerfileCheck),
    /// The same, called only when it is known what commits changed (`facts.changes`).
    Changes(DockerfileCheck),
    /// The same, called only when the builder was asked about base images.
    Bases(DockerfileCheck),
}

impl Check {
    /// The function that looks at a Dockerfile, when these facts are enough for it.
    pub(crate) fn of_dockerfile(&self, facts: &Facts) -> Option<DockerfileCheck> {
        match self {
            Check::Facts(_) => None,
            Check::Dockerfile(check) => Some(*check),
            Check::Changes(check) => facts.changes.known().map(|_| *check),
            Check::Bases(check) => facts.lint.base_images.known().map(|_| *check),
        }
    }

    /// It looks at a Dockerfile and may fix it.
    pub fn is_about_dockerfile(&self) -> bool {
        !matches!(self, Check::Facts(_))
    }
}

/// Judges a Dockerfile. It never fails: what it cannot know, it does not tell.
pub type DockerfileCheck = fn(&Rule, &Reading<'_>, &Facts, &mut Findings);

impl Rule {
    /// Judges the facts, or says why it could not.
    pub(crate) fn judge(
        &self,
        facts: &Facts,
        dockerfile: Option<&Reading<'_>>,
        found: &mut Findings,
    ) -> Result<(), Why> {
        match self.check {
            Check::Facts(check) => check(self, facts, found),
            Check::Dockerfile(check) => {
                let Some(dockerfile) = dockerfile else { return Err(facts.no_dockerfile()) };
                check(self, dockerfile, facts, found);
                Ok(())
            }
            Check::Changes(check) => {
                let Some(dockerfile) = dockerfile else { return Err(facts.no_dockerfile()) };
                facts.changes.get()?;
                check(self, dockerfile, facts, found);
                Ok(())
            }
            Check::Bases(check) => {
                let Some(dockerfile) = dockerfile else { return Err(facts.no_dockerfile()) };
                facts.lint.base_images.get()?;
                check(self, dockerfile, facts, found);
                Ok(())
            }
        }
    }

    /// Starts a finding in the Dockerfile.
    pub(crate) fn at(
        &self,
        file: &ParsedDockerfile,
        span: Span,
        text: impl Into<String>,
    ) -> Finding {
        self.finding(Place::File { path: file.path.clone(), span }, text)
    }

    /// Starts a finding about this machine.
    pub(crate) fn on_host(&self, text: impl Into<String>) -> Finding {
        self.finding(Place::Host, text)
    }

    /// Starts a finding about the engine, its client or its builders.
    pub(crate) fn on_engine(&self, text: impl Into<String>) -> Finding {
        self.finding(Place::Engine, text)
    }

    /// Starts a finding about the build context.
    pub(crate) fn on_context(&self, text: impl Into<String>) -> Finding {
        self.finding(Place::Context, text)
    }

    /// Starts a finding anywhere.
    pub(crate) fn finding(&self, place: Place, text: impl Into<String>) -> Finding {
        Finding {
            rule: self.id,
            severity: self.severity,
            place,
            message: text.into(),
            evidence: vec![],
            cost: None,
            fixes: vec![],
            also: vec![],
        }
    }
}
