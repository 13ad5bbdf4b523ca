//! `# hadolint shell=…`: which shell reads the steps, where the image or a wrapper decides it.

use careen_syntax::dockerfile::{Item, Keyword, Meaning};

use super::comment;
use crate::ParsedDockerfile;

/// The comments of a file, in order.
#[derive(Debug, Default)]
pub(crate) struct ShellComments {
    /// Index of the item, and the shell as written.
    rows: Vec<(usize, String)>,
}

pub(crate) fn shells(file: &ParsedDockerfile) -> ShellComments {
    let rows = file.file.items.iter().enumerate().filter_map(|(at, item)| {
        let Item::Comment(span) = item else { return None };
        Some((at, read(&comment(file, *span))?))
    });
    ShellComments { rows: rows.collect() }
}

fn read(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('#');
    let (start, shell) = text.split_once('=')?;
    let is_it = start.split_whitespace().eq(["hadolint", "shell"]);
    let shell = shell.split('#').next().unwrap_or("").trim();
    (is_it && !shell.is_empty()).then(|| shell.to_owned())
}

impl ShellComments {
    /// What the comments say for the instruction at `item`: the last one of the stage, unless a
    /// SHELL follows it; else the last one before all stages, unless the stage has a SHELL.
    pub(crate) fn at(&self, meaning: &Meaning<'_>, item: usize) -> Option<&str> {
        // Nearly all files have none.
        self.rows.first()?;
        let first = meaning.stages.first().map_or(usize::MAX, |stage| stage.items.start);
        let stage = meaning.stage_of(item)?;
        let own = self.rows.iter().rfind(|(at, _)| *at > stage.items.start && *at < item);
        let all = self.rows.iter().rfind(|(at, _)| *at < first);
        let shell = (stage.items.start..item)
            .rfind(|at| instruction(meaning, *at) == Some(Keyword::Shell))
            .unwrap_or(0);
        let told = own.or(all)?;
        let is_last = if own.is_some() { told.0 > shell } else { shell == 0 };
        is_last.then_some(told.1.as_str())
    }
}

fn instruction(meaning: &Meaning<'_>, item: usize) -> Option<Keyword> {
    meaning.item(item)?.instruction().map(|instruction| instruction.keyword)
}

#[cfg(test)]
mod tests {
    use super::*;
    use careen_syntax::dockerfile::{Given, parse};

    #[test]
    fn the_last_word_counts() {
        let check = |text: &str, expected: Option<&str>| {
            let file = ParsedDockerfile { path: "Dockerfile".into(), file: parse(text) };
            let meaning = file.file.meaning(&Given::default());
            let last = file.file.items.len() - 1;
            assert_eq!(shells(&file).at(&meaning, last), expected, "{text}");
        };
        check("FROM a\nRUN b\n", None);
        check("FROM a\n# hadolint shell = pwsh # why\nRUN b\n", Some("pwsh"));
        check("# hadolint shell=pwsh\nFROM a\nFROM c\nRUN b\n", Some("pwsh"));
        check("# hadolint shell=pwsh\nFROM a\nSHELL [\"bash\"]\nRUN b\n", None);
        check("FROM a\n# hadolint shell=pwsh\nFROM c\nRUN b\n", None);
        check("FROM a\nSHELL [\"bash\"]\n# hadolint shell=pwsh\nRUN b\n", Some("pwsh"));
    }
}
