//! The profile of BuildKit on small files: errors, triggers, comments, reach and options.

use careen_check::{Facts, Lint, ParsedDockerfile, Profile, Reach, lint};
use careen_model::{Place, Safety, Severity};
use careen_syntax::dockerfile::parse;

fn facts(source: &str) -> Facts {
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) });
    facts
}

/// `line Name` of each finding, and of an error its message too; in the order of the alphabet.
fn told(source: &str, reach: Reach) -> Vec<String> {
    let asked = Lint { profile: Profile::BuildKit, reach, ..Lint::default() };
    let linted = lint(&facts(source), &asked);
    let shown = linted.findings.iter().map(|finding| {
        let Place::File { span, .. } = &finding.place else { panic!("it has a place") };
        let line = source[..span.start as usize].matches('\n').count() + 1;
        match finding.severity {
            Severity::Error => format!("{line} {}: {}", finding.rule, finding.message),
            _ => format!("{line} {}", finding.rule),
        }
    });
    let mut shown: Vec<String> = shown.collect();
    shown.sort();
    shown
}

fn check(source: &str, expected: &[&str]) {
    assert_eq!(told(source, Reach::All), expected, "{source}");
}

#[test]
fn an_error_ends_the_judging_where_it_happens() {
    // The parser gives no tree: nothing else is said.
    check(
        "FROM a as b\nRUN x \\\n\n  y\nCMD [\"a\", 1]\nCOPY <<EOF /x\n",
        &["5 BuildError: when using JSON array syntax, arrays must be comprised of strings only"],
    );
    // Reading the instructions: those before were looked at, not what comes later.
    check(
        "FROM a as b\nENV A b\nMAINTAINER me\nRUNN x\nMAINTAINER you\n",
        &[
            "1 FromAsCasing",
            "3 MaintainerDeprecated",
            "4 BuildError: dockerfile parse error on line 4: unknown instruction: RUNN (did you \
             mean RUN?)",
        ],
    );
    check("RUN x\nFROM a as b\n", &["1 BuildError: no build stage in current context"]);
    // Expanding a FROM: no instruction was turned into a step yet.
    check(
        "FROM --platform=$NOWHERE a AS B\nENV A b\nFROM --platform=linux/amd64 c\n",
        &[
            "1 BuildError: empty platform value from expression $NOWHERE",
            "1 StageNameCasing",
            "1 UndefinedArgInFrom",
        ],
    );
    check(
        "FROM --platform=foo a\nENV A b\n",
        &["1 BuildError: failed to parse platform foo: \"foo\": unknown operating system or \
           architecture: invalid argument"],
    );
    check(
        "FROM Alpine\nENV A b\n",
        &[
            "1 BuildError: failed to parse stage name \"Alpine\": invalid reference format: \
             repository name (library/Alpine) must be lowercase",
            "1 InvalidDefaultArgInFrom",
        ],
    );
    // Looking for the stages that are copied from, before any step.
    check("FROM a\nENV A b\nCOPY --from=7 a b\n", &["3 BuildError: invalid stage index 7"]);
    check(
        "FROM a AS b\nENV A b\nCOPY --from=b a b\n",
        &["3 BuildError: circular dependency detected on stage: b"],
    );
    check(
        "FROM a\nENV A b\nCOPY --from=other.org/x --from=y a b\nFROM b AS y\nENV A b\n",
        &["3 BuildError: dockerfile parse error on line 3: duplicate flag specified: --from"],
    );
    check(
        "FROM a\nENV A b\nCOPY --from=y a b\nENV A b\nFROM b AS y\nENV A b\n",
        &[
            "2 LegacyKeyValueFormat",
            "3 BuildError: cannot copy from stage \"y\", it needs to be defined before current \
             stage \"stage-0\"",
        ],
    );
    // A step: what was turned into steps before was looked at.
    check(
        "FROM a\nENV A b\nEXPOSE 80/foo\nENV C d\n",
        &["2 LegacyKeyValueFormat", "3 BuildError: invalid port: \"80/foo\": invalid proto: foo"],
    );
    check(
        "FROM a\nENV A b\nCOPY ${B:?gone} /\nENV C d\n",
        &[
            "2 LegacyKeyValueFormat",
            "3 BuildError: failed to process \"${B:?gone}\": B: gone",
            "3 UndefinedVar",
        ],
    );
}

#[test]
fn comments_speak_to_the_checks_that_are_asked_at_their_instruction() {
    check(
        "FROM a\n# check=skip=JSONArgsRecommended // why\nCMD a\nCMD b\n",
        &["3 MultipleInstructionsDisallowed", "4 JSONArgsRecommended"],
    );
    // The earlier of two is told when the later one is looked at.
    check("FROM a\nCMD [\"a\"]\n# check=skip=all\nCMD b\n", &[]);
    // Names of stages are looked at apart from their instructions.
    check("FROM a AS b\n# check=skip=all\nFROM c AS b\n", &["3 DuplicateStageName"]);
    check("FROM a\n# check=skip=jsonargsrecommended\nCMD a\n", &["3 JSONArgsRecommended"]);
    check("FROM a\n# check=skip=JSONArgsRecommended\n\nCMD a\n", &["4 JSONArgsRecommended"]);
    check("FROM a\n# check=nonsense\nCMD a\n", &["3 JSONArgsRecommended"]);
}

#[test]
fn options_of_the_file() {
    check(
        "# check=skip=JSONArgsRecommended, FromAsCasing\nFROM a as b\nCMD a\n",
        &["2 FromAsCasing"],
    );
    check(
        "# check=ship=all\nFROM a as b\n",
        &["1 BuildError: failed to parse check options: invalid check option \"ship\""],
    );
    check(
        "# check=error=true\nFROM a as b\nCMD a\n",
        &[
            "2 BuildError: lint violation found for rules: FromAsCasing, JSONArgsRecommended",
            "2 FromAsCasing",
            "3 JSONArgsRecommended",
        ],
    );
}

#[test]
fn triggers_are_judged_where_they_run() {
    let source = "FROM a AS base\nONBUILD ENV TOKEN b\nFROM base\nRUN make\n";
    check(source, &["3 LegacyKeyValueFormat", "3 SecretsUsedInArgOrEnv"]);
    check("FROM a AS base\nONBUILD ENV TOKEN b\n", &[]);
    // The case of the keyword is that of ONBUILD itself.
    check("FROM a\nonbuild RUN make\n", &["2 ConsistentInstructionCasing"]);
}

#[test]
fn a_build_looks_into_the_stages_it_needs() {
    let source = "FROM a AS one\nENV A b\nFROM a AS two\nENV A b\nFROM one as three\nENV A b\n";
    let lines = |reach| told(source, reach).join(", ");
    assert_eq!(
        lines(Reach::All),
        "2 LegacyKeyValueFormat, 4 LegacyKeyValueFormat, 5 FromAsCasing, 6 LegacyKeyValueFormat"
    );
    assert_eq!(
        lines(Reach::Target(None)),
        "2 LegacyKeyValueFormat, 5 FromAsCasing, 6 LegacyKeyValueFormat"
    );
    assert_eq!(
        lines(Reach::Target(Some("two".to_owned()))),
        "4 LegacyKeyValueFormat, 5 FromAsCasing"
    );
}

#[test]
fn a_file_that_wants_errors_fails_with_its_warnings() {
    let must_fail = |source: &str, profile| {
        lint(&facts(source), &Lint { profile, ..Lint::default() }).must_fail
    };
    for profile in [Profile::Careen, Profile::BuildKit] {
        assert!(must_fail("# check=error=true\nFROM a as b\n", profile));
        assert!(!must_fail("# check=error=true;skip=FromAsCasing\nFROM a as b\n", profile));
        assert!(!must_fail("FROM a as b\n", profile));
    }
    // What only careen finds is no warning of BuildKit.
    let source = "# check=error=true\nFROM a\nRUN pip install x\n";
    assert!(!lint(&facts(source), &Lint::default()).findings.is_empty());
    assert!(!must_fail(source, Profile::Careen));
}

#[test]
fn files_that_are_not_utf_8_are_judged_and_get_no_fix() {
    let sick = b"from a as B\nENV A \xff b\nLABEL c d\xff e\nMAINTAINER \xff\nWORKDIR app\n\
                 EXPOSE 80/TCP 1:2\nCOPY $X \xff\nRUN a \\\n\n \xff\nCMD a\nCMD b\n\
                 FROM --platform=$TARGETPLATFORM c\nFROM --platform=linux/amd64 d\n";
    let mut facts = Facts::nothing(0);
    let file = parse(sick.to_vec());
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file });
    for profile in [Profile::Careen, Profile::BuildKit, Profile::Hadolint] {
        let linted = lint(&facts, &Lint { profile, ..Lint::default() });
        assert!(!linted.findings.is_empty(), "{profile:?}");
        for fix in linted.findings.iter().flat_map(|finding| &finding.fixes) {
            assert_eq!(fix.safety, Safety::Manual, "{}", fix.title);
        }
    }
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let source = "from a as B\nENV A b\nRUN a \\\n\n  b\nCMD a\nEXPOSE 80/TCP\n";
    let windows = source.replace('\n', "\r\n");
    assert_eq!(told(source, Reach::All), told(&windows, Reach::All));
}
