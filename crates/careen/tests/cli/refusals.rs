//! Wrong command lines, configurations and projects: the documented code and a sentence that helps.

use crate::sandbox::{SICK, Sandbox};

#[track_caller]
fn check(arguments: &[&str], code: i32, says: &[&str]) {
    let sandbox = Sandbox::sick();
    let before = sandbox.tree();
    let run = sandbox.run(arguments);
    run.check(code, says);
    assert!(run.out.is_empty(), "talk on standard output\n{run}");
    assert_eq!(sandbox.tree(), before, "a refused command changed something");
}

#[test]
fn a_wrong_command_line_is_2_and_names_what_is_right() {
    check(
        &["doctor", "--only", "clock-skw"],
        2,
        &["no rule is called `clock-skw`", "did you mean `clock-skew`?"],
    );
    check(
        &["fix", "--yes", "--only", "apt-cache-umounted"],
        2,
        &["no rule is called `apt-cache-umounted`", "did you mean `apt-cache-unmounted`?"],
    );
    check(&["explain", "mising-ignore-file"], 2, &["did you mean `missing-ignore-file`?"]);
    check(&["doctor", "--ignore", "clock-skew"], 2, &["has no reason", "RULE=REASON"]);
    check(&["doctor", "--ignore", "clock-skew= "], 2, &["has no reason"]);
    check(&["doctor", "--ignore", "clock-skw=known"], 2, &["did you mean `clock-skew`?"]);
    check(&["doctor", "--format", "xml"], 2, &["invalid value 'xml'", "json"]);
    check(&["doctor", "--format", "html"], 2, &["no format html; it has text, json, junit, md"]);
    check(&["fix", "--frmat", "json"], 2, &["--frmat", "--format"]);
    check(&["build", "--output", "zip:x"], 2, &["--output takes docker:FILE or oci:FILE"]);
    let sandbox = Sandbox::sick();
    let before = sandbox.tree();
    sandbox.run(&["fix"]).check(2, &["nobody can be asked here", "--yes", "--dry-run"]);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn a_wrong_configuration_is_2_and_names_the_key() {
    let sandbox = Sandbox::sick();
    for command in ["doctor", "fix", "build", "test", "script", "history"] {
        sandbox.write("careen.toml", b"dockerfil = 'x'\n");
        sandbox.run(&[command]).check(2, &["careen.toml", "did you mean `dockerfile`?"]);
    }
    sandbox.write("careen.toml", b"dockerfile = [\n");
    sandbox.run(&["doctor"]).check(2, &["careen.toml"]);
    sandbox.write("careen.toml", b"[ignore]\nclock-skew = ''\n");
    sandbox.run(&["doctor"]).check(2, &["needs a reason"]);
    sandbox.write("careen.toml", b"dockerfile = 'x'\xff\n");
    sandbox.run(&["doctor"]).check(2, &["careen.toml"]);
    sandbox.run(&["doctor", "--isolated"]).check(3, &["Dockerfile"]);
}

#[test]
fn an_ignored_rule_is_not_told_and_the_reason_is() {
    let sandbox = Sandbox::sick();
    let all = &["doctor", "--fail-on", "never", "--ignore", "apt-recommends=this image is a toy"];
    let run = sandbox.run(all);
    run.check(3, &["1 ignored"]);
    assert!(!run.out.contains("only recommended"), "{run}");
    sandbox.run(&[all, &["--verbose"][..]].concat()).check(3, &["this image is a toy"]);
}

#[test]
fn without_a_folder_or_a_dockerfile_nothing_is_checked_and_the_hint_says_what_to_name() {
    check(&["doctor", "/nonexistent/project"], 3, &["no such folder", "hint:"]);
    check(&["fix", "Dockerfile"], 3, &["not a folder", "-f"]);
    check(&["build", "-f", "nowhere/Dockerfile"], 3, &["nowhere/Dockerfile", "hint:"]);
    let empty = Sandbox::new(&[]);
    for arguments in [&["build"][..], &["script"], &["report"], &["history"]] {
        empty.run(arguments).check(3, &["no Dockerfile here", "could not"]);
    }
    empty
        .run(&["doctor", "--ignore", "engine-unreachable=none here"])
        .check(3, &["skipped: no Dockerfile here"]);
    empty.run(&["fix", "--dry-run"]).check(0, &["nothing to fix"]);
}

#[test]
fn a_dockerfile_that_buildkit_refuses_is_refused_with_the_line() {
    #[track_caller]
    fn check(text: &[u8], says: &[&str]) {
        let sandbox = Sandbox::new(&[]);
        sandbox.write("Dockerfile", text);
        sandbox.run(&["build"]).check(1, says);
        // Everything else still looks, and none of it falls over.
        for arguments in [&["doctor", "--format", "json"][..], &["fix", "--dry-run"]] {
            let run = sandbox.run(arguments);
            assert!(matches!(run.code, Some(0 | 1 | 3)), "{run}");
            assert!(!run.err.contains("panicked"), "{run}");
        }
    }
    check(b"FROM scratch\nBOGUS x\n", &["line 2", "unknown instruction: BOGUS"]);
    check(b"FROM scratch\n\n\nCOPY a\n", &["line 4", "COPY"]);
    check(b"RUN true\n", &["line 1"]);
    check(b"", &["could not build"]);
    check(b"# only a comment\n", &["could not build"]);
    check(&[0u8, 159, 146, 150, 255, 0, 10, 7], &["could not build"]);
    let utf16: Vec<u8> =
        "\u{feff}FROM scratch\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, &["could not build"]);
}

#[test]
fn any_bytes_in_the_ignore_file_are_read() {
    let garbage: Vec<u8> = (0..=255u8).cycle().take(4096).collect();
    let utf16: Vec<u8> = "\u{feff}*.log\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [garbage, utf16, b"[\n".to_vec(), b"!\n".to_vec(), vec![0; 64]] {
        let sandbox = Sandbox::new(SICK);
        sandbox.write(".dockerignore", &bytes);
        let run = sandbox.run(&["doctor", "--format", "json"]);
        // 1 where every build fails on it, else 3 for want of an engine.
        assert!(matches!(run.code, Some(1 | 3)), "{run}");
        assert!(run.json()["checks"].is_array());
        sandbox.run(&["fix", "--dry-run"]).check(0, &[]);
        assert_eq!(std::fs::read(sandbox.project().join(".dockerignore")).unwrap(), bytes);
    }
}

#[test]
fn a_misspelt_command_is_recognised() {
    let sandbox = Sandbox::sick();
    sandbox.run(&["docter"]).check(3, &["docter", "`careen doctor`"]);
    sandbox.run(&["./docter"]).check(3, &["name the project's folder"]);
}

#[test]
fn a_format_that_a_command_does_not_have_is_refused() {
    let sandbox = Sandbox::sick();
    for command in [&["script"][..], &["explain"], &["doctor", "--list"], &["undo"], &[]] {
        let run = sandbox.run(&[command, &["--format", "html"]].concat());
        run.check(2, &["has no format html; it has text"]);
    }
    let listed = sandbox.run(&["doctor", "--list", "--format", "json"]).json();
    assert!(listed["checks"].as_array().unwrap().len() >= 40);
}

#[test]
fn what_was_asked_for_by_name_and_cannot_be_looked_at_is_no_success() {
    let sandbox = Sandbox::sick();
    for dry in [&["--dry-run"][..], &["--yes"]] {
        let run = sandbox.run(&[&["fix", "--clean-cache"], dry].concat());
        run.check(3, &["could not look at the build cache"]);
    }
}
