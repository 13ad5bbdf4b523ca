//! Which patterns Go's `filepath.Match(pattern, ".")` refuses, as Go 1.27 does it: the text between
//! two stars is only looked at when everything before it fitted the dot.

enum Unit {
    Only(char),
    Any,
    OneOf { is_negated: bool, ranges: Vec<(char, char)> },
}

pub(super) fn is_refused(pattern: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut rest = pattern.as_slice();
    let mut name: &[char] = &['.'];
    while !rest.is_empty() {
        let count = rest.iter().take_while(|c| **c == '*').count();
        rest = &rest[count..];
        let (part, after) = rest.split_at(part_length(rest));
        rest = after;
        if count > 0 && part.is_empty() {
            return false;
        }
        let Some(units) = units(part) else { return true };
        let furthest = if count > 0 { name.len() } else { 0 };
        let ends = (0..=furthest).filter(|start| {
            let fits = units.len() <= name.len() - start
                && units.iter().zip(&name[*start..]).all(|(unit, c)| unit.fits(*c));
            fits && (!rest.is_empty() || start + units.len() == name.len())
        });
        let Some(start) = ends.min() else { return false };
        name = &name[start + units.len()..];
    }
    false
}

/// Up to the next star outside brackets.
fn part_length(text: &[char]) -> usize {
    let mut in_brackets = false;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            '\\' => at += 1,
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '*' if !in_brackets => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn units(mut text: &[char]) -> Option<Vec<Unit>> {
    let mut found = Vec::new();
    loop {
        match text {
            [] => return Some(found),
            ['\\'] => return None,
            ['?', rest @ ..] => {
                found.push(Unit::Any);
                text = rest;
            }
            ['[', rest @ ..] => {
                let (unit, rest) = one_of(rest)?;
                found.push(unit);
                text = rest;
            }
            ['\\', c, rest @ ..] | [c, rest @ ..] => {
                found.push(Unit::Only(*c));
                text = rest;
            }
        }
    }
}

fn one_of(text: &[char]) -> Option<(Unit, &[char])> {
    let (is_negated, mut text) = match text {
        ['^', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        if let [']', rest @ ..] = text
            && !ranges.is_empty()
        {
            return Some((Unit::OneOf { is_negated, ranges }, rest));
        }
        let (low, rest) = member(text)?;
        let (high, rest) = match rest {
            ['-', rest @ ..] => member(rest)?,
            _ => (low, rest),
        };
        ranges.push((low, high));
        text = rest;
    }
}

/// One member; the brackets must still be closed behind it.
fn member(text: &[char]) -> Option<(char, &[char])> {
    let (c, rest) = match text {
        [] | ['-' | ']', ..] | ['\\'] => return None,
        ['\\', c, rest @ ..] | [c, rest @ ..] => (*c, rest),
    };
    (!rest.is_empty()).then_some((c, rest))
}

impl Unit {
    fn fits(&self, c: char) -> bool {
        match self {
            Unit::Only(only) => *only == c,
            Unit::Any => c != '/',
            Unit::OneOf { is_negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *is_negated
            }
        }
    }
}
