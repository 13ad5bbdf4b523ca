//! What BuildKit refuses in a single instruction once it is parsed, in its words.
//!
//! The rules are those of `frontend/dockerfile/instructions/parse.go` and `bflag.go`.

use careen_model::Span;

use super::{
    ast::{Flag, Form, Instruction, KEYWORDS, Keyword},
    dump::quote,
    heredoc, mount,
    suggest::{self, Case},
};

type Refusal = (Span, String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum FlagKind {
    Switch,
    Text,
    Texts,
}

use FlagKind::{Switch, Text, Texts};

const FROM: &[(&str, FlagKind)] = &[("platform", Text)];
const RUN: &[(&str, FlagKind)] =
    &[("mount", Texts), ("network", Text), ("security", Text), ("device", Texts)];
const COPY: &[(&str, FlagKind)] = &[
    ("chown", Text),
    ("chmod", Text),
    ("from", Text),
    ("link", Switch),
    ("parents", Switch),
    ("exclude", Texts),
];
const ADD: &[(&str, FlagKind)] = &[
    ("chown", Text),
    ("chmod", Text),
    ("link", Switch),
    ("keep-git-dir", Switch),
    ("checksum", Text),
    ("unpack", Switch),
    ("exclude", Texts),
];
const HEALTHCHECK: &[(&str, FlagKind)] = &[
    ("interval", Text),
    ("timeout", Text),
    ("start-period", Text),
    ("start-interval", Text),
    ("retries", Text),
];

/// The first reason to refuse, and where.
pub(super) fn check(instruction: &Instruction) -> Option<Refusal> {
    let name = instruction.keyword.as_str();
    let words = instruction.words.len();
    let one = || format!("{name} requires exactly one argument");
    let some = || format!("{name} requires at least one argument");
    match instruction.keyword {
        Keyword::Unknown => {
            let written = &instruction.name.text;
            let known = KEYWORDS.iter().map(|(name, _)| *name);
            let ending = suggest::ending(written, known, Case::Folds);
            let message = format!("unknown instruction: {written}{ending}");
            Some((instruction.name.span, message))
        }
        Keyword::Maintainer | Keyword::User | Keyword::Workdir => {
            unless(words == 1, instruction, one).or_else(|| flags(instruction, &[]))
        }
        // BuildKit never looks at the flags of STOPSIGNAL and ARG.
        Keyword::Stopsignal => unless(words == 1, instruction, one),
        Keyword::Arg => unless(words > 0, instruction, some).or_else(|| blank_names(instruction)),
        Keyword::Env | Keyword::Label => flags(instruction, &[])
            .or_else(|| unless(words > 0, instruction, some))
            .or_else(|| blank_names(instruction)),
        Keyword::Expose => unless(words > 0, instruction, some).or_else(|| flags(instruction, &[])),
        Keyword::Volume => unless(words > 0, instruction, some)
            .or_else(|| flags(instruction, &[]))
            .or_else(|| blank_volume(instruction)),
        Keyword::Cmd | Keyword::Entrypoint => flags(instruction, &[]),
        Keyword::Run => flags(instruction, RUN).or_else(|| mounts(instruction)),
        Keyword::Copy => transfer(instruction, COPY),
        Keyword::Add => transfer(instruction, ADD),
        Keyword::From => from(instruction),
        Keyword::Shell => shell(instruction),
        Keyword::Healthcheck => healthcheck(instruction),
        Keyword::Onbuild => onbuild(instruction),
    }
}

fn unless(
    holds: bool,
    instruction: &Instruction,
    message: impl FnOnce() -> String,
) -> Option<Refusal> {
    if holds { None } else { Some((instruction.code, message())) }
}

fn flags(instruction: &Instruction, known: &[(&str, FlagKind)]) -> Option<Refusal> {
    let refuse = |flag: &Flag, message: String| Some((flag.span, message));
    for (i, flag) in instruction.flags.iter().enumerate() {
        let name = &flag.name;
        let Some(&(_, kind)) = known.iter().find(|(known, _)| known == name) else {
            let names = known.iter().map(|(known, _)| *known);
            let ending = suggest::ending(name, names, Case::Matters);
            return refuse(flag, format!("unknown flag: --{name}{ending}"));
        };
        let before = &instruction.flags[..i];
        if kind != Texts && before.iter().any(|other| other.name == *name) {
            return refuse(flag, format!("duplicate flag specified: --{name}"));
        }
        let missing = match kind {
            Switch => flag.value.as_deref() == Some(""),
            Text | Texts => flag.value.is_none(),
        };
        if missing {
            return refuse(flag, format!("missing a value on flag: --{name}"));
        }
        let boolean = matches!(flag.text().to_lowercase().as_str(), "" | "true" | "false");
        if kind == Switch && !boolean {
            let value = flag.text();
            let message = format!("expecting boolean value for flag --{name}, not: {value}");
            return refuse(flag, message);
        }
    }
    None
}

fn mounts(instruction: &Instruction) -> Option<Refusal> {
    instruction
        .flags_named("mount")
        .find_map(|flag| Some((flag.span, mount::read(flag).problem()?)))
}

fn blank_names(instruction: &Instruction) -> Option<Refusal> {
    let name = instruction.keyword.as_str();
    let blank = match instruction.keyword {
        Keyword::Arg => instruction.words.iter().any(|word| word.text.starts_with('=')),
        _ => instruction.words.chunks(2).any(|pair| pair[0].text.is_empty()),
    };
    unless(!blank, instruction, || format!("{name} names can not be blank"))
}

fn blank_volume(instruction: &Instruction) -> Option<Refusal> {
    let word = instruction.words.iter().find(|word| word.text.trim().is_empty())?;
    Some((word.span, "VOLUME specified can not be an empty string".to_owned()))
}

fn transfer(instruction: &Instruction, known: &[(&str, FlagKind)]) -> Option<Refusal> {
    let name = instruction.keyword.as_str();
    let [_, .., destination] = instruction.words.as_slice() else {
        let message = format!(
            "{name} requires at least two arguments, but only one was provided. \
             Destination could not be determined"
        );
        return Some((instruction.code, message));
    };
    flags(instruction, known).or_else(|| {
        let opening = heredoc::read_opening(&destination.text).ok().flatten();
        opening
            .map(|_| (destination.span, format!("{name} cannot accept a heredoc as a destination")))
    })
}

fn from(instruction: &Instruction) -> Option<Refusal> {
    match instruction.words.as_slice() {
        [_] => {}
        [_, keyword, name] if keyword.text.eq_ignore_ascii_case("as") => {
            if !is_stage_name(&name.text.to_lowercase()) {
                let message = format!(
                    "invalid name for build stage: {}, name can't start with a number or \
                     contain symbols",
                    quote(name.text.as_bytes())
                );
                return Some((name.span, message));
            }
        }
        _ => {
            let message = "FROM requires either one or three arguments".to_owned();
            return Some((instruction.code, message));
        }
    }
    flags(instruction, FROM)
}

fn is_stage_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inner)
}

fn shell(instruction: &Instruction) -> Option<Refusal> {
    flags(instruction, &[]).or_else(|| {
        if instruction.words.is_empty() {
            return Some((instruction.code, "SHELL requires at least one argument".to_owned()));
        }
        unless(instruction.form == Form::Json, instruction, || {
            "SHELL requires the arguments to be in JSON form".to_owned()
        })
    })
}

fn onbuild(instruction: &Instruction) -> Option<Refusal> {
    let Some(trigger) = &instruction.trigger else {
        let message = "ONBUILD requires at least one argument".to_owned();
        return Some((instruction.code, message));
    };
    flags(instruction, &[]).or_else(|| match trigger.keyword {
        Keyword::Onbuild => {
            let message = "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned();
            Some((trigger.code, message))
        }
        Keyword::Maintainer | Keyword::From => {
            let name = trigger.keyword.as_str();
            Some((trigger.code, format!("{name} isn't allowed as an ONBUILD trigger")))
        }
        // What else is wrong with it, BuildKit only says to the child image.
        _ => None,
    })
}

fn healthcheck(instruction: &Instruction) -> Option<Refusal> {
    let Some(kind) = instruction.words.first() else {
        let message = "HEALTHCHECK requires at least one argument".to_owned();
        return Some((instruction.code, message));
    };
    let command = &instruction.words[1..];
    let upper = kind.text.to_uppercase();
    if upper == "NONE" {
        return unless(command.is_empty(), instruction, || {
            "HEALTHCHECK NONE takes no arguments".to_owned()
        });
    }
    flags(instruction, HEALTHCHECK).or_else(|| match upper.as_str() {
        "CMD" if command.is_empty() => {
            Some((instruction.code, "Missing command after HEALTHCHECK CMD".to_owned()))
        }
        "CMD" => None,
        _ => {
            let quoted = quote(upper.as_bytes());
            Some((kind.span, format!("Unknown type {quoted} in HEALTHCHECK (try CMD)")))
        }
    })
}
