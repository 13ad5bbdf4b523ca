//! EXPOSE with an address or a host port, which it cannot set.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::buildkit::{change, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "host-port-in-expose",
    title: "EXPOSE names ports of the container only",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["ExposeInvalidFormat"],
    page: include_str!("host_port_in_expose.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in reading.all(Keyword::Expose) {
        for word in &step.instruction.words {
            for port in reading.meaning.expand(step.item, &word.text).words {
                let Some((host, own)) = port.rsplit_once(':') else { continue };
                if host.chars().all(|c| c == ':') || own.split('/').next() == Some("") {
                    continue;
                }
                let message = format!(
                    "EXPOSE instruction should not define an IP address or host-port mapping, \
                     found '{port}'"
                );
                // A variable may be used elsewhere too.
                let fix = (port == word.text).then(|| {
                    let edit = Edit::replace(word.span, own);
                    change(file, Fix::safe, format!("Expose `{own}`"), vec![edit])
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
