//! Comments that silence rules.

use careen_model::Findings;
use careen_syntax::dockerfile::Item;

use super::report;
use crate::steps::Reading;
use crate::suppress::{comment, is_hadolint_ignore};
use crate::{Facts, Rule};

pub(super) fn ignores(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for item in &reading.file.file.items {
        let Item::Comment(span) = item else { continue };
        if is_hadolint_ignore(&comment(reading.file, *span)) {
            report(rule, reading, *span, "a comment silences a rule", found);
        }
    }
}
