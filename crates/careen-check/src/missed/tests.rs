//! A table of builds that differ in one thing, and what is said of it.

use std::fmt::Write as _;

use careen_model::missed::{BuildInputs, InputFile, InputRecord, StepInputs, StepState};

use super::missed;

fn step(name: &str, parents: &[&str]) -> StepInputs {
    let id = name.split("] ").next().unwrap_or(name).to_owned();
    let text = careen_model::instruction_of(name).to_owned();
    StepInputs {
        id,
        name: name.to_owned(),
        stage: "0".into(),
        digest: text.clone(),
        parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        sources: text
            .strip_prefix("COPY ")
            .map(|rest| rest.split(' ').next().unwrap().to_owned())
            .into_iter()
            .collect(),
        arguments: if text.contains("$V") { vec!["V".into()] } else { vec![] },
        bases: vec!["base:1".into()],
        text,
        state: StepState::Ran,
        ..StepInputs::default()
    }
}

fn file(path: &str, mode: u32, content: &str) -> InputFile {
    InputFile {
        path: path.into(),
        mode: 0o100_000 | mode,
        size: content.len() as u64,
        mtime_ns: 1,
        ctime_ns: 1,
        inode: 1,
        digest: Some(content.into()),
        ..InputFile::default()
    }
}

fn record(id: &str, kind: &str, description: &str) -> InputRecord {
    InputRecord { id: id.into(), kind: kind.into(), description: description.into() }
}

/// Three steps, all of which ran.
fn build() -> BuildInputs {
    let cache = vec![
        record("a", "regular", "[1/4] COPY src /src"),
        record("b", "regular", "mount / from exec /bin/sh -c make $V"),
        record("c", "regular", "mount / from exec /bin/sh -c test"),
        record(
            "m",
            "exec.cachemount",
            "cached mount /c from exec /bin/sh -c make $V with id \"/c\"",
        ),
    ];
    let mut steps = vec![
        step("[2/4] COPY src /src", &[]),
        step("[3/4] RUN --mount=type=cache,target=/c make $V", &["[2/4"]),
        step("[4/4] RUN test", &["[3/4"]),
    ];
    steps[1].caches = vec![("/c".into(), "/c".into())];
    BuildInputs {
        builder: Some("one".into()),
        arguments: [("V".to_owned(), "x".to_owned())].into(),
        bases: [("base:1".to_owned(), "sha256:1".to_owned())].into(),
        steps,
        files: Some(vec![
            file("src/a", 0o644, "a"),
            file("src/b", 0o644, "b"),
            file("other", 0o644, "o"),
        ]),
        cache_before: Some(cache.clone()),
        cache_after: Some(cache),
        own_records: ["a", "b", "c"].map(str::to_owned).into(),
        pruned_before: Some(false),
        ..BuildInputs::default()
    }
}

/// One line for each step: its place, the reason and the details.
fn told(last: &BuildInputs, now: &BuildInputs) -> String {
    let lines = missed(last, now).into_iter().map(|missed| {
        let place = missed.step.trim_start_matches('[').to_owned();
        let mut line = format!("{place} {}", missed.reason.name());
        match &missed.reason {
            careen_model::missed::Reason::Instruction { before, now } => {
                write!(line, " {before:?} {now:?}").unwrap();
            }
            careen_model::missed::Reason::Argument(names) => {
                write!(line, " {}", names.join(",")).unwrap();
            }
            careen_model::missed::Reason::Files(files) => {
                let first: Vec<String> = files
                    .first
                    .iter()
                    .map(|(path, how)| format!("{path} {}", how.name()))
                    .collect();
                write!(line, " {}: {}", files.all(), first.join(", ")).unwrap();
            }
            careen_model::missed::Reason::Parent { parent, cause } => {
                write!(line, " {} < {}", &parent[1..4], &cause[1..4]).unwrap();
            }
            careen_model::missed::Reason::Base { before, now, .. } => {
                write!(line, " {before} {now}").unwrap();
            }
            _ => (),
        }
        for target in &missed.lost_caches {
            write!(line, " (lost {target})").unwrap();
        }
        line
    });
    lines.collect::<Vec<_>>().join("; ")
}

type Change = fn(&mut BuildInputs, &mut BuildInputs);

#[test]
fn every_reason_is_told_from_what_differs() {
    let chain = "3/4 parent 2/4 < 2/4; 4/4 parent 3/4 < 2/4";
    let files = |text: &str| format!("2/4 files {text}; {chain}");
    let after_first = |text: &str| format!("2/4 {text}; {chain}");
    let second = "4/4 parent 3/4 < 3/4";
    let cases: Vec<(&str, Change, String)> = vec![
        ("all from the cache", |_, now| cached(now, 0..3), String::new()),
        (
            "asked for",
            |_, now| now.no_cache = true,
            "2/4 no-cache; 3/4 no-cache; 4/4 no-cache".into(),
        ),
        ("nothing differs", |_, _| (), after_first("unknown")),
        (
            "content",
            |_, now| files_of(now)[0] = file("src/a", 0o644, "x"),
            files("1: src/a content"),
        ),
        ("only the time", |_, now| files_of(now)[0].mtime_ns = 9, after_first("unknown")),
        ("mode", |_, now| files_of(now)[0].mode = 0o100_755, files("1: src/a mode")),
        ("added", |_, now| files_of(now).push(file("src/c", 0o644, "c")), files("1: src/c added")),
        ("removed", |_, now| drop(files_of(now).remove(1)), files("1: src/b removed")),
        (
            "link",
            |last, now| {
                files_of(last)[0] =
                    InputFile { mode: 0o120_777, link: "x".into(), ..file("src/a", 0, "") };
                files_of(now)[0] =
                    InputFile { mode: 0o120_777, link: "y".into(), ..file("src/a", 0, "") };
            },
            files("1: src/a content"),
        ),
        (
            "another file",
            |_, now| files_of(now)[2] = file("other", 0o644, "x"),
            after_first("unknown"),
        ),
        (
            "many",
            |_, now| {
                for name in ["src/1", "src/2", "src/3", "src/4"] {
                    files_of(now).push(file(name, 0o644, "c"));
                }
            },
            files("4: src/1 added, src/2 added, src/3 added"),
        ),
        (
            "not read, and touched",
            |last, now| {
                files_of(last)[0].digest = None;
                files_of(now)[0].ctime_ns = 2;
                now.pruned_before = Some(true);
                now.cache_before = Some(vec![]);
            },
            format!("2/4 unknown; {}", chain.replace("; ", " (lost /c); ")),
        ),
        (
            "not read, and not touched",
            |last, now| {
                files_of(last)[0].digest = None;
                lose(now, "a");
            },
            after_first("evicted-or-pruned"),
        ),
        (
            "files of a step that an older build left in the cache",
            |_, now| {
                cached(now, 0..1);
                files_of(now)[0] = file("src/a", 0o644, "x");
            },
            format!("3/4 files 1: src/a content; {second}"),
        ),
        ("no files known", |last, _| last.files = None, after_first("unknown")),
        (
            "argument",
            |_, now| {
                cached(now, 0..1);
                now.arguments.insert("V".into(), "y".into());
            },
            format!("3/4 argument V; {second}"),
        ),
        (
            "argument no longer given",
            |_, now| {
                cached(now, 0..1);
                now.arguments.clear();
            },
            format!("3/4 argument V; {second}"),
        ),
        (
            "argument that no step sees",
            |_, now| {
                now.arguments.insert("W".into(), "y".into());
            },
            after_first("unknown"),
        ),
        (
            "base",
            |_, now| {
                now.bases.insert("base:1".into(), "sha256:2".into());
            },
            after_first("base sha256:1 sha256:2"),
        ),
        ("base not told", |_, now| now.bases.clear(), after_first("unknown")),
        (
            "instruction",
            |_, now| {
                cached(now, 0..2);
                now.steps[2] = step("[4/4] RUN test -v", &["[3/4"]);
            },
            "4/4 instruction Some(\"RUN test\") \"RUN test -v\"".into(),
        ),
        (
            "new at the end",
            |_, now| {
                cached(now, 0..3);
                now.steps.push(step("[5/5] RUN more", &["[4/4"]));
            },
            "5/5 instruction None \"RUN more\"".into(),
        ),
        (
            "new in between",
            |_, now| {
                cached(now, 0..1);
                now.steps[1].parents = vec!["[n".into()];
                now.steps.insert(1, step("[n/4] RUN new", &["[2/4"]));
                now.steps[1].id = "[n".into();
            },
            "n instruction None \"RUN new\"; 3/4 parent n/4 < n/4; 4/4 parent 3/4 < n/4".to_owned(),
        ),
        (
            "removed in between",
            |_, now| {
                cached(now, 0..1);
                now.steps.remove(1);
                now.steps[1].parents = vec!["[2/4".into()];
            },
            "4/4 unknown".into(),
        ),
        (
            "environment",
            |last, now| {
                cached(now, 0..1);
                last.steps[1].settings = vec![("ENV A=1".into(), "1".into())];
                now.steps[1].settings = vec![("ENV A=2".into(), "2".into())];
            },
            format!("3/4 instruction Some(\"ENV A=1\") \"ENV A=2\"; {second}"),
        ),
        (
            "environment added",
            |_, now| {
                cached(now, 0..1);
                now.steps[1].settings = vec![("ENV A=2".into(), "2".into())];
            },
            format!("3/4 instruction None \"ENV A=2\"; {second}"),
        ),
        (
            "environment gone",
            |last, now| {
                cached(now, 0..1);
                last.steps[1].settings = vec![("ENV A=2".into(), "2".into())];
            },
            format!("3/4 instruction Some(\"ENV A=2\") \"\"; {second}"),
        ),
        ("other builder", |_, now| now.builder = Some("two".into()), after_first("other-builder")),
        ("builder not known", |_, now| now.builder = None, after_first("unknown")),
        (
            "pruned",
            |_, now| {
                lose(now, "a");
                now.pruned_before = Some(true);
            },
            after_first("pruned"),
        ),
        ("evicted", |_, now| lose(now, "a"), after_first("evicted-or-pruned")),
        ("another record is gone", |_, now| lose(now, "c"), after_first("unknown")),
        (
            "a record without a name of its own is gone",
            |last, now| {
                last.cache_after.as_mut().unwrap()[0].description = String::new();
                lose(now, "a");
            },
            after_first("unknown"),
        ),
        (
            "the record of another project is gone",
            |last, now| {
                last.own_records.remove(0);
                lose(now, "a");
            },
            after_first("unknown"),
        ),
        (
            "an older record of the same description is gone, the project's last one is not",
            |last, now| {
                let older = record("older", "regular", "[2/4] COPY src /src");
                last.cache_after.as_mut().unwrap().push(older);
                last.own_records.push("older".into());
                now.cache_before.clone_from(&last.cache_after);
                lose(now, "older");
            },
            after_first("unknown"),
        ),
        ("the cache could not be read", |_, now| now.cache_before = None, after_first("unknown")),
        (
            "the cache mount is gone",
            |_, now| lose(now, "m"),
            format!("2/4 unknown; {}", chain.replace("; ", " (lost /c); ")),
        ),
        (
            "the cache mount of an engine that tells no id",
            |last, now| {
                last.cache_after.as_mut().unwrap()[3].description =
                    "cached mount /c from exec /bin/sh -c make $V".into();
                lose(now, "m");
            },
            format!("2/4 unknown; {}", chain.replace("; ", " (lost /c); ")),
        ),
        (
            "the build before failed there",
            |last, now| {
                cached(now, 0..1);
                last.steps[1].state = StepState::Unfinished;
                last.steps[2].state = StepState::Unfinished;
            },
            String::new(),
        ),
        (
            "failed there, and changed since",
            |last, now| {
                cached(now, 0..2);
                last.steps[2] = step("[4/4] RUN false", &["[3/4"]);
                last.steps[2].state = StepState::Unfinished;
            },
            "4/4 instruction Some(\"RUN false\") \"RUN test\"".into(),
        ),
        (
            "a stage is added before",
            |_, now| {
                cached(now, 0..3);
                now.steps.iter_mut().for_each(|step| step.stage = "1".into());
                now.steps.insert(0, step("[x 2/2] RUN x", &[]));
            },
            "x 2/2 instruction None \"RUN x\"".into(),
        ),
    ];
    for (what, change, expected) in cases {
        let (mut last, mut now) = (build(), build());
        change(&mut last, &mut now);
        assert_eq!(told(&last, &now), expected, "{what}");
    }
}

#[test]
fn sources_reach_what_the_builder_takes_for_them() {
    let cases = [
        ("src", "src/a", true),
        ("src/", "src/a/b", true),
        ("./src", "src", true),
        ("src", "src2", false),
        ("", "any/thing", true),
        (".", "any", true),
        ("*.txt", "a.txt", true),
        ("*.txt", "d/a.txt", false),
        ("d/*", "d/x/y", true),
        ("[a-c]?", "b1", true),
        ("[^a-c]?", "b1", false),
        ("a\\*", "a*", true),
        ("a\\*", "ab", false),
    ];
    for (source, path, expected) in cases {
        let now = [file(path, 0o644, "x")];
        let compared = super::files::compare(&[], &now, &[source.to_owned()]);
        assert_eq!(compared != super::files::Compared::Same, expected, "{source} {path}");
    }
}

fn cached(build: &mut BuildInputs, steps: std::ops::Range<usize>) {
    build.steps[steps].iter_mut().for_each(|step| step.state = StepState::Cached);
}

fn files_of(build: &mut BuildInputs) -> &mut Vec<InputFile> {
    build.files.as_mut().unwrap()
}

fn lose(build: &mut BuildInputs, id: &str) {
    build.cache_before.as_mut().unwrap().retain(|record| record.id != id);
}
