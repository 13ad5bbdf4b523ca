//! Odd projects: names that are no text, a mount where every question takes a millisecond.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use careen_test::slow_mount::{SlowMount, Slowness};

use crate::sandbox::{Sandbox, skip};

#[test]
fn names_that_are_no_text_are_told_and_break_nothing() {
    let sandbox = Sandbox::sick();
    sandbox.write(OsStr::from_bytes(b"caf\xe9.txt"), b"x");
    sandbox.write(OsStr::from_bytes(b"\xff\xfe/deep\x1b[31m"), b"x");
    let run = sandbox.run(&["doctor", "--verbose"]);
    run.check(1, &["unsendable-names"]);
    assert!(!run.out.contains('\u{1b}'), "an escape sequence came from a file name\n{run}");
    let json = sandbox.run(&["doctor", "--format", "json"]);
    json.check(1, &[]);
    json.json();
    sandbox.run(&["fix", "--yes", "--all", "--risky"]).check(0, &[]);
    sandbox.run(&["undo"]).check(0, &[]);
}

#[test]
fn a_slow_mount_is_named_measured_and_priced() {
    let source = Sandbox::sick();
    for n in 0..60 {
        source.write(format!("src/module_{n}.py"), b"x = 1\n");
    }
    let mount = match SlowMount::over(&source.project(), Slowness::of(Duration::from_millis(1))) {
        Ok(mount) => mount,
        Err(why) => return skip(why),
    };
    let project = mount.path().to_str().unwrap();
    let run = source.run(&["doctor", project, "--fail-on", "never"]);
    run.check(3, &["slow-context", "FUSE", "slower than your disk"]);
    let answer = source.run(&["doctor", project, "--format", "json"]).json();
    let lookup = answer["environment"]["lookup_ms"].as_f64().unwrap();
    assert!((1.0..50.0).contains(&lookup), "a lookup takes {lookup} ms");
    let findings = answer["findings"].as_array().unwrap();
    let slow = findings.iter().find(|finding| finding["rule"] == "slow-context");
    let slow = slow.unwrap_or_else(|| panic!("no finding on the mount: {findings:#?}"));
    let price = slow["cost"]["seconds"].as_f64().unwrap_or_default();
    assert!(price > 0.05, "60 files at a millisecond each are not free: {slow:#}");
    // A fix there is refused: this mount is read-only.
    source.run(&["fix", project, "--yes"]).check(3, &["could not"]);
}
