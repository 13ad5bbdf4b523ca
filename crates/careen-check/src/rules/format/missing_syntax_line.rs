//! The file uses what the engine's own frontend may not know, and names no frontend that does.

use careen_model::{Category, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::Instruction;

use crate::buildkit::change;
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "missing-syntax-line",
    title: "the frontend knows what the file uses",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("missing_syntax_line.md"),
    check: Check::Dockerfile(check),
};

/// Something that came with a version of the frontend.
struct Feature {
    name: &'static str,
    since: (u32, u32),
    used: fn(&Instruction) -> Option<Span>,
}

/// Versions as the reference of Dockerfiles has them (`frontend/dockerfile/docs/reference.md` of
/// BuildKit, column "minimum Dockerfile version"), and for what became stable later than it came,
/// the release notes of the frontend: heredocs 1.4.0, git sources of ADD and `--start-interval` 1.6.0,
/// `--exclude` 1.19.0, `--parents` and `--security` 1.20.0.
///
/// Seen: 20.10.24 refuses each of them; 28.5.2 takes all but `--parents` and `--security`.
#[rustfmt::skip]
const FEATURES: &[Feature] = &[
    Feature { name: "--exclude", since: (1, 19), used: |i| flag(i, "exclude") },
    Feature { name: "--parents", since: (1, 20), used: |i| flag(i, "parents") },
    Feature { name: "--security", since: (1, 20), used: |i| flag(i, "security") },
    Feature { name: "--unpack", since: (1, 17), used: |i| flag(i, "unpack") },
    Feature { name: "--checksum", since: (1, 6), used: |i| flag(i, "checksum") },
    Feature { name: "--keep-git-dir", since: (1, 6), used: |i| flag(i, "keep-git-dir") },
    Feature { name: "--start-interval", since: (1, 6), used: |i| flag(i, "start-interval") },
    Feature { name: "--link", since: (1, 4), used: |i| flag(i, "link") },
    Feature { name: "a heredoc", since: (1, 4), used: heredoc },
    Feature { name: "--network", since: (1, 3), used: |i| flag(i, "network") },
];

/// The first engine whose own frontend is at least as new.
///
/// BuildKit by engine, from the engine's release notes: 23.0.0 has 0.10.6, 28.3.0 has 0.23.1, 28.4.0
/// has 0.24.0, 29.0.0 has 0.25.2, 29.1.0 has 0.26.1. The frontend in each is the one released with it.
#[rustfmt::skip]
const ENGINES: &[((u32, u32), &str)] = &[
    ((1, 2), "20.10"),
    ((1, 4), "23.0"),
    ((1, 5), "24.0"),
    ((1, 6), "25.0"),
    ((1, 17), "28.3"),
    ((1, 19), "28.5"),
    ((1, 20), "29.1"),
];

const NEWEST: &str = "docker/dockerfile:1";

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    let name = file.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    // Other builders read files of this name, and they fetch no frontend.
    if name.contains("Containerfile") {
        return;
    }
    let named = file.file.syntax();
    let known = match named {
        Some(_) => match frontend(file) {
            Some(version) => version,
            // Another frontend, or one of the labs: what it knows is not known here.
            None => return,
        },
        None => (1, 2),
    };
    let used = |step: &Placed<'_>| {
        let feature = FEATURES.iter().find_map(|feature| {
            let span = (feature.used)(step.instruction)?;
            (feature.since > known).then_some((feature, span))
        });
        feature.filter(|_| step.stage.is_some())
    };
    // One line mends all of them.
    let all = reading.steps.iter().filter_map(used);
    let Some((feature, span)) =
        all.max_by_key(|(feature, span)| (feature.since, u32::MAX - span.start))
    else {
        return;
    };
    let (name, (major, minor)) = (feature.name, feature.since);
    let message = match &named {
        Some(_) => format!(
            "{name} came with Dockerfile {major}.{minor}, and the syntax line asks for {}.{}",
            known.0, known.1
        ),
        None => format!(
            "engines before Docker {} refuse {name}: no syntax line brings Dockerfile {major}.{minor}",
            engine(feature.since)
        ),
    };
    let edits = vec![file.file.set_directive("syntax", NEWEST)];
    let fix = change(file, Fix::risky, format!("Ask for `{NEWEST}`"), edits);
    let value = named.as_ref().map_or("none", |named| named.value.as_str());
    let mut finding = rule.at(file, span, message);
    finding = finding.because("syntax line", value, file.path.display().to_string());
    if named.is_some() {
        finding.severity = Severity::Error;
    }
    found.push(finding.maybe_fix(fix));
}

fn flag(instruction: &Instruction, name: &str) -> Option<Span> {
    instruction.flag(name).map(|flag| flag.span)
}

fn heredoc(instruction: &Instruction) -> Option<Span> {
    instruction.heredocs.first().map(|_| instruction.code)
}

fn engine(since: (u32, u32)) -> &'static str {
    let first = ENGINES.iter().find(|(version, _)| *version >= since);
    first.map_or("29.1", |(_, engine)| engine)
}

/// The version of the official frontend that the file asks for; `1` is the newest.
pub(in crate::rules) fn frontend(file: &ParsedDockerfile) -> Option<(u32, u32)> {
    let named = file.file.syntax()?.value;
    let name = named.split('@').next()?;
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let version = name.strip_prefix("docker/dockerfile:")?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let major = parts.next()??;
    match parts.next() {
        None => Some((major, if named.contains('@') { return None } else { u32::MAX })),
        Some(minor) => Some((major, minor?)),
    }
}
