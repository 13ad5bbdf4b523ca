//! What surrounds this process: environment, clock, terminal. Read here and nowhere below.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use careen_report::terminal::Style;
use rustix::termios::tcgetwinsize;

use crate::arguments::Color;

/// Columns that a pipe gets.
const WIDTH: usize = 80;
const HEIGHT: usize = 24;

/// The world at the start of the program.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) home: PathBuf,
    /// Seconds since the Unix epoch.
    pub(crate) now: i64,
    /// How standard output shows things.
    pub(crate) out: Style,
    /// How standard error shows things.
    pub(crate) err: Style,
    /// Somebody can be asked: input and error are a terminal, and no agent or CI runs us.
    pub(crate) interactive: bool,
}

impl World {
    pub(crate) fn new(color: Color) -> World {
        let stdout = io::stdout();
        let stderr = io::stderr();
        let system = careen_host::RealSystem::new();
        let agent = careen_host::agent(&system).is_some();
        let ci = careen_host::ci(&system).is_some();
        let width =
            tcgetwinsize(&stdout).or_else(|_| tcgetwinsize(&stderr)).map(|size| size.ws_col);
        let columns = env("COLUMNS").and_then(|text| text.parse().ok());
        let width = columns.or(width.ok().map(usize::from)).filter(|n| *n >= 20).unwrap_or(WIDTH);
        let style = |is_terminal: bool| Style {
            color: colored(color, is_terminal && !agent),
            unicode: speaks_utf8(),
            width: if is_terminal { width } else { columns.unwrap_or(WIDTH) },
        };
        World {
            home: home(),
            now: now(),
            out: style(stdout.is_terminal()),
            err: style(stderr.is_terminal()),
            interactive: io::stdin().is_terminal() && stderr.is_terminal() && !agent && !ci,
        }
    }

    /// Where the history of all builds lies.
    pub(crate) fn history(&self) -> PathBuf {
        let data = std::env::var_os("XDG_DATA_HOME");
        careen_run::history::default_path(data.as_deref(), &self.home)
    }
}

/// A variable of the environment; `None` when it is unset or not text.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The home folder: HOME, else what the system's list of users says. Without one, a folder that
/// nobody can make, so that nothing is kept in a place nobody chose.
fn home() -> PathBuf {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    home.unwrap_or_else(|| PathBuf::from("/dev/null"))
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Rows and columns of the terminal that standard error is, now; `known_width` where it does not
/// tell, or where `COLUMNS` says what to take.
pub(crate) fn size(known_width: usize) -> (usize, usize) {
    let size = tcgetwinsize(io::stderr()).ok();
    let rows = size.map(|size| usize::from(size.ws_row)).filter(|n| *n > 2).unwrap_or(HEIGHT);
    let asked = env("COLUMNS").is_some();
    let columns = size.map(|size| usize::from(size.ws_col)).filter(|n| *n >= 20 && !asked);
    (rows, columns.unwrap_or(known_width))
}

fn colored(asked: Color, is_terminal: bool) -> bool {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR").is_some() => false,
        Color::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => is_terminal && env("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// The first locale variable that is set decides, as POSIX has it.
fn speaks_utf8() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env(name).filter(|v| !v.is_empty()));
    locale.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}
