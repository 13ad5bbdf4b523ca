//! Shell patterns (`*`, `?`, escapes) as the `#`, `%` and `/` modifiers use them.

use std::ops::Range;

/// Tokens of a pattern times characters of a value: about a second. More is refused.
const MOST_STEPS: usize = 1 << 28;

/// A pattern without bracket expressions; neither wildcard matches a line end.
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

/// Which of several matches is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Shortest,
    Longest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Literal(char),
}

impl Length {
    fn of(self, shortest: usize, longest: usize) -> usize {
        match self {
            Length::Shortest => shortest,
            Length::Longest => longest,
        }
    }
}

impl Pattern {
    /// Only `*`, `?`, `\`, `}` and `/` can be escaped.
    pub(super) fn read(text: &str) -> Result<Pattern, String> {
        let mut tokens = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            tokens.push(match character {
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => match rest.next() {
                    Some(escaped @ ('*' | '?' | '\\' | '}' | '/')) => Token::Literal(escaped),
                    other => {
                        let other = other.unwrap_or(char::REPLACEMENT_CHARACTER);
                        return Err(format!("invalid escape '\\{other}'"));
                    }
                },
                literal => Token::Literal(literal),
            });
        }
        Ok(Pattern { tokens })
    }

    pub(super) fn cut_start(&self, value: &str, length: Length) -> String {
        let value: Vec<char> = value.chars().collect();
        match ends(&self.tokens, &value) {
            None => value.iter().collect(),
            Some((shortest, longest)) => value[length.of(shortest, longest)..].iter().collect(),
        }
    }

    pub(super) fn cut_end(&self, value: &str, length: Length) -> String {
        let reversed: Vec<char> = value.chars().rev().collect();
        let tokens: Vec<Token> = self.tokens.iter().rev().copied().collect();
        match ends(&tokens, &reversed) {
            None => value.to_owned(),
            Some((shortest, longest)) => {
                let kept = &reversed[length.of(shortest, longest)..];
                kept.iter().rev().collect()
            }
        }
    }

    /// All matches from left to right, each the longest at its place, as ranges of characters. An
    /// empty match right after another match does not count.
    pub(super) fn matches(&self, value: &str) -> Result<Vec<Range<usize>>, String> {
        let value: Vec<char> = value.chars().collect();
        if self.tokens.len().saturating_mul(value.len()) > MOST_STEPS {
            return Err("the pattern is too long for the value".to_owned());
        }
        let ends = self.longest_ends(&value);
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut from = 0;
        while from <= value.len() {
            let Some(start) = (from..=value.len()).find(|&start| ends[start].is_some()) else {
                break;
            };
            let end = ends[start].unwrap_or(start);
            if found.last().is_none_or(|last| end > last.end) {
                found.push(start..end);
            }
            // The next match may begin where this one ends; an empty one moves on by one.
            from = if end > from { end } else { from + 1 };
        }
        Ok(found)
    }

    /// For each place where the longest match that begins there ends. All places at once, from
    /// the last token to the first: tokens × characters steps.
    fn longest_ends(&self, value: &[char]) -> Vec<Option<usize>> {
        let mut ends: Vec<Option<usize>> = (0..=value.len()).map(Some).collect();
        for token in self.tokens.iter().rev() {
            match token {
                Token::Any => {
                    for at in (0..value.len()).rev().filter(|&at| value[at] != '\n') {
                        // A later place that can be reached gives the later end.
                        ends[at] = ends[at + 1].max(ends[at]);
                    }
                }
                Token::One | Token::Literal(_) => {
                    for at in 0..value.len() {
                        let fits = match token {
                            Token::Literal(wanted) => *wanted == value[at],
                            _ => value[at] != '\n',
                        };
                        ends[at] = if fits { ends[at + 1] } else { None };
                    }
                    ends[value.len()] = None;
                }
            }
        }
        ends
    }
}

/// `value` with each of `matches` replaced.
pub(super) fn replaced(value: &str, matches: &[Range<usize>], replacement: &str) -> String {
    let value: Vec<char> = value.chars().collect();
    let mut out = String::new();
    let mut copied = 0;
    for found in matches {
        out.extend(&value[copied..found.start]);
        out.push_str(replacement);
        copied = found.end;
    }
    out.extend(&value[copied..]);
    out
}

/// Lengths of the shortest and the longest prefix of `value` that the tokens match.
fn ends(tokens: &[Token], value: &[char]) -> Option<(usize, usize)> {
    let mut reached = vec![false; value.len() + 1];
    reached[0] = true;
    let (mut low, mut high) = (0, 0);
    for token in tokens {
        let mut next_low = None;
        let mut next_high = 0;
        match token {
            Token::Any => {
                let mut open = false;
                for (at, here) in reached.iter_mut().enumerate().skip(low) {
                    open |= *here;
                    *here = open;
                    if open {
                        next_low.get_or_insert(at);
                        next_high = at;
                    }
                    open &= value.get(at) != Some(&'\n');
                    if !open && at >= high {
                        break;
                    }
                }
            }
            Token::One | Token::Literal(_) => {
                for at in (low..=high).rev() {
                    let fits = match (token, value.get(at)) {
                        (_, None) | (Token::One, Some('\n')) => false,
                        (Token::Literal(wanted), Some(character)) => wanted == character,
                        _ => true,
                    };
                    let moves = reached[at] && fits;
                    reached[at] = false;
                    if at < value.len() {
                        reached[at + 1] = moves;
                    }
                    if moves {
                        next_low = Some(at + 1);
                        next_high = next_high.max(at + 1);
                    }
                }
            }
        }
        low = next_low?;
        high = next_high;
    }
    Some((low, high))
}
