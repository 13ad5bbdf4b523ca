//! Stages, labels, copies, and commands that are no package manager, as hadolint judges them.

mod commands;
mod comments;
mod images;
mod labels;
mod stages;
mod transfer;

use careen_model::{Findings, Severity, Span};

use crate::profile::Row;
use crate::rules::commands::{
    cd_in_run, consecutive_runs, curl_and_wget, missing_pipefail, pointless_command, sudo_in_run,
    useradd_large_uid, wget_progress,
};
use crate::rules::labels::{invalid_label_key, missing_label, unlisted_label, wrong_label_value};
use crate::rules::stages::{
    forbidden_trigger, instruction_before_from, missing_healthcheck, named_user, port_out_of_range,
    relinked_shell, root_user, untagged_base, untrusted_registry,
};
use crate::rules::suppressions::ignore_comment;
use crate::rules::transfer::{
    add_for_local_files, copy_from_itself, many_files_to_one, relative_destination,
    unknown_copy_source, unpacked_copy, whole_filesystem_copied,
};
use crate::rules::variables::env_uses_itself;
use crate::steps::Reading;
use crate::{DockerfileCheck, Rule};

const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;
const INFO: Severity = Severity::Hint;
const STYLE: Severity = Severity::Style;

const fn own(
    name: &'static str,
    severity: Severity,
    rule: &'static Rule,
    judge: DockerfileCheck,
) -> Row {
    Row::own(name, severity, rule, judge)
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    own("DL1001", STYLE, &ignore_comment::RULE, comments::ignores).off(),
    own("DL3001", INFO, &pointless_command::RULE, commands::pointless),
    own("DL3002", WARNING, &root_user::RULE, stages::root),
    own("DL3003", WARNING, &cd_in_run::RULE, commands::cd),
    own("DL3004", ERROR, &sudo_in_run::RULE, commands::sudo),
    own("DL3006", WARNING, &untagged_base::RULE, images::untagged),
    own("DL3007", WARNING, &untagged_base::RULE, images::latest),
    own("DL3010", INFO, &unpacked_copy::RULE, transfer::unpacked),
    own("DL3011", ERROR, &port_out_of_range::RULE, stages::ports),
    own("DL3020", ERROR, &add_for_local_files::RULE, transfer::added),
    own("DL3021", ERROR, &many_files_to_one::RULE, transfer::many_to_one),
    own("DL3022", WARNING, &unknown_copy_source::RULE, transfer::unknown_source),
    own("DL3023", ERROR, &copy_from_itself::RULE, transfer::from_itself),
    own("DL3026", ERROR, &untrusted_registry::RULE, images::untrusted),
    own("DL3043", ERROR, &forbidden_trigger::RULE, stages::triggers),
    own("DL3044", ERROR, &env_uses_itself::RULE, stages::env_uses_itself),
    own("DL3045", WARNING, &relative_destination::RULE, transfer::relative),
    own("DL3046", WARNING, &useradd_large_uid::RULE, commands::useradd),
    own("DL3047", INFO, &wget_progress::RULE, commands::wget),
    own("DL3048", STYLE, &invalid_label_key::RULE, labels::keys),
    own("DL3049", INFO, &missing_label::RULE, labels::missing),
    own("DL3050", INFO, &unlisted_label::RULE, labels::superfluous),
    own("DL3051", WARNING, &wrong_label_value::RULE, labels::empty),
    own("DL3052", WARNING, &wrong_label_value::RULE, labels::url),
    own("DL3053", WARNING, &wrong_label_value::RULE, labels::time),
    own("DL3054", WARNING, &wrong_label_value::RULE, labels::licence),
    own("DL3055", WARNING, &wrong_label_value::RULE, labels::commit),
    own("DL3056", WARNING, &wrong_label_value::RULE, labels::version),
    own("DL3057", STYLE, &missing_healthcheck::RULE, stages::healthcheck).off(),
    own("DL3058", WARNING, &wrong_label_value::RULE, labels::address),
    own("DL3059", INFO, &consecutive_runs::RULE, commands::consecutive),
    own("DL3061", ERROR, &instruction_before_from::RULE, stages::order),
    own("DL3066", INFO, &named_user::RULE, stages::named_user),
    own("DL3067", WARNING, &whole_filesystem_copied::RULE, transfer::whole),
    own("DL4001", WARNING, &curl_and_wget::RULE, commands::curl_and_wget),
    own("DL4005", WARNING, &relinked_shell::RULE, commands::relinked),
    own("DL4006", WARNING, &missing_pipefail::RULE, commands::pipes),
];

/// Adds a finding with the fixes that our own rule has at the same instruction.
fn report(rule: &Rule, reading: &Reading<'_>, span: Span, message: &str, found: &mut Findings) {
    let path = reading.file.path.display().to_string();
    found.push(rule.at(reading.file, span, message).because("profile", "hadolint", path));
}

/// As hadolint takes quotes away: all of both kinds at both ends.
fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}
