//! The heavy part of the sample: real bytes in the places and shapes where projects keep them.
//!
//! No sparse files and no hard links: sizes are what they look like. Every file differs from every
//! other, and the same file is the same in every run.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;

use super::Size;
use crate::failure::Failure;
use crate::home;

/// What a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Lines that compress like source code.
    Text,
    /// Bytes that do not compress, like pictures and weights.
    Noise,
}

/// A number of files that look alike.
#[derive(Debug, Clone, Copy)]
struct Bulk {
    /// `#` becomes the number of the folder, `@` the number of the file.
    path: &'static str,
    content: Content,
    /// Files in one folder of their own.
    per_folder: usize,
    /// Files and mean bytes of each.
    small: (usize, usize),
    full: (usize, usize),
}

const fn bulk(
    path: &'static str,
    content: Content,
    per_folder: usize,
    small: (usize, usize),
    full: (usize, usize),
) -> Bulk {
    Bulk { path, content, per_folder, small, full }
}

const BULKS: &[Bulk] = &[
    bulk(
        "node_modules/package-#/dist/module-@.js",
        Content::Text,
        9,
        (540, 1_800),
        (58_500, 1_750),
    ),
    bulk(
        ".venv/lib/python3.11/site-packages/package_#/module_@.py",
        Content::Text,
        16,
        (480, 5_000),
        (25_600, 5_200),
    ),
    bulk(
        ".venv/lib/python3.11/site-packages/package_#/__pycache__/module_@.cpython-311.pyc",
        Content::Noise,
        16,
        (320, 4_000),
        (22_800, 3_800),
    ),
    bulk(
        ".venv/lib/python3.11/site-packages/native_#/_core_@.so",
        Content::Noise,
        2,
        (4, 1_500_000),
        (60, 2_600_000),
    ),
    bulk("data/frames/game-#/frame-@.jpg", Content::Noise, 500, (400, 18_000), (24_000, 10_000)),
    bulk("data/labels/game-#/frame-@.txt", Content::Text, 500, (200, 300), (14_000, 300)),
    bulk("videos/game-@.mp4", Content::Noise, 8, (2, 13_000_000), (4, 105_000_000)),
    bulk("models/court-@.onnx", Content::Noise, 8, (1, 6_000_000), (3, 42_000_000)),
    bulk("mlruns/0/run-#/metrics/metric-@", Content::Text, 12, (120, 250), (9_600, 250)),
    bulk(
        "mlruns/0/run-#/artifacts/model-@.bin",
        Content::Noise,
        1,
        (1, 2_000_000),
        (30, 2_000_000),
    ),
    bulk(
        ".mypy_cache/3.11/package_#/module_@.data.json",
        Content::Text,
        40,
        (120, 8_000),
        (4_000, 9_000),
    ),
    bulk(".ruff_cache/0.6.9/entry-@", Content::Noise, 400, (8, 2_000), (400, 2_000)),
    bulk(".pytest_cache/v/cache/entry-@", Content::Text, 40, (4, 500), (40, 500)),
    bulk(
        "src/hoops/__pycache__/stale_@.cpython-311.pyc",
        Content::Noise,
        40,
        (8, 6_000),
        (30, 6_000),
    ),
    bulk(
        "tests/__pycache__/stale_@.cpython-311-pytest.pyc",
        Content::Noise,
        40,
        (4, 6_000),
        (12, 6_000),
    ),
    bulk(
        "notebooks/.ipynb_checkpoints/explore-checkpoint-@.ipynb",
        Content::Text,
        40,
        (2, 20_000),
        (12, 60_000),
    ),
    bulk("outputs/run-#/court-@.png", Content::Noise, 50, (20, 20_000), (1_000, 22_000)),
];

/// Length of the block that files are cut from; a prime, so that cuts do not repeat soon.
const POOL: usize = 1_048_573;

struct Job {
    path: PathBuf,
    content: Content,
    bytes: usize,
    seed: u64,
}

/// Writes all of it below `root`.
pub(super) fn grow(root: &Path, size: Size) -> Result<(), Failure> {
    let jobs: Vec<Job> = BULKS.iter().flat_map(|bulk| plan(bulk, root, size)).collect();
    create_folders(&jobs)?;
    virtual_environment(root)?;
    let pools = [text_pool(), noise_pool()];
    let workers = thread::available_parallelism().map_or(1, usize::from).min(8);
    thread::scope(|scope| {
        let share = |worker: usize| jobs.iter().skip(worker).step_by(workers);
        let pools = &pools;
        let running: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || share(worker).try_for_each(|job| write(job, pools))))
            .collect();
        let join = |handle: thread::ScopedJoinHandle<'_, Result<(), Failure>>| {
            handle.join().expect("a writer does not panic")
        };
        running.into_iter().try_for_each(join)
    })
}

/// The files of one row, with size and content decided.
fn plan(bulk: &Bulk, root: &Path, size: Size) -> Vec<Job> {
    let (count, mean) = match size {
        Size::Small => bulk.small,
        Size::Full => bulk.full,
    };
    let kind = u64::from(home::number(bulk.path.as_bytes()));
    let job = |n: usize| {
        let name = bulk.path.replace('#', &(n / bulk.per_folder).to_string());
        let seed = mix((kind << 32) | n as u64);
        // From half to one and a half of the mean, evenly.
        let spread = (usize::try_from(seed >> 40).expect("24 bits") * mean) >> 24;
        let path = root.join(name.replace('@', &n.to_string()));
        Job { path, content: bulk.content, bytes: mean / 2 + spread, seed }
    };
    (0..count).map(job).collect()
}

fn create_folders(jobs: &[Job]) -> Result<(), Failure> {
    let mut last = Path::new("");
    for job in jobs {
        let folder = job.path.parent().expect("a file lies in a folder");
        if folder != last {
            home::create(folder)?;
            last = folder;
        }
    }
    Ok(())
}

/// What makes a folder a virtual environment, with links that lead out of the project.
fn virtual_environment(root: &Path) -> Result<(), Failure> {
    let venv = root.join(".venv");
    home::create(&venv.join("bin"))?;
    home::write(&venv.join("pyvenv.cfg"), "home = /usr/local/bin\nversion_info = 3.11.9\n")?;
    let links =
        [("bin/python", "/usr/local/bin/python3.11"), ("bin/python3", "python"), ("lib64", "lib")];
    for (link, target) in links {
        let link = venv.join(link);
        symlink(target, &link).map_err(Failure::file("link", link))?;
    }
    Ok(())
}

fn write(job: &Job, pools: &[Vec<u8>; 2]) -> Result<(), Failure> {
    let pool = match job.content {
        Content::Text => &pools[0],
        Content::Noise => &pools[1],
    };
    let head = format!("# {:016x}\n", job.seed);
    let mut file = File::create(&job.path).map_err(Failure::file("create", &job.path))?;
    let mut buffer = Vec::with_capacity(job.bytes.min(POOL) + head.len());
    buffer.extend_from_slice(head.as_bytes());
    let mut left = job.bytes.saturating_sub(head.len());
    let mut seed = job.seed;
    while left > 0 || !buffer.is_empty() {
        if left > 0 {
            seed = mix(seed);
            let start = usize::try_from(seed % (POOL as u64 / 2)).expect("less than the pool");
            let part = &pool[start..][..left.min(POOL - start)];
            left -= part.len();
            buffer.extend_from_slice(part);
        }
        file.write_all(&buffer).map_err(Failure::file("write", &job.path))?;
        buffer.clear();
    }
    Ok(())
}

fn text_pool() -> Vec<u8> {
    let mut pool = Vec::with_capacity(POOL + 64);
    let mut n = 0_u64;
    while pool.len() < POOL {
        let value = mix(n);
        let line = format!("value_{} = step({}, {})\n", value % 997, value >> 50, n);
        pool.extend_from_slice(line.as_bytes());
        n += 1;
    }
    pool.truncate(POOL);
    pool
}

fn noise_pool() -> Vec<u8> {
    let mut pool: Vec<u8> = (0..=POOL as u64 / 8).flat_map(|n| mix(!n).to_le_bytes()).collect();
    pool.truncate(POOL);
    pool
}

/// `SplitMix64`'s finalizer over the next state (Steele, Lea, Flood 2014).
pub(super) fn mix(state: u64) -> u64 {
    let mut value = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Entries with their folders, and bytes. The git history and the project itself add 577
    /// entries to the small sample and about 3,100 to the full one (counted in grown ones).
    fn totals(size: Size) -> (usize, usize) {
        let jobs: Vec<Job> = BULKS.iter().flat_map(|b| plan(b, Path::new(""), size)).collect();
        let entries: HashSet<&Path> = jobs.iter().flat_map(|job| job.path.ancestors()).collect();
        (entries.len(), jobs.iter().map(|job| job.bytes).sum())
    }

    #[test]
    fn the_sizes_are_the_promised_ones() {
        let (entries, bytes) = totals(Size::Small);
        assert!((2_300..2_600).contains(&entries), "{entries}");
        assert!((50_000_000..58_000_000).contains(&bytes), "{bytes}");
        let (entries, bytes) = totals(Size::Full);
        assert!((173_000..180_000).contains(&entries), "{entries}");
        assert!((1_350_000_000..1_500_000_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn files_have_their_size_and_differ_from_each_other() {
        let pools = [text_pool(), noise_pool()];
        let folder = tempfile::tempdir().unwrap();
        let mut seen = HashSet::new();
        for (seed, content) in [(1, Content::Text), (2, Content::Text), (3, Content::Noise)] {
            for bytes in [30, 5_000, 2_500_000] {
                let path = folder.path().join("file");
                write(&Job { path: path.clone(), content, bytes, seed }, &pools).unwrap();
                let found = std::fs::read(&path).unwrap();
                assert_eq!(found.len(), bytes);
                assert!(seen.insert(found), "{seed} {bytes}");
            }
        }
    }
}
