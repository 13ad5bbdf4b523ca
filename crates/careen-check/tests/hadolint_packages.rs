//! hadolint's findings about package managers in real Dockerfiles, and those of its profile.
//!
//! The findings are read from `CAREEN_DATA` when the folder is there; they are not part of this
//! project. Files that hadolint could not read (DL1000) are left out.

#![expect(clippy::print_stderr, reason = "a test says what it ran")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use careen_check::{Facts, Lint, ParsedDockerfile, Profile, lint};
use careen_model::Place;
use careen_syntax::dockerfile::parse;
use serde_json::Value;

/// The rules about package managers.
const RULES: [&str; 23] = [
    "DL3008", "DL3009", "DL3013", "DL3014", "DL3015", "DL3016", "DL3018", "DL3019", "DL3027",
    "DL3028", "DL3030", "DL3032", "DL3033", "DL3034", "DL3035", "DL3036", "DL3037", "DL3038",
    "DL3040", "DL3041", "DL3042", "DL3060", "DL3062",
];

type Found = BTreeSet<(String, usize)>;

#[test]
fn packages_in_real_files() {
    let folder = data().join("dockerfile");
    let Ok(text) = std::fs::read_to_string(folder.join("hadolint_corpus_findings.json")) else {
        eprintln!("0 files ran: no data");
        return;
    };
    let theirs: Vec<Value> = serde_json::from_str(&text).expect("a list of findings");
    let file = |finding: &Value| finding["file"].as_str().unwrap_or("").to_owned();
    let unread: BTreeSet<String> =
        theirs.iter().filter(|finding| finding["code"] == "DL1000").map(file).collect();
    let mut wanted: BTreeMap<&str, Found> = BTreeMap::new();
    for finding in theirs.iter().filter(|finding| !unread.contains(&file(finding))) {
        let line = finding["line"].as_u64().and_then(|line| usize::try_from(line).ok());
        let code = RULES.iter().find(|code| finding["code"] == **code);
        let (Some(line), Some(code)) = (line, code) else { continue };
        wanted.entry(code).or_default().insert((file(finding), line));
    }
    let mut ours: BTreeMap<&str, Found> = BTreeMap::new();
    let mut files = Vec::new();
    collect(&folder.join("corpus"), &mut files);
    for path in &files {
        let name = path.strip_prefix(folder.join("corpus")).expect("it lies there");
        let name = name.display().to_string();
        if unread.contains(&name) {
            continue;
        }
        for (rule, line) in judge(&std::fs::read(path).expect("a file of the corpus")) {
            let Some(code) = RULES.iter().find(|code| **code == rule) else { continue };
            ours.entry(code).or_default().insert((name.clone(), line));
        }
    }
    let mut bad = Vec::new();
    for code in RULES {
        let empty = Found::new();
        let (theirs, ours) = (wanted.get(code).unwrap_or(&empty), ours.get(code).unwrap_or(&empty));
        let missed: Vec<_> = theirs.difference(ours).collect();
        let added: Vec<_> = ours.difference(theirs).collect();
        eprintln!("{code} {:>4} missed {:>2} added {:>2}", theirs.len(), missed.len(), added.len());
        for (file, line) in &missed {
            eprintln!("    missed {file}:{line}");
        }
        for (file, line) in &added {
            eprintln!("    added  {file}:{line}");
        }
        // One in a hundred, and always one: what a shell means is a matter of taste at times.
        if missed.len() + added.len() > 1.max(theirs.len() / 100) {
            bad.push(code);
        }
    }
    assert!(bad.is_empty(), "more than one in a hundred differ: {bad:?}");
}

fn judge(source: &[u8]) -> Vec<(&'static str, usize)> {
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) });
    let asked = Lint { profile: Profile::Hadolint, ..Lint::default() };
    let line = |start: u32| source[..start as usize].split(|byte| *byte == b'\n').count();
    let findings = lint(&facts, &asked).findings.into_iter();
    let placed = findings.filter_map(|finding| match finding.place {
        Place::File { span, .. } => Some((finding.rule, line(span.start))),
        _ => None,
    });
    placed.collect()
}

fn data() -> PathBuf {
    std::env::var_os("CAREEN_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    )
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
