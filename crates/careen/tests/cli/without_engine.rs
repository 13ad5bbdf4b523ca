//! careen where no engine answers, or none may be asked: all that needs none is done all the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::sandbox::{Sandbox, finish, has, is_root, settled, skip};

#[test]
fn the_doctor_still_checks_all_that_needs_no_engine() {
    let sandbox = Sandbox::sick();
    let run = sandbox.run(&["doctor"]);
    run.check(
        3,
        &[
            "no engine answers at unix:///run/careen-no-engine/docker.sock",
            "skipped: no engine answers at /run/careen-no-engine/docker.sock",
            "missing-ignore-file",
            "package-cache-unmounted",
        ],
    );
    assert!(run.err.is_empty(), "{run}");
    let answer = sandbox.run(&["doctor", "--format", "json"]).json();
    let checks = answer["checks"].as_array().unwrap();
    for check in checks {
        let skipped = check["looked"] == "skipped";
        assert_eq!(skipped, check["reason"].is_string(), "{check}");
    }
    let looked = checks.iter().filter(|check| check["looked"] != "skipped").count();
    assert!(looked > checks.len() / 2, "{looked} of {} checks looked", checks.len());
}

/// Findings decide first; else what could not be checked does.
#[test]
fn the_doctor_ends_with_3_where_nothing_bad_was_found_and_not_all_was_looked_at() {
    let sandbox = Sandbox::sick();
    let without = ["--ignore", "engine-unreachable=there is none"];
    sandbox.run(&["doctor"]).check(3, &[]);
    sandbox.run(&["doctor", "--fail-on", "warning"]).check(1, &[]);
    sandbox.run(&["doctor", "--fail-on", "never"]).check(3, &[]);
    sandbox.run(&[&["doctor"], &without[..]].concat()).check(3, &[]);
    sandbox.run(&[&["doctor", "--fail-on", "warning"], &without[..]].concat()).check(1, &[]);
    sandbox.run(&["doctor", "--only", "clock-skew"]).check(3, &["skipped: no engine"]);
    // A check that needs no engine does not mind.
    sandbox.run(&["doctor", "--only", "missing-ignore-file"]).check(0, &["missing-ignore-file"]);
    sandbox.run(&[]).check(3, &["no engine"]);
}

#[test]
fn what_needs_an_engine_ends_with_3_and_a_hint() {
    let sandbox = Sandbox::sick();
    for arguments in [&["build"][..], &["test"], &["test", "--result"], &["build", "--test"]] {
        let run = sandbox.run(arguments);
        run.check(
            3,
            &["no engine answers at /run/careen-no-engine/docker.sock", "hint: start the engine"],
        );
        assert!(run.out.is_empty(), "{run}");
    }
}

#[test]
fn a_socket_that_may_not_be_opened_is_named_with_what_to_do() {
    if !is_root() || !has("setpriv", &["--version"]) {
        return skip("needs root and setpriv to become another user");
    }
    let sandbox = Sandbox::sick();
    let socket = sandbox.path("docker.sock");
    let _engine = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    let sandbox = sandbox.with_engine(format!("unix://{}", socket.display()));
    let doctor = finish(as_nobody(&sandbox, &["doctor"]));
    doctor
        .check(3, &["permission", "docker.sock", "engine-unreachable", "sudo usermod -aG docker"]);
    let build = finish(as_nobody(&sandbox, &["build"]));
    build.check(3, &["permission", "docker.sock", "hint:"]);
}

#[test]
fn a_project_that_may_not_be_written_is_refused_before_anything_is() {
    if !is_root() || !has("setpriv", &["--version"]) {
        return skip("needs root and setpriv to become another user");
    }
    let sandbox = Sandbox::sick();
    let before = sandbox.tree();
    let run = finish(as_nobody(&sandbox, &["fix", "--yes"]));
    run.check(3, &["could not apply the fixes", "cannot be written", "hint:"]);
    assert_eq!(sandbox.tree(), before);
    assert!(!sandbox.project().join(".careen").exists());
    // Looking needs no right to write.
    finish(as_nobody(&sandbox, &["fix", "--dry-run"])).check(0, &["package-cache-unmounted"]);
    finish(as_nobody(&sandbox, &["doctor", "--fail-on", "never"])).check(3, &[]);
}

#[test]
fn a_read_only_mount_is_refused_before_anything_is_written() {
    if !is_root() || !has("unshare", &["-m", "true"]) {
        return skip("needs root and mount namespaces");
    }
    let sandbox = Sandbox::sick();
    let before = sandbox.tree();
    let mut shell = Command::new("unshare");
    let script = "mount --bind . . && mount -o remount,ro,bind . && cd \"$PWD\" && exec \"$@\"";
    shell.args(["-m", "sh", "-ec", script, "sh", env!("CARGO_BIN_EXE_careen")]);
    let run = finish(sandbox.command(shell, &["fix", "--yes"]));
    run.check(3, &["could not apply the fixes", "cannot be written", "hint:"]);
    assert_eq!(sandbox.tree(), before);
    assert!(!sandbox.project().join(".careen").exists());
}

#[test]
fn the_doctor_says_the_same_without_a_network() {
    if !is_root() || !has("unshare", &["-n", "true"]) {
        return skip("needs root and network namespaces");
    }
    let sandbox = Sandbox::sick();
    let arguments = ["doctor", "--format", "json"];
    let outside = sandbox.run(&arguments);
    let mut alone = Command::new("unshare");
    alone.args(["-n", env!("CARGO_BIN_EXE_careen")]);
    let inside = finish(sandbox.command(alone, &arguments));
    assert_eq!(inside.code, outside.code, "{inside}");
    let (mut inside, mut outside) = (settled(inside.json()), settled(outside.json()));
    for answer in [&mut inside, &mut outside] {
        // The interfaces themselves are other ones there, and so is what they lack.
        for name in ["bridges", "default_mtu", "default_mtu_unknown"] {
            answer["facts"]["host"].as_object_mut().unwrap().remove(name);
        }
        answer["checks"].as_array_mut().unwrap().retain(|check| check["category"] != "network");
    }
    assert_eq!(inside, outside);
}

#[test]
fn what_belongs_to_others_is_listed_as_for_its_owner() {
    if !is_root() || !has("setpriv", &["true"]) {
        return skip("needs root and setpriv");
    }
    let sandbox = Sandbox::sick();
    for folder in ["a/b/c", "d"] {
        fs::create_dir_all(sandbox.project().join(folder)).unwrap();
        sandbox.write(format!("{folder}/file"), b"1");
    }
    let folder = sandbox.project().join("a/b");
    let read_at = || fs::metadata(&folder).unwrap().accessed().unwrap();
    // The first reading after a change leaves its time, where a reading leaves any.
    let before = read_at();
    let own = sandbox.run(&["context", "--list"]);
    own.check(0, &["a/b/c/file"]);
    assert_eq!(read_at(), before, "the owner's reading leaves no trace");
    let others = finish(as_nobody(&sandbox, &["context", "--list"]));
    others.check(0, &["a/b/c/file"]);
    assert_eq!(others.out, own.out);
}

/// careen run by a user who owns nothing here, from a copy that he may read.
fn as_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let program = sandbox.path("careen");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_careen"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    sandbox.command(command, arguments)
}
