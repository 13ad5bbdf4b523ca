//! A second, slow reading of ignore patterns: one pattern after the other, nothing shared, nothing
//! hashed. It says what the compiled matcher must say.
//!
//! It is written from the behaviour of moby/patternmatcher v0.6.1 and of Go's `path/filepath` and
//! `regexp`, and is itself held against their recorded answers.

mod expression;
mod syntax;

use expression::{Expression, Fault};

/// A list of patterns as the reference keeps it.
pub(crate) struct SlowMatcher {
    patterns: Vec<SlowPattern>,
}

struct SlowPattern {
    is_exception: bool,
    rule: Rule,
}

enum Rule {
    Exact(String),
    Prefix(String),
    Suffix(Vec<u8>),
    Expression(Result<Expression, Fault>),
}

/// Both decisions about one path.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Decision {
    Ignored,
    Kept,
    /// A pattern is refused when the path reaches it.
    Refused,
    /// A pattern holds a Unicode class, which this reading does not know.
    Unknown,
}

impl SlowMatcher {
    /// `None` when the reference refuses the list.
    pub(crate) fn new(patterns: &[String]) -> Option<SlowMatcher> {
        let mut read = Vec::new();
        for raw in patterns {
            let raw = raw.trim();
            if raw.is_empty() {
                continue;
            }
            let clean = shortest(raw);
            let (is_exception, text) = match clean.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, clean.as_str()),
            };
            if text.is_empty() || syntax::is_refused(text) {
                return None;
            }
            read.push(SlowPattern { is_exception, rule: Rule::read(text) });
        }
        Some(SlowMatcher { patterns: read })
    }

    /// Each pattern is tried on the path, then on the folders above it, from the root down.
    pub(crate) fn is_match(&self, path: &[u8]) -> Decision {
        let above = folders(path);
        let mut is_ignored = false;
        for pattern in &self.patterns {
            if pattern.is_exception != is_ignored {
                continue;
            }
            match pattern.rule.fits_any(path, &above) {
                Ok(true) => is_ignored = !pattern.is_exception,
                Ok(false) => {}
                Err(fault) => return fault.into(),
            }
        }
        is_ignored.into()
    }

    /// What the walk decides: every folder hands down which patterns matched it. The path must be
    /// one of a walk: relative, without empty and dotted parts.
    pub(crate) fn walk_match(&self, path: &[u8]) -> Decision {
        let mut handed_down = vec![false; self.patterns.len()];
        let mut is_ignored = false;
        let mut above: Vec<Vec<u8>> = folders(path);
        above.push(path.to_vec());
        for part in above {
            let mut matched = vec![false; self.patterns.len()];
            is_ignored = false;
            for (i, pattern) in self.patterns.iter().enumerate() {
                let mut fits = handed_down[i];
                if !fits {
                    if pattern.is_exception != is_ignored {
                        continue;
                    }
                    match pattern.rule.fits(&part) {
                        Ok(found) => fits = found,
                        Err(fault) => return fault.into(),
                    }
                }
                matched[i] = fits;
                if fits {
                    is_ignored = !pattern.is_exception;
                }
            }
            handed_down = matched;
        }
        is_ignored.into()
    }
}

impl From<bool> for Decision {
    fn from(is_ignored: bool) -> Decision {
        if is_ignored { Decision::Ignored } else { Decision::Kept }
    }
}

impl From<Fault> for Decision {
    fn from(fault: Fault) -> Decision {
        match fault {
            Fault::Refused => Decision::Refused,
            Fault::Unknown => Decision::Unknown,
        }
    }
}

impl Rule {
    fn read(pattern: &str) -> Rule {
        // The reference's reader skips a byte order mark, its slices do not.
        let text: Vec<char> = pattern.strip_prefix('\u{FEFF}').unwrap_or(pattern).chars().collect();
        let is_special = |c: char| matches!(c, '*' | '?' | '\\' | '[' | ']');
        let specials = text.iter().filter(|&&c| is_special(c)).count();
        let opens = text.starts_with(&['*', '*']);
        let closes = text.ends_with(&['*', '*']);
        // A lone backslash at the end is refused before.
        match specials {
            0 => return Rule::Exact(pattern.to_owned()),
            2 if opens => return Rule::Suffix(pattern.as_bytes()[2..].to_vec()),
            2 if closes => return Rule::Prefix(pattern[..pattern.len() - 2].to_owned()),
            _ => {}
        }
        Rule::Expression(Expression::read(&translated(&text)))
    }

    fn fits(&self, path: &[u8]) -> Result<bool, Fault> {
        match self {
            Rule::Exact(text) => Ok(path == text.as_bytes()),
            Rule::Prefix(text) => Ok(path.starts_with(text.as_bytes())),
            Rule::Suffix(text) => {
                let is_alone = text.first() == Some(&b'/') && path == &text[1..];
                Ok(path.ends_with(text) || is_alone)
            }
            Rule::Expression(Ok(expression)) => Ok(expression.is_in(&characters(path))),
            Rule::Expression(Err(fault)) => Err(*fault),
        }
    }

    fn fits_any(&self, path: &[u8], above: &[Vec<u8>]) -> Result<bool, Fault> {
        if self.fits(path)? {
            return Ok(true);
        }
        for folder in above {
            if self.fits(folder)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The regular expression for a pattern.
fn translated(pattern: &[char]) -> String {
    let mut out = "^".to_owned();
    let mut at = 0;
    while at < pattern.len() {
        let rest = &pattern[at..];
        let (step, text) = match rest {
            ['*', '*', '/'] | ['*', '*'] => (rest.len(), ".*".to_owned()),
            ['*', '*', '/', ..] => (3, "(.*/)?".to_owned()),
            ['*', '*', ..] => (2, "(.*/)?".to_owned()),
            ['*', ..] => (1, "[^/]*".to_owned()),
            ['?', ..] => (1, "[^/]".to_owned()),
            ['\\', next, ..] => (2, format!("\\{next}")),
            // Braces and the bar are forgotten there.
            [c @ ('.' | '+' | '(' | ')' | '$'), ..] => (1, format!("\\{c}")),
            [c, ..] => (1, c.to_string()),
            [] => unreachable!("the loop ends before"),
        };
        out.push_str(&text);
        at += step;
    }
    out + "$"
}

/// Text of a path: a byte that is not UTF-8 is one replacement character.
fn characters(path: &[u8]) -> Vec<char> {
    let mut out = Vec::new();
    for chunk in path.utf8_chunks() {
        out.extend(chunk.valid().chars());
        out.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    out
}

/// The folders above a path, the highest first. An untidy path is tidied, as the reference does.
fn folders(path: &[u8]) -> Vec<Vec<u8>> {
    let Some(slash) = path.iter().rposition(|&byte| byte == b'/') else { return Vec::new() };
    let folder = match std::str::from_utf8(&path[..=slash]) {
        Ok(text) => shortest(text).into_bytes(),
        Err(_) => path[..slash].to_vec(),
    };
    if folder == b"." {
        return Vec::new();
    }
    let parts: Vec<&[u8]> = folder.split(|&byte| byte == b'/').collect();
    (1..=parts.len()).map(|count| parts[..count].join(&b'/')).collect()
}

/// The shortest equal path.
fn shortest(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let climbs = part == "..";
        if climbs && kept.last().is_some_and(|last| *last != "..") {
            kept.pop();
        } else if !(climbs && is_rooted) {
            kept.push(part);
        }
    }
    match (is_rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}
