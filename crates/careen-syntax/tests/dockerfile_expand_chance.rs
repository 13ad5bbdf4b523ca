//! Words put together by chance, expanded.

mod chance;
#[path = "invariants/expand.rs"]
mod invariants;

use careen_syntax::dockerfile::{Platform, expand, expand::List};
use chance::Chance;

const PIECES: &[&str] = &[
    "a", "b", "é", " ", "$a", "$b", "${a}", "${a:-", "${a-", "${a:+", "${b+", "${b:?", "${b?",
    "${a#", "${a##", "${a%", "${a%%", "${a/", "${a//", "${", "$", "}", "/", "*", "?", "\\", "\\*",
    "`", "'", "\"", "<", "<<", "<<-", ":", "{", "$1", "$@", "\u{feff}", "\u{a0}", "#", "%",
];

#[test]
fn words_by_chance_are_expanded() {
    let mut chance = Chance::new(0xE_4A4D);
    for _ in 0..4_000 {
        let word = chance.join(PIECES, 10);
        let values = ["", "x", "xyxy", "x y", "a\\b", "é*é", "}", "$b"];
        let (a, b) = (values[chance.below(8)], values[chance.below(8)]);
        let input = match chance.below(3) {
            0 => word,
            1 => format!("{word}\na={a}"),
            _ => format!("{word}\na={a}\nB={b}\nb={b}"),
        };
        invariants::check_expand(input.as_bytes());
    }
}

/// All matches are replaced as Go does it: an empty one right after another does not count.
#[test]
fn all_matches_are_replaced_from_left_to_right() {
    let cases = [
        ("${a//*/x}", "x"),
        ("${a//b*/x}", "ax"),
        ("${a//b/x}", "axacx"),
        ("${a/b/x}", "axacb"),
        ("${a//?/x}", "xxxxx"),
        ("${a//z/x}", "abacb"),
        ("${a//a?/-}", "--b"),
        ("${a/*a/x}", "xcb"),
        ("${b//*/x}", "x\nx"),
    ];
    let pairs = [("a", "abacb"), ("b", "c\nd")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let list = List { pairs, platform: Platform::Linux };
    for (word, expected) in cases {
        assert_eq!(expand(word, &list, '\\').text, expected, "{word}");
    }
}
