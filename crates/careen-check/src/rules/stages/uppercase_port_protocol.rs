//! EXPOSE names the protocol in upper case.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::buildkit::{change, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "uppercase-port-protocol",
    title: "protocols in EXPOSE are lower case",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["ExposeProtoCasing"],
    page: include_str!("uppercase_port_protocol.md"),
    check: Check::Dockerfile(check),
};

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in reading.all(Keyword::Expose) {
        for word in &step.instruction.words {
            for port in reading.meaning.expand(step.item, &word.text).words {
                let protocol = port.rsplit(':').next().and_then(|port| port.split_once('/'));
                let Some((_, protocol)) = protocol else { continue };
                let lower = protocol.to_lowercase();
                if protocol == lower || !PROTOCOLS.contains(&lower.as_str()) {
                    continue;
                }
                let message =
                    format!("Defined protocol '{port}' in EXPOSE instruction should be lowercase");
                // A variable may be used elsewhere too.
                let fix = (port == word.text).then(|| {
                    let edit = Edit::replace(word.span, port.to_lowercase());
                    change(file, Fix::safe, format!("Write `{lower}`"), vec![edit])
                });
                found.push(
                    rule.at(file, on_first_line(file, step.instruction, word.span), message)
                        .because("port", &word.text, file.path.display().to_string())
                        .maybe_fix(fix.flatten()),
                );
            }
        }
    }
}
