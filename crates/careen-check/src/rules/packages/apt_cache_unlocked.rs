//! A cache mount of apt lets two builds write at once.

use careen_model::{Basis, Category, Edit, Findings, Fix, Saving, Severity};
use careen_syntax::dockerfile::{MountKind, Sharing, clean_path};

use crate::rules::packages::apt;
use crate::steps::{Reading, edits, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "apt-cache-unlocked",
    title: "apt caches have one writer",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("apt_cache_unlocked.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs.iter().filter(|run| apt::is_apt(run)) {
        for mount in run.mounts.iter().filter(|mount| mount.kind == Some(MountKind::Cache)) {
            let Some(target) = mount.target().map(clean_path) else { continue };
            let is_apts = FOLDERS.contains(&target.as_str());
            if !is_apts || mount.sharing() != Sharing::Shared {
                continue;
            }
            let old = text(file, mount.value_span).to_owned();
            let edit = match mount.field(&["sharing"]) {
                Some(field) => Edit::replace(field.value_span, "locked"),
                None => Edit::replace(mount.value_span, format!("{old},sharing=locked")),
            };
            let after = match mount.field(&["sharing"]).map(|field| text(file, field.span)) {
                Some(field) => old.replace(field, "sharing=locked"),
                None => format!("{old},sharing=locked"),
            };
            let fix = Fix::safe("Let one build at a time use this cache", edits(file, vec![edit]))
                .removes(&format!("--mount={old}"))
                .adds(&format!("--mount={after}"));
            found.push(
                rule.at(
                    file,
                    mount.span,
                    format!("two builds may write to apt's {target} at once"),
                )
                .because("sharing", "shared", "the mount, or BuildKit's default")
                .costs(Saving::MayFail, Basis::Rule)
                .fix(fix),
            );
        }
    }
}

const FOLDERS: [&str; 4] =
    ["/var/cache/apt", "/var/cache/apt/archives", "/var/lib/apt", "/var/lib/apt/lists"];
