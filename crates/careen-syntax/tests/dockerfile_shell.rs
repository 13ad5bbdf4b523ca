//! RUN bodies split into commands, as small pages.

#![expect(clippy::unwrap_used, reason = "a test")]

use careen_syntax::dockerfile::{self, shell::Join};
use expect_test::{Expect, expect};
use std::fmt::Write as _;

/// Every command of every RUN: its words (`*` marks a dynamic one), its source text if that is
/// not the same, and how it goes on.
fn check(source: &str, expected: &Expect) {
    let file = dockerfile::parse(source);
    let meaning = file.meaning(&dockerfile::Given::default());
    let mut out = String::new();
    for item in 0..file.items.len() {
        for command in meaning.script_at(item).commands {
            let indent = "  ".repeat(usize::try_from(command.depth).unwrap());
            let mut words: Vec<String> = Vec::new();
            words.extend(command.assignments.iter().map(|word| format!("[{}]", word.text)));
            words.extend(
                command
                    .words
                    .iter()
                    .map(|word| format!("{}{}", word.text, if word.dynamic { "*" } else { "" })),
            );
            words.extend(command.redirections.iter().map(|redirection| {
                let target = redirection.target.as_ref().map_or("", |word| word.text.as_str());
                format!("<{} {target}>", redirection.operator)
            }));
            let join = match command.join {
                Join::And => " &&",
                Join::Or => " ||",
                Join::Pipe => " |",
                Join::Sequence => " ;",
                Join::Background => " &",
                Join::End => "",
            };
            let at = command.span.start as usize..command.span.end as usize;
            writeln!(out, "{indent}{}{join}   {:?}", words.join(" · "), &source[at]).unwrap();
            for word in &command.words {
                let text = &source[word.span.start as usize..word.span.end as usize];
                if !word.quoted && !word.dynamic && !text.contains('\n') {
                    assert_eq!(text, word.text, "a word's span is off");
                }
            }
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn lists_and_continuations() {
    check(
        "FROM x\nRUN apt-get update \\\n  # why\n\n  && apt-get install -y \\\n    curl git; rm -rf /x || true\n",
        &expect![[r#"
            apt-get · update &&   "apt-get update"
            apt-get · install · -y · curl · git ;   "apt-get install -y \\\n    curl git"
            rm · -rf · /x ||   "rm -rf /x"
            true   "true"
        "#]],
    );
}

#[test]
fn quotes_and_substitutions_stay_in_words() {
    check(
        "FROM x\nRUN A=1 B=\"$x y\" echo 'a b' \"c $(d; e) f\" g\\ h ${i:-j k} `l | m` $((1 << 2)) <(n)\n",
        &expect![[r#"
            [A=1] · [B=$x y] · echo · a b · c $(d; e) f* · g h · ${i:-j k}* · `l | m`* · $((1 << 2))* · <(n)*   "A=1 B=\"$x y\" echo 'a b' \"c $(d; e) f\" g\\ h ${i:-j k} `l | m` $((1 << 2)) <(n)"
        "#]],
    );
}

#[test]
fn redirections() {
    check(
        "FROM x\nRUN cat a 2>&1 >/dev/null </in >>log | tee b &>c & echo d 2> /dev/null\n",
        &expect![[r#"
            cat · a · <2>& 1> · <> /dev/null> · << /in> · <>> log> |   "cat a 2>&1 >/dev/null </in >>log"
            tee · b · <&> c> &   "tee b &>c"
            echo · d · <2> /dev/null>   "echo d 2> /dev/null"
        "#]],
    );
}

#[test]
fn compound_commands() {
    check(
        "FROM x\nRUN if [ -f a ]; then b; elif c; then d; else e; fi && for i in 1 2; do f $i; done; \\\n while g; do h; done; (i && j) | k; { l; m; }; case $n in a|b) o ;; *) p;; esac; q() { r; }; ! s; [[ a && b < c ]] && t; ((x = 1)); u\n",
        &expect![[r#"
              [ · -f · a · ] ;   "[ -f a ]"
              b ;   "b"
              c ;   "c"
              d ;   "d"
              e ;   "e"
              f · $i* ;   "f $i"
              g ;   "g"
              h ;   "h"
              i &&   "i"
              j   "j"
            k ;   "k"
              l ;   "l"
              m ;   "m"
              o ;   "o"
              p ;   "p"
              r ;   "r"
            s ;   "s"
            [[ · a · & · & · b · < · c · ]] &&   "[[ a && b < c ]]"
            t ;   "t"
            u   "u"
        "#]],
    );
}

#[test]
fn heredocs_are_scripts_or_data() {
    check(
        "FROM x\nRUN <<EOF\nset -e\napt-get update # now\ncat > f <<-IN\n\tdata && data\n\tIN\npip install x \\\n  y\nEOF\nRUN <<EOF bash\na\nEOF\nRUN bash <<EOF\nb\nEOF\nRUN bash -euo pipefail <<-EOF\n\tb2\nEOF\nRUN sh -c x <<EOF\nb3\nEOF\nRUN cat <<EOF > /f\nc\nEOF\nRUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF\nRUN <<EOF\n#!/bin/bash\nd\nEOF\n",
        &expect![[r#"
            set · -e ;   "set -e"
            apt-get · update ;   "apt-get update"
            cat · <> f> · <<<- IN> ;   "cat > f <<-IN"
            pip · install · x · y ;   "pip install x \\\n  y"
            bash · <<< EOF>   "<<EOF bash"
            a ;   "a"
            bash · <<< EOF>   "bash <<EOF"
            b ;   "b"
            bash · -euo · pipefail · <<<- EOF>   "bash -euo pipefail <<-EOF"
            b2 ;   "b2"
            sh · -c · x · <<< EOF>   "sh -c x <<EOF"
            cat · <<< EOF> · <> /f>   "cat <<EOF > /f"
            d ;   "d"
        "#]],
    );
}

#[test]
fn other_shells_and_forms() {
    check(
        "# escape=`\nFROM mcr.microsoft.com/windows/servercore\nRUN dir && b\nSHELL [\"powershell\", \"-Command\"]\nRUN a; b\nSHELL [\"conda\", \"run\", \"-n\", \"e\", \"/bin/bash\", \"-c\"]\nRUN c\nRUN [\"d\", \"e f\"]\nONBUILD RUN g && h\n",
        &expect![[r#"
            c   "c"
            d · e f   "\"d\", \"e f\""
            g &&   "g"
            h   "h"
        "#]],
    );
}

#[test]
fn broken_bodies_end_quietly() {
    check(
        "FROM x\nRUN echo 'a\nRUN echo $(b\nRUN ) c && (\nRUN case\nRUN a >\nRUN if; fi; done; }\nRUN \"\nRUN [[ a\n",
        &expect![[r#"
            echo · a   "echo 'a"
            echo · $(b*   "echo $(b"
            a · <> >   "a >"
               "\""
            [[ · a   "[[ a"
        "#]],
    );
}
