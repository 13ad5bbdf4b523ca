//! Packages of a language come in whatever version is the newest that day.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::{Manager, Package, PackageCommand};

use crate::steps::Reading;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "unpinned-packages",
    title: "packages of languages have versions",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3013", "DL3016", "DL3028", "DL3062"],
    page: include_str!("unpinned_packages.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for package in run.commands().filter_map(|command| command.package.as_ref()) {
            let Some(kind) = kind(package) else { continue };
            let mut unpinned = kind.packages.iter().filter(|one| !is_pinned(package.manager, one));
            let Some(first) = unpinned.next() else { continue };
            let n = 1 + unpinned.count();
            let message = format!(
                "{} installs {} in the newest version of the day",
                package.manager.as_str(),
                counted(n, "package", "packages")
            );
            let path = reading.file.path.display().to_string();
            let mut finding = rule.at(reading.file, first.span, message);
            finding = finding.because("without an exact version", &first.text, path);
            finding.also.extend(kind.also);
            found.push(finding);
        }
    }
}

struct Kind<'a> {
    packages: &'a [Package],
    /// hadolint's name for it.
    also: Option<&'static str>,
}

/// An install of named packages that no lock file and no constraint decides about.
fn kind(package: &PackageCommand) -> Option<Kind<'_>> {
    let all = package.packages.as_slice();
    let decided = |options: &[&str]| package.option(options).is_some();
    let of = |packages, also| Some(Kind { packages, also });
    match (package.manager, package.verb.as_str()) {
        (Manager::Pip, "install") if !decided(CONSTRAINTS) => of(all, Some("DL3013")),
        (Manager::Uv, "pip install" | "tool install") if !decided(CONSTRAINTS) => of(all, None),
        (Manager::Npm, "install" | "i" | "add") => of(all, Some("DL3016")),
        (Manager::Yarn, "add" | "global add")
        | (Manager::Pnpm, "add")
        | (Manager::Composer, "require" | "global require") => of(all, None),
        (Manager::Gem, "install" | "i") if !decided(&["-v", "--version"]) => {
            of(all, Some("DL3028"))
        }
        (Manager::Go, "install" | "get") => of(all, Some("DL3062")),
        (Manager::Go, "run") => of(all.get(..1)?, Some("DL3062")),
        (Manager::Cargo, "install")
            if !decided(&["--version", "--vers", "--path", "--rev", "--tag"]) =>
        {
            of(all, None)
        }
        _ => None,
    }
}

const CONSTRAINTS: &[&str] = &["-c", "--constraint", "--constraints", "--require-hashes"];

fn is_pinned(manager: Manager, package: &Package) -> bool {
    let text = package.text.as_str();
    let is_controlled = text.contains("git+") || text.starts_with("git://");
    if package.dynamic || text.is_empty() {
        return true;
    }
    if is_controlled {
        // Behind the host: a revision.
        let path = text.rsplit("://").next().unwrap_or(text);
        return path.contains('#') && manager == Manager::Npm
            || path.rsplit('/').next().is_some_and(|last| last.contains('@'));
    }
    if text.contains("://") || text.starts_with(['.', '/', '~']) {
        return true;
    }
    let is_file = |ends: &[&str]| ends.iter().any(|end| text.ends_with(end));
    match manager {
        Manager::Pip | Manager::Uv => {
            text.contains("==")
                || text.contains(" @ ")
                || text.contains('/')
                || is_file(&[".whl", ".tar.gz", ".zip"])
                || (manager == Manager::Uv && is_exact(text, '@'))
        }
        Manager::Npm | Manager::Yarn | Manager::Pnpm => {
            is_file(&[".tgz", ".tar.gz"]) || is_exact(text, '@')
        }
        Manager::Go => is_file(&[".go"]) || is_exact(text, '@'),
        Manager::Cargo => is_exact(text, '@'),
        Manager::Gem => is_file(&[".gem"]) || is_exact(text, ':'),
        Manager::Composer => is_exact(text, ':'),
        _ => true,
    }
}

/// Something stands behind the mark that is a version and not the name of the newest.
fn is_exact(text: &str, mark: char) -> bool {
    // The scope of a Node package begins with the same character.
    let rest = text.strip_prefix(mark).unwrap_or(text);
    let Some((_, version)) = rest.rsplit_once(mark) else { return false };
    !matches!(version, "latest" | "next" | "none" | "upgrade" | "master" | "main" | "")
}
