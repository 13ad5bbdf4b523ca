//! Shell patterns (`*`, `?`, escapes) as the `#`, `%` and `/` modifiers use them.

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

    /// Replaces the leftmost, longest match.
    pub(super) fn replace_first(&self, value: &str, replacement: &str) -> String {
        let value: Vec<char> = value.chars().collect();
        let Some((start, end)) = self.find(&value, 0) else { return value.iter().collect() };
        let mut out: String = value[..start].iter().collect();
        out.push_str(replacement);
        out.extend(&value[end..]);
        out
    }

    /// Replaces all matches; an empty match right after another match does not count.
    pub(super) fn replace_all(&self, value: &str, replacement: &str) -> String {
        let value: Vec<char> = value.chars().collect();
        let mut out = String::new();
        let (mut copied, mut from) = (0, 0);
        let mut first = true;
        while from <= value.len() {
            let Some((start, end)) = self.find(&value, from) else { break };
            if first || end > copied {
                out.extend(&value[copied..start]);
                out.push_str(replacement);
                copied = end;
            }
            first = false;
            from = if end > from { end } else { from + 1 };
        }
        out.extend(&value[copied..]);
        out
    }

    fn find(&self, value: &[char], from: usize) -> Option<(usize, usize)> {
        (from..=value.len()).find_map(|start| {
            ends(&self.tokens, &value[start..]).map(|(_, longest)| (start, start + longest))
        })
    }
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
