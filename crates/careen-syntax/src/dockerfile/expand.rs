//! Variable expansion and word splitting as BuildKit's shell lexer does them.
//!
//! The rules are those of `frontend/dockerfile/shell/lex.go`: quotes, escapes, `$name`,
//! `${name}` and its modifiers, `:-` `:+` `:?` `-` `+` `?` `#` `##` `%` `%%` `/` `//`.

use std::collections::BTreeSet;

use super::pattern::{Length, Pattern, replaced};

/// Where variables come from.
pub trait Variables {
    fn get(&self, name: &str) -> Option<&str>;
}

/// How names of variables compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    #[default]
    Linux,
    /// `$path` and `$PATH` are the same.
    Windows,
}

/// `NAME=value` pairs, the last one wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    pub pairs: Vec<(String, String)>,
    pub platform: Platform,
}

/// A word after expansion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The whole text with quotes and escapes removed.
    pub text: String,
    /// The text split at unquoted white space after expansion.
    pub words: Vec<String>,
    /// Names that were looked up and found.
    pub matched: BTreeSet<String>,
    /// Names that were looked up and not found.
    pub unmatched: BTreeSet<String>,
    /// Why expansion failed, as BuildKit words it; then `text` and `words` are empty.
    pub error: Option<String>,
}

/// How to treat what expansion would normally remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    pub quotes: Treatment,
    pub escapes: Treatment,
    /// Variables that are not set stay as written.
    pub unset: Treatment,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Treatment {
    #[default]
    Remove,
    Keep,
}

/// Expansions nest; deeper than this is refused rather than overflowing the stack.
const DEEPEST: usize = 200;

/// Bytes of a result that is longer than its word. Forty lines of `ENV a=$a$a` would ask for a
/// terabyte. Linux runs nothing with a longer variable (`MAX_ARG_STRLEN` in `linux/binfmts.h`).
const LONGEST: usize = 128 << 10;

impl List {
    /// Reads `NAME=value` lines; a line without an equals sign is an empty variable.
    pub fn read<S: AsRef<str>>(lines: &[S], platform: Platform) -> List {
        let pair = |line: &S| {
            let (name, value) = line.as_ref().split_once('=').unwrap_or((line.as_ref(), ""));
            (name.to_owned(), value.to_owned())
        };
        List { pairs: lines.iter().map(pair).collect(), platform }
    }
}

impl Variables for List {
    fn get(&self, name: &str) -> Option<&str> {
        let same = |key: &str| match self.platform {
            Platform::Linux => key == name,
            Platform::Windows => key.eq_ignore_ascii_case(name),
        };
        self.pairs.iter().rev().find(|(key, _)| same(key)).map(|(_, value)| value.as_str())
    }
}

/// Expands `word`; `escape` is the escape character of the file.
pub fn expand(word: &str, variables: &dyn Variables, escape: char) -> Expanded {
    expand_with(word, variables, escape, Options::default())
}

pub fn expand_with(
    word: &str,
    variables: &dyn Variables,
    escape: char,
    options: Options,
) -> Expanded {
    let mut lexer = Lexer {
        // A byte order mark at the very start is skipped, as Go's scanner does.
        rest: word.strip_prefix('\u{FEFF}').unwrap_or(word),
        variables,
        escape,
        options,
        depth: 0,
        longest: LONGEST.max(word.len()),
        matched: BTreeSet::new(),
        unmatched: BTreeSet::new(),
    };
    let (text, words, error) = match lexer.until(None) {
        Ok((text, words)) => (text, words, None),
        Err(err) => {
            let word = super::dump::quote(word.as_bytes());
            (String::new(), Vec::new(), Some(format!("failed to process {word}: {err}")))
        }
    };
    Expanded { text, words, matched: lexer.matched, unmatched: lexer.unmatched, error }
}

struct Lexer<'a> {
    rest: &'a str,
    variables: &'a dyn Variables,
    escape: char,
    options: Options,
    depth: usize,
    /// Bytes.
    longest: usize,
    matched: BTreeSet<String>,
    unmatched: BTreeSet<String>,
}

#[derive(Default)]
struct Splitter {
    word: String,
    words: Vec<String>,
}

impl Splitter {
    fn character(&mut self, character: char) {
        if !character.is_whitespace() {
            self.word.push(character);
        } else if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.words.push(self.word);
        }
        self.words
    }
}

type Read<T> = Result<T, String>;

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    /// Reads to the end, or to and over `stop`.
    fn until(&mut self, stop: Option<char>) -> Read<(String, Vec<String>)> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("substitutions nest too deeply".to_owned());
        }
        let read = self.until_within(stop);
        self.depth -= 1;
        read
    }

    fn until_within(&mut self, stop: Option<char>) -> Read<(String, Vec<String>)> {
        let mut text = String::new();
        let mut split = Splitter::default();
        while let Some(character) = self.peek() {
            if Some(character) == stop {
                self.next();
                return Ok((text, split.finish()));
            }
            match character {
                '$' => {
                    let value = self.dollar()?;
                    self.check_length(text.len() + value.len())?;
                    text.push_str(&value);
                    value.chars().for_each(|c| split.character(c));
                }
                '\'' | '"' | '<' => {
                    let value = match character {
                        '\'' => self.single_quotes()?,
                        '"' => self.double_quotes()?,
                        _ => self.angle(),
                    };
                    self.check_length(text.len() + value.len())?;
                    text.push_str(&value);
                    split.word.push_str(&value);
                }
                _ => {
                    self.next();
                    if !self.plain(character, &mut text, &mut split) {
                        break;
                    }
                }
            }
        }
        match stop {
            Some(stop) => {
                Err(format!("unexpected end of statement while looking for matching {stop}"))
            }
            None => Ok((text, split.finish())),
        }
    }

    fn check_length(&self, length: usize) -> Read<()> {
        if length <= self.longest {
            return Ok(());
        }
        Err(format!("the result is longer than {} bytes", self.longest))
    }

    /// An unquoted character, or an escape and what it escapes; false at the end of input.
    fn plain(&mut self, character: char, text: &mut String, split: &mut Splitter) -> bool {
        if character != self.escape {
            split.character(character);
            text.push(character);
            return true;
        }
        if self.options.escapes == Treatment::Keep {
            split.word.push(character);
            text.push(character);
        }
        let Some(escaped) = self.next() else { return false };
        split.word.push(escaped);
        text.push(escaped);
        true
    }

    /// `<`, or `<<` with the white space (and `-`) that belong to a heredoc name.
    fn angle(&mut self) -> String {
        self.next();
        if self.peek() != Some('<') {
            return "<".to_owned();
        }
        self.next();
        let mut out = "<<".to_owned();
        if self.rest.strip_prefix('-').is_some_and(|rest| rest.starts_with([' ', '\t'])) {
            self.next();
            out.push('-');
        }
        while let Some(space @ (' ' | '\t')) = self.peek() {
            self.next();
            out.push(space);
        }
        out
    }

    fn single_quotes(&mut self) -> Read<String> {
        let Some(end) = self.rest[1..].find('\'') else {
            self.rest = "";
            let message = "unexpected end of statement while looking for matching single-quote";
            return Err(message.to_owned());
        };
        let (inside, quoted) = (&self.rest[1..=end], &self.rest[..end + 2]);
        self.rest = &self.rest[end + 2..];
        Ok(match self.options.quotes {
            Treatment::Keep => quoted.to_owned(),
            Treatment::Remove => inside.to_owned(),
        })
    }

    fn double_quotes(&mut self) -> Read<String> {
        let mut out = String::new();
        let keep_quotes = self.options.quotes == Treatment::Keep;
        self.next();
        if keep_quotes {
            out.push('"');
        }
        loop {
            match self.peek() {
                None => {
                    let message =
                        "unexpected end of statement while looking for matching double-quote";
                    return Err(message.to_owned());
                }
                Some('"') => {
                    self.next();
                    if keep_quotes {
                        out.push('"');
                    }
                    return Ok(out);
                }
                Some('$') => {
                    let value = self.dollar()?;
                    self.check_length(out.len() + value.len())?;
                    out.push_str(&value);
                }
                Some(character) => {
                    self.next();
                    self.quoted(character, &mut out);
                }
            }
        }
    }

    /// Between double quotes only the quote, `$` and the escape itself can be escaped.
    fn quoted(&mut self, character: char, out: &mut String) {
        if character != self.escape {
            out.push(character);
            return;
        }
        if self.options.escapes == Treatment::Keep {
            out.push(character);
        }
        match self.peek() {
            None => {}
            Some(escaped) if escaped == '"' || escaped == '$' || escaped == self.escape => {
                self.next();
                out.push(escaped);
            }
            Some(_) => out.push(character),
        }
    }

    fn dollar(&mut self) -> Read<String> {
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match self.look_up(&name) {
                Some(value) => value,
                None if self.options.unset == Treatment::Keep => format!("${name}"),
                None => String::new(),
            });
        }
        self.next();
        match self.peek() {
            None => return Err("syntax error: missing '}'".to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        match self.next() {
            Some('}') => {
                let value = self.look_up(&name);
                Ok(match value {
                    Some(value) => value,
                    None if self.options.unset == Treatment::Keep => format!("${{{name}}}"),
                    None => String::new(),
                })
            }
            Some(':') => {
                let modifier = self.next();
                self.modified(&name, modifier, Null::IsUnset)
            }
            modifier @ Some('+' | '-' | '?' | '#' | '%') => {
                self.modified(&name, modifier, Null::IsSet)
            }
            Some('/') => self.replaced(&name),
            other => Err(unsupported("", other)),
        }
    }

    fn modified(&mut self, name: &str, modifier: Option<char>, null: Null) -> Read<String> {
        let escapes = match modifier {
            Some('#' | '%') => Treatment::Keep,
            _ => Treatment::Remove,
        };
        let word = self.part('}', escapes, "syntax error: missing '}'")?;
        let value = self.look_up(name);
        let colon = if null == Null::IsUnset { ":" } else { "" };
        if self.options.unset == Treatment::Keep && value.is_none() {
            let modifier = modifier.map_or_else(String::new, String::from);
            return Ok(format!("${{{name}{colon}{modifier}{word}}}"));
        }
        let unset = value.is_none();
        let missing = unset || (null == Null::IsUnset && value.as_deref() == Some(""));
        let value = value.unwrap_or_default();
        match modifier {
            Some('-') => Ok(if missing { word } else { value }),
            Some('+') => Ok(if missing { String::new() } else { word }),
            Some('?') if !missing => Ok(value),
            Some('?') => Err(match (word.as_str(), unset) {
                ("", true) => format!("{name}: is not allowed to be unset"),
                ("", false) => format!("{name}: is not allowed to be empty"),
                (message, _) => format!("{name}: {message}"),
            }),
            Some(end @ ('#' | '%')) if null == Null::IsSet => cut(end, &word, &value),
            other => Err(unsupported(colon, other)),
        }
    }

    fn replaced(&mut self, name: &str) -> Read<String> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.part('/', Treatment::Keep, "syntax error: missing '/' in ${}")?;
        let replacement = self.part('}', Treatment::Keep, "syntax error: missing '}'")?;
        let value = self.look_up(name);
        if self.options.unset == Treatment::Keep && value.is_none() {
            return Ok(format!("${{{name}/{pattern}/{replacement}}}"));
        }
        let compiled = Pattern::read(&pattern).map_err(|err| invalid(&pattern, &err))?;
        let value = value.unwrap_or_default();
        let found = compiled.matches(&value)?;
        let length = value.len() + replacement.len() * if all { found.len() } else { 1 };
        self.check_length(length)?;
        let count = if all { found.len() } else { found.len().min(1) };
        Ok(replaced(&value, &found[..count], &replacement))
    }

    /// The word of a modifier up to `stop`; at the end of input the error says what is missing.
    fn part(&mut self, stop: char, escapes: Treatment, missing: &str) -> Read<String> {
        let before = self.options.escapes;
        self.options.escapes = escapes;
        let read = self.until(Some(stop));
        self.options.escapes = before;
        match read {
            Ok((word, _)) => Ok(word),
            Err(_) if self.rest.is_empty() => Err(missing.to_owned()),
            Err(err) => Err(err),
        }
    }

    fn name(&mut self) -> String {
        let rest = self.rest;
        let special = |c: char| matches!(c, '@' | '*' | '#' | '?' | '-' | '$' | '!');
        let length = match rest.chars().next() {
            Some(c) if c.is_ascii_digit() => {
                rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
            }
            Some(c) if special(c) => 1,
            _ => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
        };
        self.rest = &rest[length..];
        rest[..length].to_owned()
    }

    fn look_up(&mut self, name: &str) -> Option<String> {
        let value = self.variables.get(name).map(str::to_owned);
        let seen = if value.is_some() { &mut self.matched } else { &mut self.unmatched };
        seen.insert(name.to_owned());
        value
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    IsSet,
    IsUnset,
}

fn unsupported(colon: &str, modifier: Option<char>) -> String {
    // Go prints the end of input as the replacement character.
    let modifier = modifier.unwrap_or(char::REPLACEMENT_CHARACTER);
    format!("unsupported modifier ({colon}{modifier}) in substitution")
}

fn invalid(pattern: &str, err: &str) -> String {
    format!("invalid pattern ({pattern}) in substitution: {err}")
}

/// `#`, `##`, `%`, `%%`: removes a match at one end, the shortest or, when doubled, the longest.
fn cut(end: char, word: &str, value: &str) -> Read<String> {
    let (length, pattern) = match word.strip_prefix(end) {
        Some(pattern) => (Length::Longest, pattern),
        None => (Length::Shortest, word),
    };
    let compiled = Pattern::read(pattern).map_err(|err| invalid(pattern, &err))?;
    Ok(match end {
        '#' => compiled.cut_start(value, length),
        _ => compiled.cut_end(value, length),
    })
}
