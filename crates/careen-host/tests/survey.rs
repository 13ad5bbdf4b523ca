//! A context surveyed: what is kept, what is sent, what is large and what is dangerous.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its tree should stop")]

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
    path::Path,
};

use careen_host::walk::{SurveyRequest, amount_after, difference, price_lines, survey};
use careen_model::{ContextFacts, Fact, context::Amount};
use expect_test::{Expect, expect};

fn plant(root: &Path, files: &[(&str, usize)]) {
    for (path, size) in files {
        let full = root.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, vec![b'x'; *size]).unwrap();
    }
}

fn request<'a>(root: &Path) -> SurveyRequest<'a> {
    SurveyRequest {
        root: root.to_owned(),
        dockerfile: "Dockerfile".into(),
        follow: None,
        copied: vec![],
        categories: &[],
        everything: false,
        force: None,
    }
}

fn amount(amount: Amount) -> String {
    format!("{} entries, {} files, {} bytes", amount.entries, amount.files, amount.bytes)
}

/// The facts without what differs from run to run.
fn render(facts: &ContextFacts) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    if let Fact::Known(everything) = facts.everything {
        writeln!(out, "everything {}", amount(everything)).unwrap();
    }
    writeln!(out, "kept {}", amount(facts.kept)).unwrap();
    writeln!(out, "sent {}", amount(facts.sent)).unwrap();
    for one in &facts.top_files {
        writeln!(out, "file {} {}", one.path.display(), one.amount.bytes).unwrap();
    }
    for one in &facts.top_folders {
        writeln!(out, "folder {} {}", one.path.display(), amount(one.amount)).unwrap();
    }
    for secret in &facts.secrets {
        writeln!(out, "secret {}: {}", secret.path.display(), secret.because).unwrap();
    }
    for hazard in &facts.hazards {
        writeln!(out, "hazard {:?} {}", hazard.kind, hazard.path.display()).unwrap();
    }
    for category in &facts.categories {
        writeln!(out, "category {} {}", category.category, amount(category.amount)).unwrap();
    }
    for problem in &facts.ignore.problems {
        writeln!(out, "problem {:?} {}", problem.line, problem.message).unwrap();
    }
    out
}

fn check(request: &SurveyRequest<'_>, expected: &Expect) {
    let facts = survey(request).unwrap();
    let root = request.root.display().to_string();
    expected.assert_eq(&render(&facts).replace(&root, "ROOT"));
}

const TREE: &[(&str, usize)] = &[
    ("Dockerfile", 10),
    (".env", 3),
    ("src/app.py", 100),
    ("src/deep/more.py", 50),
    ("data/a.bin", 5000),
    ("data/b.bin", 4000),
    ("node_modules/x/index.js", 300),
    ("src/__pycache__/app.pyc", 70),
];

#[test]
fn amounts_of_all_three_sets_come_from_one_walk() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    fs::write(root.path().join(".dockerignore"), "node_modules\n").unwrap();
    let mut request = request(root.path());
    request.everything = true;
    request.follow = Some(vec!["src/".into(), ".env".into()]);
    request.categories = &[("python", &["**/__pycache__"]), ("data", &["data", "!data/a.bin"])];
    check(
        &request,
        &expect![[r"
            everything 15 entries, 9 files, 9546 bytes
            kept 12 entries, 8 files, 9246 bytes
            sent 7 entries, 4 files, 223 bytes
            file data/a.bin 5000
            file data/b.bin 4000
            file src/app.py 100
            file src/__pycache__/app.pyc 70
            file src/deep/more.py 50
            file .dockerignore 13
            file Dockerfile 10
            file .env 3
            folder data 2 entries, 2 files, 9000 bytes
            folder src 5 entries, 3 files, 220 bytes
            folder src/__pycache__ 1 entries, 1 files, 70 bytes
            folder src/deep 1 entries, 1 files, 50 bytes
            secret .env: environment file
            category python 2 entries, 1 files, 70 bytes
            category data 3 entries, 2 files, 9000 bytes
        "]],
    );
    request.everything = false;
    let facts = survey(&request).unwrap();
    assert_eq!(amount(facts.kept), "12 entries, 8 files, 9246 bytes");
    let patterns = ["node_modules".to_owned(), "data".to_owned()];
    let after = amount_after(root.path(), &patterns, None).unwrap();
    assert_eq!(amount(after), "9 entries, 6 files, 246 bytes");
    let sources = ["src".to_owned()];
    let after = amount_after(root.path(), &patterns, Some(&sources)).unwrap();
    assert_eq!(amount(after), "6 entries, 3 files, 220 bytes");
}

#[test]
fn links_on_the_way_to_a_source_are_hazards() {
    let root = tempfile::tempdir().unwrap();
    plant(
        root.path(),
        &[("packages/a/package.json", 2), ("packages/a/big", 9), ("dir/a", 1), ("dir/b", 1)],
    );
    symlink("a", root.path().join("packages/current")).unwrap();
    symlink("dir", root.path().join("link")).unwrap();
    let mut request = request(root.path());
    let sources = ["packages/*/package.json", "link/a", "link/b"];
    request.follow = Some(sources.map(str::to_owned).to_vec());
    check(
        &request,
        &expect![[r"
        kept 9 entries, 4 files, 13 bytes
        sent 8 entries, 3 files, 12 bytes
        file packages/a/big 9
        file packages/a/package.json 2
        file dir/a 1
        file dir/b 1
        folder packages/a 2 entries, 2 files, 11 bytes
        folder dir 2 entries, 2 files, 2 bytes
        hazard WideWildcard packages/*
        hazard LinkUsedTwice link/b
    "]],
    );
    request.follow = Some(vec!["link/a".into(), "link/b".into(), "dir".into()]);
    assert_eq!(survey(&request).unwrap().hazards, []);
}

#[test]
fn two_ignore_texts_are_compared_by_what_they_let_through() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    plant(root.path(), &[("data.txt", 1), ("src.d/x", 1)]);
    let before = ["src".to_owned()];
    let after = ["data".to_owned(), "src/deep".to_owned(), "src.d/x".to_owned()];
    let change = difference(root.path(), &before, &after).unwrap();
    let shown = |paths: &[std::path::PathBuf]| {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&change.removed), ["data", "src.d/x"]);
    assert_eq!(shown(&change.added), ["src"]);
    assert_eq!((change.before.bytes, change.after.bytes), (9315, 484));
    let same = difference(root.path(), &before, &before).unwrap();
    assert_eq!((same.removed.len(), same.added.len()), (0, 0));
}

#[test]
fn every_line_has_a_price() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    let patterns = ["data", "**.bin", "!data/a.bin", "dead", "**/*.pyc"].map(str::to_owned);
    let prices = price_lines(root.path(), &patterns).unwrap();
    let bytes: Vec<(u64, u64)> =
        prices.iter().map(|price| (price.matched.bytes, price.exclusive.bytes)).collect();
    assert_eq!(bytes, [(9000, 0), (9000, 0), (5000, 5000), (0, 0), (70, 70)]);
}

#[test]
fn silent_faults_are_hazards() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    plant(root.path(), &[(".venv/lib/x.py", 5), (".venv/lib/x.so", 5)]);
    fs::write(root.path().join(".dockerignore"), "*\n!**/*.py\n!s\n![\n.venv\n!odd*\n").unwrap();
    let _socket = UnixListener::bind(root.path().join("s")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"odd\xff");
    fs::write(root.path().join(odd), "x").unwrap();
    check(
        &request(root.path()),
        &expect![[r"
            kept 9 entries, 4 files, 156 bytes
            sent 9 entries, 4 files, 156 bytes
            file src/app.py 100
            file src/deep/more.py 50
            file .venv/lib/x.py 5
            file odd� 1
            folder src 3 entries, 2 files, 150 bytes
            folder src/deep 1 entries, 1 files, 50 bytes
            folder .venv/lib 1 entries, 1 files, 5 bytes
            hazard ZeroByte .venv/lib/x.py
            hazard NotUtf8 odd�
            hazard Special s
            hazard ReadsIgnored !**/*.py
            hazard ReadsIgnored !odd*
            problem Some(4) syntax error in pattern: `![`
        "]],
    );
}

#[test]
fn the_dedicated_file_replaces_the_common_one() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    fs::write(root.path().join(".dockerignore"), "*\n").unwrap();
    assert_eq!(survey(&request(root.path())).unwrap().kept.entries, 0);
    fs::write(root.path().join("Dockerfile.dockerignore"), "# nothing\n").unwrap();
    let facts = survey(&request(root.path())).unwrap();
    assert!(facts.ignore.dedicated);
    assert_eq!(facts.kept.files, 10);
    assert_eq!(facts.ignore.problems.len(), 1);
}

#[test]
fn an_ignore_file_that_leads_out_of_the_context_does_not_count() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    fs::write(outside.path().join("ignore"), "*\n").unwrap();
    symlink(outside.path().join("ignore"), root.path().join(".dockerignore")).unwrap();
    let facts = survey(&request(root.path())).unwrap();
    assert_eq!(facts.kept.files, 8);
    assert_eq!(facts.ignore.problems.len(), 1);
    assert!(!facts.ignore.problems[0].fatal);
}

/// What no instruction takes is told by its first folder, and which of the largest files it holds.
#[test]
fn what_no_instruction_takes_is_told() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    let mut request = request(root.path());
    request.follow = Some(vec!["src".into()]);
    let facts = survey(&request).unwrap();
    let paths = |list: &[std::path::PathBuf]| -> Vec<String> {
        list.iter().map(|path| path.display().to_string()).collect()
    };
    let unused: Vec<(String, u64)> = facts
        .unused
        .iter()
        .map(|folder| (folder.path.display().to_string(), folder.amount.bytes))
        .collect();
    let wanted = [(".", 13), ("data", 9000), ("node_modules", 300)];
    assert_eq!(unused, wanted.map(|(path, bytes)| (path.to_owned(), bytes)));
    assert_eq!(
        facts.unused.iter().map(|folder| folder.amount.bytes).sum::<u64>(),
        facts.kept.bytes - facts.sent.bytes
    );
    let wanted = ["data/a.bin", "data/b.bin", "node_modules/x/index.js", "Dockerfile", ".env"];
    assert_eq!(paths(&facts.unused_files), wanted);
}

#[test]
fn nothing_is_sent_without_a_source() {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), TREE);
    let mut request = request(root.path());
    request.follow = Some(Vec::new());
    let facts = survey(&request).unwrap();
    assert_eq!((facts.sent.entries, facts.kept.files), (0, 8));
    request.follow = Some(vec!["src".into(), "./".into()]);
    let facts = survey(&request).unwrap();
    assert_eq!(facts.sent, facts.kept);
}

#[test]
fn a_missing_root_is_a_reason() {
    let err = survey(&request(Path::new("/nonexistent/context"))).unwrap_err();
    assert_eq!(err.to_string(), "no folder /nonexistent/context here");
}
