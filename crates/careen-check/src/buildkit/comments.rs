//! The comments right above an instruction, which describe it or speak of its checks.

use careen_syntax::dockerfile::{Dockerfile, Item};

use super::CheckOptions;

/// The comments above an instruction, as BuildKit hands them to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Above {
    /// From top to bottom, without the `#` and the white space around.
    pub(crate) texts: Vec<String>,
}

/// The comments above the item: an empty line, an empty comment or a parser directive ends them.
pub(crate) fn above(file: &Dockerfile, item: usize) -> Above {
    let mut texts = Vec::new();
    for before in file.items[..item].iter().rev() {
        let Item::Comment(span) = before else { break };
        let line = &file.source()[span.start as usize..span.end as usize];
        let line = String::from_utf8_lossy(line);
        let text = line.trim().trim_start_matches('#').trim();
        if text.is_empty() {
            break;
        }
        texts.push(text.to_owned());
    }
    texts.reverse();
    Above { texts }
}

impl Above {
    /// What `# check=…` among them says: of the first one only, and nothing when BuildKit could
    /// not read it.
    pub(crate) fn options(&self) -> Option<CheckOptions> {
        CheckOptions::read(check(self.texts.iter().find(|text| check(text).is_some())?)?).ok()
    }

    /// One of them is `# check=…`.
    pub(crate) fn has_options(&self) -> bool {
        self.texts.iter().any(|text| check(text).is_some())
    }
}

/// The first word after `check=`.
fn check(text: &str) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    let is_check = name.trim_end().eq_ignore_ascii_case("check");
    value.trim_start().split(' ').next().filter(|value| is_check && !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use careen_syntax::dockerfile::parse;

    #[test]
    fn only_what_stands_right_above() {
        let check = |source: &str, expected: &[&str], skips: bool| {
            let file = parse(source);
            let item = file.items.len() - 1;
            let above = above(&file, item);
            assert_eq!(above.texts, expected, "{source}");
            let options = above.options().unwrap_or_default();
            assert_eq!(options.skip.holds("A"), skips, "{source}");
        };
        check("FROM a\n# check=skip=A // why\nRUN b\n", &["check=skip=A // why"], true);
        check("FROM a\n# check=skip=A\n\nRUN b\n", &[], false);
        check("FROM a\n# check=skip=A\n#\n# text\nRUN b\n", &["text"], false);
        check("# check=skip=A\nFROM a\n", &[], false);
        check("\n# Check = skip=A,B\n# x\nFROM a\n", &["Check = skip=A,B", "x"], true);
        check(
            "FROM a\n# check=skip=B\n# check=skip=A\nRUN b\n",
            &["check=skip=B", "check=skip=A"],
            false,
        );
    }
}
