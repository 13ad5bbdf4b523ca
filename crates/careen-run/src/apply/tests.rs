//! Stops a change after every step, settles it, and compares the whole project byte for byte.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use careen_model::{FileChange, Plan};
use tempfile::TempDir;

use super::*;

#[path = "../../tests/common/mod.rs"]
mod common;
use common::{Tree, content, make, plan, tree};

fn project() -> (TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let journal = Journal::of(folder.path()).unwrap();
    (folder, journal)
}

/// A watcher that stops after `steps` steps.
fn stop_after(mut steps: usize) -> impl FnMut(Point) -> Result<(), Error> {
    move |_| {
        if steps == 0 {
            return Err(Error::Stopped);
        }
        steps -= 1;
        Ok(())
    }
}

/// The project after the plan, undisturbed.
fn fixed() -> Tree {
    let (folder, journal) = project();
    journal.apply(&plan(folder.path()), 1).unwrap();
    tree(folder.path())
}

#[test]
fn a_plan_is_applied_and_undone_byte_for_byte() {
    let (folder, journal) = project();
    let before = tree(folder.path());
    let applied = journal.apply(&plan(folder.path()), 5).unwrap().unwrap();
    assert_eq!((applied.id.as_str(), applied.files.len()), ("0001", 6));
    let after = tree(folder.path());
    let mode = |name: &str| after[Path::new(name)].0 & 0o777;
    assert_eq!(after[Path::new("docker/Dockerfile")].2, b"FROM a\r\nRUN c\r\n");
    assert_eq!(after[Path::new("real.txt")].2, b"text\n");
    assert!(folder.path().join("link.txt").is_symlink());
    assert_eq!(
        [mode("docker/Dockerfile"), mode("run.sh"), mode("real.txt")],
        [0o640, 0o755, 0o755]
    );
    assert_ne!(mode("new/deep/build.sh") & 0o100, 0);
    assert_eq!(mode("new/notes") & 0o111, 0);
    assert_eq!(after[Path::new("other.txt")], before[Path::new("other.txt")]);
    assert_eq!(fs::read(folder.path().join(".careen/.gitignore")).unwrap(), b"*\n");

    let undone = journal.undo(Which::Last, Edited::Refuse, 6).unwrap();
    assert_eq!(undone.id, "0002");
    assert_eq!(tree(folder.path()), before);
    let entries = journal.entries().unwrap();
    assert_eq!(entries[0].rules, ["early-copy"]);
    assert_eq!(entries[0].state, EntryState::Undone { by: "0002".into() });
    assert_eq!((entries[1].undoes.as_deref(), entries[1].at), (Some("0001"), 6));
    assert!(matches!(journal.undo(Which::Last, Edited::Refuse, 7), Err(Error::NothingToUndo)));
    assert!(matches!(
        journal.undo(Which::Id("1"), Edited::Refuse, 7),
        Err(Error::AlreadyUndone { .. })
    ));

    // Undoing the undo brings the fix back, and then it can be undone again.
    journal.undo(Which::Id("2"), Edited::Refuse, 8).unwrap();
    assert_eq!(content(&tree(folder.path())), content(&after));
    journal.undo(Which::Last, Edited::Refuse, 9).unwrap();
    assert_eq!(tree(folder.path()), before);
}

#[test]
fn stopped_at_any_step_a_fix_is_all_or_nothing() {
    let wanted = content(&fixed());
    let (mut steps, mut nothing, mut all) = (0, 0, 0);
    loop {
        let (folder, journal) = project();
        let before = tree(folder.path());
        let result = journal.apply_watched(&plan(folder.path()), 1, &mut stop_after(steps));
        if result.is_ok() {
            break;
        }
        assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
        let settled = journal.recover().unwrap();
        let now = tree(folder.path());
        match settled.as_slice() {
            [Recovered::TakenBack { .. }] => {
                assert_eq!(now, before, "after {steps} steps");
                nothing += 1;
            }
            // The last step is told after the entry is done, so there is nothing to settle.
            [Recovered::Finished { .. }] | [] => {
                assert_eq!(content(&now), wanted, "after {steps} steps");
                all += 1;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(journal.recover().unwrap(), []);
        steps += 1;
    }
    assert!(nothing > 20 && all > 6, "{nothing} taken back, {all} finished");
}

#[test]
fn stopped_at_any_step_an_undo_is_all_or_nothing() {
    let mut steps = 0;
    loop {
        let (folder, journal) = project();
        let before = tree(folder.path());
        journal.apply(&plan(folder.path()), 1).unwrap();
        let after = tree(folder.path());
        let result = journal.undo_watched(Which::Last, Edited::Refuse, 2, &mut stop_after(steps));
        if result.is_ok() {
            break;
        }
        match journal.recover().unwrap().as_slice() {
            [Recovered::TakenBack { .. }] => assert_eq!(tree(folder.path()), after),
            [Recovered::Finished { .. }] | [] => assert_eq!(tree(folder.path()), before),
            other => panic!("{other:?}"),
        }
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
}

#[test]
fn settling_can_itself_be_stopped_at_any_step() {
    let wanted = content(&fixed());
    let mut tried = 0;
    for steps in (0..).step_by(3) {
        for again in 0.. {
            let (folder, journal) = project();
            let before = tree(folder.path());
            let mut watcher = stop_after(steps);
            if journal.apply_watched(&plan(folder.path()), 1, &mut watcher).is_ok() {
                assert!(tried > 20, "{tried}");
                return;
            }
            let stopped = journal.recover_watched(&mut stop_after(again)).is_err();
            journal.recover().unwrap();
            let now = tree(folder.path());
            assert!(now == before || content(&now) == wanted, "{steps} steps, then {again}");
            tried += 1;
            if !stopped {
                break;
            }
        }
    }
}

#[test]
fn a_file_that_changed_is_left_alone() {
    let (folder, journal) = project();
    let stale = plan(folder.path());
    fs::write(folder.path().join("run.sh"), "mine\n").unwrap();
    let before = tree(folder.path());
    let result = journal.apply(&stale, 1);
    assert!(matches!(result, Err(Error::Changed { path }) if path == Path::new("run.sh")));
    assert_eq!(tree(folder.path()), before);
    assert!(!folder.path().join(".careen").exists());

    let mut late = plan(folder.path());
    late.files.remove(2);
    let touch = folder.path().join("docker/Dockerfile");
    let mut watcher = |point: Point| {
        if point == Point::ManifestWritten {
            fs::write(&touch, "late\n").unwrap();
        }
        Ok(())
    };
    assert!(matches!(journal.apply_watched(&late, 1, &mut watcher), Err(Error::Changed { .. })));
    assert_eq!(fs::read(&touch).unwrap(), b"late\n");
    assert!(!folder.path().join("new").exists(), "the new folder was taken back");
    assert_eq!(journal.entries().unwrap(), []);
}

#[test]
fn undo_refuses_to_lose_what_was_written_since() {
    let (folder, journal) = project();
    let before = tree(folder.path());
    journal.apply(&plan(folder.path()), 1).unwrap();
    fs::write(folder.path().join("docker/Dockerfile"), "mine\n").unwrap();
    fs::remove_file(folder.path().join("new/notes")).unwrap();
    fs::set_permissions(folder.path().join(".dockerignore"), Permissions::from_mode(0o644))
        .unwrap();
    let mine = tree(folder.path());
    let Err(Error::ChangedSince { paths }) = journal.undo(Which::Last, Edited::Refuse, 2) else {
        panic!("undone over an edit");
    };
    let mut paths: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    paths.sort_unstable();
    assert_eq!(paths, [".dockerignore", "docker/Dockerfile", "new/notes"]);
    assert_eq!(tree(folder.path()), mine);

    journal.undo(Which::Last, Edited::Overwrite, 3).unwrap();
    assert_eq!(tree(folder.path()), before);
    // The edits are not lost: they are what the undo itself would bring back.
    journal.undo(Which::Id("0002"), Edited::Refuse, 4).unwrap();
    assert_eq!(tree(folder.path()), mine);
}

#[test]
fn an_interrupted_fix_never_overwrites_a_later_edit() {
    let (folder, journal) = project();
    let before = tree(folder.path());
    let mut watcher = |point: Point| match point {
        Point::Replaced => Err(Error::Stopped),
        _ => Ok(()),
    };
    journal.apply_watched(&plan(folder.path()), 1, &mut watcher).unwrap_err();
    fs::write(folder.path().join("run.sh"), "mine\n").unwrap();
    let Err(Error::Conflict { paths, .. }) = journal.recover() else { panic!("settled") };
    assert_eq!(paths, [Path::new("run.sh")]);
    assert_eq!(journal.entries().unwrap()[0].state, EntryState::Interrupted);
    assert!(matches!(journal.undo(Which::Last, Edited::Refuse, 2), Err(Error::Conflict { .. })));
    journal.undo(Which::Last, Edited::Overwrite, 2).unwrap();
    assert_eq!(tree(folder.path()), before);
}

#[test]
fn unsafe_targets_are_refused_with_a_reason() {
    let (folder, journal) = project();
    let root = folder.path();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "x").unwrap();
    symlink(outside.path().join("file"), root.join("out")).unwrap();
    symlink(outside.path(), root.join("outdir")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    fs::hard_link(root.join("run.sh"), root.join("twin")).unwrap();
    let reason = |path: &str, before: Option<&[u8]>| {
        let before = before.map(<[u8]>::to_vec);
        let change =
            FileChange { path: path.into(), before, after: b"y".into(), executable: false };
        let plan = Plan { files: vec![change], ..Plan::default() };
        match journal.apply(&plan, 1) {
            Err(Error::Refused { reason, .. }) => reason,
            other => panic!("{path}: {other:?}"),
        }
    };
    assert_eq!(reason("out", Some(b"x")), "it lies outside the project");
    assert_eq!(reason("outdir/file", Some(b"x")), "it lies outside the project");
    assert_eq!(reason("../escape", None), "it lies outside the project");
    assert_eq!(reason("dangling", None), "it is a link that leads nowhere");
    assert_eq!(reason("docker", None), "it is not a regular file");
    assert_eq!(reason(".careen/x", None), "it belongs to careen's own journal");
    assert!(reason("twin", Some(b"#!/bin/sh\n")).contains("hard links"));
    assert!(!root.join(".careen").exists());
}

#[test]
fn one_careen_at_a_time() {
    let (folder, journal) = project();
    let second = Journal::of(folder.path()).unwrap();
    let mut seen = 0;
    let mut watcher = |_: Point| {
        let other = second.undo(Which::Last, Edited::Refuse, 1);
        assert!(matches!(other, Err(Error::Busy { .. })), "{other:?}");
        seen += 1;
        Ok(())
    };
    journal.apply_watched(&plan(folder.path()), 1, &mut watcher).unwrap();
    assert!(seen > 20);
}

#[test]
fn attributes_stay_and_come_back() {
    use rustix::fs::{XattrFlags, getxattr, removexattr, setxattr};
    let (folder, journal) = project();
    let path = folder.path().join("run.sh");
    if setxattr(&path, "user.careen", b"kept", XattrFlags::empty()).is_err() {
        // A file system without attributes has none to lose.
        return;
    }
    let value = || {
        let mut value = [0; 16];
        let length = getxattr(&path, "user.careen", &mut value[..]).unwrap();
        value[..length].to_vec()
    };
    journal.apply(&plan(folder.path()), 1).unwrap();
    assert_eq!(value(), b"kept");
    removexattr(&path, "user.careen").unwrap();
    journal.undo(Which::Last, Edited::Refuse, 2).unwrap();
    assert_eq!(value(), b"kept");
}

#[test]
fn nothing_to_change_leaves_no_trace() {
    let (folder, journal) = project();
    let before = Some(b"".to_vec());
    let path = ".dockerignore".into();
    let same = FileChange { path, before, after: vec![], executable: false };
    let plan = Plan { files: vec![same], ..Plan::default() };
    assert_eq!(journal.apply(&plan, 1).unwrap(), None);
    assert_eq!(journal.recover().unwrap(), []);
    assert!(!folder.path().join(".careen").exists());
}

#[test]
fn a_damaged_or_newer_journal_is_told() {
    let (folder, journal) = project();
    journal.apply(&plan(folder.path()), 1).unwrap();
    let manifest = folder.path().join(".careen/journal/0001/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
    assert!(matches!(journal.entries(), Err(Error::TooNew { found: 9, .. })));
    fs::write(&manifest, &text[..40]).unwrap();
    assert!(matches!(journal.entries(), Err(Error::JournalDamaged { .. })));
    fs::write(&manifest, &text).unwrap();
    let original = folder.path().join(".careen/journal/0001/before/0");
    fs::write(&original, "forged").unwrap();
    let before = tree(folder.path());
    assert!(matches!(
        journal.undo(Which::Last, Edited::Refuse, 2),
        Err(Error::JournalDamaged { .. })
    ));
    assert_eq!(tree(folder.path()), before);
}
