//! What a system package manager downloaded stays in a layer of the image.

use careen_model::{Category, Edit, Finding, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Join, Manager, PackageCommand};

use crate::calls::Command;
use crate::rules::packages::apt;
use crate::steps::{Reading, Run, edits, insert, text};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "package-cache-left",
    title: "no package cache in a layer",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3019", "DL3032", "DL3036", "DL3040"],
    page: include_str!("package_cache_left.md"),
    check: Check::Dockerfile(check),
};

/// How a manager is cleaned up after.
struct Leaves {
    manager: Manager,
    installs: &'static [&'static str],
    /// Its verbs that empty the cache.
    cleans: &'static [&'static str],
    /// Folders that hold the cache; a mount at one of them keeps it out of the layer.
    folders: &'static [&'static str],
    /// Arguments of its own that empty the cache.
    remedy: &'static str,
    /// hadolint's name for it.
    also: Option<&'static str>,
}

const RPM_INSTALLS: &[&str] = &[
    "install",
    "in",
    "reinstall",
    "localinstall",
    "groupinstall",
    "group install",
    "module install",
    "upgrade",
    "update",
    "upgrade-minimal",
];

/// The newest first: dnf has moved its cache twice.
const DNF_FOLDERS: &[&str] = &["/var/cache/libdnf5", "/var/cache/dnf", "/var/cache/yum"];

const YUM_FOLDERS: &[&str] = &["/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5"];

#[rustfmt::skip]
const LEAVES: &[Leaves] = &[
    Leaves {
        manager: Manager::Apk,
        installs: &["add", "update", "upgrade"],
        cleans: &["cache clean", "cache purge"],
        folders: &["/var/cache/apk", "/etc/apk/cache"],
        remedy: "",
        also: Some("DL3019"),
    },
    Leaves {
        manager: Manager::Yum,
        installs: RPM_INSTALLS,
        cleans: &["clean"],
        folders: YUM_FOLDERS,
        remedy: "clean all",
        also: Some("DL3032"),
    },
    Leaves {
        manager: Manager::Zypper,
        installs: &["install", "in", "update", "up", "dist-upgrade", "dup", "patch"],
        cleans: &["clean", "cc"],
        folders: &["/var/cache/zypp"],
        remedy: "clean --all",
        also: Some("DL3036"),
    },
    Leaves {
        manager: Manager::Dnf,
        installs: RPM_INSTALLS,
        cleans: &["clean"],
        folders: DNF_FOLDERS,
        remedy: "clean all",
        also: Some("DL3040"),
    },
    Leaves {
        manager: Manager::Conda,
        installs: &["install", "create", "update", "env create", "env update"],
        cleans: &["clean"],
        folders: &["/opt/conda/pkgs", "/root/micromamba/pkgs", "/root/.conda/pkgs"],
        remedy: "clean --all --yes",
        also: None,
    },
];

/// Options of a command that then leaves nothing.
const NOTHING_KEPT: &[&str] = &["--no-cache", "--no-cache-dir", "--no-network"];

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in reading.runs.iter().filter(|run| reading.is_shipped(run.stage)) {
        for leaves in LEAVES {
            let Some((n, package)) = last_install(run, leaves) else { continue };
            let mut folders = leaves.folders.iter();
            if is_cleaned(run, n, leaves) || folders.any(|one| run.hides(one, &reading.meaning)) {
                continue;
            }
            let name = package.program.rsplit('/').next().unwrap_or("");
            let message = format!("what {name} downloads stays in the layer");
            let finding = rule.at(reading.file, package.program_span, message).because(
                "cache",
                format!("neither emptied nor mounted at {}", leaves.folders[0]),
                reading.file.path.display().to_string(),
            );
            let mut finding = with_fix(finding, reading.file, run, leaves, n, package);
            finding.also.extend(leaves.also);
            found.push(finding);
        }
    }
}

/// The last command that leaves something, and its place among the commands.
fn last_install<'r>(run: &'r Run<'_>, leaves: &Leaves) -> Option<(usize, &'r PackageCommand)> {
    let commands = run.script.commands.iter().enumerate().rev();
    let mut installs = commands.filter_map(|(n, command)| {
        let package = command.package.as_ref()?;
        let is_install = package.manager == leaves.manager
            && leaves.installs.contains(&package.verb.as_str())
            && package.option(NOTHING_KEPT).is_none()
            && package.option(&["--installroot", "--root", "-p"]).is_none();
        is_install.then_some((n, package))
    });
    installs.next()
}

/// Something after the install, or in the same loop or group, empties the cache.
fn is_cleaned(run: &Run<'_>, install: usize, leaves: &Leaves) -> bool {
    let cleans = |command: &Command| {
        let package = command.package.as_ref();
        let asks_for_it = package.is_some_and(|package| {
            // dnf, yum and microdnf share their folders.
            let is_rpm = |manager| matches!(manager, Manager::Dnf | Manager::Yum);
            let is_own = package.manager == leaves.manager
                || (is_rpm(package.manager) && is_rpm(leaves.manager));
            is_own && leaves.cleans.contains(&package.verb.as_str())
        });
        asks_for_it || empties(command, leaves)
    };
    run.script.commands.iter().skip(install).any(cleans)
}

/// `rm`, `find … -delete` or a script of the project that names the folder.
fn empties(command: &Command, leaves: &Leaves) -> bool {
    let removes = matches!(command.program(), "rm" | "find");
    let is_cache = |path: &str| {
        let path = path.trim_end_matches('*').trim_end_matches('/');
        let is_one = |folder: &&str| path.starts_with(*folder) || folder.starts_with(path);
        path.starts_with("/var/cache") && leaves.folders.iter().any(is_one)
            || leaves.manager == Manager::Conda && path.ends_with("pkgs")
    };
    removes && command.arguments().iter().any(|word| is_cache(&word.text))
}

fn with_fix(
    finding: Finding,
    file: &ParsedDockerfile,
    run: &Run<'_>,
    leaves: &Leaves,
    n: usize,
    package: &PackageCommand,
) -> Finding {
    let fix = match leaves.manager {
        Manager::Apk => without_cache(file, run),
        _ => clean_after(file, run, n, &format!("{} {}", package.program, leaves.remedy)),
    };
    let by_hand = || match leaves.manager {
        Manager::Apk => Fix::by_hand("Add `--no-cache`"),
        _ => Fix::by_hand(format!("Run `{} {}` in the same step", package.program, leaves.remedy)),
    };
    finding.fix(fix.unwrap_or_else(by_hand))
}

/// `--no-cache` at every install; an update before it becomes pointless.
fn without_cache(file: &ParsedDockerfile, run: &Run<'_>) -> Option<Fix> {
    if !run.takes_words(file) {
        return None;
    }
    let mut fix = Fix::by_hand("Let apk keep nothing");
    let mut changes = Vec::new();
    for (n, command) in run.script.commands.iter().enumerate() {
        let package = command.package.as_ref();
        let Some(package) = package.filter(|package| package.manager == Manager::Apk) else {
            continue;
        };
        match package.verb.as_str() {
            "update" => {
                let cut = run
                    .cut(file, n)
                    .filter(|_| run.is_editable_anywhere(file) && changes.is_empty())?;
                fix = fix.removes(&apt::words_of(file, cut));
                changes.push(Edit::replace(cut, ""));
            }
            "add" | "upgrade" if package.option(NOTHING_KEPT).is_none() => {
                fix = fix.adds("--no-cache");
                changes.push(insert(package.verb_span.end, " --no-cache"));
            }
            _ => {}
        }
    }
    fix.safety = careen_model::Safety::Safe;
    fix.steps = vec![edits(file, changes)];
    Some(fix)
}

/// The cleaning command right after the install, on a line of its own where the step has several.
fn clean_after(file: &ParsedDockerfile, run: &Run<'_>, n: usize, remedy: &str) -> Option<Fix> {
    let command = run.script.commands.get(n)?;
    let starts_plainly = command.start()?.0 == 0;
    let is_next = matches!(command.join, Join::And | Join::Sequence | Join::End);
    if !(run.is_editable_anywhere(file) && starts_plainly && is_next) {
        return None;
    }
    let line_end = file.file.line_end();
    let fix = Fix::safe("Empty the cache in the same step", edits(file, vec![]));
    let (added, fix) = if run.heredoc_of(command.span).is_some() {
        if command.join == Join::And {
            (format!(" && {remedy}"), fix.adds("&&"))
        } else {
            (format!("{line_end}{}{remedy}", indent(file, command.span.start)), fix)
        }
    } else if text(file, run.instruction.code).contains('\n') {
        (format!(" {}{line_end} && {remedy}", file.file.escape), fix.adds("&&"))
    } else {
        (format!(" && {remedy}"), fix.adds("&&"))
    };
    let mut fix = fix.adds(remedy);
    fix.steps = vec![edits(file, vec![insert(command.span.end, added)])];
    Some(fix)
}

/// The white space before a place on its line.
fn indent(file: &ParsedDockerfile, at: u32) -> &str {
    let source = file.file.text().unwrap_or("");
    let line = source[..at as usize].rsplit('\n').next().unwrap_or("");
    &line[..line.len() - line.trim_start().len()]
}
