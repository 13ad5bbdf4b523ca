//! ShellCheck's findings, of which hadolint shows one for each RUN under its number.

use careen_model::Finding;
use careen_shell::{numbers, shown_by_hadolint};

use crate::rules::commands::shell_mistake::{RULE, not_checked, told};
use crate::steps::Reading;

/// What hadolint would show, at the place of the mistake and with the severity that it has there.
pub(in crate::profile) fn findings(reading: &Reading<'_>) -> Vec<Finding> {
    let said = reading.shell();
    let shown = shown_by_hadolint(&said.mistakes).into_iter().map(|mistake| {
        let mut finding = told(&RULE, reading.file, mistake);
        finding.rule = mistake.code.name();
        finding.also = vec![RULE.id];
        finding
    });
    // hadolint would read these; that we did not is said under our own name.
    let unread = said.unread.iter().map(|unread| not_checked(&RULE, reading.file, unread));
    shown.chain(unread).collect()
}

/// The numbers there are.
pub(in crate::profile) fn names() -> impl Iterator<Item = &'static str> {
    numbers().map(careen_shell::Code::name)
}
