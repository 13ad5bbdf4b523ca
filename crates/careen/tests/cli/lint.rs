//! `careen lint` as a person or a CI job runs it: odd files, formats, fixes, baselines, exit codes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sandbox::{Run, Sandbox, finish, is_root, skip};

/// One style finding, with a safe fix.
const MIXED: &str = "FROM scratch AS base\nFROM base as next\n";
/// One warning, and a risky fix.
const APT: &str = "FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*\n";

fn sandbox(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new(files);
    sandbox.write(".git/HEAD", b"ref: refs/heads/main\n");
    sandbox
}

/// The rules that these tests are about, so that another rule never changes what they expect.
const RULES: [&str; 4] =
    ["mismatched-as-case", "apt-cache-unmounted", "misread-ignore-line", "invalid-dockerfile"];

fn with_rules<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let only = RULES.iter().flat_map(|rule| ["--only", rule]);
    ["lint"].into_iter().chain(arguments.iter().copied()).chain(only).collect()
}

fn lint(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    sandbox.run(&with_rules(arguments))
}

/// `path:line:column rule` of every finding.
#[track_caller]
fn places(run: &Run) -> Vec<String> {
    let document = run.json();
    assert_eq!(document["kind"], "lint");
    let findings = document["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown = findings.map(|found| {
        let of = |name: &str| text(&found[name]);
        format!("{}:{}:{} {}", of("path"), of("line"), of("column"), of("rule"))
    });
    shown.collect()
}

pub(crate) fn piped(sandbox: &Sandbox, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = sandbox.careen(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Run::of(&child.wait_with_output().unwrap())
}

#[test]
fn the_exit_code_says_whether_something_is_as_bad_as_asked() {
    let sandbox = sandbox(&[("a", MIXED), ("b", APT), ("c", "FROM scratch\n")]);
    lint(&sandbox, &["c"]).check(0, &["nothing found in 1 file"]);
    lint(&sandbox, &["a"]).check(0, &["a:2:1: style mismatched-as-case: "]);
    lint(&sandbox, &["a", "--fail-on", "style"]).check(1, &["1 fixable with --fix"]);
    lint(&sandbox, &["b"]).check(1, &["b:2:1: warning apt-cache-unmounted: "]);
    lint(&sandbox, &["b", "--fail-on", "error"]).check(0, &["1 finding in 1 of 1 file"]);
    lint(&sandbox, &["b", "--fail-on", "never"]).check(0, &[]);
    sandbox
        .run(&["lint", "gone", "c"])
        .check(3, &["gone: could not be read: there is no such file"]);
    lint(&sandbox, &["gone", "b"]).check(1, &["could not be read", "apt-cache-unmounted"]);
}

#[test]
fn wrong_options_are_2_and_name_what_is_right() {
    let sandbox = sandbox(&[("Dockerfile", APT)]);
    for (arguments, says) in [
        (&["--only", "apt-cache-umounted"][..], "did you mean `apt-cache-unmounted`?"),
        (&["--ignore", "apt-cache-unmounted"], "has no reason"),
        (&["--profile", "hadolnt"], "hadolint"),
        (&["--profile", "buildkit", "--only", "FromAsCasin"], "did you mean `FromAsCasing`?"),
        (&["--format", "html"], "no format html; it has text, json, jsonl, sarif, github, gitlab"),
        (&["--risky"], "--fix"),
        (&["--fix", "--dry-run", "--format", "sarif"], "has no format sarif; it has text, json"),
        (&["--fix", "--profile", "hadolint"], "careen's own rules"),
        (&["--fix", "-"], "standard input cannot be changed"),
        (&["--baseline", "a", "--write-baseline", "b"], "cannot be used with"),
    ] {
        let run = sandbox.run(&[&["lint"], arguments].concat());
        run.check(2, &[says]);
        assert!(run.out.is_empty(), "{run}");
    }
}

#[test]
fn one_bad_file_stops_nothing() {
    let sandbox = sandbox(&[("good", APT)]);
    sandbox.write("empty", b"");
    sandbox.write("binary", b"\x7fELF\x00\x01\xff\xfe\n\x00");
    let utf16: Vec<u8> = "\u{feff}FROM a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    sandbox.write("utf16", &utf16);
    sandbox.write("marked", "\u{feff}FROM scratch as base\r\nFROM base AS next\r\n".as_bytes());
    sandbox.write("latin", b"FROM scratch AS a\n# gr\xfc\xdfe\nFROM a as b\n");
    let long = format!("FROM debian:12\nRUN echo {} && sudo x\n", "x".repeat(1 << 20));
    sandbox.write("long", long.as_bytes());
    sandbox.write("large", &vec![b'#'; 5 << 20]);
    fs::create_dir(sandbox.project().join("folder")).unwrap();
    let run = lint(
        &sandbox,
        &[
            "empty", "binary", "utf16", "marked", "latin", "long", "large", "gone", "good",
            "folder", "--format", "json",
        ],
    );
    run.check(1, &[]);
    let document = run.json();
    let files = document["files"].as_array().unwrap();
    let unread: Vec<String> = files
        .iter()
        .filter(|file| file["state"] == "unread")
        .map(|file| format!("{}: {}", file["path"], file["reason"]))
        .collect();
    assert_eq!(
        unread,
        ["\"large\": \"is larger than 4 MiB\"", "\"gone\": \"there is no such file\""],
        "{run}"
    );
    let found = places(&run);
    for place in [
        "empty:1:1 invalid-dockerfile",
        "binary:1:1 invalid-dockerfile",
        "utf16:1:1 invalid-dockerfile",
        "marked:1:1 mismatched-as-case",
        "latin:3:1 mismatched-as-case",
        "good:2:1 apt-cache-unmounted",
    ] {
        assert!(found.iter().any(|one| one == place), "{place} is not in {found:#?}");
    }
    assert_eq!(document["notes"][0], "folder: no Dockerfile was found");
    let order: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    let named = ["empty", "binary", "utf16", "marked", "latin", "long", "large", "gone", "good"];
    assert_eq!(order, named, "the order is that of the command line");
}

#[test]
fn a_file_that_may_not_be_read_is_told() {
    if is_root() {
        return skip("root may read everything");
    }
    let sandbox = sandbox(&[("Dockerfile", APT)]);
    let path = sandbox.project().join("Dockerfile");
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    lint(&sandbox, &["Dockerfile"]).check(3, &["could not be read: permission denied"]);
}

#[test]
fn a_pipe_is_never_waited_for() {
    let sandbox = sandbox(&[]);
    let made = Command::new("mkfifo").arg(sandbox.project().join("pipe")).status();
    if !made.is_ok_and(|status| status.success()) {
        return skip("there is no mkfifo");
    }
    lint(&sandbox, &["pipe"]).check(3, &["pipe: could not be read: is not a regular file"]);
}

#[test]
fn standard_input_is_a_file() {
    let sandbox = sandbox(&[]);
    let run = piped(&sandbox, &with_rules(&["-", "--format", "json"]), MIXED.as_bytes());
    run.check(0, &[]);
    assert_eq!(places(&run), ["-:2:1 mismatched-as-case"]);
    piped(&sandbox, &with_rules(&["-"]), b"").check(1, &["file with no instructions"]);
}

#[test]
fn findings_have_their_other_names() {
    let sandbox = sandbox(&[("Dockerfile", MIXED)]);
    let found = |profile: &str, rule: &str| {
        let arguments =
            ["lint", "--profile", profile, "--only", rule, "--format", "json", "Dockerfile"];
        let document = sandbox.run(&arguments).json();
        let findings = document["findings"].as_array().unwrap().iter();
        let named = findings.map(|one| format!("{} {}", one["rule"], one["aliases"]));
        named.collect::<Vec<String>>().join("\n")
    };
    let ours = r#""mismatched-as-case" ["FromAsCasing"]"#;
    let theirs = r#""FromAsCasing" ["mismatched-as-case"]"#;
    assert_eq!(found("careen", "FromAsCasing"), ours);
    assert_eq!(found("careen", "mismatched-as-case"), ours);
    assert_eq!(found("careen", "apt-recommends"), "");
    assert_eq!(found("buildkit", "fromascasing"), theirs);
    assert_eq!(found("buildkit", "apt-recommends"), "");
    let quiet = ["Dockerfile", "--ignore", "FromAsCasing=we like it", "--format", "json"];
    assert_eq!(lint(&sandbox, &quiet).json()["counts"]["suppressed"], 1);
}

#[test]
fn a_folder_is_searched_and_builds_say_what_is_theirs() {
    let sandbox = sandbox(&[
        ("Dockerfile", "FROM scratch\n"),
        ("docker/app.Dockerfile", MIXED),
        ("docker/app.Dockerfile.dockerignore", "*.pyc\n  # note\n"),
        ("docker/Dockerfile.j2", "FROM {{ base }}\n"),
        ("node_modules/x/Dockerfile", MIXED),
        ("images/odd.name", MIXED),
        (
            "compose.yaml",
            "services:\n  odd:\n    build: {context: ., dockerfile: images/odd.name}\n",
        ),
        ("docker-bake.hcl", "target \"x\" { dockerfile = f(\"x\") }\n"),
    ]);
    let run = lint(&sandbox, &["--format", "json"]);
    let files: Vec<String> = run.json()["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        files,
        [
            "Dockerfile",
            "docker/app.Dockerfile",
            "docker/app.Dockerfile.dockerignore",
            "images/odd.name"
        ]
    );
    assert_eq!(
        places(&run),
        [
            "docker/app.Dockerfile:2:1 mismatched-as-case",
            "docker/app.Dockerfile.dockerignore:1:1 misread-ignore-line",
            "docker/app.Dockerfile.dockerignore:2:1 misread-ignore-line",
            "images/odd.name:2:1 mismatched-as-case",
        ]
    );
    run.check(1, &["docker-bake.hcl: target `x` is left out: dockerfile is not understood"]);
    let run = lint(&sandbox, &["compose.yaml", "--format", "json"]);
    assert_eq!(places(&run), ["images/odd.name:2:1 mismatched-as-case"]);
    fs::create_dir(sandbox.project().join("bare")).unwrap();
    lint(&sandbox, &["bare"]).check(3, &["bare: no Dockerfile was found"]);
}

#[test]
fn a_file_with_several_names_is_looked_at_once() {
    let sandbox = sandbox(&[("a/Dockerfile", MIXED)]);
    std::os::unix::fs::symlink("Dockerfile", sandbox.project().join("a/Dockerfile.link")).unwrap();
    let run = lint(&sandbox, &["./a/Dockerfile", "a/Dockerfile", "a", "--format", "json"]);
    assert_eq!(places(&run), ["./a/Dockerfile:2:1 mismatched-as-case"]);
    lint(&sandbox, &["--fix", "./a/Dockerfile", "a"]).check(0, &["1 fix made"]);
}

#[test]
fn a_stage_leaves_out_what_it_does_not_need() {
    let text = "FROM scratch as a\nFROM scratch as b\nFROM a as c\n";
    let sandbox = sandbox(&[("Dockerfile", text)]);
    let run = lint(&sandbox, &["Dockerfile", "--target", "c", "--format", "json"]);
    let c = ["Dockerfile:1:1 mismatched-as-case", "Dockerfile:3:1 mismatched-as-case"];
    assert_eq!(places(&run), c);
    lint(&sandbox, &["Dockerfile", "--target", "x"]).check(3, &["there is no stage `x`; it has "]);
}

#[test]
fn safe_fixes_are_applied_with_a_way_back() {
    let sandbox = sandbox(&[("a/Dockerfile", MIXED), ("b/Dockerfile", APT)]);
    let before = sandbox.tree();
    sandbox
        .run(&["lint", "--fix", "--dry-run", "a"])
        .check(1, &["-FROM base as next", "+FROM base AS next"]);
    assert_eq!(sandbox.tree(), before, "a dry run changed something");
    let run = lint(&sandbox, &["--fix", "a", "b", "--fail-on", "style"]);
    run.check(0, &["a/Dockerfile: fixed mismatched-as-case: Write `AS`", "careen undo 0001"]);
    let text = fs::read_to_string(sandbox.project().join("a/Dockerfile")).unwrap();
    assert_eq!(text, "FROM scratch AS base\nFROM base AS next\n");
    let fixed = sandbox.tree();
    lint(&sandbox, &["--fix", "a", "b"]).check(0, &["nothing found in 2 files"]);
    assert_eq!(sandbox.tree(), fixed, "a second run changed something");
    lint(&sandbox, &["--fix", "--dry-run", "a", "b"]).check(0, &["nothing to fix"]);
    sandbox.run(&["undo"]).check(0, &[]);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn outside_of_a_project_there_is_no_journal() {
    let sandbox = Sandbox::new(&[("Dockerfile", MIXED)]);
    let before = sandbox.tree();
    lint(&sandbox, &["--fix", "Dockerfile"]).check(3, &["lies in no project", "--no-journal"]);
    assert_eq!(sandbox.tree(), before);
    lint(&sandbox, &["--fix", "--no-journal", "Dockerfile"]).check(0, &["1 fix made"]);
    assert!(!sandbox.project().join(".careen").exists());
    let text = fs::read_to_string(sandbox.project().join("Dockerfile")).unwrap();
    assert_eq!(text, "FROM scratch AS base\nFROM base AS next\n");
}

#[test]
fn what_is_not_utf_8_is_never_changed() {
    let sandbox = sandbox(&[]);
    sandbox.write("Dockerfile", b"FROM scratch AS a\n# gr\xfc\xdfe\nFROM a as b\n");
    let before = sandbox.tree();
    let run = lint(&sandbox, &["--fix", "--risky", "Dockerfile", "--fail-on", "style"]);
    run.check(1, &["Dockerfile:3:1: style"]);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn ignore_files_are_fixed_on_request() {
    let sandbox = sandbox(&[(".dockerignore", "*.pyc\n  # note\nfoo # bar\n")]);
    lint(&sandbox, &["--fix", ".dockerignore"]).check(1, &["3 fixable with --fix --risky"]);
    lint(&sandbox, &["--fix", "--risky", ".dockerignore"]).check(0, &["3 fixes made"]);
    let text = fs::read_to_string(sandbox.project().join(".dockerignore")).unwrap();
    assert_eq!(text, "**/*.pyc\n# note\n# bar\nfoo\n");
}

#[test]
fn a_baseline_survives_moved_lines_and_tells_what_is_gone() {
    let sandbox = sandbox(&[("app/Dockerfile", APT)]);
    lint(&sandbox, &["--baseline", "known.json"]).check(2, &["--write-baseline"]);
    sandbox
        .run(&["lint", "--write-baseline", "known.json"])
        .check(0, &["wrote 1 findings", "1 in the baseline"]);
    lint(&sandbox, &["--baseline", "known.json"]).check(0, &["nothing found"]);
    let moved = APT.replace("RUN ", "# a comment\n\nRUN   ");
    sandbox.write(
        "app/Dockerfile",
        format!("{moved}RUN apt-get install -y --no-install-recommends vim\n").as_bytes(),
    );
    let run = lint(&sandbox, &["--baseline", "known.json", "--format", "json"]);
    assert!(places(&run).iter().all(|place| !place.contains(":4:")), "{run}");
    assert_eq!(run.json()["counts"]["known"], 1, "{run}");
    // From another folder it means the same files.
    let mut command = sandbox.careen(&with_rules(&[
        "--baseline",
        "../known.json",
        "Dockerfile",
        "--format",
        "json",
    ]));
    command.current_dir(sandbox.project().join("app"));
    assert_eq!(finish(command).json()["counts"]["known"], 1);
    sandbox.write("app/Dockerfile", b"FROM scratch\n");
    sandbox
        .run(&["lint", "--baseline", "known.json"])
        .check(0, &["apt-cache-unmounted is in the baseline and found no more"]);
    sandbox.write("known.json", b"{}");
    lint(&sandbox, &["--baseline", "known.json"]).check(2, &["known.json"]);
}

#[test]
fn the_configuration_says_what_is_looked_for() {
    let sandbox = sandbox(&[("Dockerfile", MIXED), ("apt/Dockerfile", APT)]);
    let check = |text: &str, code, says: &[&str]| {
        sandbox.write("careen.toml", text.as_bytes());
        sandbox.run(&["lint"]).check(code, says);
    };
    check(
        "[lint]\nfail-on = 'style'\nselect = ['FromAsCasing']\n",
        1,
        &["1 finding in 1 of 2 files"],
    );
    let apt = "[lint]\nselect = ['apt-cache-unmounted']\n";
    check(apt, 1, &["warning apt-cache-unmounted"]);
    check(&format!("{apt}severity = {{DL3009 = 'hint'}}\n"), 0, &["hint apt-cache-unmounted"]);
    check(&format!("{apt}ignore = {{DL3009 = 'a toy'}}\n"), 0, &["1 suppressed"]);
    check(
        "[lint]\nprofile = 'buildkit'\nselect = ['FromAsCasing']\n",
        1,
        &["warning FromAsCasing"],
    );
    check("[lint]\nprofil = 'buildkit'\n", 2, &["did you mean `profile`?"]);
    check("[lint.severity]\nDL300 = 'hint'\n", 2, &["no rule is called `DL300`"]);
    lint(&sandbox, &["--isolated"]).check(1, &["apt-cache-unmounted"]);
}

#[test]
fn many_files_come_in_their_order() {
    let sandbox = sandbox(&[]);
    let names: Vec<String> = (0..40).map(|n| format!("{n:02}/Dockerfile")).collect();
    for name in &names {
        sandbox.write(name, MIXED.as_bytes());
    }
    let expected: Vec<String> =
        names.iter().map(|name| format!("{name}:2:1 mismatched-as-case")).collect();
    for _ in 0..5 {
        assert_eq!(places(&lint(&sandbox, &["--format", "json"])), expected);
    }
}

#[test]
fn every_format_can_be_read_by_its_reader() {
    let sandbox = sandbox(&[("Dockerfile", MIXED), ("apt/Dockerfile", APT)]);
    let of = |format: &str| lint(&sandbox, &["--format", format, "--fail-on", "never"]);
    for format in ["json", "sarif", "gitlab"] {
        of(format).json();
    }
    let sarif = of("sarif").json();
    let run = &sarif["runs"][0];
    assert_eq!(sarif["version"], "2.1.0");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(rules[index]["help"]["markdown"].as_str().unwrap().starts_with("# "));
    }
    assert_eq!(of("jsonl").out.lines().count(), 2);
    assert!(of("github").out.lines().all(|line| line.starts_with("::")));
    for format in ["junit", "checkstyle"] {
        assert!(of(format).out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<"));
    }
    let run = lint(&sandbox, &["gone", "--format", "gitlab"]);
    assert_eq!(run.out, "[]\n");
    run.check(3, &["gone: could not be read"]);
    assert!(of("md").out.starts_with("### careen lint: 1 warning, 1 style finding\n"));
}

#[test]
fn hadolints_own_configuration_is_read_for_its_profile() {
    let source = "FROM debian:12\nRUN echo $HOME\nRUN cd /tmp && ls\nRUN sudo ls\n";
    let sandbox = sandbox(&[("Dockerfile", source), ("other.yaml", "no-fail: true\n")]);
    let hadolint = |more: &[&str]| {
        let asked = ["lint", "--profile", "hadolint", "--format", "json", "Dockerfile"];
        sandbox.run(&[&asked[..], more].concat())
    };
    let told = |run: &Run| {
        let document = run.json();
        let findings = document["findings"].as_array().unwrap().iter();
        let shown = findings.map(|found| {
            format!("{} {}", found["rule"].as_str().unwrap(), found["severity"].as_str().unwrap())
        });
        shown.collect::<Vec<_>>()
    };
    let run = hadolint(&[]);
    assert_eq!(told(&run), ["SC2086 info", "DL3003 warning", "DL3004 error"]);
    assert_eq!(run.code, Some(1));
    sandbox.write(
        ".hadolint.yaml",
        b"ignored: [DL3003]\noverride:\n  style: [DL3004, SC2086]\nfailure-threshold: info\n",
    );
    let run = hadolint(&[]);
    assert_eq!(told(&run), ["SC2086 style", "DL3004 style"]);
    assert_eq!(run.code, Some(0));
    assert_eq!(hadolint(&["--fail-on", "style"]).code, Some(1));
    let other = hadolint(&["--hadolint-config", "other.yaml"]);
    assert_eq!((told(&other).len(), other.code), (3, Some(0)));
    assert_eq!(told(&hadolint(&["--isolated"])).len(), 3);
    let own = sandbox.run(&["lint", "Dockerfile", "--only", "SC2086", "--format", "json"]);
    assert_eq!(told(&own), ["shell-mistake hint"]);
    sandbox.write(".hadolint.yaml", b"ignored: DL3003\n");
    assert_eq!(hadolint(&[]).code, Some(2));
}

#[test]
fn a_number_of_shellcheck_is_a_name_for_its_findings_alone() {
    let source = "FROM debian:12\nRUN echo $HOME $(cat /list)\n";
    let sandbox = sandbox(&[("Dockerfile", source)]);
    let codes = |arguments: &[&str]| {
        let document =
            sandbox.run(&[&["lint", "Dockerfile", "--format", "json"], arguments].concat()).json();
        let findings = document["findings"].as_array().unwrap().iter();
        findings.map(|found| found["aliases"][0].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ["--only", "shell-mistake"];
    assert_eq!(codes(&all), ["SC2086", "SC2046"]);
    assert_eq!(codes(&["--only", "sc2046"]), ["SC2046"]);
    assert_eq!(codes(&[&all[..], &["--only", "SC2046"]].concat()), ["SC2086", "SC2046"]);
    assert_eq!(codes(&[&all[..], &["--ignore", "SC2046=one word"]].concat()), ["SC2086"]);
    sandbox.write("careen.toml", b"[lint.severity]\nSC2086 = \"error\"\n");
    let run = sandbox.run(&["lint", "Dockerfile", "--only", "shell-mistake"]);
    run.check(
        1,
        &[
            "error shell-mistake (SC2086): quote parameter",
            "warning shell-mistake (SC2046): quote command",
        ],
    );
    sandbox.run(&["explain", "SC2086"]).check(0, &["# shell-mistake"]);
    let fix = ["lint", "Dockerfile", "--only", "SC2086", "--fix", "--risky"];
    sandbox.run(&fix).check(0, &["fixed shell-mistake"]);
    let expected = "FROM debian:12\nRUN echo \"$HOME\" $(cat /list)\n";
    assert_eq!(fs::read_to_string(sandbox.project().join("Dockerfile")).unwrap(), expected);
}

#[test]
fn a_file_can_ask_that_warnings_fail() {
    let source = "# check=error=true\nFROM scratch AS base\nFROM base as next\n";
    let sandbox = sandbox(&[("Dockerfile", source)]);
    lint(&sandbox, &["Dockerfile"]).check(1, &["style mismatched-as-case"]);
    lint(&sandbox, &["Dockerfile", "--fail-on", "never"]).check(0, &[]);
}

#[test]
fn what_only_the_builder_knows_is_not_called_fine() {
    let sandbox = Sandbox::new(&[("Dockerfile", "FROM debian:12\nCMD [\"true\"]\n")]);
    let run = |more: &[&str]| sandbox.run(&[&["lint", "Dockerfile"], more].concat());
    run(&["--only", "InvalidBaseImagePlatform"]).check(3, &["not checked: only --ask-builder"]);
    let profile = ["--profile", "buildkit", "--only", "InvalidBaseImagePlatform"];
    run(&profile).check(3, &["not checked: only --ask-builder"]);
    run(&["--ask-builder"]).check(3, &["base images are not checked: no engine answers at"]);
    // A finding that can be seen without the builder goes before.
    sandbox.write("Dockerfile", b"FROM debian\nCMD true\n");
    run(&["--ask-builder"]).check(1, &["base images are not checked"]);
}

#[test]
fn odd_files_and_options_are_told_in_one_sentence() {
    let sandbox = Sandbox::new(&[("Dockerfile", "FROM debian:12\nCMD [\"true\"]\n")]);
    let wide: Vec<u8> =
        "FROM debian:12\nRUN a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    sandbox.write("wide", &[&[0xff, 0xfe][..], &wide].concat());
    sandbox.write("program", b"\x7fELF\x02\x01\x01\0\0\0\nx\ny\n");
    sandbox.write("bad.json", b"{");
    let run = |more: &[&str]| sandbox.run(&[&["lint"], more].concat());
    run(&["wide"]).check(1, &["the file is UTF-16, and BuildKit reads UTF-8", "1 finding in"]);
    run(&["program"]).check(1, &["the file is binary, and no Dockerfile", "1 finding in"]);
    run(&["--platform", "nonsense", "Dockerfile"]).check(2, &["unknown operating system"]);
    let hint = "write one with --write-baseline FILE";
    run(&["--baseline", "none.json", "Dockerfile"]).check(2, &["none.json", hint]);
    run(&["--baseline", "bad.json", "Dockerfile"]).check(2, &["bad.json", "EOF", hint]);
}
