//! The Dockerfile lies on another, slower kind of file system than the context.

use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::rules::mounts::{called, remedy};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "slow-dockerfile-folder",
    title: "file system of the Dockerfile",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("slow_dockerfile_folder.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let host = facts.host()?;
    let (file, context) = (host.dockerfile_mount.get()?, host.context_mount.get()?);
    // On the same mount it is the context's finding.
    if file.point == context.point || !file.class.is_windows() {
        return Ok(());
    }
    let fix = Fix::by_hand(remedy(file.class).0);
    let value = format!("{} ({})", file.fs_type, file.point.display());
    found.push(
        rule.on_context(format!("the Dockerfile lies on {}, the context does not", called(file)))
            .because("file system", value, "/proc/self/mountinfo")
            .fix(fix),
    );
    Ok(())
}
