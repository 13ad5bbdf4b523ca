//! A step looks for a GPU, which a build never has.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "gpu-check-in-run",
    title: "no GPU checks while building",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("gpu_check_in_run.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs {
        // Devices can be asked for, on engines that have them.
        if run.instruction.flag("device").is_some() {
            continue;
        }
        let joined = run.joined();
        let Some((text, fails)) = CHECKS.iter().find(|(text, _)| joined.contains(text)) else {
            continue;
        };
        let outcome = if *fails { "fails" } else { "always says no" };
        let fix = Fix::by_hand("Check imports while building, and the GPU when the container runs")
            .show("careen test");
        let mut finding = rule
            .at(
                file,
                run.instruction.code,
                format!("`{text}` {outcome}: a build has no GPU driver"),
            )
            .because("command", *text, file.path.display().to_string());
        if *fails {
            finding = finding.costs(Saving::MayFail, Basis::Rule);
        }
        found.push(finding.fix(fix));
    }
}

/// What looks for a GPU, and whether it ends the step when there is none.
const CHECKS: [(&str, bool); 6] = [
    ("nvidia-smi", true),
    ("torch.cuda.is_available()", false),
    ("torch.cuda.get_device_name", true),
    ("jax.devices('gpu')", true),
    ("jax.devices(\"gpu\")", true),
    ("list_physical_devices('GPU')", false),
];
