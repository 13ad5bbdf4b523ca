//! Rules that a user silences, by selection and by comments in the file.

use careen_check::{Facts, ParsedDockerfile, Selection, diagnose};
use careen_model::Looked;
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
    check("# just a comment\n", Looked::Found(1));
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
