//! Takes everything out of foreign text that a terminal or a reader could be fooled by.

/// `text` on one line, without escape sequences, control and direction characters.
///
/// A sequence is removed whole (`ESC [ 3 1 m`), so no rest such as `[31m` is left behind.
/// A string sequence that nothing ends loses only its introducer: it must not hide what follows.
/// Tabs and line breaks become single spaces.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => rest = after_escape(rest),
            '\u{9b}' => rest = after_control(rest),
            '\t' | '\n' => out.push(' '),
            c if c.is_control() || misleads(c) => (),
            c => out.push(c),
        }
    }
    out
}

/// The lines of `text`, each [`clean`]; what a carriage return overwrote is left out.
pub fn clean_lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| clean(line.trim_end_matches('\r').rsplit('\r').next().unwrap_or(line)))
        .collect()
}

/// Direction overrides, invisible characters and line separators: they change what is read.
pub(crate) fn misleads(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn after_escape(mut rest: std::str::Chars<'_>) -> std::str::Chars<'_> {
    let start = rest.clone();
    match rest.next() {
        Some('[') => after_control(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let body = rest.clone();
            after_string(rest).unwrap_or(body)
        }
        // Two-character sequences such as `ESC c`, with intermediates as in `ESC ( B`.
        Some(' '..='/') => {
            let mut at = rest.clone();
            while let Some(' '..='/') = at.next() {
                rest = at.clone();
            }
            rest.next();
            rest
        }
        Some('0'..='~') => rest,
        _ => start,
    }
}

/// Parameters and intermediates up to the final byte; stops before anything else.
fn after_control(mut rest: std::str::Chars<'_>) -> std::str::Chars<'_> {
    loop {
        let before = rest.clone();
        match rest.next() {
            Some('\x20'..='\x3f') => (),
            Some('\x40'..='\x7e') => return rest,
            _ => return before,
        }
    }
}

fn after_string(mut rest: std::str::Chars<'_>) -> Option<std::str::Chars<'_>> {
    loop {
        match rest.next()? {
            '\x07' | '\u{9c}' => return Some(rest),
            '\x1b' => return rest.next().filter(|&c| c == '\\').map(|_| rest),
            '\n' => return None,
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_is_left() {
        let cases = [
            ("plain näme", "plain näme"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b[38;2;1;2;3mx\x1b[2J\x1b[Hy", "xy"),
            ("\x1b]0;title\x07seen", "seen"),
            ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b]0;never ended", "0;never ended"),
            ("\u{9b}31mred", "red"),
            ("a\x1bcb\x1b(Bc", "abc"),
            ("one\ntwo\tthree\rfour", "one two threefour"),
            ("bell\x07 back\x08 del\x7f nul\0", "bell back del nul"),
            ("gpj.\u{202e}exe\u{202c}", "gpj.exe"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("lone \x1b", "lone "),
            ("\x1b[31\nx", " x"),
        ];
        for (hostile, wanted) in cases {
            assert_eq!(clean(hostile), wanted, "{hostile:?}");
        }
    }

    #[test]
    fn a_progress_bar_leaves_its_last_state() {
        assert_eq!(clean_lines("10 %\r50 %\r100 %\r\ndone\n"), ["100 %", "done"]);
    }
}
