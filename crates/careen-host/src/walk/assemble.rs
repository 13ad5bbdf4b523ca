//! The threads' results put into the builder's order.

use std::{collections::HashMap, io};

use crate::walk::{
    hard_links::{self, Devices, Identity},
    listing::{Block, Done, Entry, Fault, FaultKind, Folder, LATENT, Own, Slot, Walk},
};

/// One open folder of the depth-first order.
struct Frame {
    folder: Folder,
    next: u32,
    /// An excluded folder that is listed as soon as something in it is.
    owed: Option<Slot>,
}

/// What was read of a tree, still in the order of reading.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// One for each thread.
    pub(super) parts: Vec<Part>,
    /// How many folder numbers were given out.
    pub(super) folders: u32,
}

/// An entry by its reader, which gives its block its number, and its index there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) reader: u32,
    pub(super) index: u32,
}

/// What one thread read.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) block: Block,
    /// Which of its entries are folders that were entered, by index.
    pub(super) children: Vec<u32>,
    pub(super) done: Vec<Done>,
    pub(super) faults: Vec<Fault>,
    /// Files with more than one name, by their index in the block.
    pub(super) shared: Vec<(u32, Identity)>,
    pub(super) devices: Devices,
    /// Of all listed files.
    pub(super) bytes: u64,
    /// Metadata of folders whose entries other readers have.
    pub(super) foreign: Vec<(Place, Own)>,
}

/// Tells what is known of one path below the root.
pub(super) type Ask<'a> = &'a dyn Fn(&[u8]) -> io::Result<(Entry, Identity)>;

/// `ask` is for excluded folders that turn out to hold something listed, and for files that may be
/// taken for others.
pub(super) fn assemble(ask: Ask<'_>, harvest: Gathered, include: Vec<String>) -> Walk {
    let mut walk = Walk { include, ..Walk::default() };
    walk.folders = vec![Folder::default(); harvest.folders as usize];
    let mut foreign = Vec::new();
    let mut children = Vec::new();
    let mut shared = HashMap::new();
    let mut devices = Devices::default();
    for (block, part) in (0..).zip(harvest.parts) {
        for done in part.done {
            let folder = &mut walk.folders[done.id as usize];
            *folder =
                Folder { block, start: done.start, end: done.end, child: done.child, ..*folder };
        }
        for (index, identity) in part.shared {
            shared.insert(Slot::new(block, index), identity);
        }
        devices.join(part.devices);
        foreign.extend(part.foreign);
        walk.bytes = walk.bytes.saturating_add(part.bytes);
        children.push(part.children);
        walk.faults.extend(part.faults);
        walk.blocks.push(part.block);
    }
    for (place, own) in foreign {
        own.put_into(walk.entry_mut(Slot::new(place.reader, place.index)));
    }
    let total = walk.blocks.iter().map(|block| block.entries.len()).sum();
    walk.order.reserve_exact(total);
    put_in_order(ask, &mut walk, &children);
    hard_links::find(ask, &mut walk, &shared, devices);
    walk.faults.sort();
    walk
}

fn put_in_order(ask: Ask<'_>, walk: &mut Walk, children: &[Vec<u32>]) {
    let first = walk.folders[0];
    let mut frames = vec![Frame { folder: first, next: first.start, owed: None }];
    while let Some(frame) = frames.last_mut() {
        let (block, start) = (frame.folder.block, frame.next);
        // Files up to the next folder; they need not be looked at.
        let child = children[block as usize].get(frame.folder.child as usize).copied();
        let child = child.filter(|child| (start..frame.folder.end).contains(child));
        let end = child.unwrap_or(frame.folder.end);
        frame.next = end + 1;
        frame.folder.child += 1;
        if end > start {
            pay_all(ask, walk, &mut frames);
            walk.order.extend((start..end).map(|index| Slot::new(block, index)));
        }
        let Some(child) = child else {
            frames.pop();
            continue;
        };
        let slot = Slot::new(block, child);
        let (_, &entry) = walk.at(slot);
        let is_latent = entry.flags & LATENT != 0;
        // A folder that vanished before it was opened is a fault of the walk.
        if !is_latent && entry.mode == 0 {
            continue;
        }
        walk.folders[entry.child as usize].own = slot;
        if !is_latent {
            pay_all(ask, walk, &mut frames);
            walk.order.push(slot);
        }
        let folder = walk.folders[entry.child as usize];
        let owed = is_latent.then_some(slot);
        frames.push(Frame { folder, next: folder.start, owed });
    }
}

/// Lists the excluded folders around something that is listed.
fn pay_all(ask: Ask<'_>, walk: &mut Walk, frames: &mut [Frame]) {
    for owed in frames.iter_mut().filter_map(|frame| frame.owed.take()) {
        pay(ask, walk, owed);
    }
}

/// Lists an excluded folder after all, with its metadata.
fn pay(ask: Ask<'_>, walk: &mut Walk, slot: Slot) {
    let (_, entry) = walk.at(slot);
    let folder = entry.child;
    let mut path = Vec::new();
    walk.push_folder(folder, &mut path);
    path.pop();
    match ask(&path) {
        Ok((known, _)) => {
            let entry = walk.entry_mut(slot);
            Own::of(&known).put_into(entry);
            entry.flags = known.flags;
            walk.order.push(slot);
        }
        Err(err) => {
            let error = err.to_string();
            walk.faults.push(Fault { path, kind: FaultKind::Vanished, error });
        }
    }
}
