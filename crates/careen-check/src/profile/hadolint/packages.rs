//! Package managers in RUN.

mod caches;
mod pins;
mod words;

use careen_model::{Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use super::bash::{Body, Call};
use crate::profile::Row;
use crate::rules::packages::{
    apt_cache_unmounted, apt_recommends, asking_package_manager, interactive_apt,
    package_cache_left, package_cache_unmounted, system_upgrade, unpinned_packages,
    unpinned_system_packages,
};
use crate::steps::Reading;
use crate::{DockerfileCheck, Rule};

pub(super) const ROWS: &[Row] = &[
    pin("DL3008", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::apt));
    }),
    Row::own("DL3009", Severity::Hint, &apt_cache_unmounted::RULE, |rule, reading, _, found| {
        caches::in_shipped_stages(rule, reading, found, caches::leaves_apt_lists);
    }),
    tool("DL3013", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::pip));
    }),
    asks("DL3014", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(apt_asks));
    }),
    Row::own("DL3015", Severity::Hint, &apt_recommends::RULE, |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(recommends));
    }),
    tool("DL3016", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::npm));
    }),
    pin("DL3018", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::apk));
    }),
    left("DL3019", Severity::Hint, |rule, reading, _, found| {
        each(rule, reading, found, caches::leaves_apk_cache);
    }),
    Row::own("DL3027", Severity::Warning, &interactive_apt::RULE, |rule, reading, _, found| {
        each(rule, reading, found, |body| body.starts("apt"));
    }),
    tool("DL3028", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::gem));
    }),
    asks("DL3030", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(yum_asks));
    }),
    left("DL3032", Severity::Warning, |rule, reading, _, found| {
        each(rule, reading, found, caches::leaves_yum_cache);
    }),
    pin("DL3033", |rule, reading, _, found| {
        pins::with_variables(rule, reading, found, |call, known| pins::rpm(&["yum"], call, known));
    }),
    asks("DL3034", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(zypper_asks));
    }),
    Row::own("DL3035", Severity::Warning, &system_upgrade::RULE, |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(zypper_changes_release));
    }),
    left("DL3036", Severity::Warning, |rule, reading, _, found| {
        each(rule, reading, found, caches::leaves_zypper_cache);
    }),
    pin("DL3037", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::zypper));
    }),
    asks("DL3038", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(dnf_asks));
    }),
    left("DL3040", Severity::Warning, |rule, reading, _, found| {
        each(rule, reading, found, caches::leaves_dnf_cache);
    }),
    pin("DL3041", |rule, reading, _, found| {
        pins::with_variables(rule, reading, found, |call, known| pins::rpm(DNF, call, known));
    }),
    Row::own(
        "DL3042",
        Severity::Warning,
        &package_cache_unmounted::RULE,
        |rule, reading, _, found| caches::pip(rule, reading, found),
    ),
    Row::own(
        "DL3060",
        Severity::Hint,
        &package_cache_unmounted::RULE,
        |rule, reading, _, found| {
            caches::in_shipped_stages(rule, reading, found, caches::leaves_yarn_cache);
        },
    ),
    tool("DL3062", |rule, reading, _, found| {
        each(rule, reading, found, |body| body.commands.iter().any(pins::go));
    }),
];

const DNF: &[&str] = &["dnf", "microdnf"];

const fn pin(name: &'static str, judge: DockerfileCheck) -> Row {
    Row::own(name, Severity::Warning, &unpinned_system_packages::RULE, judge)
}

const fn tool(name: &'static str, judge: DockerfileCheck) -> Row {
    Row::own(name, Severity::Warning, &unpinned_packages::RULE, judge)
}

const fn asks(name: &'static str, judge: DockerfileCheck) -> Row {
    Row::own(name, Severity::Warning, &asking_package_manager::RULE, judge)
}

const fn left(name: &'static str, severity: Severity, judge: DockerfileCheck) -> Row {
    Row::own(name, severity, &package_cache_left::RULE, judge)
}

/// One finding for each RUN that is bad, at its first line.
fn each(
    rule: &Rule,
    reading: &Reading<'_>,
    found: &mut Findings,
    is_bad: impl Fn(&Body<'_>) -> bool,
) {
    for body in reading.bodies().iter().filter(|body| is_bad(body)) {
        tell(rule, reading, found, body);
    }
}

fn tell(rule: &Rule, reading: &Reading<'_>, found: &mut Findings, body: &Body<'_>) {
    let instruction = body.step.instruction;
    let programs: Vec<&str> = body.commands.iter().map(|call| call.name.as_str()).collect();
    found.push(rule.at(reading.file, instruction.code, rule_text(rule)).because(
        "commands",
        programs.join(", "),
        reading.file.path.display().to_string(),
    ));
}

/// What the careen rule is about, in the words of a finding.
fn rule_text(rule: &Rule) -> &'static str {
    match rule.id {
        "unpinned-system-packages" | "unpinned-packages" => {
            "the same step installs other versions on another day"
        }
        "asking-package-manager" => "nobody answers when the package manager asks",
        "apt-cache-unmounted" => "the lists of apt stay in the layer",
        "apt-recommends" => "apt also installs what is only recommended",
        "interactive-apt" => "apt is for people, apt-get for scripts",
        "system-upgrade" => "this changes the release of the whole system",
        _ => "what the package manager downloaded stays in the layer",
    }
}

/// Two single `q` count as `-y`, and so do two long ones.
fn apt_asks(call: &Call) -> bool {
    let times = |option: &str| call.options().filter(|one| *one == option).count();
    words::calls(call, &["apt-get"], &["install"])
        && !call.has_option(&["y", "yes", "qq", "assume-yes"])
        && times("q") != 2
        && times("quiet") != 2
        && !call.arguments.iter().any(|argument| argument == "-q=2")
}

fn recommends(call: &Call) -> bool {
    words::calls(call, &["apt-get"], &["install"])
        && !call.has_option(&["no-install-recommends"])
        && !call.arguments.iter().any(|argument| argument == "APT::Install-Recommends=false")
}

fn yum_asks(call: &Call) -> bool {
    rpm_asks(call, &["yum"])
}

fn dnf_asks(call: &Call) -> bool {
    rpm_asks(call, DNF)
}

fn rpm_asks(call: &Call, programs: &[&str]) -> bool {
    words::calls(call, programs, &["install", "groupinstall", "localinstall"])
        && !call.has_option(&["y", "assumeyes"])
}

fn zypper_asks(call: &Call) -> bool {
    let verbs = ["install", "in", "remove", "rm", "source-install", "si", "patch"];
    words::calls(call, &["zypper"], &verbs)
        && !call.has_option(&["non-interactive", "n", "no-confirm", "y"])
}

fn zypper_changes_release(call: &Call) -> bool {
    words::calls(call, &["zypper"], &["dist-upgrade", "dup"])
}

/// The instructions with the RUN bodies beside them, in order.
fn steps_with_bodies<'r, 'a>(
    reading: &'r Reading<'a>,
) -> impl Iterator<Item = (&'r crate::steps::Placed<'a>, Option<&'r Body<'a>>)> {
    let mut bodies = reading.bodies().iter();
    reading.steps.iter().map(move |step| {
        let is_run = step.instruction.keyword == Keyword::Run;
        (step, if is_run { bodies.next() } else { None })
    })
}
