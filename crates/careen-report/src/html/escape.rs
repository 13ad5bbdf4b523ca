//! The one way that text gets into the page.

use std::fmt;

use crate::clean;

/// Writes into the page; a `String` never refuses.
macro_rules! put {
    ($page:expr, $($text:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($page, $($text)*);
    }};
}
pub(super) use put;

/// Text that is shown as it is: cleaned, and without meaning to HTML, also within attributes.
pub(super) struct Shown<'a>(&'a str);

pub(super) fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in clean(self.0).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// At most `most` characters of a path or command, the middle left out.
pub(super) fn middle_cut(text: &str, most: usize) -> String {
    let text = clean(text);
    let n = text.chars().count();
    if n <= most {
        return text;
    }
    let (head, tail) = (most / 3, most - most / 3 - 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(n - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let hostile = "\x1b[31m<b onclick='x'>\"&amp;\u{202e}";
        let wanted = "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;amp;";
        assert_eq!(shown(hostile).to_string(), wanted);
        assert_eq!(middle_cut("a/very/long/path/file.txt", 12), "a/ve…ile.txt");
        assert_eq!(middle_cut("short", 12), "short");
    }
}
