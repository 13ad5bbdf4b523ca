//! Markdown pages as tests: fenced blocks in, compared or rewritten in place.

use std::ops::Range;

/// One fenced block of a page.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    pub tag: &'a str,
    pub body: &'a str,
    pub range: Range<usize>,
}

/// The fenced blocks of `page`, in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut out = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in page.split_inclusive('\n') {
        let fence = line.trim_end().strip_prefix("```");
        match (fence, open) {
            (Some(tag), None) => open = Some((tag, at + line.len())),
            (Some(""), Some((tag, start))) => {
                out.push(Block { tag, body: &page[start..at], range: start..at });
                open = None;
            }
            _ => (),
        }
        at += line.len();
    }
    out
}

/// Compares, or with `UPDATE_PAGES=1` rewrites the page in place. Review with `git diff`.
pub fn settle(file: &str, page: &str, wanted: &[(Range<usize>, String)]) {
    let stale: Vec<_> =
        wanted.iter().filter(|(range, text)| page[range.clone()] != **text).collect();
    if stale.is_empty() {
        return;
    }
    if std::env::var_os("UPDATE_PAGES").is_some() {
        let mut new = page.to_owned();
        for (range, text) in stale.iter().rev() {
            new.replace_range(range.clone(), text);
        }
        std::fs::write(file, new).expect("page is writable");
        return;
    }
    let (range, text) = stale[0];
    panic!(
        "{file} is out of date (UPDATE_PAGES=1 rewrites it)\n--- page\n{}--- now\n{text}",
        &page[range.clone()]
    );
}
