//! A Dockerfile whose cache mounts are nobody else's.

use careen_model::{Edit, Span, apply};
use careen_syntax::dockerfile::{Instruction, Item, Keyword, parse};

/// Gives every cache mount an id of its own, which begins with `prefix`. Mounts that shared a
/// cache before still share one. The file is otherwise the same, byte for byte.
pub(super) fn private_caches(source: &[u8], prefix: &str) -> Vec<u8> {
    let file = parse(source);
    let Some(text) = file.text() else { return source.to_vec() };
    let mut edits = Vec::new();
    for item in &file.items {
        let Item::Instruction(instruction) = item else { continue };
        private_mounts(instruction, prefix, &mut edits);
        if let Some(trigger) = &instruction.trigger {
            private_mounts(trigger, prefix, &mut edits);
        }
    }
    apply(text, &edits).expect("mounts of one file do not overlap").into_bytes()
}

fn private_mounts(instruction: &Instruction, prefix: &str, edits: &mut Vec<Edit>) {
    if instruction.keyword != Keyword::Run {
        return;
    }
    let mounts = instruction.run().map(|run| run.mounts).unwrap_or_default();
    for (flag, mount) in instruction.flags_named("mount").zip(mounts) {
        if mount.cache_identity().is_none() {
            continue;
        }
        let insert = |at: u32, text: String| Edit::replace(Span { start: at, end: at }, text);
        edits.push(if let Some(id) = mount.field(&["id"]) {
            insert(id.value_span.start, format!("{prefix}-"))
        } else {
            // Without an id the target is one.
            let target = mount.target().unwrap_or("");
            insert(flag.value_span.end, format!(",id={prefix}-{target}"))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let made = private_caches(source.as_bytes(), "p");
        assert_eq!(String::from_utf8(made).unwrap(), expected);
    }

    #[test]
    fn ids_are_private_and_still_shared_where_they_were() {
        check(
            "FROM a\nRUN --mount=type=cache,target=/c \\\n  --mount=type=cache,id=x,target=/d make\n",
            "FROM a\nRUN --mount=type=cache,target=/c,id=p-/c \\\n  --mount=type=cache,id=p-x,target=/d make\n",
        );
        check(
            "FROM a\nRUN --mount=type=cache,dst=$HOME/c,sharing=locked make\n",
            "FROM a\nRUN --mount=type=cache,dst=$HOME/c,sharing=locked,id=p-$HOME/c make\n",
        );
        check(
            "FROM a\nONBUILD RUN --mount=target=/c,type=cache make\n",
            "FROM a\nONBUILD RUN --mount=target=/c,type=cache,id=p-/c make\n",
        );
    }

    #[test]
    fn everything_else_stays() {
        let source = "FROM a\r\nRUN --mount=type=bind,target=. make\r\nCOPY . .";
        check(source, source);
    }
}
