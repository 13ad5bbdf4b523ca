//! `careen move` as a person runs it, and as a person kills it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use careen_test::slow_mount::{SlowMount, Slowness};

use crate::sandbox::{Run, Sandbox, skip, tell};

/// Names, modes, times, links and contents, as `tar` and `sha256sum` see them.
fn snapshot(folder: &Path) -> String {
    let script = "find . -printf '%P %M %T@ %l %n\\n' | sort && \
                  find . -type f -print0 | sort -z | xargs -0 -r sha256sum";
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|one| one.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_project_moves_and_git_sees_no_difference() {
    let sandbox = Sandbox::sick();
    fs::remove_dir_all(sandbox.project().join(".git")).unwrap();
    let git = |folder: &Path, words: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let run = Command::new("git").args(who).args(words).current_dir(folder).output();
        Run::of(&run.unwrap())
    };
    let project = sandbox.project();
    if git(&project, &["init", "-q"]).code.is_none() {
        return skip("there is no git");
    }
    git(&project, &["add", "-A"]).check(0, &[]);
    git(&project, &["commit", "-qm", "x"]).check(0, &[]);
    sandbox.write("src/demo.py", b"print('changed')\n");
    sandbox.write("new.txt", b"not added\n");
    sandbox.write(".devcontainer/devcontainer.json", b"{}\n");
    let status = git(&project, &["status", "--porcelain=v2"]).out;
    let before = snapshot(&project);

    let to = sandbox.path("linux/demo");
    let words = ["move", "--to", to.to_str().unwrap()];
    let dry = sandbox.run(&[&words[..], &["--dry-run"]].concat());
    dry.check(0, &["nothing was copied", "entries", "free"]);
    assert!(!sandbox.path("linux").exists());
    let run = sandbox.run(&words);
    run.check(0, &["read back and compared", "git status", "code .", "Remove the original"]);
    assert_eq!(snapshot(&project), before, "the original is only read");
    assert_eq!(snapshot(&to), before);
    assert_eq!(git(&to, &["status", "--porcelain=v2"]).out, status);
    git(&to, &["fsck", "--strict"]).check(0, &[]);
    assert_eq!(names(&sandbox.path("linux")), ["demo"]);
    sandbox.run(&words).check(3, &["exists already", "hint:"]);
    // The default is the home folder.
    sandbox.run(&["move", "--format", "json"]).json();
    assert_eq!(snapshot(&sandbox.path("home/project")), before);
}

#[test]
fn special_files_are_named_and_a_missing_project_is_told() {
    let sandbox = Sandbox::sick();
    let made = Command::new("mkfifo").arg(sandbox.project().join("pipe")).status().unwrap();
    assert!(made.success());
    let run = sandbox.run(&["move"]);
    run.check(0, &["pipe is a pipe: not copied"]);
    assert!(!sandbox.path("home/project/pipe").exists());
    sandbox.run(&["move", "../nowhere"]).check(3, &["could not read"]);
    sandbox.run(&["move", "--to", "inside"]).check(3, &["lies in the project itself"]);
}

#[test]
fn a_project_moves_off_a_slow_mount() {
    let source = Sandbox::sick();
    let mount = match SlowMount::over(&source.project(), Slowness::of(Duration::from_millis(1))) {
        Ok(mount) => mount,
        Err(why) => return skip(why),
    };
    let to = source.path("fast");
    let words = ["move", mount.path().to_str().unwrap(), "--to", to.to_str().unwrap()];
    source.run(&words).check(0, &["(fuse", "read back and compared"]);
    let contents = |folder: &Path| {
        snapshot(folder).lines().filter(|line| line.contains("  ./")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(contents(&to), contents(&source.project()));
}

/// Kills the program at moments spread over a whole run, then lets it finish.
#[test]
fn a_killed_move_is_never_half_a_project_and_the_next_run_finishes_it() {
    let sandbox = Sandbox::sick();
    for n in 0..150_usize {
        sandbox.write(
            format!("data/{}/{n}.bin", n % 20),
            &vec![u8::try_from(n % 251).unwrap(); 40_000],
        );
    }
    let project = sandbox.project();
    let before = snapshot(&project);
    let to = sandbox.path("linux/demo");
    let words = ["move", "--to", to.to_str().unwrap()];
    let start = Instant::now();
    sandbox.run(&words).check(0, &[]);
    let whole = start.elapsed();
    fs::remove_dir_all(&to).unwrap();
    let mut continued = 0;
    for n in 0..6_u32 {
        let mut command = sandbox.careen(&words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(whole * n / 6);
        child.kill().unwrap();
        child.wait().unwrap();
        if to.exists() {
            assert_eq!(snapshot(&to), before, "killed at {n}/6");
            fs::remove_dir_all(&to).unwrap();
            continue;
        }
        // Every second time the next careen has to cope with what the last one left.
        if n % 2 == 1 {
            let run = sandbox.run(&words);
            run.check(0, &["read back and compared"]);
            continued += usize::from(run.out.contains("from an interrupted run"));
            assert_eq!(snapshot(&to), before, "went on from {n}/6");
            assert_eq!(names(&sandbox.path("linux")), ["demo"]);
            fs::remove_dir_all(&to).unwrap();
        }
    }
    tell(format_args!("{continued} runs went on from a killed one"));
    assert_eq!(snapshot(&project), before, "the original is only read");
    let run = sandbox.run(&words);
    run.check(0, &[]);
    assert_eq!(fs::metadata(&to).unwrap().mode(), fs::metadata(&project).unwrap().mode());
    assert_eq!(names(&sandbox.path("linux")), ["demo"]);
}
