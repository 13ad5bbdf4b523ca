//! What a walk found, kept small: 48 bytes an entry, its name and four bytes for its place.

use std::collections::HashMap;

use crate::walk::hard_links::{self, HardLink, Named};

/// The ordered listing of a context.
#[derive(Debug, Default)]
pub struct Walk {
    pub(super) blocks: Vec<Block>,
    pub(super) folders: Vec<Folder>,
    pub(super) order: Vec<Slot>,
    pub(super) bytes: u64,
    /// Entries that are listed as links, by their place.
    pub(super) hard_links: HashMap<u32, HardLink>,
    /// All of which some may be listed as links to others, by place.
    pub(super) named: Vec<Named>,
    /// What could not be read, in order of path.
    pub faults: Vec<Fault>,
    /// The include patterns in force after link resolution; none means everything.
    pub include: Vec<String>,
}

/// One listed entry.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The last component of the path.
    pub name: &'a [u8],
    /// Type and permissions as `st_mode` has them.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Bytes; what the file system says, also for a folder.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Where a symbolic link points.
    pub link: Option<&'a [u8]>,
    /// `st_rdev` of a device, else 0.
    pub device: u64,
    /// For the second and later names of one file: the place of the first in the listing.
    /// The builder is told the first path and a size of 0 for such an entry.
    pub hard_link: Option<usize>,
    /// That first is another file: one on another file system with the same inode number.
    pub mistaken: bool,
    /// Listed, but opening it is refused, so that it arrives with 0 bytes.
    pub zero_byte: bool,
    /// It holds far less on disk than its size: the holes are sent as zeros.
    pub sparse: bool,
}

/// Something in the way of the walk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub path: Vec<u8>,
    pub kind: FaultKind,
    pub error: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// It was there when its folder was read and gone a moment later.
    Vanished,
    /// A listed folder that cannot be read: the build fails.
    UnreadableFolder,
    /// An excluded folder that was looked into for exceptions and cannot be read: no harm.
    UnreadableExcluded,
    /// The metadata or link target of a listed entry cannot be read: the build fails.
    Unreadable,
}

/// One thread's entries and the bytes of their names and link targets.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) entries: Vec<Entry>,
    pub(super) names: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Size, or the device number of a device.
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    /// Where its name begins; the target of a link follows the name.
    pub(super) name: u32,
    /// The folder that holds it.
    pub(super) folder: u32,
    /// The folder that it is, or [`NONE`].
    pub(super) child: u32,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) name_length: u16,
    pub(super) link_length: u16,
    pub(super) flags: u8,
}

const _: () =
    assert!(size_of::<Entry>() <= 48, "the measured memory of a million entries rests on it");

impl Entry {
    /// Its size where it is a file.
    pub(super) fn file_bytes(&self) -> u64 {
        if self.mode & TYPE_BITS == 0o100_000 { self.size } else { 0 }
    }
}

/// No folder.
pub(super) const NONE: u32 = u32::MAX;
/// An excluded folder: listed only when something in it is.
pub(super) const LATENT: u8 = 1;
pub(super) const ZERO_BYTE: u8 = 2;
/// A file with large holes.
pub(super) const SPARSE: u8 = 4;

/// A folder that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) id: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Where the first of its folders stands among those of its part.
    pub(super) child: u32,
}

/// The metadata of a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    size: u64,
    mtime_ns: i64,
    mode: u32,
    uid: u32,
    gid: u32,
}

impl Own {
    pub(super) fn of(entry: &Entry) -> Own {
        let Entry { size, mtime_ns, mode, uid, gid, .. } = *entry;
        Own { size, mtime_ns, mode, uid, gid }
    }

    pub(super) fn put_into(self, entry: &mut Entry) {
        let Own { size, mtime_ns, mode, uid, gid } = self;
        *entry = Entry { size, mtime_ns, mode, uid, gid, ..*entry };
    }
}

/// Nothing is known yet.
pub(super) const BLANK: Entry = Entry {
    size: 0,
    mtime_ns: 0,
    name: 0,
    folder: 0,
    child: NONE,
    mode: 0,
    uid: 0,
    gid: 0,
    name_length: 0,
    link_length: 0,
    flags: 0,
};

/// Holes of less than this are not worth a word, bytes.
const HOLES: u64 = 1_000_000;

/// Half of the file or more is not on disk: holes, or a file system that compresses. Either way
/// the whole size is sent. `blocks` are of 512 bytes.
pub(super) fn is_sparse(mode: u32, size: u64, blocks: u64) -> bool {
    let missing = size.saturating_sub(blocks.saturating_mul(512));
    mode & TYPE_BITS == 0o100_000 && missing >= HOLES.max(size / 2)
}

/// A folder that was entered: its children and its own entry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Folder {
    pub(super) own: Slot,
    pub(super) block: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) child: u32,
}

/// Block and index of an entry in four bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Slot(u32);

const INDEX_BITS: u32 = 27;
/// The most threads a slot can name.
pub(super) const MOST_BLOCKS: usize = 1 << (32 - INDEX_BITS);
/// The most entries of one thread.
pub(super) const MOST_ENTRIES: usize = 1 << INDEX_BITS;

impl Slot {
    pub(super) fn new(block: u32, index: u32) -> Slot {
        Slot(block << INDEX_BITS | index)
    }

    fn block(self) -> usize {
        (self.0 >> INDEX_BITS) as usize
    }

    fn index(self) -> usize {
        self.0 as usize & (MOST_ENTRIES - 1)
    }
}

impl Block {
    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        &self.names[entry.name as usize..][..usize::from(entry.name_length)]
    }

    fn link(&self, entry: &Entry) -> Option<&[u8]> {
        let is_link = entry.mode & TYPE_BITS == 0o120_000;
        is_link.then(|| {
            let start = entry.name as usize + usize::from(entry.name_length);
            &self.names[start..][..usize::from(entry.link_length)]
        })
    }
}

pub(super) const TYPE_BITS: u32 = 0o170_000;

impl Walk {
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Entry number `i` of the listing.
    pub fn entry(&self, i: usize) -> View<'_> {
        let (block, entry) = self.at(self.order[i]);
        let is_device = matches!(entry.mode & TYPE_BITS, 0o020_000 | 0o060_000);
        let place = u32::try_from(i).ok();
        let hard_link = place.and_then(|place| self.hard_links.get(&place)).copied();
        View {
            name: block.name(entry),
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: if is_device { 0 } else { entry.size },
            mtime_ns: entry.mtime_ns,
            link: block.link(entry),
            device: if is_device { entry.size } else { 0 },
            hard_link: hard_link.map(|link| link.first as usize),
            mistaken: hard_link.is_some_and(|link| !link.is_same),
            zero_byte: entry.flags & ZERO_BYTE != 0,
            sparse: entry.flags & SPARSE != 0,
        }
    }

    /// The path of entry number `i`, relative to the root, with slashes.
    pub fn path(&self, i: usize) -> Vec<u8> {
        let (block, entry) = self.at(self.order[i]);
        let mut path = Vec::new();
        self.push_folder(entry.folder, &mut path);
        path.extend_from_slice(block.name(entry));
        path
    }

    /// Bytes of all files, each name of a file counted.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All entries in order with their paths.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], View<'_>)) {
        let mut paths = Paths::default();
        for i in 0..self.len() {
            visit(paths.get(self, i), self.entry(i));
        }
    }

    /// Leaves only the entries whose place is true in `keep`.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut places = Vec::with_capacity(keep.len());
        let mut next = 0;
        for &is_kept in keep {
            places.push(is_kept.then_some(next));
            next += u32::from(is_kept);
        }
        let moved = self.named.drain(..).filter_map(|one| {
            let place = places[one.place as usize]?;
            Some(Named { place, ..one })
        });
        self.named = moved.collect();
        hard_links::link(self);
        let mut kept = keep.iter();
        self.order.retain(|_| kept.next().is_some_and(|is_kept| *is_kept));
        self.bytes = self.order.iter().map(|&slot| self.at(slot).1.file_bytes()).sum();
    }

    pub(super) fn at(&self, slot: Slot) -> (&Block, &Entry) {
        let block = &self.blocks[slot.block()];
        (block, &block.entries[slot.index()])
    }

    pub(super) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        &mut self.blocks[slot.block()].entries[slot.index()]
    }

    /// Appends the path of a folder with a slash at the end; nothing for the root.
    pub(super) fn push_folder(&self, folder: u32, path: &mut Vec<u8>) {
        let mut chain = Vec::new();
        let mut at = folder;
        while at != 0 {
            let (block, entry) = self.at(self.folders[at as usize].own);
            chain.push(block.name(entry));
            at = entry.folder;
        }
        for name in chain.into_iter().rev() {
            path.extend_from_slice(name);
            path.push(b'/');
        }
    }
}

/// Paths one after the other; the part above an entry is built once for all in one folder.
#[derive(Debug)]
pub(super) struct Paths {
    path: Vec<u8>,
    prefix: usize,
    folder: u32,
}

impl Default for Paths {
    fn default() -> Paths {
        Paths { path: Vec::new(), prefix: 0, folder: NONE }
    }
}

impl Paths {
    pub(super) fn get(&mut self, walk: &Walk, i: usize) -> &[u8] {
        let (block, entry) = walk.at(walk.order[i]);
        if entry.folder != self.folder {
            self.folder = entry.folder;
            self.path.clear();
            walk.push_folder(entry.folder, &mut self.path);
            self.prefix = self.path.len();
        }
        self.path.truncate(self.prefix);
        self.path.extend_from_slice(block.name(entry));
        &self.path
    }
}

impl View<'_> {
    pub fn is_folder(&self) -> bool {
        self.mode & TYPE_BITS == 0o040_000
    }

    pub fn is_file(&self) -> bool {
        self.mode & TYPE_BITS == 0o100_000
    }

    /// A socket, FIFO or device.
    pub fn is_special(&self) -> bool {
        matches!(self.mode & TYPE_BITS, 0o140_000 | 0o010_000 | 0o020_000 | 0o060_000)
    }
}
