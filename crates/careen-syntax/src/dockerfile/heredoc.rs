//! Heredoc words: which words of a line open a heredoc, and with which properties.

use super::{
    expand::{List, Options, Treatment, expand_with},
    text,
};

/// What a word like `3<<-"EOF"` announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub name: String,
    /// Variables are expanded: no part of the name is quoted.
    pub expand: bool,
    /// `<<-`: leading tabs are dropped.
    pub chomp: bool,
    pub file_descriptor: u32,
}

/// Reads one word. `Ok(None)` when it does not open a heredoc.
pub fn read_opening(word: &str) -> Result<Option<Opening>, String> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (descriptor, rest) = word.split_at(digits);
    let Some(rest) = rest.strip_prefix("<<") else { return Ok(None) };
    let (chomp, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }

    let lex = |quotes| {
        let options = Options { quotes, unset: Treatment::Keep, ..Options::default() };
        let expanded = expand_with(rest, &List::default(), '\\', options);
        expanded.error.map_or(Ok(expanded.words), Err)
    };
    let words = lex(Treatment::Remove)?;
    let [name] = words.as_slice() else { return Ok(None) };
    let raw = lex(Treatment::Keep)?;
    let [raw] = raw.as_slice() else {
        return Err(format!("internal lexing of heredoc produced inconsistent results: {rest}"));
    };
    let quotes = |text: &str| text.matches(['\'', '"']).count();
    Ok(Some(Opening {
        expand: quotes(name) == quotes(raw),
        name: name.clone(),
        chomp,
        file_descriptor: descriptor.parse().unwrap_or(0),
    }))
}

/// All heredocs that an instruction's joined line opens, in order.
///
/// A line that the lexer refuses (an open quote, an unknown modifier) opens none.
pub fn read_openings(line: &str) -> Result<Vec<Opening>, String> {
    let keep = Treatment::Keep;
    let options = Options { quotes: keep, escapes: keep, unset: keep };
    let words = expand_with(line, &List::default(), '\\', options).words;
    let mut found = Vec::new();
    for word in words.iter().filter(|word| word.contains("<<")) {
        found.extend(read_opening(word)?);
    }
    Ok(found)
}

/// The content of a `<<-` heredoc as it is used: leading tabs of every line dropped.
pub fn chomp(content: &str) -> String {
    content.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}

/// Whether a whole line, line end included, ends the heredoc.
pub(super) fn ends(line: &[u8], opening: &Opening) -> bool {
    let mut line = text::without_line_end(line);
    if opening.chomp {
        let tabs = line.iter().take_while(|&&byte| byte == b'\t').count();
        line = &line[tabs..];
    }
    line == opening.name.as_bytes()
}
