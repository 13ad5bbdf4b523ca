//! A package manager waits for a yes that nobody can give.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity};
use careen_syntax::dockerfile::{Join, Manager, PackageCommand};

use crate::calls::Command;
use crate::steps::{Reading, Run, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "asking-package-manager",
    title: "package managers ask nothing",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3014", "DL3030", "DL3034", "DL3038"],
    page: include_str!("asking_package_manager.md"),
    check: Check::Dockerfile(check),
};

/// What a manager asks about, and the answers it can be given beforehand.
struct Asks {
    manager: Manager,
    verbs: &'static [&'static str],
    answers: &'static [&'static str],
    /// hadolint's name for it.
    also: &'static str,
}

const RPM_VERBS: &[&str] = &[
    "install",
    "reinstall",
    "localinstall",
    "groupinstall",
    "group install",
    "module install",
    "remove",
    "erase",
    "autoremove",
    "upgrade",
    "update",
    "upgrade-minimal",
    "downgrade",
    "distro-sync",
    "swap",
];

#[rustfmt::skip]
const ASKS: &[Asks] = &[
    Asks {
        manager: Manager::Apt,
        verbs: &[
            "install", "reinstall", "remove", "purge", "autoremove", "upgrade", "dist-upgrade",
            "full-upgrade", "build-dep", "satisfy",
        ],
        answers: &["--yes", "--assume-yes", "--assume-no", "-s", "--simulate", "--dry-run", "-d"],
        also: "DL3014",
    },
    Asks {
        manager: Manager::Yum,
        verbs: RPM_VERBS,
        answers: &["--assumeyes", "--assumeno", "--downloadonly"],
        also: "DL3030",
    },
    Asks {
        manager: Manager::Zypper,
        verbs: &[
            "install", "in", "remove", "rm", "source-install", "si", "patch", "update", "up",
            "dist-upgrade", "dup",
        ],
        answers: &["--no-confirm", "--non-interactive", "--dry-run", "-D"],
        also: "DL3034",
    },
    Asks {
        manager: Manager::Dnf,
        verbs: RPM_VERBS,
        answers: &["--assumeyes", "--assumeno", "--downloadonly"],
        also: "DL3038",
    },
];

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for (n, command) in run.script.commands.iter().enumerate() {
            let Some(package) = &command.package else { continue };
            let Some(asks) = asks(package) else { continue };
            if is_answered(package, asks) || is_fed(run, n, command) || is_configured(reading, run)
            {
                continue;
            }
            let name = package.program.rsplit('/').next().unwrap_or("");
            let message = format!("{name} {} asks, and nobody answers", package.verb);
            let finding = rule
                .at(reading.file, package.program_span, message)
                .because("option", "no -y", reading.file.path.display().to_string())
                .costs(Saving::MayFail, Basis::Rule);
            let fix = if run.takes_words(reading.file) {
                let edit = insert(package.verb_span.end, " -y");
                Fix::safe("Say yes beforehand", edits(reading.file, vec![edit])).adds("-y")
            } else {
                Fix::by_hand("Add `-y`")
            };
            let mut finding = finding.fix(fix);
            finding.also.push(asks.also);
            found.push(finding);
        }
    }
}

fn asks(package: &PackageCommand) -> Option<&'static Asks> {
    let mut all = ASKS.iter();
    all.find(|asks| asks.manager == package.manager && asks.verbs.contains(&package.verb.as_str()))
}

fn is_answered(package: &PackageCommand, asks: &Asks) -> bool {
    package.options.iter().any(|option| {
        let name = option.name.as_str();
        let is_short = !name.starts_with("--");
        let is_yes = is_short && name.contains('y');
        let is_quiet = package.manager == Manager::Apt
            && is_short
            && (name.matches('q').count() > 1 || option.value.as_deref() == Some("2"));
        // Before the verb it is `--non-interactive`, after it `--name`.
        let is_global = package.manager == Manager::Zypper
            && name == "-n"
            && option.span.end <= package.verb_span.start;
        let set = option.value.as_deref().is_some_and(|value| value.contains("Assume-Yes"));
        asks.answers.contains(&name) || is_yes || is_quiet || is_global || set
    }) || (package.manager == Manager::Apt && package.options_named(&["-q", "--quiet"]).count() > 1)
}

/// Something is written into it: `yes |`, `<file`, `<<<y`.
fn is_fed(run: &Run<'_>, n: usize, command: &Command) -> bool {
    let before = n.checked_sub(1).map(|before| run.script.commands[before].join);
    before == Some(Join::Pipe)
        || command.redirections.iter().any(|redirection| redirection.operator.contains('<'))
}

/// A configuration file or a variable answers for all commands.
fn is_configured(reading: &Reading<'_>, run: &Run<'_>) -> bool {
    let words = ["Assume-Yes", "assumeyes"];
    let says = |run: &Run<'_>| {
        let joined = run.joined();
        let heredocs = run.instruction.heredocs.iter().map(|heredoc| heredoc.content.as_str());
        let mut texts = std::iter::once(joined.as_str()).chain(heredocs);
        texts.any(|text| words.iter().any(|word| text.contains(word)))
    };
    reading.runs.iter().filter(|earlier| earlier.at <= run.at).any(says)
}
