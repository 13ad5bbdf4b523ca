//! Stages, variables, context sources and cache mounts, as small pages.

#![expect(clippy::unwrap_used, reason = "a test")]

use careen_syntax::dockerfile::{self, Base, Dockerfile, Given, Item, Keyword, Typed, parse};
use expect_test::{Expect, expect};
use std::fmt::Write as _;

fn given(arguments: &[(&str, &str)]) -> Given {
    let arguments =
        arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Given { arguments, ..Given::default() }
}

/// Stages, those needed for the target, and what these take from the context.
fn check(source: &str, target: Option<&str>, arguments: &[(&str, &str)], expected: &Expect) {
    let file = dockerfile::parse(source);
    assert_eq!(file.refusal(), None);
    let meaning = file.meaning(&given(arguments));
    let mut out = String::new();
    for stage in &meaning.stages {
        let name = stage.name.as_deref().unwrap_or("-");
        let platform = stage.platform.as_deref().unwrap_or("-");
        writeln!(out, "{} {name} {:?} {platform} {:?}", stage.index, stage.base, stage.items)
            .unwrap();
    }
    writeln!(out, "needs {:?}", meaning.reachable(target)).unwrap();
    for source_path in meaning.context_sources(target) {
        let at = source_path.span.start as usize..source_path.span.end as usize;
        let dockerfile::Source { kind, path, unknown, .. } = source_path;
        writeln!(out, "{kind:?} {path} from {:?} unknown {unknown:?}", &source[at]).unwrap();
    }
    expected.assert_eq(&out);
}

/// The value that each `ECHO`-like LABEL has after expansion.
fn labels(source: &str, arguments: &[(&str, &str)], expected: &[&str]) {
    let file = dockerfile::parse(source);
    let meaning = file.meaning(&given(arguments));
    let mut found = Vec::new();
    for (item, instruction) in file.items.iter().enumerate() {
        let Some(Typed::Label(pairs)) =
            instruction.instruction().and_then(careen_syntax::dockerfile::Instruction::typed)
        else {
            continue;
        };
        for pair in pairs {
            found.push(meaning.expand(item, &pair.value.text).text);
        }
    }
    assert_eq!(found, expected, "{source}");
}

#[test]
fn arguments_and_environment_have_scopes() {
    labels("ARG A=1\nFROM x\nLABEL l=\"$A|\"", &[], &["|"]);
    labels("ARG A=1\nFROM x\nARG A\nLABEL l=$A", &[], &["1"]);
    labels("ARG A=1\nFROM x\nARG A=2\nLABEL l=$A", &[], &["2"]);
    labels("ARG A=1\nFROM x\nARG A=2\nLABEL l=$A", &[("A", "3")], &["3"]);
    labels("FROM x\nARG A=1\nENV A=2\nLABEL l=$A", &[("A", "3")], &["2"]);
    labels("FROM x\nENV A=1 B=$A\nLABEL l=\"$A$B\"", &[], &["1"]);
    labels("FROM x\nENV A=1\nENV A=2 B=$A\nLABEL l=\"$A$B\"", &[], &["21"]);
    labels("FROM x\nARG A=1 B=${A}2\nLABEL l=$B", &[], &["12"]);
    labels("FROM x\nLABEL l=\"$A|\"\nENV A=1\nLABEL l=$A", &[], &["|", "1"]);
    labels("FROM x AS a\nENV A=1\nFROM a\nLABEL l=$A\nENV A=2\nLABEL l=$A", &[], &["1", "2"]);
    labels("FROM x AS a\nENV A=1\nFROM x\nLABEL l=\"$A|\"", &[], &["|"]);
    labels("FROM x\nARG TARGETARCH\nLABEL l=$TARGETARCH-$TARGETOS.", &[], &["amd64-."]);
    labels("ARG A\nARG B=${A:-d}\nFROM x\nARG B\nLABEL l=$B", &[], &["d"]);
    labels("ARG A\nARG B=${A:-d}\nFROM x\nARG B\nLABEL l=$B", &[("A", "e")], &["e"]);
}

#[test]
fn stages_and_what_they_need() {
    check(
        "ARG BASE=scratch V=1\nFROM --platform=$BUILDPLATFORM golang:${V} AS Build\nCOPY go.mod ./\nFROM other AS unused\nADD all /\nFROM build AS test\nRUN --mount=type=bind,source=t,target=/t --mount=from=unused,target=/u x\nFROM $BASE\nCOPY --from=build /b /b\nCOPY --from=0 /c /c\nCOPY [\"a b\", \"/\"]\n",
        None,
        &[("V", "2")],
        &expect![[r#"
            0 build Image("golang:2") linux/amd64 1..3
            1 unused Image("other") - 3..5
            2 test Stage(0) - 5..7
            3 - Scratch - 7..11
            needs {0, 3}
            Copy go.mod from "go.mod" unknown []
            Copy a b from "\"a b\"" unknown []
        "#]],
    );
    check(
        "FROM a AS x\nCOPY . .\nFROM b\nCOPY c d\n",
        Some("X"),
        &[],
        &expect![[r#"
        0 x Image("a") - 0..2
        1 - Image("b") - 2..4
        needs {0}
        Copy . from "." unknown []
    "#]],
    );
    check(
        "FROM a AS x\nFROM b\n",
        Some("none"),
        &[],
        &expect![[r#"
        0 x Image("a") - 0..1
        1 - Image("b") - 1..2
        needs {}
    "#]],
    );
}

#[test]
fn context_sources_are_what_the_client_is_asked_for() {
    check(
        "FROM x\nARG D=src\nCOPY --link ./$D/../lib/*.py \"q r\" /d/\nCOPY $HOME/x /\nADD https://a/b git@h:r ../up /d\nCOPY --parents ./a/./b/ /\nCOPY <<E f /g\nE\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t true\nRUN --mount=target=/all true\nONBUILD COPY later /\n",
        None,
        &[],
        &expect![[r#"
            0 - Image("x") - 0..10
            needs {0}
            Copy lib/*.py from "./$D/../lib/*.py" unknown []
            Copy . from "\"q" unknown []
            Copy . from "r\"" unknown []
            Copy x from "$HOME/x" unknown ["HOME"]
            Add up from "../up" unknown []
            Copy a/b from "./a/./b/" unknown []
            Copy f from "f" unknown []
            Tmpfs . from "--mount=type=tmpfs,target=/t" unknown []
            Bind . from "--mount=target=/all" unknown []
        "#]],
    );
    check(
        "FROM x AS a\nONBUILD COPY later /\nFROM a\n",
        None,
        &[],
        &expect![[r#"
        0 a Image("x") - 0..2
        1 - Stage(0) - 2..3
        needs {0, 1}
        Copy later from "later" unknown []
    "#]],
    );
}

fn mounts(file: &Dockerfile) -> String {
    let source = file.text().unwrap();
    let mut out = String::new();
    for cache in file.cache_mounts() {
        let at = cache.mount.span.start as usize..cache.mount.span.end as usize;
        let id = &cache.identity;
        writeln!(out, "{:?}", &source[at]).unwrap();
        writeln!(
            out,
            "  at {} {} id {} from {:?} owner {:?}:{:?} mode {:?}",
            cache.target,
            cache.sharing.as_str(),
            id.id,
            id.from,
            id.uid,
            id.gid,
            id.mode
        )
        .unwrap();
        for field in &cache.mount.fields {
            let at = field.span.start as usize..field.span.end as usize;
            let value = field.value_span.start as usize..field.value_span.end as usize;
            writeln!(out, "  {} = {:?} in {:?}", field.key, &source[value], &source[at]).unwrap();
        }
    }
    out
}

#[test]
fn cache_mounts_have_identities_and_places() {
    let file = dockerfile::parse(
        "FROM x\nARG U=1000\nWORKDIR /w\nRUN --mount=type=cache,target=/root/.cache/ \\\n --mount=type=cache,id=a,dst=c,sharing=LOCKED,uid=$U,gid=7,mode=0755 \\\n --mount=\"type=cache\",\\\ntarget=/q --mount='type=cache,\"target=/a,b\",from=s' true\n",
    );
    assert_eq!(file.problems, vec![]);
    expect![[r#"
        "--mount=type=cache,target=/root/.cache/"
          at /root/.cache shared id /root/.cache from None owner None:None mode None
          type = "cache" in "type=cache"
          target = "/root/.cache/" in "target=/root/.cache/"
        "--mount=type=cache,id=a,dst=c,sharing=LOCKED,uid=$U,gid=7,mode=0755"
          at /w/c locked id a from None owner Some(1000):Some(7) mode Some(493)
          type = "cache" in "type=cache"
          id = "a" in "id=a"
          dst = "c" in "dst=c"
          sharing = "LOCKED" in "sharing=LOCKED"
          uid = "$U" in "uid=$U"
          gid = "7" in "gid=7"
          mode = "0755" in "mode=0755"
        "--mount=\"type=cache\",\\\ntarget=/q"
          at /q shared id /q from None owner None:None mode None
          type = "cache" in "type=cache"
          target = "/q" in "target=/q"
        "--mount='type=cache,\"target=/a,b\",from=s'"
          at /a,b shared id /a,b from Some("s") owner None:None mode None
          type = "cache" in "type=cache"
          target = "/a,b" in "\"target=/a,b\""
          from = "s" in "from=s"
    "#]]
    .assert_eq(&mounts(&file));
}

#[test]
fn what_is_in_force() {
    let file = dockerfile::parse(
        "FROM x AS a\nWORKDIR /a\nUSER u\nWORKDIR b\nFROM a\nRUN true\nUSER $V\nWORKDIR ../c\nRUN true\nFROM y\nRUN true\n",
    );
    let meaning = file.meaning(&Given::default());
    let at = |item| (meaning.workdir_at(item), meaning.user_at(item));
    assert_eq!(at(5), ("/a/b".to_owned(), Some("u".to_owned())));
    assert_eq!(at(8), ("/a/c".to_owned(), Some(String::new())));
    assert_eq!(at(10), ("/".to_owned(), None));
}

/// The first problem of a file that is refused.
#[test]
fn refusals_are_worded_as_buildkit_does() {
    let cases = [
        ("FROM x\nCOPY --form=a b c\n", "2: unknown flag: --form (did you mean from?)"),
        ("FROM x\nCOPY --link --link b c\n", "2: duplicate flag specified: --link"),
        (
            "FROM x\nCOPY --link=maybe b c\n",
            "2: expecting boolean value for flag --link, not: maybe",
        ),
        ("FROM x\nCOPY --from b c\n", "2: missing a value on flag: --from"),
        (
            "FROM x AS 1a\n",
            "1: invalid name for build stage: \"1a\", name can't start with a number or contain symbols",
        ),
        ("FROM x y\n", "1: FROM requires either one or three arguments"),
        ("FROM x\nRUN --mount=type=foo a\n", "2: unsupported mount type \"foo\""),
        ("FROM x\nRUN --mount=type=cache,tgt=/a a\n", "2: unexpected key 'tgt' in 'tgt=/a'"),
        ("FROM x\nRUN --mount=type=bind,uid=1 a\n", "2: uid not allowed for \"bind\" type mounts"),
        ("FROM x\nENV =a\n", "2: ENV names can not be blank"),
        (
            "FROM x\nENV a=b c\n",
            "2: Syntax error - can't find = in \"c\". Must be of the form: name=value",
        ),
        ("FROM x\nENV a\n", "2: ENV must have two arguments"),
        ("FROM x\nSHELL bash -c\n", "2: SHELL requires the arguments to be in JSON form"),
        ("FROM x\nHEALTHCHECK FOO\n", "2: Unknown type \"FOO\" in HEALTHCHECK (try CMD)"),
        ("FROM x\nHEALTHCHECK NONE x\n", "2: HEALTHCHECK NONE takes no arguments"),
        ("FROM x\nRUN <<A\nb\n", "2: unterminated heredoc"),
        ("FROM x\n\\\n", "2: unknown instruction: "),
        ("RUN a\nFROM x\n", "1: no build stage in current context"),
        ("ARG a\n", "1: dockerfile contains no stages to build"),
        ("# escape=a\nFROM x\n", "1: invalid escape token 'a' does not match ` or \\"),
        ("# escape=`\n# escape=`\nFROM x\n", "2: only one escape parser directive can be used"),
        (
            "FROM x\nCMD [1]\n",
            "2: when using JSON array syntax, arrays must be comprised of strings only",
        ),
    ];
    for (source, expected) in cases {
        let file = dockerfile::parse(source);
        let got = file.refusal().map(|problem| format!("{}: {}", problem.line, problem.message));
        assert_eq!(got.as_deref(), Some(expected), "{source}");
    }
}

#[test]
fn directives_are_found_where_buildkit_finds_them() {
    let syntax =
        |source: &str| dockerfile::parse(source).syntax().map(|found| (found.value, found.line));
    let found = |value: &str, line| Some((value.to_owned(), line));
    assert_eq!(
        syntax("# syntax = dockerfile:experimental // opts\nFROM b\n"),
        found("dockerfile:experimental", 1)
    );
    assert_eq!(syntax("#!/bin/sh\n# syntax = d:e\nFROM b\n"), found("d:e", 2));
    assert_eq!(syntax("#!/bin/sh\n\n# syntax = d:e\n"), None);
    assert_eq!(syntax("FROM b\nRUN ls\n"), None);
    assert_eq!(syntax("//syntax=foo\n//key=value"), found("foo", 1));
    assert_eq!(syntax("#!/bin/sh\n//syntax=x"), found("x", 2));
    assert_eq!(
        syntax("{\"syntax\": \"foo\", \"bar\": [\"abc\", {\"a\": [1, {}]}]}"),
        found("foo", 0)
    );
    assert_eq!(syntax("{\"syntax\": \"foo\""), None);
    assert_eq!(syntax("{\"syntax\": \"foo\"}\n# syntax=bar"), None);
    let check = |source: &str| dockerfile::parse(source).check().map(|found| found.full);
    assert_eq!(check("#check = skip=all // opts\nFROM b\n").as_deref(), Some("skip=all // opts"));
    assert_eq!(check("//check=skip=all\n//key=value"), None);
}

#[test]
fn what_an_instruction_sees_and_what_arg_declares() {
    let file = parse(
        "ARG TAG=1\nARG EMPTY\nFROM a:$TAG AS base\nENV A=1 B=2\nARG C\nENV A=3\nWORKDIR /x\n\
         FROM base\nENV D=4\nRUN true\nFROM Base\n",
    );
    let meaning = file.meaning(&Given::default());
    let item = |line: u32| {
        let of = |item: &Item| item.instruction().is_some_and(|found| found.lines.0 == line);
        file.items.iter().position(of).unwrap()
    };
    // Set last, told last; the stage it is based on comes before its own.
    assert_eq!(meaning.visible(item(10)), ["B", "A", "D"]);
    assert_eq!(meaning.visible(item(6)), ["A", "B"]);
    let seen = meaning.visible(item(3));
    assert!(seen.contains(&"TAG") && seen.contains(&"TARGETSTAGE") && !seen.contains(&"EMPTY"));
    assert_eq!(meaning.declared_globally().collect::<Vec<_>>(), ["EMPTY", "TAG"]);
    assert!(meaning.is_declared(item(10), "C") && !meaning.is_declared(item(4), "C"));
    assert!(meaning.is_declared(item(3), "EMPTY") && !meaning.is_declared(item(10), "EMPTY"));
    assert!(meaning.has_before(item(10), Keyword::Workdir));
    assert!(!meaning.has_before(item(6), Keyword::Workdir));
    // BuildKit keeps names in lower case and looks FROM up as it is written.
    assert_eq!(meaning.stages[2].base, Base::Image("Base".to_owned()));
    assert_eq!(meaning.variable(item(3), "TARGETSTAGE").as_deref(), Some("default"));
}
