//! Where a finding stands, and which words an edit changes.

use careen_model::{Edit, Fix, Span, Step, apply};
use careen_syntax::dockerfile::Instruction;

use crate::ParsedDockerfile;
use crate::steps::{edits, text};

/// The word, when it stands on the first line of its instruction; else the whole instruction,
/// because BuildKit names that line.
pub(crate) fn on_first_line(
    file: &ParsedDockerfile,
    instruction: &Instruction,
    word: Span,
) -> Span {
    let code = instruction.code;
    if word.start < code.start {
        return code;
    }
    let before = &file.file.source()[code.start as usize..word.start as usize];
    if before.contains(&b'\n') { code } else { word }
}

/// The words of some lines; the continuations between them are none.
fn words(text: &str, escape: char) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_end();
        line.strip_suffix(escape).unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// A fix of several edits that declares the words it takes away and puts in: those of all the
/// lines it touches. `None` when the file is not UTF-8 or the edits overlap.
pub(crate) fn change(
    file: &ParsedDockerfile,
    start: fn(String, Step) -> Fix,
    title: impl Into<String>,
    changes: Vec<Edit>,
) -> Option<Fix> {
    let source = file.file.text()?;
    let after = apply(source, &changes).ok()?;
    let first = changes.iter().map(|edit| edit.span.start).min()? as usize;
    let last = changes.iter().map(|edit| edit.span.end).max()? as usize;
    let begin = source[..first].rfind('\n').map_or(0, |at| at + 1);
    let tail = source[last..].find('\n').map_or(0, |at| source.len() - last - at);
    let escape = file.file.escape;
    let (before, after) = (&source[begin..source.len() - tail], &after[begin..after.len() - tail]);
    let (removed, added) = difference(&words(before, escape), &words(after, escape));
    let fix = start(title.into(), edits(file, changes));
    Some(fix.removes(&removed).adds(&added))
}

/// A comment stands among the lines of this part of the file, and an edit would take it away.
pub(crate) fn has_comment(file: &ParsedDockerfile, span: Span) -> bool {
    let lines = text(file, span).lines().skip(1);
    lines.into_iter().any(|line| line.trim_start().starts_with('#'))
}

/// The words that are only in one of the two, as often as they are.
fn difference(before: &str, after: &str) -> (String, String) {
    let mut added: Vec<&str> = after.split_whitespace().collect();
    let mut removed: Vec<&str> = Vec::new();
    for word in before.split_whitespace() {
        match added.iter().position(|other| *other == word) {
            Some(at) => drop(added.remove(at)),
            None => removed.push(word),
        }
    }
    (removed.join(" "), added.join(" "))
}
