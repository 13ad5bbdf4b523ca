//! Why a path is in or out, line by line, and which lines mean something else than they look.

use crate::ignore::{
    file::IgnoreSource,
    form::Form,
    matcher::{MatchError, Matcher, PatternError, Scratch, parents},
};

/// The whole story of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What the walk goes through; the last one decides whether the path is listed.
    pub walk: Vec<Transition>,
    /// What opening the file goes through. When it ends differently from the walk, a listed file
    /// arrives with 0 bytes.
    pub open: Vec<Transition>,
}

/// One line that changed or confirmed the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Counted from one.
    pub line: u32,
    /// As the builder is given it, with its `!`.
    pub pattern: String,
    /// The path itself or the folder above it that matched.
    pub matched: String,
    /// The state after this line.
    pub excluded: bool,
    /// Why the pattern means what it means, where that is not obvious.
    pub readings: Vec<Reading>,
}

/// A way in which a pattern is easily misread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reading {
    /// `name` or `*.ext`: only directly in the context root.
    RootOnly,
    /// `name/`: also a file of that name.
    AlsoFiles,
    /// `folder/**`: everything below, not the folder itself.
    NotItself,
    /// `**name`: every path with this end, also `xname`.
    AnyEnd,
    /// `a**b`: whole folders between, so not `axb`.
    WholeFolders,
    /// `[!a]` is the set of `!` and `a`; `[^a]` negates.
    BangInClass,
    /// `{a,b}` is no alternative: the braces are literal, or a repetition count.
    Braces,
    /// `|` separates two expressions, and the first then matches every path that begins with it.
    Alternative,
    /// `^` anchors instead of standing for itself, so nothing can match.
    Caret,
    /// `\d`, `\s`, `\w` and others are character classes or anchors.
    BackslashClass,
    /// A comment must begin in the first column.
    IndentedComment,
    /// `name # comment`: the comment is part of the name.
    TrailingComment,
    /// `.`, `/` and `..`: matches nothing in a context.
    Nothing,
    /// `**/*.ext` costs the builder about ten times as much as the equal `**.ext`.
    Slow,
    /// An exception with a wildcard inside: the builder enters every ignored folder.
    EntersEverything,
}

impl Reading {
    /// One sentence for people.
    pub fn text(self) -> &'static str {
        match self {
            Reading::RootOnly => "matches only directly in the context root",
            Reading::AlsoFiles => {
                "the slash at the end is dropped, so files of that name match too"
            }
            Reading::NotItself => "matches everything in the folder but not the folder itself",
            Reading::AnyEnd => "matches every path that ends like this, also inside a longer name",
            Reading::WholeFolders => "`**` stands for whole folders here, not for letters",
            Reading::BangInClass => "`[!…]` is a set that contains `!`; `[^…]` negates",
            Reading::Braces => "braces are no alternatives here",
            Reading::Alternative => "`|` makes two patterns, each matching parts of paths",
            Reading::Caret => "`^` is an anchor here and matches no character",
            Reading::BackslashClass => "a backslash before a letter is a character class",
            Reading::IndentedComment => "a `#` after white space is a pattern, not a comment",
            Reading::TrailingComment => "the text after `#` is part of the pattern",
            Reading::Nothing => "matches nothing in a context",
            Reading::Slow => "the equal `**.ext` form is about ten times cheaper to match",
            Reading::EntersEverything => {
                "a wildcard in an exception makes the builder enter every ignored folder"
            }
        }
    }
}

/// Every pattern that counted for `path` (relative, with slashes), in order.
///
/// The error is the reference's: a bad pattern, at once or when this path reaches it.
pub fn explain(source: &IgnoreSource, path: &str) -> Result<Explanation, ExplainError> {
    let matcher = Matcher::new(&source.patterns).map_err(ExplainError::New)?;
    let mut levels: Vec<Vec<u8>> = parents(path.as_bytes());
    levels.push(path.as_bytes().to_vec());
    let count = matcher.patterns().len();
    let mut scratch = Scratch::default();
    let refused: Vec<MatchError> = matcher.refused();
    // Where each pattern first matched: any level for the open, a level that counted for the walk.
    let mut open_at: Vec<Option<usize>> = vec![None; count];
    let mut walk_at: Vec<Option<usize>> = vec![None; count];
    let mut walk = Vec::new();
    for (level, part) in levels.iter().enumerate() {
        let mut hits = vec![false; count];
        matcher.for_each_hit(part, &mut scratch, |number| hits[number] = true);
        let mut excluded = false;
        walk.clear();
        for (number, pattern) in matcher.patterns().iter().enumerate() {
            if hits[number] {
                open_at[number].get_or_insert(level);
            }
            if walk_at[number].is_none() {
                if pattern.is_exception != excluded {
                    continue;
                }
                if let Some(err) = refused.iter().find(|err| err.index == pattern.source) {
                    return Err(ExplainError::Match(err.clone()));
                }
                if !hits[number] {
                    continue;
                }
                walk_at[number] = Some(level);
            }
            excluded = !pattern.is_exception;
            walk.push((number, walk_at[number].unwrap_or(level)));
        }
    }
    let mut open = Vec::new();
    let mut excluded = false;
    for (number, pattern) in matcher.patterns().iter().enumerate() {
        if let (Some(level), true) = (open_at[number], pattern.is_exception == excluded) {
            excluded = !pattern.is_exception;
            open.push((number, level));
        }
    }
    let tell = |steps: Vec<(usize, usize)>| {
        steps.into_iter().map(|step| transition(source, &matcher, &levels, step)).collect()
    };
    Ok(Explanation { walk: tell(walk), open: tell(open) })
}

fn transition(
    source: &IgnoreSource,
    matcher: &Matcher,
    levels: &[Vec<u8>],
    (number, level): (usize, usize),
) -> Transition {
    let pattern = &matcher.patterns()[number];
    let line = source.line_of(pattern.source);
    let raw = line.map_or("", |line| line.raw.as_str());
    Transition {
        line: line.map_or(0, |line| line.number),
        pattern: source.patterns[pattern.source].clone(),
        matched: String::from_utf8_lossy(&levels[level]).into_owned(),
        excluded: !pattern.is_exception,
        readings: readings(raw),
    }
}

/// Why [`explain`] has no answer: the build fails instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExplainError {
    New(PatternError),
    Match(MatchError),
}

/// How the line `raw` (without white space around it) is easily misread, in a fixed order.
/// Lines that are not one valid pattern have no readings.
pub fn readings(raw: &str) -> Vec<Reading> {
    let source = crate::ignore::read(raw.as_bytes());
    let [normal] = source.patterns.as_slice() else { return Vec::new() };
    let Ok(matcher) = Matcher::new(&[normal]) else { return Vec::new() };
    let [pattern] = matcher.patterns() else { return Vec::new() };
    let text = pattern.text.as_str();
    let is_regex = matches!(pattern.form, Form::Regex(_));
    let stem = text.strip_suffix("/**").unwrap_or(text);
    let stem = stem.strip_suffix("/*").unwrap_or(stem);
    let inner = stem.trim_start_matches("**/");
    let tests = [
        (Reading::RootOnly, is_root_only(text)),
        (Reading::AlsoFiles, raw.ends_with('/') && raw.len() > 1 && !text.ends_with('*')),
        (Reading::NotItself, text.ends_with("/**") && text != "**/**"),
        (
            Reading::AnyEnd,
            matches!(&pattern.form, Form::Suffix(end) if !end.is_empty() && end[0] != b'/'),
        ),
        (Reading::WholeFolders, has_joined_stars(inner)),
        (Reading::BangInClass, text.contains("[!")),
        (Reading::Braces, text.contains('{')),
        (Reading::Alternative, is_regex && text.contains('|')),
        (Reading::Caret, is_regex && has_caret(text)),
        (Reading::BackslashClass, has_backslash_class(text)),
        (Reading::TrailingComment, raw.contains(" #")),
        (Reading::Nothing, matches!(text, "." | "/" | "..") || text.starts_with("../")),
        (Reading::Slow, is_slow(text)),
        (Reading::EntersEverything, pattern.is_exception && stem.contains(['*', '?', '['])),
    ];
    tests.into_iter().filter(|(_, applies)| *applies).map(|(reading, _)| reading).collect()
}

/// Like [`readings`] for a whole line, with the white space that may hide a comment.
pub fn line_readings(line: &str) -> Vec<Reading> {
    let trimmed = line.trim();
    if trimmed.starts_with('#') && !line.starts_with('#') {
        return vec![Reading::IndentedComment];
    }
    readings(trimmed)
}

/// A name that people expect at every depth: no slash, and no `**` in front.
fn is_root_only(text: &str) -> bool {
    !text.contains('/') && !text.starts_with("**") && !matches!(text, "." | ".." | "*")
}

/// `**` with letters before and after it in one component.
fn has_joined_stars(text: &str) -> bool {
    text.split('/')
        .any(|part| part.find("**").is_some_and(|at| at > 0 && !part[at + 2..].is_empty()))
}

fn has_caret(text: &str) -> bool {
    text.char_indices().any(|(at, ch)| ch == '^' && !text[..at].ends_with(['[', '\\']))
}

fn has_backslash_class(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(ch) = chars.next() {
        if ch == '\\' && chars.next().is_some_and(|next| next.is_ascii_alphanumeric()) {
            return true;
        }
    }
    false
}

/// `**/*tail` with a plain tail: equal to `**tail` for every path without a newline.
fn is_slow(text: &str) -> bool {
    faster(text).is_some()
}

/// The equal pattern that the builder matches without a regular expression:
/// `**/*.ext` becomes `**.ext`. A `!` is kept.
///
/// Equal for every path whose folders have no newline in their names, for clients since 2022; the
/// one of Docker 20.10 reads `**.ext` as a file named `.ext`.
pub fn faster(pattern: &str) -> Option<String> {
    let (bang, text) = match pattern.strip_prefix('!') {
        Some(text) => ("!", text),
        None => ("", pattern),
    };
    let tail = text.strip_prefix("**/*")?;
    // A tail that begins with a letter would also end longer names, but so does `*`.
    let is_plain = |ch: char| ch.is_alphanumeric() || "._-~".contains(ch);
    (!tail.is_empty() && tail.chars().all(is_plain)).then(|| format!("{bang}**{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ignore::read;
    use expect_test::{Expect, expect};

    fn check(text: &str, path: &str, expected: &Expect) {
        let explanation = explain(&read(text.as_bytes()), path).unwrap();
        let tell = |steps: &[Transition]| {
            let lines = steps.iter().map(|step| {
                let state = if step.excluded { "out" } else { "in" };
                format!("{}: {} matches {}: {state}\n", step.line, step.pattern, step.matched)
            });
            lines.collect::<String>()
        };
        let walk = tell(&explanation.walk);
        let open = tell(&explanation.open);
        let shown = if walk == open { walk } else { format!("walk\n{walk}open\n{open}") };
        expected.assert_eq(&shown);
    }

    #[test]
    fn every_counting_line_is_told() {
        check(
            "# c\nnode_modules\n\n!node_modules/keep\n",
            "node_modules/keep/a.js",
            &expect![[r"
                2: node_modules matches node_modules: out
                4: !node_modules/keep matches node_modules/keep: in
            "]],
        );
        check(
            "*\n!**/*.py\n.venv\n",
            ".venv/lib/x.py",
            &expect![[r"
            walk
            1: * matches .venv: out
            2: !**/*.py matches .venv/lib/x.py: in
            open
            1: * matches .venv: out
            2: !**/*.py matches .venv/lib/x.py: in
            3: .venv matches .venv: out
        "]],
        );
        check("src\n", "other", &expect![[""]]);
    }

    #[test]
    fn misreadings_are_named() {
        let cases: [(&str, &[Reading]); 16] = [
            ("**/node_modules", &[]),
            ("node_modules", &[Reading::RootOnly]),
            ("**/build/", &[Reading::AlsoFiles]),
            ("data/**", &[Reading::NotItself]),
            ("**foo", &[Reading::AnyEnd]),
            ("a/b**c", &[Reading::WholeFolders]),
            ("a/[!b]", &[Reading::BangInClass]),
            ("a/*.{js,ts}", &[Reading::Braces]),
            ("a/x|y*", &[Reading::Alternative]),
            ("a/^b*", &[Reading::Caret]),
            ("a/dir\\sub", &[Reading::BackslashClass]),
            ("a/b # note", &[Reading::TrailingComment]),
            (".", &[Reading::Nothing]),
            ("**/*.pyc", &[Reading::Slow]),
            ("!a/*/b", &[Reading::EntersEverything]),
            ("!a/b/**", &[Reading::NotItself]),
        ];
        for (line, expected) in cases {
            assert_eq!(readings(line), expected, "{line}");
        }
        assert_eq!(line_readings("  # x"), [Reading::IndentedComment]);
        assert_eq!(line_readings("# x"), []);
    }

    #[test]
    fn the_faster_form_is_equal() {
        assert_eq!(faster("**/*.pyc").as_deref(), Some("**.pyc"));
        assert_eq!(faster("!**/*.py").as_deref(), Some("!**.py"));
        assert_eq!(faster("**/*.py[cod]"), None);
        assert_eq!(faster("*.pyc"), None);
        let both = Matcher::new(&["**/*.pyc"]).unwrap();
        let fast = Matcher::new(&["**.pyc"]).unwrap();
        for path in ["a.pyc", "a/b.pyc", ".pyc", "a/.pyc", "a.pyc/b", "xpyc", "a/b.py"] {
            let path = path.as_bytes();
            assert_eq!(both.walk_match(path), fast.walk_match(path));
            assert_eq!(both.is_match(path), fast.is_match(path));
        }
    }
}
