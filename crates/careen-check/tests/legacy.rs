//! The documented facts, on a healthy machine and where nothing is known.

use std::fmt::Write;

use careen_check::{Facts, LintFacts, Selection, diagnose, legacy};
use careen_model::legacy::{Group, Value};
use careen_test::Machine;
use expect_test::{Expect, expect};

fn check(facts: &Facts, expected: &Expect) {
    let diagnosis = diagnose(facts, &Selection::default());
    let mut out = String::new();
    for (name, value) in legacy(facts, &diagnosis) {
        show(&(name, value), 0, &mut out);
    }
    expected.assert_eq(&out);
}

fn show((name, value): &Group, depth: usize, out: &mut String) {
    let line = format!("{:depth$}{name}: {}", "", flat(value), depth = depth * 2);
    writeln!(out, "{}", line.trim_end()).expect("a String never fails");
    if let Value::Map(members) = value {
        for member in members {
            show(member, depth + 1, out);
        }
    }
    if let (Value::List(items), "recommendations") = (value, *name) {
        for item in items {
            show(&("-", item.clone()), depth + 1, out);
        }
    }
}

fn flat(value: &Value) -> String {
    match value {
        Value::Null { why } => format!("null ({why})"),
        Value::Bool(known) => known.to_string(),
        Value::Number(known) => format!("{known:.3}"),
        Value::Count(known) => known.to_string(),
        Value::Text(known) => format!("{known:?}"),
        Value::List(items) if items.iter().all(|item| !matches!(item, Value::Map(_))) => {
            format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", "))
        }
        Value::List(_) | Value::Map(_) => String::new(),
    }
}

fn facts(machine: Machine) -> Facts {
    let Machine { project, host, engine, context, history, changes, now } = machine;
    let lint = LintFacts::default();
    Facts { project, host, engine, context, dockerfile: None, history, changes, lint, now }
}

#[test]
fn a_sick_machine() {
    let mut machine = Machine::ill(
        "mount.class = WindowsNineP\nmount.type = 9p\nlatency.lookup = 1.1 ms\nhost.wsl = 2\n\
         space.engine.free = 3 GB\ncontext.bytes = 120 MB\ncontext.top = a/b.mov 70 MB\n\
         cache = regular 12 GB idle=3h\nclient.buildx = none\nclient.builder = built-in",
    );
    machine.ignore_with(".git\n.venv\nnode_modules\n");
    check(
        &facts(machine),
        &expect![[r#"
            environment:
              is_wsl: true
              on_windows_mount: true
              current_path: "/home/me/app"
              docker_available: true
              buildx_available: false
              engine_answers: true
              file_system: "9p"
              lookup_ms: 1.100
              slower_than_home: 1000.000
            disk:
              root_available_gb: 300.000
              sufficient_space: false
              docker_data_gb: 16.000
              engine_available_gb: 3.000
              windows_drive_available_gb: null (no virtual disk on a Windows drive on this system)
              needed_gb: 5.240
              needed_because: "2 × 120.0 MB context + 5.0 GB for a first build (no build of this project is recorded)"
            cache:
              cache_size_gb: 12.000
              cache_exists: true
              needs_cleanup: true
              cleanup_reason: "3.0 GB free, 5.2 GB needed, 12.0 GB reclaimable"
              reclaimable_gb: 12.000
              collector: "80 % of the disk at most (28.5.1 to 29.5)"
            dockerignore:
              exists: true
              has_essential_patterns: false
              missing_patterns: ["__pycache__", "*.pyc", "videos", "data", "models", "weights"]
              in_force: "/home/me/app/.dockerignore"
            context:
              estimated_size_mb: 120.000
              large_files: [[70.000, "a/b.mov"]]
              context_too_large: true
              entries: 300
              kept_size_mb: 120.000
            recommendations:
              -:
                priority: "critical"
                issue: "the context lies on a Windows drive (9p): 1000× slower than your disk"
                impact: "1.7 s of the next build"
                fix: "Keep the project in the Linux file system and open it there"
                commands: ["careen move --to ~/project", "cd ~/project"]
                rule: "slow-context"
              -:
                priority: "high"
                issue: "the engine's disk has 3.0 GB free; the next build needs 5.2 GB"
                impact: "the next build may fail"
                fix: "Remove the 1 oldest cache record, 12.0 GB"
                commands: ["careen fix --only low-space --risky"]
                rule: "low-space"
              -:
                priority: "high"
                issue: "each first build sends 120.0 MB in 270 files"
                impact: "83 ms of the next build"
                fix: "Ignore what the image does not need, or mount it when the container runs"
                commands: ["careen context"]
                rule: "large-context"
              -:
                priority: "medium"
                issue: "the docker client has no buildx; careen builds without it"
                impact: "not measured"
                fix: "Install buildx if people or scripts call `docker buildx`"
                commands: ["apt-get install docker-buildx"]
                rule: "buildx-missing"
              -:
                priority: "medium"
                issue: "6 of 9 essential patterns are missing"
                impact: "not measured"
                fix: "Ignore what no image needs (11 groups of patterns)"
                commands: ["careen fix --only weak-ignore-file --risky"]
                rule: "weak-ignore-file"
        "#]],
    );
}

#[test]
fn nothing_is_known() {
    check(
        &Facts::nothing(0),
        &expect![[r#"
            environment:
              is_wsl: null (not asked for)
              on_windows_mount: null (not asked for)
              current_path: null (not asked for)
              docker_available: null (not asked for)
              buildx_available: null (not asked for)
              engine_answers: null (not asked for)
              file_system: null (not asked for)
              lookup_ms: null (not asked for)
              slower_than_home: null (not asked for)
            disk:
              root_available_gb: null (not asked for)
              sufficient_space: null (not asked for)
              docker_data_gb: null (not asked for)
              engine_available_gb: null (not asked for)
              windows_drive_available_gb: null (not asked for)
              needed_gb: 5.000
              needed_because: "a context of unknown size + 5.0 GB for a first build (no build of this project is recorded)"
            cache:
              cache_size_gb: null (not asked for)
              cache_exists: null (not asked for)
              needs_cleanup: null (not asked for)
              cleanup_reason: null (not asked for)
              reclaimable_gb: null (not asked for)
              collector: null (not asked for)
            dockerignore:
              exists: null (not asked for)
              has_essential_patterns: null (not asked for)
              missing_patterns: null (not asked for)
              in_force: null (not asked for)
            context:
              estimated_size_mb: null (not asked for)
              large_files: null (not asked for)
              context_too_large: null (not asked for)
              entries: null (not asked for)
              kept_size_mb: null (not asked for)
            recommendations: []
        "#]],
    );
}
