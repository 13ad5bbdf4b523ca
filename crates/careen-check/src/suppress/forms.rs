//! How each linter writes the comments that silence its rules.

use super::Dialect;

/// How a form of comment is written.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) dialect: Dialect,
    /// The words before the equals sign.
    words: &'static [&'static str],
    pub(super) reach: Reach,
    read: fn(&str) -> Names,
}

/// How far a comment reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The next instruction.
    Here,
    Stage,
    File,
}

/// What a comment says after the equals sign.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) rules: Vec<String>,
    /// Empty: the form of the comment itself is told.
    pub(super) reason: String,
    pub(super) ends: Option<i64>,
}

#[rustfmt::skip]
const FORMS: [Form; 9] = [
    Form { dialect: Dialect::Careen, words: &["careen:", "ignore"], reach: Reach::Here, read: careen },
    Form { dialect: Dialect::Careen, words: &["careen:", "ignore-file"], reach: Reach::File, read: careen },
    Form { dialect: Dialect::Hadolint, words: &["hadolint", "ignore"], reach: Reach::Here, read: hadolint },
    Form { dialect: Dialect::Hadolint, words: &["hadolint", "stage", "ignore"], reach: Reach::Stage, read: hadolint },
    Form { dialect: Dialect::Hadolint, words: &["hadolint", "global", "ignore"], reach: Reach::File, read: hadolint },
    Form { dialect: Dialect::Tally, words: &["tally", "ignore"], reach: Reach::Here, read: tally },
    Form { dialect: Dialect::Tally, words: &["tally", "global", "ignore"], reach: Reach::File, read: tally },
    Form { dialect: Dialect::Droast, words: &["droast", "ignore"], reach: Reach::Here, read: droast },
    Form { dialect: Dialect::Droast, words: &["droast", "global", "ignore"], reach: Reach::File, read: droast },
];

/// The form of a comment and what it silences, not yet placed.
pub(super) fn read_comment(text: &str, dialects: &[Dialect]) -> Option<(&'static Form, Names)> {
    let text = text.trim().trim_start_matches('#').trim_start();
    let (start, rest) = text.split_once('=')?;
    let is_it = |form: &&Form| {
        let mut words = start.split_whitespace();
        let same = |known: &&str| words.next().is_some_and(|word| form.is(word, known));
        dialects.contains(&form.dialect) && form.words.iter().all(same) && words.next().is_none()
    };
    let form = FORMS.iter().find(is_it)?;
    let mut names = (form.read)(rest.trim());
    // Two names without a comma are a sentence that only begins like one of these comments.
    if names.rules.iter().any(|name| name.contains(char::is_whitespace)) {
        return None;
    }
    if names.reason.is_empty() {
        names.reason = format!("# {}", form.words.join(" "));
    }
    Some((form, names))
}

impl Form {
    /// tally reads its words in any case.
    fn is(&self, word: &str, known: &str) -> bool {
        word == known || self.dialect == Dialect::Tally && word.eq_ignore_ascii_case(known)
    }
}

/// A comment that hadolint takes for one of its own, for the next line.
pub(crate) fn is_hadolint_ignore(text: &str) -> bool {
    read_comment(text, &[Dialect::Hadolint]).is_some_and(|(form, names)| {
        form.reach == Reach::Here && names.rules.iter().all(|name| is_code(name))
    })
}

/// What hadolint reads as the name of a rule.
fn is_code(name: &str) -> bool {
    name.bytes().all(|byte| b"DLSC0123456789".contains(&byte))
}

/// Names up to the first white space, then a reason.
fn careen(rest: &str) -> Names {
    let (listed, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Names { rules: names(listed), reason: reason.trim().to_owned(), ends: None }
}

/// Names with white space between them, then a comment.
fn hadolint(rest: &str) -> Names {
    let (listed, reason) = rest.split_once('#').unwrap_or((rest, ""));
    Names { rules: names(listed), reason: reason.trim().to_owned(), ends: None }
}

/// `A,hadolint/B;reason=…`.
fn tally(rest: &str) -> Names {
    let (listed, more) = rest.split_once(';').unwrap_or((rest, ""));
    let reason = more.split_once('=').filter(|(key, _)| key.trim().eq_ignore_ascii_case("reason"));
    let bare = |name: String| name.rsplit('/').next().unwrap_or("").to_owned();
    let rules = names(listed).into_iter().map(bare).collect();
    let reason = reason.map_or("", |(_, reason)| reason.trim()).to_owned();
    Names { rules, reason, ends: None }
}

/// `A,B reason="…" expires=2026-09-30`.
fn droast(rest: &str) -> Names {
    let (listed, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let reason = more.split_once("reason=\"").and_then(|(_, rest)| rest.split_once('"'));
    let reason = reason.map_or("", |(reason, _)| reason.trim()).to_owned();
    let date = more.split_once("expires=").map(|(_, date)| date);
    let ends = date.and_then(|date| last_second(date.split_whitespace().next()?));
    Names { rules: names(listed), reason, ends }
}

/// The last second of a day that is written `2026-09-30`, in UTC.
fn last_second(date: &str) -> Option<i64> {
    let mut parts = date.trim_matches('"').split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March: the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    Some(days * 86_400 + 86_399)
}

fn names(listed: &str) -> Vec<String> {
    let names = listed.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = read_comment(text, &Dialect::ALL);
            let read = read.map(|(_, names)| (names.rules.join(" "), names.reason));
            let expected = expected.map(|(names, reason)| (names.to_owned(), reason.to_owned()));
            assert_eq!(read, expected, "{text}");
        };
        check("# careen: ignore=a,b no network", Some(("a b", "no network")));
        check("# hadolint ignore=DL3001", Some(("DL3001", "# hadolint ignore")));
        check("#hadolint  ignore = DL3001 , SC1 # why", Some(("DL3001 SC1", "why")));
        check("# hadolint ignore=DL3001 DL3002", None);
        check("# hadolint stage ignore=DL3001", Some(("DL3001", "# hadolint stage ignore")));
        check("# Tally Ignore=hadolint/DL1,max;Reason = a;b", Some(("DL1 max", "a;b")));
        check("# tally global ignore=DL1", Some(("DL1", "# tally global ignore")));
        check(
            "# droast ignore=DF1,DF2 reason=\"a b\" expires=2026-09-30",
            Some(("DF1 DF2", "a b")),
        );
        check("# droast global ignore=DF1", Some(("DF1", "# droast global ignore")));
        check("# hadolint shell=bash", None);
        check("# we ignore=nothing", None);
    }

    #[test]
    fn days_are_counted() {
        assert_eq!(last_second("1970-01-01"), Some(86_399));
        assert_eq!(last_second("2000-02-29"), Some(951_868_799));
        assert_eq!(last_second("2026-09-30"), Some(1_790_812_799));
        assert_eq!(last_second("2026-13-30"), None);
        assert_eq!(last_second("soon"), None);
    }
}
