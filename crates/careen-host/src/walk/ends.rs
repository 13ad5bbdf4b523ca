//! File systems that tell with the last name that it is the last.
//!
//! The end of a folder is otherwise asked for with one more `getdents64`. ext4 gives each name the
//! place of the next one, and the last name the place of the end (`ext4_get_htree_eof`), from
//! where it returns nothing: asking again is a request without an answer. A signal that stops it
//! earlier leaves another place there. Other file systems put there what they like.

use rustix::fd::BorrowedFd;

/// The place of the end for a process of 64 bits (`EXT4_HTREE_EOF_64BIT`).
pub(super) const LAST: u64 = 0x7fff_ffff_ffff_ffff;

/// `EXT4_SUPER_MAGIC`, which ext2 and ext3 share: the kernel reads them with the same code.
const EXT4: i64 = 0xef53;

/// What was found about the file system asked about last.
#[derive(Debug, Default)]
pub(super) struct Ends {
    known: Option<(u64, bool)>,
}

impl Ends {
    /// Whether the end of the open folder can be told from its last name. `device` is its file
    /// system, where known.
    pub(super) fn tells(&mut self, fd: BorrowedFd<'_>, device: Option<u64>) -> bool {
        let Some(device) = device else { return false };
        if let Some((known, tells)) = self.known
            && known == device
        {
            return tells;
        }
        let tells = rustix::fs::fstatfs(fd).is_ok_and(|found| found.f_type == EXT4);
        self.known = Some((device, tells));
        tells
    }
}
