//! Rules that a user silences, by selection and by comments in the file.

use careen_check::{
    Comments, Facts, Lint, Linted, Overrides, ParsedDockerfile, Profile, Selection, Status,
    diagnose, lint,
};
use careen_model::{Looked, Severity};
use careen_syntax::dockerfile::parse;

fn looked(rule: &str, source: &str, ignored: &[(&str, &str)]) -> Looked {
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) });
    let ignored: Vec<_> =
        ignored.iter().map(|(rule, reason)| ((*rule).to_owned(), (*reason).to_owned())).collect();
    let selection = Selection::of(&[rule.to_owned()], &ignored).expect("the rules exist");
    diagnose(&facts, &selection).checks.remove(0).looked
}

fn ignored(reason: &str) -> Looked {
    Looked::Ignored { reason: reason.to_owned() }
}

#[test]
fn comments_and_selection() {
    let check = |comment: &str, expected: Looked| {
        let source = format!("FROM a\n{comment}RUN pip install x\n");
        assert_eq!(looked("package-cache-unmounted", &source, &[]), expected, "{comment}");
    };
    check("", Looked::Found(1));
    check("# careen: ignore=package-cache-unmounted no network\n", ignored("no network"));
    check("# careen: ignore=apt-recommends,DL3042\n", ignored("# careen: ignore"));
    check("# careen: ignore=package-cache-unmounted x\nENV A=b\n", Looked::Found(1));
    check("# careen: ignore-file=package-cache-unmounted x\nENV A=b\n", ignored("x"));
    check("# hadolint ignore=DL3042, DL9999\n", ignored("# hadolint ignore"));
    check("# hadolint global ignore=DL3042\nENV A=b\n", ignored("# hadolint global ignore"));
    check("# hadolint stage ignore=DL3042\nENV A=b\n", ignored("# hadolint stage ignore"));
    check("# hadolint ignore = DL3042 # no network\n", ignored("no network"));
    check("# Tally ignore=hadolint/DL3042;reason=no; network\n", ignored("no; network"));
    check("# tally global ignore=DL3042\nENV A=b\n", ignored("# tally global ignore"));
    check("# droast ignore=DL3042 reason=\"a b\" expires=1970-01-01\n", ignored("a b"));
    check("# droast ignore=DL3042 reason=\"a b\" expires=1969-12-31\n", Looked::Found(1));
    check("# droast global ignore=DL3042\nENV A=b\n", ignored("# droast global ignore"));
    check("# just a comment\n", Looked::Found(1));
}

fn linted(source: &str, asked: &Lint) -> Linted {
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) });
    lint(&facts, asked)
}

fn rules(source: &str, asked: &Lint) -> Vec<(&'static str, Severity)> {
    linted(source, asked).findings.iter().map(|found| (found.rule, found.severity)).collect()
}

#[test]
fn hadolints_comments_reach_as_far_as_hadolint_lets_them() {
    let asked = Lint { profile: Profile::Hadolint, ..Lint::default() };
    let check = |source: &str, lines: &[usize]| {
        let root = |found: &&careen_model::Finding| found.rule == "DL3004";
        let linted = linted(source, &asked);
        let found = linted.findings.iter().filter(root).map(|found| match &found.place {
            careen_model::Place::File { span, .. } => {
                1 + source[..span.start as usize].matches('\n').count()
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(found.collect::<Vec<_>>(), lines, "{source}");
    };
    check("FROM a:1\n# hadolint ignore=DL3004\nRUN x && \\\n sudo y\n", &[]);
    check("FROM a:1\n# hadolint ignore=DL3004\n\nRUN sudo y\n", &[4]);
    check("FROM a:1\n# hadolint ignore=DL3004\n# why\nRUN sudo y\n", &[4]);
    check("FROM a:1\n# hadolint ignore=DL3004 and why\nRUN sudo y\n", &[3]);
    check("# hadolint stage ignore=DL3004\nFROM a:1\nRUN sudo y\nFROM b:1\nRUN sudo y\n", &[5]);
    check("FROM a:1\n# hadolint stage ignore=DL3004\nRUN sudo y\nRUN sudo z\n", &[3]);
    check("FROM a:1\nRUN sudo y\n# hadolint global ignore=DL3004\nRUN sudo z\n", &[]);
    check("FROM a:1\n# tally ignore=DL3004\nRUN sudo y\n", &[3]);
}

#[test]
fn a_project_overrides_rules_by_any_of_their_names() {
    let source = "FROM a:1\n# hadolint ignore=DL3004\nRUN sudo x\nUSER root\n";
    let profile = Profile::Hadolint;
    let overrides = Overrides {
        ignored: vec!["dl3002".into()],
        severities: vec![
            ("DL3004".into(), Severity::Style),
            ("DL3004".into(), Severity::Hint),
            ("DL1001".into(), Severity::Warning),
        ],
        comments: Comments::Disregarded,
    };
    let asked = Lint { profile, overrides: overrides.clone(), ..Lint::default() };
    let expected = [("DL1001", Severity::Warning), ("DL3004", Severity::Hint)];
    let mut found = rules(source, &asked);
    found.retain(|(rule, _)| ["DL1001", "DL3002", "DL3004"].contains(rule));
    assert_eq!(found, expected);
    let found = rules(source, &Lint { overrides, ..Lint::default() });
    assert!(found.contains(&("sudo-in-run", Severity::Hint)), "{found:?}");
    assert!(!found.iter().any(|(rule, _)| *rule == "root-user"), "{found:?}");
}

#[test]
fn what_another_linter_leaves_off_is_told_when_asked() {
    let source = "FROM a:1\n# hadolint ignore=DL3004\nRUN sudo x\n";
    let names = |also: Vec<Status>| {
        let asked = Lint { profile: Profile::Hadolint, also, ..Lint::default() };
        rules(source, &asked).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
    };
    assert!(!names(vec![]).contains(&"DL1001"));
    assert!(names(vec![Status::Pedantic]).contains(&"DL1001"));
}

#[test]
fn a_comment_of_ours_that_silences_nothing_is_told() {
    let check = |comment: &str, expected: usize| {
        let source = format!("FROM a:1\n{comment}\nRUN pip install x\n");
        let useless = |(rule, _): &(&str, Severity)| *rule == "useless-suppression";
        let found = rules(&source, &Lint::default());
        assert_eq!(found.into_iter().filter(useless).count(), expected, "{comment}");
    };
    check("# careen: ignore=package-cache-unmounted no network", 0);
    check("# careen: ignore=apt-recommends no network", 1);
    check("# careen: ignore=cd-in-run nobody asked for it", 0);
    check("# careen: ignore=apt-recomends no network", 1);
    check("# hadolint ignore=DL3015", 0);
}

/// A rule has the names of several managers; a comment about one does not silence another.
#[test]
fn a_finding_answers_to_its_own_alias_only() {
    let check = |command: &str, name: &str, expected: Looked| {
        let source = format!("FROM a\n# hadolint ignore={name}\nRUN {command}\n");
        assert_eq!(looked("unpinned-system-packages", &source, &[]), expected, "{command} {name}");
    };
    check("apk add git", "DL3018", ignored("# hadolint ignore"));
    check("apk add git", "DL3008", Looked::Found(1));
    check("apt-get install -y git", "DL3008", ignored("# hadolint ignore"));
    check("apt-get install -y git", "unpinned-system-packages", ignored("# hadolint ignore"));
}

#[test]
fn buildkits_directive_and_the_selection() {
    let source = "# check=skip=SecretsUsedInArgOrEnv;error=true\nFROM a\nENV TOKEN=b\n";
    assert_eq!(looked("secret-in-arg-or-env", source, &[]), ignored("# check=skip"));
    let source = "FROM a\nENV TOKEN=b\n";
    assert_eq!(looked("secret-in-arg-or-env", source, &[]), Looked::Found(1));
    let source = "# check=skip=all\nFROM a\nENV TOKEN=b\n";
    assert_eq!(looked("secret-in-arg-or-env", source, &[]), ignored("# check=skip"));
    let source = "FROM a\n# check=skip=SecretsUsedInArgOrEnv // a test\nENV TOKEN=b\n";
    assert_eq!(looked("secret-in-arg-or-env", source, &[]), ignored("a test"));
    // `all` are BuildKit's checks, not ours; and an empty line ends what is above.
    let source = "FROM a\n# check=skip=all\nRUN pip install x\n";
    assert_eq!(looked("package-cache-unmounted", source, &[]), Looked::Found(1));
    let source = "FROM a\n# check=skip=all\n\nENV TOKEN=b\n";
    assert_eq!(looked("secret-in-arg-or-env", source, &[]), Looked::Found(1));
    let source = "FROM a\nENV TOKEN=b\n";
    let asked = [("secretsusedinargorenv", "a test key")];
    assert_eq!(looked("secret-in-arg-or-env", source, &asked), ignored("a test key"));
}

#[test]
fn what_cannot_be_looked_at_is_skipped_and_never_passed() {
    let facts = Facts::nothing(0);
    let diagnosis = diagnose(&facts, &Selection::default());
    let passed: Vec<_> =
        diagnosis.checks.iter().filter(|row| row.looked == Looked::Passed).collect();
    assert!(passed.is_empty(), "{passed:?}");
    assert_eq!(diagnosis.skipped(), diagnosis.checks.len());
}
