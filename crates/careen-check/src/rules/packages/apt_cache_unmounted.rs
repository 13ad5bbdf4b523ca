//! apt downloads everything again each time its step runs.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::Manager;

use crate::rules::packages::{apt, installs_cost};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "apt-cache-unmounted",
    title: "apt keeps its downloads",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3009"],
    page: include_str!("apt_cache_unmounted.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs.iter().filter(|run| apt::installs(run)) {
        if run.keeps(apt::ARCHIVES) && run.keeps(apt::LISTS) {
            continue;
        }
        let message = "apt downloads its lists and packages again each time this step runs";
        let mut finding = rule.at(file, run.instruction.code, message).because(
            "cache mounts",
            "none for apt",
            file.path.display().to_string(),
        );
        finding = installs_cost::priced(finding, run, facts, Manager::Apt);
        // With the lists in a mount they are no longer in the image, where a later install without
        // an update of its own looks for them.
        let later = runs.iter().filter(|later| {
            let is_after = later.at > run.at && dockerfile.builds_on(later.stage, run.stage);
            is_after && apt::installs(later)
        });
        let needs_lists = later.clone().any(|later| !apt::updates(later));
        let fix = match (apt::updates(run), needs_lists) {
            (true, false) => apt::with_mounts(file, run, TITLE),
            _ => None,
        };
        found.push(match fix {
            Some(fix) => finding.fix(fix),
            None => finding.fix(by_hand()),
        });
    }
}

const TITLE: &str = "Keep apt's lists and packages in cache mounts";

fn by_hand() -> Fix {
    Fix::by_hand("Update and install in one step, with cache mounts for apt's lists and packages")
}
