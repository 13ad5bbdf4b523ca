//! The linter inside: the only file that speaks to it.

use std::{collections::BTreeSet, fmt::Write as _, ops::Range, sync::LazyLock};

use shuck_linter::{
    AmbientShellOptions, AnalysisRequest, Diagnostic, LinterSettings, ShellDialect,
};
use shuck_parser::parser::{ParseResult, ParseStatus, Parser, ShellProfile};

use crate::{
    Code, Level, MOST_DEPTH, Why,
    body::Body,
    codes::{self, Codes},
    dialect::{Dialect, Reader},
    limits, message,
};

/// Constants that cost something to put together.
static CODES: LazyLock<Codes> = LazyLock::new(Codes::new);

static SETTINGS: LazyLock<LinterSettings> = LazyLock::new(|| {
    let mut settings = LinterSettings::for_rules([])
        // Files that a body sources are in the image, not here.
        .with_resolve_source_closure(false);
    settings.rules = CODES.rules;
    settings
});

/// A number for text that no shell can read.
const SYNTAX: Code = Code(1072);

/// A variable of bash in another shell.
const BASH_ONLY: Code = Code(3028);

/// What is wrong in a range of the body's text.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Code,
    pub(crate) level: Level,
    pub(crate) message: String,
    pub(crate) range: Range<usize>,
    pub(crate) fix: Option<Fix>,
}

#[derive(Debug)]
pub(crate) struct Fix {
    pub(crate) title: String,
    pub(crate) edits: Vec<(Range<usize>, String)>,
}

/// Reads one body. Names in `set` count as assigned.
pub(crate) fn check(body: &Body<'_>, set: &BTreeSet<String>) -> Result<Vec<Said>, Why> {
    if let Some(why) = limits::exceeded(&body.text) {
        return Err(why);
    }
    let (head, rest) = body.text.split_at(body.head);
    let made = assignments(set, &body.text);
    let text = format!("{head}{made}{rest}");
    // Offsets in what the linter reads are offsets in the body, but for what was put in.
    let back = |at: usize| match at.checked_sub(head.len() + made.len()) {
        Some(after) => Some(head.len() + after),
        None if at <= head.len() => Some(at),
        None => None,
    };

    let dialect = dialect(body.reader.dialect);
    let profile = ShellProfile::native(dialect.parser_dialect());
    // Real scripts need less than one step for each byte.
    let fuel = 1_000 + 3 * text.len();
    let parsed = Parser::with_limits_and_profile(&text, MOST_DEPTH, fuel, profile).parse();
    if gave_up(&parsed) {
        return Err(Why::TooDeep);
    }
    if let Some(problem) = problem(&parsed, &text) {
        // ShellCheck says nothing else then. The linter would, but it was seen to panic on trees
        // that the parser had to mend, and never on others.
        return Ok(place(problem, &back).into_iter().collect());
    }
    let settings = settings(body.reader);
    let request = AnalysisRequest::from_parse_result(&parsed, &text, &settings);
    let silences = text.contains("shellcheck");
    let request = if silences {
        request.with_shellcheck_map(&CODES.map)
    } else {
        request.without_suppressions()
    };
    let analysis = request.analyze();
    let said = analysis.diagnostics.iter();
    let mut found: Vec<Said> = said.filter_map(|said| read(said, &back)).collect();
    for said in found.iter_mut().filter(|said| said.code == codes::FIXED_TEST) {
        let word = body.text.get(said.range.clone()).unwrap_or("");
        (said.code, said.level) = codes::fixed_test(word);
    }
    if !matches!(body.reader.dialect, Dialect::Bash | Dialect::Ksh | Dialect::Mksh) {
        let used = analysis.semantic.references().iter();
        let used = used.filter(|used| !set.contains(used.name.as_str()));
        found.extend(used.filter_map(|used| {
            let span = used.span.start.offset()..used.span.end.offset();
            bash_variable(used.name.as_str(), &text, span, &back)
        }));
    }
    Ok(found)
}

/// Variables that bash sets by itself and POSIX shells do not.
const BASH_VARIABLES: [&str; 14] = [
    "BASHOPTS",
    "BASHPID",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "HOSTNAME",
    "HOSTTYPE",
    "MACHTYPE",
    "OSTYPE",
    "PIPESTATUS",
    "RANDOM",
    "SECONDS",
    "UID",
];

/// All numbers that it may say.
pub(crate) fn numbers() -> impl Iterator<Item = Code> {
    CODES.numbers().chain([SYNTAX, BASH_ONLY])
}

/// A number that the linter does not have.
fn bash_variable(
    name: &str,
    text: &str,
    range: Range<usize>,
    back: &impl Fn(usize) -> Option<usize>,
) -> Option<Said> {
    let known = BASH_VARIABLES.contains(&name) || name.starts_with("BASH_");
    // A name that the body itself gives a value, or a default, is not bash's.
    let own = text.contains(&format!("{name}=")) || text.contains(&format!("{{{name}:"));
    if !known || own {
        return None;
    }
    Some(Said {
        code: BASH_ONLY,
        level: Level::Warning,
        message: format!("{name} is set by bash; in this shell it is empty"),
        range: back(range.start)?..back(range.end)?,
        fix: None,
    })
}

fn dialect(dialect: Dialect) -> ShellDialect {
    match dialect {
        Dialect::Sh => ShellDialect::Sh,
        Dialect::Bash => ShellDialect::Bash,
        Dialect::Dash => ShellDialect::Dash,
        Dialect::Ksh => ShellDialect::Ksh,
        Dialect::Mksh => ShellDialect::Mksh,
    }
}

fn settings(reader: Reader) -> LinterSettings {
    let Reader { dialect: shell, errexit, pipefail } = reader;
    let options = AmbientShellOptions { errexit, pipefail };
    SETTINGS.clone().with_shell(dialect(shell)).with_ambient_shell_options(options)
}

/// A line that assigns to the names that a body uses, so that the linter knows them.
///
/// When the body uses a name in capitals that is not set, all of them: one may be what was meant.
fn assignments(set: &BTreeSet<String>, text: &str) -> String {
    let mut used = BTreeSet::new();
    let mut unknown = false;
    for after in text.split('$').skip(1) {
        let after = after.strip_prefix('{').unwrap_or(after);
        let after = after.trim_start_matches(['#', '!']);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &after[..after.find(|c| !is_name(c)).unwrap_or(after.len())];
        let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
        unknown |= capital && name.len() > 1 && !set.contains(name);
        used.insert(name);
    }
    let mut line = String::new();
    // An arithmetic expression names variables without a dollar sign.
    let arithmetic = text.contains("((") || text.contains("let ");
    for name in set.iter().filter(|name| unknown || arithmetic || used.contains(name.as_str())) {
        line.push_str(if line.is_empty() { "export" } else { "" });
        let _ = write!(line, " {name}=1");
    }
    if !line.is_empty() {
        line.push('\n');
    }
    line
}

fn read(said: &Diagnostic, back: &impl Fn(usize) -> Option<usize>) -> Option<Said> {
    let code = CODES.of(said.rule)?;
    let range = back(said.span.start.offset())?..back(said.span.end.offset())?;
    if range.start > range.end {
        return None;
    }
    let fix = said.fix.as_ref().and_then(|fix| {
        let edits = fix.edits().iter().map(|edit| {
            let range = edit.range();
            let range = back(range.start().into())?..back(range.end().into())?;
            Some((range, edit.content().to_owned()))
        });
        let title = said.fix_title.as_deref().map_or_else(String::new, message::worded);
        Some(Fix { title, edits: edits.collect::<Option<_>>()? })
    });
    let message = message::worded(&said.message);
    Some(Said { code, level: codes::level(said.rule, code), message, range, fix })
}

/// The parser stopped at a limit; such errors have no place.
fn gave_up(parsed: &ParseResult) -> bool {
    let placeless = |error: &shuck_parser::Error| {
        let shuck_parser::Error::Parse { line, .. } = error;
        *line == 0
    };
    parsed.status == ParseStatus::Fatal && parsed.terminal_error.as_ref().is_some_and(placeless)
}

/// Where the parser could not go on, and what it says.
fn problem(parsed: &ParseResult, text: &str) -> Option<(usize, String)> {
    if parsed.is_ok() {
        return None;
    }
    if let Some(first) = parsed.diagnostics.first() {
        return Some((first.span.start.offset(), first.message.clone()));
    }
    let shuck_parser::Error::Parse { message, line, column } = parsed.strict_error();
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let within: usize =
        text[before..].chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    Some((before + within, message))
}

fn place(problem: (usize, String), back: &impl Fn(usize) -> Option<usize>) -> Option<Said> {
    let (at, said) = problem;
    let at = back(at)?;
    let message = format!("the shell cannot read this: {}", message::worded(&said));
    Some(Said { code: SYNTAX, level: Level::Error, message, range: at..at, fix: None })
}
