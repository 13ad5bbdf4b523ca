//! Arguments of a task: words, switches and values, checked against what the task knows.

use crate::failure::Failure;

/// The arguments after the task's name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) words: Vec<String>,
    switches: Vec<String>,
    values: Vec<(String, String)>,
}

impl Arguments {
    /// Sorts `raw`; everything that begins with `--` must be in `switches` or `values`.
    pub(crate) fn parse(
        raw: &[String],
        switches: &[&str],
        values: &[&str],
        usage: &'static str,
    ) -> Result<Self, Failure> {
        let mut parsed = Self::default();
        let mut rest = raw.iter();
        while let Some(argument) = rest.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            if values.contains(&name) {
                let Some(value) = inline.or_else(|| rest.next().cloned()) else {
                    return Err(Failure::Usage { problem: format!("{name} needs a value"), usage });
                };
                parsed.values.push((name.to_owned(), value));
            } else if switches.contains(&argument.as_str()) {
                parsed.switches.push(argument.clone());
            } else if argument.starts_with('-') {
                return Err(Failure::Usage {
                    problem: format!("unknown option {argument}"),
                    usage,
                });
            } else {
                parsed.words.push(argument.clone());
            }
        }
        Ok(parsed)
    }

    /// Whether a switch was given.
    pub(crate) fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|given| given == switch)
    }

    /// The last value given for a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, switches and the folder.
    type Parsed<'a> = (&'a [&'a str], &'a [&'a str], Option<&'a str>);

    fn check(line: &str, expected: Result<Parsed<'_>, &str>) {
        let raw: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let found = Arguments::parse(&raw, &["--full"], &["--dir"], "x");
        match expected {
            Ok((words, switches, dir)) => {
                let found = found.unwrap();
                assert_eq!(found.words, words, "{line}");
                assert_eq!(found.switches, switches, "{line}");
                assert_eq!(found.value("--dir"), dir, "{line}");
            }
            Err(problem) => assert_eq!(found.unwrap_err().to_string(), problem, "{line}"),
        }
    }

    #[test]
    fn arguments_are_words_switches_and_values() {
        check("", Ok((&[], &[], None)));
        check("up --full --dir a", Ok((&["up"], &["--full"], Some("a"))));
        check("--dir=a=b up", Ok((&["up"], &[], Some("a=b"))));
        check("--dir a --dir b", Ok((&[], &[], Some("b"))));
        check("up --dir", Err("--dir needs a value"));
        check("up --ful", Err("unknown option --ful"));
        check("--full=1", Err("unknown option --full=1"));
    }
}
