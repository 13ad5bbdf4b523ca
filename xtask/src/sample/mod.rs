//! `cargo xtask sample`: examples/hoops with the weight of a project that has lived.
//!
//! The copy is grown beside its place and renamed at the end, so that an interrupted run leaves
//! no half sample. The content depends on nothing but this code.

mod history;
mod lock;
mod weight;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use careen_model::units;

use crate::cli::Arguments;
use crate::failure::Failure;
use crate::home;
use crate::process::Call;

const USAGE: &str = "sample up|down [--small|--full] [--dir DIR]";

/// Marks a folder as grown here; it lies in `.git`, where no build sees it.
const MARK: &str = ".git/careen-sample";

/// A secret that opens nothing, in the file where real ones are found.
const ENVIRONMENT: &str = "\
HOOPS_UPLOAD_URL=https://uploads.invalid/api
HOOPS_UPLOAD_TOKEN=not-a-real-secret-5f1d7c2e9b
";

/// How much the sample weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// About 3,000 entries and 60 MB: quick enough for CI.
    Small,
    /// About 180,000 entries and 1.5 GB: what the first user's project was like.
    Full,
}

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &["--small", "--full"], &["--dir"], USAGE)?;
    let place = match arguments.value("--dir") {
        Some(folder) => std::path::absolute(folder).map_err(Failure::file("find", folder))?,
        None => home::target().join("hoops"),
    };
    let size = if arguments.has("--full") { Size::Full } else { Size::Small };
    match arguments.words.first().map(String::as_str) {
        Some("up") => up(&place, size),
        Some("down") => clear(&place),
        _ => Err(Failure::Usage { problem: "up or down?".to_owned(), usage: USAGE }),
    }
}

/// Grows a fresh sample at `place`; an older one there is replaced.
pub(crate) fn up(place: &Path, size: Size) -> Result<(), Failure> {
    let start = Instant::now();
    clear(place)?;
    let partial = beside(place, "partial");
    home::remove(&partial)?;
    copy_sources(&home::workspace().join("examples/hoops"), &partial)?;
    match lock::lock_file(&partial) {
        Ok(text) => home::write(&partial.join("uv.lock"), &text)?,
        Err(failure) => eprintln!(
            "warning: the sample has no uv.lock, so its build will stop at `uv sync`: {failure}"
        ),
    }
    history::grow(&partial, size)?;
    home::write(&partial.join(MARK), "grown by cargo xtask sample\n")?;
    home::write(&partial.join(".env"), ENVIRONMENT)?;
    weight::grow(&partial, size)?;
    home::rename(&partial, place)?;
    let (entries, bytes) = measure(place);
    eprintln!(
        "{}: {} entries, {}, in {}",
        place.display(),
        units::count(entries),
        units::size(bytes),
        units::time(start.elapsed())
    );
    println!("{}", place.display());
    Ok(())
}

/// Removes a sample, and refuses to remove anything else.
fn clear(place: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(place).is_err() {
        return Ok(());
    }
    let is_empty = fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none());
    if !is_empty && !place.join(MARK).exists() {
        return Err(Failure::NotOurs { path: place.to_path_buf() });
    }
    // Renamed first: an interrupted removal leaves rubbish beside, not a sample with holes.
    let old = beside(place, "old");
    home::remove(&old)?;
    home::rename(place, &old)?;
    home::remove(&old)
}

/// A neighbour of `place` with a name that nobody else uses.
fn beside(place: &Path, what: &str) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.careen-{what}"))
}

/// Copies what git tracks, or would track: a working copy may hold caches of its own.
fn copy_sources(from: &Path, to: &Path) -> Result<(), Failure> {
    let list = Call::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .folder(from)
        .read()?;
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (from.join(name), to.join(name));
        home::create(target.parent().expect("a file of the sample lies in a folder"))?;
        fs::copy(&source, &target).map_err(Failure::file("copy", source))?;
    }
    Ok(())
}

/// Entries and bytes below a folder, links not followed.
fn measure(folder: &Path) -> (u64, u64) {
    let Ok(entries) = fs::read_dir(folder) else { return (0, 0) };
    let mut sum = (0, 0);
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let below = if metadata.is_dir() { measure(&entry.path()) } else { (0, metadata.len()) };
        sum = (sum.0 + 1 + below.0, sum.1 + below.1);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_grown_sample_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("hoops");
        clear(&place).unwrap();
        fs::create_dir_all(place.join(".git")).unwrap();
        assert!(matches!(clear(&place), Err(Failure::NotOurs { .. })));
        fs::write(place.join(MARK), "").unwrap();
        clear(&place).unwrap();
        assert!(!place.exists());
    }
}
