//! Numbers as progress logs write them: durations, sizes, and the place of a step in its stage.

use std::time::Duration;

/// `0.256`, `12.34`, `1234.`: digits, a point, digits; with the text that follows the blank.
pub(super) fn offset(text: &[u8]) -> Option<(Duration, &[u8])> {
    let mut at = 0;
    let mut whole: u64 = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(at) {
        whole = whole * 10 + u64::from(digit - b'0');
        at += 1;
        if at > 9 {
            return None;
        }
    }
    if at == 0 || text.get(at) != Some(&b'.') {
        return None;
    }
    at += 1;
    let mut nanos: u64 = 0;
    let mut unit: u64 = 1_000_000_000;
    while let Some(digit @ b'0'..=b'9') = text.get(at) {
        unit /= 10;
        nanos += u64::from(digit - b'0') * unit;
        at += 1;
    }
    let rest = match text.get(at) {
        None => &text[at..],
        Some(b' ') => &text[at + 1..],
        Some(_) => return None,
    };
    Some((Duration::from_secs(whole) + Duration::from_nanos(nanos), rest))
}

/// `3.2s`, `47.178ms`, `1m2.5s`, `1h3m`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number * unit;
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(total).ok()
}

/// `454B`, `300.06MB`, `2.048kB`, `1.5GiB`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    let unit = match &text[end..] {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
    (0.0..1e18).contains(&(number * unit)).then_some((number * unit).round() as u64)
}

/// A part of a step with its own progress, as a line tells of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Status<'a> {
    pub(super) task: &'a str,
    pub(super) current: u64,
    pub(super) total: Option<u64>,
    pub(super) took: Option<Duration>,
    pub(super) done: bool,
}

/// `transferring context: 300.06MB 3.1s done`, `sha256:ab… 10.49MB / 29.15MB 0.6s`.
pub(super) fn status(text: &str) -> Status<'_> {
    let mut rest = text.trim_end();
    let mut status = Status { task: rest, current: 0, total: None, took: None, done: false };
    if let Some(head) = rest.strip_suffix(" done") {
        (rest, status.done) = (head, true);
    }
    let (head, last) = last_word(rest);
    if let Some(took) = duration(last).filter(|_| last.ends_with('s') && !head.is_empty()) {
        (rest, status.took) = (head, Some(took));
    }
    let (head, last) = last_word(rest);
    if let Some(size) = bytes(last).filter(|_| !head.is_empty()) {
        (rest, status.current) = (head, size);
        let of = last_word(rest);
        if of.1 == "/" {
            let (head, first) = last_word(of.0);
            if let Some(current) = bytes(first) {
                (rest, status.current, status.total) = (head, current, Some(size));
            }
        }
    }
    status.task = rest.trim_end_matches([':', ' ']);
    status
}

fn last_word(text: &str) -> (&str, &str) {
    match text.rsplit_once(' ') {
        Some((head, word)) => (head.trim_end(), word),
        None => ("", text),
    }
}

/// `[base 2/4] RUN x` is the second of four of the stage `base`; a single stage has no name.
pub(super) fn place(name: &str) -> Option<(&str, u32, u32)> {
    let label = name.strip_prefix('[')?.split_once("] ")?.0;
    let (stage, place) = label.rsplit_once(' ').unwrap_or(("", label));
    let (number, of) = place.split_once('/')?;
    Some((stage, number.parse().ok()?, of.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_they_are_written() {
        let millis =
            |text: &str| offset(text.as_bytes()).map(|(at, rest)| (at.as_millis(), rest.len()));
        assert_eq!(millis("0.256 one"), Some((256, 3)));
        assert_eq!(millis("1234. one"), Some((1_234_000, 3)));
        assert_eq!(millis("12.34"), Some((12_340, 0)));
        for no in ["", "12 x", "12.3s", "x", ".5 x", "99999999999.5 x"] {
            assert_eq!(millis(no), None, "{no}");
        }
        let durations = [("3.2s", Some(3200)), ("47.178ms", Some(47)), ("1m2.5s", Some(62_500))];
        for (text, expected) in
            durations.into_iter().chain([("3", None), ("", None), ("1.2.3s", None)])
        {
            assert_eq!(duration(text).map(|d| d.as_millis()), expected, "{text}");
        }
        assert_eq!(bytes("300.06MB"), Some(300_060_000));
        assert_eq!(bytes("1.5x"), None);
        assert_eq!(place("[base 2/4] RUN x"), Some(("base", 2, 4)));
        assert_eq!(place("[linux/arm64 base 12/14] RUN x"), Some(("linux/arm64 base", 12, 14)));
        assert_eq!(place("[2/4] RUN x"), Some(("", 2, 4)));
        assert_eq!(place("[internal] load x"), None);
    }

    #[test]
    fn a_status_is_taken_apart_from_its_end() {
        let told = |text| {
            let Status { task, current, total, took, done } = status(text);
            (task, current, total, took.map(|took| took.as_millis()), done)
        };
        assert_eq!(
            told("transferring context: 300.06MB 3.1s done"),
            ("transferring context", 300_060_000, None, Some(3100), true)
        );
        assert_eq!(
            told("sha256:ab 10.49MB / 29.15MB 0.6s"),
            ("sha256:ab", 10_490_000, Some(29_150_000), Some(600), false)
        );
        assert_eq!(told("exporting layers done"), ("exporting layers", 0, None, None, true));
        assert_eq!(told("naming to a/b:1"), ("naming to a/b:1", 0, None, None, false));
        assert_eq!(told("3.1s"), ("3.1s", 0, None, None, false));
        assert_eq!(told(""), ("", 0, None, None, false));
    }
}
