//! `cargo xtask bench context`: what the walk costs beside a bare loop, find, du and a client.
//!
//! Processor seconds are the measure: they hardly change with the load of the machine. The cold
//! part is the exception; it waits for a disk, and so it is wall time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::goals::{self, Goal};
use super::series::{self, Contestant, Series, race, ratio};
use super::{number, peak, peers, runs, trees};
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::{Call, exists};
use crate::{demo, engine, home};

/// Files of the plain tree.
const FILES: usize = 200_000;
/// A client sends a tenth of the files to an engine, for that is ten times the price.
const FEWER_SENT: usize = 10;
/// The large tree has a million entries when the plain one has 200,000 files.
const LARGER: usize = 5;
/// Bytes of the image of the cold part: room for the plain tree in blocks of 4 KiB, and inodes.
const IMAGE_SIZE: &str = "2G";
const TAG: &str = "careen-bench:context";

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.has("--clean") {
        return home::remove(&trees::place());
    }
    let runs = runs(arguments)?;
    let files = number(arguments, "--files", FILES)?;
    let careen = demo::build_careen()?;
    let bench = Bench { careen, bare_loop: build_bare_loop()?, runs };
    let plain = trees::plain(files)?;
    let (full, mut found) = bench.full(&plain)?;
    found.extend(bench.patterns(&plain, &full)?);
    found.extend(bench.pruned(&trees::heavy()?)?);
    found.extend(bench.cold(&plain)?);
    found.extend(bench.large(&plain, &trees::large(files * LARGER)?)?);
    found.extend(bench.client(files / FEWER_SENT)?);
    goals::show(&found);
    Ok(())
}

struct Bench {
    careen: PathBuf,
    bare_loop: PathBuf,
    runs: usize,
}

/// The example of careen-host that is as little as a scan can be, optimized like careen.
fn build_bare_loop() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--package", "careen-host", "--example", "bare_loop"];
    Call::new(cargo).args(arguments).folder(&home::workspace()).run()?;
    Ok(home::target().join("release/examples/bare_loop"))
}

impl Bench {
    fn walk(&self, root: &Path) -> Call {
        Call::new(&self.careen).args(["debug", "walk"]).arg(root)
    }

    fn walk_ignoring(&self, root: &Path, ignore: &Path) -> Call {
        self.walk(root).arg("--ignore").arg(ignore)
    }

    /// Every entry asked for its size; nothing excluded.
    fn full(&self, root: &Path) -> Result<(Series, Vec<Goal>), Failure> {
        println!("\nthe plain tree: {}", self.walk(root).read()?.trim());
        let mut all = vec![
            quiet("careen", || self.walk(root)),
            quiet("careen, one thread", || self.walk(root).args(["--threads", "1"])),
            quiet("getdents64 + fstatat", || Call::new(&self.bare_loop).arg(root)),
            quiet("find -printf %s", || find(root)),
            quiet("du -s", || Call::new("du").arg("-s").arg(root)),
        ];
        let found = race(&mut all, self.runs)?;
        series::show("full scan, warm, processor time", &found, series::cpu);
        series::show("full scan, warm, wall time", &found, series::wall);
        // The loop has one thread; what further ones cost the kernel is shown and no goal.
        let measured = ratio(found[1].cpu(), found[2].cpu());
        let goal = Goal::at_most("full scan, one thread, of a bare loop", measured, 1.05, "×");
        println!("  in its own number of threads {:.2}×", ratio(found[0].cpu(), found[2].cpu()));
        Ok((found[0].clone(), vec![goal]))
    }

    /// 102 patterns that exclude nothing here: the price of matching alone.
    fn patterns(&self, root: &Path, full: &Series) -> Result<Vec<Goal>, Failure> {
        let ignore = home::workspace().join("benches/102.dockerignore");
        let mut all = vec![
            quiet("careen, no pattern", || self.walk(root)),
            quiet("careen, 102 patterns", || self.walk_ignoring(root, &ignore)),
        ];
        let found = race(&mut all, self.runs)?;
        series::show("with 102 patterns, warm, processor time", &found, series::cpu);
        drop(all);
        println!("  ({} without patterns in the first table)", series::milliseconds(full.cpu()));
        let measured = ratio(found[1].cpu(), found[0].cpu());
        Ok(vec![Goal::at_most("102 patterns, processor time of none", measured, 1.2, "×")])
    }

    /// A good ignore file on a heavy project: start-up included.
    fn pruned(&self, root: &Path) -> Result<Vec<Goal>, Failure> {
        let ignore = trees::place().join("heavy.dockerignore");
        home::write(&ignore, trees::HEAVY_IGNORE)?;
        println!("\nthe heavy tree: {}", self.walk(root).read()?.trim());
        println!("its good context: {}", self.walk_ignoring(root, &ignore).read()?.trim());
        let mut all = vec![
            quiet("careen, good ignore file", || self.walk_ignoring(root, &ignore)),
            quiet("careen, no ignore file", || self.walk(root)),
            quiet("du -s", || Call::new("du").arg("-s").arg(root)),
        ];
        let found = race(&mut all, self.runs)?;
        series::show("pruned, warm, wall time from start to exit", &found, series::wall);
        let measured = found[0].wall().as_secs_f64() * 1e3;
        Ok(vec![Goal::at_most("pruned tree, from start to exit", measured, 5.0, " ms")])
    }

    /// Names and sizes from a disk, on a file system that was just mounted.
    fn cold(&self, plain: &Path) -> Result<Vec<Goal>, Failure> {
        let tools = ["mount", "umount", "mkfs.ext4"];
        if !rustix::process::getuid().is_root() || !tools.iter().all(|tool| exists(tool)) {
            println!("\ncold: skipped, it needs root, mount and mkfs.ext4");
            return Ok(vec![]);
        }
        let disk = match Disk::with(plain) {
            Ok(disk) => disk,
            Err(failure) => {
                println!("\ncold: skipped: {failure}");
                return Ok(vec![]);
            }
        };
        let tree = disk.point.join("tree");
        let mut times: [Vec<Duration>; 2] = Default::default();
        let mut names = Vec::new();
        for _ in 0..3 {
            let calls = [("careen", self.walk(&tree)), ("find -printf %s", find(&tree))];
            names = calls.iter().map(|(name, _)| *name).collect();
            for ((_, call), times) in calls.into_iter().zip(&mut times) {
                disk.remount()?;
                let began = std::time::Instant::now();
                call.read()?;
                times.push(began.elapsed());
            }
        }
        println!("\nfull scan, cold (ext4 in a file, mounted anew), wall time, median of 3");
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        for (name, median) in names.iter().zip(medians) {
            println!(
                "  {name:16} {:>5.2}×  {}",
                ratio(median, medians[0]),
                series::milliseconds(median)
            );
        }
        let measured = ratio(medians[1], medians[0]);
        Ok(vec![Goal::at_least("cold scan, wall time of find", measured, 2.0, "×")])
    }

    /// A million entries: what they need in memory, and whether time grows with their number alone.
    fn large(&self, plain: &Path, large: &Path) -> Result<Vec<Goal>, Failure> {
        let careen = self.careen.display().to_string();
        let words = |root: &Path| {
            let root = root.display().to_string();
            [careen.clone(), "debug".to_owned(), "walk".to_owned(), root]
        };
        let (peak, told) = peak::of(&words(large))?;
        println!("\nthe large tree: {}", told.trim());
        let (entries, fewer) = (entries(&told), entries(&self.walk(plain).read()?));
        let per_entry = peak / entries.max(1);
        println!(
            "  memory of the whole process at most: {:.1} MB, {per_entry} bytes an entry",
            megabytes(peak)
        );
        let mut all =
            vec![quiet("large", || self.walk(large)), quiet("plain", || self.walk(plain))];
        let found = race(&mut all, self.runs)?;
        series::show("a larger tree, warm, processor time", &found, series::cpu);
        #[expect(clippy::cast_precision_loss, reason = "counts of files fit in 53 bits")]
        let each = |series: &Series, n: u64| series.cpu().as_secs_f64() * 1e6 / n.max(1) as f64;
        let (many, few) = (each(&found[0], entries), each(&found[1], fewer));
        println!("  {many:.2} µs an entry of {entries}, {few:.2} µs an entry of {fewer}");
        let what = format!("{entries} entries in memory");
        Ok(vec![
            Goal::at_most(&what, megabytes(peak), 150.0, " MB"),
            Goal::at_most("time an entry, large beside plain", many / few, 1.2, "×"),
        ])
    }

    /// The walk of BuildKit's own client, as far as it can be had without its source: a build that
    /// sends nothing but what it lists, less a build of an empty folder.
    fn client(&self, files: usize) -> Result<Vec<Goal>, Failure> {
        let Some(address) = engine::at_hand(None)?.into_iter().next() else {
            println!("\nclient: skipped, no engine");
            return Ok(vec![]);
        };
        let (peers, _) = peers::find()?;
        let Some(peer) = peers.last() else {
            println!("\nclient: skipped, no docker client with BuildKit");
            return Ok(vec![]);
        };
        let root = trees::plain(files.max(1))?;
        let empty = trees::place().join("empty");
        home::create(&empty)?;
        let dockerfile = trees::place().join("copy.Dockerfile");
        home::write(&dockerfile, "FROM scratch\nCOPY . /context/\n")?;
        let host = address.to_string();
        let build = |context: &Path| peer.build(&host, &dockerfile, context, TAG);
        let mut all = vec![
            quiet("careen's walk", || self.walk(&root)),
            quiet("client, the tree", || build(&root)),
            quiet("client, empty folder", || build(&empty)),
        ];
        let found = race(&mut all, self.runs)?;
        let title = format!("{} unchanged on {host}, processor time of the client", peer.name);
        series::show(&title, &found, series::cpu);
        drop(all);
        let own = found[1].cpu().saturating_sub(found[2].cpu());
        println!(
            "  the client's own walk and listing: {}, {:.1}× careen's walk with its start",
            series::milliseconds(own),
            ratio(own, found[0].cpu())
        );
        let without = ratio(own, found[0].cpu());
        let patterns = home::workspace().join("benches/102.dockerignore");
        // The client reads the ignore file that stands beside the Dockerfile under its name.
        let with = trees::place().join("patterns.Dockerfile");
        home::write(&with, "FROM scratch\nCOPY . /context/\n")?;
        let text = std::fs::read_to_string(&patterns).map_err(Failure::file("read", &patterns))?;
        home::write(&trees::place().join("patterns.Dockerfile.dockerignore"), &text)?;
        let build = |context: &Path| peer.build(&host, &with, context, TAG);
        let mut all = vec![
            quiet("careen's walk", || self.walk_ignoring(&root, &patterns)),
            quiet("client, the tree", || build(&root)),
            quiet("client, empty folder", || build(&empty)),
        ];
        let found = race(&mut all, self.runs)?;
        series::show("the same with 102 patterns", &found, series::cpu);
        let own = found[1].cpu().saturating_sub(found[2].cpu());
        println!(
            "  the client's own walk and listing: {}, {:.1}× careen's walk with its start",
            series::milliseconds(own),
            ratio(own, found[0].cpu())
        );
        let with_patterns = ratio(own, found[0].cpu());
        Ok(vec![
            Goal::at_least("the client's walk, of careen's", without, 3.0, "×"),
            Goal::at_least("the same with 102 patterns", with_patterns, 20.0, "×"),
        ])
    }
}

fn quiet<'a>(name: &str, call: impl Fn() -> Call + 'a) -> Contestant<'a> {
    Contestant { name: name.to_owned(), once: Box::new(move || call().read().map(drop)) }
}

fn find(root: &Path) -> Call {
    // Summed by nobody: the printing itself is part of how people use it.
    Call::new("find").arg(root).args(["-printf", "%s\n"])
}

/// The number at the beginning of what the walk prints.
fn entries(told: &str) -> u64 {
    told.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "sizes fit in 53 bits")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A file system in a file, mounted while this lives.
struct Disk {
    image: PathBuf,
    point: PathBuf,
}

impl Disk {
    /// A disk with a copy of `tree` in it.
    fn with(tree: &Path) -> Result<Disk, Failure> {
        let disk =
            Disk { image: trees::place().join("disk.img"), point: trees::place().join("disk") };
        home::create(&disk.point)?;
        Call::new("truncate").args(["--size", IMAGE_SIZE]).arg(&disk.image).read()?;
        Call::new("mkfs.ext4")
            .args(["-q", "-F", "-N", "400000", "-m", "0"])
            .arg(&disk.image)
            .read()?;
        disk.mount()?;
        Call::new("cp").arg("-a").arg(tree).arg(disk.point.join("tree")).read()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), Failure> {
        Call::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.point).read().map(drop)
    }

    /// Forgets what the kernel knows of this file system, and of the file it lies in.
    fn remount(&self) -> Result<(), Failure> {
        Call::new("umount").arg(&self.point).read()?;
        let image = std::fs::File::open(&self.image).map_err(Failure::file("open", &self.image))?;
        rustix::fs::fadvise(&image, 0, None, rustix::fs::Advice::DontNeed)
            .map_err(|err| Failure::file("forget", &self.image)(err.into()))?;
        drop(image);
        self.mount()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if !Call::new("umount").arg(&self.point).succeeds() {
            eprintln!("warning: {} is still mounted", self.point.display());
            return;
        }
        // What cannot be removed is found by `--clean`.
        let _ = std::fs::remove_file(&self.image);
    }
}
