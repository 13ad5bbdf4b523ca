//! Which bodies are read, by which shell, and where mistakes are said to be.

use careen_model::{Safety, apply};
use careen_shell::{Level, Mistake, check, shown_by_hadolint};
use careen_syntax::dockerfile::{self, Given};

fn mistakes(source: &str) -> Vec<Mistake> {
    let file = dockerfile::parse(source);
    let checked = check(&file, &file.meaning(&Given::default()));
    assert_eq!(checked.unread, [], "{source}");
    checked.mistakes
}

/// `number:line:column text` of each mistake.
fn said(source: &str) -> Vec<String> {
    let place = |mistake: &Mistake| {
        let before = &source[..mistake.span.start as usize];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        format!("{}:{line}:{column} {}", mistake.code, mistake.span.of(source))
    };
    mistakes(source).iter().map(place).collect()
}

fn check_all(cases: &[(&str, &[&str])]) {
    for (source, expected) in cases {
        assert_eq!(said(source), *expected, "{source}");
    }
}

#[test]
fn places_are_those_of_the_file() {
    check_all(&[
        ("FROM x\nRUN rm $Y\n", &["SC2086:2:8 $Y"]),
        ("FROM x\nRUN true && \\\n  # why\n\n  rm $Y\n", &["SC2086:5:6 $Y"]),
        ("FROM x\r\nRUN true && \\\r\n  rm $Y\r\n", &["SC2086:3:6 $Y"]),
        ("# escape=`\nFROM x\nSHELL [\"sh\", \"-c\"]\nRUN true && `\n rm $Y\n", &["SC2086:5:5 $Y"]),
        ("FROM x\nRUN echo é && rm $Y\n", &["SC2086:2:18 $Y"]),
        ("FROM x\nRUN <<E\ntrue\nrm $Y\nE\n", &["SC2086:4:4 $Y"]),
        ("FROM x\nRUN <<-E\n\ttrue\n\trm $Y\n\tE\n", &["SC2086:4:5 $Y"]),
        ("FROM x\nRUN cat <<E && rm $Y\n$Z\nE\n", &["SC2086:2:19 $Y"]),
        ("FROM x\nRUN --mount=type=cache,target=/a rm $Y\n", &["SC2086:2:37 $Y"]),
        ("FROM x\nONBUILD RUN rm $Y\n", &["SC2086:2:16 $Y"]),
    ]);
}

#[test]
fn only_shell_is_read() {
    check_all(&[
        ("FROM x\nRUN [\"rm\", \"$Y\"]\n", &[]),
        ("FROM x\nSHELL [\"pwsh\", \"-c\"]\nRUN rm $Y\n", &[]),
        ("FROM mcr.microsoft.com/windows/nanoserver:1\nRUN del $Y\n", &[]),
        ("FROM x\nSHELL [\"/bin/zsh\", \"-c\"]\nRUN rm $Y\n", &[]),
        ("FROM x\nRUN <<E\n#!/usr/bin/env python3\nrm $Y\nE\n", &[]),
        ("FROM x\nRUN python3 <<E\nrm(Y)\nE\n", &[]),
        ("FROM x\nCMD rm $Y\n", &[]),
        ("FROM x\nHEALTHCHECK CMD rm $Y\n", &[]),
        ("FROM x\nCOPY <<E /a\nrm $Y\nE\n", &[]),
    ]);
}

#[test]
fn each_body_has_its_shell() {
    check_all(&[
        ("FROM x\nRUN [[ a ]]\n", &["SC3010:2:5 [[ a ]]", "SC2078:2:8 a"]),
        ("FROM x\nSHELL [\"/bin/bash\", \"-c\"]\nRUN [[ $A ]]\n", &[]),
        ("FROM x\nRUN <<E\n#!/bin/bash\n[[ -n $A ]]\nE\n", &[]),
        ("FROM x\nRUN <<'E' bash\n[[ -n $A ]]\nE\n", &[]),
        ("FROM x\nRUN bash -eu <<'E'\n[[ -n $A ]]\nrm $B\nE\n", &["SC2086:4:4 $B"]),
        // The outer shell takes the backslash away before bash reads the line.
        ("FROM x\nRUN bash <<E\nrm \\$B\nE\n", &["SC2086:3:5 $B"]),
        ("FROM x\nRUN echo $RANDOM\n", &["SC3028:2:10 $RANDOM"]),
        ("FROM x\nENV RANDOM=4\nRUN echo \"$RANDOM\"\n", &[]),
        ("FROM x\nSHELL [\"bash\", \"-ec\"]\nRUN cd /a; b\n", &[]),
        ("FROM x\nRUN cd /a; b\n", &["SC2164:2:5 cd /a"]),
    ]);
}

#[test]
fn variables_of_the_build_are_set() {
    check_all(&[
        ("FROM x\nRUN echo \"$foo\"\n", &["SC2154:2:11 $foo"]),
        ("FROM x\nARG foo\nRUN echo \"$foo\"\n", &[]),
        ("FROM x\nENV foo=1\nRUN echo \"$foo\"\n", &[]),
        ("FROM x\nRUN echo \"$foo\"\nENV foo=1\n", &["SC2154:2:11 $foo"]),
        ("ARG foo\nFROM x\nRUN echo \"$foo\"\n", &["SC2154:3:11 $foo"]),
        ("FROM x AS a\nENV foo=1\nFROM a\nRUN echo \"$foo\"\n", &[]),
        ("FROM x\nARG foo\nONBUILD RUN echo \"$foo\"\n", &["SC2154:3:19 $foo"]),
        ("FROM x\nENV foo=1\nONBUILD RUN echo \"$foo\"\n", &[]),
        ("FROM x\nONBUILD ARG foo\nONBUILD RUN echo \"$foo\"\n", &[]),
        ("FROM x\nRUN echo \"$http_proxy\"\n", &[]),
    ]);
}

#[test]
fn comments_silence() {
    check_all(&[
        ("FROM x\n# shellcheck disable=SC2086\nRUN rm $Y\n", &[]),
        ("FROM x\n# shellcheck disable=SC2046\nRUN rm $Y\n", &["SC2086:3:8 $Y"]),
        ("FROM x\nRUN true; \\\n# shellcheck disable=SC2086\nrm $Y; rm $Z\n", &["SC2086:4:11 $Z"]),
        ("FROM x\nRUN \\\n# shellcheck disable=SC2086\nrm $Y; rm $Z\n", &[]),
        ("FROM x\nRUN <<E\n# shellcheck disable=SC2086\nrm $Y\nrm $Z\nE\n", &[]),
        (
            "FROM x\nRUN <<E\ntrue\n# shellcheck disable=SC2086\nrm $Y\nrm $Z\nE\n",
            &["SC2086:6:4 $Z"],
        ),
        ("FROM x\nRUN <<E\ntrue\n# shellcheck disable=SC2185\nfind -name a\nE\n", &[]),
    ]);
}

#[test]
fn gaps_of_the_linter_are_filled() {
    check_all(&[
        ("FROM x\nRUN find -name a\n", &["SC2185:2:5 find"]),
        ("FROM x\nRUN find -L -name a\n", &["SC2185:2:5 find"]),
        ("FROM x\nRUN find . -name a; find -L /a; find --help\n", &[]),
        ("FROM x\nRUN mkdir -m 700 -p /a/b\n", &["SC2174:2:11 -m"]),
        ("FROM x\nRUN mkdir -pm 700 a && mkdir -p /a/b && mkdir -m 1 /a/b\n", &[]),
        ("FROM x\nRUN chmod =2775 /a\n", &["SC2283:2:11 =2775"]),
        ("FROM x\nRUN a == b\n", &["SC2284:2:7 =="]),
        ("FROM x\nRUN echo ====; echo \"=\"\n", &[]),
        ("FROM x\nRUN set -e; ! a; b\n", &["SC2251:2:13 !"]),
        ("FROM x\nRUN set -e; if ! a; then b; fi; ! c || d; ! e\n", &[]),
        ("FROM x\nRUN echo “a”\n", &["SC1110:2:10 “a”"]),
    ]);
}

#[test]
fn text_that_no_shell_reads_is_one_mistake() {
    let found = mistakes("FROM x\nRUN if true; rm $Y\n");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code.to_string(), found[0].level), ("SC1072".to_owned(), Level::Error));
}

#[test]
fn a_fix_edits_the_file_where_it_can() {
    let cases = [
        ("FROM x\nRUN true && \\\n  rm $Y\n", Some("FROM x\nRUN true && \\\n  rm \"$Y\"\n")),
        ("FROM x\nRUN <<E\nrm $Y\nE\n", Some("FROM x\nRUN <<E\nrm \"$Y\"\nE\n")),
        // The variable is torn in two by the continuation.
        ("FROM x\nRUN rm ${Y\\\n}\n", None),
    ];
    for (source, fixed) in cases {
        let found = mistakes(source);
        let fix = found[0].fix.as_ref();
        assert!(fix.is_none_or(|fix| fix.safety == Safety::Risky && !fix.title.is_empty()));
        let text = fix.map(|fix| apply(source, &fix.edits).unwrap());
        assert_eq!(text.as_deref(), fixed, "{source}");
    }
}

#[test]
fn hadolint_shows_the_last_of_each_run() {
    let found = mistakes("FROM x\nRUN rm $Y && find -name a\nRUN rm $Z\n");
    assert_eq!(found.len(), 3);
    let shown: Vec<String> = shown_by_hadolint(&found).iter().map(|m| m.code.to_string()).collect();
    assert_eq!(shown, ["SC2185", "SC2086"]);
}

#[test]
fn a_fixed_test_is_numbered_and_graded_by_its_word() {
    for (test, code, level) in [
        ("[ foo ]", "SC2078", Level::Error),
        ("[ false ]", "SC2158", Level::Error),
        ("[ 0 ]", "SC2159", Level::Error),
        ("[ true ]", "SC2160", Level::Style),
        ("[[ 1 ]]", "SC2161", Level::Style),
    ] {
        let source = format!("FROM x\nSHELL [\"bash\", \"-c\"]\nRUN {test} && rm /a\n");
        let [only] = &mistakes(&source)[..] else { panic!("{source}") };
        assert_eq!((only.code.name(), only.level), (code, level), "{test}");
    }
}
