//! `ENV NAME value` and `LABEL name value` without an equals sign.

use careen_model::{Category, Edit, Findings, Fix, Severity, Span, apply};
use careen_syntax::dockerfile::{Instruction, Variables, Word, expand, parse};

use crate::buildkit::change;
use crate::steps::{Reading, text};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "legacy-key-value",
    title: "ENV and LABEL have an equals sign",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["LegacyKeyValueFormat"],
    page: include_str!("legacy_key_value.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in reading.steps.iter().filter(|step| step.instruction.legacy_pair) {
        let instruction = step.instruction;
        let name = &instruction.name.text;
        let message = format!(
            "\"{name} key=value\" should be used instead of legacy \"{name} key value\" format"
        );
        let key = instruction.words.first().map_or("", |word| word.text.as_str());
        found.push(
            rule.at(file, instruction.code, message)
                .because("name", key, file.path.display().to_string())
                .maybe_fix(fix(file, instruction)),
        );
    }
}

fn fix(file: &ParsedDockerfile, instruction: &Instruction) -> Option<Fix> {
    file.file.text()?;
    let [name, value] = instruction.words.as_slice() else { return None };
    let edits = edits(file, name, value)?;
    // The old form takes the rest of the line as it is, the new one ends at white space and reads
    // quotes: both must come out the same, whatever the variables are.
    let is_kept = !instruction.dangling && means_the_same(file, instruction, &edits);
    is_kept.then(|| change(file, Fix::safe, "Write an equals sign", edits)).flatten()
}

fn edits(file: &ParsedDockerfile, name: &Word, value: &Word) -> Option<Vec<Edit>> {
    let is_plain_name = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let gap = Span { start: name.span.end, end: value.span.start };
    let is_gap = |c: char| c.is_whitespace() || c == file.file.escape;
    if !name.text.chars().all(is_plain_name) || !text(file, gap).chars().all(is_gap) {
        return None;
    }
    let escape = file.file.escape;
    let has_space = value.text.contains(char::is_whitespace);
    let is_special = |c: char| c == '"' || c == '\'' || c == escape;
    if !has_space || is_one_word(&value.text, escape) {
        return Some(vec![Edit::replace(gap, "=")]);
    }
    if !value.text.contains(is_special) {
        let end = Span { start: value.span.end, end: value.span.end };
        return Some(vec![Edit::replace(gap, "=\""), Edit::replace(end, "\"")]);
    }
    let is_on_one_line = text(file, value.span) == value.text;
    let quoted = quoted(&value.text, escape).filter(|_| is_on_one_line)?;
    Some(vec![Edit::replace(gap, "="), Edit::replace(value.span, quoted)])
}

/// All white space is in quotes or escaped.
fn is_one_word(value: &str, escape: char) -> bool {
    let mut quote = None;
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match quote {
            None if character.is_whitespace() => return false,
            None if character == '"' || character == '\'' => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ if character == escape && quote != Some('\'') => {
                characters.next();
            }
            _ => {}
        }
    }
    true
}

/// The value in one pair of double quotes; `None` where a variable has quotes inside.
fn quoted(value: &str, escape: char) -> Option<String> {
    let mut out = String::from("\"");
    let literal = |out: &mut String, character: char| {
        if matches!(character, '"' | '$') || character == escape {
            out.push(escape);
        }
        out.push(character);
    };
    let mut rest = value.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\'' => loop {
                match rest.next()? {
                    '\'' => break,
                    inside => literal(&mut out, inside),
                }
            },
            '"' => loop {
                match rest.next()? {
                    '"' => break,
                    inside if inside == escape => out.extend([inside, rest.next()?]),
                    inside => out.push(inside),
                }
            },
            '$' if rest.peek() == Some(&'{') => {
                out.push('$');
                loop {
                    match rest.next()? {
                        '"' | '\'' => return None,
                        inside if inside == escape => return None,
                        inside => out.push(inside),
                    }
                    if out.ends_with('}') {
                        break;
                    }
                }
            }
            '$' => out.push('$'),
            other if other == escape => literal(&mut out, rest.next()?),
            other => literal(&mut out, other),
        }
    }
    out.push('"');
    Some(out)
}

/// Every variable has this value, or none.
struct Every(Option<&'static str>);

impl Variables for Every {
    fn get(&self, _: &str) -> Option<&str> {
        self.0
    }
}

fn means_the_same(file: &ParsedDockerfile, instruction: &Instruction, edits: &[Edit]) -> bool {
    let code = instruction.code;
    let moved = edits.iter().map(|edit| {
        let Span { start, end } = edit.span;
        Edit { span: Span { start: start - code.start, end: end - code.start }, ..edit.clone() }
    });
    let Ok(after) = apply(text(file, code), &moved.collect::<Vec<_>>()) else { return false };
    let escape = file.file.escape;
    let parsed = parse(format!("# escape={escape}\nFROM a\n{after}\n"));
    let Some(new) = parsed.instructions().last() else { return false };
    let (old, new_words) = (&instruction.words, &new.words);
    if !parsed.problems.is_empty() || new.legacy_pair || new_words.len() != 2 {
        return false;
    }
    let is_same = |variables: &Every| {
        let pairs = old.iter().zip(new_words);
        pairs.into_iter().all(|(old, new)| {
            let read = |word: &Word| expand(&word.text, variables, escape);
            let (old, new) = (read(old), read(new));
            old.error.is_none() && new.error.is_none() && old.text == new.text
        })
    };
    [Every(None), Every(Some("")), Every(Some("a  \"b' $c"))].iter().all(is_same)
}
