//! Text in XML: escaped, and free of what XML or a terminal cannot hold.

use crate::{clean, clean_lines};

pub(crate) fn attribute(text: &str) -> String {
    escape(&clean(text))
}

pub(crate) fn body(text: &str) -> String {
    escape(&clean_lines(text).join("\n"))
}

/// Escapes markup. What XML 1.0 cannot hold at all is gone with the control characters,
/// but for two code points that are never characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => (),
            c => out.push(c),
        }
    }
    out
}
