//! COPY brings several files to one name that is no folder.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Form, Keyword};

use crate::steps::{Reading, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "many-files-to-one",
    title: "several files go to a folder",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3021"],
    page: include_str!("many_files_to_one.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Copy).chain(reading.all(Keyword::Add)) {
        let Some(transfer) = step.instruction.transfer() else { continue };
        let Some(destination) = transfer.destination else { continue };
        let count = transfer.sources.len() + transfer.inline.len();
        let path = destination.text.trim_matches(['"', '\'']);
        if count < 2 || path.ends_with(['/', '\\', '}', '.']) || path.contains('$') {
            continue;
        }
        let message = format!("{count} files go to `{path}`, which is not written as a folder");
        let finding = rule.at(reading.file, destination.span, message).because(
            "sources",
            count.to_string(),
            reading.file.path.display().to_string(),
        );
        let is_bare = path.len() == destination.text.len() && step.instruction.form == Form::Shell;
        let fix = (is_bare && reading.file.file.text().is_some()).then(|| {
            let edit = insert(destination.span.end, "/");
            Fix::risky("Write it as a folder", edits(reading.file, vec![edit]))
                .removes(path)
                .adds(&format!("{path}/"))
        });
        found.push(finding.maybe_fix(fix));
    }
}
