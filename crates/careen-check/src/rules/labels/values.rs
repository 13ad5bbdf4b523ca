//! Whether the value of a label is of its kind.

use crate::LabelKind;

/// Identifiers of the SPDX licence list 3, deprecated ones too, one a line, sorted.
const LICENCES: &str = include_str!("spdx.txt");

/// What a value of that kind is called.
pub(crate) fn name(kind: LabelKind) -> &'static str {
    match kind {
        LabelKind::Text => "text",
        LabelKind::Url => "URL",
        LabelKind::SemVer => "semantic version",
        LabelKind::Hash => "git commit",
        LabelKind::Rfc3339 => "time as in RFC 3339",
        LabelKind::Spdx => "SPDX licence",
        LabelKind::Email => "mail address",
    }
}

pub(crate) fn is(kind: LabelKind, value: &str) -> bool {
    match kind {
        LabelKind::Text => true,
        LabelKind::Url => is_url(value),
        LabelKind::SemVer => is_version(value),
        LabelKind::Hash => is_commit(value),
        LabelKind::Rfc3339 => is_time(value),
        LabelKind::Spdx => is_expression(value),
        LabelKind::Email => is_address(value),
    }
}

/// An absolute URI as in RFC 3986, section 4.3, with what may follow a `#`.
pub(crate) fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let mut escapes = rest.split('%').skip(1);
    let is_escaped = escapes.all(|after| {
        after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit())
    });
    is_scheme && rest.chars().all(allowed) && is_escaped && rest.matches('#').count() <= 1
}

/// `1.2.3`, with a pre-release and build metadata, as in semver.org 2.0.0.
pub(crate) fn is_version(value: &str) -> bool {
    let (value, build) = match value.split_once('+') {
        Some((value, build)) => (value, Some(build)),
        None => (value, None),
    };
    let (core, before) = match value.split_once('-') {
        Some((core, before)) => (core, Some(before)),
        None => (value, None),
    };
    let is_number = |part: &str| {
        let is_digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && (part == "0" || !part.starts_with('0'))
    };
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && [before, build].into_iter().flatten().all(|part| part.split('.').all(is_word))
}

/// Seven digits or forty, as git writes them.
pub(crate) fn is_commit(value: &str) -> bool {
    matches!(value.len(), 7 | 40) && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `2021-03-10T10:26:33.5+01:00`.
pub(crate) fn is_time(value: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00";
    let Some((head, tail)) = value.as_bytes().split_at_checked(pattern.len()) else {
        return false;
    };
    let fits = head.iter().zip(pattern).all(|(byte, wanted)| match wanted {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    });
    let number = |from: usize| {
        let digits = value.get(from..from + 2).and_then(|digits| digits.parse::<u8>().ok());
        digits.unwrap_or(u8::MAX)
    };
    if !fits || !(1..=12).contains(&number(5)) || !(1..=31).contains(&number(8)) {
        return false;
    }
    if number(11) > 23 || number(14) > 59 || number(17) > 60 {
        return false;
    }
    let fraction = match tail.strip_prefix(b".") {
        Some(rest) => 1 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        None => 0,
    };
    fraction != 1 && is_offset(&tail[fraction..])
}

fn is_offset(offset: &[u8]) -> bool {
    match offset {
        b"Z" | b"z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// One identifier of the list.
pub(crate) fn is_licence(value: &str) -> bool {
    !value.is_empty() && LICENCES.lines().any(|known| known == value)
}

/// Identifiers joined by AND, OR and WITH, as `org.opencontainers.image.licenses` wants it.
fn is_expression(value: &str) -> bool {
    let spaced = value.replace(['(', ')'], " ");
    let mut words = spaced.split_whitespace().peekable();
    let mut is_name = true;
    while let Some(word) = words.next() {
        let fits = match (is_name, word) {
            (false, "AND" | "OR") => true,
            // Exceptions have a list of their own, which we do not have.
            (false, "WITH") => words.next().is_some(),
            (false, _) => false,
            (true, name) => {
                is_licence(name.trim_end_matches('+')) || name.starts_with("LicenseRef-")
            }
        };
        if !fits {
            return false;
        }
        is_name = matches!(word, "AND" | "OR");
    }
    !is_name
}

/// `name@example.org`, the address alone.
pub(crate) fn is_address(value: &str) -> bool {
    let Some((name, domain)) = value.rsplit_once('@') else { return false };
    let is_atom = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    let is_quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    let is_label = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !part.is_empty() && part.bytes().all(allowed) && part.trim_matches('-') == part
    };
    let is_literal = domain.len() > 2 && domain.starts_with('[') && domain.ends_with(']');
    (is_quoted || name.split('.').all(is_atom)) && (is_literal || domain.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_each_kind() {
        use LabelKind::{Email, Hash, Rfc3339, SemVer, Spdx, Url};
        for (kind, good, bad) in [
            (Url, "https://example.org/a?b#c", "example.org"),
            (Url, "urn:isbn:0", "http://a b"),
            (Url, "http://a/%20", "http://a/%2"),
            (SemVer, "1.0.0-rc.1+x.y", "1.0"),
            (SemVer, "10.20.30", "01.2.3"),
            (Hash, "0123abc", "0123ABC"),
            (Hash, "0123456789abcdef0123456789abcdef01234567", "01234567"),
            (Rfc3339, "2021-03-10T10:26:33.5+01:00", "2021-03-10"),
            (Rfc3339, "2021-03-10t10:26:33Z", "2021-13-10T10:26:33Z"),
            (Spdx, "MIT", "not-spdx"),
            (Spdx, "(MIT OR Apache-2.0) AND GPL-2.0-or-later WITH x", "MIT OR"),
            (Email, "a.b+c@example.org", "example.org"),
            (Email, "a@localhost", "a@-b.org"),
        ] {
            assert!(is(kind, good), "{kind:?} {good}");
            assert!(!is(kind, bad), "{kind:?} {bad}");
        }
    }

    #[test]
    fn the_licences_are_sorted_and_there_are_many() {
        let all: Vec<&str> = LICENCES.lines().collect();
        assert!(all.len() > 500, "{}", all.len());
        assert!(all.is_sorted());
    }
}
