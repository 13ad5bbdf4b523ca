//! `cargo xtask compare-lint`: what careen's profiles say of real Dockerfiles beside what hadolint
//! and BuildKit said of them, rule by rule.
//!
//! The files and what was said of them are read from `CAREEN_DATA`; they are not part of this
//! project. A finding is the same when file, rule and line are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use careen_check::{Facts, Lint, ParsedDockerfile, Profile, lint};
use careen_model::Place;
use careen_syntax::dockerfile::parse;
use serde_json::Value;

use crate::cli::Arguments;
use crate::failure::Failure;

const USAGE: &str = "cargo xtask compare-lint [hadolint|buildkit] [--show RULE]";

/// A rule and a line of a file.
type Said = BTreeSet<(String, String, u64)>;

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &[], &["--show"], USAGE)?;
    let peers = [
        ("hadolint", Profile::Hadolint, "hadolint_corpus_findings.json"),
        ("buildkit", Profile::BuildKit, "buildkit_corpus_warnings.json"),
    ];
    let word = arguments.words.first();
    let is_known = word.is_none_or(|word| peers.iter().any(|(name, ..)| name == word));
    if !is_known {
        let problem = "there is no such linter to compare with".to_owned();
        return Err(Failure::Usage { problem, usage: USAGE });
    }
    let folder = data()?;
    for (name, profile, file) in peers {
        if word.is_some_and(|word| word != name) {
            continue;
        }
        let theirs = read(&folder.join(file))?;
        let seen = seen(&folder.join("corpus"), profile)?;
        // Of a file that hadolint cannot read it says that and nothing else.
        let unread: BTreeSet<&str> = theirs
            .iter()
            .filter(|(_, rule, _)| rule == "DL1000")
            .map(|(file, ..)| &**file)
            .collect();
        let table = table(&theirs, &seen, &unread, profile);
        print(&format!(
            "{name}, {} files of which it could not read {}\n{table}",
            seen.files.len(),
            unread.len()
        ));
        if let Some(rule) = arguments.value("--show") {
            print(&differences(&theirs, &seen.said, &unread, rule));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what was asked for")]
fn print(text: &str) {
    println!("{text}");
}

fn data() -> Result<PathBuf, Failure> {
    let given = env::var_os("CAREEN_DATA").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = given.unwrap_or(usual).join("dockerfile");
    if !folder.join("corpus").is_dir() {
        return Err(Failure::Missing {
            what: "the folder of real Dockerfiles",
            hint: "set CAREEN_DATA to where it is",
        });
    }
    Ok(folder)
}

/// Either form: a list of findings, or files with warnings.
fn read(path: &Path) -> Result<Said, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    let command = path.display().to_string();
    let document: Value =
        serde_json::from_str(&text).map_err(|source| Failure::NotJson { command, source })?;
    let mut said = Said::new();
    let mut add = |file: &Value, rule: &Value, line: &Value| {
        let (Some(file), Some(rule)) = (file.as_str(), rule.as_str()) else { return };
        said.insert((file.to_owned(), rule.to_owned(), line.as_u64().unwrap_or(0)));
    };
    for finding in document.as_array().into_iter().flatten() {
        add(&finding["file"], &finding["code"], &finding["line"]);
    }
    for file in document["files"].as_array().into_iter().flatten() {
        for warning in file["warnings"].as_array().into_iter().flatten() {
            add(&file["file"], &warning["rule"], &warning["line"]);
        }
    }
    Ok(said)
}

/// What careen says, and of which files.
struct Seen {
    files: BTreeSet<String>,
    said: Said,
}

fn seen(corpus: &Path, profile: Profile) -> Result<Seen, Failure> {
    let mut seen = Seen { files: BTreeSet::new(), said: Said::new() };
    let mut folders = vec![corpus.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| Failure::File { action: "read", path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read(&path).map_err(|source| Failure::File {
                action: "read",
                path: path.clone(),
                source,
            })?;
            let name = path.strip_prefix(corpus).unwrap_or(&path).display().to_string();
            for (rule, line) in findings(&source, profile) {
                seen.said.insert((name.clone(), rule, line));
            }
            seen.files.insert(name);
        }
    }
    Ok(seen)
}

fn findings(source: &[u8], profile: Profile) -> Vec<(String, u64)> {
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) });
    let asked = Lint { profile, ..Lint::default() };
    let found = lint(&facts, &asked).findings.into_iter().map(|finding| {
        let start = match finding.place {
            Place::File { span, .. } => span.start as usize,
            _ => 0,
        };
        let line = 1 + source[..start.min(source.len())].iter().filter(|b| **b == b'\n').count();
        (finding.rule.to_owned(), line as u64)
    });
    found.collect()
}

fn table(theirs: &Said, seen: &Seen, unread: &BTreeSet<&str>, profile: Profile) -> String {
    let mut rows: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let is_meant = |(file, ..): &&(String, String, u64)| {
        seen.files.contains(file) && !unread.contains(file.as_str())
    };
    for said in theirs.union(&seen.said).filter(is_meant) {
        let column = match (theirs.contains(said), seen.said.contains(said)) {
            (true, true) => 0,
            (true, false) => 1,
            _ => 2,
        };
        rows.entry(&said.1).or_default()[column] += 1;
    }
    let mut text = format!(
        "{:<34}{:>6}{:>12}{:>10}{:>9}\n",
        "rule", "both", "only theirs", "only ours", "same"
    );
    let mut sum = [0; 3];
    let mut line = |name: &str, [both, theirs, ours]: [usize; 3]| {
        let all = both + theirs + ours;
        let share = both as f64 * 100.0 / all.max(1) as f64;
        writeln!(text, "{name:<34}{both:>6}{theirs:>12}{ours:>10}{share:>7.1} %")
            .expect("a String never fails");
    };
    for (name, row) in &rows {
        if profile.names().any(|known| known == *name) {
            line(name, *row);
            (0..3).for_each(|n| sum[n] += row[n]);
        }
    }
    line("all of these", sum);
    let missing = rows.keys().filter(|name| !profile.names().any(|known| known == **name));
    let missing: Vec<&str> = missing.copied().collect();
    writeln!(text, "without a row: {}", missing.join(" ")).expect("a String never fails");
    text
}

fn differences(theirs: &Said, ours: &Said, unread: &BTreeSet<&str>, rule: &str) -> String {
    let mut text = String::new();
    for said in theirs.symmetric_difference(ours) {
        let (file, name, line) = said;
        if name == rule && !unread.contains(file.as_str()) {
            let whose = if theirs.contains(said) { "theirs" } else { "ours" };
            writeln!(text, "{whose:<7}{file}:{line}").expect("a String never fails");
        }
    }
    text
}
