//! Real Dockerfiles; read from `CAREEN_DATA`.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it ran")]

use careen_syntax::dockerfile::{self, Base, Dockerfile, Given, Instruction, Keyword, Meaning};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Words that BuildKit expands with the stage's variables.
fn expanded_words(instruction: &Instruction) -> Vec<String> {
    let flags = |names: &[&str]| -> Vec<String> {
        let wanted = instruction.flags.iter().filter(|flag| names.contains(&flag.name.as_str()));
        wanted.filter_map(|flag| flag.value.clone()).collect()
    };
    let mut words: Vec<String> = match instruction.keyword {
        Keyword::Run => return flags(&["mount"]),
        Keyword::Arg => {
            return instruction.declared().into_iter().filter_map(|arg| arg.default).collect();
        }
        Keyword::Env | Keyword::Label | Keyword::Add | Keyword::Copy | Keyword::Workdir => {
            flags(&["chown", "chmod", "checksum"])
        }
        Keyword::User | Keyword::Expose | Keyword::Volume | Keyword::Stopsignal => Vec::new(),
        _ => return Vec::new(),
    };
    words.extend(instruction.words.iter().map(|word| word.text.clone()));
    words
}

/// Names that ARG declares in a stage and in those it is based on, before an item.
fn is_declared(meaning: &Meaning<'_>, stage: usize, before: usize, name: &str) -> bool {
    let own = meaning.commands(stage).into_iter().filter(|(item, _)| *item < before);
    let declares =
        |instruction: &Instruction| instruction.declared().iter().any(|a| a.name == name);
    if own.into_iter().any(|(_, instruction)| declares(instruction)) {
        return true;
    }
    match meaning.stages[stage].base {
        Base::Stage(base) => is_declared(meaning, base, usize::MAX, name),
        _ => false,
    }
}

fn undefined(file: &Dockerfile) -> BTreeSet<(u64, String)> {
    let meaning = file.meaning(&Given::default());
    let mut found = BTreeSet::new();
    for stage in 0..meaning.stages.len() {
        for (item, instruction) in meaning.commands(stage) {
            for word in expanded_words(instruction) {
                for name in meaning.expand(item, &word).unmatched {
                    // BuildKit gives every image a PATH.
                    if name != "PATH" && !is_declared(&meaning, stage, item, &name) {
                        found.insert((u64::from(instruction.lines.0), name));
                    }
                }
            }
        }
    }
    found
}

#[test]
fn variables_are_undefined_where_buildkit_says_so() {
    let Some(folder) = data() else {
        eprintln!("undefined variables: 0 cases ran (no data)");
        return;
    };
    let verdicts = read_json(folder.join("buildkit_corpus_warnings.json"));
    let (mut files, mut variables) = (0, 0);
    for file in verdicts["files"].as_array().unwrap() {
        let warnings = file["warnings"].as_array().unwrap();
        // BuildKit stops at a base image that it cannot name.
        let stopped = warnings.iter().any(|w| w["rule"] == "InvalidDefaultArgInFrom");
        let path = folder.join("corpus").join(file["file"].as_str().unwrap());
        let source = if stopped { None } else { fs::read(path).ok() };
        let Some(source) = source else { continue };
        let expected: BTreeSet<(u64, String)> = warnings
            .iter()
            .filter(|warning| warning["rule"] == "UndefinedVar")
            .map(|warning| {
                let message = warning["message"].as_str().unwrap();
                let name = message.split("'$").nth(1).unwrap().split('\'').next().unwrap();
                (warning["line"].as_u64().unwrap(), name.to_owned())
            })
            .collect();
        assert_eq!(undefined(&dockerfile::parse(source)), expected, "{}", file["file"]);
        files += 1;
        variables += expected.len();
    }
    eprintln!("undefined variables: {files} cases ran, {variables} variables");
}
