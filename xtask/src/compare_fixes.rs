//! `cargo xtask compare-fixes`: the safe fixes of careen and of its peers, all applied to copies of
//! real Dockerfiles, and what became of the files.
//!
//! The parser that judges is careen's own, which agrees with BuildKit's on all of its test files.

use std::fs;
use std::path::{Path, PathBuf};

use careen_syntax::dockerfile::{Given, Item, parse};

use crate::bench::everything;
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::home;
use crate::process::Call;

const USAGE: &str = "cargo xtask compare-fixes";

/// Files of one call: a program that stops at one is asked again about each file of its group.
const GROUP: usize = 40;

/// A program that changes Dockerfiles in place.
struct Tool {
    name: String,
    program: PathBuf,
    words: &'static [&'static str],
    /// Exit codes beside 0 that mean that it did its work.
    good: &'static [i32],
}

/// What became of the files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    changed: usize,
    /// The program failed, whatever it left behind.
    refused: usize,
    /// BuildKit would read the file before and would not after.
    broken: usize,
    /// A second run changed the file once more.
    unsteady: usize,
    /// ENV or LABEL set another value than before.
    revalued: usize,
}

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    Arguments::parse(raw, &[], &[], USAGE)?;
    let (from, files) = everything()?;
    let sources = files.iter().map(|path| fs::read(path).map_err(Failure::file("read", path)));
    let sources: Vec<Vec<u8>> = sources.collect::<Result<_, _>>()?;
    let folder = home::target().join("compare-fixes");
    let careen = Tool {
        name: "careen lint --fix".to_owned(),
        program: build()?,
        words: &["lint", "--fix", "--no-journal", "--isolated", "--fail-on", "never"],
        good: &[3],
    };
    let mut rows = Vec::new();
    for tool in [Some(careen), tally(&folder)?, dockerfmt(&folder)?].into_iter().flatten() {
        let tally = tool.measure(&sources, &folder)?;
        rows.push((tool.name, tally));
    }
    println!("\n{} files from {from}\n\n{}", sources.len(), table(&rows));
    Ok(())
}

impl Tool {
    fn measure(&self, sources: &[Vec<u8>], folder: &Path) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        let work = folder.join("work");
        for group in sources.chunks(GROUP) {
            let once = self.fix(group, &work)?;
            let after: Vec<Vec<u8>> = once.iter().map(|(after, _)| after.clone()).collect();
            let twice = self.fix(&after, &work)?;
            for ((before, (after, did)), (again, _)) in group.iter().zip(&once).zip(&twice) {
                tally.add(before, after, again, *did);
            }
        }
        home::remove(&work)?;
        Ok(tally)
    }

    /// The files after a run, and whether the program did its work.
    fn fix(&self, sources: &[Vec<u8>], work: &Path) -> Result<Vec<(Vec<u8>, bool)>, Failure> {
        home::remove(work)?;
        let mut paths = Vec::new();
        for (n, source) in sources.iter().enumerate() {
            let path = work.join(n.to_string()).join("Dockerfile");
            let folder = work.join(n.to_string());
            fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
            fs::write(&path, source).map_err(Failure::file("write", &path))?;
            paths.push(path);
        }
        let mut did = vec![true; paths.len()];
        if !self.call(&paths)? {
            for ((path, source), did) in paths.iter().zip(sources).zip(&mut did) {
                fs::write(path, source).map_err(Failure::file("write", path))?;
                *did = self.call(std::slice::from_ref(path))?;
            }
        }
        let read = |path: &PathBuf| fs::read(path).map_err(Failure::file("read", path));
        paths.iter().zip(did).map(|(path, did)| Ok((read(path)?, did))).collect()
    }

    fn call(&self, paths: &[PathBuf]) -> Result<bool, Failure> {
        let call = Call::new(&self.program).args(self.words).args(paths);
        let line = format!("{} …", self.program.display());
        let output = call.into_command().output();
        let status = output.map_err(|source| Failure::NotStarted { line, source })?.status;
        Ok(status.success() || status.code().is_some_and(|code| self.good.contains(&code)))
    }
}

impl Tally {
    fn add(&mut self, before: &[u8], after: &[u8], again: &[u8], did: bool) {
        let is_read = |source: &[u8]| parse(source).refusal().is_none();
        self.refused += usize::from(!did);
        self.changed += usize::from(before != after);
        self.unsteady += usize::from(after != again);
        if is_read(before) && !is_read(after) {
            self.broken += 1;
        } else if pairs(before) != pairs(after) {
            self.revalued += 1;
        }
    }
}

/// Every name and value that ENV and LABEL set, variables expanded, in the order of names: what
/// moves and still says the same is no difference.
fn pairs(source: &[u8]) -> Vec<(String, String)> {
    let file = parse(source);
    let meaning = file.meaning(&Given::default());
    let mut found = Vec::new();
    for (item, kind) in file.items.iter().enumerate() {
        let Some(instruction) = Item::instruction(kind) else { continue };
        for pair in instruction.pairs() {
            let read = |text: &str| meaning.expand(item, text).text;
            found.push((read(&pair.name.text), read(&pair.value.text)));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn table(rows: &[(String, Tally)]) -> String {
    let head = "| applied to all files | changed | no longer parse | second run changes again | \
                other values in ENV or LABEL | program failed |\n|---|---|---|---|---|---|\n";
    let row = |(name, tally): &(String, Tally)| {
        let Tally { changed, refused, broken, unsteady, revalued } = tally;
        format!("| {name} | {changed} | {broken} | {unsteady} | {revalued} | {refused} |\n")
    };
    rows.iter().fold(head.to_owned(), |text, one| text + &row(one))
}

/// Times do not count here, so the build that tests use will do.
fn build() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Call::new(cargo).args(["build", "--package", "careen"]).folder(&home::workspace()).run()?;
    Ok(home::target().join("debug/careen"))
}

/// tally's safe fixes, with every check that needs no network.
fn tally(folder: &Path) -> Result<Option<Tool>, Failure> {
    let home = folder.join("tally");
    let program = home.join("bin/tally");
    if !program.exists() {
        fs::create_dir_all(folder).map_err(Failure::file("make", folder))?;
        let made = Call::new("python3").args(["-m", "venv"]).arg(&home).run_quietly();
        let install = ["-m", "pip", "install", "--quiet", "tally-cli"];
        let installed = || Call::new(home.join("bin/python")).args(install).run_quietly();
        if let Err(err) = made.and_then(|()| installed()) {
            println!("tally is left out: {err}");
            return Ok(None);
        }
    }
    let version = Call::new(&program).arg("--version").read()?;
    let version = version.split_whitespace().nth(2).unwrap_or("of no version").to_owned();
    let words: &[&str] = &["lint", "--fix", "--slow-checks=off", "--fail-level", "none"];
    Ok(Some(Tool { name: format!("tally {version} --fix"), program, words, good: &[] }))
}

/// dockerfmt, which formats and so is held to the same: a file that says what it said.
fn dockerfmt(folder: &Path) -> Result<Option<Tool>, Failure> {
    let home = folder.join("dockerfmt");
    let program = home.join("node_modules/.bin/dockerfmt");
    if !program.exists() {
        fs::create_dir_all(&home).map_err(Failure::file("make", &home))?;
        let call = Call::new("npm").args(["install", "--silent", "--prefix"]).arg(&home);
        if let Err(err) = call.arg("@reteps/dockerfmt").run_quietly() {
            println!("dockerfmt is left out: {err}");
            return Ok(None);
        }
    }
    let version = Call::new(&program).arg("version").read()?;
    let version = version.split_whitespace().last().unwrap_or("of no version").to_owned();
    Ok(Some(Tool { name: format!("dockerfmt {version} -w"), program, words: &["-w"], good: &[] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_file() {
        let check = |before: &str, after: &str, again: &str, wanted: Tally| {
            let mut tally = Tally::default();
            tally.add(before.as_bytes(), after.as_bytes(), again.as_bytes(), true);
            assert_eq!(tally, wanted, "{before}");
        };
        let changed = || Tally { changed: 1, ..Tally::default() };
        let old = "FROM a\nENV a b c\n";
        check(old, old, old, Tally::default());
        let right = "FROM a\nENV a=\"b c\"\n";
        check(old, right, right, changed());
        let wrong = "FROM a\nENV a=b\n";
        check(old, wrong, wrong, Tally { revalued: 1, ..changed() });
        let broken = "FROM a\nENV a=b c\n";
        check(old, broken, broken, Tally { broken: 1, ..changed() });
        check(old, wrong, right, Tally { revalued: 1, unsteady: 1, ..changed() });
    }
}
