//! Where a variable is named in a part of the file.

use careen_model::Span;

use crate::ParsedDockerfile;
use crate::steps::text;

/// The places of `$name` and `${name` within a span, without the dollar; `None` when there are
/// none, as when a continuation cuts the name in two.
pub(crate) fn misspelt(file: &ParsedDockerfile, within: Span, name: &str) -> Option<Vec<Span>> {
    let source = text(file, within);
    let mut found = Vec::new();
    for (dollar, _) in source.match_indices('$') {
        let after = dollar + 1;
        let start = after + usize::from(source[after..].starts_with('{'));
        let rest = &source[start..];
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word)) {
            let begin = within.start + u32::try_from(start).ok()?;
            found.push(Span { start: begin, end: begin + u32::try_from(name.len()).ok()? });
        }
    }
    (!found.is_empty()).then_some(found)
}
