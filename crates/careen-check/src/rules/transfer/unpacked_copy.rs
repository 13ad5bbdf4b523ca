//! COPY brings an archive that a later step unpacks.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use super::archives::is_archive;
use crate::calls::Command;
use crate::sizes::{copied_bytes, stored};
use crate::steps::{Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "unpacked-copy",
    title: "archives are unpacked as they are added",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["DL3010"],
    page: include_str!("unpacked_copy.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Copy) {
        let Some(transfer) = step.instruction.transfer() else { continue };
        if transfer.from.is_some() {
            continue;
        }
        for source in transfer.sources {
            let name = source.text.rsplit('/').next().unwrap_or("");
            if !is_archive(name) || name.contains(['*', '?', '$']) {
                continue;
            }
            let mut later = reading.runs.iter();
            let unpacks = |run: &&Run<'_>| {
                Some(run.stage) == step.stage
                    && run.item > step.item
                    && run.commands().any(|command| unpacks(command, name))
            };
            if later.find(unpacks).is_none() {
                continue;
            }
            let message = format!("`{name}` stays in a layer beside what is unpacked from it");
            let fix = Fix::by_hand("Unpack it with ADD, or from a bind mount")
                .show(format!("RUN --mount=type=bind,source={},target=/tmp/{name} …", source.text));
            let finding = rule.at(reading.file, source.span, message).because(
                "archive",
                name,
                reading.file.path.display().to_string(),
            );
            found.push(stored(finding, copied_bytes(facts, &[source])).fix(fix));
        }
    }
}

fn unpacks(command: &Command, name: &str) -> bool {
    let arguments = command.arguments();
    let is_tar = command.program() == "tar"
        && arguments.iter().enumerate().any(|(n, word)| {
            let letters = word.text.trim_start_matches('-');
            let is_short = n == 0 || word.text.len() - letters.len() == 1;
            matches!(word.text.as_str(), "--extract" | "--get") || is_short && letters.contains('x')
        });
    let is_other = matches!(
        command.program(),
        "unzip" | "gunzip" | "bunzip2" | "unlzma" | "unxz" | "unzstd" | "uncompress"
    );
    let named = |text: &str| text.rsplit('/').next() == Some(name);
    (is_tar || is_other) && arguments.iter().any(|word| named(&word.text))
}
