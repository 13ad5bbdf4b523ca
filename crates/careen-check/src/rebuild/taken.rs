//! What an instruction takes from the context, and whether a commit changed some of it.

use careen_syntax::ignore::Matcher;
use careen_syntax::ignore::glob::{Glob, has_wildcard};

/// One source of COPY, ADD or a bind mount.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Parts of the path; none: all of the context.
    parts: Vec<Part>,
    /// `--exclude`: relative to the source.
    except: Option<Matcher>,
}

#[derive(Debug)]
enum Part {
    Name(Vec<u8>),
    Pattern(Glob),
}

impl Taken {
    /// `path` is relative to the context and clean; `.` is all of it.
    pub(crate) fn of(path: &str, excludes: &[String]) -> Taken {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts = parts.map(|part| {
            if has_wildcard(part) {
                Part::Pattern(Glob::new(part.as_bytes()))
            } else {
                Part::Name(part.as_bytes().to_owned())
            }
        });
        // A pattern that BuildKit refuses fails the build before it leaves anything out.
        let except = (!excludes.is_empty()).then(|| Matcher::new(excludes).ok()).flatten();
        Taken { parts: parts.collect(), except }
    }

    /// Some of these paths are taken.
    pub(crate) fn is_in(&self, paths: &[Vec<u8>]) -> bool {
        paths.iter().any(|path| self.takes(path))
    }

    fn takes(&self, path: &[u8]) -> bool {
        let mut rest = path.split(|byte| *byte == b'/');
        for part in &self.parts {
            let Some(name) = rest.next() else { return false };
            let is_it = match part {
                Part::Name(wanted) => wanted == name,
                Part::Pattern(glob) => glob.matches(name).unwrap_or(false),
            };
            if !is_it {
                return false;
            }
        }
        let Some(except) = &self.except else { return true };
        let below: Vec<&[u8]> = rest.collect();
        !except.is_match(&below.join(&b'/')).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        let check = |source: &str, excludes: &[&str], path: &str, expected: bool| {
            let excludes: Vec<String> = excludes.iter().map(|one| (*one).to_owned()).collect();
            let taken = Taken::of(source, &excludes);
            assert_eq!(taken.is_in(&[path.as_bytes().to_owned()]), expected, "{source} {path}");
        };
        check(".", &[], "a/b", true);
        check("a", &[], "a/b", true);
        check("a", &[], "ab", false);
        check("a/b", &[], "a", false);
        check("package*.json", &[], "package-lock.json", true);
        check("package*.json", &[], "web/package.json", false);
        check("s*", &[], "src/a.py", true);
        check(".", &["*.md"], "a.md", false);
        check("docs", &["*.md"], "docs/a.md", false);
        check("docs", &["*.md"], "docs/a.rst", true);
    }
}
