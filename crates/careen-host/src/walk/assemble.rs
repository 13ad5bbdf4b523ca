//! The threads' results put into the builder's order.

use std::collections::{HashMap, HashSet};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, statat},
};

use crate::walk::{
    folder::{described, open_below},
    listing::{Entry, Fault, FaultKind, Folder, LATENT, NONE, Slot, TYPE_BITS, Walk},
    pool::Harvest,
};

/// One open folder of the depth-first order.
struct Frame {
    block: u32,
    next: u32,
    end: u32,
    /// An excluded folder that is listed as soon as something in it is.
    owed: Option<Slot>,
}

pub(super) fn assemble(root: &OwnedFd, harvest: Harvest, include: Vec<String>) -> Walk {
    let mut walk = Walk { include, ..Walk::default() };
    walk.folders = vec![Folder::default(); harvest.folders as usize];
    let mut shared = HashMap::new();
    for (block, reader) in (0..).zip(harvest.readers) {
        for done in reader.done {
            let folder = &mut walk.folders[done.id as usize];
            (folder.block, folder.start, folder.end) = (block, done.start, done.end);
        }
        for (index, inode) in reader.shared {
            shared.insert(Slot::new(block, index), inode);
        }
        walk.faults.extend(reader.faults);
        walk.blocks.push(reader.block);
    }
    let total = walk.blocks.iter().map(|block| block.entries.len()).sum();
    walk.order.reserve_exact(total);
    put_in_order(root, &mut walk);
    find_hard_links(&mut walk, &shared);
    walk.faults.sort();
    walk
}

fn put_in_order(root: &OwnedFd, walk: &mut Walk) {
    let first = walk.folders[0];
    let mut frames =
        vec![Frame { block: first.block, next: first.start, end: first.end, owed: None }];
    while let Some(frame) = frames.last_mut() {
        if frame.next == frame.end {
            frames.pop();
            continue;
        }
        let (block, index) = (frame.block, frame.next);
        let slot = Slot::new(block, index);
        frame.next += 1;
        let entry = walk.blocks[block as usize].entries[index as usize];
        let is_latent = entry.flags & LATENT != 0;
        if entry.child != NONE {
            walk.folders[entry.child as usize].own = slot;
        }
        if !is_latent {
            for owed in frames.iter_mut().filter_map(|frame| frame.owed.take()) {
                pay(root, walk, owed);
            }
            walk.order.push(slot);
        }
        if entry.child != NONE {
            let folder = walk.folders[entry.child as usize];
            frames.push(Frame {
                block: folder.block,
                next: folder.start,
                end: folder.end,
                owed: is_latent.then_some(slot),
            });
        }
    }
}

/// Lists an excluded folder after all, with its metadata.
fn pay(root: &OwnedFd, walk: &mut Walk, slot: Slot) {
    let (_, entry) = walk.at(slot);
    let folder = entry.child;
    let mut path = Vec::new();
    walk.push_folder(folder, &mut path);
    path.pop();
    let stat = match path.len() {
        0..4000 => statat(root, path.as_slice(), AtFlags::SYMLINK_NOFOLLOW),
        _ => open_below(root.as_fd(), &path).and_then(|fd| rustix::fs::fstat(&fd)),
    };
    match stat {
        Ok(stat) => {
            let known = described(&stat);
            let entry = walk.entry_mut(slot);
            *entry = Entry {
                size: known.size,
                mtime_ns: known.mtime_ns,
                mode: known.mode,
                uid: known.uid,
                gid: known.gid,
                flags: known.flags,
                ..*entry
            };
            walk.order.push(slot);
        }
        Err(errno) => {
            let error = std::io::Error::from(errno).to_string();
            walk.faults.push(Fault { path, kind: FaultKind::Vanished, error });
        }
    }
}

/// The second and later names of a file point to the first, as in the builder's list, which goes
/// by inode alone: a file on another file system with the same number counts as the same.
fn find_hard_links(walk: &mut Walk, shared: &HashMap<Slot, u64>) {
    if shared.is_empty() {
        return;
    }
    let wanted: HashSet<u64> = shared.values().copied().collect();
    let mut first = HashMap::with_capacity(wanted.len());
    for (place, slot) in (0..).zip(&walk.order) {
        let Some(&inode) = shared.get(slot) else { continue };
        let (_, entry) = walk.at(*slot);
        if entry.mode & TYPE_BITS == 0o040_000 {
            continue;
        }
        match first.get(&inode) {
            Some(&earlier) => {
                walk.hard_links.insert(place, earlier);
            }
            None => {
                first.insert(inode, place);
            }
        }
    }
}
