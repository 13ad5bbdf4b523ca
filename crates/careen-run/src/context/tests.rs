//! Answers about small contexts.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
#![expect(clippy::print_stdout, reason = "a test says what it could not ask")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use careen_model::context_answer::LineState;
use careen_model::{BuildRecord, What};
use expect_test::{Expect, expect};

use super::*;

fn plant(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let full = folder.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(target) => symlink(target, &full).unwrap(),
            None => fs::write(&full, text).unwrap(),
        }
    }
    folder
}

fn ground(root: &Path) -> Ground {
    Ground::of(&GatherRequest { root: root.to_owned(), ..GatherRequest::default() })
}

fn listed(ground: &Ground, set: Set) -> String {
    let mut out = String::new();
    ground.list(set).unwrap().for_each(|path, _| {
        out.push_str(&String::from_utf8_lossy(path));
        out.push(' ');
    });
    out
}

const PROJECT: &[(&str, &str)] = &[
    (".dockerignore", "*.log\nold\n\n  # kept\n**/*.pyc\n!a/*/b\n[!x]\nold/deep\n"),
    ("Dockerfile", "FROM scratch AS a\nCOPY src /s\nFROM a\nCOPY \\\n  lib/one /l\n"),
    ("a.log", "12345"),
    ("src/a.py", "123"),
    ("src/a.pyc", "1234567"),
    ("lib/one", "1"),
    ("lib/two", "22"),
    ("old/deep/x", "4444"),
    ("link", "-> src"),
];

#[test]
fn two_sets_are_told_apart() {
    let folder = plant(PROJECT);
    let ground = ground(folder.path());
    expect![".dockerignore Dockerfile lib lib/one lib/two link src src/a.py "]
        .assert_eq(&listed(&ground, Set::Kept));
    expect!["lib lib/one src src/a.py "].assert_eq(&listed(&ground, Set::Sent));
    let answer = ground.answer(None, &HistoryFacts::default(), &[]).unwrap();
    assert_eq!((answer.facts.sent.entries, answer.facts.sent.bytes), (4, 4));
    let lines: Vec<(u32, &str)> =
        answer.sources.iter().flatten().map(|source| (source.line, source.path.as_str())).collect();
    assert_eq!(lines, [(2, "src"), (5, "lib/one")]);
    let tree: Vec<(&str, u64)> =
        answer.tree.iter().map(|row| (row.path.to_str().unwrap(), row.amount.bytes)).collect();
    assert_eq!(tree, [("src", 3), ("lib", 1)]);
    assert!(answer.first.seconds() > answer.repeated.seconds());
}

#[test]
fn nothing_is_sent_for_a_tmpfs_mount_alone() {
    let alone = plant(&[("Dockerfile", "FROM x\nRUN --mount=type=tmpfs,target=/t true\n")]);
    assert_eq!(listed(&ground(alone.path()), Set::Sent), "");
    assert_eq!(
        ground(alone.path())
            .answer(None, &HistoryFacts::default(), &[])
            .unwrap()
            .facts
            .sent
            .entries,
        0
    );
    let with = "FROM x\nCOPY a /\nRUN --mount=type=tmpfs,target=/t true\n";
    let with = plant(&[("Dockerfile", with), ("a", "1"), ("b", "2")]);
    assert_eq!(listed(&ground(with.path()), Set::Sent), "Dockerfile a b ");
}

fn explained(files: &[(&str, &str)], path: &str, expected: &Expect) {
    let folder = plant(files);
    let answer = ground(folder.path()).explain(path).unwrap();
    let steps = |steps: &[careen_model::context_answer::IgnoreStep]| {
        let tell = steps.iter().map(|step| {
            let state = if step.excluded { "out" } else { "in" };
            format!("{}:{}@{}={state} ", step.line, step.pattern, step.matched)
        });
        tell.collect::<String>()
    };
    let taken: Vec<u32> = answer.taken.iter().map(|source| source.line).collect();
    let shown = format!(
        "kept {} emptied {}\nwalk {}\nopen {}\nclassic {:?} taken {taken:?}\n",
        answer.is_kept(),
        answer.is_emptied(),
        steps(&answer.walk),
        steps(&answer.open),
        answer.classic,
    );
    expected.assert_eq(&shown);
}

#[test]
fn a_path_has_its_story() {
    explained(
        PROJECT,
        "src/a.pyc",
        &expect![[r"
            kept false emptied false
            walk 5:**/*.pyc@src/a.pyc=out 
            open 5:**/*.pyc@src/a.pyc=out 
            classic Ok(true) taken [2]
        "]],
    );
    let emptied = &[
        (".dockerignore", "*\n!**/*.py\n.venv\n"),
        (".venv/x.py", "1"),
        ("Dockerfile", "FROM a\nCOPY . /\n"),
    ];
    explained(
        emptied,
        ".venv/x.py",
        &expect![[r"
            kept true emptied true
            walk 1:*@.venv=out 2:!**/*.py@.venv/x.py=in 
            open 1:*@.venv=out 2:!**/*.py@.venv/x.py=in 3:.venv@.venv=out 
            classic Ok(true) taken [2]
        "]],
    );
    let through =
        &[("d/a", "1"), ("link", "-> d"), ("Dockerfile", "FROM x\nCOPY link/a /\nCOPY e* /\n")];
    explained(
        through,
        "d/a",
        &expect![[r"
            kept true emptied false
            walk 
            open 
            classic Ok(false) taken [2]
        "]],
    );
}

#[test]
fn every_line_has_its_worth() {
    let folder = plant(PROJECT);
    let told: Vec<String> = ground(folder.path())
        .price_patterns()
        .unwrap()
        .iter()
        .map(|worth| {
            format!(
                "{} {} {}/{} {:?}{}",
                worth.line,
                worth.pattern,
                worth.matched.entries,
                worth.exclusive.entries,
                worth.state,
                if worth.disables_pruning { " enters" } else { "" },
            )
        })
        .collect();
    expect![[r"
        1 *.log 1/1 Works
        2 old 3/1 Works
        4 # kept 0/0 Dead
        5 **/*.pyc 1/1 Works
        6 !a/*/b 0/0 Dead enters
        7 [!x] 0/0 Dead
        8 old/deep 2/0 Shadowed"]]
    .assert_eq(&told.join("\n"));
    let broken = plant(&[(".dockerignore", "[a\nx\n"), ("x", "1")]);
    let worth = ground(broken.path()).price_patterns().unwrap();
    assert!(matches!(worth[0].state, LineState::Fails(_)), "{worth:?}");
    assert_eq!((worth[1].matched.entries, &worth[1].state), (1, &LineState::Works));
}

#[test]
fn patterns_are_tried_without_writing() {
    let folder = plant(PROJECT);
    let ground = ground(folder.path());
    let tried = ground.try_patterns(&["**.py".to_owned(), "lib/one".to_owned()]).unwrap();
    assert_eq!((tried.sent.before.bytes, tried.sent.after.bytes), (4, 0));
    let hidden: Vec<&str> = tried.hidden.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(hidden, ["lib/one"]);
    let bad = |line: &str| ground.try_patterns(&[line.to_owned()]).unwrap_err().to_string();
    assert_eq!(bad("# x"), "`# x` is not one pattern");
    assert_eq!(bad("[a"), "`[a` fails every build: syntax error in pattern");
}

#[test]
fn a_hash_is_of_content_and_not_of_time() {
    let files: Vec<(&str, &str)> = PROJECT.to_vec();
    let of = |folder: &tempfile::TempDir| {
        hash(folder.path(), &ground(folder.path()).list(Set::Sent).unwrap()).unwrap()
    };
    let (one, two) = (plant(&files), plant(&files));
    assert_eq!(of(&one), of(&two));
    let first = of(&one);
    fs::write(one.path().join("lib/two"), "not sent").unwrap();
    assert_eq!(of(&one), first);
    fs::set_permissions(one.path().join("lib/one"), fs::Permissions::from_mode(0o600)).unwrap();
    let second = of(&one);
    assert_ne!(second, first);
    fs::write(one.path().join("src/a.py"), "124").unwrap();
    assert_ne!(of(&one), second);
}

/// The algorithm is documented, so its value for a known context must never change.
#[test]
fn a_hash_is_stable() {
    let folder = plant(&[("Dockerfile", "FROM x\nCOPY a l d /\n"), ("a", "hi"), ("l", "-> a")]);
    fs::create_dir(folder.path().join("d")).unwrap();
    for (path, mode) in [("a", 0o644), ("d", 0o755)] {
        fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let listing = ground(folder.path()).list(Set::Sent).unwrap();
    expect!["careen-context-1:c105e7eb3d12ddc27195985518f9cb62b83fa79ce662c1c79b10371b5ab6027b"]
        .assert_eq(&hash(folder.path(), &listing).unwrap());
}

#[test]
fn make_reads_the_names_back() {
    let names = [
        "a b",
        "c#d",
        "e$f",
        "g:h",
        "i%j",
        "k*l",
        "m\\n",
        "o\\ p",
        "~q",
        "r[s]",
        "t?u",
        "v|w",
        "x&y",
        "z=1",
        "(a",
        "tab\there",
    ];
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (*name, "1")).collect();
    files.push(("Dockerfile", "FROM x\nCOPY . /\n"));
    let folder = plant(&files);
    let ground = ground(folder.path());
    let rule = prerequisites(&ground, &ground.list(Set::Sent).unwrap(), "im age").unwrap();
    let prefix = format!("  {}/", folder.path().display());
    let text = String::from_utf8(rule).unwrap().replace(&prefix, "  ");
    expect![[r#"
        im\ age: \
          Dockerfile \
          (a \
          a\ b \
          c\#d \
          e$$f \
          g\:h \
          i%j \
          k\*l \
          m\n \
          o\\\ p \
          r\[s] \
          t\?u \
          tab\	here \
          v\|w \
          x&y \
          z=1 \
          ~q
    "#]]
    .assert_eq(&text);
    let rule = text.replacen("~q", "./~q", 1) + "\t@echo made\n";
    fs::write(folder.path().join("x.mk"), rule).unwrap();
    let made =
        std::process::Command::new("make").args(["-f", "x.mk"]).current_dir(folder.path()).output();
    match made {
        Ok(made) => assert_eq!(String::from_utf8_lossy(&made.stdout), "made\n", "{made:?}"),
        Err(err) => println!("make was not asked: {err}"),
    }
    fs::remove_file(folder.path().join("x.mk")).unwrap();
    for name in ["v;w", "lib(x)", "end\\"] {
        fs::write(folder.path().join(name), "1").unwrap();
        let refused = prerequisites(&ground, &ground.list(Set::Sent).unwrap(), "all");
        assert!(refused.unwrap_err().ends_with(name), "{name}");
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("x\ny"), "1").unwrap();
    let listing = ground.list(Set::Sent).unwrap();
    assert!(prerequisites(&ground, &listing, "all").unwrap_err().ends_with("x\ny"));
}

#[test]
fn what_disturbs_a_copy_and_what_it_disturbs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let full = folder.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    };
    write(
        "Dockerfile",
        "FROM a AS base\nCOPY pyproject.toml /\nRUN install\nCOPY src /src\nRUN compile\n\
         FROM a AS other\nRUN unrelated\nFROM a\nRUN first\nCOPY --from=base /out /out\nRUN last\n",
    );
    for path in ["pyproject.toml", "src/a.py", "src/b.py", "src/__pycache__/a.pyc", "src/old/x"] {
        write(path, path);
    }
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.arg("-C").arg(folder.path()).args(["-c", "user.name=n", "-c", "user.email=e"]);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(arguments);
        git.output().is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q"]) {
        println!("skipped: there is no git");
        return;
    }
    for (round, path) in ["src/a.py", "src/a.py", "src/b.py"].into_iter().enumerate() {
        write(path, &format!("{round}"));
        assert!(git(&["add", "."]) && git(&["commit", "-qm", "x"]));
    }
    let mut build = BuildRecord { label: "0007".into(), ..BuildRecord::default() };
    for (name, seconds) in [("[base 3/5] RUN install", 40), ("[stage-2 4/4] RUN  last", 2)] {
        let event =
            |what| careen_model::BuildEvent { at: std::time::Duration::from_secs(seconds), what };
        let step = name.to_owned();
        let planned = What::StepPlanned { step: step.clone(), name: step.clone(), inputs: vec![] };
        build.apply(&careen_model::BuildEvent { at: std::time::Duration::ZERO, what: planned });
        let started = What::StepStarted { step: step.clone() };
        build.apply(&careen_model::BuildEvent { at: std::time::Duration::ZERO, what: started });
        build.apply(&event(What::StepEnded { step, error: None }));
    }
    build.started_at = i64::MAX;
    let history = HistoryFacts { builds: vec![build], ..HistoryFacts::default() };
    let found = ground(folder.path()).busters(&history).unwrap();
    let told: Vec<String> = found
        .iter()
        .map(|one| {
            let busters: Vec<String> = one
                .busters
                .iter()
                .map(|b| format!("{} {} {:?}", b.path.display(), b.commits, b.category))
                .collect();
            let lines: Vec<u32> = one.steps.iter().map(|step| step.line).collect();
            format!("{} {busters:?} {lines:?} {:?}", one.source.path, one.seconds())
        })
        .collect();
    let cached = "\"src/__pycache__ 1 Some(\\\"python-cache\\\")\"";
    assert_eq!(
        told,
        [
            "pyproject.toml [\"pyproject.toml 1 None\"] [2, 3, 4, 5, 10, 11] Some(42.0)".to_owned(),
            format!(
                "src [{cached}, \"src/a.py 2 None\", \"src/b.py 2 None\", \"src/old 1 None\"] \
                 [4, 5, 10, 11] Some(2.0)"
            ),
        ]
    );
    assert_eq!(found[0].commits, Some(3));
    let cost = ground(folder.path()).rebuild_cost(&history);
    let cost = cost.get().unwrap();
    // Of two copies, compile and last, which run again after both commits but the first, one is
    // priced.
    assert_eq!((cost.rebuilds, cost.seconds(), cost.unpriced()), (2, 2.0, 3));
}
