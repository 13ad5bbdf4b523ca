//! The words of an instruction in which BuildKit expands variables, in its order.

use std::borrow::Cow;

use careen_model::Span;
use careen_syntax::dockerfile::{Flag, Given, Instruction, Keyword, Typed, Word};

/// One text that is expanded on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expanding<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) span: Span,
    /// Names that the same instruction declares before this text.
    pub(crate) declared: Vec<String>,
}

/// What `frontend/dockerfile/instructions/commands.go` expands; the commands of RUN, CMD,
/// ENTRYPOINT and HEALTHCHECK are left to the shell, and EXPOSE is not told about.
pub(crate) fn expanding<'a>(instruction: &'a Instruction, given: &Given) -> Vec<Expanding<'a>> {
    let mut found = Vec::new();
    // Most instructions have no variable at all.
    if !instruction.logical().text().contains(&b'$') && instruction.heredocs.is_empty() {
        return found;
    }
    match instruction.keyword {
        Keyword::Add | Keyword::Copy => transfer(instruction, &mut found),
        Keyword::Env
        | Keyword::Label
        | Keyword::User
        | Keyword::Workdir
        | Keyword::Stopsignal
        | Keyword::Volume => found.extend(instruction.words.iter().map(word)),
        Keyword::Run => mounts(instruction, &mut found),
        Keyword::Arg => defaults(instruction, given, &mut found),
        _ => {}
    }
    found.retain(|part| part.text.contains('$'));
    found
}

fn word(word: &Word) -> Expanding<'_> {
    Expanding { text: Cow::Borrowed(&word.text), span: word.span, declared: Vec::new() }
}

fn flag(flag: &Flag) -> Expanding<'_> {
    Expanding { text: Cow::Borrowed(flag.text()), span: flag.span, declared: Vec::new() }
}

fn transfer<'a>(instruction: &'a Instruction, found: &mut Vec<Expanding<'a>>) {
    let Some(Typed::Transfer(transfer)) = instruction.typed() else { return };
    let flags = [transfer.chown, transfer.chmod, transfer.checksum];
    found.extend(flags.into_iter().flatten().map(flag));
    found.extend(transfer.sources.iter().copied().map(word));
    found.extend(transfer.destination.map(word));
    for (name, heredoc) in transfer.inline {
        if heredoc.expand {
            // Quotes mean nothing in a heredoc.
            let text = Cow::Owned(heredoc.content.replace(['\'', '"'], " "));
            found.push(Expanding { text, span: name.span, declared: Vec::new() });
        }
    }
}

fn mounts<'a>(instruction: &'a Instruction, found: &mut Vec<Expanding<'a>>) {
    let Some(run) = instruction.run() else { return };
    for mount in run.mounts {
        for field in mount.fields {
            let Some(value) = field.value else { continue };
            let span = field.span;
            found.push(Expanding { text: Cow::Owned(value), span, declared: Vec::new() });
        }
    }
}

fn defaults<'a>(instruction: &'a Instruction, given: &Given, found: &mut Vec<Expanding<'a>>) {
    let mut declared: Vec<String> = Vec::new();
    for argument in instruction.declared() {
        let is_given = given.arguments.iter().any(|(name, _)| *name == argument.name);
        if let Some(default) = argument.default.filter(|_| !is_given) {
            let (span, declared) = (argument.span, declared.clone());
            found.push(Expanding { text: Cow::Owned(default), span, declared });
        }
        declared.push(argument.name);
    }
}
