//! BuildKit's own parser, heredoc, word and expansion cases; read from `CAREEN_DATA`.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it ran")]

use careen_syntax::dockerfile::{
    self, Dockerfile, Platform, Typed,
    expand::{List, expand},
};
use serde_json::Value;
use std::{fs, path::PathBuf};

fn data() -> Option<PathBuf> {
    let given = std::env::var_os("CAREEN_DATA").map(PathBuf::from);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder = given.unwrap_or_else(|| root.join("../shared/data")).join("dockerfile/buildkit");
    folder.is_dir().then_some(folder)
}

fn manifest() -> Option<(PathBuf, Value)> {
    let folder = data()?;
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap();
    Some((folder, serde_json::from_str(&text).unwrap()))
}

/// Runs `case` for each entry of the list `key`, reports all failures together.
fn for_each(key: &str, case: impl Fn(&PathBuf, &Value) -> Result<(), String>) {
    let Some((folder, manifest)) = manifest() else {
        eprintln!("{key}: 0 cases ran (no data)");
        return;
    };
    let cases = manifest[key].as_array().unwrap();
    let failures: Vec<String> =
        cases.iter().filter_map(|entry| case(&folder, entry).err()).collect();
    eprintln!("{key}: {} cases ran", cases.len());
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn same<T: PartialEq + std::fmt::Debug>(
    of: &dyn std::fmt::Debug,
    got: &T,
    want: &T,
) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{of:?}\n   got: {got:?}\n  want: {want:?}")) }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    match value.as_array() {
        Some(list) => list.iter().map(|entry| text(entry).to_owned()).collect(),
        None => Vec::new(),
    }
}

fn tiles(file: &Dockerfile) -> Vec<u8> {
    let mut out = Vec::new();
    let mut end = 0;
    for item in &file.items {
        let span = item.span();
        assert_eq!(span.start, end, "a gap or an overlap before {item:?}");
        out.extend_from_slice(&file.source()[span.start as usize..span.end as usize]);
        end = span.end;
    }
    out
}

#[test]
fn accepted_files_print_the_same_tree() {
    for_each("positive", |folder, case| {
        let source = fs::read(folder.join(text(&case["dockerfile"]))).unwrap();
        let expected = fs::read_to_string(folder.join(text(&case["expected_dump"]))).unwrap();
        let file = dockerfile::parse(source.clone());
        same(&case["name"], &tiles(&file), &source)?;
        same(&case["name"], &file.parser_refusal(), &None)?;
        same(&case["name"], &file.dump(), &expected.trim_end().to_owned())
    });
}

#[test]
fn refused_files_have_a_fatal_problem() {
    for_each("negative", |folder, case| {
        let file = dockerfile::parse(fs::read(folder.join(text(&case["dockerfile"]))).unwrap());
        same(&case["name"], &file.parser_refusal().is_some(), &true)
    });
}

#[test]
fn lines_are_counted_the_same() {
    let Some((folder, manifest)) = manifest() else {
        eprintln!("line_info: 0 cases ran (no data)");
        return;
    };
    let info = &manifest["line_info"];
    let file = dockerfile::parse(fs::read(folder.join(text(&info["dockerfile"]))).unwrap());
    let lines: Vec<[u32; 2]> =
        file.instructions().map(|instruction| [instruction.lines.0, instruction.lines.1]).collect();
    let children: Vec<[u32; 2]> = serde_json::from_value(info["children"].clone()).unwrap();
    assert_eq!(lines, children);
    let whole: [u32; 2] = serde_json::from_value(info["ast"].clone()).unwrap();
    assert_eq!([lines[0][0], lines[lines.len() - 1][1]], whole);
    eprintln!("line_info: {} cases ran", children.len());
}

#[test]
fn heredocs_are_taken_out_of_a_file() {
    let Some((_, manifest)) = manifest() else {
        eprintln!("heredoc_extract: 0 cases ran (no data)");
        return;
    };
    let case = &manifest["heredoc_extract"];
    let file = dockerfile::parse(text(&case["dockerfile"]));
    let problems: Vec<&str> = file.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(problems, vec!["unknown instruction: INVALID"]);
    assert!(file.parser_refusal().is_none());
    let expected = case["expected"].as_array().unwrap();
    let found: Vec<_> = file.instructions().skip(1).collect();
    assert_eq!(found.len(), expected.len());
    for (instruction, expected) in found.iter().zip(expected) {
        let got: Vec<Value> = instruction
            .heredocs
            .iter()
            .map(|heredoc| {
                serde_json::json!({
                    "name": heredoc.name,
                    "content": heredoc.content,
                    "expand": heredoc.expand,
                    "chomp": heredoc.chomp,
                    "fd": heredoc.file_descriptor,
                })
            })
            .collect();
        let want = expected.as_array().cloned().unwrap_or_default();
        assert_eq!(got, want, "{}", instruction.words[0].text);
    }
    eprintln!("heredoc_extract: {} cases ran", expected.len());

    let none = dockerfile::parse(text(&manifest["heredoc_json_none"]));
    assert!(none.instructions().all(|instruction| instruction.heredocs.is_empty()));
}

#[test]
fn heredoc_words_are_told_from_others() {
    let Some((_, manifest)) = manifest() else {
        eprintln!("heredoc_helper: 0 cases ran (no data)");
        return;
    };
    let helper = &manifest["heredoc_helper"];
    let mut ran = 0;
    for (key, want) in [("valid", "EOF"), ("invalid", "error"), ("not_heredoc", "none")] {
        for word in strings(&helper[key]) {
            let got = match dockerfile::read_opening(&word) {
                Ok(Some(opening)) => opening.name,
                Ok(None) => "none".to_owned(),
                Err(_) => "error".to_owned(),
            };
            assert_eq!(got, want, "{word}");
            ran += 1;
        }
    }
    eprintln!("heredoc_helper: {ran} cases ran");
}

#[test]
fn heredocs_are_found_in_lines() {
    for_each("heredocs_from_line", |_, case| {
        let openings = dockerfile::read_openings(text(&case["line"])).unwrap();
        let names: Vec<String> = openings.into_iter().map(|opening| opening.name).collect();
        same(&case["line"], &names, &strings(&case["heredocNames"]))
    });
}

#[test]
fn json_arrays_are_read_or_refused() {
    let Some((_, manifest)) = manifest() else {
        eprintln!("json: 0 cases ran (no data)");
        return;
    };
    let valid = manifest["json_valid"].as_object().unwrap();
    for (array, expected) in valid {
        let file = dockerfile::parse(format!("FROM x\nCMD {array}\n"));
        let cmd = file.instructions().nth(1).unwrap();
        let words: Vec<String> = cmd.words.iter().map(|word| word.text.clone()).collect();
        assert_eq!(cmd.form, dockerfile::Form::Json, "{array}");
        assert_eq!(words, strings(expected), "{array}");
    }
    let invalid = strings(&manifest["json_invalid"]);
    for array in &invalid {
        let file = dockerfile::parse(format!("FROM x\nCMD {array}\n"));
        assert!(file.refusal().unwrap().message.contains("arrays must be comprised of strings"));
    }
    eprintln!("json: {} cases ran", valid.len() + invalid.len());
}

#[test]
fn words_keep_their_quotes() {
    for_each("parse_words", |_, case| {
        let file = dockerfile::parse(format!("ARG {}", text(&case["input"])));
        let words: Vec<String> =
            file.instructions().flat_map(|arg| &arg.words).map(|word| word.text.clone()).collect();
        same(&case["input"], &words, &strings(&case["expect"]))
    });
}

#[test]
fn blank_lines_in_continuations_are_noticed() {
    let Some((_, manifest)) = manifest() else {
        eprintln!("empty_continuation: 0 cases ran (no data)");
        return;
    };
    let case = &manifest["empty_continuation"];
    let file = dockerfile::parse(text(&case["dockerfile"]));
    let found = file.instructions().filter(|instruction| instruction.blank_inside).count();
    assert_eq!(u64::try_from(found).unwrap(), case["warnings"].as_u64().unwrap());
    eprintln!("empty_continuation: 1 cases ran");
}

#[test]
fn instruction_errors_are_worded_the_same() {
    for_each("instruction_errors", |_, case| {
        let source = text(&case["dockerfile"]);
        let file = dockerfile::parse(source);
        let message = file.refusal().map_or("", |problem| problem.message.as_str());
        // One case has no arguments left for COPY; BuildKit's own test looks for a part only.
        let expected = text(&case["expectedError"]);
        same(&source, &message.contains(expected), &true).map_err(|err| format!("{err} {message}"))
    });
}

#[test]
fn copy_takes_heredocs_as_sources() {
    for_each("copy_heredoc", |_, case| {
        let source = text(&case["dockerfile"]);
        let file = dockerfile::parse(source);
        let Some(Typed::Transfer(copy)) =
            file.instructions().next().and_then(careen_syntax::dockerfile::Instruction::typed)
        else {
            return Err(format!("{source:?} is not a COPY"));
        };
        let expected = &case["sourcesAndDest"];
        let paths: Vec<String> = copy.sources.iter().map(|word| word.text.clone()).collect();
        same(&source, &paths, &strings(&expected["SourcePaths"]))?;
        same(&source, &copy.destination.unwrap().text.as_str(), &text(&expected["DestPath"]))?;
        let inline: Vec<Value> = copy
            .inline
            .iter()
            .map(|(_, heredoc)| {
                let content = heredoc.content.clone();
                let data = if heredoc.chomp { dockerfile::chomp(&content) } else { content };
                serde_json::json!({"Data": data, "Expand": heredoc.expand, "Path": heredoc.name})
            })
            .collect();
        let want = expected["SourceContents"].as_array().cloned().unwrap_or_default();
        same(&source, &inline, &want)
    });
}

#[test]
fn run_takes_heredocs_as_files() {
    for_each("run_heredoc", |_, case| {
        let source = text(&case["dockerfile"]);
        let file = dockerfile::parse(source);
        let run = file.instructions().next().unwrap();
        let words: Vec<String> = run.words.iter().map(|word| word.text.clone()).collect();
        same(&source, &words, &strings(&case["command"]))?;
        let shell = matches!(run.command(), dockerfile::Command::Shell(_));
        same(&source, &shell, &case["shell"].as_bool().unwrap())?;
        let files = case["files"].as_array().cloned().unwrap_or_default();
        let names: Vec<String> = run.heredocs.iter().map(|heredoc| heredoc.name.clone()).collect();
        let want: Vec<String> = files.iter().map(|file| text(&file["Name"]).to_owned()).collect();
        same(&source, &names, &want)?;
        let data: Vec<String> = run.heredocs.iter().map(|file| file.content.clone()).collect();
        let want: Vec<String> = files.iter().map(|file| text(&file["Data"]).to_owned()).collect();
        same(&source, &data, &want)
    });
}

#[test]
fn expansion_says_what_it_looked_up() {
    for_each("shell_process_with_matches", |_, case| {
        let input = text(&case["input"]);
        let pairs = case["envs"].as_object().unwrap().iter();
        let pairs = pairs.map(|(name, value)| (name.clone(), text(value).to_owned())).collect();
        let list = List { pairs, platform: Platform::Linux };
        let got = expand(input, &list, '\\');
        let failed = case["expectedErr"].as_bool().unwrap_or(false);
        same(&input, &got.error.is_some(), &failed)?;
        if failed {
            return Ok(());
        }
        same(&input, &got.text.as_str(), &text(&case["expected"]))?;
        same(&input, &got.matched.into_iter().collect(), &strings(&case["matches"]))?;
        same(&input, &got.unmatched.into_iter().collect(), &strings(&case["unmatched"]))
    });
}

#[test]
fn bad_patterns_are_errors() {
    let Some((_, manifest)) = manifest() else {
        eprintln!("shell_pattern: 0 cases ran (no data)");
        return;
    };
    let list = List::read(&["V=value", "P=\\"], Platform::Linux);
    let cases = strings(&manifest["shell_pattern_invalid"]);
    for pattern in &cases {
        let lines = vec!["V=value".to_owned(), format!("P={pattern}")];
        let list = List::read(&lines, Platform::Linux);
        assert!(expand("${V#$P}", &list, '\\').error.is_some(), "{pattern}");
    }
    assert!(expand("${V%$P}", &list, '\\').error.is_some());
    eprintln!("shell_pattern_invalid: {} cases ran", cases.len());
}

#[test]
fn words_expand_on_both_platforms() {
    let Some((_, manifest)) = manifest() else {
        eprintln!("env_var_words: 0 cases ran (no data)");
        return;
    };
    let group = &manifest["env_var_words"];
    let lines = strings(&group["env"]);
    let mut ran = 0;
    for case in group["cases"].as_array().unwrap() {
        for (letter, platform) in [("U", Platform::Linux), ("W", Platform::Windows)] {
            if !["A", letter].contains(&text(&case["platform"])) {
                continue;
            }
            let list = List::read(&lines, platform);
            let got = expand(text(&case["source"]), &list, '\\');
            let want = case["expect"].as_str();
            let got = if got.error.is_some() { None } else { Some(got.text.as_str()) };
            assert_eq!(got, want, "line {} {letter}: {}", case["line"], case["source"]);
            ran += 1;
        }
    }
    eprintln!("env_var_words: {ran} cases ran");
}

#[test]
fn words_split_after_expansion() {
    for_each("process_words", |_, case| {
        let list = List::read(&strings(&case["env"]), Platform::Linux);
        let input = text(&case["input"]);
        let got = expand(input, &list, '\\');
        let words = if got.error.is_some() { vec!["error".to_owned()] } else { got.words };
        same(&input, &words, &strings(&case["expect"]))
    });
}

#[test]
fn files_of_the_lint_tests_are_accepted_or_refused_alike() {
    let Some(folder) = data() else {
        eprintln!("lint: 0 cases ran (no data)");
        return;
    };
    let lint: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("lint.json")).unwrap()).unwrap();
    let cases = lint["cases"].as_array().unwrap();
    for case in cases {
        let error = case["build_error"].as_str().unwrap_or("");
        // Errors of other kinds come from later steps of the build.
        let want = error.strip_prefix("dockerfile parse error on ");
        let file = dockerfile::parse(text(&case["dockerfile"]));
        let got = file.refusal().map(|p| format!("line {}: {}", p.line, p.message));
        assert_eq!(got.as_deref(), want, "{}", case["dockerfile"]);
    }
    eprintln!("lint: {} cases ran", cases.len());
}
