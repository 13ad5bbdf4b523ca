//! Held against what hadolint 2.15.1 with ShellCheck says; read from `CAREEN_DATA`.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it ran")]

use careen_shell::{Checked, check, shown_by_hadolint};
use careen_syntax::dockerfile::{self, Dockerfile, Given, Keyword, Shell};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

/// Number, part of the file's name, and why we do not say the same.
const DIFFERENCES: [(&str, &str, &str); 5] = [
    ("SC2016", "docker-stacks-foundation", "the file ignores it; who prints findings honours that"),
    ("SC2015", "onnx.jetson.6.0.0", "theirs shows SC2034 at the same loop in its place"),
    ("SC2034", "onnx.jetson.6.0.0", "see SC2015; ours has it as well, but not as the last"),
    ("SC3010", "official-templates__base", "SHELL says bash, and bash is what runs"),
    ("SC3054", "official-templates__pytorch", "SHELL says bash, and bash is what runs"),
];

/// Cases of its tests that we judge otherwise, and why.
const OTHER_CASES: [(&str, &str); 1] =
    [("Shellcheck:99", "the SHELL of an image is kept by builds that start from it")];

fn data() -> Option<PathBuf> {
    let given = std::env::var_os("CAREEN_DATA").map(PathBuf::from);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder = given.unwrap_or_else(|| root.join("../shared/data")).join("dockerfile");
    folder.join("corpus").is_dir().then_some(folder)
}

fn read_json(path: PathBuf) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn checked(file: &Dockerfile) -> Checked {
    check(file, &file.meaning(&Given::default()))
}

/// First lines of instructions that hadolint cannot judge: it reads every shell but those that
/// SHELL names as if it were sh, and no heredoc as BuildKit does.
fn not_counted(file: &Dockerfile) -> BTreeSet<u32> {
    let meaning = file.meaning(&Given::default());
    let mut lines = BTreeSet::new();
    for (item, each) in file.items.iter().enumerate() {
        let Some(instruction) = each.instruction() else { continue };
        let instruction = instruction.trigger.as_deref().unwrap_or(instruction);
        let posix = matches!(meaning.shell_at(item), Shell::Posix(_));
        if instruction.keyword == Keyword::Run && (!posix || !instruction.heredocs.is_empty()) {
            lines.insert(instruction.lines.0);
        }
    }
    lines
}

/// (file, code): lines, with the text that ours is about.
type Found = BTreeMap<(String, String), BTreeMap<u32, String>>;

#[test]
fn the_corpus_is_judged_as_hadolint_judges_it() {
    let Some(folder) = data() else {
        eprintln!("agreement: 0 files ran (no data)");
        return;
    };
    let said = read_json(folder.join("hadolint_corpus_findings.json"));
    let said = said.as_array().unwrap();
    let refused: BTreeSet<&str> = said
        .iter()
        .filter(|finding| finding["code"] == "DL1000")
        .map(|finding| finding["file"].as_str().unwrap())
        .collect();
    let files = read_json(folder.join("corpus_manifest.json"));
    let (mut ours, mut theirs) = (Found::new(), Found::new());
    let (mut count, mut unread) = (0, 0);
    for entry in files.as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let source = fs::read(folder.join("corpus").join(name)).unwrap();
        let file = dockerfile::parse(source);
        let found = checked(&file);
        count += 1;
        unread += found.unread.len();
        if refused.contains(name) {
            continue;
        }
        let skipped = not_counted(&file);
        for mistake in shown_by_hadolint(&found.mistakes) {
            let line = file.items[mistake.item].instruction().unwrap().lines.0;
            if !skipped.contains(&line) {
                let key = (name.to_owned(), mistake.code.to_string());
                let span = mistake.span.start as usize..mistake.span.end as usize;
                let text = String::from_utf8_lossy(&file.source()[span]).into_owned();
                ours.entry(key).or_default().insert(line, text);
            }
        }
        for finding in said.iter().filter(|finding| finding["file"] == name) {
            let code = finding["code"].as_str().unwrap();
            let line = u32::try_from(finding["line"].as_u64().unwrap()).unwrap();
            if code.starts_with("SC") && !skipped.contains(&line) {
                theirs
                    .entry((name.to_owned(), code.to_owned()))
                    .or_default()
                    .insert(line, String::new());
            }
        }
    }
    let (recall, precision, differences) = table(&ours, &theirs);
    eprintln!(
        "agreement: {count} files ran, {unread} bodies unread, {recall:.1} % of theirs, {precision:.1} % of ours"
    );
    assert_eq!(unread, 0);
    assert!(recall >= 97.0 && precision >= 98.0);
    for (file, code) in &differences {
        let explained = DIFFERENCES.iter().any(|row| row.0 == *code && file.contains(row.1));
        assert!(explained, "nobody has looked at {code} in {file}");
    }
    assert_eq!(differences.len(), DIFFERENCES.len(), "a difference is gone: take its row away");
}

/// Prints a row for each code; gives the shares of theirs and of ours that both say, and what
/// only one says.
#[expect(clippy::cast_precision_loss, reason = "hundreds")]
fn table(ours: &Found, theirs: &Found) -> (f64, f64, Vec<(String, String)>) {
    let mut differences = Vec::new();
    let mut rows: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for key in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let row = rows.entry(&key.1).or_default();
        if !(ours.contains_key(key) && theirs.contains_key(key)) {
            differences.push(key.clone());
        }
        match (ours.get(key), theirs.get(key)) {
            (Some(our), Some(their)) => {
                row[0] += 1;
                let same = our.keys().filter(|line| their.contains_key(line)).count();
                row[3] += same;
                row[4] += our.len() + their.len() - same;
            }
            (None, Some(lines)) => {
                row[1] += 1;
                eprintln!("only theirs: {} {} {:?}", key.1, key.0, lines.keys());
            }
            (Some(lines), None) => {
                row[2] += 1;
                eprintln!("only ours: {} {} {lines:?}", key.1, key.0);
            }
            (None, None) => {}
        }
    }
    eprintln!("code    both theirs ours | lines both of all (files where both say it)");
    let mut sums = [0; 5];
    for (code, row) in &rows {
        eprintln!("{code:7} {:4} {:6} {:4} | {:4} of {:4}", row[0], row[1], row[2], row[3], row[4]);
        for (sum, cell) in sums.iter_mut().zip(row) {
            *sum += cell;
        }
    }
    let [both, only_theirs, only_ours, ..] = sums.map(|sum| sum as f64);
    eprintln!("all     {:4} {:6} {:4} | {:4} of {:4}", sums[0], sums[1], sums[2], sums[3], sums[4]);
    (100.0 * both / (both + only_theirs), 100.0 * both / (both + only_ours), differences)
}

#[test]
fn its_own_cases_are_judged_as_hadolint_judges_them() {
    let Some(folder) = data() else {
        eprintln!("cases: 0 ran (no data)");
        return;
    };
    let cases = read_json(folder.join("hadolint/cases.json"));
    let (mut count, mut wrong) = (0, Vec::new());
    for case in cases["cases"].as_array().unwrap() {
        if case["rule"] != "SC*" {
            continue;
        }
        count += 1;
        let text = case["dockerfile"].as_str().unwrap();
        // hadolint takes instructions before any FROM for a stage.
        let has_from = text.starts_with("FROM") || text.contains("\nFROM");
        let text = if has_from { text.to_owned() } else { format!("FROM x\n{text}") };
        let found = checked(&dockerfile::parse(text));
        if found.mistakes.is_empty() == case["should_fire"].as_bool().unwrap() {
            wrong.push(case["id"].as_str().unwrap().to_owned());
        }
    }
    eprintln!("cases: {count} ran, {} judged otherwise", wrong.len());
    assert_eq!(wrong, OTHER_CASES.map(|(id, _)| id));
}
