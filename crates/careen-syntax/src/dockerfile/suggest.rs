//! "Did you mean": the ending that BuildKit gives to messages about names it does not know.

use careen_model::distance;

/// Names this many edits away or more are not suggested (seen on engine 28.5: `COPPPPY` is three
/// edits from `COPY` and gets no suggestion, `RU` is one from `RUN` and does).
const TOO_FAR: usize = 3;

/// No instruction and no flag has a name as long as this.
const LONGEST: usize = 32;

/// Longer names of variables are not compared: that would take long.
const LONGEST_VARIABLE: usize = 256;

/// How names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Folds,
}

/// The nearest of `known`, the first of equals, when it is near enough to be meant.
///
/// A name that is itself among the known ones needs no suggestion.
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_VARIABLE {
        return None;
    }
    let mut best: Option<(&str, usize)> = None;
    for candidate in known {
        let far = distance(name, candidate);
        if far == 0 {
            return None;
        }
        if far < best.map_or(TOO_FAR, |(_, nearest)| nearest) {
            best = Some((candidate, far));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// ` (did you mean X?)` with the nearest of `known`, the first of equals; else nothing.
pub(super) fn ending<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    case: Case,
) -> String {
    let fold = |text: &str| match case {
        Case::Matters => text.to_owned(),
        Case::Folds => text.to_lowercase(),
    };
    // A long word is far from every name, and measuring the distance would take long.
    if name.len() > LONGEST {
        return String::new();
    }
    let wanted = fold(name);
    let mut best: Option<(&str, usize)> = None;
    for candidate in known {
        let far = distance(&wanted, &fold(candidate));
        if far < best.map_or(TOO_FAR, |(_, nearest)| nearest) {
            best = Some((candidate, far));
        }
    }
    best.map_or(String::new(), |(candidate, _)| format!(" (did you mean {candidate}?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_as_the_engine_does() {
        let known = ["ADD", "COPY", "ENTRYPOINT", "ENV", "RUN", "STOPSIGNAL", "USER"];
        let folds = |name: &str| ending(name, known, Case::Folds);
        assert_eq!(folds("COYP"), " (did you mean COPY?)");
        assert_eq!(folds("entrypoin"), " (did you mean ENTRYPOINT?)");
        assert_eq!(folds("RU"), " (did you mean RUN?)");
        assert_eq!([folds("COPPPPY"), folds("EXEC"), folds("XX")], ["", "", ""]);
        assert_eq!(ending("NETWORK", ["network"], Case::Matters), "");
        assert_eq!(ending("mont", ["mount"], Case::Matters), " (did you mean mount?)");
        assert_eq!(ending(&"x".repeat(1 << 20), known, Case::Folds), "");
    }
}
