//! Which of the linter's rules are asked, and how ShellCheck numbers and grades them.

use shuck_linter::{Rule, RuleSet, ShellCheckCodeMap, ShellCheckLevel, rule_metadata};

use crate::{Code, Level};

/// Numbers that make no sense for a body, or that ShellCheck says only when asked to.
const NOT_ASKED: [(u16, u16, &str); 17] = [
    (1090, 1091, "follow files that are not there before the build"),
    (1114, 1115, "look at a first line that a body does not have"),
    (1128, 1128, "look at a first line that a body does not have"),
    (2096, 2096, "look at a first line that a body does not have"),
    (2148, 2148, "look at a first line that a body does not have"),
    (2187, 2187, "says that ash is read as dash"),
    (2002, 2002, "only when asked to"),
    (2230, 2230, "only when asked to"),
    (2243, 2244, "only when asked to"),
    (2248, 2250, "only when asked to"),
    (2292, 2292, "only when asked to"),
    (2310, 2312, "only when asked to"),
    (2320, 2320, "only when asked to"),
    (2335, 2335, "only when asked to"),
    (2336, 2999, "not a number of ShellCheck 0.11"),
    (3061, 3061, "not a number of ShellCheck 0.11"),
    (3073, 3999, "not a number of ShellCheck 0.11"),
];

/// The linter's number for every test of a fixed word.
pub(crate) const FIXED_TEST: Code = Code(2078);

/// ShellCheck has a number for each of these words and one for all others, and takes a test that
/// is always true for a question of style (`checkConstantNullary` in its `Analytics.hs`).
const FIXED_WORDS: [(&str, Code, Level); 4] = [
    ("false", Code(2158), Level::Error),
    ("0", Code(2159), Level::Error),
    ("true", Code(2160), Level::Style),
    ("1", Code(2161), Level::Style),
];

/// Number and grade of `[ word ]`, from the text of the test.
pub(crate) fn fixed_test(text: &str) -> (Code, Level) {
    let is_around = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '!' | '"' | '\'');
    let word = text.strip_prefix("test ").unwrap_or(text).trim_matches(is_around);
    let row = FIXED_WORDS.iter().find(|(known, ..)| *known == word);
    row.map_or((FIXED_TEST, Level::Error), |(_, code, level)| (*code, *level))
}

/// The rules and their numbers, put together once.
#[derive(Debug)]
pub(crate) struct Codes {
    pub(crate) rules: RuleSet,
    /// The linter's own table; also what its `# shellcheck disable=` understands.
    pub(crate) map: ShellCheckCodeMap,
}

impl Codes {
    pub(crate) fn new() -> Codes {
        let map = ShellCheckCodeMap::default();
        let asked = |code: u32| {
            !NOT_ASKED
                .iter()
                .any(|(first, last, _)| (u32::from(*first)..=u32::from(*last)).contains(&code))
        };
        let rules = map.mappings().filter(|(code, _)| asked(*code)).map(|(_, rule)| rule).collect();
        Codes { rules, map }
    }

    pub(crate) fn of(&self, rule: Rule) -> Option<Code> {
        u16::try_from(self.map.code_for_rule(rule)?).ok().map(Code)
    }

    /// The numbers that are asked.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Code> {
        let asked = self.map.mappings().filter(|(_, rule)| self.rules.contains(*rule));
        let fixed = FIXED_WORDS.iter().map(|(_, code, _)| *code);
        asked.filter_map(|(_, rule)| self.of(rule)).chain(fixed)
    }
}

/// How ShellCheck's source grades a number, where the linter's table has it otherwise.
const GRADED: [(Code, Level); 1] = [(Code(1036), Level::Error)];

pub(crate) fn level(rule: Rule, code: Code) -> Level {
    if let Some((_, level)) = GRADED.iter().find(|(graded, _)| *graded == code) {
        return *level;
    }
    match rule_metadata(rule).and_then(|metadata| metadata.shellcheck_level) {
        Some(ShellCheckLevel::Error) => Level::Error,
        Some(ShellCheckLevel::Warning) | None => Level::Warning,
        Some(ShellCheckLevel::Info) => Level::Info,
        Some(ShellCheckLevel::Style) => Level::Style,
    }
}
