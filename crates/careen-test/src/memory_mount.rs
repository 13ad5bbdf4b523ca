//! A file system in memory to test with: something that lies below a folder and is not part of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs; unmounted when dropped, also by a failing test.
#[derive(Debug)]
pub struct MemoryMount(PathBuf);

impl MemoryMount {
    /// Mounts a small one. The error is the reason why this machine cannot, for the words
    /// "skipped: …".
    ///
    /// # Panics
    ///
    /// When the folder cannot be made, or root cannot mount there.
    pub fn at(point: &Path) -> Result<MemoryMount, String> {
        fs::create_dir_all(point).expect("a project's folder is writable");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=1m", "careen-test"]).arg(point);
        let output = command.output().map_err(|err| format!("mount cannot be run ({err})"))?;
        let says = String::from_utf8_lossy(&output.stderr);
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        match output.status.success() {
            true => Ok(MemoryMount(point.to_owned())),
            false if !is_root => Err("only root can mount".to_owned()),
            false => panic!("could not mount {}: {says}", point.display()),
        }
    }

    /// Two of them below `root`: file `one/x` with this many names, and `two/y` with two names and
    /// the same inode number. The error is why there are none.
    ///
    /// # Panics
    ///
    /// As [`MemoryMount::at`].
    pub fn twins(root: &Path, names: usize) -> Result<[MemoryMount; 2], String> {
        let [one, two] = [root.join("one"), root.join("two")];
        let mounts = [MemoryMount::at(&one)?, MemoryMount::at(&two)?];
        let write = |path: PathBuf, text: &str| fs::write(path, text).expect("there is room");
        write(one.join("x"), "content of x");
        write(two.join("y"), "something else in y");
        let again = |folder: &Path, name: &str| {
            let link = folder.join(format!("{name} again"));
            fs::hard_link(folder.join(name), link).expect("tmpfs has hard links");
        };
        if names > 1 {
            again(&one, "x");
        }
        again(&two, "y");
        let number = |path: PathBuf| fs::metadata(path).expect("it was just written").ino();
        // Each tmpfs counts by itself since Linux 5.9; before, all shared one counter.
        if number(one.join("x")) == number(two.join("y")) {
            Ok(mounts)
        } else {
            Err("this kernel numbers the files of all tmpfs together".to_owned())
        }
    }
}

impl Drop for MemoryMount {
    fn drop(&mut self) {
        // One that stays is seen: the folder that holds it cannot be removed.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
