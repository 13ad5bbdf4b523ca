//! A stage name has upper-case letters, and BuildKit keeps it in lower case.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::buildkit::{change, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "uppercase-stage-name",
    title: "stage names are lower case",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["StageNameCasing"],
    page: include_str!("uppercase_stage_name.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in reading.all(Keyword::From) {
        let [_, _, name] = step.instruction.words.as_slice() else { continue };
        let lower = name.text.to_lowercase();
        if name.text == lower {
            continue;
        }
        let message = format!("Stage name '{}' should be lowercase", name.text);
        let place = on_first_line(file, step.instruction, name.span);
        let mut edits = vec![Edit::replace(name.span, &lower)];
        edits.extend(references(reading, &name.text).map(|span| Edit::replace(span, &lower)));
        found.push(
            rule.at(file, place, message)
                .because("name", &name.text, file.path.display().to_string())
                .maybe_fix(change(file, Fix::safe, format!("Name the stage `{lower}`"), edits)),
        );
    }
}

/// `COPY --from=` in the very same letters: any case is found there, one is easier to search for.
fn references<'a>(
    reading: &'a Reading<'_>,
    name: &'a str,
) -> impl Iterator<Item = careen_model::Span> + 'a {
    let flags = reading.all(Keyword::Copy).filter_map(|step| step.instruction.flag("from"));
    flags.filter(move |flag| flag.text() == name).map(|flag| flag.value_span)
}
