//! A listing filtered again in memory, so that several questions need one walk.

use careen_syntax::ignore::{DirState, Filter, FilterError, FilterScratch};

use crate::walk::listing::{NONE, Paths, Walk};

/// One entry's part in the filtered listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// It is in the filtered listing.
    pub(super) listed: bool,
    /// Opening it would be allowed.
    pub(super) opens: bool,
}

const OUT: Passed = Passed { listed: false, opens: true };

/// What `filter` lists of `walk`, by place. Exact when the walk's own filter listed all of it.
pub(super) fn sieve(walk: &Walk, filter: &Filter) -> Result<Vec<Passed>, FilterError> {
    let mut out = vec![OUT; walk.len()];
    // The state of each entered folder, and its place while it is only listed for its children.
    let mut states: Vec<Option<DirState>> = vec![None; walk.folders.len()];
    let mut owed: Vec<Option<usize>> = vec![None; walk.folders.len()];
    if let Some(root) = states.first_mut() {
        *root = Some(DirState::default());
    }
    let mut scratch = FilterScratch::default();
    let mut paths = Paths::default();
    for i in 0..walk.len() {
        let (_, entry) = walk.at(walk.order[i]);
        let (folder, child) = (entry.folder, entry.child);
        // Within an order, a folder's state is needed only while its children are visited.
        let Some(parent) = states[folder as usize].take() else { continue };
        let path = paths.get(walk, i);
        let judged = if child == NONE {
            filter.judge(path, &parent, &mut scratch)
        } else {
            filter.judge_folder(path, &parent, &mut scratch)
        };
        states[folder as usize] = Some(parent);
        let judged = judged?;
        if judged.listed {
            out[i] = Passed { listed: true, opens: judged.opens };
            pay(walk, folder, &mut owed, &mut out);
        } else if child != NONE && judged.enter.is_some() {
            owed[child as usize] = Some(i);
        }
        if child != NONE {
            states[child as usize] = judged.enter;
        }
    }
    Ok(out)
}

/// Lists the folders above an entry that were waiting for one.
fn pay(walk: &Walk, folder: u32, owed: &mut [Option<usize>], out: &mut [Passed]) {
    let mut at = folder;
    while at != 0 {
        if let Some(place) = owed[at as usize].take() {
            out[place].listed = true;
        }
        at = walk.at(walk.folders[at as usize].own).1.folder;
    }
}
