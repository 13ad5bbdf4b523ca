//! The tests of the report in a real Chromium: Debian's own, installed where that is possible.

use std::path::PathBuf;

use crate::apt;
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::{Call, exists};

const USAGE: &str = "browser";

/// Names the program to the tests; without it they say that they were skipped.
const VARIABLE: &str = "CAREEN_CHROMEDRIVER";

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
    Call::new(program)
        .args(["test", "-p", "careen", "--test", "browser"])
        .folder(&crate::home::workspace())
        .env(VARIABLE, driver)
        .run()
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
