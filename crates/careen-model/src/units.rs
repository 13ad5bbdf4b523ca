//! One way to write sizes, times and ratios, for every report.

use std::time::Duration;

/// `0 B`, `512 B`, `1.2 MB`, `14.0 GB`: powers of 1000, one digit after the point from kB on.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.0 of the smaller unit.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `0 s`, `0.3 ms`, `47 ms`, `4.7 s`, `6 m 50 s`, `1 h 02 m`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded seconds of a build fit"
)]
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if duration.is_zero() {
        return "0 s".to_owned();
    }
    if seconds < 0.001 {
        return format!("{:.1} ms", seconds * 1e3);
    }
    if seconds < 0.0995 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
    }
}

/// `784×`, `6.9×`, `0.83×`.
pub fn ratio(value: f64) -> String {
    match value {
        v if v >= 99.5 => format!("{v:.0}×"),
        v if v >= 0.995 => format!("{v:.1}×"),
        v => format!("{v:.2}×"),
    }
}

/// `1 234 567`: thousands apart by a narrow gap that survives copy and paste.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_style() {
        assert_eq!(
            [0, 999, 1000, 999_949, 999_950, 1_234_567, 14_000_000_000].map(size),
            ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1.2 MB", "14.0 GB"]
        );
        let seconds = [0.0, 0.0003, 0.047, 4.71, 99.96, 410.0, 3725.0];
        assert_eq!(
            seconds.map(|s| time(Duration::from_secs_f64(s))),
            ["0 s", "0.3 ms", "47 ms", "4.7 s", "1 m 40 s", "6 m 50 s", "1 h 02 m"]
        );
        assert_eq!([784.2, 6.93, 0.83].map(ratio), ["784×", "6.9×", "0.83×"]);
        assert_eq!(count(1_234_567), "1 234 567");
    }
}
