//! Go's regular expressions as far as patterns can reach them: read by descent, matched by the sets
//! of places that can be reached. Unicode classes (`\pL`) are not known.

use std::collections::BTreeSet;

/// Why there is no expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Refused,
    Unknown,
}

pub(super) struct Expression(Node);

enum Node {
    One(Set),
    Start,
    End,
    WordEdge { wanted: bool },
    Repeat { node: Box<Node>, least: u32, most: Option<u32> },
    Sequence(Vec<Node>),
    Either(Vec<Node>),
}

#[derive(Default)]
struct Set {
    is_negated: bool,
    ranges: Vec<(u32, u32)>,
    parts: Vec<Set>,
}

const NAMED: [(&str, &[(char, char)]); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\u{7f}')]),
    ("blank", &[(' ', ' '), ('\t', '\t')]),
    ("cntrl", &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
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

impl Expression {
    pub(super) fn read(text: &str) -> Result<Expression, Fault> {
        let mut reader = Reader { text: text.chars().collect(), at: 0 };
        let node = reader.either()?;
        if reader.at == reader.text.len() { Ok(Expression(node)) } else { Err(Fault::Refused) }
    }

    /// Whether it matches anywhere in the text.
    pub(super) fn is_in(&self, text: &[char]) -> bool {
        !self.0.ends((0..=text.len()).collect(), text).is_empty()
    }
}

impl Node {
    /// Where a match can end that begins at one of `starts`.
    fn ends(&self, starts: BTreeSet<usize>, text: &[char]) -> BTreeSet<usize> {
        if starts.is_empty() {
            return starts;
        }
        let keep = |holds: &dyn Fn(usize) -> bool| {
            starts.iter().copied().filter(|at| holds(*at)).collect::<BTreeSet<usize>>()
        };
        match self {
            Node::One(set) => {
                let fits = |at: usize| text.get(at).is_some_and(|c| set.has(u32::from(*c)));
                keep(&fits).into_iter().map(|at| at + 1).collect()
            }
            Node::Start => keep(&|at| at == 0),
            Node::End => keep(&|at| at == text.len()),
            Node::WordEdge { wanted } => {
                let is_word = |at: usize| {
                    text.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_')
                };
                keep(&|at| (is_word(at) != (at > 0 && is_word(at - 1))) == *wanted)
            }
            Node::Sequence(nodes) => {
                nodes.iter().fold(starts, |reached, node| node.ends(reached, text))
            }
            Node::Either(nodes) => {
                nodes.iter().flat_map(|node| node.ends(starts.clone(), text)).collect()
            }
            Node::Repeat { node, least, most } => {
                let mut reached = starts;
                for _ in 0..*least {
                    reached = node.ends(reached, text);
                }
                let mut latest = reached.clone();
                let mut left = most.map(|most| most - least);
                while !latest.is_empty() && left != Some(0) {
                    latest = node.ends(latest, text);
                    latest.retain(|at| reached.insert(*at));
                    left = left.map(|left| left - 1);
                }
                reached
            }
        }
    }
}

impl Set {
    fn has(&self, c: u32) -> bool {
        let is_listed = self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
        (is_listed || self.parts.iter().any(|part| part.has(c))) != self.is_negated
    }

    fn of(is_negated: bool, ranges: &[(char, char)]) -> Set {
        let ranges = ranges.iter().map(|(low, high)| (u32::from(*low), u32::from(*high))).collect();
        Set { is_negated, ranges, parts: Vec::new() }
    }

    fn only(c: u32) -> Node {
        Node::One(Set { ranges: vec![(c, c)], ..Set::default() })
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn rest(&self) -> &[char] {
        &self.text[self.at..]
    }

    fn take(&mut self, wanted: &str) -> bool {
        let wanted: Vec<char> = wanted.chars().collect();
        let is_there = self.rest().starts_with(&wanted);
        self.at += if is_there { wanted.len() } else { 0 };
        is_there
    }

    fn next(&mut self) -> Result<char, Fault> {
        self.at += 1;
        self.text.get(self.at - 1).copied().ok_or(Fault::Refused)
    }

    /// Alternatives up to the end or a closing parenthesis.
    fn either(&mut self) -> Result<Node, Fault> {
        let mut alternatives = vec![self.sequence()?];
        while self.take("|") {
            alternatives.push(self.sequence()?);
        }
        Ok(Node::Either(alternatives))
    }

    fn sequence(&mut self) -> Result<Node, Fault> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut was_repeated = false;
        while !matches!(self.rest(), [] | ['|' | ')', ..]) {
            if let Some((least, most)) = self.repetition()? {
                if was_repeated {
                    return Err(Fault::Refused);
                }
                let node = Box::new(nodes.pop().ok_or(Fault::Refused)?);
                // Laziness changes which match is found, not whether there is one.
                self.take("?");
                nodes.push(Node::Repeat { node, least, most });
                was_repeated = true;
                continue;
            }
            was_repeated = false;
            self.atom(&mut nodes)?;
        }
        Ok(Node::Sequence(nodes))
    }

    fn repetition(&mut self) -> Result<Option<(u32, Option<u32>)>, Fault> {
        for (sign, least, most) in [("*", 0, None), ("+", 1, None), ("?", 0, Some(1))] {
            if self.take(sign) {
                return Ok(Some((least, most)));
            }
        }
        let ['{', rest @ ..] = self.rest() else { return Ok(None) };
        // Braces that are no repetition stand for themselves.
        let Some(length) = rest.iter().position(|c| *c == '}') else { return Ok(None) };
        let inside: String = rest[..length].iter().collect();
        let (least, most) = match inside.split_once(',') {
            None => (inside.as_str(), Some(inside.as_str())),
            Some((least, "")) => (least, None),
            Some((least, most)) => (least, Some(most)),
        };
        let is_number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_plain && (text.len() == 1 || !text.starts_with('0'))
        };
        if !is_number(least) || !most.is_none_or(is_number) {
            return Ok(None);
        }
        self.at += length + 2;
        let small = |text: &str| text.parse().ok().filter(|n: &u32| *n <= 1000);
        let least = small(least).ok_or(Fault::Refused)?;
        let Some(most) = most else { return Ok(Some((least, None))) };
        match small(most) {
            Some(most) if least <= most => Ok(Some((least, Some(most)))),
            _ => Err(Fault::Refused),
        }
    }

    fn atom(&mut self, nodes: &mut Vec<Node>) -> Result<(), Fault> {
        let node = match self.next()? {
            '(' => {
                let inside = self.either()?;
                if !self.take(")") {
                    return Err(Fault::Refused);
                }
                inside
            }
            '^' => Node::Start,
            '$' => Node::End,
            '.' => Node::One(Set::of(true, &[('\n', '\n')])),
            '[' => Node::One(self.set()?),
            '\\' => match self.rest() {
                ['A', ..] => self.skip(Node::Start),
                ['z', ..] => self.skip(Node::End),
                ['b', ..] => self.skip(Node::WordEdge { wanted: true }),
                ['B', ..] => self.skip(Node::WordEdge { wanted: false }),
                ['Q', ..] => {
                    self.at += 1;
                    while !self.rest().is_empty() && !self.take("\\E") {
                        nodes.push(Set::only(u32::from(self.next()?)));
                    }
                    return Ok(());
                }
                _ => match self.short_set()? {
                    Some(set) => Node::One(set),
                    None => Set::only(self.escaped()?),
                },
            },
            c => Set::only(u32::from(c)),
        };
        nodes.push(node);
        Ok(())
    }

    fn skip(&mut self, node: Node) -> Node {
        self.at += 1;
        node
    }

    /// After a backslash: `d`, `s`, `w` and their opposites.
    fn short_set(&mut self) -> Result<Option<Set>, Fault> {
        let Some(&letter) = self.rest().first() else { return Ok(None) };
        let ranges: &[(char, char)] = match letter.to_ascii_lowercase() {
            'd' => &[('0', '9')],
            's' => &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
            'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
            'p' => return Err(Fault::Unknown),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(Set::of(letter.is_ascii_uppercase(), ranges)))
    }

    /// After a backslash: one character.
    fn escaped(&mut self) -> Result<u32, Fault> {
        let c = self.next()?;
        let plain = |c: char| Ok(u32::from(c));
        match c {
            '0'..='7' => {
                let more = self.rest().iter().take(2).take_while(|c| ('0'..='7').contains(*c));
                let digits: String = [c].iter().chain(more).collect();
                if c != '0' && digits.len() == 1 {
                    return Err(Fault::Refused);
                }
                self.at += digits.len() - 1;
                u32::from_str_radix(&digits, 8).map_err(|_| Fault::Refused)
            }
            'x' if self.take("{") => {
                let length = self.rest().iter().position(|c| *c == '}').ok_or(Fault::Refused)?;
                let digits: String = self.rest()[..length].iter().collect();
                self.at += length + 1;
                hexadecimal(digits.trim_start_matches('0'), digits.is_empty())
            }
            'x' => {
                let digits: String = [self.next()?, self.next()?].iter().collect();
                hexadecimal(&digits, false)
            }
            'a' => plain('\u{7}'),
            'f' => plain('\u{c}'),
            'n' => plain('\n'),
            'r' => plain('\r'),
            't' => plain('\t'),
            'v' => plain('\u{b}'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => plain(c),
            _ => Err(Fault::Refused),
        }
    }

    /// After the opening bracket.
    fn set(&mut self) -> Result<Set, Fault> {
        let mut set = Set { is_negated: self.take("^"), ..Set::default() };
        let mut is_first = true;
        while is_first || !self.rest().starts_with(&[']']) {
            is_first = false;
            if let Some(named) = self.named()? {
                set.parts.push(named);
                continue;
            }
            if self.rest().starts_with(&['\\']) {
                self.at += 1;
                if let Some(short) = self.short_set()? {
                    set.parts.push(short);
                    continue;
                }
                self.at -= 1;
            }
            let low = self.member()?;
            let spans = matches!(self.rest(), ['-', after, ..] if *after != ']');
            let high = if spans {
                self.at += 1;
                self.member()?
            } else {
                low
            };
            if high < low {
                return Err(Fault::Refused);
            }
            set.ranges.push((low, high));
        }
        self.at += 1;
        Ok(set)
    }

    fn member(&mut self) -> Result<u32, Fault> {
        if self.take("\\") { self.escaped() } else { self.next().map(u32::from) }
    }

    /// `[:alpha:]`.
    fn named(&mut self) -> Result<Option<Set>, Fault> {
        let ['[', ':', rest @ ..] = self.rest() else { return Ok(None) };
        let Some(length) = rest.windows(2).position(|two| two == [':', ']']) else {
            return Ok(None);
        };
        let name: String = rest[..length].iter().collect();
        let plain = name.strip_prefix('^');
        let wanted = plain.unwrap_or(&name);
        let found = NAMED.iter().find(|(known, _)| *known == wanted).ok_or(Fault::Refused)?;
        self.at += length + 4;
        Ok(Some(Set::of(plain.is_some(), found.1)))
    }
}

/// Digits without leading zeros; a number that no character can have is refused.
fn hexadecimal(digits: &str, is_missing: bool) -> Result<u32, Fault> {
    if is_missing || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fault::Refused);
    }
    let value = if digits.is_empty() { Ok(0) } else { u32::from_str_radix(digits, 16) };
    value.ok().filter(|value| *value <= u32::from(char::MAX)).ok_or(Fault::Refused)
}
