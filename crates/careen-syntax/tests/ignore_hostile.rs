//! Ignore files that want to hurt: all of it is read and matched, nothing may panic or hang.
//!
//! How the time grows with the size is printed by `cargo bench -p careen-syntax --bench ignore`.

use careen_syntax::ignore::{DirState, Filter, FilterScratch, Matcher, line_readings, read};

/// Reads a file as a build would and decides about a few paths; gives the number of patterns.
fn survive(bytes: impl AsRef<[u8]>) -> usize {
    let source = read(bytes.as_ref());
    let covered = source.lines.last().map_or(0, |line| line.span.end as usize);
    assert!(bytes.as_ref().len() - covered <= 2, "the lines do not reach the end");
    for line in source.lines.iter().take(4) {
        let _ = line_readings(&line.raw);
    }
    decide(&source.patterns);
    source.patterns.len()
}

fn decide(patterns: &[String]) {
    let Ok(matcher) = Matcher::new(patterns) else { return };
    let (long, deep) = ("a".repeat(255), vec!["a"; 100].join("/"));
    for path in ["a", "b/a/c.txt", "é\u{0}b", &long, &deep] {
        let _ = (matcher.is_match(path.as_bytes()), matcher.walk_match(path.as_bytes()));
    }
    let filter = Filter::new(patterns, &[]).expect("the same list was compiled before");
    let _ = filter.judge_folder(b"a", &DirState::default(), &mut FilterScratch::default());
}

/// `n` patterns, each made from its number.
fn many(n: usize, make: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| make(i) + "\n").collect()
}

#[test]
fn large_files_are_read() {
    assert_eq!(survive("a".repeat(1_000_000)), 0, "a line of 64 KiB ends the reading");
    assert_eq!(survive("a".repeat(65_535)), 1);
    assert_eq!(survive("\n".repeat(1_000_000)), 0);
    assert_eq!(survive(vec![0; 60_000]), 1);
    assert_eq!(survive(vec![0xFF; 60_000]), 1);
    assert_eq!(survive(b"\xFF\n".repeat(100_000)), 100_000);
    assert_eq!(survive("#\n".repeat(100_000)), 0);
    assert_eq!(survive("../".repeat(20_000)), 1);
    assert_eq!(survive("a/../".repeat(10_000)), 1);
}

#[test]
fn many_patterns_are_compiled() {
    let n = 100_000;
    assert_eq!(survive(many(n, |i| format!("a{i}"))), n);
    assert_eq!(survive(many(n, |i| format!("*.a{i}"))), n);
    assert_eq!(survive(many(n, |i| format!("!a{i}/**"))), n);
    assert_eq!(survive(many(n, |_| "[b-a]x".to_owned())), n);
    // Expressions are dearer; in a debug build so many of them are enough.
    assert_eq!(survive(many(1_500, |i| format!("*a{i}*"))), 1_500);
}

#[test]
fn long_patterns_are_compiled() {
    let n = 2_000;
    let patterns = [
        "*a".repeat(n),
        "**/a/".repeat(n),
        "**".repeat(n),
        "?".repeat(n),
        "a|".repeat(n),
        "{".repeat(n),
        "a{2}".repeat(n),
        "a{1000}".repeat(10),
        "[a-c]".repeat(n),
        format!("[{}]", "a-cx".repeat(n)),
        format!("[{}]", "\\w".repeat(n)),
        format!("[{}]", "[:alpha:]".repeat(n)),
        format!("x[{}]", "[:".repeat(n)),
        "\\Q".repeat(n),
        format!("\\p{{{}", "\\p{".repeat(n)),
        "\\x{61}".repeat(n),
        "^".repeat(n),
        "\\b".repeat(n),
        "[".repeat(n),
        format!("{}a", "!".repeat(n)),
    ];
    for pattern in patterns {
        survive(&pattern);
    }
}

/// Expressions that are small alone and larger than the limit together are all in force.
#[test]
fn expressions_too_large_together_still_match() {
    let patterns: Vec<String> = (0..4).map(|i| format!("x{i}\\pL{{1000}}*")).collect();
    let matcher = Matcher::new(&patterns).expect("each of them is fine");
    assert_eq!(matcher.refused(), []);
    for i in [0, 3] {
        let path = format!("x{i}{}", "ö".repeat(1_000));
        assert_eq!(matcher.is_match(path.as_bytes()), Ok(true));
        assert_eq!(matcher.is_match(&path.as_bytes()[..path.len() - 2]), Ok(false));
    }
}
