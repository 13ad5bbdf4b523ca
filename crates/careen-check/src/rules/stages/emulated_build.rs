//! A stage cross-compiles, and yet runs on the target's platform, which is emulated elsewhere.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Base, Item, Keyword};

use crate::buildkit::change;
use crate::calls::Command;
use crate::steps::{Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "emulated-build",
    title: "cross-compiling stages run on the build machine",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("emulated_build.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for stage in &reading.meaning.stages {
        let is_image = matches!(stage.base, Base::Image(_));
        if !is_image || stage.platform.is_some() || reading.is_shipped(stage.index) {
            continue;
        }
        let of_stage = reading.runs.iter().filter(|run| run.stage == stage.index);
        let mut commands = of_stage.flat_map(|run| run.commands().map(move |c| (run, c)));
        let compiles = commands.find(|(run, command)| is_cross(reading, run, command));
        let Some((run, command)) = compiles else { continue };
        let message =
            "a build for another platform emulates this stage, which compiles for it anyway";
        let line = run.instruction.lines.0;
        let flag = reading.file.file.insert_flag(stage.from, "--platform=$BUILDPLATFORM");
        let title = "Run the stage on the build machine";
        let fix = change(reading.file, Fix::risky, title, vec![flag]);
        found.push(
            rule.at(reading.file, stage.from.code, message)
                .because(
                    "compiler for the target",
                    format!("{} in line {line}", command.program()),
                    reading.file.path.display().to_string(),
                )
                .maybe_fix(fix),
        );
    }
}

/// `GOARCH=$TARGETARCH go build`, also with the variable set by ENV or export.
fn is_cross(reading: &Reading<'_>, run: &Run<'_>, command: &Command) -> bool {
    let first = command.arguments().first().map_or("", |word| word.text.as_str());
    if command.program() != "go" || !matches!(first, "build" | "install") {
        return false;
    }
    let own = command.assignments.iter().chain(&command.words);
    let mut exports = run.commands().filter(|command| command.program() == "export");
    let mut exported = || exports.any(|export| export.words.iter().any(|w| names_target(&w.text)));
    own.clone().any(|word| names_target(&word.text)) || exported() || set_by_env(reading, run)
}

fn names_target(text: &str) -> bool {
    let value = text.strip_prefix("GOARCH=");
    value.is_some_and(|value| value.trim_matches(['"', '{', '}', '$']).starts_with("TARGETARCH"))
}

fn set_by_env(reading: &Reading<'_>, run: &Run<'_>) -> bool {
    let items = reading.meaning.stages[run.stage].items.start..run.item;
    let mut earlier = reading.file.file.items[items].iter().filter_map(Item::instruction);
    earlier.any(|instruction| {
        let pairs = instruction.pairs();
        let mut arch = pairs.iter().filter(|pair| pair.name.text == "GOARCH");
        instruction.keyword == Keyword::Env
            && arch.any(|pair| pair.value.text.contains("TARGETARCH"))
    })
}
