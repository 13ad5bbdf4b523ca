//! `# check=skip=A,B;experimental=C;error=true`, at the top of a file or above an instruction.
//!
//! The form is that of `frontend/dockerfile/linter/linter.go`.

use careen_syntax::dockerfile::{Dockerfile, Given, quote};

/// The build argument that takes the place of the line at the top.
const ARGUMENT: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// What the author of a file asks of BuildKit's checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CheckOptions {
    pub(crate) skip: Names,
    pub(crate) experimental: Names,
    /// Any warning fails the build.
    pub(crate) error: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Names {
    All,
    These(Vec<String>),
}

impl Default for Names {
    fn default() -> Names {
        Names::These(Vec::new())
    }
}

impl Names {
    pub(crate) fn holds(&self, name: &str) -> bool {
        match self {
            Names::All => true,
            Names::These(names) => names.iter().any(|known| known == name),
        }
    }

    fn read(text: &str) -> Names {
        match text.trim() {
            "all" => Names::All,
            listed => Names::These(listed.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }
}

impl CheckOptions {
    /// Those in force for a file: of the build argument when it is given, else of the line at the
    /// top. The error is BuildKit's.
    pub(crate) fn of(file: &Dockerfile, given: &Given) -> Result<CheckOptions, String> {
        let argument = given.arguments.iter().rfind(|(name, _)| name == ARGUMENT);
        if let Some((_, value)) = argument {
            let read = CheckOptions::read(value);
            return read.map_err(|err| format!("failed to parse build-arg:{ARGUMENT}: {err}"));
        }
        let Some(check) = file.check() else { return Ok(CheckOptions::default()) };
        CheckOptions::read(&check.value)
            .map_err(|err| format!("failed to parse check options: {err}"))
    }

    /// Reads what stands after `check=`.
    pub(crate) fn read(text: &str) -> Result<CheckOptions, String> {
        let mut options = CheckOptions::default();
        let text = text.trim();
        if text.is_empty() {
            return Ok(options);
        }
        for part in text.splitn(3, ';') {
            let invalid =
                |text: &str| Err(format!("invalid check option {}", quote(text.as_bytes())));
            let Some((key, value)) = part.split_once('=') else { return invalid(part) };
            match key.trim() {
                "skip" => options.skip = Names::read(value),
                "experimental" => options.experimental = Names::read(value),
                "error" => options.error = boolean(part, value.trim())?,
                other => return invalid(other),
            }
        }
        Ok(options)
    }
}

/// Go's `strconv.ParseBool`.
fn boolean(part: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!(
            "failed to parse check option {}: strconv.ParseBool: parsing {}: invalid syntax",
            quote(part.as_bytes()),
            quote(value.as_bytes())
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use careen_syntax::dockerfile::parse;

    #[test]
    fn options_are_read_as_buildkit_reads_them() {
        let all = CheckOptions::read("skip=all; error = true ;experimental=A, B").unwrap();
        assert!(all.skip.holds("anything") && all.error);
        assert!(all.experimental.holds("B") && !all.experimental.holds("C"));
        assert_eq!(CheckOptions::read(" ").unwrap(), CheckOptions::default());
        let refused = |text: &str| CheckOptions::read(text).unwrap_err();
        assert_eq!(refused("skip"), "invalid check option \"skip\"");
        assert_eq!(refused("ship=A"), "invalid check option \"ship\"");
        assert_eq!(
            refused("error=maybe"),
            "failed to parse check option \"error=maybe\": strconv.ParseBool: parsing \"maybe\": \
             invalid syntax"
        );
    }

    #[test]
    fn the_build_argument_takes_the_place_of_the_line() {
        let file = parse("# check=skip=all\nFROM scratch\n");
        let mut given = Given::default();
        assert!(CheckOptions::of(&file, &given).unwrap().skip.holds("A"));
        given.arguments.push((ARGUMENT.to_owned(), "error=true".to_owned()));
        let options = CheckOptions::of(&file, &given).unwrap();
        assert!(options.error && !options.skip.holds("A"));
    }
}
