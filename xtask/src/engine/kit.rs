//! The programs of a private engine, unpacked from Debian packages into a folder.
//!
//! Nothing is installed on the machine: lists, downloads and files stay below the folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::Generation;
use crate::apt::{Private, codename};
use crate::failure::Failure;
use crate::home;

/// The Debian release whose `docker.io` is 28.x. Its programs but runc need glibc 2.34, so that
/// they run on bookworm; runc (glibc 2.38) comes from the release that runs here.
const MODERN_SUITE: &str = "forky";

/// Where the programs of one engine lie.
#[derive(Debug, Clone)]
pub(super) struct Kit {
    folder: PathBuf,
}

impl Kit {
    pub(super) fn new(engine: &Path) -> Self {
        Self { folder: engine.join("kit") }
    }

    /// `dockerd`, `containerd`, `runc`, `docker` and what they call.
    pub(super) fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// A `DOCKER_CONFIG` with buildx as a plugin, when this generation has it.
    pub(super) fn client_config(&self) -> Option<PathBuf> {
        let folder = self.folder.join("cli");
        folder.join("cli-plugins/docker-buildx").exists().then_some(folder)
    }

    /// Shared libraries that the machine lacks.
    pub(super) fn libraries(&self) -> Option<PathBuf> {
        let folder = self.folder.join("lib");
        folder.exists().then_some(folder)
    }

    /// Downloads and unpacks unless that is done; an interrupted try is started over.
    pub(super) fn install(&self, generation: Generation) -> Result<(), Failure> {
        if self.folder.exists() {
            return Ok(());
        }
        let partial = self.folder.with_extension("partial");
        home::remove(&partial)?;
        if generation == Generation::Containerd {
            let modern = Self::new(&home::engine(Generation::Modern.name())?);
            modern.install(Generation::Modern)?;
            link(&modern.folder, &partial)?;
            return home::rename(&partial, &self.folder);
        }
        let root = partial.join("root");
        fetch(generation, &partial, &root)?;
        collect(&root, &partial)?;
        for leftover in [root, partial.join("own"), partial.join("next")] {
            home::remove(&leftover)?;
        }
        home::rename(&partial, &self.folder)
    }
}

fn fetch(generation: Generation, partial: &Path, root: &Path) -> Result<(), Failure> {
    let machine_status = Path::new("/var/lib/dpkg/status");
    let own = Private::new(&partial.join("own"), &codename()?, machine_status)?;
    if generation == Generation::Debian {
        own.download_with_dependencies(&["docker.io", "containerd", "runc", "tini"])?;
        return own.unpack(root);
    }
    own.download(&["runc"])?;
    own.unpack(root)?;
    let empty = partial.join("status");
    home::write(&empty, "")?;
    let next = Private::new(&partial.join("next"), MODERN_SUITE, &empty)?;
    next.download(&["docker.io", "docker-buildx", "containerd", "docker-cli", "tini-static"])?;
    next.unpack(root)
}

/// Programs into `bin`, buildx into `cli`, libraries into `lib`.
fn collect(root: &Path, partial: &Path) -> Result<(), Failure> {
    let bin = partial.join("bin");
    home::create(&bin)?;
    for folder in ["usr/bin", "usr/sbin", "bin", "sbin"] {
        for path in files(&root.join(folder)) {
            let name = path.file_name().expect("an entry of a folder has a name");
            home::rename(&path, &bin.join(name))?;
        }
    }
    let buildx = root.join("usr/libexec/docker/cli-plugins/docker-buildx");
    if buildx.exists() {
        let plugins = partial.join("cli/cli-plugins");
        home::create(&plugins)?;
        home::rename(&buildx, &plugins.join("docker-buildx"))?;
    }
    collect_libraries(root, &partial.join("lib"))
}

/// Everything named like a shared library, wherever the architecture's folder is.
fn collect_libraries(root: &Path, lib: &Path) -> Result<(), Failure> {
    for place in [root.join("lib"), root.join("usr/lib")] {
        for architecture in folders(&place) {
            for path in files(&architecture) {
                let name = path.file_name().expect("an entry of a folder has a name");
                if name.to_string_lossy().contains(".so.") {
                    home::create(lib)?;
                    home::rename(&path, &lib.join(name))?;
                }
            }
        }
    }
    Ok(())
}

/// The same tree again, every file a hard link: it costs no space, and a process still tells by
/// the path of its executable which engine it belongs to.
fn link(from: &Path, to: &Path) -> Result<(), Failure> {
    home::create(to)?;
    let name = |path: &Path| path.file_name().expect("an entry of a folder has a name").to_owned();
    for path in files(from) {
        let copy = to.join(name(&path));
        fs::hard_link(&path, &copy).map_err(Failure::file("link", copy))?;
    }
    folders(from).into_iter().try_for_each(|folder| link(&folder, &to.join(name(&folder))))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| !path.is_dir()).collect()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}
