//! `cargo xtask bench context`: what the walk costs beside a bare loop, find, du and a client.
//!
//! Processor seconds are the measure: they hardly change with the load of the machine. The cold
//! part is the exception; it waits for a disk, and so it is wall time.

use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, open, openat, statat};

use super::peers;
use super::series::{self, Contestant, Series, race, ratio};
use super::{number, runs, trees};
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::{Call, exists};
use crate::{demo, engine, home};

/// Files of the plain tree.
const FILES: usize = 200_000;
/// Files of the tree that a client sends to an engine: a tenth, for that is ten times the price.
const SENT_FILES: usize = 20_000;
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
    let plain = trees::plain(files)?;
    let heavy = trees::heavy()?;
    let bench = Bench { careen, runs };
    let full = bench.full(&plain)?;
    bench.patterns(&plain, &full)?;
    bench.pruned(&heavy)?;
    bench.cold(&plain)?;
    bench.client()
}

struct Bench {
    careen: PathBuf,
    runs: usize,
}

impl Bench {
    fn walk(&self, root: &Path) -> Call {
        Call::new(&self.careen).args(["debug", "walk"]).arg(root)
    }

    fn walk_ignoring(&self, root: &Path, ignore: &Path) -> Call {
        self.walk(root).arg("--ignore").arg(ignore)
    }

    /// Every entry asked for its size; nothing excluded.
    fn full(&self, root: &Path) -> Result<Series, Failure> {
        println!("\nthe plain tree: {}", self.walk(root).read()?.trim());
        let mut all = vec![
            quiet("careen", || self.walk(root)),
            quiet("getdents64 + fstatat", || bare(root)),
            quiet("find -printf %s", || find(root)),
            quiet("du -s", || Call::new("du").arg("-s").arg(root)),
        ];
        let found = race(&mut all, self.runs)?;
        series::show("full scan, warm, processor time", &found, series::cpu);
        series::show("full scan, warm, wall time", &found, series::wall);
        Ok(found[0].clone())
    }

    /// 102 patterns that exclude nothing here: the price of matching alone.
    fn patterns(&self, root: &Path, full: &Series) -> Result<(), Failure> {
        let ignore = home::workspace().join("benches/102.dockerignore");
        let mut all = vec![
            quiet("careen, no pattern", || self.walk(root)),
            quiet("careen, 102 patterns", || self.walk_ignoring(root, &ignore)),
        ];
        let found = race(&mut all, self.runs)?;
        series::show("with 102 patterns, warm, processor time", &found, series::cpu);
        drop(all);
        println!("  ({} without patterns in the first table)", series::milliseconds(full.cpu()));
        Ok(())
    }

    /// A good ignore file on a heavy project: start-up included.
    fn pruned(&self, root: &Path) -> Result<(), Failure> {
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
        Ok(())
    }

    /// Names and sizes from a disk, on a file system that was just mounted.
    fn cold(&self, plain: &Path) -> Result<(), Failure> {
        let tools = ["mount", "umount", "mkfs.ext4"];
        if !rustix::process::getuid().is_root() || !tools.iter().all(|tool| exists(tool)) {
            println!("\ncold: skipped, it needs root, mount and mkfs.ext4");
            return Ok(());
        }
        let disk = match Disk::with(plain) {
            Ok(disk) => disk,
            Err(failure) => {
                println!("\ncold: skipped: {failure}");
                return Ok(());
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
        Ok(())
    }

    /// The walk of BuildKit's own client, as far as it can be had without its source: a build that
    /// sends nothing but what it lists, less a build of an empty folder.
    fn client(&self) -> Result<(), Failure> {
        let Some(address) = engine::at_hand(None)?.into_iter().next() else {
            println!("\nclient: skipped, no engine");
            return Ok(());
        };
        let (peers, _) = peers::find()?;
        let Some(peer) = peers.last() else {
            println!("\nclient: skipped, no docker client with BuildKit");
            return Ok(());
        };
        let root = trees::plain(SENT_FILES)?;
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
        Ok(())
    }
}

fn quiet<'a>(name: &str, call: impl Fn() -> Call + 'a) -> Contestant<'a> {
    Contestant { name: name.to_owned(), once: Box::new(move || call().read().map(drop)) }
}

fn find(root: &Path) -> Call {
    // Summed by nobody: the printing itself is part of how people use it.
    Call::new("find").arg(root).args(["-printf", "%s\n"])
}

/// This program once more, so that only the loop is charged for.
fn bare(root: &Path) -> Call {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("xtask"));
    Call::new(own).args(["bench", "bare-loop"]).arg(root)
}

/// The least that a scan with sizes can do: names and one `fstatat` each.
pub(super) fn bare_loop(arguments: &Arguments) -> Result<(), Failure> {
    let root = PathBuf::from(arguments.words.get(1).map_or(".", String::as_str));
    let failed = |err: rustix::io::Errno| Failure::file("scan", &root)(err.into());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut open_folders = vec![open(&root, flags, Mode::empty()).map_err(failed)?];
    let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    while let Some(folder) = open_folders.pop() {
        let below = scan(&folder, &mut buffer, &mut |size| {
            entries += 1;
            bytes += size;
        });
        open_folders.extend(below.map_err(failed)?);
    }
    println!("{entries} entries, {bytes} bytes");
    Ok(())
}

fn scan(
    folder: &OwnedFd,
    buffer: &mut [MaybeUninit<u8>],
    each: &mut dyn FnMut(u64),
) -> rustix::io::Result<Vec<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut below = Vec::new();
    let mut names = RawDir::new(folder.as_fd(), buffer);
    while let Some(entry) = names.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        each(u64::try_from(found.st_size).unwrap_or(0));
        if entry.file_type() == FileType::Directory {
            below.push(openat(folder, name, flags, Mode::empty())?);
        }
    }
    Ok(below)
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
