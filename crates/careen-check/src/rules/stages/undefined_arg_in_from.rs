//! FROM uses a variable that no ARG before the first stage declares.

use careen_model::{Category, Edit, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::{Flag, Stage, Word, nearest_name};

use crate::buildkit::{change, on_first_line};
use crate::rules::variables::misspelt;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "undefined-arg-in-from",
    title: "variables in FROM are declared before it",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["UndefinedArgInFrom"],
    page: include_str!("undefined_arg_in_from.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for stage in &reading.meaning.stages {
        let Some(from) = stage.from.from_view() else { continue };
        judge(rule, reading, stage, Text::of_word(from.image), found);
        if let Some(platform) = from.platform {
            judge(rule, reading, stage, Text::of_flag(platform), found);
        }
    }
}

#[derive(Clone, Copy)]
struct Text<'a> {
    text: &'a str,
    span: Span,
}

impl Text<'_> {
    fn of_word(word: &Word) -> Text<'_> {
        Text { text: &word.text, span: word.span }
    }

    fn of_flag(flag: &Flag) -> Text<'_> {
        Text { text: flag.text(), span: flag.value_span }
    }
}

fn judge(
    rule: &Rule,
    reading: &Reading<'_>,
    stage: &Stage<'_>,
    written: Text<'_>,
    found: &mut Findings,
) {
    let (file, item) = (reading.file, stage.items.start);
    if !written.text.contains('$') {
        return;
    }
    for name in reading.meaning.expand(item, written.text).unmatched {
        if reading.meaning.is_declared(item, &name) {
            continue;
        }
        let mut known = reading.meaning.visible(item);
        known.extend(reading.meaning.declared_globally());
        let meant = nearest_name(&name, known);
        let ending = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
        let message = format!("FROM argument '{name}' is not declared{ending}");
        let place = on_first_line(file, stage.from, written.span);
        let fix = meant.and_then(|meant| {
            let spans = misspelt(file, written.span, &name)?;
            let edits = spans.into_iter().map(|span| Edit::replace(span, meant)).collect();
            change(file, Fix::risky, format!("Use `{meant}`"), edits)
        });
        let fix = fix.unwrap_or_else(|| {
            Fix::by_hand("Declare it before the first FROM").show(format!("ARG {name}=…"))
        });
        found.push(
            rule.at(file, place, message)
                .because("variable", name, file.path.display().to_string())
                .fix(fix),
        );
    }
}
