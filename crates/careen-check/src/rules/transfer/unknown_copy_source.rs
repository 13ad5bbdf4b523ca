//! COPY --from names a stage that comes later, or one that was misspelt.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::find::nearest;
use crate::steps::{Reading, edits};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "unknown-copy-source",
    title: "COPY takes from stages that are there",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3022"],
    page: include_str!("unknown_copy_source.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Copy) {
        let (Some(stage), Some(flag)) = (step.stage, step.instruction.flag("from")) else {
            continue;
        };
        let name = flag.text();
        let stages = &reading.meaning.stages;
        let named = |from: usize, to: usize| {
            stages[from..to].iter().filter_map(|stage| stage.name.as_deref())
        };
        let earlier: Vec<&str> = named(0, stage + 1).collect();
        let lower = name.to_lowercase();
        let is_image = name.contains(['/', ':', '@', '$', '.']) || name.is_empty();
        if is_image || earlier.contains(&lower.as_str()) || name.parse::<usize>().is_ok() {
            continue;
        }
        // A name that no stage bears may be an image, or a context that the build is given.
        let is_later = named(stage + 1, stages.len()).any(|later| later == lower);
        let near = nearest(name, named(0, stage));
        let near = near.filter(|near| name.len() > 3 && careen_model::distance(near, &lower) <= 2);
        let (message, meant) = match (is_later, near) {
            (true, _) => (format!("stage `{name}` begins only after this COPY"), None),
            (false, Some(near)) => (
                format!("no stage is called `{name}`: the image of that name is taken"),
                Some(near),
            ),
            (false, None) => continue,
        };
        let finding = rule.at(reading.file, flag.value_span, message).because(
            "stages before",
            if earlier.is_empty() { "none".to_owned() } else { earlier.join(", ") },
            reading.file.path.display().to_string(),
        );
        let fix = meant.filter(|_| reading.file.file.text().is_some()).map(|near| {
            let edit = Edit::replace(flag.value_span, near);
            Fix::risky(format!("Take from `{near}`"), edits(reading.file, vec![edit]))
                .removes(&format!("--from={name}"))
                .adds(&format!("--from={near}"))
        });
        found.push(finding.maybe_fix(fix));
    }
}
