//! Which entries the builder's client takes for another name of a file that it has listed.
//!
//! fsutil `setUnixOpt` keeps the last path of each inode number, whatever the file system, and
//! lists a file of several names as a link to that path. Numbers are unique on one file system
//! only: below a mount, or in a Btrfs subvolume, the path may be that of another file.

use std::collections::{HashMap, HashSet};

use crate::walk::{
    assemble::Ask,
    listing::{Paths, Slot, Walk},
};

/// Which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// It has more than one name.
    pub(super) is_shared: bool,
}

/// An entry that may be taken for another, or the other way round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) place: u32,
    pub(super) identity: Identity,
}

/// What an entry is listed as.
#[derive(Debug, Clone, Copy)]
pub(super) struct HardLink {
    pub(super) first: u32,
    /// Both are names of one file, as they should be.
    pub(super) is_same: bool,
}

/// The file systems that a walk saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Devices {
    #[default]
    None,
    One(u64),
    Several,
}

impl Devices {
    pub(super) fn see(&mut self, device: u64) {
        match *self {
            Devices::None => *self = Devices::One(device),
            Devices::One(known) if known != device => *self = Devices::Several,
            Devices::One(_) | Devices::Several => (),
        }
    }

    pub(super) fn join(&mut self, other: Devices) {
        match other {
            Devices::None => (),
            Devices::One(device) => self.see(device),
            Devices::Several => *self = Devices::Several,
        }
    }
}

/// Puts the files with several names into the order of the listing. On several file systems those
/// with one name and an equal number belong to them.
pub(super) fn find(
    ask: Ask<'_>,
    walk: &mut Walk,
    shared: &HashMap<Slot, Identity>,
    devices: Devices,
) {
    if shared.is_empty() {
        return;
    }
    let numbers: HashSet<u64> = shared.values().map(|identity| identity.inode).collect();
    let mut named = Vec::with_capacity(shared.len());
    let mut paths = Paths::default();
    for (i, &slot) in walk.order.iter().enumerate() {
        let Ok(place) = u32::try_from(i) else { break };
        if let Some(&identity) = shared.get(&slot) {
            named.push(Named { place, identity });
        } else if devices == Devices::Several && !walk.entry(i).is_folder() {
            // What vanished since it was listed is no file that another could be taken for.
            let Ok((_, identity)) = ask(paths.get(walk, i)) else { continue };
            if numbers.contains(&identity.inode) {
                named.push(Named { place, identity });
            }
        }
    }
    walk.named = named;
    link(walk);
}

/// Works out anew what is listed as a link to what.
pub(super) fn link(walk: &mut Walk) {
    walk.hard_links = links(&walk.named).collect();
}

/// `named` is in the order of the listing.
fn links(named: &[Named]) -> impl Iterator<Item = (u32, HardLink)> {
    let mut seen: HashMap<u64, Named> = HashMap::new();
    named.iter().filter_map(move |one| {
        if one.identity.is_shared
            && let Some(first) = seen.get(&one.identity.inode)
        {
            let is_same = first.identity.device == one.identity.device;
            return Some((one.place, HardLink { first: first.place, is_same }));
        }
        seen.insert(one.identity.inode, *one);
        None
    })
}

impl Walk {
    /// Entries that would be listed as a link to another file if only those that `is_listed` has
    /// were listed: their places, each with the place of the other file.
    pub fn mistaken(&self, is_listed: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
        let listed = self.named.iter().filter(|one| is_listed(one.place as usize)).copied();
        let listed: Vec<Named> = listed.collect();
        links(&listed)
            .filter(|(_, link)| !link.is_same)
            .map(|(place, link)| (place as usize, link.first as usize))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `device:inode:names`, and what each is listed as.
    fn check(files: &[(u64, u64, u64)], expected: &[(u32, u32, bool)]) {
        let named: Vec<Named> = (0..)
            .zip(files)
            .map(|(place, &(device, inode, names))| Named {
                place,
                identity: Identity { device, inode, is_shared: names > 1 },
            })
            .collect();
        let found = links(&named).map(|(place, link)| (place, link.first, link.is_same));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{files:?}");
    }

    #[test]
    fn the_last_path_of_a_number_is_linked_to() {
        check(&[(1, 5, 2), (1, 5, 2)], &[(1, 0, true)]);
        check(&[(1, 5, 2), (2, 5, 2), (1, 5, 2)], &[(1, 0, false), (2, 0, true)]);
        // A file of one name is never listed as a link, but another is listed as a link to it.
        check(&[(1, 5, 1), (2, 5, 2), (2, 5, 2)], &[(1, 0, false), (2, 0, false)]);
        check(&[(1, 5, 2), (2, 5, 1), (1, 5, 2)], &[(2, 1, false)]);
        check(&[(1, 5, 1), (2, 5, 1)], &[]);
        check(&[(1, 5, 2), (2, 6, 2)], &[]);
    }

    #[test]
    fn file_systems_are_counted_up_to_two() {
        let mut devices = Devices::default();
        devices.join(Devices::None);
        devices.see(7);
        devices.join(Devices::One(7));
        assert_eq!(devices, Devices::One(7));
        devices.join(Devices::One(8));
        assert_eq!(devices, Devices::Several);
    }
}
