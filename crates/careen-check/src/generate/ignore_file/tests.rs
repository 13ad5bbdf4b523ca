//! Ignore files as they are and as they become.

use std::fmt::Write;

use careen_model::facts::context::Amount;
use careen_model::facts::project::ProjectKind;
use careen_model::{Fact, Why};
use expect_test::{Expect, expect};

use super::*;

fn project(kinds: &[ProjectKind]) -> ProjectFacts {
    ProjectFacts {
        root: "/p".into(),
        dockerfile: Fact::Unknown(Why::NotAsked),
        context: "/p".into(),
        target: None,
        kinds: kinds.to_vec(),
        python: Fact::Unknown(Why::NotAsked),
        has_git: true,
        compose: None,
        devcontainer: None,
        broken: vec![],
    }
}

/// Proposes, checks what must hold for every proposal, and returns it.
fn proposal(existing: Option<&str>, kinds: &[ProjectKind], needed: &[&str]) -> Proposal {
    let project = project(kinds);
    let needed: Vec<String> = needed.iter().map(|&source| source.to_owned()).collect();
    let request =
        Request { existing, project: &project, amounts: &[], needed: &needed, keep: &KEPT };
    let first = propose(&request);
    let again = propose(&Request { existing: Some(&first.text), ..request });
    assert_eq!(again.text, first.text, "writing twice changes nothing");
    assert_eq!(again.added, []);
    assert!(first.text.starts_with(existing.unwrap_or("")), "lines that exist stay");
    let before = read(existing.unwrap_or("").as_bytes()).patterns;
    let after = read(first.text.as_bytes()).patterns;
    for path in needed.iter().filter(|path| can_be_excepted(path)) {
        let path = clean(path);
        assert!(is_hidden(&before, &path) || !is_hidden(&after, &path), "{path} was hidden");
    }
    first
}

fn check(existing: Option<&str>, kinds: &[ProjectKind], needed: &[&str], expected: &Expect) {
    let proposal = proposal(existing, kinds, needed);
    let mut told = proposal.text;
    for (pattern, reason) in proposal.refused {
        writeln!(told, "~~ {pattern}: {reason}").unwrap();
    }
    // Rust reads a literal without carriage returns; another test looks at line ends.
    expected.assert_eq(&told.replace('\r', ""));
}

const LEARNING: &[ProjectKind] = &[ProjectKind::Python, ProjectKind::MachineLearning];

#[test]
fn a_project_of_machine_learning_gets_all_that_suits_it() {
    check(
        None,
        LEARNING,
        &["pyproject.toml", "uv.lock", "src", "."],
        &expect![[r"
            # Git
            .git
            .gitattributes
            .gitmodules
            .github

            # Editors
            .vscode
            .idea
            **/*.swp
            **/*.swo
            **/*~

            # Python caches and build leftovers
            **/__pycache__
            **/*.pyc
            **/*.pyo
            **/*.pyd
            **/.pytest_cache
            **/.mypy_cache
            **/.ruff_cache
            **/.hypothesis
            **/.tox
            **/.nox
            **/.coverage
            **/htmlcov
            **/*.egg-info
            **/.eggs

            # Virtual environments
            **/.venv
            venv
            .virtualenv
            .conda

            # Jupyter
            **/.ipynb_checkpoints
            **/*.ipynb

            # Logs and databases
            **/*.log
            **/*.sqlite3
            **/*.db
            logs

            # Data, models and results
            data
            datasets
            models
            weights
            videos
            outputs
            results
            experiments

            # Cache folders
            **/.cache
            .uv-cache
            .pip-cache
            .ccache

            # Tracking of experiments
            mlruns
            wandb
            .roboflow
            yolo*.pt

            # Documentation
            docs
            *.md
            *.rst

            # Files of operating systems
            **/.DS_Store
            **/Thumbs.db
            **/desktop.ini

            # Temporary files
            **/*.tmp
            **/*.bak
            **/*.orig
            tmp
            temp

            # Large binary files
            **/*.pt
            **/*.pth
            **/*.onnx
            **/*.h5
            **/*.mp4
            **/*.avi
            **/*.mov
            **/*.zip
            **/*.tar.gz

            # Journal of careen
            .careen

            # Kept, because the build needs it
            !README.md
        "]],
    );
}

#[test]
fn lines_that_exist_stay_and_weak_ones_are_completed() {
    let existing = "\u{feff}# ours\r\n*.pyc\r\n**/__pycache__\r\n.git\r\n\r\n*.md\r\n!NOTES.md";
    check(
        Some(existing),
        &[ProjectKind::Rust],
        &["Cargo.toml"],
        &expect![[r"
            ﻿# ours
            *.pyc
            **/__pycache__
            .git

            *.md
            !NOTES.md

            # Git
            .gitattributes
            .gitmodules
            .github

            # Editors
            .vscode
            .idea
            **/*.swp
            **/*.swo
            **/*~

            # Logs and databases
            **/*.log
            **/*.sqlite3
            **/*.db
            logs

            # Cache folders
            **/.cache
            .uv-cache
            .pip-cache
            .ccache

            # Compiler output
            target

            # Documentation
            docs
            *.rst

            # Files of operating systems
            **/.DS_Store
            **/Thumbs.db
            **/desktop.ini

            # Temporary files
            **/*.tmp
            **/*.bak
            **/*.orig
            tmp
            temp

            # Journal of careen
            .careen
        "]],
    );
}

#[test]
fn line_ends_stay_what_they_are() {
    let text = proposal(Some("a\r\nb"), LEARNING, &[]).text;
    assert!(text.starts_with("a\r\nb\r\n\r\n# Git\r\n.git\r\n"));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn what_the_build_copies_is_never_hidden() {
    let needed = ["./data/", "models/yolo/config.yaml", "notebooks", "app.db", "docs/*.rst", "src"];
    let proposal = proposal(None, LEARNING, &needed);
    let lines = proposal.refused.iter().map(|(pattern, reason)| format!("{pattern}: {reason}"));
    let refused = lines.collect::<Vec<_>>().join("\n");
    expect![[r"
        **/*.ipynb: the build copies notebooks, which holds such files
        data: the build copies data
        docs: the build copies docs/*.rst
        **/*.pt: the build copies data, which holds such files
        **/*.pth: the build copies data, which holds such files
        **/*.onnx: the build copies data, which holds such files
        **/*.h5: the build copies data, which holds such files
        **/*.mp4: the build copies data, which holds such files
        **/*.avi: the build copies data, which holds such files
        **/*.mov: the build copies data, which holds such files
        **/*.zip: the build copies data, which holds such files
        **/*.tar.gz: the build copies data, which holds such files"]]
    .assert_eq(&refused);
    assert_eq!(proposal.exceptions, ["README.md", "app.db", "models/yolo/config.yaml"]);
}

#[test]
fn caches_in_a_kept_folder_stay_hidden() {
    let proposal = proposal(None, LEARNING, &["data/configs"]);
    assert_eq!(proposal.exceptions, ["README.md", "data/configs"]);
    let patterns = read(proposal.text.as_bytes()).patterns;
    assert!(is_hidden(&patterns, "data/configs/a/__pycache__/b.pyc"));
    assert!(is_hidden(&patterns, "data/videos/a"));
    assert!(!is_hidden(&patterns, "data/configs/a.yaml"));
}

#[test]
fn an_allow_list_only_gets_what_it_lets_in() {
    let existing = "*\n!src\n!pyproject.toml\n!uv.lock\n";
    check(
        Some(existing),
        LEARNING,
        &["src", "pyproject.toml", "uv.lock"],
        &expect![[r"
            *
            !src
            !pyproject.toml
            !uv.lock

            # Editors
            **/*.swp
            **/*.swo
            **/*~

            # Python caches and build leftovers
            **/__pycache__
            **/*.pyc
            **/*.pyo
            **/*.pyd
            **/.pytest_cache
            **/.mypy_cache
            **/.ruff_cache
            **/.hypothesis
            **/.tox
            **/.nox
            **/.coverage
            **/htmlcov
            **/*.egg-info
            **/.eggs

            # Virtual environments
            **/.venv

            # Cache folders
            **/.cache

            # Files of operating systems
            **/.DS_Store
            **/Thumbs.db
            **/desktop.ini

            # Temporary files
            **/*.tmp
            **/*.bak
            **/*.orig
        "]],
    );
}

#[test]
fn what_lies_there_counts_whatever_kind_the_project_is() {
    let project = project(&[ProjectKind::Go]);
    let amount = Amount { entries: 3, files: 2, bytes: 10 };
    let amounts = [CategoryAmount { category: "node", amount }];
    let request =
        Request { existing: None, project: &project, amounts: &amounts, needed: &[], keep: &KEPT };
    let names: Vec<_> = propose(&request).added.into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"node") && !names.contains(&"python-cache"), "{names:?}");
    assert!(names.contains(&"careen"));
}

#[test]
fn a_file_that_fails_the_build_is_left_alone() {
    let proposal = proposal(Some("a\n[\n"), LEARNING, &[]);
    assert_eq!(proposal.text, "a\n[\n");
    assert_eq!(proposal.refused[0].0, "[");
}

#[test]
fn only_derived_files_are_safe_to_hide() {
    assert!(!proposal(None, LEARNING, &[]).is_safe());
    let existing = "**.log\n**.db\n**.sqlite3\nlogs\ndocs\n*.md\n*.rst\n!README.md\n";
    assert!(proposal(Some(existing), &[ProjectKind::Rust], &[]).is_safe());
}

#[test]
fn the_safe_part_and_then_the_rest_are_the_whole() {
    let project = project(LEARNING);
    let request =
        Request { existing: None, project: &project, amounts: &[], needed: &[], keep: &KEPT };
    let safe = propose_safe(&request);
    assert!(safe.is_safe() && !safe.added.is_empty());
    assert!(!read(safe.text.as_bytes()).patterns.contains(&"data".to_owned()));
    let rest = propose(&Request { existing: Some(&safe.text), ..request });
    let patterns =
        |text: &str| -> BTreeSet<String> { read(text.as_bytes()).patterns.into_iter().collect() };
    assert_eq!(patterns(&rest.text), patterns(&propose(&request).text));
}

#[test]
fn every_pattern_of_the_table_is_read_and_matches_what_it_is_for() {
    for category in &CATEGORIES {
        for pattern in category.patterns {
            let matcher = Matcher::new(&[pattern]).unwrap();
            assert!(is_covered(&matcher, category, pattern, &[]), "{pattern}");
            assert!(!pattern.starts_with("**."), "{pattern}: Docker 20.10 reads it otherwise");
        }
    }
    let names: BTreeSet<_> = CATEGORIES.iter().map(|category| category.name).collect();
    assert_eq!(names.len(), CATEGORIES.len());
}
