//! Which records of the cache are a step's own, and whether they are still there.
//!
//! Engines do not tell which record belongs to which step. A record counts as a step's own when
//! builds of this project made or used it and when it is described as this step is; another
//! project's `RUN npm ci` on the same engine says nothing of this one's.

use careen_model::missed::{BuildInputs, Gone, InputRecord, StepInputs};

/// The shell that runs a `RUN` where the Dockerfile names none.
const SHELL: &str = "/bin/sh -c";

/// Whether the records that the build before left of this step are gone; `None` when that is not
/// known. `twin` is the step in the build before, described with its number of then.
pub(super) fn gone(
    last: &BuildInputs,
    now: &BuildInputs,
    step: &StepInputs,
    twin: &StepInputs,
) -> Option<Gone> {
    if let (Some(before), Some(after)) = (&last.builder, &now.builder)
        && before != after
    {
        return Some(Gone::OtherBuilder);
    }
    let left = last.cache_after.as_ref()?;
    let have = now.cache_before.as_ref()?;
    let mut own = left
        .iter()
        .filter(|record| record.kind == "regular" && last.own_records.contains(&record.id))
        .filter(|record| {
            is_described(&record.description, step) || is_described(&record.description, twin)
        })
        .peekable();
    own.peek()?;
    if own.any(|record| have.iter().any(|other| other.id == record.id)) {
        return None;
    }
    Some(if now.pruned_before == Some(true) { Gone::Pruned } else { Gone::Missing })
}

/// Whether BuildKit describes the result of this step so: a `RUN` by the command line that it
/// executes, anything else by its name. Descriptions may be cut.
pub fn is_described(description: &str, step: &StepInputs) -> bool {
    let Some(command) = description.strip_prefix("mount / from exec ") else {
        let instruction = |name: &str| squeezed(careen_model::instruction_of(name));
        return instruction(description) == instruction(&step.name);
    };
    if !careen_model::instruction_of(&step.name).starts_with("RUN ") {
        return false;
    }
    let command = squeezed(command);
    // The name of a step has the first line of a here-document only.
    let has_document = step.name.contains("<<");
    // A long text is kept up to a mark.
    let body = body_of(if has_document { step.text.trim_end_matches('…') } else { &step.name });
    let shell = step.settings.iter().rev().find_map(|(text, _)| text.strip_prefix("SHELL "));
    let shell = squeezed(shell.unwrap_or(SHELL));
    let is_whole = |expected: String| {
        !expected.is_empty()
            && (command == expected
                || has_document && command.starts_with(&expected)
                || command.len() > 200 && expected.starts_with(&command))
    };
    let alone = body.strip_prefix("<<").and_then(|rest| rest.split_once(char::is_whitespace));
    (body.starts_with('[') && is_whole(squeezed(body)))
        || is_whole(format!("{shell}{}", squeezed(body)))
        || alone.is_some_and(|(_, script)| is_whole(format!("{shell}{}", squeezed(script))))
}

/// Without what is written in more than one way: spaces, quotes, brackets and continuations.
fn squeezed(text: &str) -> String {
    let is_kept = |it: &char| !it.is_whitespace() && !"\"'[],\\".contains(*it);
    text.chars().filter(is_kept).collect()
}

/// What a step's name says after its place and its keyword; options are not in descriptions.
fn body_of(name: &str) -> &str {
    let instruction = careen_model::instruction_of(name);
    let mut rest = instruction.split_once(' ').map_or("", |(_, rest)| rest).trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once(' ').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

/// Cache mounts that the build before left and that were gone when this one began.
pub(super) fn lost_caches(last: &BuildInputs, now: &BuildInputs, step: &StepInputs) -> Vec<String> {
    let (Some(left), Some(have)) = (&last.cache_after, &now.cache_before) else { return vec![] };
    if last.builder != now.builder {
        return vec![];
    }
    let body = body_of(&step.name);
    let is_of = |record: &InputRecord, target: &str, id: &str| {
        record.kind == "exec.cachemount"
            && match record.description.split_once(" with id \"") {
                Some((_, rest)) => {
                    let told = rest.strip_suffix('"').unwrap_or(rest);
                    told.trim_start_matches('/') == id.trim_start_matches('/')
                }
                // Old engines do not tell the id: the mount is known by the command that made it.
                None => {
                    record.description.starts_with(&format!("cached mount {target} "))
                        && record.description.contains(body)
                }
            }
    };
    let is_lost = |target: &str, id: &str| {
        let had = left.iter().any(|record| is_of(record, target, id));
        had && !have.iter().any(|record| is_of(record, target, id))
    };
    let gone = step.caches.iter().filter(|(target, id)| is_lost(target, id));
    gone.map(|(target, _)| target.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_known_by_the_whole_command_of_its_step() {
        let step = |name: &str, text: &str, settings: &[&str]| StepInputs {
            name: name.into(),
            text: text.into(),
            settings: settings.iter().map(|&text| (text.to_owned(), String::new())).collect(),
            ..StepInputs::default()
        };
        let bash = ["SHELL [\"/bin/bash\", \"-ec\"]"];
        let long = format!("[1/1] RUN {}", "x".repeat(900));
        let cases: &[(StepInputs, &str, bool)] = &[
            (step("[2/4] COPY src /src", "", &[]), "[1/3] COPY src /src", true),
            (step("[a 2/4] COPY src /src", "", &[]), "[a 2/4] COPY src /src2", false),
            (step("[2/4] RUN make", "", &[]), "mount / from exec /bin/sh -c make", true),
            (step("[2/4] RUN make", "", &[]), "mount / from exec /bin/sh -c make install", false),
            (step("[2/4] RUN make", "", &[]), "mount / from exec /bin/sh -c cd x && make", false),
            (
                step("[2/4] RUN --mount=type=cache,target=/c a && b", "", &[]),
                "mount / from exec /bin/sh -c a \\\n  && b",
                true,
            ),
            (step("[2/4] RUN make", "", &bash), "mount / from exec /bin/sh -c make", false),
            (step("[2/4] RUN make", "", &bash), "mount / from exec /bin/bash -ec make", true),
            (
                step("[2/4] RUN [\"make\",\"it all\"]", "", &[]),
                "mount / from exec make it all",
                true,
            ),
            (
                step("[2/4] RUN <<EOF (one...)", "RUN <<EOF one two", &[]),
                "mount / from exec /bin/sh -c one\ntwo\n",
                true,
            ),
            (
                step("[2/4] RUN <<'E' cat > /x", "RUN <<'E' cat > /x two", &[]),
                "mount / from exec /bin/sh -c <<'E' cat > /x\ntwo\nE",
                true,
            ),
            (
                step(&long, "", &[]),
                &format!("mount / from exec /bin/sh -c {}", "x".repeat(270)),
                true,
            ),
            (step("[2/4] RUN make", "", &[]), "", false),
            (step("[2/4] WORKDIR /make", "", &[]), "mount / from exec /make", false),
        ];
        for (step, description, expected) in cases {
            assert_eq!(is_described(description, step), *expected, "{} {description}", step.name);
        }
    }
}
