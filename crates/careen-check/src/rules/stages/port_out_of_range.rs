//! EXPOSE names a port that does not exist.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "port-out-of-range",
    title: "exposed ports exist",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3011"],
    page: include_str!("port_out_of_range.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Expose) {
        for word in &step.instruction.words {
            let expanded = reading.meaning.expand(step.item, &word.text).text;
            let Some(port) = too_large(&expanded) else { continue };
            let message = format!("port {port} does not exist: the last one is 65535");
            found.push(rule.at(reading.file, word.span, message).because(
                "port",
                expanded.clone(),
                format!("EXPOSE in {}", reading.file.path.display()),
            ));
        }
    }
}

/// The port or the end of a range that is no port.
pub(crate) fn too_large(exposed: &str) -> Option<&str> {
    let ports = exposed.trim_matches(['"', '\'']).split('/').next().unwrap_or("");
    let is_number = |port: &&str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let mut numbers = ports.split('-').filter(is_number);
    numbers.find(|port| port.parse::<u16>().is_err())
}
