//! Packages of the distribution come in whatever version the mirror has that day.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::{Manager, Package, PackageCommand};

use crate::steps::Reading;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "unpinned-system-packages",
    title: "system packages have versions",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3008", "DL3018", "DL3033", "DL3037", "DL3041"],
    page: include_str!("unpinned_system_packages.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for package in run.commands().filter_map(|command| command.package.as_ref()) {
            let Some(also) = installs(package) else { continue };
            let mut unpinned =
                package.packages.iter().filter(|one| !is_pinned(package.manager, one));
            let Some(first) = unpinned.next() else { continue };
            let n = 1 + unpinned.count();
            let message = format!(
                "{} installs {} in the version of the day",
                package.program.rsplit('/').next().unwrap_or(""),
                counted(n, "package", "packages")
            );
            let path = reading.file.path.display().to_string();
            let mut finding = rule.at(reading.file, first.span, message);
            finding = finding.because("without a version", &first.text, path);
            finding.also.push(also);
            found.push(finding);
        }
    }
}

/// hadolint's name for an install without versions.
fn installs(package: &PackageCommand) -> Option<&'static str> {
    match (package.manager, package.verb.as_str()) {
        (Manager::Apt, "install") => Some("DL3008"),
        (Manager::Apk, "add") => Some("DL3018"),
        (Manager::Yum, "install" | "localinstall" | "module install") => Some("DL3033"),
        (Manager::Zypper, "install" | "in") => Some("DL3037"),
        (Manager::Dnf, "install" | "in" | "localinstall" | "module install") => Some("DL3041"),
        _ => None,
    }
}

/// What a variable holds nobody knows, so it is not told; a file has the version it has.
fn is_pinned(manager: Manager, package: &Package) -> bool {
    let text = package.text.as_str();
    let is_file = text.contains("://")
        || text.starts_with(['/', '.'])
        || [".deb", ".rpm", ".apk"].iter().any(|end| text.ends_with(end));
    let is_virtual = manager == Manager::Apk && text.starts_with('.');
    if package.dynamic || is_file || is_virtual {
        return true;
    }
    match manager {
        // A trailing dash removes, a caret names a task, `name/release` follows its release.
        Manager::Apt => text.contains('=') || text.ends_with(['-', '^']),
        Manager::Apk => text.contains(['=', '~']) || text.starts_with('!'),
        Manager::Zypper => text.contains('='),
        Manager::Yum | Manager::Dnf => {
            text.starts_with('@') || text.contains(':') || has_version(text)
        }
        _ => true,
    }
}

/// `name-1.2-3`: after some dash comes a digit and then no more than a version may have.
fn has_version(text: &str) -> bool {
    let mut parts = text.split('-').skip(1);
    parts.any(|part| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.'))
}
