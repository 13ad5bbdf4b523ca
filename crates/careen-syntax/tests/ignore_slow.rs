//! The compiled matcher against the slow one, and the slow one against the recorded answers.

#![expect(clippy::print_stdout, reason = "a test says how many cases it ran")]

mod chance;
#[path = "invariants/ignore_match.rs"]
mod invariants;
#[path = "invariants/ignore_read.rs"]
mod reading;
mod slow_ignore;

use std::path::Path;

use chance::Chance;
use serde_json::Value;
use slow_ignore::{Decision, SlowMatcher};

const PIECES: &[&str] = &[
    "a",
    "b",
    "ab",
    ".",
    "..",
    "/",
    "/",
    "/",
    "*",
    "*",
    "**",
    "**/",
    "/**",
    "?",
    "!",
    "[ab]",
    "[^a]",
    "[",
    "]",
    "^",
    "-",
    "\\",
    "\\*",
    "\\d",
    "\\b",
    "\\Q",
    "\\E",
    "\\x{61}",
    "\\141",
    "{2}",
    "{",
    "}",
    "{0,1}",
    "|",
    "$",
    "(",
    ")",
    "+",
    "a.b",
    ".b",
    "*.b",
    "**/*.b",
    "é",
    "[é-ü]",
    "_",
    " ",
    "#",
    "\u{feff}",
    "[[:alpha:]]",
    "[\\w-]",
    "\\A",
    "\\z",
];

const NAMES: &[&str] = &["a", "b", "ab", "a.b", ".b", "é", "a b", "aa", "_", "\u{feff}a", "d"];

#[test]
fn lists_by_chance_decide_alike() {
    let mut chance = Chance::new(0x1A2B_3C4D_5E6F);
    for _ in 0..1_200 {
        let patterns: Vec<String> = (0..=chance.below(4))
            .map(|_| {
                let bang = if chance.below(3) == 0 { "!" } else { "" };
                format!("{bang}{}", chance.join(PIECES, 6))
            })
            .collect();
        for _ in 0..3 {
            let parts: Vec<&str> =
                (0..=chance.below(4)).map(|_| NAMES[chance.below(NAMES.len())]).collect();
            invariants::check_decisions(&patterns, parts.join("/").as_bytes());
        }
        let untidy = chance.join(&["a", "/", "..", ".", "b", "//"], 6);
        invariants::check_match(format!("{untidy}\n{}", patterns.join("\n")).as_bytes());
    }
}

#[test]
fn files_by_chance_are_read() {
    let ends: &[&str] = &["\n", "\r\n", "\r", " ", "\t", "\u{a0}", "#", "\0"];
    let pieces: Vec<&str> = PIECES.iter().chain(ends).chain(ends).copied().collect();
    let mut chance = Chance::new(0xB0A7);
    for _ in 0..3_000 {
        let text = chance.join(&pieces, 20);
        reading::check_read(text.as_bytes());
        // Cut anywhere, so that characters are broken too.
        reading::check_read(&text.as_bytes()[chance.below(text.len() + 1)..]);
    }
}

/// Without this a mistake in the slow reading would only be seen as a difference.
#[test]
fn the_slow_matcher_gives_the_recorded_answers() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("CAREEN_DATA").map_or(default, Into::into);
    let text = std::fs::read_to_string(folder.join("dockerignore/patternmatcher.json"));
    let data: Value = text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let rows = |name: &str| data[name].as_array().cloned().unwrap_or_default();
    let quirks = rows("quirks").into_iter().map(|row| {
        let keys = ["patterns", "path", "is_match", "walk_match", "err_at"];
        Value::Array(keys.iter().map(|key| row[key].clone()).collect())
    });
    let (mut ran, mut unknown) = (0, 0);
    for row in quirks.chain(rows("fuzz")) {
        let (patterns, path) = (strings(&row[0]), row[1].as_str().unwrap().as_bytes());
        let Some(slow) = SlowMatcher::new(&patterns) else {
            assert_eq!(row[4], "new", "{row}");
            ran += 1;
            continue;
        };
        let answers = [(&row[2], slow.is_match(path)), (&row[3], slow.walk_match(path))];
        for (recorded, answer) in answers {
            let is_same = match answer {
                Decision::Ignored => recorded == true,
                Decision::Kept => recorded == false,
                Decision::Refused => row[4] == "match",
                Decision::Unknown => true,
            };
            unknown += usize::from(answer == Decision::Unknown);
            assert!(is_same, "{row}: {answer:?}");
        }
        ran += 1;
    }
    println!("{ran} recorded cases ran, {unknown} answers with a Unicode class are not known");
}
