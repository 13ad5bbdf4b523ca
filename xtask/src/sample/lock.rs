//! The sample's `uv.lock`: made at run time, because a lock file names the package index it was
//! made with; kept below the target folder, so that the second sample needs no network.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt;
use crate::failure::Failure;
use crate::home;
use crate::process::{Call, exists};

/// The lock file for the project in `folder`.
pub(super) fn lock_file(folder: &Path) -> Result<String, Failure> {
    let manifest = folder.join("pyproject.toml");
    let text = fs::read(&manifest).map_err(Failure::file("read", manifest))?;
    let kept = home::target().join(format!("tools/hoops-{}.lock", home::hash(&text)));
    if let Ok(lock) = fs::read_to_string(&kept) {
        return Ok(lock);
    }
    let uv = uv()?;
    Call::new(uv)
        .args(["lock", "--quiet"])
        .folder(folder)
        .env_remove("VIRTUAL_ENV")
        .run_quietly()?;
    let made = folder.join("uv.lock");
    let lock = fs::read_to_string(&made).map_err(Failure::file("read", made))?;
    let partial = kept.with_extension("partial");
    home::write(&partial, &lock)?;
    home::rename(&partial, &kept)?;
    Ok(lock)
}

/// uv of this machine, else one of our own from pip in a private virtual environment.
fn uv() -> Result<PathBuf, Failure> {
    let tools = home::target().join("tools");
    home::create(&tools)?;
    if exists("uv") {
        return Ok(PathBuf::from("uv"));
    }
    let venv = tools.join("uv");
    let program = venv.join("bin/uv");
    if program.exists() {
        return Ok(program);
    }
    home::remove(&venv)?;
    if !Call::new("python3").args(["-c", "import ensurepip"]).succeeds() {
        if !apt::usable() {
            return Err(Failure::NeedsRoot { what: "installing python3-venv" });
        }
        apt::install(&["python3-venv"])?;
    }
    Call::new("python3").args(["-m", "venv"]).arg(&venv).run_quietly()?;
    Call::new(venv.join("bin/pip")).args(["install", "--quiet", "uv"]).run_quietly()?;
    Ok(program)
}
