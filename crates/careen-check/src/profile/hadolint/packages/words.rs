//! The arguments of a call as hadolint looks at them: any of some words, operands without values.

use std::borrow::Cow;

use super::Call;

/// The program is one of these and one of its arguments is one of those.
pub(super) fn calls(call: &Call, programs: &[&str], arguments: &[&str]) -> bool {
    programs.contains(&call.name.as_str()) && has(call, arguments)
}

pub(super) fn has(call: &Call, words: &[&str]) -> bool {
    call.arguments.iter().any(|argument| words.contains(&argument.as_str()))
}

/// What begins with no dash, without the values of some options.
///
/// Only an option without `=` takes the next argument.
pub(super) fn operands<'a>(call: &'a Call, valued: &[&str]) -> Vec<Cow<'a, str>> {
    let mut operands = Vec::new();
    let mut arguments = call.arguments.iter();
    while let Some(argument) = arguments.next() {
        let is_option = argument.len() > 1 && argument.starts_with('-') && argument != "--";
        if !is_option {
            operands.push(plain(argument));
        } else if !argument.contains('=') && takes_value(argument, valued) {
            arguments.next();
        }
    }
    operands
}

fn takes_value(option: &str, valued: &[&str]) -> bool {
    if let Some(name) = option.strip_prefix("--") {
        return valued.contains(&name);
    }
    let mut letters = option[1..].chars();
    letters.any(|letter| valued.iter().any(|name| name.chars().eq([letter])))
}

/// The word is a file of this kind, by the end of its name; capitals are another end.
pub(super) fn is_file(word: &str, end: &str) -> bool {
    word.ends_with(end)
}

/// A word in which each variable and substitution is `${VAR}`: nothing in them counts.
pub(super) fn plain(word: &str) -> Cow<'_, str> {
    if !word.contains(['$', '`']) {
        return Cow::Borrowed(word);
    }
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find(['$', '`']) {
        out.push_str(&rest[..at]);
        let length = length_of(&rest[at..]);
        out.push_str(if length > 1 { VARIABLE } else { &rest[at..=at] });
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

const VARIABLE: &str = "${VAR}";

/// Bytes of the expansion that begins here; 1 when a character stands for itself.
fn length_of(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        _ if bytes[0] == b'`' => text[1..].find('`').map_or(text.len(), |n| n + 2),
        Some(open @ (b'{' | b'(')) => {
            let close = if *open == b'{' { b'}' } else { b')' };
            let mut depth = 0;
            for (at, byte) in bytes.iter().enumerate().skip(1) {
                depth += i32::from(byte == open) - i32::from(*byte == close);
                if depth == 0 {
                    return at + 1;
                }
            }
            text.len()
        }
        Some(first) if first.is_ascii_alphanumeric() || *first == b'_' => {
            let name = bytes[1..].iter();
            1 + name.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
        }
        Some(b'@' | b'*' | b'#' | b'?' | b'!') => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_what_is_expanded() {
        let check = |word: &str, expected: &str| assert_eq!(plain(word), expected, "{word}");
        check("a=1", "a=1");
        check("a=$B-c", "a=${VAR}-c");
        check("${A:-b=${C}}x", "${VAR}x");
        check("$(a \"b\" $(c))", "${VAR}");
        check("`a=b`", "${VAR}");
        check("a$", "a$");
    }

    #[test]
    fn operands_without_values() {
        let call = Call {
            name: "pip".into(),
            arguments: ["install", "-qi", "url", "--root=x", "a", "--target", "b", "-", "c"]
                .map(String::from)
                .into(),
        };
        assert_eq!(operands(&call, &["i", "target"]), ["install", "a", "-", "c"]);
    }
}
