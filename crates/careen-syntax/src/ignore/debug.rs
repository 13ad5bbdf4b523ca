//! The answers of `careen debug ignore-match`, so that the binary only reads and writes JSON.

use crate::ignore::matcher::Matcher;

/// When the reference fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorAt {
    /// While the patterns are read.
    New,
    /// When a path is compared.
    Match,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// Absent when there is an error.
    pub is_match: Option<bool>,
    /// Absent when there is an error.
    pub walk_match: Option<bool>,
    pub err_at: Option<ErrorAt>,
}

impl ErrorAt {
    /// `new` or `match`.
    pub fn name(self) -> &'static str {
        match self {
            ErrorAt::New => "new",
            ErrorAt::Match => "match",
        }
    }
}

/// Both decisions of the reference about one path.
pub fn ignore_match(patterns: &[String], path: &str) -> Matched {
    let none = Matched { is_match: None, walk_match: None, err_at: None };
    let Ok(matcher) = Matcher::new(patterns) else {
        return Matched { err_at: Some(ErrorAt::New), ..none };
    };
    match (matcher.is_match(path.as_bytes()), matcher.walk_match(path.as_bytes())) {
        (Ok(is_match), Ok(walk_match)) => {
            Matched { is_match: Some(is_match), walk_match: Some(walk_match), err_at: None }
        }
        _ => Matched { err_at: Some(ErrorAt::Match), ..none },
    }
}
