//! BuildKit refuses the file.

use careen_model::{Basis, Category, Findings, Saving, Severity, Span};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "invalid-dockerfile",
    title: "BuildKit can read the file",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL1000"],
    page: include_str!("invalid_dockerfile.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    let mut fatal = file.file.problems.iter().filter(|problem| problem.fatal).peekable();
    // What a parser says of the pieces of such a file helps nobody.
    let odd = fatal.peek().and_then(|_| odd_content(file.file.source()));
    if let Some((message, bytes)) = odd {
        let path = file.path.display().to_string();
        let start = Span { start: 0, end: 0 };
        let finding = rule.at(file, start, message).because("content", bytes, path);
        found.push(finding.costs(Saving::MayFail, Basis::Rule));
        return;
    }
    for problem in fatal {
        let place = format!("line {} of {}", problem.line, file.path.display());
        found.push(
            rule.at(file, problem.span, &problem.message)
                .because("refused by", "BuildKit's parser", place)
                .costs(Saving::MayFail, Basis::Rule),
        );
    }
}

/// What the whole file is instead of text in UTF-8, and by which bytes that is seen.
fn odd_content(source: &[u8]) -> Option<(&'static str, &'static str)> {
    const UTF_16: &str = "the file is UTF-16, and BuildKit reads UTF-8";
    if source.starts_with(&[0xff, 0xfe]) || source.starts_with(&[0xfe, 0xff]) {
        return Some((UTF_16, "begins with the mark of UTF-16"));
    }
    let zeros = |parity: usize| source.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 0) => None,
        // ASCII in UTF-16 has a zero in each pair, always on the same side.
        (0, half) | (half, 0) if half > source.len() / 3 => {
            Some((UTF_16, "every second byte is zero"))
        }
        _ => Some(("the file is binary, and no Dockerfile", "has zero bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_in_one_word() {
        let utf_16 = |text: &str| text.bytes().flat_map(|b| [b, 0]).collect::<Vec<u8>>();
        let check = |source: &[u8], expected: Option<&str>| {
            assert_eq!(odd_content(source).map(|(message, _)| message), expected, "{source:?}");
        };
        let wide = Some("the file is UTF-16, and BuildKit reads UTF-8");
        check(&utf_16("FROM a\n"), wide);
        check(&[&[0][..], &utf_16("FROM a\n")[..13]].concat(), wide);
        check(&[&[0xff, 0xfe][..], &utf_16("FROM a")].concat(), wide);
        check(b"\x7fELF\x02\x01\0\0", Some("the file is binary, and no Dockerfile"));
        check(b"FROM a\n# caf\xe9\n", None);
        check(b"", None);
    }
}
