//! There is no `docker` program; careen itself needs none.

use careen_model::{Category, Fact, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "no-docker-client",
    title: "docker client",
    category: Category::Client,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("no_docker_client.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let probes = facts.probes()?;
    match &probes.client {
        Fact::Known(_) => Ok(()),
        Fact::Unknown(Why::NotOnThisSystem { .. } | Why::Absent { .. }) => {
            let message = "no docker client is installed; careen builds without one";
            let fix = Fix::by_hand("Install a client if people or scripts call `docker` here")
                .show("apt-get install docker-cli");
            found.push(
                rule.on_engine(message).because("program", "docker: not found", "PATH").fix(fix),
            );
            Ok(())
        }
        Fact::Unknown(why) => Err(why.clone()),
    }
}
