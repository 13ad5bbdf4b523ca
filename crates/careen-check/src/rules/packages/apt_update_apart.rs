//! apt installs with lists that an earlier, cached step fetched.

use careen_model::{Basis, Category, Edit, Findings, Fix, Saving, Severity};

use crate::packages::is_apt_install;
use crate::rules::packages::apt;
use crate::steps::{Reading, Run, edits, insert};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "apt-update-apart",
    title: "apt updates where it installs",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("apt_update_apart.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for (i, run) in runs.iter().enumerate() {
        if !apt::installs(run) || apt::updates(run) {
            continue;
        }
        // What stands behind ONBUILD runs in another build.
        let earlier = runs[..i].iter().rev().find(|other| {
            let is_near = other.stage == run.stage && other.is_trigger == run.is_trigger;
            is_near && apt::updates(other) && !apt::installs(other)
        });
        // Without any update the base image brings its lists, or a mount does.
        let Some(earlier) = earlier else { continue };
        let finding = rule
            .at(file, run.instruction.code, "apt installs from lists that a cached step fetched")
            .because(
                "apt-get update stands in",
                format!("line {}", earlier.instruction.lines.0),
                file.path.display().to_string(),
            )
            .costs(Saving::MayFail, Basis::Rule);
        let others = runs.iter().any(|other| other.at > run.at && needs(other, run));
        let joined = if others { None } else { join(file, earlier, run) };
        found.push(finding.fix(joined.unwrap_or_else(by_hand)));
    }
}

/// A later step that counts on the same lists, which a joined step would still leave in its layer.
fn needs(other: &Run<'_>, run: &Run<'_>) -> bool {
    let is_near = other.stage == run.stage && other.is_trigger == run.is_trigger;
    is_near && apt::installs(other) && !apt::updates(other)
}

fn by_hand() -> Fix {
    Fix::by_hand("Join this step with the one that runs `apt-get update`")
}

/// Takes the update step away and puts its commands before the install.
///
/// Only for neighbours without flags: nothing between them could see the difference.
fn join(file: &ParsedDockerfile, earlier: &Run<'_>, run: &Run<'_>) -> Option<Fix> {
    let is_alone = earlier.script.commands.len() == 1 && earlier.instruction.flags.is_empty();
    let is_next = earlier.at + 1 == run.at;
    // The whole instruction goes, and that would leave ONBUILD without one.
    let is_plain = earlier.is_editable(file) && run.is_editable(file) && !run.is_trigger;
    if !(is_alone && is_next && is_plain && run.instruction.heredocs.is_empty()) {
        return None;
    }
    let first = run.script.commands.iter().find(|command| is_apt_install(command))?;
    let update = &earlier.script.commands[0];
    let words = apt::words_of(file, update.span);
    let at = first.span.start;
    let insert = insert(at, format!("{words} && "));
    let remove = Edit::replace(earlier.instruction.span, "");
    let name = &earlier.instruction.name.text;
    let fix = Fix::safe("Update and install in one step", edits(file, vec![remove, insert]));
    Some(fix.removes(name).adds("&&"))
}
