//! Real Dockerfiles; read from `CAREEN_DATA`.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it ran")]

use careen_syntax::dockerfile;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn data() -> Option<PathBuf> {
    let given = std::env::var_os("CAREEN_DATA").map(PathBuf::from);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder = given.unwrap_or_else(|| root.join("../shared/data")).join("dockerfile");
    folder.join("corpus").is_dir().then_some(folder)
}

fn read_json(path: PathBuf) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Files that BuildKit refuses, with what it says.
fn refused(folder: &Path) -> BTreeMap<String, String> {
    let verdicts = read_json(folder.join("buildkit_corpus_warnings.json"));
    let files = verdicts["files"].as_array().unwrap().clone();
    let refused = files.iter().filter_map(|file| {
        Some((file["file"].as_str()?.to_owned(), file["parse_error"].as_str()?.to_owned()))
    });
    refused.collect()
}

#[test]
fn every_file_is_read_as_buildkit_reads_it() {
    let Some(folder) = data() else {
        eprintln!("corpus: 0 cases ran (no data)");
        return;
    };
    let refused = refused(&folder);
    let files = read_json(folder.join("corpus_manifest.json"));
    let files = files.as_array().unwrap();
    let mut wrong = Vec::new();
    for file in files {
        let name = file["file"].as_str().unwrap();
        let source = fs::read(folder.join("corpus").join(name)).unwrap();
        let parsed = dockerfile::parse(source.clone());

        let mut tiles = Vec::new();
        for item in &parsed.items {
            let span = item.span();
            assert_eq!(span.start as usize, tiles.len(), "{name}: a gap or an overlap");
            tiles.extend_from_slice(&source[span.start as usize..span.end as usize]);
        }
        assert_eq!(tiles, source, "{name}: tiles are not the source");

        let verdict = parsed.refusal().map(|problem| {
            format!("dockerfile parse error on line {}: {}", problem.line, problem.message)
        });
        if verdict.as_ref() != refused.get(name) {
            wrong.push(format!("{name}: {verdict:?}, BuildKit: {:?}", refused.get(name)));
        }
    }
    eprintln!("corpus: {} cases ran, {} refused", files.len(), refused.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
