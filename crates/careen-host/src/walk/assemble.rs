//! The threads' results put into the builder's order.

use std::{collections::HashMap, io};

use crate::walk::{
    hard_links::{self, Devices, Identity},
    listing::{Block, Done, Entry, Fault, FaultKind, Folder, LATENT, NONE, Slot, Walk},
};

/// One open folder of the depth-first order.
struct Frame {
    block: u32,
    next: u32,
    end: u32,
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

/// What one thread read.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) block: Block,
    pub(super) done: Vec<Done>,
    pub(super) faults: Vec<Fault>,
    /// Files with more than one name, by their index in the block.
    pub(super) shared: Vec<(u32, Identity)>,
    pub(super) devices: Devices,
}

/// Tells what is known of one path below the root.
pub(super) type Ask<'a> = &'a dyn Fn(&[u8]) -> io::Result<(Entry, Identity)>;

/// `ask` is for excluded folders that turn out to hold something listed, and for files that may be
/// taken for others.
pub(super) fn assemble(ask: Ask<'_>, harvest: Gathered, include: Vec<String>) -> Walk {
    let mut walk = Walk { include, ..Walk::default() };
    walk.folders = vec![Folder::default(); harvest.folders as usize];
    let mut shared = HashMap::new();
    let mut devices = Devices::default();
    for (block, part) in (0..).zip(harvest.parts) {
        for done in part.done {
            let folder = &mut walk.folders[done.id as usize];
            (folder.block, folder.start, folder.end) = (block, done.start, done.end);
        }
        for (index, identity) in part.shared {
            shared.insert(Slot::new(block, index), identity);
        }
        devices.join(part.devices);
        walk.faults.extend(part.faults);
        walk.blocks.push(part.block);
    }
    let total = walk.blocks.iter().map(|block| block.entries.len()).sum();
    walk.order.reserve_exact(total);
    put_in_order(ask, &mut walk);
    hard_links::find(ask, &mut walk, &shared, devices);
    walk.faults.sort();
    walk
}

fn put_in_order(ask: Ask<'_>, walk: &mut Walk) {
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
                pay(ask, walk, owed);
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
fn pay(ask: Ask<'_>, walk: &mut Walk, slot: Slot) {
    let (_, entry) = walk.at(slot);
    let folder = entry.child;
    let mut path = Vec::new();
    walk.push_folder(folder, &mut path);
    path.pop();
    match ask(&path) {
        Ok((known, _)) => {
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
        Err(err) => {
            let error = err.to_string();
            walk.faults.push(Fault { path, kind: FaultKind::Vanished, error });
        }
    }
}
