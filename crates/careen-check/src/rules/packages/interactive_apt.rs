//! `apt` where `apt-get` belongs.

use careen_model::{Category, Edit, Findings, Fix, Severity};

use crate::steps::{Reading, edits, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "interactive-apt",
    title: "scripts call apt-get",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3027"],
    page: include_str!("interactive_apt.md"),
    check: Check::Dockerfile(check),
};

/// Verbs of apt that mean the same elsewhere; `upgrade` and `full-upgrade` do not, or not always.
const SAME: [(&str, &str); 16] = [
    ("install", "apt-get"),
    ("reinstall", "apt-get"),
    ("update", "apt-get"),
    ("remove", "apt-get"),
    ("purge", "apt-get"),
    ("autoremove", "apt-get"),
    ("autopurge", "apt-get"),
    ("clean", "apt-get"),
    ("autoclean", "apt-get"),
    ("source", "apt-get"),
    ("build-dep", "apt-get"),
    ("download", "apt-get"),
    ("show", "apt-cache"),
    ("policy", "apt-cache"),
    ("depends", "apt-cache"),
    ("rdepends", "apt-cache"),
];

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for run in &reading.runs {
        for command in run.commands().filter(|command| command.program() == "apt") {
            let Some((_, program)) = command.start() else { continue };
            let verb = command.package.as_ref().map_or("", |package| package.verb.as_str());
            let other = SAME.iter().find(|(known, _)| *known == verb).map(|(_, other)| *other);
            let finding = rule
                .at(file, program.span, "apt is for people: its output and options may change")
                .because("program", &program.text, file.path.display().to_string());
            let is_plain = run.takes_words(file) && text(file, program.span) == "apt";
            found.push(match other.filter(|_| is_plain) {
                Some(other) => {
                    let edit = Edit::replace(program.span, other);
                    let fix = Fix::safe(format!("Call {other}"), edits(file, vec![edit]));
                    finding.fix(fix.removes("apt").adds(other))
                }
                None => finding.fix(Fix::by_hand("Call apt-get or apt-cache")),
            });
        }
    }
}
