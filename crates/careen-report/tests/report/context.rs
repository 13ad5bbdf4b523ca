//! The screens of `careen context`.

use careen_model::context::{Amount, Hazard, HazardKind, IgnoreFile, IgnoreProblem, Sized};
use careen_model::context_answer::{
    Branch, Change, ContextAnswer, Found, IgnoreStep, LineState, LineWorth, PathAnswer, SourceUse,
    TransferTime, Tried,
};
use careen_model::context_busters::{Buster, Disturbed, Rerun};
use careen_model::rebuild_cost::{RebuildCost, StepCost, StepPrice};
use careen_model::{Basis, Fact, Why};
use careen_report::json;
use careen_report::terminal::{self, Style};
use expect_test::{Expect, expect};

use crate::{framed, sample, text};

fn amount(entries: u64, bytes: u64) -> Amount {
    Amount { entries, files: entries, bytes }
}

fn source(line: u32, path: &str) -> SourceUse {
    SourceUse { line, instruction: "COPY", path: path.to_owned(), unknown: vec![] }
}

fn answer() -> ContextAnswer {
    let mut facts = sample::context(false, 10);
    facts.sent = amount(22_000, 1_400_000_000);
    facts.ignore.problems = vec![IgnoreProblem {
        line: Some(3),
        message: "illegal exclusion pattern".to_owned(),
        fatal: true,
    }];
    facts.hazards = vec![
        Hazard::new(HazardKind::ZeroByte, ".venv/x.py"),
        Hazard::new(HazardKind::ZeroByte, "\u{1b}[31my"),
    ];
    let branch = |path: &str, depth, amount| Branch { path: path.into(), depth, amount };
    let sent = Change { before: facts.sent, after: amount(20, 40_000) };
    ContextAnswer {
        builder: "buildkit",
        sends_all: false,
        target: Some("run".to_owned()),
        sources: Some(
            ["a", "b", "c", "d", "e"].iter().zip(4..).map(|(p, n)| source(n, p)).collect(),
        ),
        tree: vec![
            branch("data", 0, amount(20_000, 1_300_000_000)),
            branch("data/raw", 1, amount(15_000, 1_000_000_000)),
            branch("src", 0, amount(400, 20_000)),
        ],
        largest: vec![Sized { path: "data/a.bin".into(), amount: amount(1, 500_000_000) }],
        proposal: Some(Tried {
            patterns: vec!["data".to_owned()],
            kept: sent,
            sent,
            hidden: vec![],
        }),
        first: TransferTime { fixed: 0.0, entries: 6.6, bytes: 15.6, lookups: 0.0 },
        repeated: TransferTime { fixed: 0.0, entries: 1.32, bytes: 0.0, lookups: 0.0 },
        calibration: None,
        slow_lookup: None,
        facts,
    }
}

fn check(screen: &str, expected: &Expect) {
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    expected.assert_eq(&framed(screen));
}

#[test]
fn the_screen_answers_what_and_why() {
    let answer = answer();
    check(
        &text(|out| terminal::context(out, Style::PLAIN, &answer)),
        &expect![[r#"
            ──
            1.4 GB in 22 000 entries sent, of 1.9 GB in 39 980 entries kept
            transfer first 22.2 s, again 1.3 s (modelled, never measured here)
            because  Dockerfile takes for stage run: a (line 4), b (line 5), c (line 6), d
                     (line 7) and 1 more
            ignored  by .dockerignore, in the context root
                     ✗ line 3: illegal exclusion pattern (every build fails)

             sent                                                          bytes     entries
             data/                                                        1.3 GB      20 000
               data/raw/                                                  1.0 GB      15 000
             src/                                                        20.0 kB         400
             data/a.bin                                                 500.0 MB           1

             ✗ .venv/x.py (and 1 more) arrives empty: an earlier ignore line reopens it, a
               later one closes it

             careen fix --dockerignore      would send 1.4 GB in 21 980 entries less
             careen context --explain PATH  every line that decides about a path
             careen context --patterns      what each line is worth
             careen context --list          every entry, in the builder's order
        "#]],
    );
    let narrow = Style { width: 50, ..Style::PLAIN };
    let screen = text(|out| terminal::context(out, narrow, &answer));
    assert!(screen.lines().all(|line| line.chars().count() <= 50), "{screen}");
}

#[test]
fn a_path_is_told_line_by_line() {
    let step = |line, pattern: &str, matched: &str, excluded| IgnoreStep {
        line,
        pattern: pattern.to_owned(),
        matched: matched.to_owned(),
        excluded,
        readings: vec![],
    };
    let walk = vec![step(1, "*", ".venv", true), step(2, "!**/*.py", ".venv/x.py", false)];
    let mut open = walk.clone();
    open.push(step(3, ".venv", ".venv", true));
    let answer = PathAnswer {
        path: ".venv/x.py".to_owned(),
        found: Found::File(120),
        ignore: Some("./.dockerignore".into()),
        problems: vec![],
        closed: None,
        walk,
        open,
        classic: Ok(true),
        taken: vec![source(2, ".")],
        has_sources: true,
    };
    check(
        &text(|out| terminal::context_path(out, Style::PLAIN, &answer)),
        &expect![[r#"
        ──
        ✓ .venv/x.py is sent (120 B)
          ✗ and arrives with 0 bytes: opening it is refused
          .dockerignore, the walk
               1  * matches .venv: out
               2  !**/*.py matches .venv/x.py: in
          opening the file
               1  * matches .venv: out
               2  !**/*.py matches .venv/x.py: in
               3  .venv matches .venv: out
          taken by line 2: COPY .
          the classic builder (DOCKER_BUILDKIT=0) ignores it
    "#]],
    );
    let ignored = PathAnswer {
        walk: answer.walk[..1].to_vec(),
        open: answer.walk[..1].to_vec(),
        ..answer.clone()
    };
    check(
        &text(|out| terminal::context_path(out, Style::PLAIN, &ignored)),
        &expect![[r#"
        ──
        – .venv/x.py is ignored (120 B)
          .dockerignore, the walk
               1  * matches .venv: out
    "#]],
    );
    let closed = PathAnswer {
        path: "keys".to_owned(),
        found: Found::Folder,
        ignore: None,
        problems: vec![IgnoreProblem {
            line: None,
            message: "`.dockerignore` is a folder".to_owned(),
            fatal: true,
        }],
        closed: Some("Permission denied (os error 13)".to_owned()),
        walk: vec![],
        open: vec![],
        classic: Ok(false),
        ..answer.clone()
    };
    check(
        &text(|out| terminal::context_path(out, Style::PLAIN, &closed)),
        &expect![[r#"
            ──
            ✗ keys is to be sent (folder)
              ✗ this user cannot read it, and the build fails where it is walked: Permission
              denied (os error 13)
              ✗ `.dockerignore` is a folder (every build fails)
              no ignore file, the walk
                no line matches, so it is in
              taken by line 2: COPY .
        "#]],
    );
    let document = text(|out| json::context_path(out, &answer));
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!((value["kept"].as_bool(), value["emptied"].as_bool()), (Some(true), Some(true)));
    assert_eq!(value["open"][2]["line"], 3);
    assert_eq!(value["classic_kept"], false);
}

#[test]
fn lines_have_their_worth() {
    let worth = |line, pattern: &str, matched, exclusive, state| LineWorth {
        line,
        pattern: pattern.to_owned(),
        matched,
        exclusive,
        state,
        readings: vec![],
        faster: None,
        disables_pruning: false,
    };
    let none = Amount::default();
    let mut slow = worth(1, "**/*.pyc", amount(12, 4000), amount(10, 3000), LineState::Works);
    slow.faster = Some("**.pyc".to_owned());
    slow.readings = vec!["the equal `**.ext` form is about ten times cheaper to match"];
    let lines = [
        slow,
        worth(2, "dist", none, none, LineState::Dead),
        worth(4, "old/deep", amount(3, 9), none, LineState::Shadowed),
        worth(9, "[a", none, none, LineState::Fails("syntax error in pattern".to_owned())),
    ];
    let file = IgnoreFile {
        path: "Dockerfile.dockerignore".into(),
        exists: true,
        dedicated: true,
        text: None,
        problems: vec![],
    };
    let screen = text(|out| terminal::context_patterns(out, Style::PLAIN, &file, &lines));
    check(
        &screen,
        &expect![[r#"
            ──
            by Dockerfile.dockerignore, which stands beside the Dockerfile and counts alone
             line  pattern                                   matches       bytes   only this
                1  **/*.pyc                                       12      4.0 kB      3.0 kB
                   · the equal `**.ext` form is about ten times cheaper to match
                   · **.pyc is cheaper to match, but not for Docker 20.10's client
                2  dist                                            0         0 B         0 B
                   ! matches nothing that is there
                4  old/deep                                        3         9 B         0 B
                   ! other lines decide the same
                9  [a                                              0         0 B         0 B
                   ✗ every build fails: syntax error in pattern
        "#]],
    );
    let document = text(|out| json::context_patterns(out, &file, &lines));
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    let states: Vec<&str> = value["patterns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["works", "dead", "shadowed", "fails"]);
}

#[test]
fn what_if_names_the_sources_it_hides() {
    let tried = Tried {
        patterns: vec!["src".to_owned()],
        kept: Change { before: amount(100, 5_000_000), after: amount(90, 1_000_000) },
        sent: Change { before: amount(10, 4_000_000), after: amount(10, 4_000_000) },
        hidden: vec![source(4, "src/main.py")],
    };
    check(
        &text(|out| terminal::context_tried(out, Style::PLAIN, &tried)),
        &expect![[r#"
            ──
            with src (nothing is written)
             sent  4.0 MB in 10 entries, as before
             kept  5.0 MB in 100 entries → 1.0 MB in 90 entries  −4.0 MB
             ✗ the build fails: line 4: COPY src/main.py would be ignored
        "#]],
    );
}

#[test]
fn the_document_holds_what_the_screen_shows() {
    let document = text(|out| json::context_answer(out, &answer()));
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(value["kind"], "context");
    assert_eq!(value["context"]["sent"]["bytes"], 1_400_000_000_u64);
    assert_eq!(value["tree"][1]["path"], "data/raw");
    assert_eq!(value["first_transfer"]["seconds"], 22.2);
    assert_eq!(value["times_basis"], "modelled");
    assert_eq!(value["sources"].as_array().unwrap().len(), 5);
    assert_eq!(value["proposal"]["sent"]["after"]["entries"], 20);
}

#[test]
fn what_disturbs_a_copy_is_told_with_its_price() {
    let step = |line, text: &str, seconds: Option<f64>| Rerun {
        line,
        text: text.to_owned(),
        seconds,
        build: seconds.map(|_| "build 0007".to_owned()),
    };
    let buster = |path: &str, commits, category, is_newer| Buster {
        path: path.into(),
        amount: amount(3, 10),
        commits,
        category,
        is_newer,
    };
    let all = [
        Disturbed {
            source: source(4, "src"),
            busters: vec![
                buster("src/__pycache__", 0, Some("python-cache"), true),
                buster("src/a\u{1b}[31m.py", 34, None, false),
            ],
            steps: vec![
                step(4, "COPY src /src", None),
                step(5, "RUN uv sync --frozen", Some(41.2)),
            ],
            commits: Some(100),
        },
        Disturbed { source: source(9, "b"), busters: vec![], steps: vec![], commits: None },
    ];
    let price = StepPrice { seconds: 41.2, basis: Basis::Measured, source: "build 0007".into() };
    let priced = |line, text: &str, runs, price| StepCost {
        line,
        text: text.to_owned(),
        runs,
        first: 0,
        price,
    };
    let cost = Fact::Known(RebuildCost {
        rebuilds: 40,
        steps: vec![
            priced(4, "COPY src /src", 30, None),
            priced(5, "RUN uv sync --frozen", 30, Some(price)),
            priced(9, "COPY b", 0, None),
        ],
    });
    check(
        &text(|out| terminal::context_busters(out, Style::PLAIN, &all, &cost)),
        &expect![[r#"
            ──
            line 4: COPY src
              changes often (last 100 commits, kinds of files, last build)
               src/__pycache__                      python-cache, made by tools; newer than…
               src/a.py                             in 34 commits
              runs again: 2 steps, 41.2 s when they last ran
                line 5  RUN uv sync --frozen  41.2 s (build 0007)
                line 4  COPY src /src
            line 9: COPY b
              nothing changes often (kinds of files, last build; no git history)
              runs again: 0 steps, never measured
            expected rebuild: 30.9 s (measured, 40 commits)
                line 5  RUN uv sync --frozen  30.9 s, runs in 30
                line 4  COPY src /src  no price, runs in 30
        "#]],
    );
    let document = text(|out| json::context_busters(out, &all, &cost));
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(value["sources"][0]["seconds"], 41.2);
    assert!(value["sources"][1]["seconds"].is_null());
    assert_eq!(value["sources"][0]["busters"][1]["commits"], 34);
    let expected = &value["expected_rebuild"];
    assert_eq!((&expected["rebuilds"], &expected["seconds"]), (&40.into(), &30.9.into()));
    assert_eq!(expected["steps"][1]["expected_seconds"], 30.9);
    assert_eq!(expected["steps_without_price"], 1);
    let unknown = Fact::Unknown(Why::Absent { what: "git history".into() });
    let told = text(|out| terminal::context_busters(out, Style::PLAIN, &[], &unknown));
    assert!(told.contains("expected rebuild: not known, no git history here"), "{told}");
    let document = text(|out| json::context_busters(out, &[], &unknown));
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert!(value["expected_rebuild"].is_null(), "{value}");
}
