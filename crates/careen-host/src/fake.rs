//! A world for tests: files, folders with a price per question, and a clock that only they move.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use careen_model::Why;

use crate::{Folder, Freshness, Machine, RoomStatus, Status, System};

#[derive(Debug, Clone, Default)]
pub(crate) struct FakeSystem {
    files: BTreeMap<PathBuf, Vec<u8>>,
    programs: Vec<PathBuf>,
    links: BTreeMap<PathBuf, PathBuf>,
    folders: BTreeMap<PathBuf, FakeFolder>,
    rooms: BTreeMap<PathBuf, RoomStatus>,
    denied: Vec<PathBuf>,
    variables: BTreeMap<String, String>,
    clock: Rc<Cell<Duration>>,
}

/// A folder whose questions cost so many nanoseconds: lookup, forced and plain status.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FakeFolder {
    pub(crate) mount_id: u64,
    pub(crate) costs: [u64; 3],
}

impl FakeSystem {
    pub(crate) fn file(mut self, path: &str, text: &str) -> FakeSystem {
        self.files.insert(path.into(), text.as_bytes().to_vec());
        self
    }

    pub(crate) fn program(mut self, path: &str) -> FakeSystem {
        self.programs.push(path.into());
        self
    }

    pub(crate) fn folder(mut self, path: &str, folder: FakeFolder) -> FakeSystem {
        self.folders.insert(path.into(), folder);
        self
    }

    pub(crate) fn room(mut self, path: &str, room: RoomStatus) -> FakeSystem {
        self.rooms.insert(path.into(), room);
        self
    }

    /// Nothing in it may be looked up; an open folder stays one.
    pub(crate) fn denied(mut self, path: &str) -> FakeSystem {
        self.denied.push(path.into());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> FakeSystem {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn absent(&self, path: &Path) -> Why {
        let what = path.display().to_string();
        if self.denied.iter().any(|denied| denied == path) {
            return Why::Denied { what };
        }
        Why::Absent { what }
    }

    /// Every path that exists.
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let folders = self.folders.keys().chain(self.rooms.keys());
        self.files.keys().chain(&self.programs).chain(self.links.keys()).chain(folders)
    }
}

impl System for FakeSystem {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Why> {
        self.files.get(path).cloned().ok_or_else(|| self.absent(path))
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, Why> {
        self.links.get(path).cloned().ok_or_else(|| self.absent(path))
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, Why> {
        let inside = self.paths().filter_map(|inner| inner.strip_prefix(path).ok()?.iter().next());
        let mut names: Vec<OsString> = inside.map(Into::into).collect();
        names.sort();
        names.dedup();
        if names.is_empty() { Err(self.absent(path)) } else { Ok(names) }
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, Why> {
        Ok(path.to_owned())
    }

    fn status(&self, path: &Path) -> Result<Status, Why> {
        let status = |mount_id, mode| Status { mount_id: Some(mount_id), device: mount_id, mode };
        if self.denied.iter().any(|denied| denied == path) {
            return Err(self.absent(path));
        }
        if self.programs.iter().any(|program| program == path) {
            return Ok(status(1, 0o100_755));
        }
        if self.files.contains_key(path) {
            return Ok(status(1, 0o100_644));
        }
        match self.folders.get(path) {
            Some(folder) => Ok(status(folder.mount_id, 0o040_755)),
            None if self.paths().any(|inner| inner.starts_with(path)) => Ok(status(1, 0o040_755)),
            None => Err(self.absent(path)),
        }
    }

    fn room(&self, path: &Path) -> Result<RoomStatus, Why> {
        self.rooms.get(path).copied().ok_or_else(|| self.absent(path))
    }

    fn folder(&self, path: &Path) -> Result<Box<dyn Folder>, Why> {
        let folder = *self.folders.get(path).ok_or_else(|| self.absent(path))?;
        let denied = self.denied.iter().find(|denied| *denied == path).cloned();
        Ok(Box::new(OpenFake { folder, denied, clock: Rc::clone(&self.clock) }))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn machine(&self) -> Machine {
        Machine {
            os: "linux".into(),
            kernel: "6.1.0".into(),
            architecture: "x86_64".into(),
            cpus: 2,
            user_id: 1000,
        }
    }

    fn clock(&self) -> Duration {
        self.clock.get()
    }

    fn random(&self) -> u64 {
        4
    }

    fn for_thread(&self) -> Option<Box<dyn System + Send>> {
        None
    }
}

#[derive(Debug)]
struct OpenFake {
    folder: FakeFolder,
    denied: Option<PathBuf>,
    clock: Rc<Cell<Duration>>,
}

impl OpenFake {
    fn pay(&self, which: usize) {
        self.clock.set(self.clock.get() + Duration::from_nanos(self.folder.costs[which]));
    }
}

impl Folder for OpenFake {
    fn has(&self, _name: &str) -> Result<bool, Why> {
        self.pay(0);
        match &self.denied {
            Some(path) => Err(Why::Denied { what: path.display().to_string() }),
            None => Ok(false),
        }
    }

    fn status(&self, freshness: Freshness) -> Result<Status, Why> {
        self.pay(match freshness {
            Freshness::Synchronised => 1,
            Freshness::Cached => 2,
        });
        let mount_id = self.folder.mount_id;
        Ok(Status { mount_id: Some(mount_id), device: mount_id, mode: 0o040_755 })
    }
}
