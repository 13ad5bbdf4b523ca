//! Which variables a body finds set before it starts.

use std::collections::BTreeSet;

use careen_syntax::dockerfile::{Base, Dockerfile, Instruction, Keyword, Meaning};

/// Build arguments that BuildKit gives to every RUN, whether declared or not.
const ALWAYS: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// Names that ARG and ENV before `item` set, in its stage and the stages below it.
///
/// An ARG without a value counts: that it was declared says that somebody means to give one. What
/// ONBUILD runs is run in another build, which has the variables of ENV and the arguments that
/// ONBUILD declares, but not the arguments of this one.
pub(crate) fn visible(file: &Dockerfile, meaning: &Meaning<'_>, item: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in ALWAYS {
        found.insert(name.to_owned());
        found.insert(name.to_lowercase());
    }
    let trigger = |at: usize| file.items[at].instruction().and_then(|i| i.trigger.as_deref());
    let later = trigger(item).is_some();
    let mut before = item;
    let mut stage = meaning.stage_of(item);
    while let Some(here) = stage {
        for at in here.items.start..before.min(here.items.end) {
            let Some(instruction) = file.items[at].instruction() else { continue };
            let triggered = trigger(at).filter(|_| later);
            if !(later && instruction.keyword == Keyword::Arg) {
                found.extend(assigned(instruction));
            }
            found.extend(triggered.map(assigned).unwrap_or_default());
        }
        stage = match here.base {
            Base::Stage(base) => meaning.stages.get(base),
            _ => None,
        };
        before = usize::MAX;
    }
    found
}

/// Names that an ARG or ENV gives a value.
fn assigned(instruction: &Instruction) -> Vec<String> {
    let names: Vec<String> = match instruction.keyword {
        Keyword::Arg => instruction.declared().into_iter().map(|given| given.name).collect(),
        Keyword::Env => instruction.pairs().iter().map(|pair| pair.name.text.clone()).collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| is_name(name)).collect()
}

/// What a shell takes for the name of a variable.
fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
