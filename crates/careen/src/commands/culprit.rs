//! Which lines of the Dockerfile a build failed at. Engines before BuildKit 0.9 do not say.

use careen_syntax::dockerfile;

/// First and last line, counted from 1: those of the one instruction that reads like the name of
/// the step, such as `[2/3] RUN make`.
pub(super) fn lines(step: &str, source: &[u8]) -> Option<(u32, u32)> {
    let (_, instruction) = step.split_once("] ")?;
    let file = dockerfile::parse(source);
    let continuation = format!("{}\n", file.escape);
    let mut alike = file.instructions().filter(|candidate| {
        let code = String::from_utf8_lossy(
            &source[candidate.code.start as usize..candidate.code.end as usize],
        );
        words(&code.replace(&continuation, "")) == words(instruction)
    });
    match (alike.next(), alike.next()) {
        (Some(one), None) => Some(one.lines),
        _ => None,
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(step: &str, source: &str, expected: Option<(u32, u32)>) {
        assert_eq!(lines(step, source.as_bytes()), expected);
    }

    #[test]
    fn the_lines_are_those_of_the_only_instruction_that_reads_like_the_step() {
        let source = "FROM a\nRUN x && \\\n    y\nRUN z\n";
        check("[2/3] RUN x &&     y", source, Some((2, 3)));
        check("[base 3/3] RUN z", source, Some((4, 4)));
        check("[3/3] RUN w", source, None);
        check("[3/3] RUN z", "FROM a\nRUN z\nRUN z\n", None);
        check("exporting to image", source, None);
    }
}
