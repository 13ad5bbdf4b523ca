//! `# shellcheck disable=` in comments that the builder takes away before a shell sees them.
//!
//! Those inside a heredoc reach the linter, which honours them itself; they are read here for the
//! checks that are our own.

use careen_model::Span;
use careen_syntax::dockerfile::{Dockerfile, Instruction, Item, Shell};

use crate::Code;

/// Numbers that are not to be said about a part of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disabled {
    codes: Vec<(u16, u16)>,
    span: Span,
}

impl Disabled {
    pub(crate) fn covers(&self, code: Code, span: Span) -> bool {
        let named = self.codes.iter().any(|(first, last)| (*first..=*last).contains(&code.0));
        named && self.span.start <= span.start && span.start < self.span.end
    }
}

/// What the comments above an instruction and inside it disable: those above it all of it, those
/// inside the next command.
pub(crate) fn read(
    file: &Dockerfile,
    item: usize,
    instruction: &Instruction,
    shell: &Shell,
) -> Vec<Disabled> {
    let mut found = Vec::new();
    let above = file.items[..item].iter().rev().map_while(|item| match item {
        Item::Comment(span) => Some(*span),
        _ => None,
    });
    for comment in above {
        let text = &file.source()[comment.start as usize..comment.end as usize];
        found.extend(codes(text).map(|codes| Disabled { codes, span: instruction.span }));
    }
    let inside = comments_inside(file, instruction);
    if inside.is_empty() {
        return found;
    }
    let script = file.script(instruction, shell);
    for (end, codes) in inside {
        let mut commands = script.commands.iter();
        let first = commands.clone().all(|command| command.span.start >= end);
        let next = commands.find(|command| command.span.start >= end);
        let Some(command) = next else { continue };
        // Before the first command it is about all of them.
        let until = if first { instruction.span.end } else { command.span.end };
        found.push(Disabled { codes, span: Span { start: end, end: until } });
    }
    found
}

/// The end of each comment line inside an instruction that disables something, and what.
fn comments_inside(file: &Dockerfile, instruction: &Instruction) -> Vec<(u32, Vec<(u16, u16)>)> {
    let (start, end) = (instruction.code.start, instruction.span.end);
    let code = &file.source()[start as usize..end as usize];
    let mut found = Vec::new();
    let mut at = start;
    for (number, line) in code.split_inclusive(|&byte| byte == b'\n').enumerate() {
        at += u32::try_from(line.len()).unwrap_or(u32::MAX);
        if number > 0 {
            found.extend(codes(line).map(|codes| (at, codes)));
        }
    }
    found
}

/// The ranges of numbers that a comment line disables; `None` when it is no such comment.
fn codes(line: &[u8]) -> Option<Vec<(u16, u16)>> {
    let line = line.trim_ascii_start().strip_prefix(b"#")?.trim_ascii_start();
    let rest = std::str::from_utf8(line.strip_prefix(b"shellcheck")?).ok()?;
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let mut found = Vec::new();
    // What follows a second number sign is for people.
    for word in rest.split('#').next().unwrap_or("").split_whitespace() {
        for name in word.strip_prefix("disable=").unwrap_or("").split(',') {
            found.extend(range(name));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// `SC2086`, `2086`, `SC3000-SC4000`, `all`.
fn range(name: &str) -> Option<(u16, u16)> {
    if name.eq_ignore_ascii_case("all") {
        return Some((0, u16::MAX));
    }
    let number = |text: &str| {
        let digits = text.strip_prefix("SC").or_else(|| text.strip_prefix("sc")).unwrap_or(text);
        digits.parse().ok()
    };
    match name.split_once('-') {
        Some((first, last)) => Some((number(first)?, number(last)?)),
        None => number(name).map(|only| (only, only)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ranges = &'static [(u16, u16)];

    #[test]
    fn comments_name_numbers_and_ranges() {
        let cases: [(&str, Option<Ranges>); 8] = [
            ("# shellcheck disable=SC2086", Some(&[(2086, 2086)])),
            ("#shellcheck disable=2086,SC2046 # words", Some(&[(2086, 2086), (2046, 2046)])),
            ("  # shellcheck shell=bash disable=SC3000-SC4000", Some(&[(3000, 4000)])),
            ("# shellcheck disable=all", Some(&[(0, u16::MAX)])),
            ("# shellcheck source=x", None),
            ("# shellcheck disable=", None),
            ("# shellchecks disable=SC1", None),
            ("shellcheck disable=SC1", None),
        ];
        for (line, expected) in cases {
            assert_eq!(codes(line.as_bytes()).as_deref(), expected, "{line}");
        }
    }
}
