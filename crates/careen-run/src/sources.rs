//! What a build takes from its context, in the shape that the walk asks for.

use std::collections::BTreeSet;

use careen_host::walk::Copied;
use careen_model::context::Reach;
use careen_syntax::dockerfile::{Base, Dockerfile, Given, Instruction, Meaning, SourceKind};

/// The sources of the stages needed for one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What the builder's client is told to follow.
    pub(crate) follow: Vec<String>,
    pub(crate) copied: Vec<Copied>,
}

impl Taken {
    pub(crate) fn of(file: &Dockerfile, target: Option<&str>) -> Taken {
        let meaning = file.meaning(&Given::default());
        let image = stages_of_the_image(&meaning, target);
        let sources = meaning.context_sources(target);
        // A tmpfs mount asks for the whole context, but only when something else asks for a part.
        let needs = |kind: SourceKind| kind != SourceKind::Tmpfs;
        if !sources.iter().any(|source| needs(source.kind)) {
            return Taken::default();
        }
        let copied = sources.iter().filter(|source| needs(source.kind)).map(|source| {
            let is_copy = matches!(source.kind, SourceKind::Copy | SourceKind::Add);
            let in_image = is_copy && image.contains(&source.stage);
            Copied {
                source: source.path.clone(),
                excludes: excludes(&meaning, file, source.item),
                reach: if in_image { Reach::FinalImage } else { Reach::BuildStage },
            }
        });
        let copied = copied.collect();
        Taken { follow: sources.into_iter().map(|source| source.path).collect(), copied }
    }
}

/// The stage that is built and those it is based on.
pub(crate) fn stages_of_the_image(meaning: &Meaning<'_>, target: Option<&str>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next = meaning.target(target);
    while let Some(stage) = next.filter(|stage| found.insert(*stage)) {
        next = match meaning.stages[stage].base {
            Base::Stage(base) => Some(base),
            Base::Scratch | Base::Image(_) => None,
        };
    }
    found
}

fn excludes(meaning: &Meaning<'_>, file: &Dockerfile, item: usize) -> Vec<String> {
    let transfer = file.items[item].instruction().and_then(Instruction::transfer);
    let flags = transfer.map(|transfer| transfer.excludes).unwrap_or_default();
    let values = flags.iter().filter_map(|flag| flag.value.as_deref());
    values.map(|value| meaning.expand(item, value).text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Reach)]) {
        let taken = Taken::of(&careen_syntax::dockerfile::parse(text), None);
        let found: Vec<(&str, Reach)> =
            taken.copied.iter().map(|copied| (copied.source.as_str(), copied.reach)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn only_the_final_stage_and_its_bases_reach_the_image() {
        check(
            "FROM a AS base\nCOPY x /\nFROM a AS tools\nCOPY y /\nFROM base\n\
             COPY --from=tools /y /\nRUN --mount=type=bind,source=z,target=/z true\nADD w /\n",
            &[
                ("x", Reach::FinalImage),
                ("y", Reach::BuildStage),
                ("z", Reach::BuildStage),
                ("w", Reach::FinalImage),
            ],
        );
        check("FROM a\nRUN --mount=type=tmpfs,target=/t true\n", &[]);
    }

    #[test]
    fn excludes_are_expanded() {
        let text = "ARG v=a\nFROM a\nARG v\nCOPY --exclude=$v/* --exclude=b . /\n";
        let taken = Taken::of(&careen_syntax::dockerfile::parse(text), None);
        assert_eq!(taken.copied[0].excludes, ["a/*", "b"]);
    }
}
