//! A stage that is asked for and not there, told with those that are.

use careen_model::distance;
use careen_syntax::dockerfile::Meaning;

/// Names that are told at most.
const TOLD: usize = 8;

/// That there is no such stage; the names that come nearest first.
pub(in crate::commands) fn told(meaning: &Meaning<'_>, wanted: &str) -> String {
    let mut names: Vec<&str> =
        meaning.stages.iter().filter_map(|stage| stage.name.as_deref()).collect();
    // Names are compared without their case.
    names.sort_by_key(|name| distance(&name.to_lowercase(), &wanted.to_lowercase()));
    let count = meaning.stages.len();
    let shown: Vec<String> = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(TOLD);
    let rest = match (shown.is_empty(), more) {
        (true, _) if count == 1 => "its only stage has no name".to_owned(),
        (true, _) => format!("its {count} stages have no names, but numbers from 0"),
        (false, 0) => format!("it has {}", shown.join(", ")),
        (false, more) => format!("it has {} and {more} more", shown.join(", ")),
    };
    format!("there is no stage `{wanted}`; {rest}")
}

#[cfg(test)]
mod tests {
    use careen_syntax::dockerfile::{Given, parse};

    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let says = |text: &str, wanted: &str| {
            told(&parse(text.as_bytes().to_vec()).meaning(&Given::default()), wanted)
        };
        let three = "FROM a AS builder\nFROM b AS tests\nFROM c\n";
        assert_eq!(says(three, "test"), "there is no stage `test`; it has `tests`, `builder`");
        let expected = "there is no stage `x`; its only stage has no name";
        assert_eq!(says("FROM a\n", "x"), expected);
        let many = ["s9", "s8", "s7", "s6", "s5", "s4", "s3", "s2", "s1", "s0"];
        let many = many.map(|name| format!("FROM a AS {name}\n")).concat();
        assert!(says(&many, "s9").ends_with(" and 2 more"), "{}", says(&many, "s9"));
    }
}
