//! What holds for every ignore file, however broken.

use careen_syntax::ignore::{LineKind, Matcher, fault, line_readings, read, read_dedicated};

pub(crate) fn check_read(bytes: &[u8]) {
    let source = read(bytes);
    check_lines(&source.lines.iter().map(|line| line.span).collect::<Vec<_>>(), bytes);
    let mut next = 0;
    for (number, line) in (1..).zip(&source.lines) {
        assert_eq!(line.number, number, "lines are counted from one");
        if let LineKind::Pattern(index) = line.kind {
            assert_eq!(index, next, "patterns are out of order");
            assert_eq!(source.line_of(index).map(|line| line.number), Some(number));
            next += 1;
        }
    }
    assert_eq!(source.patterns.len(), next, "a pattern without a line");
    let lines = u32::try_from(source.lines.len()).unwrap_or(u32::MAX);
    for problem in &source.problems {
        assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem:?}");
    }
    check_faults(&source.patterns);
    // Reading what was read changes nothing.
    let again = read(source.patterns.join("\n").as_bytes());
    if !source.patterns.iter().any(|pattern| pattern.starts_with('#') || is_changed(pattern)) {
        assert_eq!(again.patterns, source.patterns, "read twice");
    }
    for line in &source.lines {
        let _ = line_readings(&line.raw);
    }
    let _ = read_dedicated(bytes);
}

/// A pattern whose text, as a line, is read as something else: its white space goes, a mark goes.
fn is_changed(pattern: &str) -> bool {
    let path = pattern.strip_prefix('!').unwrap_or(pattern);
    path.trim() != path || pattern.starts_with('\u{FEFF}') || path.starts_with('/')
}

/// The spans of lines and the line ends between them cover the file.
fn check_lines(spans: &[careen_model::Span], bytes: &[u8]) {
    let mut end = 0;
    for (i, span) in spans.iter().enumerate() {
        assert_eq!(span.start as usize, end, "a gap or an overlap");
        let (start, stop) = (span.start as usize, span.end as usize);
        assert!(start <= stop && !bytes[start..stop].contains(&b'\n'), "a line holds a line end");
        let rest = &bytes[stop..];
        end = match rest {
            [b'\r', b'\n', ..] => stop + 2,
            [b'\n', ..] => stop + 1,
            // Without a line feed a carriage return ends the last line too.
            _ => stop + rest.len().min(1),
        };
        assert!(rest.is_empty() || end > stop, "line {i} has no end");
    }
    assert_eq!(end, bytes.len(), "the lines do not reach the end");
}

/// A pattern has a fault exactly when the matcher refuses it, at once or at the first path.
fn check_faults(patterns: &[String]) {
    for pattern in patterns {
        let is_refused = match Matcher::new(std::slice::from_ref(pattern)) {
            Ok(matcher) => !matcher.refused().is_empty(),
            Err(_) => true,
        };
        let is_faulty = fault(pattern).is_some();
        assert_eq!(is_faulty, is_refused, "{pattern:?}");
    }
}
