//! What build services and terminals write before a line: times, names, escapes.

/// Takes it away, and keeps the time.
#[derive(Debug, Default)]
pub(super) struct Prefix {
    /// Whether lines begin with a time; unknown before the first line of the build.
    has_time: Option<bool>,
    /// A prefix of no known form, by its shape: every digit is a nought.
    learned: Option<Vec<u8>>,
}

/// Nobody's prefix is longer.
const LONGEST: usize = 200;

impl Prefix {
    /// The line itself, and the time before it in seconds.
    pub(super) fn strip<'a>(&self, line: &'a [u8]) -> (&'a [u8], Option<f64>) {
        if let Some(shape) = &self.learned {
            let at = shape.len();
            return if line.get(..at).is_some_and(|head| shape_of(head) == *shape) {
                (&line[at..], None)
            } else {
                (line, None)
            };
        }
        let mut time = None;
        let mut rest = line;
        loop {
            if starts_structure(rest) {
                return (rest, time);
            }
            match self.part(rest, time.is_some()) {
                Some((0, _)) | None => return (rest, time),
                Some((length, found)) => {
                    time = found.or(time);
                    rest = &rest[length..];
                }
            }
        }
    }

    /// Told whether the first line of the build had a time.
    pub(super) fn settle(&mut self, has_time: bool) {
        self.has_time = Some(has_time);
    }

    /// Finds the first line of a build behind a prefix of no known form; returns where it begins.
    pub(super) fn learn(&mut self, line: &[u8]) -> Option<usize> {
        let head = &line[..line.len().min(LONGEST)];
        let marks: [&[u8]; 3] = [b"#1 [internal] load ", b"#0 building with ", b"Step 1/"];
        let at = marks.iter().find_map(|mark| memchr::memmem::find(head, mark))?;
        self.learned = Some(shape_of(&line[..at]));
        Some(at)
    }

    /// The length of one part of a prefix, with the time if it is one.
    fn part(&self, rest: &[u8], timed: bool) -> Option<(usize, Option<f64>)> {
        match rest {
            [0xef, 0xbb, 0xbf, ..] => Some((3, None)),
            // A blank may belong to output, but only after the time that every line has.
            [b' ' | b'\t' | b'>', ..] if self.has_time.is_none() || timed => {
                let blanks =
                    rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'>')).count();
                // Output keeps its indent: one blank divides it from the time.
                let is_output = self.has_time.is_some() && !starts_structure(&rest[blanks..]);
                if is_output { None } else { Some((blanks, None)) }
            }
            [0x1b, ..] => escape(rest),
            [b's', b'e', b'c', b't', b'i', b'o', b'n', b'_', ..] => {
                let end = rest.iter().take(LONGEST).position(|byte| *byte == b'\r')?;
                Some((end + 1, None))
            }
            [b'0'..=b'9' | b'[', ..] if self.has_time != Some(false) && !timed => {
                time_at(rest).map(|(length, time)| (length, Some(time))).or_else(|| name(rest))
            }
            // GitLab: stream number, `O` or `E`, and a plus where a line goes on.
            [b'0'..=b'9', b'0'..=b'9', b'O' | b'E', b' ' | b'+', ..] if timed => Some((4, None)),
            _ => name(rest),
        }
    }
}

fn shape_of(head: &[u8]) -> Vec<u8> {
    head.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect()
}

/// Whether a line of a build begins here.
fn starts_structure(rest: &[u8]) -> bool {
    matches!(
        rest,
        [b'#', b'0'..=b'9', ..]
            | [b'S', b't', b'e', b'p', b' ', b'0'..=b'9', ..]
            | [b'S', b'T', b'E', b'P', b' ', b'0'..=b'9', ..]
            | [b'{', b'"', ..]
            | [b'[', b'+', b']', ..]
            | [b'=', b'>', b' ', ..]
            | [b' ', b'=', b'>', b' ', ..]
    )
}

/// `name | `, `[name] `, and columns with tabs, where a line of a build follows.
fn name(rest: &[u8]) -> Option<(usize, Option<f64>)> {
    let head = &rest[..rest.len().min(LONGEST)];
    if let Some(at) = memchr::memrchr(b'\t', head) {
        let after = &rest[at + 1..];
        if starts_structure(after)
            || time_at(after.strip_prefix(b"\xef\xbb\xbf").unwrap_or(after)).is_some()
        {
            return Some((at + 1, None));
        }
    }
    for (mark, length) in [(&b"] "[..], 2), (b" | ", 3), (b": ", 2)] {
        let Some(at) = memchr::memmem::find(head, mark) else { continue };
        let after = rest[at + length..].trim_ascii_start();
        if starts_structure(after) || name(after).is_some() {
            return Some((rest.len() - after.len(), None));
        }
    }
    None
}

/// The length of an escape sequence, with the time that Buildkite hides in one.
pub(super) fn escape(rest: &[u8]) -> Option<(usize, Option<f64>)> {
    match rest.get(1)? {
        b'[' => {
            let end = rest.iter().skip(2).take(LONGEST).position(|b| (0x40..=0x7e).contains(b))?;
            Some((2 + end + 1, None))
        }
        b']' | b'_' | b'P' | b'^' => {
            let end = rest.iter().skip(2).take(LONGEST).position(|b| matches!(b, 0x07 | 0x1b))?;
            let inside = std::str::from_utf8(&rest[2..2 + end]).ok();
            let millis = inside
                .and_then(|text| text.strip_prefix("bk;t="))
                .and_then(|t| t.parse::<f64>().ok());
            let end = if rest.get(2 + end + 1) == Some(&b'\\') { end + 1 } else { end };
            Some((2 + end + 1, millis.map(|millis| millis / 1000.0)))
        }
        _ => Some((2, None)),
    }
}

/// A time in front of a line, in brackets or not, and the one blank after it.
fn time_at(rest: &[u8]) -> Option<(usize, f64)> {
    let in_brackets = rest.first() == Some(&b'[');
    let text = &rest[usize::from(in_brackets)..];
    let (length, time) = date_time(text).or_else(|| clock(text, 0))?;
    let mut end = usize::from(in_brackets) + length;
    if in_brackets {
        if rest.get(end) != Some(&b']') {
            return None;
        }
        end += 1;
    }
    match rest.get(end) {
        None => Some((end, time)),
        Some(b' ' | b'\t') => Some((end + 1, time)),
        // Azure and others end with a colon or a bar.
        Some(b':' | b'|' | b'[') if in_brackets => Some((end, time)),
        Some(_) => None,
    }
}

/// `2024-05-01T12:34:56.1234567Z`, `2024-05-01 12:34:56,123 +0200`; the zone may be missing.
fn date_time(text: &[u8]) -> Option<(usize, f64)> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.iter().try_fold(0, |n, digit| {
            digit.is_ascii_digit().then(|| n * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let divided = text[4] == text[7] && matches!(text[4], b'-' | b'/');
    if !divided || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if !matches!(text.get(10), Some(b'T' | b' ' | b't')) {
        return None;
    }
    let (length, seconds) = clock(text, 11)?;
    let mut end = 11 + length;
    let mut zone = 0.0;
    match text.get(end) {
        Some(b'Z' | b'z') => end += 1,
        Some(sign @ (b'+' | b'-')) => {
            let hours = number(end + 1, end + 3)?;
            let colon = usize::from(text.get(end + 3) == Some(&b':'));
            let minutes = number(end + 3 + colon, end + 5 + colon)?;
            #[expect(clippy::cast_precision_loss, reason = "less than a day")]
            let offset = (hours * 3600 + minutes * 60) as f64;
            zone = if *sign == b'+' { offset } else { -offset };
            end += 5 + colon;
        }
        _ => (),
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit 53 bits")]
    let midnight = (days(year, month, day) * 86_400) as f64;
    Some((end, midnight + seconds - zone))
}

/// `12:34:56`, with a fraction or not, at `from`; its length and the seconds since midnight.
fn clock(text: &[u8], from: usize) -> Option<(usize, f64)> {
    let two = |at: usize| -> Option<u32> {
        let digits = text.get(from + at..from + at + 2)?;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| u32::from(digits[0] - b'0') * 10 + u32::from(digits[1] - b'0'))
    };
    let (hours, minutes, seconds) = (two(0)?, two(3)?, two(6)?);
    if text[from + 2] != b':'
        || text[from + 5] != b':'
        || hours > 24
        || minutes > 59
        || seconds > 60
    {
        return None;
    }
    let mut end = from + 8;
    let mut time = f64::from(hours * 3600 + minutes * 60 + seconds);
    if matches!(text.get(end), Some(b'.' | b',')) {
        let mut digits: u32 = 0;
        let mut unit: u32 = 1_000_000_000;
        end += 1;
        while let Some(digit @ b'0'..=b'9') = text.get(end) {
            // Nanoseconds are all that anybody writes.
            if unit > 1 {
                unit /= 10;
                digits += u32::from(digit - b'0') * unit;
            }
            end += 1;
        }
        time += f64::from(digits) / 1e9;
    }
    Some((end - from, time))
}

/// Days since 1970 of a date of the Gregorian calendar.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Seconds since the Unix epoch of a time such as `2026-11-23T19:08:55.767768711Z`.
pub(super) fn epoch(text: &str) -> Option<f64> {
    date_time(text.as_bytes()).map(|(_, time)| time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_behind_what_services_write() {
        for line in [
            "#5 0.1 x",
            "  #5 0.1 x",
            "> #5 0.1 x",
            "2024-05-01T12:34:56.1234567Z #5 0.1 x",
            "\u{feff}2024-05-01T12:34:56.1234567Z #5 0.1 x",
            "build\tBuild image\t2024-05-01T12:34:56.1234567Z #5 0.1 x",
            "2024-05-01T12:34:56.123456Z 01O #5 0.1 x",
            "\x1b[0K\x1b[32;1m#5 0.1 x",
            "section_start:1560896352:build\r\x1b[0K#5 0.1 x",
            "[2024-05-01T12:34:56.123Z] #5 0.1 x",
            "12:34:56  #5 0.1 x",
            "[12:34:56] #5 0.1 x",
            "[Pipeline] [api] #5 0.1 x",
            "web-1  | #5 0.1 x",
            "\x1b_bk;t=1700000000000\x07#5 0.1 x",
            "May 01 docker[12]: #5 0.1 x",
        ] {
            let (rest, _) = Prefix::default().strip(line.as_bytes());
            assert_eq!(std::str::from_utf8(rest).unwrap(), "#5 0.1 x", "{line:?}");
        }
    }

    #[test]
    fn output_keeps_what_only_looks_like_a_prefix() {
        let mut prefix = Prefix::default();
        prefix.settle(false);
        for line in
            ["[info] hello", "12:00:00 hello", "   indented", "a | b", "2024-05-01 12:00:00 x"]
        {
            assert_eq!(prefix.strip(line.as_bytes()), (line.as_bytes(), None), "{line}");
        }
        prefix.settle(true);
        let (rest, time) = prefix.strip(b"2024-05-01T00:00:01Z   indented");
        assert_eq!((rest, time), (&b"  indented"[..], Some(1_714_521_601.0)));
    }

    #[test]
    fn an_unknown_prefix_is_learned_by_its_shape() {
        let mut prefix = Prefix::default();
        let first = b"<6>host-17/runner ~ #1 [internal] load build definition";
        assert_eq!(prefix.learn(first), Some(20));
        assert_eq!(prefix.strip(b"<3>host-99/runner ~ #2 x").0, b"#2 x");
        assert_eq!(prefix.strip(b"something else").0, b"something else");
    }

    #[test]
    fn times_are_read() {
        assert_eq!(epoch("2026-11-23T19:08:55.5Z"), Some(1_795_460_935.5));
        assert_eq!(
            epoch("2026-11-23 19:08:55.5 +0000 UTC"),
            epoch("2026-11-23T19:08:55.5Z").filter(|_| true)
        );
        assert_eq!(epoch("2026-11-23T21:08:55+02:00"), Some(1_795_460_935.0));
        assert_eq!(epoch("1970-01-01T00:00:00Z"), Some(0.0));
        for no in ["2026-13-01T00:00:00Z", "2026-11-23", "x", "2026-11-23T99:00:00Z"] {
            assert_eq!(epoch(no), None, "{no}");
        }
    }
}
