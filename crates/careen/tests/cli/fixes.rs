//! Fix and undo: all or nothing, whoever is killed and however many run.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use crate::sandbox::{Run, Sandbox, settled};

const FIX: &[&str] = &["fix", "--yes"];
/// Everything that can be fixed, so that several files are written, one of them new.
const ALL: &[&str] = &["fix", "--yes", "--all", "--risky", "--script"];

/// A sick project with odd modes and old times.
fn old_project() -> Sandbox {
    let sandbox = Sandbox::sick();
    let dockerfile = sandbox.project().join("Dockerfile");
    fs::set_permissions(&dockerfile, fs::Permissions::from_mode(0o640)).unwrap();
    let time = UNIX_EPOCH + Duration::new(1_600_000_000, 123_456_789);
    let file = File::options().write(true).open(&dockerfile).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    sandbox
}

/// What the files are after the fix, from a project of the same files.
fn fixed() -> BTreeMap<std::path::PathBuf, (u32, Vec<u8>)> {
    let sandbox = old_project();
    sandbox.run(ALL).check(0, &[]);
    owned(&sandbox)
}

fn owned(sandbox: &Sandbox) -> BTreeMap<std::path::PathBuf, (u32, Vec<u8>)> {
    let tree = sandbox.tree();
    let contents = tree.contents();
    contents.into_iter().map(|(path, (mode, b))| (path.to_owned(), (mode, b.to_vec()))).collect()
}

#[test]
fn a_dry_run_shows_the_diff_and_changes_nothing() {
    let sandbox = old_project();
    let before = sandbox.tree();
    let run = sandbox.run(&["fix", "--dry-run"]);
    run.check(0, &["-RUN pip install requests", "+RUN --mount=type=cache", "@@"]);
    sandbox.run(&["fix", "--dry-run", "--all", "--risky", "--format", "json"]).json();
    assert_eq!(sandbox.tree(), before);
    assert!(!sandbox.project().join(".careen").exists(), "a dry run left something");
}

#[test]
fn undo_brings_bytes_modes_and_times_back_and_the_doctor_says_what_it_said() {
    for fix in [FIX, ALL] {
        let sandbox = old_project();
        let before = sandbox.tree();
        let ill = settled(sandbox.run(&["doctor", "--format", "json"]).json());
        sandbox.run(fix).check(0, &["Undo: careen undo 0001"]);
        let after = sandbox.tree();
        assert_ne!(after.contents(), before.contents());
        let better = settled(sandbox.run(&["doctor", "--format", "json"]).json());
        let count = |answer: &serde_json::Value| answer["findings"].as_array().unwrap().len();
        assert!(count(&better) < count(&ill), "{better:#}");
        sandbox.run(&["journal"]).check(0, &["0001", "applied"]);
        sandbox.run(&["undo"]).check(0, &["brought back"]);
        assert_eq!(sandbox.tree(), before);
        assert_eq!(settled(sandbox.run(&["doctor", "--format", "json"]).json()), ill);
        // An undo is a change like any other.
        sandbox.run(&["undo", "0002"]).check(0, &[]);
        assert_eq!(sandbox.tree().contents(), after.contents());
    }
}

#[test]
fn a_second_fix_finds_nothing_more_to_change() {
    let sandbox = old_project();
    sandbox.run(ALL).check(0, &[]);
    let once = sandbox.tree();
    sandbox.run(ALL).check(0, &[]);
    assert_eq!(sandbox.tree(), once);
}

#[test]
fn a_file_that_was_edited_since_is_not_overwritten_without_force() {
    let sandbox = old_project();
    let before = sandbox.tree();
    sandbox.run(FIX).check(0, &[]);
    sandbox.write("Dockerfile", b"FROM scratch\n");
    let edited = sandbox.tree();
    sandbox.run(&["undo"]).check(3, &["Dockerfile", "--force"]);
    assert_eq!(sandbox.tree(), edited);
    sandbox.run(&["undo", "--force"]).check(0, &[]);
    assert_eq!(sandbox.tree(), before);
}

/// Killed at 25 moments spread over a whole run, careen leaves each file old or new, and the next
/// call leaves the project untouched or fixed.
#[test]
fn a_killed_fix_leaves_the_project_untouched_or_fixed() {
    let new = fixed();
    let whole = polls(start(&old_project(), ALL));
    let mut survived = 0;
    for moment in 0..25u64 {
        let sandbox = old_project();
        let before = sandbox.tree();
        let old = owned(&sandbox);
        let mut careen = start(&sandbox, ALL);
        for _ in 0..whole * moment / 24 {
            let _ = careen.try_wait();
        }
        careen.kill().unwrap();
        survived += u32::from(careen.wait().unwrap().success());
        for (path, found) in owned(&sandbox) {
            let is_temporary = !old.contains_key(&path) && !new.contains_key(&path);
            let is_whole = old.get(&path) == Some(&found) || new.get(&path) == Some(&found);
            assert!(is_temporary || is_whole, "{} is neither old nor new", path.display());
        }
        if moment % 2 == 0 {
            sandbox.run(ALL).check(0, &[]);
            assert_eq!(owned(&sandbox), new, "killed at {moment}/24");
        }
        let undone = sandbox.run(&["undo"]);
        match undone.code {
            Some(0) => (),
            _ => undone.check(3, &["nothing to undo"]),
        }
        assert_eq!(sandbox.tree(), before, "killed at {moment}/24\n{undone}");
    }
    assert!(survived < 25, "no careen was killed in time");
}

#[test]
fn two_fixes_at_once_are_one_fix() {
    let new = fixed();
    for _ in 0..5 {
        let sandbox = old_project();
        let before = sandbox.tree();
        let both = [start(&sandbox, ALL), start(&sandbox, ALL)];
        for careen in both {
            let run = Run::of(&careen.wait_with_output().unwrap());
            match run.code {
                Some(0) => (),
                // The second one planned on what the first has changed since.
                _ => run.check(3, &["could not apply the fixes"]),
            }
        }
        assert_eq!(owned(&sandbox), new);
        sandbox.run(&["undo"]).check(0, &[]);
        assert_eq!(sandbox.tree(), before);
    }
}

#[test]
fn selectors_choose_what_is_changed() {
    #[track_caller]
    fn check(arguments: &[&str], changed: &[&str]) {
        let sandbox = Sandbox::sick();
        let old = owned(&sandbox);
        sandbox.run(&[&["fix", "--yes"], arguments].concat()).check(0, &[]);
        let new = owned(&sandbox);
        let differ = new.iter().filter(|(path, file)| old.get(*path) != Some(*file));
        let differ: Vec<&Path> = differ.map(|(path, _)| path.as_path()).collect();
        let expected: Vec<&Path> = changed.iter().map(Path::new).collect();
        assert_eq!(differ, expected, "{arguments:?}");
    }
    check(&["--dockerignore"], &[".dockerignore"]);
    check(&["--script"], &["build_optimized.sh"]);
    check(&["--only", "package-cache-unmounted"], &["Dockerfile"]);
    check(&["--only", "clock-skew"], &[]);
    check(&["--dockerignore", "--script"], &[".dockerignore", "build_optimized.sh"]);
}

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.careen(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How often a run can be asked whether it has ended before it has.
fn polls(mut careen: Child) -> u64 {
    let mut n = 1;
    while careen.try_wait().unwrap().is_none() {
        n += 1;
    }
    n
}

#[test]
fn the_json_of_a_fix_tells_how_to_undo_it() {
    let sandbox = Sandbox::sick();
    let done = sandbox.run(&["fix", "--all", "--yes", "--format", "json"]).json();
    assert_eq!(done["kind"], "applied", "{done}");
    let id = done["journal"].as_str().unwrap();
    sandbox.run(&["undo", id]).check(0, &["brought back"]);
}
