//! ADD takes files that COPY takes as well, without its surprises.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Keyword, Word};

use super::archives::{is_archive, is_remote};
use crate::steps::{Reading, edits};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "add-for-local-files",
    title: "local files are copied, not added",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3020"],
    page: include_str!("add_for_local_files.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Add) {
        let Some(transfer) = step.instruction.transfer() else { continue };
        let is_more =
            transfer.checksum.is_some() || transfer.keep_git_dir || transfer.unpack.is_some();
        let needs_add = |word: &&Word| {
            is_remote(&word.text) || is_archive(&word.text) || word.text.contains('$')
        };
        if is_more || transfer.sources.is_empty() || transfer.sources.iter().any(needs_add) {
            continue;
        }
        let written = &step.instruction.name;
        let is_lower = written.text.bytes().all(|byte| byte.is_ascii_lowercase());
        let wanted = if is_lower { "copy" } else { "COPY" };
        let sources: Vec<&str> = transfer.sources.iter().map(|word| word.text.as_str()).collect();
        let step = edits(reading.file, vec![Edit::replace(written.span, wanted)]);
        // ADD looks into a file, not at its name: one without a telling name may be an archive.
        let fix = if sources.iter().all(|source| is_plain(source)) {
            Fix::safe(format!("Write {wanted}"), step)
        } else {
            Fix::risky(format!("Write {wanted}, when it is no archive"), step)
        };
        let message = "ADD would fetch addresses and unpack archives, and here it does neither";
        let finding = rule.at(reading.file, written.span, message).because(
            "sources",
            sources.join(" "),
            reading.file.path.display().to_string(),
        );
        let is_text = reading.file.file.text().is_some();
        let fix = fix.removes(&written.text).adds(wanted);
        found.push(finding.maybe_fix(is_text.then_some(fix)));
    }
}

/// A folder, or a file whose ending says that it is no archive.
fn is_plain(source: &str) -> bool {
    let source = source.trim_matches('"');
    let name = source.rsplit('/').next().unwrap_or("");
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_folder = matches!(name, "" | "." | "..");
    is_folder || PLAIN.contains(&ending.to_lowercase().as_str())
}

/// Endings of files that tar, gzip, bzip2, xz and zstd do not write.
const PLAIN: [&str; 40] = [
    "bat",
    "c",
    "cfg",
    "conf",
    "cpp",
    "crt",
    "css",
    "csv",
    "deb",
    "env",
    "exe",
    "go",
    "h",
    "html",
    "ini",
    "ipynb",
    "jar",
    "java",
    "js",
    "json",
    "lock",
    "md",
    "pem",
    "php",
    "pl",
    "properties",
    "ps1",
    "py",
    "rb",
    "repo",
    "rpm",
    "rs",
    "sh",
    "sql",
    "toml",
    "ts",
    "txt",
    "war",
    "xml",
    "yaml",
];
