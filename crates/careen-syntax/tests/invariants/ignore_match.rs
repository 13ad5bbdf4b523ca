//! What holds for every list of patterns and every path: the compiled matcher says what the slow
//! one says.

use careen_syntax::ignore::{DirState, Filter, FilterScratch, Matcher, Passed, Scratch, explain};

use crate::slow_ignore::{Decision, SlowMatcher};

/// The first line is the path, the others are patterns.
pub(crate) fn check_match(input: &[u8]) {
    let mut lines = input.split(|&byte| byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let patterns: Vec<String> =
        lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    check_decisions(&patterns, path);
}

/// Both decisions of both readings about one path.
pub(crate) fn check_decisions(patterns: &[String], path: &[u8]) {
    let (Ok(matcher), Some(slow)) = (Matcher::new(patterns), SlowMatcher::new(patterns)) else {
        let refused = (Matcher::new(patterns).is_err(), SlowMatcher::new(patterns).is_none());
        assert_eq!(refused, (true, true), "refused by one of both: {patterns:?}");
        return;
    };
    let about = || format!("{patterns:?} {:?}", String::from_utf8_lossy(path));
    let agree = |ours: Decision, theirs: Decision, what: &str| {
        let agrees = ours == theirs || theirs == Decision::Unknown;
        assert!(agrees, "{what}: {ours:?} but slowly {theirs:?}: {}", about());
    };
    if is_tidy(path) {
        agree(decision(matcher.is_match(path)), slow.is_match(path), "is_match");
        agree(decision(matcher.walk_match(path)), slow.walk_match(path), "walk_match");
        check_walk(&matcher, patterns, path);
    } else if std::str::from_utf8(path).is_ok() {
        agree(decision(matcher.is_match(path)), slow.is_match(path), "is_match");
    }
}

/// The walk's interface agrees with the questions about one path; nothing panics on the way.
fn check_walk(matcher: &Matcher, patterns: &[String], path: &[u8]) {
    let (mut scratch, mut passed) = (Scratch::default(), Passed::default());
    let filter = Filter::new(patterns, &[]).expect("the same list was compiled before");
    let (mut filters, mut state) = (FilterScratch::default(), Some(DirState::default()));
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    for end in ends {
        let Ok((_, next)) = matcher.enter(&path[..end], &passed, &mut scratch) else { return };
        passed = next;
        state = state.and_then(|state| {
            let judged = filter.judge_folder(&path[..end], &state, &mut filters);
            judged.expect("the matcher did not fail").enter
        });
    }
    let Ok(both) = matcher.judge(path, &passed, &mut scratch) else { return };
    assert_eq!(Ok(both.walk), matcher.walk_match(path), "judge and walk_match");
    if let Ok(open) = matcher.is_match(path) {
        assert_eq!(both.open, open, "judge and is_match: {patterns:?}");
    }
    match state {
        Some(state) => {
            let judged = filter.judge(path, &state, &mut filters);
            assert_eq!(judged.map(|judged| judged.listed), Ok(!both.walk), "the filter");
        }
        None => assert!(both.walk, "a folder with a listed file was not entered: {patterns:?}"),
    }
    let source = careen_syntax::ignore::read(patterns.join("\n").as_bytes());
    let _ = explain(&source, &String::from_utf8_lossy(path));
}

/// A path that a walk can come across.
fn is_tidy(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

fn decision<E>(answer: Result<bool, E>) -> Decision {
    answer.map_or(Decision::Refused, Decision::from)
}
