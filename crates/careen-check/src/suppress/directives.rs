//! `# check=skip=…` of BuildKit: at the top of the file, and right above an instruction.

use careen_model::Span;
use careen_syntax::dockerfile::{Given, Item};

use super::{Dialect, Row};
use crate::ParsedDockerfile;
use crate::buildkit::{CheckOptions, Names, above};
use crate::profile::Profile;

/// What the directive, or the build argument that overrides it, silences in the whole file.
pub(super) fn at_the_top(file: &ParsedDockerfile, given: &Given) -> Vec<Row> {
    match CheckOptions::of(&file.file, given) {
        Ok(options) => skipped(options.skip, None, "# check=skip", Span::default()),
        Err(_) => vec![],
    }
}

/// What a comment right above the instruction at `item` silences in it.
pub(super) fn right_above(file: &ParsedDockerfile, item: usize, within: Option<Span>) -> Vec<Row> {
    let Some(Item::Comment(comment)) = item.checked_sub(1).map(|at| &file.file.items[at]) else {
        return vec![];
    };
    let above = above(&file.file, item);
    let Some(options) = above.options() else { return vec![] };
    let told = above.texts.iter().find_map(|text| Some(text.split_once("//")?.1.trim()));
    skipped(options.skip, within, told.unwrap_or("# check=skip"), *comment)
}

fn skipped(names: Names, within: Option<Span>, reason: &str, comment: Span) -> Vec<Row> {
    let row = |name: String| Row {
        dialect: Dialect::BuildKit,
        name,
        within,
        reason: reason.to_owned(),
        comment,
        ends: None,
    };
    match names {
        Names::These(names) => names.into_iter().filter(|name| !name.is_empty()).map(row).collect(),
        Names::All => Profile::BuildKit.names().map(|name| row(name.to_owned())).collect(),
    }
}
