//! The tree as BuildKit's parser tests print it.

use std::fmt::Write as _;

use super::{Dockerfile, Form, Instruction, Keyword};

/// All instructions, one parenthesised line each.
pub(super) fn dump(file: &Dockerfile) -> String {
    let mut out = String::new();
    for instruction in file.instructions() {
        out.push('(');
        node(instruction, &mut out);
        out.push_str(")\n");
    }
    out.truncate(out.trim_end().len());
    out
}

fn node(instruction: &Instruction, out: &mut String) {
    let start = out.len();
    out.push_str(&instruction.name.text.to_lowercase());
    for (i, flag) in instruction.flags.iter().enumerate() {
        out.push_str(if i == 0 { " [" } else { " " });
        let value = flag.value.as_ref().map_or_else(String::new, |value| format!("={value}"));
        out.push_str(&quote(format!("--{}{value}", flag.name).as_bytes()));
    }
    if !instruction.flags.is_empty() {
        out.push(']');
    }
    if let Some(trigger) = &instruction.trigger {
        out.push_str(" (");
        node(trigger, out);
        out.push(')');
    }
    arguments(instruction, out);
    if out[start..].trim_end().len() < out.len() - start {
        out.truncate(start + out[start..].trim_end().len());
    }
}

fn arguments(instruction: &Instruction, out: &mut String) {
    if instruction.keyword == Keyword::Unknown {
        out.push_str(" \"\"");
        return;
    }
    let separator = if instruction.legacy_pair { " \"\"" } else { " \"=\"" };
    let pairs = matches!(instruction.keyword, Keyword::Env | Keyword::Label);
    for (i, word) in instruction.words.iter().enumerate() {
        let raw = (word.range.0 as usize)..(word.range.1 as usize);
        let decoded = instruction.form == Form::Json
            && !(instruction.keyword == Keyword::Healthcheck && i == 0);
        let quoted = if decoded {
            quote(word.text.as_bytes())
        } else {
            quote(&instruction.logical.text()[raw])
        };
        out.push(' ');
        out.push_str(&quoted);
        if pairs && i % 2 == 1 {
            out.push_str(separator);
        }
    }
}

/// Go's `strconv.Quote`.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| quote_character(character, &mut out));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

fn quote_character(character: char, out: &mut String) {
    let short = match character {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0C' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0B' => 'v',
        '\\' => '\\',
        '"' => '"',
        _ => {
            quote_rare(character, out);
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

fn quote_rare(character: char, out: &mut String) {
    let code = u32::from(character);
    let written = match code {
        0x20..=0x7E => {
            out.push(character);
            return;
        }
        _ if is_printable(character) => {
            out.push(character);
            return;
        }
        0..=0x1F | 0x7F => write!(out, "\\x{code:02x}"),
        ..=0xFFFF => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    written.expect("writing to a string cannot fail");
}

/// The standard library escapes what is not printable, and after the first character of a
/// string nothing else; its table has the same categories as Go's `unicode.IsPrint`.
fn is_printable(character: char) -> bool {
    let mut probe = String::from("a");
    probe.push(character);
    probe.escape_debug().eq(probe.chars())
}
