//! The part of HCL that bake files are made of: blocks, attributes, strings, lists, objects.
//!
//! What is more than that (functions, conditions, loops) is read over and is [`Expression::Other`].

/// `kind "label" { … }` with what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) label: String,
    /// Counted from one.
    pub(super) line: usize,
    pub(super) attributes: Vec<(String, Expression)>,
    pub(super) blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// Text and the names that are put into it, in order.
    Text(Vec<Part>),
    List(Vec<Expression>),
    Object(Vec<(String, Expression)>),
    /// `null`: as if it were not there.
    Null,
    /// Not understood.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Plain(String),
    Variable(String),
    /// Not understood.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(Vec<Part>),
    Mark(char),
    LineEnd,
}

/// Deeper nesting is not understood; no bake file has it.
const DEEPEST: usize = 50;

/// The blocks at the top; the error names the line.
pub(super) fn parse(text: &str) -> Result<Vec<Block>, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let mut top = Block::default();
    reader.body(&mut top, 0)?;
    match reader.peek() {
        None => Ok(top.blocks),
        Some(_) => Err(format!("line {}: `}}` closes nothing", reader.line())),
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn line(&self) -> usize {
        let last = self.tokens.last().map_or(1, |(line, _)| *line);
        self.tokens.get(self.at).map_or(last, |(line, _)| *line)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, mark: char) -> bool {
        let is_there = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_line_ends(&mut self) {
        while self.peek() == Some(&Token::LineEnd) {
            self.at += 1;
        }
    }

    /// Attributes and blocks up to a closing brace or the end.
    fn body(&mut self, block: &mut Block, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("line {}: nested deeper than {DEEPEST}", self.line()));
        }
        loop {
            self.skip_line_ends();
            let line = self.line();
            let name = match self.peek() {
                None | Some(Token::Mark('}')) => return Ok(()),
                Some(Token::Word(name)) => name.clone(),
                Some(Token::Text(parts)) => plain(parts).unwrap_or_default(),
                Some(_) => return Err(format!("line {line}: a name is expected")),
            };
            self.at += 1;
            if self.takes('=') {
                let value = self.whole_expression(depth);
                block.attributes.push((name, value));
                continue;
            }
            let mut inner = Block { kind: name, line, ..Block::default() };
            while let Some(Token::Text(_) | Token::Word(_)) = self.peek() {
                let label = match self.next() {
                    Some(Token::Text(parts)) => plain(&parts).unwrap_or_default(),
                    Some(Token::Word(word)) => word,
                    _ => String::new(),
                };
                if inner.label.is_empty() {
                    inner.label = label;
                }
            }
            if !self.takes('{') {
                return Err(format!("line {line}: `=` or `{{` is expected after `{}`", inner.kind));
            }
            self.body(&mut inner, depth + 1)?;
            if !self.takes('}') {
                return Err(format!("line {line}: `{}` is not closed", inner.kind));
            }
            block.blocks.push(inner);
        }
    }

    /// An expression that ends where its line or its list does; else it is not understood.
    fn whole_expression(&mut self, depth: usize) -> Expression {
        let found = self.expression(depth);
        let ends = |token: Option<&Token>| {
            matches!(token, None | Some(Token::LineEnd | Token::Mark(',' | ']' | '}')))
        };
        if ends(self.peek()) {
            return found;
        }
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Mark('(' | '[' | '{') => open += 1,
                Token::Mark(')' | ']' | '}') if open > 0 => open -= 1,
                token if open == 0 && ends(Some(token)) => break,
                _ => (),
            }
            self.at += 1;
        }
        Expression::Other
    }

    fn expression(&mut self, depth: usize) -> Expression {
        if depth > DEEPEST {
            return Expression::Other;
        }
        match self.peek().cloned() {
            Some(Token::Text(parts)) => {
                self.at += 1;
                Expression::Text(parts)
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                match word.as_str() {
                    "null" => Expression::Null,
                    _ if word == "true" || word == "false" || is_number(&word) => {
                        Expression::Text(vec![Part::Plain(word)])
                    }
                    _ => Expression::Text(vec![Part::Variable(word)]),
                }
            }
            Some(Token::Mark('[')) => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.skip_line_ends();
                    if self.takes(']') || self.peek().is_none() {
                        return Expression::List(items);
                    }
                    let before = self.at;
                    items.push(self.whole_expression(depth + 1));
                    self.skip_line_ends();
                    if !self.takes(',') && self.at == before {
                        // Something that cannot be in a list; never stand still.
                        self.at += 1;
                    }
                }
            }
            Some(Token::Mark('{')) => {
                self.at += 1;
                self.object(depth)
            }
            _ => Expression::Other,
        }
    }

    /// `name = value`, `"name" : value`, separated by commas or line ends.
    fn object(&mut self, depth: usize) -> Expression {
        let mut members = Vec::new();
        loop {
            self.skip_line_ends();
            let name = match self.next() {
                None | Some(Token::Mark('}')) => return Expression::Object(members),
                Some(Token::Word(name)) => Some(name),
                Some(Token::Text(parts)) => plain(&parts),
                Some(_) => None,
            };
            if self.takes('=') || self.takes(':') {
                let value = self.whole_expression(depth + 1);
                members.extend(name.map(|name| (name, value)));
            }
            self.takes(',');
        }
    }
}

/// The text of a string without variables.
fn plain(parts: &[Part]) -> Option<String> {
    parts
        .iter()
        .map(|part| if let Part::Plain(text) = part { Some(text.as_str()) } else { None })
        .collect()
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\n' => {
                tokens.push((line, Token::LineEnd));
                line += 1;
                1
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => {
                let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
                line += rest[..end].matches('\n').count();
                end
            }
            '"' => {
                let (parts, length) =
                    string(rest).ok_or_else(|| format!("line {line}: a string is not closed"))?;
                tokens.push((line, Token::Text(parts)));
                length
            }
            '<' if rest.starts_with("<<") => {
                return Err(format!("line {line}: a heredoc is not understood"));
            }
            _ if c.is_alphanumeric() || c == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                tokens.push((line, Token::Word(rest[..end].to_owned())));
                end
            }
            _ => {
                if !c.is_whitespace() {
                    tokens.push((line, Token::Mark(c)));
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// A quoted string at the start of the text and its length with both quotes.
fn string(text: &str) -> Option<(Vec<Part>, usize)> {
    let mut parts = Vec::new();
    let mut now = String::new();
    let mut at = 1;
    loop {
        let rest = text.get(at..)?;
        let c = rest.chars().next()?;
        match c {
            '"' => {
                if !now.is_empty() || parts.is_empty() {
                    parts.push(Part::Plain(now));
                }
                return Some((parts, at + 1));
            }
            '\n' => return None,
            '\\' => {
                let escaped = rest.chars().nth(1)?;
                now.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                at += 1 + escaped.len_utf8();
            }
            '$' | '%' if rest[1..].starts_with(c) && rest[2..].starts_with('{') => {
                now.push(c);
                now.push('{');
                at += 3;
            }
            '$' | '%' if rest[1..].starts_with('{') => {
                let end = rest.find('}')?;
                let name = rest[2..end].trim();
                if !now.is_empty() {
                    parts.push(Part::Plain(std::mem::take(&mut now)));
                }
                let is_name = c == '$'
                    && !name.is_empty()
                    && name.chars().all(|c| c.is_alphanumeric() || c == '_');
                parts.push(if is_name { Part::Variable(name.to_owned()) } else { Part::Other });
                at += end + 1;
            }
            c => {
                now.push(c);
                at += c.len_utf8();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Expression {
        Expression::Text(vec![Part::Plain(text.to_owned())])
    }

    #[track_caller]
    fn check(source: &str, expected: &[(&str, Expression)]) {
        let blocks = parse(&format!("target \"x\" {{\n{source}\n}}\n")).unwrap();
        let expected: Vec<(String, Expression)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        assert_eq!(blocks[0].attributes, expected, "{source}");
    }

    #[test]
    fn attributes_have_their_values() {
        check("a = \"b\" # c\nd = 1", &[("a", text("b")), ("d", text("1"))]);
        check(
            "a = [\"b\", // c\n \"d\",\n]",
            &[("a", Expression::List(vec![text("b"), text("d")]))],
        );
        check(
            "args = {\n A = \"1\"\n \"B\": \"2\",\n}",
            &[("args", Expression::Object(vec![("A".into(), text("1")), ("B".into(), text("2"))]))],
        );
        let variable = |name: &str| Part::Variable(name.into());
        check(
            "a = \"x-${TAG}\"\nb = TAG\nc = null",
            &[
                ("a", Expression::Text(vec![Part::Plain("x-".into()), variable("TAG")])),
                ("b", Expression::Text(vec![variable("TAG")])),
                ("c", Expression::Null),
            ],
        );
        check("a = \"$${x}\"", &[("a", text("${x}"))]);
    }

    #[test]
    fn what_is_more_is_read_over() {
        for other in ["f(a, \"b\")", "a == \"b\" ? \"c\" : \"d\"", "[for x in y : upper(x)]"] {
            let blocks = parse(&format!("target \"x\" {{\n a = {other}\n b = \"c\"\n}}")).unwrap();
            assert_eq!(blocks[0].attributes.len(), 2, "{other}");
            assert_eq!(blocks[0].attributes[1], ("b".into(), text("c")), "{other}");
        }
        check("a = \"${f(x)}\"", &[("a", Expression::Text(vec![Part::Other]))]);
    }

    #[test]
    fn what_is_wrong_is_an_error_and_not_a_panic() {
        for wrong in ["target", "target \"x\" {", "a = \"b", "}", "= b", "a = <<EOF\nx\nEOF\n"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let source = "target \"é\" {\n a = [\"x\", {b = \"${c}\"}]\n d = f(1)\n}\n";
        for (at, _) in source.char_indices() {
            let _ = parse(&source[..at]);
        }
        assert!(parse(&"a {".repeat(5000)).is_err());
        let _ = parse(&format!("a = {}", "[".repeat(5000)));
        let _ = parse(&format!("a = {}", "{b = ".repeat(5000)));
    }
}
