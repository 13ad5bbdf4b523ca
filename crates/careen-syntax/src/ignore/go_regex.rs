//! The regular expressions that patterns turn into, parsed with Go's syntax and Go's errors.
//!
//! The `regex` crates read some of these texts differently (`\z`, `\Q`, `\C`, `{` as a literal,
//! classes like `[[]`), so the text is parsed here and handed over as an expression tree.

use regex_syntax::hir::{
    Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, HirKind, Look, Repetition,
};

/// Why Go would refuse the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRegex(pub(super) String);

/// Go refuses counted repetitions above this (`regexp/syntax`, `maxRepeat`).
const MOST_REPEATS: u32 = 1000;

/// Go refuses programs above 128 MiB of 40-byte instructions (`regexp/syntax`, `maxSize`).
const MOST_INSTRUCTIONS: u64 = (128 << 20) / 40;

/// Parses `text` as Go's `regexp.Compile` does (Perl flags).
pub(super) fn parse(text: &str) -> Result<Hir, BadRegex> {
    let mut parser = Parser { rest: text, size: 0 };
    let mut frames = vec![Frame::default()];
    // What the previous step repeated, so that `a**` can be refused.
    let mut repeated = false;
    while let Some(ch) = parser.rest.chars().next() {
        let frame = frames.last_mut().expect("the outermost frame is never popped");
        let was_repeated = std::mem::replace(&mut repeated, false);
        match ch {
            '(' => {
                parser.rest = &parser.rest[1..];
                frames.push(Frame::default());
            }
            ')' => {
                parser.rest = &parser.rest[1..];
                let group = frames.pop().expect("checked above").finish();
                let outer = frames.last_mut().ok_or_else(|| bad("unexpected )"))?;
                outer.items.push(group);
            }
            '|' => {
                parser.rest = &parser.rest[1..];
                frame.alternate();
            }
            '^' => {
                parser.rest = &parser.rest[1..];
                frame.items.push(Hir::look(Look::Start));
            }
            '$' => {
                parser.rest = &parser.rest[1..];
                frame.items.push(Hir::look(Look::End));
            }
            '.' => {
                parser.rest = &parser.rest[1..];
                frame.items.push(Hir::dot(Dot::AnyCharExceptLF));
            }
            '[' => {
                let class = parser.class()?;
                frame.items.push(Hir::class(Class::Unicode(class)));
            }
            '*' | '+' | '?' | '{' => match parser.repetition()? {
                None => {
                    parser.rest = &parser.rest[1..];
                    frame.items.push(literal(ch));
                }
                Some((min, max)) => {
                    if was_repeated {
                        return Err(bad("invalid nested repetition operator"));
                    }
                    let greedy = !parser.take('?');
                    let sub = frame.items.pop();
                    let sub = sub.ok_or_else(|| bad("missing argument to repetition operator"))?;
                    parser.charge(u64::from(max.unwrap_or(min).max(min)))?;
                    frame.items.push(Hir::repetition(Repetition {
                        min,
                        max,
                        greedy,
                        sub: Box::new(sub),
                    }));
                    repeated = true;
                }
            },
            '\\' => parser.escape_outside(&mut frame.items)?,
            _ => {
                parser.rest = &parser.rest[ch.len_utf8()..];
                frame.items.push(literal(ch));
            }
        }
        parser.charge(1)?;
    }
    let last = frames.pop().expect("the outermost frame is never popped");
    if !frames.is_empty() {
        return Err(bad("missing closing )"));
    }
    Ok(last.finish())
}

/// One open group: its finished alternatives and the items of the current one.
#[derive(Default)]
struct Frame {
    alternatives: Vec<Hir>,
    items: Vec<Hir>,
}

impl Frame {
    fn alternate(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.alternatives.push(Hir::concat(items));
    }

    fn finish(mut self) -> Hir {
        self.alternate();
        Hir::alternation(self.alternatives)
    }
}

struct Parser<'a> {
    rest: &'a str,
    size: u64,
}

impl Parser<'_> {
    fn charge(&mut self, instructions: u64) -> Result<(), BadRegex> {
        self.size += instructions;
        if self.size > MOST_INSTRUCTIONS { Err(bad("expression too large")) } else { Ok(()) }
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<char> {
        let ch = self.rest.chars().next()?;
        self.rest = &self.rest[ch.len_utf8()..];
        Some(ch)
    }

    /// Reads `*`, `+`, `?` or `{n,m}`; `None` (and nothing read) when `{` is only a brace.
    fn repetition(&mut self) -> Result<Option<(u32, Option<u32>)>, BadRegex> {
        let simple = match self.rest.as_bytes()[0] {
            b'*' => Some((0, None)),
            b'+' => Some((1, None)),
            b'?' => Some((0, Some(1))),
            _ => None,
        };
        if simple.is_some() {
            self.rest = &self.rest[1..];
            return Ok(simple);
        }
        let Some((min, max, rest)) = braces(&self.rest[1..]) else { return Ok(None) };
        self.rest = rest;
        let is_reversed = max.is_some_and(|max| min > max);
        if is_reversed || min > MOST_REPEATS || max.is_some_and(|max| max > MOST_REPEATS) {
            return Err(bad("invalid repeat count"));
        }
        Ok(Some((min, max)))
    }

    /// A backslash outside a class.
    fn escape_outside(&mut self, items: &mut Vec<Hir>) -> Result<(), BadRegex> {
        let look = match self.rest.as_bytes().get(1) {
            Some(b'A') => Some(Look::Start),
            Some(b'z') => Some(Look::End),
            Some(b'b') => Some(Look::WordAscii),
            Some(b'B') => Some(Look::WordAsciiNegate),
            Some(b'C') => return Err(bad("invalid escape sequence: \\C")),
            Some(b'Q') => {
                let quoted = &self.rest[2..];
                let (quoted, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                items.extend(quoted.chars().map(literal));
                self.rest = rest;
                return Ok(());
            }
            _ => None,
        };
        if let Some(look) = look {
            self.rest = &self.rest[2..];
            items.push(Hir::look(look));
            return Ok(());
        }
        if let Some(class) = self.named_class()? {
            items.push(Hir::class(Class::Unicode(class)));
            return Ok(());
        }
        let rune = self.escape()?;
        items.push(rune.map_or_else(Hir::fail, literal));
        Ok(())
    }

    /// `\d`, `\pL`, `\p{Greek}` and their negations.
    fn named_class(&mut self) -> Result<Option<ClassUnicode>, BadRegex> {
        let Some(&letter) = self.rest.as_bytes().get(1) else { return Ok(None) };
        let class = match letter {
            b'd' | b'D' => ascii(&[('0', '9')]),
            b's' | b'S' => ascii(&[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
            b'w' | b'W' => ascii(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
            b'p' | b'P' => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.rest = &self.rest[2..];
        Ok(Some(negate_if(letter.is_ascii_uppercase(), class)))
    }

    fn unicode_class(&mut self) -> Result<ClassUnicode, BadRegex> {
        let whole = self.rest;
        let mut negated = self.rest.as_bytes()[1] == b'P';
        self.rest = &self.rest[2..];
        let invalid = || bad(&format!("invalid character class range: {whole}"));
        let first = self.next().ok_or_else(invalid)?;
        let mut name = first.to_string();
        if first == '{' {
            let (inside, rest) = self.rest.split_once('}').ok_or_else(invalid)?;
            inside.clone_into(&mut name);
            self.rest = rest;
        }
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest.to_owned();
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_- ".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(invalid());
        }
        let table = |key: &str| regex_syntax::parse(&format!("\\p{{{key}={name}}}")).ok();
        let hir = table("gc").or_else(|| table("sc")).ok_or_else(invalid)?;
        let class = match hir.into_kind() {
            HirKind::Class(Class::Unicode(class)) => class,
            HirKind::Literal(one) => {
                let text = String::from_utf8_lossy(&one.0).into_owned();
                ClassUnicode::new(text.chars().map(|c| ClassUnicodeRange::new(c, c)))
            }
            _ => return Err(invalid()),
        };
        Ok(negate_if(negated, class))
    }

    /// An escaped character; `None` for a code point that no text can contain.
    fn escape(&mut self) -> Result<Option<char>, BadRegex> {
        let whole = self.rest;
        let invalid = || bad(&format!("invalid escape sequence: {whole}"));
        self.rest = &self.rest[1..];
        let ch = self.next().ok_or_else(|| bad("trailing backslash"))?;
        let is_octal = |next: Option<char>| next.is_some_and(|c| ('0'..='7').contains(&c));
        match ch {
            '1'..='7' if !is_octal(self.rest.chars().next()) => Err(invalid()),
            '0'..='7' => {
                let more = self.rest.chars().take(2).take_while(|&c| is_octal(Some(c))).count();
                let value = self.rest[..more]
                    .chars()
                    .fold(ch as u32 - 48, |sum, digit| sum * 8 + (digit as u32 - 48));
                self.rest = &self.rest[more..];
                Ok(char::from_u32(value))
            }
            'x' => self.hexadecimal().map(char::from_u32).ok_or_else(invalid),
            'a' => Ok(Some('\x07')),
            'f' => Ok(Some('\x0c')),
            'n' => Ok(Some('\n')),
            'r' => Ok(Some('\r')),
            't' => Ok(Some('\t')),
            'v' => Ok(Some('\x0b')),
            _ if ch.is_ascii() && !ch.is_ascii_alphanumeric() => Ok(Some(ch)),
            _ => Err(invalid()),
        }
    }

    /// After `\x`: two digits, or any number of digits in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let mut value = 0;
        if !self.take('{') {
            for _ in 0..2 {
                value = value * 16 + self.next()?.to_digit(16)?;
            }
            return Some(value);
        }
        let mut digits = 0;
        while !self.take('}') {
            value = value * 16 + self.next()?.to_digit(16)?;
            if value > u32::from(char::MAX) {
                return None;
            }
            digits += 1;
        }
        (digits > 0).then_some(value)
    }

    fn class(&mut self) -> Result<ClassUnicode, BadRegex> {
        let whole = self.rest;
        // Collected first: a class that grows one by one is put in order each time.
        let mut ranges: Vec<ClassUnicodeRange> = Vec::new();
        self.rest = &self.rest[1..];
        let negated = self.take('^');
        let mut is_first = true;
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            if let Some(posix) = self.posix_class()? {
                ranges.extend(posix.ranges());
                continue;
            }
            if self.rest.starts_with('\\')
                && let Some(named) = self.named_class()?
            {
                ranges.extend(named.ranges());
                continue;
            }
            let low = self.class_rune(whole)?;
            let mut high = low;
            if self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]") {
                self.rest = &self.rest[1..];
                high = self.class_rune(whole)?;
                if high < low {
                    return Err(bad(&format!("invalid character class range: {whole}")));
                }
            }
            push_range(&mut ranges, low, high);
        }
        self.rest = &self.rest[1..];
        Ok(negate_if(negated, ClassUnicode::new(ranges)))
    }

    fn class_rune(&mut self, whole: &str) -> Result<u32, BadRegex> {
        if self.rest.is_empty() {
            return Err(bad(&format!("missing closing ]: {whole}")));
        }
        if !self.rest.starts_with('\\') {
            return Ok(self.next().map_or(0, u32::from));
        }
        // A code point without a character (a surrogate) matches nothing but still orders a range.
        let before = self.rest;
        match self.escape()? {
            Some(ch) => Ok(u32::from(ch)),
            None => Ok(surrogate(before)),
        }
    }

    /// `[:alpha:]` inside a class.
    fn posix_class(&mut self) -> Result<Option<ClassUnicode>, BadRegex> {
        if !self.rest.starts_with("[:") {
            return Ok(None);
        }
        let Some(end) = self.rest[2..].find(":]") else { return Ok(None) };
        let name = &self.rest[2..2 + end];
        let (negated, plain) = match name.strip_prefix('^') {
            Some(plain) => (true, plain),
            None => (false, name),
        };
        let found = POSIX.iter().find(|(known, _)| *known == plain);
        let (_, ranges) =
            found.ok_or_else(|| bad(&format!("invalid character class range: [:{name}:]")))?;
        self.rest = &self.rest[2 + end + 2..];
        Ok(Some(negate_if(negated, ascii(ranges))))
    }
}

/// The value of `\x{D800}` and friends, which have no `char`.
fn surrogate(escape: &str) -> u32 {
    let digits: String = escape.chars().skip(3).take_while(char::is_ascii_hexdigit).collect();
    u32::from_str_radix(&digits, 16).unwrap_or(0xD800)
}

/// `n}`, `n,}` or `n,m}` and what follows; an absurdly large number is larger than any limit.
fn braces(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (min, rest) = number(text)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, Some(min), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = number(rest)?;
    rest.strip_prefix('}').map(|rest| (min, Some(max), rest))
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    if digits.is_empty() || has_leading_zero {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

fn literal(ch: char) -> Hir {
    let mut bytes = [0; 4];
    Hir::literal(ch.encode_utf8(&mut bytes).as_bytes())
}

fn ascii(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(low, high)| ClassUnicodeRange::new(low, high)))
}

fn negate_if(negated: bool, mut class: ClassUnicode) -> ClassUnicode {
    if negated {
        class.negate();
    }
    class
}

/// Adds `low..=high` without the surrogates in between.
fn push_range(ranges: &mut Vec<ClassUnicodeRange>, low: u32, high: u32) {
    for (from, to) in [(low, high.min(0xD7FF)), (low.max(0xE000), high)] {
        if let (Some(from), Some(to)) = (char::from_u32(from), char::from_u32(to))
            && from <= to
        {
            ranges.push(ClassUnicodeRange::new(from, to));
        }
    }
}

fn bad(message: &str) -> BadRegex {
    BadRegex(message.to_owned())
}

const POSIX: [(&str, &[(char, char)]); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7f')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1f'), ('\x7f', '\x7f')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses_what_go_does() {
        let good = [
            "^a{2}[^/]*$",
            "^[^/]*\\.{js,ts}$",
            "^foo|bar[^/]*$",
            r"^\Qa\.b\E$",
            r"^\x{41}\101\pL\p{Greek}\PN$",
            "^[[^/]*]$",
            r"^a{01}x{,2}$",
            "^[[:alpha:]-]$",
            r"^[\d\-a]$",
            "^{2}a$",
            "^(.*/)?(.*/)?$",
            r"^\z\A\b\B$",
        ];
        for text in good {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
        let refused = [
            r"^\c$",
            r"^\C$",
            r"^\8$",
            r"^\1$",
            "^[b-a]$",
            "^[[:nope:]]$",
            "^[^/]*{2}$",
            "^a{1001}$",
            "^a{3,2}$",
            "|{2}",
            r"^\p{Nope}$",
            r"^\x4$",
            "^[a",
            r"^\é$",
        ];
        for text in refused {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
