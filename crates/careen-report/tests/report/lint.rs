//! Every format of `careen lint`, from one run with odd names, odd texts and a file that is not
//! there.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use careen_model::{Basis, Edit, Finding, Fix, Place, Saving, Severity, Span, Step};
use careen_report::lint::{
    Fixed, LintFile, LintFinding, LintRule, Linting, StaleEntry, checkstyle, github, gitlab, json,
    junit, markdown, sarif,
};
use careen_report::terminal::{self, Excerpts, Style};
use expect_test::{Expect, ExpectFile, expect, expect_file};

const SOURCE: &str = "\u{feff}FROM scratch as base\r\nRUN echo \"ä,\t100%\" | cat\r\n";

fn linting() -> Linting {
    let path = PathBuf::from("app/Docker file,1");
    let mut file = LintFile::new(path.clone(), SOURCE.as_bytes().to_vec());
    let span = |text: &str| {
        let start = SOURCE.find(text).expect("it is there");
        let at = |byte: usize| u32::try_from(byte).expect("it is short");
        Span { start: at(start), end: at(start + text.len()) }
    };
    let finding = |rule, severity, place: &str, message: &str| Finding {
        rule,
        severity,
        place: Place::File { path: path.clone(), span: span(place) },
        message: message.to_owned(),
        evidence: vec![],
        cost: None,
        fixes: vec![],
        also: vec![],
    };
    let edit = |place: &str, text: &str| Step::Edit {
        path: path.clone(),
        edits: vec![Edit::replace(span(place), text)],
    };
    let first = finding("mixed-case", Severity::Style, "as", "'as' and 'FROM' differ")
        .because("keyword", "FROM", "Dockerfile")
        .fix(Fix::safe("Write `AS`", edit("as", "AS")));
    let second = finding(
        "odd-pipe",
        Severity::Warning,
        "echo \"ä,\t100%\" | cat",
        "a\x1b[31m <b> | 100%: x, ::y",
    )
    .costs(Saving::SecondsPerRebuild(1.5), Basis::Measured)
    .fix(Fix::by_hand("Set `pipefail`").show("set -o pipefail"));
    let third = finding("odd-pipe", Severity::Error, "| cat", "it is worse")
        .fix(Fix::risky("Drop it", edit(" | cat", "")));
    for (n, finding) in [first, second, third].into_iter().enumerate() {
        let Place::File { span, .. } = finding.place else { continue };
        let rule = LintRule {
            title: "a title",
            topic: "style",
            aliases: vec!["DL0001"],
            page: "# rule\n\nWhy.\n\n```dockerfile\nFROM a\n```\n",
        };
        let (at, fingerprint) = (file.range(span), format!("{n:016x}"));
        file.findings.push(LintFinding { finding, rule, at, fingerprint });
    }
    file.suppressed = 1;
    file.known = 2;
    let gone = LintFile::unread("gone".into(), "there is no such file".to_owned());
    let clean = LintFile::new("fine.Dockerfile".into(), b"FROM scratch\n".to_vec());
    Linting {
        profile: "careen",
        files: vec![file, gone, clean],
        fails_at: Some(Severity::Warning),
        stale: vec![StaleEntry {
            path: "old".into(),
            rule: "odd-pipe".into(),
            line: 3,
            message: "it was so".into(),
        }],
        fixed: vec![Fixed {
            path: "app/x".into(),
            rule: "mixed-case",
            title: "Write `AS`".into(),
            safety: careen_model::Safety::Safe,
        }],
        journal: vec!["0001".into()],
        notes: vec!["docker-bake.hcl: target `x` is left out".into()],
        took: Duration::from_millis(12),
    }
}

type Write = fn(&mut dyn io::Write, &Linting) -> io::Result<()>;

fn written(write: Write) -> String {
    let text = crate::text(|out| write(out, &linting()));
    assert!(!text.contains('\x1b'), "an escape sequence got through");
    text
}

#[track_caller]
fn check(write: Write, expected: &Expect) -> String {
    let text = written(write);
    expected.assert_eq(&text);
    text
}

#[track_caller]
fn check_file(write: Write, expected: &ExpectFile) -> String {
    let text = written(write);
    expected.assert_eq(&text);
    text
}

#[test]
fn on_a_screen_each_finding_shows_its_line() {
    let shown: Write = |out, run| terminal::lint(out, Style::PLAIN, run, Excerpts::Shown);
    let left: Write = |out, run| terminal::lint(out, Style::PLAIN, run, Excerpts::Left);
    check(
        shown,
        &expect![[r#"
            app/x: fixed mixed-case: Write `AS`
            app/Docker file,1:1:14: style mixed-case: 'as' and 'FROM' differ
             1 | FROM scratch as base
               |              ^^
               = fix: Write `AS`
            app/Docker file,1:2:5: warning odd-pipe: a <b> | 100%: x, ::y
             2 | RUN echo "ä, 100%" | cat
               |     ^^^^^^^^^^^^^^^^^^^^
               = by hand: Set `pipefail`
            app/Docker file,1:2:20: error odd-pipe: it is worse
             2 | RUN echo "ä, 100%" | cat
               |                    ^^^^^
               = risky fix: Drop it
            gone: could not be read: there is no such file
            old: odd-pipe is in the baseline and found no more
            docker-bake.hcl: target `x` is left out

            3 findings in 1 of 2 files: 1 error, 1 warning, 1 style finding (1 suppressed, 2 in the baseline)
            1 fixable with --fix, 1 more with --fix --risky
            1 fix made; undo: careen undo 0001
            1 file could not be read
        "#]],
    );
    check(
        left,
        &expect![[r#"
            app/x: fixed mixed-case: Write `AS`
            app/Docker file,1:1:14: style mixed-case: 'as' and 'FROM' differ
            app/Docker file,1:2:5: warning odd-pipe: a <b> | 100%: x, ::y
            app/Docker file,1:2:20: error odd-pipe: it is worse
            gone: could not be read: there is no such file
            old: odd-pipe is in the baseline and found no more
            docker-bake.hcl: target `x` is left out
            3 findings in 1 of 2 files: 1 error, 1 warning, 1 style finding (1 suppressed, 2 in the baseline)
            1 fixable with --fix, 1 more with --fix --risky
            1 fix made; undo: careen undo 0001
            1 file could not be read
        "#]],
    );
}

#[test]
fn carets_stay_on_a_narrow_screen() {
    let mut out = Vec::new();
    let style = Style { width: 30, ..Style::PLAIN };
    terminal::lint(&mut out, style, &linting(), Excerpts::Shown).expect("a vector takes all");
    let text = String::from_utf8(out).expect("all of it is text");
    let marked: Vec<&str> = text.lines().filter(|line| line.contains('^')).collect();
    assert_eq!(marked.len(), 3, "{text}");
    assert!(marked.iter().all(|line| line.chars().count() <= 30), "{text}");
}

#[test]
fn the_document() {
    let text = check_file(json::document, &expect_file!["lint.json"]);
    let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(value["counts"]["findings"], 3);
}

#[test]
fn json_lines() {
    let text = check(
        json::lines,
        &expect![[r#"
        {"path":"app/Docker file,1","line":1,"column":14,"end_line":1,"end_column":16,"rule":"mixed-case","aliases":["DL0001"],"severity":"style","category":"style","message":"'as' and 'FROM' differ","evidence":[{"what":"keyword","value":"FROM","source":"Dockerfile"}],"cost":null,"fixes":[{"title":"Write `AS`","safety":"safe","edits":[{"line":1,"column":14,"end_line":1,"end_column":16,"text":"AS"}],"commands":[]}],"fingerprint":"0000000000000000"}
        {"path":"app/Docker file,1","line":2,"column":5,"end_line":2,"end_column":25,"rule":"odd-pipe","aliases":["DL0001"],"severity":"warning","category":"style","message":"a\u001b[31m <b> | 100%: x, ::y","evidence":[],"cost":{"kind":"seconds-per-rebuild","seconds":1.5,"bytes":null,"basis":"measured"},"fixes":[{"title":"Set `pipefail`","safety":"manual","edits":[],"commands":["set -o pipefail"]}],"fingerprint":"0000000000000001"}
        {"path":"app/Docker file,1","line":2,"column":20,"end_line":2,"end_column":25,"rule":"odd-pipe","aliases":["DL0001"],"severity":"error","category":"style","message":"it is worse","evidence":[],"cost":null,"fixes":[{"title":"Drop it","safety":"risky","edits":[{"line":2,"column":19,"end_line":2,"end_column":25,"text":""}],"commands":[]}],"fingerprint":"0000000000000002"}
        {"path":"gone","state":"unread","reason":"there is no such file","findings":0,"suppressed":0,"known":0}
    "#]],
    );
    for line in text.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn sarif_for_code_scanning() {
    let text = check_file(sarif::log, &expect_file!["lint.sarif"]);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

#[test]
fn workflow_commands() {
    check(
        github::commands,
        &expect![[r#"
        ::notice file=app/Docker file%2C1,line=1,endLine=1,col=14,endColumn=16,title=careen mixed-case::'as' and 'FROM' differ
        ::warning file=app/Docker file%2C1,line=2,endLine=2,col=5,endColumn=25,title=careen odd-pipe::a <b> | 100%25: x, ::y
        ::error file=app/Docker file%2C1,line=2,endLine=2,col=20,endColumn=25,title=careen odd-pipe::it is worse
        ::error file=gone,title=careen::could not be read: there is no such file
    "#]],
    );
}

#[test]
fn code_quality() {
    check_file(gitlab::report, &expect_file!["lint_gitlab.json"]);
}

#[test]
fn junit_suites() {
    check(
        junit::report,
        &expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="careen lint">
          <testsuite name="app/Docker file,1" tests="3" failures="2" errors="0">
            <testcase name="mixed-case:1:14" classname="app/Docker file,1">
              <system-out>app/Docker file,1:1:14: style: 'as' and 'FROM' differ
          keyword: FROM (from Dockerfile)
          fix: Write `AS` (safe)</system-out>
            </testcase>
            <testcase name="odd-pipe:2:5" classname="app/Docker file,1">
              <failure message="a &lt;b&gt; | 100%: x, ::y">app/Docker file,1:2:5: warning: a &lt;b&gt; | 100%: x, ::y
          fix: Set `pipefail` (manual)</failure>
            </testcase>
            <testcase name="odd-pipe:2:20" classname="app/Docker file,1">
              <failure message="it is worse">app/Docker file,1:2:20: error: it is worse
          fix: Drop it (risky)</failure>
            </testcase>
          </testsuite>
          <testsuite name="gone" tests="1" failures="0" errors="1">
            <testcase name="read" classname="gone">
              <error message="could not be read: there is no such file"/>
            </testcase>
          </testsuite>
          <testsuite name="fine.Dockerfile" tests="1" failures="0" errors="0">
            <testcase name="lint" classname="fine.Dockerfile"/>
          </testsuite>
        </testsuites>
    "#]],
    );
}

#[test]
fn checkstyle_files() {
    check(
        checkstyle::report,
        &expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <checkstyle version="4.3">
          <file name="app/Docker file,1">
            <error line="1" column="14" severity="info" message="'as' and 'FROM' differ" source="careen.mixed-case"/>
            <error line="2" column="5" severity="warning" message="a &lt;b&gt; | 100%: x, ::y" source="careen.odd-pipe"/>
            <error line="2" column="20" severity="error" message="it is worse" source="careen.odd-pipe"/>
          </file>
          <file name="gone">
            <error severity="error" message="could not be read: there is no such file" source="careen"/>
          </file>
          <file name="fine.Dockerfile">
          </file>
        </checkstyle>
    "#]],
    );
}

#[test]
fn markdown_for_a_pull_request() {
    check(
        markdown::report,
        &expect![[r#"
        ### careen lint: 1 error, 1 warning, 1 style finding

        | | finding | where |
        |---|---|---|
        | style | 'as' and 'FROM' differ `mixed-case`<br>fix: Write \`AS\` (safe) | app/Docker file,1:1 |
        | warning | a &lt;b&gt; \| 100%: x, &#58;&#58;y `odd-pipe`<br>fix: Set \`pipefail\` (manual) | app/Docker file,1:2 |
        | error | it is worse `odd-pipe`<br>fix: Drop it (risky) | app/Docker file,1:2 |

        gone could not be read: there is no such file

        3 files, 1 fixable, 1 fixable with --risky, 1 suppressed, 2 in the baseline
    "#]],
    );
}
