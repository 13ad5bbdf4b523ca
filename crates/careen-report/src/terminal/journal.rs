//! What careen has changed in a project, and what an undo brought back.

use std::io;
use std::path::PathBuf;

use super::{Line, Style, Tone, write_lines};
use crate::{JournalRow, words};

/// The changes, oldest first.
pub fn journal(out: &mut dyn io::Write, style: Style, rows: &[JournalRow]) -> io::Result<()> {
    if rows.is_empty() {
        let line = Line::new(style).text("careen has changed nothing here");
        return write_lines(out, style, &[line]);
    }
    let mut lines = Vec::new();
    for row in rows {
        let head = Line::new(style).add(Tone::Strong, &row.id);
        let head = head.text("  ").text(words::date(row.at)).text("  ").text(&row.state);
        lines.push(match &row.undoes {
            Some(id) => head.text(format!("  undoes {id}")),
            None => head,
        });
        if !row.rules.is_empty() {
            let rules = row.rules.join(", ");
            lines.push(Line::new(style).add(Tone::Dim, "  for ").text(rules));
        }
        lines.extend(row.files.iter().map(|file| changed(style, file)));
    }
    write_lines(out, style, &lines)
}

/// The files that are back as they were.
pub fn undone(
    out: &mut dyn io::Write,
    style: Style,
    id: &str,
    files: &[PathBuf],
) -> io::Result<()> {
    let count = words::many(files.len(), "file");
    let title = format!("{count} brought back; change {id} takes this back");
    let mut lines = vec![Line::new(style).add(Tone::Good, title)];
    lines.extend(files.iter().map(|file| changed(style, file)));
    write_lines(out, style, &lines)
}

fn changed(style: Style, file: &std::path::Path) -> Line {
    Line::new(style).text("  ").add(Tone::Hint, words::shown(file)).whole()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn each_change_names_its_reasons_and_files() {
        let row = JournalRow {
            id: "0001-1a2b".into(),
            at: 0,
            rules: vec!["context-too-large".into()],
            files: vec![PathBuf::from(".dockerignore")],
            undoes: None,
            state: "applied".into(),
        };
        let mut out = Vec::new();
        journal(&mut out, Style::PLAIN, &[row]).unwrap();
        undone(&mut out, Style::PLAIN, "0002-3c4d", &[PathBuf::from(".dockerignore")]).unwrap();
        expect![[r"
            0001-1a2b  1970-01-01 00:00  applied
              for context-too-large
              .dockerignore
            1 file brought back; change 0002-3c4d takes this back
              .dockerignore
        "]]
        .assert_eq(&String::from_utf8(out).unwrap());
    }
}
