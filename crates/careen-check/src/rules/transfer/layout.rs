//! Where a COPY or ADD puts what it takes, and which of its files a command reads.

use careen_model::ChangeFacts;
use careen_syntax::dockerfile::{Given, Instruction, Transfer, clean_path};
use careen_syntax::ignore::glob::{Glob, has_wildcard};

use crate::reads::reads;
use crate::steps::{Placed, Reading};
use crate::{Facts, ParsedDockerfile};

/// One copying instruction whose paths are all known.
pub(super) struct Layout<'a> {
    pub(super) transfer: Transfer<'a>,
    /// The folder in which relative paths begin.
    folder: String,
    /// Absolute and clean.
    destination: String,
    /// What it copies keeps its name there.
    into_folder: bool,
    /// Sources relative to the context, clean; patterns as they are.
    sources: Vec<String>,
}

/// Paths that an instruction writes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// This path and all below it.
    Below(String),
    /// What matches, right in the folder.
    Matching { folder: String, pattern: String },
}

/// What a read file has to do with a copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It comes from elsewhere.
    Elsewhere,
    /// It is this file of the context.
    File(String),
    /// It cannot be told apart from the rest.
    Tied,
}

impl<'a> Layout<'a> {
    /// `None`: variables, heredocs, `--parents`, or no destination.
    pub(super) fn of(reading: &Reading<'_>, step: &Placed<'a>) -> Option<Layout<'a>> {
        let instruction: &'a Instruction = step.instruction;
        let transfer = instruction.transfer()?;
        let is_plain = instruction.heredocs.is_empty() && !transfer.parents;
        if !is_plain || instruction.logical().text().contains(&b'$') {
            return None;
        }
        let written = transfer.destination?.text.as_str();
        let folder = reading.meaning.workdir_at(step.item);
        let destination = absolute(&folder, written);
        let sources: Vec<String> =
            transfer.sources.iter().map(|word| in_context(&word.text)).collect();
        let is_many = sources.len() > 1 || sources.iter().any(|source| has_wildcard(source));
        let into_folder = is_many || written.ends_with('/') || written.ends_with('.');
        Some(Layout { transfer, folder, destination, into_folder, sources })
    }

    pub(super) fn destination(&self) -> &str {
        &self.destination
    }

    pub(super) fn sources(&self) -> &[String] {
        &self.sources
    }

    pub(super) fn is_from_context(&self) -> bool {
        self.transfer.from.is_none()
    }

    /// What it writes, as narrowly as the known files allow.
    pub(super) fn regions(&self, changes: &ChangeFacts) -> Vec<Region> {
        let regions = self.sources.iter().map(|source| {
            let (parent, name) = source.rsplit_once('/').unwrap_or(("", source));
            let is_here = self.is_from_context() && self.into_folder;
            if is_here && changes.files.contains(source) {
                return Region::Below(join(&self.destination, name));
            }
            // What a pattern with a dot matches are files by custom; folders would be unpacked.
            if is_here && has_wildcard(name) && name.contains('.') && !has_wildcard(parent) {
                let (folder, pattern) = (self.destination.clone(), name.to_owned());
                return Region::Matching { folder, pattern };
            }
            Region::Below(self.destination.clone())
        });
        regions.collect()
    }

    /// Where the file comes from that a command reads under this name.
    pub(super) fn find(&self, read: &str, changes: &ChangeFacts) -> Read {
        let wanted = absolute(&self.folder, read);
        for source in &self.sources {
            let name = source.rsplit('/').next().unwrap_or(source);
            if has_wildcard(source) {
                let rest = wanted.strip_prefix(self.destination.trim_end_matches('/'));
                let rest = rest.and_then(|rest| rest.strip_prefix('/'));
                let fits = |rest: &str| Glob::new(name.as_bytes()).matches(rest.as_bytes());
                if rest.is_some_and(|rest| fits(rest).unwrap_or(true)) {
                    return Read::Tied;
                }
                continue;
            }
            if changes.files.contains(source) {
                let at = if self.into_folder {
                    join(&self.destination, name)
                } else {
                    self.destination.clone()
                };
                if at == wanted {
                    return Read::File(source.clone());
                }
                continue;
            }
            let below = wanted.strip_prefix(self.destination.trim_end_matches('/'));
            let Some(rest) = below.and_then(|rest| rest.strip_prefix('/')) else { continue };
            let path = if source == "." { rest.to_owned() } else { format!("{source}/{rest}") };
            if changes.files.contains(&path) {
                return Read::File(path);
            }
        }
        Read::Elsewhere
    }
}

impl Region {
    /// Some path may be in both.
    pub(super) fn meets(&self, other: &Region) -> bool {
        match (self, other) {
            (Region::Below(a), Region::Below(b)) => is_below(a, b) || is_below(b, a),
            (Region::Below(path), Region::Matching { folder, pattern })
            | (Region::Matching { folder, pattern }, Region::Below(path)) => {
                let rest = path.strip_prefix(folder.trim_end_matches('/'));
                match rest.and_then(|rest| rest.strip_prefix('/')) {
                    Some(rest) => {
                        let name = rest.split('/').next().unwrap_or(rest);
                        Glob::new(pattern.as_bytes()).matches(name.as_bytes()).unwrap_or(true)
                    }
                    None => is_below(folder, path),
                }
            }
            (Region::Matching { folder: a, .. }, Region::Matching { folder: b, .. }) => a == b,
        }
    }
}

/// `path` is `folder` or lies in it.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn absolute(folder: &str, path: &str) -> String {
    clean_path(&join(folder, path))
}

fn join(folder: &str, path: &str) -> String {
    match path.strip_prefix('/') {
        Some(_) => path.to_owned(),
        None => format!("{}/{path}", folder.trim_end_matches('/')),
    }
}

fn in_context(path: &str) -> String {
    let clean = clean_path(&format!("/{path}"));
    match clean.trim_start_matches('/') {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }
}

/// Paths of the context of which the rules want to know whether they are files: the sources of
/// copies, and what commands read below them.
pub fn files_to_look_for(file: &ParsedDockerfile, given: &Given) -> Vec<String> {
    let reading = Reading::of(file, given);
    let commands = reading.runs.iter().flat_map(crate::steps::Run::commands);
    let names: Vec<String> = commands.filter_map(reads).flatten().collect();
    let mut asked = Vec::new();
    for source in reading.meaning.context_sources(None) {
        let path = source.path;
        if has_wildcard(&path) || !source.unknown.is_empty() {
            continue;
        }
        for name in &names {
            // `/app/a/b` may be `a/b` or `b` below the source: wherever that is copied to.
            let name = clean_path(name);
            let mut rest = name.trim_start_matches('/');
            loop {
                asked.push(if path == "." { rest.to_owned() } else { format!("{path}/{rest}") });
                let Some((_, shorter)) = rest.split_once('/') else { break };
                rest = shorter;
            }
        }
        asked.push(path);
    }
    asked.sort_unstable();
    asked.dedup();
    asked
}

/// What is known of commits; the rules that need it are asked only then.
pub(super) fn known(facts: &Facts) -> Option<&ChangeFacts> {
    facts.changes.known()
}

#[cfg(test)]
mod tests {
    use careen_syntax::dockerfile::parse;

    use super::*;

    #[test]
    fn where_copies_go_and_where_files_come_from() {
        let check = |line: &str, read: &str, regions: &str, expected: Read| {
            let file = parse(format!("FROM a\nWORKDIR /app\n{line}\n"));
            let file = ParsedDockerfile { path: "Dockerfile".into(), file };
            let reading = Reading::of(&file, &Given::default());
            let files = ["package.json", "web/package.json"].map(str::to_owned).into();
            let changes = ChangeFacts { files, ..ChangeFacts::default() };
            let layout = Layout::of(&reading, &reading.steps[2]).unwrap();
            assert_eq!(format!("{:?}", layout.regions(&changes)), regions, "{line}");
            assert_eq!(layout.find(read, &changes), expected, "{line} {read}");
        };
        let file = |path: &str| Read::File(path.to_owned());
        let all = "[Below(\"/app\")]";
        check("COPY . .", "package.json", all, file("package.json"));
        check("COPY . .", "yarn.lock", all, Read::Elsewhere);
        check("COPY web ./", "/app/package.json", all, file("web/package.json"));
        check("COPY web /srv", "package.json", "[Below(\"/srv\")]", Read::Elsewhere);
        let one = "[Below(\"/app/package.json\")]";
        check("COPY package.json ./", "package.json", one, file("package.json"));
        let glob = "[Matching { folder: \"/app\", pattern: \"package*.json\" }]";
        check("COPY package*.json ./", "package.json", glob, Read::Tied);
        check("COPY package*.json ./", "go.mod", glob, Read::Elsewhere);
    }

    #[test]
    fn regions_meet() {
        let below = |path: &str| Region::Below(path.to_owned());
        let glob = Region::Matching { folder: "/app".into(), pattern: "package*.json".into() };
        let check = |a: &Region, b: &Region, expected| {
            assert_eq!((a.meets(b), b.meets(a)), (expected, expected), "{a:?} {b:?}");
        };
        check(&below("/app"), &below("/app/src"), true);
        check(&below("/app"), &below("/application"), false);
        check(&below("/"), &below("/x"), true);
        check(&below("/app/src"), &glob, false);
        check(&below("/app/package.json"), &glob, true);
        check(&below("/app"), &glob, true);
        check(&below("/other"), &glob, false);
    }

    #[test]
    fn files_are_asked_for_by_all_their_places() {
        let text = "FROM a\nCOPY web /srv\nRUN pip install -r /srv/req/a.txt\n";
        let file = ParsedDockerfile { path: "Dockerfile".into(), file: parse(text) };
        let asked = files_to_look_for(&file, &Given::default());
        assert_eq!(asked, ["web", "web/a.txt", "web/req/a.txt", "web/srv/req/a.txt"]);
    }
}
