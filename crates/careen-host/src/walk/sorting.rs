//! The entries of one folder put in order of their names.

use crate::walk::{
    hard_links::Identity,
    listing::{Block, Entry},
};

/// Memory that is used again for each folder.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    keys: Vec<Key>,
    places: Vec<u32>,
}

/// The first bytes of a name decide nearly always.
#[derive(Debug, Clone, Copy)]
struct Key {
    first: u128,
    index: u32,
}

impl Sorter {
    /// Appends `entries` to `block`, which has their names, sorted by the bytes of those.
    /// `shared` names some of them by their index; afterwards by that in the block, where the
    /// first is `start`.
    pub(super) fn sort(
        &mut self,
        entries: &[Entry],
        block: &mut Block,
        start: u32,
        shared: &mut [(u32, Identity)],
    ) {
        let name = |key: &Key| block.name(&entries[key.index as usize]);
        let order = |a: &Key, b: &Key| a.first.cmp(&b.first).then_with(|| name(a).cmp(name(b)));
        self.keys.clear();
        let keys = (0..).zip(entries);
        self.keys.extend(keys.map(|(index, entry)| Key { first: first_of(block, entry), index }));
        self.keys.sort_unstable_by(order);
        block.entries.extend(self.keys.iter().map(|key| entries[key.index as usize]));
        if shared.is_empty() {
            return;
        }
        self.places.clear();
        self.places.resize(self.keys.len(), 0);
        for (place, key) in (start..).zip(&self.keys) {
            self.places[key.index as usize] = place;
        }
        for (index, _) in shared {
            *index = self.places[*index as usize];
        }
    }
}

/// Sixteen bytes of a name, as a number that sorts like them; zeros after a shorter one.
fn first_of(block: &Block, entry: &Entry) -> u128 {
    let length = usize::from(entry.name_length);
    let start = entry.name as usize;
    if let Some(Ok(first)) = block.names.get(start..start + 16).map(<[u8; 16]>::try_from) {
        // What belongs to the name after it counts for nothing.
        let beyond = 16_usize.saturating_sub(length.max(1)) * 8;
        return u128::from_be_bytes(first) >> beyond << beyond;
    }
    let mut first = [0; 16];
    let length = length.min(16);
    first[..length].copy_from_slice(&block.names[start..][..length]);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::listing::BLANK;

    #[test]
    fn names_are_in_order_of_bytes_and_links_stay_with_their_file() {
        let names: &[&[u8]] = &[
            b"b",
            b"a long name of many letters, 2",
            b"a long name of many letters, 1",
            b"a long name of m",
            "\u{e9}".as_bytes(),
            b"B",
            b"b\x01",
            b"\xff",
        ];
        let mut block = Block::default();
        let mut entries = Vec::new();
        for name in names {
            let at = u32::try_from(block.names.len()).unwrap();
            let name_length = u16::try_from(name.len()).unwrap();
            block.names.extend_from_slice(name);
            entries.push(Entry { name: at, name_length, ..BLANK });
        }
        let mut expected = names.to_vec();
        expected.sort_unstable();
        let identity = Identity { device: 1, inode: 2, is_shared: true };
        let mut sorter = Sorter::default();
        for start in [0, 8] {
            let mut shared = [(0, identity), (7, identity), (2, identity)];
            sorter.sort(&entries, &mut block, start, &mut shared);
            let found: Vec<&[u8]> = block.entries.iter().map(|entry| block.name(entry)).collect();
            assert_eq!(found[start as usize..], expected);
            let linked = shared.map(|(index, _)| found[index as usize]);
            assert_eq!(linked, [b"b".as_slice(), b"\xff", b"a long name of many letters, 1"]);
        }
    }
}
