//! The architecture, tested: ARCHITECTURE.md is the specification and this file reads it.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the tree should stop")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The crate table of ARCHITECTURE.md: name → crates it may use.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = read("ARCHITECTURE.md");
    let rows = text.lines().filter(|line| line.starts_with("| `careen"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let own: Vec<String> = names(cells[1]);
        (own[0].clone(), names(cells[2]))
    })
    .collect()
}

#[test]
fn every_crate_is_in_the_table_and_uses_only_what_it_may() {
    let table = table();
    let mut seen = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let may_use =
            table.get(&name).unwrap_or_else(|| panic!("ARCHITECTURE.md does not list `{name}`"));
        let manifest = read(format!("crates/{name}/Cargo.toml"));
        let deps =
            manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        for dep in deps.lines().filter(|line| line.starts_with("careen-")) {
            let dep: String =
                dep.chars().take_while(|&c| c.is_ascii_alphabetic() || c == '-').collect();
            assert!(may_use.contains(&dep), "`{name}` may not use `{dep}` (see ARCHITECTURE.md)");
        }
        seen.push(name);
    }
    for listed in table.keys() {
        assert!(seen.contains(listed), "ARCHITECTURE.md lists `{listed}`, which does not exist");
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let folders = ["crates", "xtask", "fuzz/fuzz_targets"];
    let files: Vec<PathBuf> = folders.iter().flat_map(|name| sources(&root().join(name))).collect();
    assert!(files.len() > 300, "only {} files were looked at", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{}: no module doc", path.display());
        assert!(
            text.lines().count() <= LONGEST_FILE,
            "{}: over {LONGEST_FILE} lines",
            path.display()
        );
    }
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}
